//! Programs that know nothing of Custody read and verify what it wrote: the Merkle trees of `ct-merkle`
//! and `pymerkle`, Go's note and tlog, openssl's Ed25519, DuckDB's Parquet.
//!
//! The Python packages are looked for in `CUSTODY_TEST_PYTHON`. A tool that is absent is said so.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use serde_json::json;
use sha2::Sha256;
use support::{SOON, Server, Setup, Upstream, chat, files_under, interactions, post, until};
use tempfile::TempDir;
use tlog::{
    Checkpoint, Hash, TilePath, VerifyingKey, consistency_proof, inclusion_proof, read_bundle,
};

/// One past a full tile, and some more.
const CALLS: usize = 258;

/// A log that the real binary recorded.
struct Log {
    _folder: TempDir,
    archive: PathBuf,
    ledger: PathBuf,
    key: String,
    entries: Vec<Vec<u8>>,
    /// Checkpoints that were published, by size.
    kept: Vec<Checkpoint>,
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::start();
        let mut setup = Setup::new(folder.path(), upstream.address);
        "segment_bytes = \"64KiB\"".clone_into(&mut setup.ledger);
        let server = Server::start(&setup);
        let key = server.key.clone();
        for i in 0..CALLS {
            let said = post(server.proxy, &[], chat(&format!("question {i}"), false).as_bytes());
            assert_eq!(said.head.status, 200);
        }
        until("all calls", SOON, || (interactions(&setup.data).len() == CALLS).then_some(()));
        let archive = setup.data.join("archive");
        let segments =
            || files_under(&archive).iter().any(|f| f.to_str().unwrap().contains("/parts/"));
        until("a segment", SOON, || segments().then_some(()));
        server.stop();
        let ledger = archive.join("c1/ledger");
        let verifier: VerifyingKey = key.parse().unwrap();
        let mut kept: Vec<_> = files_under(&ledger.join("checkpoints"))
            .iter()
            .map(|path| Checkpoint::open(&std::fs::read(path).unwrap(), &verifier).unwrap())
            .collect();
        kept.sort_by_key(|checkpoint| checkpoint.size);
        let entries = TilePath::all(kept.last().unwrap().size)
            .filter(|path| path.level.is_none())
            .flat_map(|path| {
                let bundle = std::fs::read(ledger.join(path.to_string())).unwrap();
                let entries = read_bundle(&bundle).unwrap();
                entries.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
            })
            .collect();
        Log { _folder: folder, archive, ledger, key, entries, kept }
    })
}

impl Log {
    fn tile(&self, path: TilePath) -> Option<Vec<Hash>> {
        let read = |path: TilePath| std::fs::read(self.ledger.join(path.to_string())).ok();
        let bytes = read(path).or_else(|| read(path.full()))?;
        let hashes: Vec<Hash> =
            bytes.chunks_exact(32).map(|hash| Hash(hash.try_into().unwrap())).collect();
        Some(hashes.get(..usize::from(path.width))?.to_vec())
    }

    fn newest(&self) -> &Checkpoint {
        self.kept.last().unwrap()
    }

    /// Indices at the edges of tiles and subtrees, and their paths.
    fn inclusion(&self) -> Vec<(u64, Vec<Hash>)> {
        let size = self.newest().size;
        [0, 1, 127, 255, 256, size - 1]
            .map(|index| (index, inclusion_proof(index, size, &|path| self.tile(path)).unwrap()))
            .to_vec()
    }

    fn consistency(&self) -> Vec<(u64, u64, Vec<Hash>)> {
        let new = self.newest().size;
        self.kept
            .iter()
            .filter(|old| (1..new).contains(&old.size))
            .map(|old| {
                let path = consistency_proof(old.size, new, &|path| self.tile(path)).unwrap();
                (old.size, new, path)
            })
            .collect()
    }
}

/// `None`, and says so, where a tool is absent.
fn skipped<T>(what: &str) -> Option<T> {
    println!("SKIPPED: {what} is not here");
    None
}

fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex::encode(hash.0)).collect()
}

fn number(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

fn root_of(checkpoint: &Checkpoint) -> RootHash<Sha256> {
    RootHash::new(checkpoint.root.0.into(), checkpoint.size)
}

#[test]
fn ct_merkle_has_the_same_roots_and_accepts_our_proofs() {
    let log = log();
    let mut tree: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    let mut compared = 0;
    for entry in &log.entries {
        tree.push(entry.clone());
        if let Some(kept) = log.kept.iter().find(|kept| kept.size == tree.len()) {
            assert_eq!(tree.root().as_bytes().as_slice(), kept.root.0, "at {}", kept.size);
            compared += 1;
        }
    }
    assert_eq!(compared, log.kept.iter().filter(|kept| kept.size > 0).count());
    let newest = root_of(log.newest());
    for (index, path) in log.inclusion() {
        let entry = &log.entries[number(index)];
        let digests: Vec<_> = path.iter().map(|hash| hash.0.into()).collect();
        let proof = InclusionProof::<Sha256>::from_digests(&digests);
        newest.verify_inclusion(entry, index, &proof).unwrap();
        let wrong = &log.entries[(number(index) + 1) % log.entries.len()];
        assert!(newest.verify_inclusion(wrong, index, &proof).is_err());
    }
    let proofs = log.consistency();
    assert!(!proofs.is_empty());
    for (old, new, path) in proofs {
        let digests: Vec<_> = path.iter().map(|hash| hash.0.into()).collect();
        let proof = ConsistencyProof::<Sha256>::from_digests(&digests);
        let old = root_of(log.kept.iter().find(|kept| kept.size == old).unwrap());
        newest.verify_consistency(&old, &proof).unwrap();
        let other = RootHash::new([7; 32].into(), old.num_leaves());
        assert!(newest.verify_consistency(&other, &proof).is_err(), "to {new}");
    }
}

/// Asks `foreign.py`; `None` where Python or the package is absent.
fn python(what: &str, question: &serde_json::Value) -> Option<Output> {
    let python = std::env::var_os("CUSTODY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/foreign.py");
    let child = Command::new(python)
        .arg(script)
        .arg(what)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return skipped("python3") };
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(77) {
        return skipped(what);
    }
    Some(output)
}

fn good(output: &Output) {
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complained}");
    println!("{}", String::from_utf8_lossy(&output.stdout).trim());
}

#[test]
fn pymerkle_has_the_same_roots_and_accepts_our_proofs() {
    let log = log();
    let size = log.newest().size;
    let inclusion: Vec<_> =
        log.inclusion().iter().map(|(index, path)| json!([index, size, hexes(path)])).collect();
    let consistency: Vec<_> =
        log.consistency().iter().map(|(old, new, path)| json!([old, new, hexes(path)])).collect();
    let roots: Vec<_> = log
        .kept
        .iter()
        .filter(|kept| kept.size > 0)
        .map(|kept| json!([kept.size, hex::encode(kept.root.0)]))
        .collect();
    let entries: Vec<_> = log.entries.iter().map(hex::encode).collect();
    let question = json!({
        "entries": entries, "roots": roots, "inclusion": inclusion, "consistency": consistency,
    });
    if let Some(output) = python("pymerkle", &question) {
        good(&output);
    }
}

#[test]
fn duckdb_reads_the_segments() {
    let log = log();
    let glob = |kind: &str| log.archive.join(format!("c1/{kind}/*/*/*.parquet"));
    let question = json!({
        "records": glob("records"), "parts": glob("parts"),
        "entries": log.entries.iter().map(hex::encode).collect::<Vec<_>>(),
    });
    if let Some(output) = python("duckdb", &question) {
        good(&output);
    }
}

#[test]
fn go_opens_the_note_and_proves_every_record_from_the_tiles() {
    let log = log();
    let sources = Path::new("/usr/share/gocode");
    if !sources.join("src/golang.org/x/mod/sumdb/tlog").is_dir() {
        return skipped("golang-golang-x-mod-dev").unwrap_or(());
    }
    let cache = tempfile::tempdir().unwrap();
    let run = |key: &str| {
        Command::new("go")
            .args(["run", "tests/go/tiles.go"])
            .arg(&log.ledger)
            .arg(key)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("GO111MODULE", "off")
            .env("GOPATH", sources)
            .env("GOFLAGS", "")
            .env("GOCACHE", cache.path())
            .output()
    };
    let Ok(output) = run(&log.key) else { return skipped("go").unwrap_or(()) };
    good(&output);
    let other = tlog::SigningKey::new(log.newest().origin.clone(), &[9; 32]).unwrap();
    assert!(!run(&other.verifying_key().to_string()).unwrap().status.success());
}

#[test]
fn openssl_verifies_the_signature() {
    let log = log();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let note = std::fs::read_to_string(log.ledger.join("checkpoint")).unwrap();
    let (text, lines) = note.split_once("\n\n").unwrap();
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let blob = decode(lines.trim_end().rsplit(' ').next().unwrap());
    let public = decode(log.key.splitn(3, '+').nth(2).unwrap());
    // SubjectPublicKeyInfo of Ed25519, RFC 8410, then the 32 bytes of the key.
    let mut der = hex::decode("302a300506032b6570032100").unwrap();
    der.extend_from_slice(&public[1..]);
    let (key, signature) = (file("key", &der), file("signature", &blob[4..]));
    let verify = |text: &Path| {
        Command::new("openssl")
            .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey"])
            .arg(&key)
            .arg("-in")
            .arg(text)
            .arg("-sigfile")
            .arg(&signature)
            .output()
    };
    let signed = format!("{text}\n");
    let Ok(output) = verify(&file("text", signed.as_bytes())) else {
        return skipped("openssl").unwrap_or(());
    };
    good(&output);
    let other = signed.replacen('\n', "\n1", 1);
    assert!(!verify(&file("other", other.as_bytes())).unwrap().status.success());
}
