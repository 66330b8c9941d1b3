//! What the ledger knows, under one lock: the journal, the numbers, and what waits to be sealed.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::Ordering;

use record::envelope::Gap;
use record::{
    AdmissionNumber, CollectorName, Frame, GapReason, Leaf, PidSet, RangeSet, Timestamp,
    encode_frame, encode_part_frame,
};
use tokio::sync::oneshot;

use crate::error::AppendError;
use crate::journal::{Header, Journal};
use crate::numbers::Numbers;
use crate::sealed::{Append, SealedPart};
use crate::status::{Counters, add, set};

pub(crate) struct State {
    pub(crate) collector: CollectorName,
    pub(crate) journal: Journal,
    /// Journal files of the segment in the making, by number; more than one after a failed sync.
    pub(crate) unit: Vec<u64>,
    /// Whether a start found damage in them.
    pub(crate) unit_damaged: bool,
    /// Files of segments that are complete and not written yet, oldest first.
    pub(crate) complete: Vec<Unit>,
    /// Parts that the unit holds already.
    pub(crate) parts: PidSet,
    /// Index of the unit's first record.
    pub(crate) first_leaf: u64,
    pub(crate) next_leaf: u64,
    /// Indices below `next_leaf` whose records were damaged before they were sealed: the next
    /// records take them, so that the log has no hole.
    pub(crate) holes: VecDeque<u64>,
    pub(crate) unit_started: Timestamp,
    /// Records by index that are not in the tree: their leaf, and the position to be synced.
    pub(crate) pending: BTreeMap<u64, (Leaf, u64)>,
    /// Reserved numbers without any frame.
    pub(crate) unframed: RangeSet,
    /// Numbers with an admission and no outcome.
    pub(crate) open: RangeSet,
    pub(crate) recorded: u64,
    pub(crate) gap_numbers: u64,
    pub(crate) gaps: Vec<PendingGap>,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) sync_wanted: bool,
    pub(crate) phase: Phase,
}

/// How far a ledger is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Numbers are given out.
    Admitting,
    /// Nothing is reserved any more.
    Closing,
    /// The threads end.
    Stopping,
}

/// Files that make one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) files: Vec<u64>,
    /// Whether a start found damage in its files: then some of its records may be missing.
    pub(crate) damaged: bool,
    /// Its first record's index.
    pub(crate) first_leaf: u64,
    /// One past its last record's index.
    pub(crate) end_leaf: u64,
}

pub(crate) struct Waiter {
    pub(crate) position: u64,
    pub(crate) ticket: oneshot::Sender<()>,
}

/// Calls that will not be recorded, until a record says so.
#[derive(Debug, Clone)]
pub(crate) struct PendingGap {
    pub(crate) numbers: RangeSet,
    /// Calls that were let through without a number, because none could be reserved.
    pub(crate) unnumbered: u64,
    pub(crate) reason: GapReason,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) at_most: bool,
}

impl State {
    /// Appends entries in order, all or none.
    pub(crate) fn append(
        &mut self,
        entries: Vec<Append>,
        counters: &Counters,
        reserved: u64,
        now: Timestamp,
    ) -> Result<(), AppendError> {
        if !self.journal.is_open()
            && let Err(error) = self.start_file(reserved, now)
        {
            return Err(fail(entries, &error, counters));
        }
        let mut frames = self.journal.buffer();
        let mut brought = PidSet::default();
        let mut leaves = self.holes.iter().copied().chain(self.next_leaf..);
        for entry in &entries {
            match entry {
                Append::Admitted { number, admission, .. } => {
                    self.encode_parts(&mut frames, &admission.parts, &mut brought);
                    let envelope = &admission.envelope;
                    encode_frame(&mut frames, &Frame::Admitted { number: *number, envelope });
                }
                Append::Piece { number, sealed } => {
                    encode_frame(&mut frames, &Frame::Piece { number: *number, sealed });
                }
                Append::Record { number, sealed, .. } => {
                    self.encode_parts(&mut frames, &sealed.parts, &mut brought);
                    let number = number.unwrap_or(AdmissionNumber(0));
                    let (id, envelope) = (sealed.leaf.id, &sealed.envelope);
                    let leaf = leaves.next().unwrap_or(u64::MAX);
                    let frame = Frame::Record { leaf, number, id, envelope };
                    encode_frame(&mut frames, &frame);
                }
            }
        }
        let bytes = u64::try_from(frames.len()).unwrap_or(0);
        let position = match self.journal.write(frames) {
            Ok(position) => position,
            Err(error) => return Err(fail(entries, &error, counters)),
        };
        counters.unwritable.store(false, Ordering::Relaxed);
        add(&counters.journal_writes, 1);
        add(&counters.journal_bytes, bytes);
        self.parts.extend(brought);
        for entry in entries {
            self.appended(entry, position, counters);
        }
        set(&counters.open_calls, self.open.len());
        set(&counters.unsealed, u64::try_from(self.pending.len()).unwrap_or(0));
        Ok(())
    }

    fn encode_parts(
        &self,
        frames: &mut Vec<u8>,
        parts: &[std::sync::Arc<SealedPart>],
        brought: &mut PidSet,
    ) {
        for part in parts {
            let pid = part.pid();
            if !self.parts.contains(&pid) && brought.insert(pid) {
                encode_part_frame(frames, &pid, part.bytes());
            }
        }
    }

    fn appended(&mut self, entry: Append, position: u64, counters: &Counters) {
        let tickets = match entry {
            Append::Admitted { number, tickets, .. } => {
                self.unframed.remove(number.0);
                self.open.insert(number.0, number.0 + 1);
                Some(tickets)
            }
            Append::Piece { .. } => None,
            Append::Record { number, sealed, tickets } => {
                let leaf = self.holes.pop_front().unwrap_or(self.next_leaf);
                self.next_leaf = self.next_leaf.max(leaf + 1);
                self.pending.insert(leaf, (sealed.leaf, position));
                add(&counters.records, 1);
                if let Some(number) = number {
                    self.unframed.remove(number.0);
                    self.open.remove(number.0);
                    self.recorded += 1;
                }
                Some(tickets)
            }
        };
        let Some(tickets) = tickets else { return };
        if let Some(ticket) = tickets.written {
            // Nobody waits any more when the gate has opened by itself.
            let _gone = ticket.send(());
        }
        if let Some(ticket) = tickets.synced {
            self.waiters.push(Waiter { position, ticket });
            self.sync_wanted = true;
        }
    }

    /// Starts a file: the next one of the unit when the current one is poisoned, else the first
    /// one of a new unit.
    pub(crate) fn start_file(&mut self, reserved: u64, now: Timestamp) -> io::Result<()> {
        let continues = self.journal.is_poisoned();
        let header = Header {
            collector: self.collector.clone(),
            continues,
            created: now,
            first_leaf: if continues { self.first_leaf } else { self.next_leaf },
            gap_numbers: self.gap_numbers,
            recorded: self.recorded,
            reserved,
            unframed: self.unframed.clone(),
            v: 1,
        };
        self.journal.rotate(&header)?;
        if continues {
            self.unit.push(self.journal.number);
        } else {
            if !self.unit.is_empty() {
                let files = std::mem::take(&mut self.unit);
                let (first_leaf, end_leaf) = (self.first_leaf, self.next_leaf);
                let damaged = std::mem::take(&mut self.unit_damaged);
                self.complete.push(Unit { files, damaged, first_leaf, end_leaf });
            }
            self.unit = vec![self.journal.number];
            self.first_leaf = self.next_leaf;
            self.unit_started = now;
            self.parts.clear();
        }
        Ok(())
    }

    /// Writes that numbers up to `end` may be given out.
    pub(crate) fn reserve(&mut self, start: u64, end: u64, now: Timestamp) -> io::Result<u64> {
        if !self.journal.is_open() {
            self.start_file(start, now)?;
        }
        let mut frame = Vec::new();
        encode_frame(&mut frame, &Frame::Reserve { start, end });
        let position = self.journal.write(frame)?;
        self.unframed.insert(start, end);
        Ok(position)
    }

    /// Writes that the reserved numbers from `next` on were never given out.
    pub(crate) fn release(&mut self, next: u64) -> io::Result<()> {
        let Some(end) = self.unframed.iter().last().map(|(_, end)| end).filter(|end| *end > next)
        else {
            return Ok(());
        };
        let mut frame = Vec::new();
        encode_frame(&mut frame, &Frame::Release { start: next, end });
        self.journal.write(frame)?;
        self.unframed.remove_range(next, end);
        Ok(())
    }

    /// The leaves from `size` on that are synced, in order and without a hole.
    pub(crate) fn sealable(&self, size: u64) -> Vec<Leaf> {
        (size..)
            .map_while(|index| self.pending.get(&index))
            .take_while(|(_, position)| *position <= self.journal.synced)
            .map(|(leaf, _)| *leaf)
            .collect()
    }

    /// The gap records to be written now, and the numbers of each.
    pub(crate) fn take_gaps(&mut self, numbers: &Numbers) -> Vec<Gap> {
        let mut made = Vec::new();
        let mut later = Vec::new();
        for mut gap in std::mem::take(&mut self.gaps) {
            while gap.unnumbered > 0 {
                let Some(number) = numbers.take().number else {
                    break;
                };
                gap.numbers.insert(number.0, number.0 + 1);
                gap.unnumbered -= 1;
            }
            if gap.unnumbered > 0 {
                later.push(PendingGap { numbers: RangeSet::new(), ..gap.clone() });
            }
            if !gap.numbers.is_empty() {
                made.push(Gap {
                    at_most: gap.at_most,
                    count: gap.numbers.len(),
                    numbers: gap.numbers,
                    reason: gap.reason,
                    since: gap.since,
                    until: gap.until,
                });
            }
        }
        self.gaps = later;
        made
    }

    /// A gap record is in the journal.
    pub(crate) fn gap_written(&mut self, gap: &Gap, counters: &Counters) {
        for (start, end) in gap.numbers.iter() {
            self.unframed.remove_range(start, end);
            self.open.remove_range(start, end);
        }
        self.gap_numbers += gap.count;
        set(&counters.gap_numbers, self.gap_numbers);
    }

    /// A gap record could not be written: it is tried again.
    pub(crate) fn gap_again(&mut self, gap: &Gap) {
        self.gaps.push(PendingGap {
            numbers: gap.numbers.clone(),
            unnumbered: 0,
            reason: gap.reason,
            since: gap.since,
            until: gap.until,
            at_most: gap.at_most,
        });
    }

    /// Adds calls to the gap of the same reason.
    pub(crate) fn note_gap(
        &mut self,
        number: Option<AdmissionNumber>,
        reason: GapReason,
        now: Timestamp,
    ) {
        let same = self.gaps.iter_mut().find(|gap| gap.reason == reason && !gap.at_most);
        let gap = if let Some(gap) = same {
            gap
        } else {
            self.gaps.push(PendingGap {
                numbers: RangeSet::new(),
                unnumbered: 0,
                reason,
                since: now,
                until: now,
                at_most: false,
            });
            let Some(gap) = self.gaps.last_mut() else {
                return;
            };
            gap
        };
        gap.until = gap.until.max(now);
        match number {
            Some(number) => gap.numbers.insert(number.0, number.0 + 1),
            None => gap.unnumbered += 1,
        }
    }
}

fn fail(entries: Vec<Append>, error: &io::Error, counters: &Counters) -> AppendError {
    if !counters.unwritable.swap(true, Ordering::Relaxed) {
        tracing::error!(%error, "the log cannot be written; it is tried again until it can");
    }
    add(&counters.write_failures, 1);
    AppendError { entries, reason: error.to_string() }
}
