//! Journal files become segments: Parquet in the archive, named by a record of the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use archive::{ArchiveError, Name};
use bytes::Bytes;
use record::envelope::{Segment, SegmentFile};
use record::{
    AdmissionNumber, Body, Digest, Envelope, Frame, FrameReader, Pid, Scanned, encode_frame,
    encode_part_frame,
};

use segment::Row;

use crate::journal::Journal;
use crate::sealed::Tickets;
use crate::sealer::Sealer;
use crate::state::{State, Unit};
use crate::status::add;
use crate::{LedgerError, sync};

/// What the frames of a unit hold, borrowed from its files' bytes.
#[derive(Default)]
struct Contents<'a> {
    records: BTreeMap<u64, &'a [u8]>,
    parts: HashMap<Pid, &'a [u8]>,
    calls: BTreeMap<u64, Vec<Frame<'a>>>,
}

/// Records of one retention class and day.
type Partition = (String, String);

impl Sealer {
    /// Writes segments of all complete units whose records are in the tree.
    pub(crate) fn close_units(&mut self) -> Result<(), LedgerError> {
        loop {
            let unit = {
                let state = self.shared.lock();
                state.complete.first().filter(|u| u.end_leaf <= self.head.tree.size()).cloned()
            };
            let Some(unit) = unit else { return Ok(()) };
            self.close_unit(&unit)?;
        }
    }

    fn close_unit(&mut self, unit: &Unit) -> Result<(), LedgerError> {
        let files = unit
            .files
            .iter()
            .map(|number| {
                let name = Journal::name_of(*number);
                self.disk.read(&name).map_err(LedgerError::unavailable("read", name))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let contents = read(&files);
        let whole =
            (unit.first_leaf..unit.end_leaf).all(|leaf| contents.records.contains_key(&leaf));
        if !whole && !unit.damaged {
            return Err(LedgerError::Unavailable {
                action: "read",
                what: format!("journal file {:?}", unit.files),
                reason: "records that were written are not read back".to_owned(),
            });
        }

        // Put the segment and read it back. A crash here leaves files that the next start makes
        // again, the same.
        if let (Some(first), Some(last)) =
            (contents.records.keys().next(), contents.records.keys().next_back())
        {
            let (first, last) = (*first, *last);
            let files = self.put_segment(&contents)?;
            let records = u64::try_from(contents.records.len()).unwrap_or(0);
            let body = Body::Segment(Segment { files, first, last, records });
            // Name it in the log. A crash here leaves a segment that no record names; the next
            // start makes the same one and names it.
            self.shared.append_event(body, Tickets::default())?;
        }

        // Calls that are still open go along into the current journal file.
        self.carry(&contents)?;
        let position = self.shared.lock().journal.written;

        // Only when all that is durable may the journal files go. A crash here leaves journal
        // files whose records are in a segment too; the next start makes the same segment again.
        sync::sync_once(&self.shared);
        {
            let mut state = self.shared.lock();
            if state.journal.synced < position || state.journal.is_poisoned() {
                return Err(LedgerError::Unavailable {
                    action: "sync",
                    what: "the journal".to_owned(),
                    reason: "the segment's record is not durable yet".to_owned(),
                });
            }
            state.complete.retain(|other| other != unit);
        }
        for number in &unit.files {
            let name = Journal::name_of(*number);
            self.disk.remove(&name).map_err(LedgerError::unavailable("remove", name))?;
        }
        add(&self.shared.counters.segments, 1);
        Ok(())
    }

    fn put_segment(&self, contents: &Contents<'_>) -> Result<Vec<SegmentFile>, LedgerError> {
        let envelopes = contents
            .records
            .iter()
            .map(|(leaf, bytes)| {
                Envelope::from_bytes(bytes)
                    .map(|envelope| (*leaf, envelope, *bytes))
                    .map_err(|error| LedgerError::Fatal(format!("record {leaf}: {error}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut partitions: BTreeMap<Partition, Vec<Row<'_>>> = BTreeMap::new();
        let mut wanted: BTreeMap<Partition, HashSet<Pid>> = BTreeMap::new();
        for (leaf, envelope, bytes) in &envelopes {
            let class = envelope.interaction().map_or("standard", |i| i.retention.class.as_str());
            let partition = (class.to_owned(), envelope.recorded.day());
            if let Some(interaction) = envelope.interaction() {
                wanted
                    .entry(partition.clone())
                    .or_default()
                    .extend(interaction.part_refs().map(|part| part.pid));
            }
            partitions.entry(partition).or_default().push((*leaf, envelope, bytes));
        }
        let mut files = Vec::new();
        for ((class, day), rows) in &partitions {
            let (Some((first, ..)), Some((last, ..))) = (rows.first(), rows.last()) else {
                continue;
            };
            let written = segment::write_records(rows)
                .map_err(|error| LedgerError::Fatal(error.to_string()))?;
            let name =
                self.layout.records(class, day, *first, *last).map_err(LedgerError::archive)?;
            files.push(self.put_file(&name, &written, &|there| same_records(there, rows))?);

            let pids = wanted.get(&(class.clone(), day.clone()));
            let mut parts: Vec<(Pid, &[u8])> = pids
                .into_iter()
                .flatten()
                .filter_map(|pid| Some((*pid, *contents.parts.get(pid)?)))
                .collect();
            parts.sort_unstable();
            let missing = pids.map_or(0, HashSet::len) - parts.len();
            if missing > 0 {
                self.shared.alert(
                    "segment_parts_missing",
                    &format!("{missing} parts of records {first} to {last} are not in the journal"),
                );
            }
            if parts.is_empty() {
                continue;
            }
            let written = segment::write_parts(&parts)
                .map_err(|error| LedgerError::Fatal(error.to_string()))?;
            let name =
                self.layout.parts(class, day, *first, *last).map_err(LedgerError::archive)?;
            files.push(self.put_file(&name, &written, &|there| same_parts(there, &parts))?);
        }
        Ok(files)
    }

    /// Puts a file, once. One that is there from before a crash, made by another version of the
    /// Parquet library, is taken when it holds the same rows.
    fn put_file(
        &self,
        name: &Name,
        bytes: &[u8],
        same: &dyn Fn(Bytes) -> bool,
    ) -> Result<SegmentFile, LedgerError> {
        let put = self.archive.put_all(&[(name.clone(), bytes)]);
        let there = self
            .archive
            .get(name)
            .map_err(LedgerError::archive)?
            .map(Bytes::from)
            .unwrap_or_default();
        match put {
            Ok(()) if there == bytes => {}
            Err(ArchiveError::Conflict(_)) if same(there.clone()) => {}
            Err(error) => return Err(LedgerError::archive(error)),
            Ok(()) => {
                return Err(LedgerError::Unavailable {
                    action: "read back",
                    what: name.to_string(),
                    reason: "the archive does not give what was put".to_owned(),
                });
            }
        }
        Ok(SegmentFile {
            bytes: u64::try_from(there.len()).unwrap_or(u64::MAX),
            crc32: crc32fast::hash(&there),
            name: name.to_string(),
            sha256: Digest::of(&there),
        })
    }

    /// Writes the frames of calls that are open again, under the lock, so that no outcome can come
    /// between.
    fn carry(&self, contents: &Contents<'_>) -> Result<(), LedgerError> {
        let mut state = self.shared.lock();
        let frames = carried(&state, contents);
        if frames.is_empty() {
            return Ok(());
        }
        if !state.journal.is_open() {
            let reserved = self.shared.numbers.end();
            state
                .start_file(reserved, self.shared.now())
                .map_err(LedgerError::unavailable("start", "a journal file"))?;
        }
        state
            .journal
            .write(frames)
            .map_err(LedgerError::unavailable("append to", "the journal"))?;
        Ok(())
    }
}

fn carried(state: &State, contents: &Contents<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut brought = HashSet::new();
    for (number, frames) in &contents.calls {
        if !state.open.contains(*number) {
            continue;
        }
        for frame in frames {
            if let Frame::Admitted { envelope, .. } = frame
                && let Ok(envelope) = Envelope::from_bytes(envelope)
                && let Some(interaction) = envelope.interaction()
            {
                for part in interaction.part_refs() {
                    // The current file may hold it already; twice does no harm.
                    if let Some(sealed) = contents.parts.get(&part.pid)
                        && brought.insert(part.pid)
                    {
                        encode_part_frame(&mut out, &part.pid, sealed);
                    }
                }
            }
            encode_frame(&mut out, frame);
        }
    }
    out
}

fn read(files: &[Vec<u8>]) -> Contents<'_> {
    let mut contents = Contents::default();
    for scanned in files.iter().flat_map(|file| FrameReader::new(file)).flatten() {
        let Scanned::Frame { frame, .. } = scanned else {
            continue;
        };
        match frame {
            Frame::Record { leaf, envelope, .. } => {
                contents.records.entry(leaf).or_insert(envelope);
            }
            Frame::Part { pid, sealed } => {
                contents.parts.entry(pid).or_insert(sealed);
            }
            Frame::Admitted { number: AdmissionNumber(number), .. }
            | Frame::Piece { number: AdmissionNumber(number), .. } => {
                contents.calls.entry(number).or_default().push(frame);
            }
            _ => {}
        }
    }
    contents
}

fn same_records(there: Bytes, rows: &[Row<'_>]) -> bool {
    let mut rows = rows.iter();
    let mut same = true;
    let read = segment::each_record(there, |leaf, bytes| {
        same &= rows.next().is_some_and(|(l, _, b)| *l == leaf && *b == bytes);
    });
    read.is_ok() && same && rows.next().is_none()
}

fn same_parts(there: Bytes, parts: &[(Pid, &[u8])]) -> bool {
    let mut parts = parts.iter();
    let mut same = true;
    let read = segment::each_part(there, |pid, bytes| {
        same &= parts.next().is_some_and(|(p, b)| *p == pid && *b == bytes);
    });
    read.is_ok() && same && parts.next().is_none()
}
