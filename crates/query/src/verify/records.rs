//! Envelopes and parts of one source, against the log and against each other.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use keys::KeyStore;
use record::envelope::{Envelope, Segment, SegmentFile, Summary};
use record::{Body, Digest, Frame, FrameReader, Kind, Leaf, Pid, Scanned};

use super::Finding;
use super::gone::Gone;
use super::numbers::Ledgered;
use crate::QueryError;

/// What was read so far of one collector.
pub(crate) struct Reading<'a> {
    /// By index in the log; `None` once an envelope was found for it.
    pub(crate) leaves: Vec<Option<Leaf>>,
    pub(crate) numbers: Ledgered,
    pub(crate) findings: Vec<Finding>,
    pub(crate) envelopes: u64,
    pub(crate) parts: u64,
    pub(crate) bytes: u64,
    /// Records past the published checkpoint.
    pub(crate) unsealed: BTreeMap<u64, Digest>,
    /// Envelopes that were seen, by index, so that a second copy must be the same.
    pub(crate) seen: HashMap<u64, Digest>,
    /// Records of segments past the published checkpoint, with their files.
    pub(crate) beyond: Vec<(String, u64)>,
    /// Segment files by name, as records of the log name them.
    pub(crate) named: BTreeMap<String, SegmentFile>,
    /// Objects of the log with the versions that records name.
    pub(crate) ledger: BTreeMap<String, String>,
    pub(crate) keys: Option<&'a KeyStore>,
    pub(crate) unopenable: u64,
    /// What receipts say, and what is gone.
    pub(crate) gone: Gone,
}

impl Reading<'_> {
    pub(crate) fn finding(&mut self, file: &str, record: Option<u64>, what: impl Into<String>) {
        self.findings.push(Finding { file: file.to_owned(), record, what: what.into() });
    }

    /// One record: its envelope against its leaf, then its parts against the source's.
    pub(crate) fn record(
        &mut self,
        file: &str,
        leaf: u64,
        bytes: &[u8],
        parts: &HashMap<Pid, Digest>,
        parts_file: &str,
    ) {
        let digest = Digest::of(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        if let Some(other) = self.seen.insert(leaf, digest) {
            // The journal and the segment made of it may both be there.
            if other != digest {
                self.finding(file, Some(leaf), "another copy of this record says something else");
            }
            return;
        }
        let mut logged = None;
        let place = usize::try_from(leaf).ok().and_then(|leaf| self.leaves.get_mut(leaf));
        match place {
            Some(expected) => match expected.take() {
                Some(expected) if expected.envelope == digest => logged = Some(expected),
                _ => {
                    self.finding(file, Some(leaf), "the envelope is not the one that was logged");
                    return;
                }
            },
            None => {
                self.unsealed.insert(leaf, digest);
            }
        }
        self.envelopes += 1;
        // Nearly all records have parts, and of these little else is looked at.
        let read = Summary::from_bytes(bytes);
        if let (Ok(record), Some(logged)) = (&read, logged)
            && (record.id, record.recorded) != (logged.id, logged.time)
        {
            self.finding(file, Some(leaf), "the leaf has another id or time than the envelope");
        }
        let read = match read {
            Ok(record) if record.keys.is_some() => {
                if &*record.kind == Kind::Interaction.as_str() {
                    self.numbers.record(record.admission.unwrap_or(0));
                }
                self.contents(leaf, &record, parts, parts_file);
                Ok(())
            }
            Ok(_) => {
                Envelope::from_bytes(bytes).map(|envelope| self.event(file, leaf, &envelope.body))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            self.finding(file, Some(leaf), error.to_string());
        }
    }

    fn contents(
        &mut self,
        leaf: u64,
        record: &Summary<'_>,
        parts: &HashMap<Pid, Digest>,
        parts_file: &str,
    ) {
        for part in record.parts() {
            let what = match parts.get(&part.pid) {
                Some(digest) if *digest == part.sha256 => {
                    self.parts += 1;
                    continue;
                }
                Some(_) => format!("part {} is not the one that was sealed", part.pid),
                None => format!("part {} is missing", part.pid),
            };
            self.finding(parts_file, Some(leaf), what);
        }
        if let (Some(keys), Some(ids)) = (self.keys, &record.keys) {
            if keys.opens(ids.subject, ids.period) {
                self.gone.openable += 1;
                return;
            }
            self.unopenable += 1;
            let missing = [ids.subject, ids.period].into_iter().filter(|kid| !keys.has(*kid));
            self.gone.unopenable(leaf, missing.collect());
        }
    }

    fn name_files(&mut self, file: &str, leaf: u64, files: &[SegmentFile]) {
        for named in files {
            let before = self.named.insert(named.name.clone(), named.clone());
            // After a crash a file is named again, perhaps with another lock.
            let other = before
                .is_some_and(|before| (before.bytes, before.sha256) != (named.bytes, named.sha256));
            if other {
                let what = format!("{} was named before with other bytes", named.name);
                self.finding(file, Some(leaf), what);
            }
        }
    }

    fn event(&mut self, file: &str, leaf: u64, body: &Body) {
        match body {
            Body::Gap(gap) => self.numbers.gap(gap),
            Body::Heartbeat(beat) => self.numbers.beat(beat),
            Body::Segment(Segment { files, ledger, .. }) => {
                self.name_files(file, leaf, files);
                let objects = ledger.iter().map(|o| (o.name.clone(), o.version.clone()));
                self.ledger.extend(objects);
            }
            Body::Erasure(erasure) => self.gone.destroyed(&erasure.keys),
            Body::Expiry(expiry) => self.gone.expired(expiry),
            Body::Tier(tier) => {
                self.gone.moved(tier);
                self.name_files(file, leaf, &tier.files);
            }
            _ => {}
        }
    }
}

/// A segment's parts, hashed.
pub(crate) fn hash_parts(file: Bytes) -> Result<HashMap<Pid, Digest>, QueryError> {
    let mut parts = HashMap::new();
    segment::each_part(file, |pid, sealed| {
        parts.insert(pid, Digest::of(sealed));
    })?;
    Ok(parts)
}

/// A journal's parts, hashed, and the stretches of its files that are no whole frames.
pub(crate) struct JournalParts {
    pub(crate) parts: HashMap<Pid, Digest>,
    /// Offsets of damage; a torn end is no fault, it is cut off at the next start.
    pub(crate) damage: Vec<(usize, usize)>,
    pub(crate) torn: Option<usize>,
}

impl JournalParts {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut read = Self { parts: HashMap::new(), damage: Vec::new(), torn: None };
        for scanned in FrameReader::new(bytes) {
            match scanned {
                Ok(Scanned::Frame { frame: Frame::Part { pid, sealed }, .. }) => {
                    read.parts.insert(pid, Digest::of(sealed));
                }
                Ok(Scanned::Damaged { offset, end }) => read.damage.push((offset, end)),
                Ok(Scanned::Torn { offset }) => read.torn = Some(offset),
                _ => {}
            }
        }
        read
    }
}
