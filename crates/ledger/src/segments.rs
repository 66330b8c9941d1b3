//! Journal files become segments: Parquet in the archive, named by a record of the log.

use std::io;

use archive::{ArchiveError, Lock, Name, Staged, Sum, Version};
use bytes::Bytes;
use record::envelope::{Segment, SegmentFile, Summary};
use record::{
    Body, Digest, Envelope, Frame, LOG, Pid, PidSet, Timestamp, encode_frame, encode_part_frame,
};
use segment::{PartsWriter, RecordsWriter, SegmentError};
use sha2::{Digest as _, Sha256};

use crate::sealed::Tickets;
use crate::sealer::Sealer;
use crate::state::{State, Unit};
use crate::status::add;
use crate::unit::{Index, Place, UnitFiles};
use crate::{LedgerError, sync};

const DAY_US: i64 = 86_400_000_000;

/// The records of one retention class and day, on their way into a file.
struct Partition<'a> {
    class: String,
    /// Days since 1970-01-01.
    day: i64,
    time: Timestamp,
    first: u64,
    last: u64,
    records: RecordsWriter<Box<dyn Staged + 'a>>,
    leaves: Vec<(u64, Place)>,
    parts: PidSet,
}

/// What a file's rows are told apart by, whatever wrote the file.
#[derive(Clone, Default)]
struct Rows(Sha256);

impl Rows {
    fn push(&mut self, key: &[u8], bytes: &[u8]) {
        self.0.update(key);
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

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
        let unreadable = || LedgerError::unavailable("read", format!("journal {:?}", unit.files));
        let files = UnitFiles::open(self.disk.as_ref(), unit).map_err(unreadable())?;
        let open = self.shared.lock().open.clone();
        let index = files.index(&open).map_err(unreadable())?;
        let leaves = index.records.iter().map(|(leaf, _)| *leaf);
        if !leaves.eq(unit.first_leaf..unit.end_leaf) && !unit.damaged {
            return Err(LedgerError::Unavailable {
                action: "read",
                what: format!("journal {:?}", unit.files),
                reason: "records that were written are not read back".to_owned(),
            });
        }

        // Put the segment and read it back. A crash here leaves files that the next start makes
        // again, the same.
        if let (Some((first, _)), Some((last, _))) = (index.records.first(), index.records.last()) {
            let segment = Segment {
                files: self.put_segment(&files, &index)?,
                first: *first,
                last: *last,
                ledger: self.placed.clone(),
                records: u64::try_from(index.records.len()).unwrap_or(0),
            };
            // Name it in the log. A crash here leaves a segment that no record names; the next
            // start makes the same one and names it.
            self.shared.append_event(Body::Segment(segment), Tickets::default())?;
            self.placed.clear();
        }

        // Calls that are still open go along into the current journal file.
        self.carry(&files, &index)?;
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
            let name = crate::journal::Journal::name_of(*number);
            self.disk.remove(&name).map_err(LedgerError::unavailable("remove", name))?;
        }
        add(&self.shared.counters.segments, 1);
        Ok(())
    }

    fn put_segment(
        &self,
        unit: &UnitFiles,
        index: &Index,
    ) -> Result<Vec<SegmentFile>, LedgerError> {
        let mut partitions: Vec<Partition<'_>> = Vec::new();
        let mut buffer = Vec::new();
        for (leaf, place) in &index.records {
            let frame = unit.frame(*place, &mut buffer).map_err(unreadable)?;
            let Frame::Record { envelope, .. } = frame else {
                return Err(unreadable(io::ErrorKind::InvalidData.into()));
            };
            let record = Summary::from_bytes(envelope)
                .map_err(|error| LedgerError::Fatal(format!("record {leaf}: {error}")))?;
            let class = record.retention.class.as_deref().unwrap_or(LOG);
            let day = record.recorded.0.div_euclid(DAY_US);
            // There are few; the last one is nearly always the right one.
            let found = partitions.iter().rposition(|p| p.day == day && p.class == class);
            let found = if let Some(found) = found {
                found
            } else {
                partitions.push(self.partition(class, day, record.recorded, *leaf)?);
                partitions.len() - 1
            };
            let Some(partition) = partitions.get_mut(found) else { continue };
            partition.last = *leaf;
            partition.leaves.push((*leaf, *place));
            partition.parts.extend(record.parts().map(|part| part.pid));
            partition.records.push(*leaf, &record, envelope).map_err(unwritable)?;
        }
        partitions.sort_by(|a, b| (&a.class, a.day).cmp(&(&b.class, b.day)));
        let mut files = Vec::new();
        for partition in partitions {
            let (class, day) = (&partition.class, partition.time.day());
            let (first, last) = (partition.first, partition.last);
            let name =
                self.layout.records(class, &day, first, last).map_err(LedgerError::archive)?;
            let staged = partition.records.finish().map_err(unwritable)?;
            let same = |there| {
                let (mut rows, mut buffer) = (Rows::default(), Vec::new());
                for (leaf, place) in &partition.leaves {
                    let frame = unit.frame(*place, &mut buffer);
                    let Ok(Frame::Record { envelope, .. }) = frame else { return false };
                    rows.push(&leaf.to_be_bytes(), envelope);
                }
                rows_of_records(there) == Some(rows.finish())
            };
            let lock = self.locks.segment(class, partition.time);
            files.push(self.put_file(&name, staged, lock, &same)?);
            let name = self.layout.parts(class, &day, first, last).map_err(LedgerError::archive)?;
            files.extend(self.put_parts(
                &name,
                unit,
                index,
                &partition.parts,
                first..=last,
                lock,
            )?);
        }
        Ok(files)
    }

    fn partition(
        &self,
        class: &str,
        day: i64,
        time: Timestamp,
        first: u64,
    ) -> Result<Partition<'_>, LedgerError> {
        let staged = self.archive.stage().map_err(LedgerError::archive)?;
        Ok(Partition {
            class: class.to_owned(),
            day,
            time,
            first,
            last: first,
            records: RecordsWriter::new(staged).map_err(unwritable)?,
            leaves: Vec::new(),
            parts: PidSet::default(),
        })
    }

    /// Puts the parts that a partition's records name; `None` when there are none.
    fn put_parts(
        &self,
        name: &Name,
        unit: &UnitFiles,
        index: &Index,
        wanted: &PidSet,
        leaves: std::ops::RangeInclusive<u64>,
        lock: Lock,
    ) -> Result<Option<SegmentFile>, LedgerError> {
        let mut parts: Vec<(Pid, Place)> =
            wanted.iter().filter_map(|pid| Some((*pid, *index.parts.get(pid)?))).collect();
        parts.sort_unstable_by_key(|(pid, _)| *pid);
        let missing = wanted.len() - parts.len();
        if missing > 0 {
            self.shared.alert(
                "segment_parts_missing",
                &format!(
                    "{missing} parts of records {} to {} are not in the journal",
                    leaves.start(),
                    leaves.end()
                ),
            );
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let staged = self.archive.stage().map_err(LedgerError::archive)?;
        let mut writer = PartsWriter::new(staged, parts.len()).map_err(unwritable)?;
        let mut buffer = Vec::new();
        for (pid, place) in &parts {
            let frame = unit.frame(*place, &mut buffer).map_err(unreadable)?;
            let Frame::Part { sealed, .. } = frame else {
                return Err(unreadable(io::ErrorKind::InvalidData.into()));
            };
            writer.push(pid, sealed).map_err(unwritable)?;
        }
        let staged = writer.finish().map_err(unwritable)?;
        let same = |there| {
            let (mut rows, mut buffer) = (Rows::default(), Vec::new());
            for (pid, place) in &parts {
                let frame = unit.frame(*place, &mut buffer);
                let Ok(Frame::Part { sealed, .. }) = frame else { return false };
                rows.push(pid.as_bytes(), sealed);
            }
            rows_of_parts(there) == Some(rows.finish())
        };
        self.put_file(name, staged, lock, &same).map(Some)
    }

    /// Puts a file, once, and reads it back. One that is there from before a crash, made by another
    /// version of the Parquet library, is taken when it holds the same rows.
    fn put_file(
        &self,
        name: &Name,
        staged: Box<dyn Staged + '_>,
        lock: Lock,
        same: &dyn Fn(Bytes) -> bool,
    ) -> Result<SegmentFile, LedgerError> {
        let (put, version) = match staged.put(name, lock) {
            Ok((sum, version)) => (Some(sum), version),
            Err(ArchiveError::Conflict(name)) => {
                let there = self.archive.get(&name).map_err(LedgerError::archive)?;
                if !there.is_some_and(|there| same(Bytes::from(there))) {
                    return Err(LedgerError::archive(ArchiveError::Conflict(name)));
                }
                (None, None)
            }
            Err(error) => return Err(LedgerError::archive(error)),
        };
        let there = self.archive.sum(name).map_err(LedgerError::archive)?;
        match there {
            Some(there) if put.is_none_or(|put| put == there) => {
                let lock = if self.archive.locks() { lock } else { Lock::NONE };
                Ok(file(name, there, version, lock))
            }
            _ => Err(LedgerError::Unavailable {
                action: "read back",
                what: name.to_string(),
                reason: "the archive does not give what was put".to_owned(),
            }),
        }
    }

    /// Writes the frames of calls that are open again, under the lock, so that no outcome can come
    /// between.
    fn carry(&self, unit: &UnitFiles, index: &Index) -> Result<(), LedgerError> {
        let mut state = self.shared.lock();
        let frames = carried(&state, unit, index).map_err(unreadable)?;
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

fn carried(state: &State, unit: &UnitFiles, index: &Index) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut brought = PidSet::default();
    let (mut buffer, mut part_buffer) = (Vec::new(), Vec::new());
    for (number, places) in &index.calls {
        if !state.open.contains(*number) {
            continue;
        }
        for place in places {
            let frame = unit.frame(*place, &mut buffer)?;
            if let Frame::Admitted { envelope, .. } = &frame
                && let Ok(envelope) = Envelope::from_bytes(envelope)
                && let Some(interaction) = envelope.interaction()
            {
                for part in interaction.part_refs() {
                    // The current file may hold it already; twice does no harm.
                    if let Some(place) = index.parts.get(&part.pid)
                        && brought.insert(part.pid)
                        && let Frame::Part { sealed, .. } = unit.frame(*place, &mut part_buffer)?
                    {
                        encode_part_frame(&mut out, &part.pid, sealed);
                    }
                }
            }
            encode_frame(&mut out, &frame);
        }
    }
    Ok(out)
}

fn file(name: &Name, sum: Sum, version: Option<Version>, lock: Lock) -> SegmentFile {
    SegmentFile {
        bytes: sum.bytes,
        crc32: sum.crc32,
        locked_until: lock.until,
        name: name.to_string(),
        sha256: Digest(sum.sha256),
        version: version.map(|version| version.0),
    }
}

fn unreadable(error: io::Error) -> LedgerError {
    LedgerError::unavailable("read", "the journal")(error)
}

/// The archive's disk is behind the writer, so it may be full now and not later.
#[expect(clippy::needless_pass_by_value, reason = "for use with map_err")]
fn unwritable(error: SegmentError) -> LedgerError {
    LedgerError::Unavailable {
        action: "write",
        what: "a segment".to_owned(),
        reason: error.to_string(),
    }
}

fn rows_of_records(there: Bytes) -> Option<[u8; 32]> {
    let mut rows = Rows::default();
    segment::each_record(there, |leaf, bytes| rows.push(&leaf.to_be_bytes(), bytes)).ok()?;
    Some(rows.finish())
}

fn rows_of_parts(there: Bytes) -> Option<[u8; 32]> {
    let mut rows = Rows::default();
    segment::each_part(there, |pid, bytes| rows.push(pid.as_bytes(), bytes)).ok()?;
    Some(rows.finish())
}
