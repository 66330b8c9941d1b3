//! The thread that seals: gap records, heartbeats, the sequence, and segments, once a second.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use archive::Archive;
use record::Body;
use record::envelope::{Heartbeat, LedgerObject};
use tlog::SigningKey;

use crate::handover::Pending;
use crate::ledger::{Config, Shared};
use crate::locks::Locks;
use crate::sealed::Tickets;
use crate::sequence::Head;
use crate::status::{add, set};
use crate::{Disk, Layout, LedgerError, sync};

pub(crate) enum Command {
    Seal(Sender<Result<(), LedgerError>>),
    Flush(Sender<Result<(), LedgerError>>),
    Stop,
}

pub(crate) struct Sealer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) key: SigningKey,
    pub(crate) origin: String,
    pub(crate) layout: Layout,
    pub(crate) head: Head,
    /// A head whose state is being written: it may or may not be the one on disk.
    pub(crate) attempt: Option<Head>,
    /// Whether the archive names this collector.
    pub(crate) described: bool,
    pub(crate) locks: Locks,
    /// Objects of the log that no segment record names yet, with their versions.
    pub(crate) placed: Vec<LedgerObject>,
    /// The key that is to follow.
    pub(crate) handover: Option<Pending>,
    seal_every: Duration,
    heartbeat: Duration,
    segment_bytes: u64,
    segment_age: Duration,
    last_record: Instant,
    records: u64,
    /// When sealing fails the archive is left in peace for a while.
    retry_at: Option<Instant>,
}

impl Sealer {
    pub(crate) fn new(
        config: Config,
        shared: Arc<Shared>,
        head: Head,
        described: bool,
        handover: Option<Pending>,
    ) -> Self {
        set(&shared.counters.tree_size, head.tree.size());
        Self {
            shared,
            origin: config.key.verifying_key().name().to_owned(),
            archive: config.archive,
            disk: config.disk,
            key: config.key,
            layout: Layout::new(config.collector),
            head,
            attempt: None,
            described,
            locks: Locks { classes: config.classes, tiered: config.tiered },
            placed: Vec::new(),
            handover,
            seal_every: config.seal_every,
            heartbeat: config.heartbeat,
            segment_bytes: config.segment_bytes,
            segment_age: config.segment_age,
            last_record: Instant::now(),
            records: 0,
            retry_at: None,
        }
    }

    pub(crate) fn run(mut self, inbox: &Receiver<Command>) {
        let mut next = Instant::now() + self.seal_every;
        loop {
            let now = Instant::now();
            // Sealing takes time of its own, which the next round gives back.
            match inbox.recv_timeout(next.saturating_duration_since(now)) {
                Err(RecvTimeoutError::Timeout) => {
                    next = Instant::now() + self.seal_every;
                    if self.retry_at.is_none_or(|at| at <= Instant::now()) {
                        self.heartbeat_if_idle();
                        let sealed = self.seal().and_then(|()| self.segments(false));
                        self.note(&sealed);
                    }
                }
                Ok(Command::Seal(reply)) => {
                    let sealed = self.seal();
                    self.note(&sealed);
                    let _gone = reply.send(sealed);
                }
                Ok(Command::Flush(reply)) => {
                    let flushed = self.flush();
                    self.note(&flushed);
                    let _gone = reply.send(flushed);
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Syncs what is written, and seals it.
    fn seal(&mut self) -> Result<(), LedgerError> {
        if self.shared.counters.fatal.load(Ordering::Relaxed) {
            return Err(LedgerError::Fatal("sealing was stopped before".to_owned()));
        }
        self.write_gaps();
        self.begin_handover();
        sync::sync_once(&self.shared);
        self.sequence()?;
        self.finish_handover()
    }

    /// Everything into the tree, and all journal files into segments.
    fn flush(&mut self) -> Result<(), LedgerError> {
        self.seal()?;
        self.segments(true)?;
        // The record that names the segment is itself a record.
        self.seal()
    }

    fn segments(&mut self, all: bool) -> Result<(), LedgerError> {
        {
            let mut state = self.shared.lock();
            let now = self.shared.now();
            let records = state.next_leaf > state.first_leaf;
            let age = u64::try_from(self.segment_age.as_micros()).unwrap_or(u64::MAX);
            let old = now.since_us(state.unit_started) >= age;
            let large = state.journal.length >= self.segment_bytes;
            if records && (all || large || old) && state.journal.is_open() {
                let reserved = self.shared.numbers.end();
                state
                    .start_file(reserved, now)
                    .map_err(LedgerError::unavailable("start", "a journal file"))?;
            }
        }
        self.close_units()
    }

    fn write_gaps(&self) {
        let gaps = self.shared.lock().take_gaps(&self.shared.numbers);
        for gap in gaps {
            let written = self.shared.append_event(Body::Gap(gap.clone()), Tickets::default());
            let mut state = self.shared.lock();
            match written {
                Ok(_) => state.gap_written(&gap, &self.shared.counters),
                Err(error) => {
                    tracing::debug!(%error, "a gap record waits");
                    state.gap_again(&gap);
                }
            }
        }
    }

    fn heartbeat_if_idle(&mut self) {
        let records = self.shared.counters.read().records;
        if records != self.records {
            self.records = records;
            self.last_record = Instant::now();
        }
        if self.heartbeat.is_zero() || self.last_record.elapsed() < self.heartbeat {
            return;
        }
        self.last_record = Instant::now();
        let beat = self.tally();
        if let Err(error) = self.shared.append_event(Body::Heartbeat(beat), Tickets::default()) {
            tracing::debug!(%error, "no heartbeat");
        }
    }

    /// How many numbers were given out, and what became of them.
    fn tally(&self) -> Heartbeat {
        let state = self.shared.lock();
        let next = self.shared.numbers.next();
        let mut open = state.unframed.clone();
        open.remove_range(next, u64::MAX);
        for (start, end) in state.open.iter() {
            open.insert(start, end);
        }
        Heartbeat {
            admitted: next.saturating_sub(1),
            gaps: state.gap_numbers,
            open,
            recorded: state.recorded,
        }
    }

    fn note(&mut self, outcome: &Result<(), LedgerError>) {
        self.shared.counters.sealing_fails.store(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok(()) => {
                if self.retry_at.take().is_some() {
                    tracing::info!("everything is sealed again");
                }
            }
            Err(LedgerError::Fatal(reason)) => {
                if !self.shared.counters.fatal.swap(true, Ordering::Relaxed) {
                    self.shared.alert("ledger_fatal", reason);
                }
            }
            Err(error) => {
                add(&self.shared.counters.seal_failures, 1);
                if self.retry_at.is_none() {
                    tracing::error!(%error, "nothing can be sealed; it is tried again");
                }
                self.retry_at = Some(Instant::now() + self.seal_every.max(Duration::from_secs(1)));
            }
        }
    }
}
