//! One collector, from its checkpoint down to its parts.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use archive::{Archive, Name};
use bytes::Bytes;
use record::{Digest, Frame, Leaf, Timestamp};
use tlog::{
    Checkpoint, Hash, KeyHistory, LogSource, SourceError, TilePath, Tree, VerifyingKey, audit,
    empty_root, leaf_hash,
};

use super::gone::Gone;
use super::history;
use super::numbers::Ledgered;
use super::records::{JournalParts, Reading, hash_parts};
use super::versions::{LockReport, Named, check_locks, check_versions};
use super::{CollectorReport, Finding, Progress};
use crate::source::{JournalNumbers, frames, parts_name, read_if_there};
use crate::store::Collector;
use crate::{QueryError, Store};

/// Findings past this many are counted and not listed.
const MANY: usize = 1000;

pub(super) fn verify_collector(
    store: &Store,
    collector: &Collector,
    keys: &BTreeMap<String, VerifyingKey>,
    locks: Option<Timestamp>,
    progress: Progress<'_>,
) -> Result<(CollectorReport, Gone), QueryError> {
    let mut notes = Vec::new();
    let mut findings = Vec::new();
    let prefix = format!("{}/ledger/", collector.name);
    let published = format!("{prefix}checkpoint");
    let key = trusted_key(collector, keys, &mut notes, &mut findings);

    if store.archive.is_remote() {
        // Finding each object by itself would be a request for each.
        store.archive.list(&prefix)?;
    }
    // The log may grow meanwhile. Kept checkpoints are read before the published one, which is put
    // in place first, and what it covers is looked for afterwards.
    let kept = history::kept_notes(store, &prefix)?;
    let empty = Checkpoint { origin: collector.origin.clone(), size: 0, root: empty_root() };
    let note = store.archive.get(&Name::new(published.clone())?)?;
    let changes = history::changes(store, &prefix, note.as_deref())?;
    let keys = match &key {
        Some(key) => {
            let note = note.as_deref();
            Some(history::history(store, &prefix, key, &changes, note, &mut findings)?)
        }
        None => None,
    };
    named_key(collector, keys.as_ref(), &mut findings);
    for change in keys.iter().flat_map(KeyHistory::changes) {
        notes.push(format!(
            "record {} changed the key from {} to {}",
            change.index, change.old, change.new
        ));
    }
    let kept = open_kept(kept, keys.as_ref(), &mut findings);
    let checkpoint = match (&keys, note) {
        (Some(keys), Some(note)) => match keys.open(&note) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                let what = error.to_string();
                findings.push(Finding { file: published.clone(), record: None, what });
                empty
            }
        },
        (_, Some(_)) => empty,
        (_, None) => {
            let tiles = store.archive.list(&format!("{prefix}tile/"))?;
            if kept.is_empty() && tiles.is_empty() {
                notes.push("nothing is sealed yet".to_owned());
            } else {
                let what = "there is no checkpoint".to_owned();
                findings.push(Finding { file: published.clone(), record: None, what });
            }
            empty
        }
    };

    let mut leaves = Vec::new();
    let mut tree = Tree::new();
    let mut checkpoints = 0;
    let source = Tiles { archive: store.archive.as_ref(), prefix: &prefix };
    let report = audit(
        &checkpoint,
        &source,
        |index, entry| {
            match Leaf::from_bytes(entry) {
                Ok(leaf) => leaves.push(Some(leaf)),
                Err(error) => {
                    leaves.push(None);
                    let file =
                        format!("{prefix}{}", TilePath::bundle_covering(index, checkpoint.size));
                    findings.push(Finding { file, record: Some(index), what: error.to_string() });
                }
            }
            tree.push(leaf_hash(entry), |_, _| {});
            if let Some((name, root)) = kept.get(&tree.size()) {
                checkpoints += 1;
                if tree.root() != *root {
                    let what = "its root is not that of the log at its size".to_owned();
                    findings.push(Finding { file: name.clone(), record: None, what });
                }
            }
        },
        |done| progress("log", done, checkpoint.size),
    )
    .map_err(|error| QueryError::Storage(error.to_string()))?;
    findings.extend(report.findings.iter().map(|finding| tile_finding(&prefix, finding)));
    let leaf = |index: u64| {
        leaves
            .get(usize::try_from(index).ok()?)
            .copied()
            .flatten()
            .map(|leaf: Leaf| leaf.envelope.0)
    };
    history::check_entries(&changes, leaf, &mut findings);
    for (size, (name, _)) in kept.range(checkpoint.size + 1..) {
        let what = format!(
            "it is of size {size}, and the published checkpoint only of {}: the log was cut back",
            checkpoint.size
        );
        findings.push(Finding { file: name.clone(), record: None, what });
    }

    let mut reading = Reading {
        leaves,
        numbers: Ledgered::default(),
        findings,
        envelopes: 0,
        parts: 0,
        bytes: report.bytes,
        unsealed: BTreeMap::new(),
        beyond: Vec::new(),
        seen: HashMap::new(),
        named: BTreeMap::new(),
        keys: store.keys.as_deref(),
        unopenable: 0,
        ledger: BTreeMap::new(),
        gone: Gone::default(),
    };
    let (sums, journal_numbers) =
        read_all(store, collector, &mut reading, checkpoint.size, &mut notes, progress)?;
    let files = check_files(store, &mut reading, &sums, &mut notes)?;
    let tail = store.journals.is_none();
    missing_envelopes(&mut reading, &prefix, tail, &mut notes);
    cut_back(store, keys.as_ref(), &mut reading, &published, checkpoint.size)?;

    let locks = check_objects(store, collector, &mut reading, locks, progress)?;

    let Reading { numbers, findings, envelopes, parts, bytes, unsealed, unopenable, gone, .. } =
        reading;
    let mut findings = findings;
    for number in numbers.twice.iter().take(MANY) {
        let what = format!("admission number {number} ends twice");
        findings.push(Finding { file: collector.name.clone(), record: None, what });
    }
    let (numbers, missing) = numbers.sum(journal_numbers.as_ref(), &gone.numbers);
    for (start, end) in missing.iter().take(MANY) {
        let what = format!(
            "admission numbers {start} to {} are neither recorded nor in a gap nor open",
            end - 1
        );
        findings.push(Finding { file: collector.name.clone(), record: None, what });
    }
    if journal_numbers.is_none() {
        notes.push(
            "the collector's journal is not at hand: only what is archived was checked".to_owned(),
        );
    }
    if unopenable > 0 {
        notes.push(format!(
            "{unopenable} records can no longer be opened; receipts account for them"
        ));
    }
    if !gone.leaves.is_empty() {
        notes.push(format!("{} records are past their time and gone", gone.leaves.len()));
    }
    findings.sort();
    findings.dedup();
    let report = CollectorReport {
        collector: collector.name.clone(),
        key: key.map(|key| key.to_string()).unwrap_or_default(),
        keys,
        size: checkpoint.size,
        root: checkpoint.root.to_string(),
        checkpoints: checkpoints + 1,
        tiles: report.tiles,
        envelopes,
        parts,
        files,
        unsealed: u64::try_from(unsealed.len()).unwrap_or(0),
        bytes,
        numbers,
        unopenable: store.keys.as_ref().map(|_| unopenable),
        locks,
        notes,
        findings,
    };
    Ok((report, gone))
}

fn trusted_key(
    collector: &Collector,
    keys: &BTreeMap<String, VerifyingKey>,
    notes: &mut Vec<String>,
    findings: &mut Vec<Finding>,
) -> Option<VerifyingKey> {
    let finding = |what: String| Finding { file: "custody.json".to_owned(), record: None, what };
    let named = match collector.key.parse::<VerifyingKey>() {
        Ok(key) if key.name() != collector.origin => {
            findings.push(finding(format!(
                "collector {} is named with origin {:?} and a key of {:?}",
                collector.name,
                collector.origin,
                key.name()
            )));
            Some(key)
        }
        Ok(key) => Some(key),
        Err(error) => {
            findings.push(finding(format!("collector {}: {error}", collector.name)));
            None
        }
    };
    if let Some(trusted) = keys.get(&collector.origin) {
        Some(trusted.clone())
    } else {
        notes.push(
            "the key is the one that the archive itself names; --key checks with one that you \
             trust"
                .to_owned(),
        );
        named
    }
}

/// The key that the archive names must be the one that signs now.
fn named_key(collector: &Collector, keys: Option<&KeyHistory>, findings: &mut Vec<Finding>) {
    let named = collector.key.parse::<VerifyingKey>().ok();
    let (Some(keys), Some(named)) = (keys, named) else { return };
    // While a key is changed, custody.json follows a moment later.
    if !keys.knows(&named) {
        findings.push(Finding {
            file: "custody.json".to_owned(),
            record: None,
            what: format!(
                "collector {} is named with another key than the one that is trusted, and no \
                 record of its log hands over to it",
                collector.name
            ),
        });
    }
}

/// All checkpoints that were ever published, by size.
fn open_kept(
    notes: history::Notes,
    keys: Option<&KeyHistory>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<u64, (String, Hash)> {
    let mut kept = BTreeMap::new();
    let Some(keys) = keys else { return kept };
    for (file, note) in notes {
        match keys.open(&note) {
            Ok(Checkpoint { size, root, .. }) => {
                let before = kept.insert(size, (file.clone(), root));
                if let Some((other, _)) = before.filter(|(_, before)| *before != root) {
                    let what = format!(
                        "{other} is of size {size} too, with another root: the log was forked"
                    );
                    findings.push(Finding { file, record: None, what });
                }
            }
            Err(error) => findings.push(Finding { file, record: None, what: error.to_string() }),
        }
    }
    kept
}

struct Tiles<'a> {
    archive: &'a dyn Archive,
    prefix: &'a str,
}

impl LogSource for Tiles<'_> {
    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |reason: String| SourceError { path: path.to_string(), reason };
        let get = |path: TilePath| {
            let name = Name::new(format!("{}{path}", self.prefix)).map_err(|e| e.to_string())?;
            self.archive.get(&name).map_err(|error| error.to_string())
        };
        if let Some(bytes) = get(path).map_err(failed)? {
            return Ok(Some(bytes));
        }
        // A partial tile goes when its full tile is there; that one begins with it.
        let full = if path.is_full() { None } else { get(path.full()).map_err(failed)? };
        Ok(full.map(|bytes| cut(path, bytes)))
    }
}

fn cut(path: TilePath, mut bytes: Vec<u8>) -> Vec<u8> {
    let width = usize::from(path.width);
    let length = if path.level.is_some() {
        width * 32
    } else {
        let entries = tlog::read_bundle(&bytes).unwrap_or_default();
        entries.iter().take(width).map(|entry| entry.len() + 2).sum()
    };
    bytes.truncate(length);
    bytes
}

fn tile_finding(prefix: &str, finding: &tlog::Finding) -> Finding {
    let text = finding.to_string();
    let (file, what) = text.split_once(": ").unwrap_or(("", &text));
    let record = match finding {
        tlog::Finding::Entry { index, .. } => Some(*index),
        tlog::Finding::TileHash { path, at } if path.level == Some(0) => {
            u64::try_from(*at).ok().map(|at| path.index * 256 + at)
        }
        _ => None,
    };
    Finding { file: format!("{prefix}{file}"), record, what: what.to_owned() }
}

/// CRC and SHA-256 of segment files, by name.
type Sums = BTreeMap<String, (u64, u32, Option<Digest>)>;

/// Journals and segments, again until no segment came in between: a record that leaves a journal is
/// then in a segment that was read.
fn read_all(
    store: &Store,
    collector: &Collector,
    reading: &mut Reading<'_>,
    size: u64,
    notes: &mut Vec<String>,
    progress: Progress<'_>,
) -> Result<(Sums, Option<JournalNumbers>), QueryError> {
    /// Enough for any log that closes segments slower than it is read.
    const ROUNDS: usize = 20;
    let mut sums = Sums::new();
    let mut numbers = None;
    for _ in 0..ROUNDS {
        let files = store.journal_files(&collector.name)?;
        let journals = read_journals(&files)?;
        let torn = check_journals(&journals, reading);
        if store.journals.is_some() {
            numbers = Some(JournalNumbers::of(journals.iter().map(|(_, bytes)| bytes.as_slice())));
        }
        if !read_segments(store, collector, reading, &mut sums, size, progress)? {
            notes.extend(torn);
            break;
        }
    }
    for archive in store.tiers() {
        for name in archive.list(&format!("{}/parts/", collector.name))? {
            sums.entry(name.to_string()).or_insert((0, 0, None));
        }
    }
    Ok((sums, numbers))
}

/// Reads the segments that are not in `sums` yet; false when there were none.
fn read_segments(
    store: &Store,
    collector: &Collector,
    reading: &mut Reading<'_>,
    sums: &mut Sums,
    size: u64,
    progress: Progress<'_>,
) -> Result<bool, QueryError> {
    let mut any = false;
    let mut segments = Vec::new();
    for archive in store.tiers() {
        let names = archive.list(&format!("{}/records/", collector.name))?;
        segments.extend(names.into_iter().map(|name| (archive, name)));
    }
    for (archive, name) in segments {
        if sums.contains_key(name.as_str()) {
            continue;
        }
        let Some(bytes) = archive.get(&name)?.map(Bytes::from) else { continue };
        any = true;
        // The records file is small: all of it is hashed. In the parts file every part has a
        // digest of its own, and a checksum finds accidents in the rest.
        let sum = (length(&bytes), crc32fast::hash(&bytes), Some(Digest::of(&bytes)));
        sums.insert(name.to_string(), sum);
        let parts_file = parts_name(&name);
        let mut parts = HashMap::new();
        if let Some(parts_name) = &parts_file
            && let Some(bytes) = archive.get(parts_name)?.map(Bytes::from)
        {
            sums.insert(parts_name.to_string(), (length(&bytes), crc32fast::hash(&bytes), None));
            reading.bytes += length(&bytes);
            match hash_parts(bytes) {
                Ok(hashed) => parts = hashed,
                Err(error) => reading.finding(parts_name.as_str(), None, error.to_string()),
            }
        }
        let parts_file = parts_file.map(|name| name.to_string()).unwrap_or_default();
        let file = name.to_string();
        let read = segment::each_record(bytes, |leaf, envelope| {
            if leaf >= size {
                reading.beyond.push((file.clone(), leaf));
            }
            reading.record(&file, leaf, envelope, &parts, &parts_file);
            progress("records", reading.envelopes, size);
        });
        if let Err(error) = read {
            reading.finding(&file, None, error.to_string());
        }
    }
    Ok(any)
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn read_journals(files: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, QueryError> {
    files
        .iter()
        .filter_map(|file| {
            let read = read_if_there(file).transpose()?;
            Some(read.map(|bytes| (file.display().to_string(), bytes)))
        })
        .collect()
}

/// Checks the journals' records; gives a note on a torn end.
fn check_journals(journals: &[(String, Vec<u8>)], reading: &mut Reading<'_>) -> Option<String> {
    let mut note = None;
    // A file may refer to parts in the one before it, when a sync of that one failed.
    let mut parts = HashMap::new();
    for (i, (file, bytes)) in journals.iter().enumerate() {
        let read = JournalParts::read(bytes);
        parts.extend(read.parts);
        for (offset, end) in read.damage {
            let what = format!("{} bytes at offset {offset} are damaged", end - offset);
            reading.finding(file, None, what);
        }
        if let Some(offset) = read.torn {
            if i + 1 == journals.len() {
                note = Some(format!(
                    "the journal ends in a torn frame at byte {offset}, which the next start cuts off"
                ));
            } else {
                reading.finding(file, None, format!("it ends in a torn frame at byte {offset}"));
            }
        }
    }
    for (file, bytes) in journals {
        reading.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        for frame in frames(bytes) {
            if let Frame::Record { leaf, envelope, .. } = frame {
                reading.record(file, leaf, envelope, &parts, file);
            }
        }
    }
    note
}

/// Segment files against the records that name them.
fn check_files(
    store: &Store,
    reading: &mut Reading<'_>,
    sums: &Sums,
    notes: &mut Vec<String>,
) -> Result<u64, QueryError> {
    let named = std::mem::take(&mut reading.named);
    let mut checked = 0;
    let mut differing = Vec::new();
    for (name, file) in &named {
        match sums.get(name) {
            // Also one whose records went first, and that a crash left: nobody read it.
            None | Some((0, 0, None)) if reading.gone.accounts_for(name) => {}
            None => reading.finding(name, None, "the file is missing, and a record names it"),
            Some((bytes, crc32, sha256)) => {
                checked += 1;
                let same = *bytes == file.bytes
                    && *crc32 == file.crc32
                    && sha256.is_none_or(|digest| digest == file.sha256);
                if !same {
                    reading.finding(name, None, "the file is not the one that a record names");
                    differing.push(name);
                }
            }
        }
    }
    reading.named.clone_from(&named);
    // Segments are named in their order, so that only the newest one can still wait for its record.
    // A file of the cold tier waits until the move that it is part of goes on.
    let newest = named.keys().filter_map(|name| span(name)).map(|(_, last)| last).max();
    for name in sums.keys().filter(|name| !named.contains_key(*name)) {
        differing.push(name);
        let waits = span(name).is_some_and(|(first, _)| newest.is_none_or(|newest| first > newest));
        let hot = || Ok::<_, QueryError>(store.archive.sum(&Name::new(name.clone())?)?.is_some());
        if waits || !hot()? {
            notes.push(format!("{name} is not named by a record yet"));
        } else {
            reading.finding(name, None, "no record names the file");
        }
    }
    // A file that is as its record says has the columns that the recorder wrote. In others, which
    // column tells something else than the envelope?
    for name in differing.into_iter().filter(|name| name.contains("/records/")) {
        let name_there = Name::new(name.clone())?;
        let found =
            store.tiers().map(|archive| archive.get(&name_there)).find_map(Result::transpose);
        let Some(bytes) = found.transpose()? else { continue };
        let read = segment::each_difference(Bytes::from(bytes), |leaf, column| {
            let what = format!("column {column} is not what the envelope says");
            reading.finding(name, Some(leaf), what);
        });
        if let Err(error) = read {
            reading.finding(name, None, error.to_string());
        }
    }
    Ok(checked)
}

/// First and last index in the log, from a segment file's name.
fn span(name: &str) -> Option<(u64, u64)> {
    let name = name.rsplit('/').next()?.strip_suffix(".parquet")?;
    let (first, last) = name.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Records past the checkpoint that show that it is not the newest one.
fn cut_back(
    store: &Store,
    keys: Option<&KeyHistory>,
    reading: &mut Reading<'_>,
    published: &str,
    size: u64,
) -> Result<(), QueryError> {
    // Without a checkpoint everything is past it, and that it is not there was told.
    if size == 0 {
        return Ok(());
    }
    // A segment is made of records that are in the tree. While the log grows, one may have come
    // after the checkpoint was read: the newest one counts.
    let beyond = std::mem::take(&mut reading.beyond);
    if !beyond.is_empty() {
        let note = store.archive.get(&Name::new(published.to_owned())?)?;
        let opened = keys.zip(note).and_then(|(keys, note)| keys.open(&note).ok());
        let now = opened.map_or(size, |checkpoint| checkpoint.size);
        for (file, leaf) in beyond.into_iter().filter(|(_, leaf)| *leaf >= now).take(MANY) {
            let what = format!("the record is in a segment, and the log ends at {now}");
            reading.finding(&file, Some(leaf), what);
        }
    }
    // The journal goes on where the log ends, or it was not this log.
    let end = size.saturating_add(u64::try_from(reading.unsealed.len()).unwrap_or(u64::MAX));
    let last = reading.unsealed.last_key_value().map_or(0, |(leaf, _)| *leaf);
    if last >= end {
        let missing = (size..=last).find(|leaf| !reading.unsealed.contains_key(leaf));
        let what = "the record is neither under the checkpoint nor in the journal, and later ones \
                    are: the log was cut back, or the journal is another one's";
        reading.finding(published, missing, what);
    }
    Ok(())
}

/// Versions and, when asked for, locks of all objects of a collector.
fn check_objects(
    store: &Store,
    collector: &Collector,
    reading: &mut Reading<'_>,
    locks: Option<Timestamp>,
    progress: Progress<'_>,
) -> Result<Option<LockReport>, QueryError> {
    let mut findings = Vec::new();
    let mut found = None;
    let named = Named { files: &reading.named, ledger: &reading.ledger };
    let prefix = format!("{}/", collector.name);
    for archive in store.tiers() {
        let archive = archive.as_ref();
        check_versions(archive, &prefix, &named, &mut findings)?;
        if let Some(now) = locks
            && let Some(report) =
                check_locks(archive, &prefix, &named, now, &mut findings, progress)?
        {
            let sum: &mut LockReport = found.get_or_insert_with(LockReport::default);
            sum.objects += report.objects;
            sum.locked += report.locked;
            sum.unlocked += report.unlocked;
            sum.legal_holds += report.legal_holds;
            sum.earliest = match (sum.earliest.take(), report.earliest) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    reading.findings.extend(findings);
    Ok(found)
}

/// Records of the log for which no envelope was found.
fn missing_envelopes(reading: &mut Reading<'_>, prefix: &str, tail: bool, notes: &mut Vec<String>) {
    let size = u64::try_from(reading.leaves.len()).unwrap_or(u64::MAX);
    let mut missing: Vec<u64> = (0..)
        .zip(&reading.leaves)
        .filter(|(leaf, digest)| {
            digest.is_some()
                && !reading.seen.contains_key(leaf)
                && !reading.gone.leaves.contains(*leaf)
        })
        .map(|(leaf, _)| leaf)
        .collect();
    if tail {
        // The newest records are in no segment yet, and the journal that has them is not at hand.
        let archived = reading.seen.keys().max().copied();
        let newest = |leaf: &u64| archived.is_none_or(|archived| *leaf > archived);
        let waiting = missing.iter().filter(|leaf| newest(leaf)).count();
        missing.retain(|leaf| !newest(leaf));
        if waiting > 0 {
            notes.push(format!(
                "the newest {waiting} records are in no segment yet: of them only the log was checked"
            ));
        }
    }
    for leaf in missing.iter().take(MANY) {
        let file = format!("{prefix}{}", TilePath::bundle_covering(*leaf, size));
        reading.finding(
            &file,
            Some(*leaf),
            "the record is in the log, and its envelope is nowhere",
        );
    }
    if missing.len() > MANY {
        let more = missing.len() - MANY;
        reading.finding(prefix, None, format!("{more} more envelopes are nowhere"));
    }
}
