//! What a start does with the journal that the last run left.
//!
//! Every whole frame counts. A torn end is cut off, damage before the end is put aside, and both
//! are told in a record. Numbers that were reserved and have no frame become a gap: they may have
//! been given out, nobody knows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use record::envelope::{Damage, Recovery};
use record::{
    AdmissionNumber, Body, Digest, Envelope, Frame, FrameReader, GapReason, Leaf, Outcome, PidMap,
    PidSet, RangeSet, RecordId, Scanned, Timestamp,
};
use tlog::{Checkpoint, VerifyingKey};

use crate::describe::describe;
use crate::edge;
use crate::journal::{Header, Journal};
use crate::ledger::Config;
use crate::locks::Locks;
use crate::sequence::{Head, STATE, load_head, refuse_fork};
use crate::state::{PendingGap, Phase, State, Unit};
use crate::{Disk, Layout, LedgerError, SealedPart};

/// What a start found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Calls that were admitted and have no outcome: the caller finishes them.
    pub open: Vec<OpenCall>,
    /// What the recovery record says; `None` after a clean stop.
    pub report: Option<Recovery>,
}

/// A call that was admitted and has no outcome.
#[derive(Debug)]
pub struct OpenCall {
    /// Its number.
    pub number: AdmissionNumber,
    /// The record as it was at admission; `None` when its frame was damaged.
    pub envelope: Option<Envelope>,
    /// Stretches of the answer, sealed, in order.
    pub pieces: Vec<Vec<u8>>,
    /// The request's parts: they go with the record, which may come into another journal file than
    /// the admission.
    pub parts: Vec<Arc<SealedPart>>,
}

pub(crate) struct Start {
    pub(crate) state: State,
    pub(crate) head: Head,
    /// Whether the archive names this collector.
    pub(crate) described: bool,
    pub(crate) next_number: u64,
    pub(crate) recovered: Recovered,
    /// The `key_change` records of the journal: index and envelope.
    pub(crate) key_changes: Vec<(u64, Vec<u8>)>,
}

/// `next`: the key that is to follow the one of `config`.
pub(crate) fn recover(config: &Config, next: Option<&VerifyingKey>) -> Result<Start, LedgerError> {
    let (head, described) = load_state(config, next)?;
    let mut scan = Scan::new(config, head.tree.size());
    let mut numbers: Vec<u64> = list(config.disk.as_ref())?;
    numbers.sort_unstable();
    for (i, number) in numbers.iter().enumerate() {
        scan.file(*number, i + 1 == numbers.len())?;
    }
    scan.finish(head, described)
}

fn list(disk: &dyn Disk) -> Result<Vec<u64>, LedgerError> {
    let names = disk.list().map_err(LedgerError::unavailable("list", "the journal"))?;
    Ok(names.iter().filter_map(|name| Journal::number_of(name)).collect())
}

/// Reads the signed state and the tiles that it stands on, and whether the archive knows us.
///
/// A remote archive that does not answer is no reason not to start: what is needed lies here too.
fn load_state(config: &Config, next: Option<&VerifyingKey>) -> Result<(Head, bool), LedgerError> {
    let note = match config.disk.read(STATE) {
        Ok(note) => note,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(LedgerError::unavailable("read", STATE)(error)),
    };
    // Who writes here comes before what was written: of another's log nothing needs to be read.
    let locks = Locks { classes: Arc::clone(&config.classes), tiered: config.tiered };
    let lock = locks.log(config.clock.now());
    let key = config.key.verifying_key();
    let online = describe(config.archive.as_ref(), &config.collector, &key, next, lock)
        .and_then(|()| load_from_archive(config, &note));
    match online {
        Ok(head) => Ok((head, true)),
        Err(error @ LedgerError::Unavailable { .. }) if config.archive.is_remote() => {
            let checkpoint = open_state(config, &note)?;
            let Some(head) = edge::load(config.disk.as_ref(), checkpoint, note) else {
                return Err(error);
            };
            tracing::warn!(%error, "the archive does not answer; starting all the same");
            Ok((head, false))
        }
        Err(error) => Err(error),
    }
}

fn open_state(config: &Config, note: &[u8]) -> Result<Option<Checkpoint>, LedgerError> {
    if note.is_empty() {
        return Ok(None);
    }
    Checkpoint::open(note, &config.key.verifying_key())
        .map(Some)
        .map_err(|error| LedgerError::Fatal(format!("the signed state: {error}")))
}

fn load_from_archive(config: &Config, note: &[u8]) -> Result<Head, LedgerError> {
    let layout = Layout::new(config.collector.clone());
    let Some(checkpoint) = open_state(config, note)? else {
        let published = layout.checkpoint().map_err(LedgerError::archive)?;
        if config.archive.get(&published).map_err(LedgerError::archive)?.is_some() {
            return Err(LedgerError::Fatal(format!(
                "{published} in {} is of a log whose signed state is not in this data directory; \
                 choose another collector name or restore the data directory",
                config.archive.location()
            )));
        }
        return Ok(Head::empty());
    };
    let tile_name = |path| layout.tile(path);
    let head = load_head(config.archive.as_ref(), tile_name, &checkpoint, note.to_vec())?;
    refuse_fork(config.archive.as_ref(), &layout, &config.key.verifying_key(), &head)?;
    Ok(head)
}

#[derive(Default)]
struct Call {
    envelope: Option<Envelope>,
    pieces: Vec<Vec<u8>>,
}

/// Walks the journal's files, oldest first.
struct Scan<'a> {
    config: &'a Config,
    tree_size: u64,
    state: State,
    reserved: u64,
    started: bool,
    calls: BTreeMap<u64, Call>,
    damage: Vec<Damage>,
    key_changes: Vec<(u64, Vec<u8>)>,
    now: Timestamp,
}

/// Whether an admission says how its call ended.
fn has_ended(envelope: &Envelope) -> bool {
    let interaction = envelope.interaction();
    interaction.is_some_and(|interaction| interaction.response.outcome != Outcome::Interrupted)
}

impl<'a> Scan<'a> {
    fn new(config: &'a Config, tree_size: u64) -> Self {
        let now = config.clock.now();
        let state = State {
            collector: config.collector.clone(),
            journal: Journal::new(Arc::clone(&config.disk), 0),
            unit: Vec::new(),
            unit_damaged: false,
            complete: Vec::new(),
            parts: PidSet::default(),
            first_leaf: tree_size,
            next_leaf: tree_size,
            holes: VecDeque::new(),
            unit_started: now,
            pending: BTreeMap::new(),
            unframed: RangeSet::new(),
            open: RangeSet::new(),
            recorded: 0,
            gap_numbers: 0,
            gaps: Vec::new(),
            waiters: Vec::new(),
            sync_wanted: false,
            phase: Phase::Admitting,
        };
        Self {
            config,
            tree_size,
            state,
            reserved: 1,
            started: false,
            calls: BTreeMap::new(),
            damage: Vec::new(),
            key_changes: Vec::new(),
            now,
        }
    }

    fn file(&mut self, number: u64, last: bool) -> Result<(), LedgerError> {
        let name = Journal::name_of(number);
        let bytes =
            self.config.disk.read(&name).map_err(LedgerError::unavailable("read", &name))?;
        let mut whole = 0;
        let mut headed = false;
        let mut damaged = false;
        for scanned in FrameReader::new(&bytes) {
            match scanned {
                Ok(Scanned::Frame { end, frame, .. }) => {
                    if !headed {
                        headed = self.begin(number, &frame);
                    }
                    whole = end;
                    self.frame(&frame);
                }
                Ok(Scanned::Damaged { offset, end }) => {
                    damaged = true;
                    self.state.unit_damaged = true;
                    self.put_aside(&name, &bytes, offset, end)?;
                }
                Ok(Scanned::Torn { offset }) => {
                    damaged |= !last;
                    if last {
                        self.torn(&name, bytes.len() - offset, offset);
                    } else {
                        self.state.unit_damaged = true;
                        self.put_aside(&name, &bytes, offset, bytes.len())?;
                    }
                }
                Err(error) => {
                    return Err(LedgerError::Fatal(format!("{name}: {error}")));
                }
            }
        }
        self.state.journal.number = number;
        if !headed {
            // A crash while the file was made: nothing was ever acknowledged from it.
            return self
                .config
                .disk
                .remove(&name)
                .map_err(LedgerError::unavailable("remove", name));
        }
        if last && !damaged {
            let length = u64::try_from(whole).unwrap_or(0);
            self.state.journal.resume(length).map_err(LedgerError::unavailable("open", name))?;
        }
        Ok(())
    }

    /// Takes a file's header; false when the frame is none.
    fn begin(&mut self, number: u64, frame: &Frame<'_>) -> bool {
        let Frame::Start(json) = frame else {
            return false;
        };
        let Ok(header) = serde_json::from_slice::<Header>(json) else {
            return false;
        };
        if !self.started {
            self.started = true;
            self.state.unframed = header.unframed;
            self.state.recorded = header.recorded;
            self.state.gap_numbers = header.gap_numbers;
            self.state.next_leaf = header.first_leaf;
            self.reserved = header.reserved;
        }
        if header.continues && !self.state.unit.is_empty() {
            self.state.unit.push(number);
        } else {
            self.end_unit();
            self.state.unit = vec![number];
            self.state.first_leaf = header.first_leaf;
            self.state.unit_started = header.created;
            self.state.parts.clear();
        }
        true
    }

    fn end_unit(&mut self) {
        if !self.state.unit.is_empty() {
            let files = std::mem::take(&mut self.state.unit);
            let damaged = std::mem::take(&mut self.state.unit_damaged);
            let (first_leaf, end_leaf) = (self.state.first_leaf, self.state.next_leaf);
            self.state.complete.push(Unit { files, damaged, first_leaf, end_leaf });
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::Reserve { start, end } => {
                self.state.unframed.insert(*start, *end);
                self.reserved = self.reserved.max(*end);
            }
            Frame::Release { start, end } => {
                self.state.unframed.remove_range(*start, *end);
                // Given back, they are given out next.
                if self.reserved == *end {
                    self.reserved = *start;
                }
            }
            Frame::Part { pid, .. } => {
                self.state.parts.insert(*pid);
            }
            Frame::Admitted { number, envelope } => {
                self.state.unframed.remove(number.0);
                self.state.open.insert(number.0, number.0 + 1);
                let call = self.calls.entry(number.0).or_default();
                let envelope = Envelope::from_bytes(envelope).ok();
                // A call that ended and waits for names alone has a second admission, which says
                // how it ended; the first one may be carried along behind it.
                if call.envelope.as_ref().is_some_and(has_ended)
                    && !envelope.as_ref().is_some_and(has_ended)
                {
                    return;
                }
                call.envelope = envelope;
                // A carried admission brings its pieces again.
                call.pieces.clear();
            }
            Frame::Piece { number, sealed } => {
                self.calls.entry(number.0).or_default().pieces.push(sealed.to_vec());
            }
            Frame::Record { leaf, number, id, envelope } => {
                self.record(*leaf, *number, *id, envelope);
            }
            _ => {}
        }
    }

    fn record(&mut self, leaf: u64, number: AdmissionNumber, id: RecordId, bytes: &[u8]) {
        let known = leaf < self.state.next_leaf && !self.state.unit.is_empty();
        if known && (leaf < self.tree_size || self.state.pending.contains_key(&leaf)) {
            // The same frame again, in the file that continues one whose sync failed.
            self.settle(number);
            return;
        }
        // The journal that recovery reads is taken as synced: what the kernel gives back survived.
        if leaf >= self.tree_size {
            let time = Envelope::from_bytes(bytes).map(|e| e.recorded).unwrap_or_default();
            self.state.pending.insert(leaf, (Leaf { id, time, envelope: Digest::of(bytes) }, 0));
        }
        self.state.next_leaf = self.state.next_leaf.max(leaf + 1);
        if self.settle(number) {
            self.state.recorded += 1;
            return;
        }
        match Envelope::from_bytes(bytes).map(|envelope| envelope.body) {
            Ok(Body::Gap(gap)) => {
                for (start, end) in gap.numbers.iter() {
                    self.state.unframed.remove_range(start, end);
                    self.state.open.remove_range(start, end);
                }
                self.state.gap_numbers += gap.count;
            }
            Ok(Body::KeyChange(_)) => self.key_changes.push((leaf, bytes.to_vec())),
            _ => {}
        }
    }

    /// Finds the parts of open calls in the journal's files.
    fn with_parts(&self, mut open: Vec<OpenCall>) -> Result<Vec<OpenCall>, LedgerError> {
        if open.is_empty() {
            return Ok(open);
        }
        let mut sealed: PidMap<Vec<u8>> = PidMap::default();
        let mut wanted = PidSet::default();
        for call in &open {
            let interaction = call.envelope.as_ref().and_then(Envelope::interaction);
            wanted.extend(interaction.iter().flat_map(|i| i.part_refs()).map(|part| part.pid));
        }
        for number in list(self.config.disk.as_ref())? {
            let name = Journal::name_of(number);
            let bytes =
                self.config.disk.read(&name).map_err(LedgerError::unavailable("read", &name))?;
            for scanned in FrameReader::new(&bytes).flatten() {
                if let Scanned::Frame { frame: Frame::Part { pid, sealed: bytes }, .. } = scanned
                    && wanted.contains(&pid)
                {
                    sealed.insert(pid, bytes.to_vec());
                }
            }
        }
        for call in &mut open {
            let interaction = call.envelope.as_ref().and_then(Envelope::interaction);
            let references = interaction.iter().flat_map(|i| i.part_refs());
            call.parts = references
                .filter_map(|part| {
                    let bytes = sealed.get(&part.pid)?.clone();
                    Some(Arc::new(SealedPart::recovered(part, bytes)))
                })
                .collect();
        }
        Ok(open)
    }

    fn settle(&mut self, number: AdmissionNumber) -> bool {
        if number.0 == 0 {
            return false;
        }
        self.state.unframed.remove(number.0);
        self.state.open.remove(number.0);
        self.calls.remove(&number.0);
        true
    }

    fn torn(&mut self, file: &str, bytes: usize, offset: usize) {
        self.damage.push(Damage {
            bytes: u64::try_from(bytes).unwrap_or(0),
            file: file.to_owned(),
            kept_as: String::new(),
            offset: u64::try_from(offset).unwrap_or(0),
        });
    }

    fn put_aside(
        &mut self,
        file: &str,
        bytes: &[u8],
        offset: usize,
        end: usize,
    ) -> Result<(), LedgerError> {
        let kept_as = format!("damaged-{}-{offset}.bin", file.trim_end_matches(".journal"));
        let stretch = bytes.get(offset..end).unwrap_or_default();
        tracing::error!(file, offset, bytes = stretch.len(), kept_as, "damaged journal frames");
        self.config
            .disk
            .replace(&kept_as, stretch)
            .map_err(LedgerError::unavailable("write", &kept_as))?;
        self.damage.push(Damage {
            bytes: u64::try_from(stretch.len()).unwrap_or(0),
            file: file.to_owned(),
            kept_as,
            offset: u64::try_from(offset).unwrap_or(0),
        });
        Ok(())
    }

    fn finish(mut self, head: Head, described: bool) -> Result<Start, LedgerError> {
        let size = self.tree_size;
        self.state.next_leaf = self.state.next_leaf.max(size);
        self.state.holes = (size..self.state.next_leaf)
            .filter(|leaf| !self.state.pending.contains_key(leaf))
            .collect();
        if !self.state.holes.is_empty() && self.damage.is_empty() {
            return Err(LedgerError::Fatal(format!(
                "records {:?} are neither in the log nor in the journal",
                self.state.holes
            )));
        }
        if !self.state.journal.is_open() {
            // The last file is damaged or there is none: what comes goes into a new one.
            self.end_unit();
        }
        let mut next_number = self.reserved;
        if self.state.unframed.is_empty() {
            // A clean stop gave the unused numbers back.
        } else {
            // Whatever was reserved may have been given out: numbering goes on behind it.
            let numbers = std::mem::take(&mut self.state.unframed);
            next_number = numbers.iter().map(|(_, end)| end).fold(next_number, u64::max);
            self.state.gaps.push(PendingGap {
                numbers: numbers.clone(),
                unnumbered: 0,
                reason: if self.damage.iter().any(|d| !d.kept_as.is_empty()) {
                    GapReason::Damage
                } else {
                    GapReason::Crash
                },
                since: self.state.unit_started,
                until: self.now,
                at_most: true,
            });
            self.state.unframed = numbers;
        }
        let open: Vec<OpenCall> = std::mem::take(&mut self.calls)
            .into_iter()
            .filter(|(number, _)| self.state.open.contains(*number))
            .map(|(number, call)| OpenCall {
                number: AdmissionNumber(number),
                envelope: call.envelope,
                pieces: call.pieces,
                parts: Vec::new(),
            })
            .collect();
        let open = self.with_parts(open)?;
        let unsealed = u64::try_from(self.state.pending.len()).unwrap_or(0);
        let quiet = open.is_empty() && self.damage.is_empty() && self.state.gaps.is_empty();
        let report = (!quiet).then(|| Recovery {
            damage: self.damage,
            interrupted: u64::try_from(open.len()).unwrap_or(0),
            unsealed,
        });
        let recovered = Recovered { open, report };
        let key_changes = self.key_changes;
        Ok(Start { state: self.state, head, described, next_number, recovered, key_changes })
    }
}
