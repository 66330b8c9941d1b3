//! An archive that the real binary recorded, and copies of it to forge.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use keys::{RootKey, load_signing_key};
use record::envelope::Summary;
use record::{CollectorName, Pid};
use segment::{PartsWriter, RecordsWriter, each_part, each_record};
use tempfile::TempDir;
use tlog::{Hash, SigningKey, TilePath, Tree, leaf_hash, push_entry, read_bundle};

use crate::support::{
    SOON, Server, Setup, Upstream, Witness, chat, files_under, interactions, post, until,
};

/// Enough for a full tile and one above it.
const CALLS: usize = 262;

/// What was recorded: never changed.
pub(crate) struct Original {
    data: PathBuf,
    /// The verifier key, as the recorder printed it when it started.
    pub(crate) key: String,
    /// Records files, oldest first, with their rows' indices.
    pub(crate) segments: Vec<(String, Vec<u64>)>,
    /// The first and the last of them that hold calls.
    pub(crate) file: String,
    pub(crate) newest: String,
    /// Two interactions of the first one.
    pub(crate) victim: u64,
    pub(crate) other: u64,
}

impl Original {
    pub(crate) fn record(folder: &Path) -> Self {
        let upstream = Upstream::start();
        let mut setup = Setup::new(folder, upstream.address);
        "segment_bytes = \"64KiB\"".clone_into(&mut setup.ledger);
        let server = Server::start(&setup);
        let (key, data) = (server.key.clone(), setup.data.clone());
        for i in 0..CALLS {
            let said = post(server.proxy, &[], chat(&format!("question {i}"), false).as_bytes());
            assert_eq!(said.head.status, 200);
            // A journal that is full becomes a segment with the next seal.
            if i == 100 || i == 200 {
                until("a segment", SOON, || (segments(&data).len() > i / 150).then_some(()));
            }
        }
        until("all calls", SOON, || (interactions(&data).len() == CALLS).then_some(()));
        server.stop();
        // The journal of a second run is too small to be closed before the stop, whatever the time:
        // so the newest segment holds calls, and no record in a segment names it.
        let server = Server::start(&setup);
        for i in 0..3 {
            let said = post(server.proxy, &[], chat(&format!("answer {i}"), false).as_bytes());
            assert_eq!(said.head.status, 200);
        }
        server.stop();
        Self::of(data, key)
    }

    /// A few calls, each anchored with a witness before the next: gives the witness too. The second
    /// run's segment names the first one's.
    pub(crate) fn anchored(setup: &mut Setup, calls: usize) -> (String, Witness) {
        let server = Server::start(setup);
        let key = server.key.clone();
        server.stop();
        let witness = Witness::start(&setup.folder.join("witness"), &[&key], "127.0.0.1:0");
        setup.more = format!(
            "[anchors]\nevery = \"100ms\"\n\
             [[anchors.witness]]\nname = \"w1\"\nurl = {:?}\nkey = {:?}\n",
            witness.url, witness.key,
        );
        for calls in [calls, 3] {
            let server = Server::start(setup);
            let size = || -> u64 {
                let text = crate::support::get(server.api, "/metrics").text();
                let name = "custody_anchor_size{kind=\"witness\",anchor=\"w1\"} ";
                text.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
            };
            for i in 0..calls {
                let before = size();
                let said =
                    post(server.proxy, &[], chat(&format!("question {i}"), false).as_bytes());
                assert_eq!(said.head.status, 200);
                if i % 100 == 2 {
                    until("it is anchored", SOON, || (size() > before).then_some(()));
                }
            }
            server.stop();
        }
        (key, witness)
    }

    /// What lies in the data directory `data`, signed with `key`.
    pub(crate) fn of(data: PathBuf, key: String) -> Self {
        let segments = segments(&data);
        // Calls have parts, and may be of another class than the recorder's own records.
        let calls: Vec<String> = segments.iter().map(|(name, _)| name.clone()).collect();
        let parts = |name: &String| data.join("archive").join(parts_of(name)).exists();
        let calls: Vec<String> = calls.into_iter().filter(parts).collect();
        let of_calls: Vec<u64> = rows(&data.join("archive").join(&calls[0]))
            .into_iter()
            .filter(|(_, envelope)| String::from_utf8_lossy(envelope).contains("\"interaction\""))
            .map(|(index, _)| index)
            .collect();
        let (file, newest) = (calls[0].clone(), calls.last().unwrap().clone());
        Self { data, key, segments, file, newest, victim: of_calls[3], other: of_calls[7] }
    }

    /// Its archive's folder.
    pub(crate) fn archive(&self) -> PathBuf {
        self.data.join("archive")
    }

    pub(crate) fn copy(&self) -> Case {
        let folder = tempfile::tempdir().unwrap();
        for part in ["archive", "collectors"].map(|part| self.data.join(part)) {
            for file in part.is_dir().then(|| files_under(&part)).into_iter().flatten() {
                let to = folder.path().join(file.strip_prefix(&self.data).unwrap());
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(&file, &to).unwrap();
                std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o644)).unwrap();
            }
        }
        Case(folder)
    }

    /// The key that the recorder signs with.
    pub(crate) fn signing_key(&self) -> SigningKey {
        let keys = self.data.join("keys");
        let root = RootKey::load(&keys.join("root.key")).unwrap();
        let (origin, _) = self.key.split_once('+').unwrap();
        load_signing_key(&keys, &root, &CollectorName::new("c1").unwrap(), origin).unwrap()
    }

    /// The parts file beside the first records file.
    pub(crate) fn parts(&self) -> String {
        parts_of(&self.file)
    }

    /// An index past the end of the log.
    pub(crate) fn past(&self) -> u64 {
        self.segments.iter().flat_map(|(_, rows)| rows).max().unwrap() + 1000
    }
}

/// The parts file beside a records file.
pub(crate) fn parts_of(records: &str) -> String {
    records.replace("/records/", "/parts/")
}

fn segments(data: &Path) -> Vec<(String, Vec<u64>)> {
    let archive = data.join("archive");
    let mut found: Vec<_> = files_under(&archive)
        .into_iter()
        .filter(|path| path.to_str().unwrap().contains("/c1/records/"))
        .map(|path| {
            let name = path.strip_prefix(&archive).unwrap().to_str().unwrap().to_owned();
            (name, rows(&path).into_iter().map(|(index, _)| index).collect::<Vec<_>>())
        })
        .collect();
    found.sort_by_key(|(_, rows)| rows[0]);
    found
}

fn rows(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut rows = Vec::new();
    let file = Bytes::from(std::fs::read(path).unwrap());
    each_record(file, |index, envelope| rows.push((index, envelope.to_vec()))).unwrap();
    rows
}

/// A row of a records file: its index, the envelope that its columns are made of, its envelope.
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) columns: Vec<u8>,
    pub(crate) envelope: Vec<u8>,
}

/// A copy; it goes when dropped.
pub(crate) struct Case(TempDir);

impl Case {
    pub(crate) fn data(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.0.path().join("archive")
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.archive().join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.archive().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.archive().join(name)).unwrap();
    }

    /// The journal's folder and everything else beside the archive is gone.
    pub(crate) fn remove_journal(&self) {
        std::fs::remove_dir_all(self.0.path().join("collectors")).unwrap();
    }

    /// The index of the first record of a file whose envelope names something.
    pub(crate) fn record_with(&self, name: &str, named: &str) -> u64 {
        let names = |envelope: &[u8]| String::from_utf8_lossy(envelope).contains(named);
        let rows = rows(&self.archive().join(name));
        rows.iter().find(|(_, envelope)| names(envelope)).unwrap().0
    }

    pub(crate) fn rewrite_records(&self, name: &str, to: &str, edit: impl FnOnce(&mut Vec<Row>)) {
        let mut made: Vec<Row> = rows(&self.archive().join(name))
            .into_iter()
            .map(|(index, envelope)| Row { index, columns: envelope.clone(), envelope })
            .collect();
        edit(&mut made);
        let mut writer = RecordsWriter::new(Vec::new()).unwrap();
        for row in &made {
            let columns = Summary::from_bytes(&row.columns).unwrap();
            writer.push(row.index, &columns, &row.envelope).unwrap();
        }
        self.write(to, &writer.finish().unwrap());
    }

    pub(crate) fn rewrite_parts(&self, name: &str, edit: impl FnOnce(&mut Vec<(Pid, Vec<u8>)>)) {
        let mut parts = Vec::new();
        each_part(Bytes::from(self.read(name)), |pid, sealed| parts.push((pid, sealed.to_vec())))
            .unwrap();
        edit(&mut parts);
        let mut writer = PartsWriter::new(Vec::new(), parts.len()).unwrap();
        for (pid, sealed) in &parts {
            writer.push(pid, sealed).unwrap();
        }
        self.write(name, &writer.finish().unwrap());
    }

    /// Cosigned notes by size: name and text.
    pub(crate) fn cosigned(&self) -> Vec<(u64, String, String)> {
        let archive = self.archive();
        let mut notes: Vec<_> = files_under(&archive.join("c1/ledger/anchors"))
            .into_iter()
            .map(|path| {
                let name = path.strip_prefix(&archive).unwrap().to_str().unwrap().to_owned();
                let note = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
                (note.lines().nth(1).unwrap().parse().unwrap(), name, note)
            })
            .collect();
        notes.sort();
        notes
    }

    /// Kept checkpoints by size.
    pub(crate) fn kept(&self) -> Vec<(u64, String)> {
        let archive = self.archive();
        let mut kept: Vec<_> = files_under(&archive.join("c1/ledger/checkpoints"))
            .into_iter()
            .map(|path| {
                let name = path.strip_prefix(&archive).unwrap().to_str().unwrap().to_owned();
                let note = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
                (note.lines().nth(1).unwrap().parse().unwrap(), name)
            })
            .collect();
        kept.sort();
        kept
    }

    /// The log's entries under the published checkpoint.
    pub(crate) fn entries(&self) -> Vec<Vec<u8>> {
        let size = self.kept().last().unwrap().0;
        TilePath::all(size)
            .filter(|path| path.level.is_none())
            .flat_map(|path| {
                let bundle = self.read(&format!("c1/ledger/{path}"));
                let entries = read_bundle(&bundle).unwrap();
                entries.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Writes the tiles and bundles of these entries, and no others; gives the root.
    pub(crate) fn rebuild(&self, entries: &[Vec<u8>]) -> Hash {
        std::fs::remove_dir_all(self.archive().join("c1/ledger/tile")).unwrap();
        let tile = |path: TilePath, hashes: &[Hash]| {
            let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
            self.write(&format!("c1/ledger/{path}"), &bytes);
        };
        let mut tree = Tree::new();
        for entry in entries {
            tree.push(leaf_hash(entry), tile);
        }
        for (path, hashes) in tree.partials() {
            tile(path, hashes);
        }
        let size = u64::try_from(entries.len()).unwrap();
        for (start, entries) in (0..).step_by(256).zip(entries.chunks(256)) {
            let mut bundle = Vec::new();
            for entry in entries {
                assert!(push_entry(&mut bundle, entry));
            }
            let end = size.min(start + 256);
            self.write(&format!("c1/ledger/{}", TilePath::bundle_covering(start, end)), &bundle);
        }
        tree.root()
    }
}
