//! The public face: open, take numbers, append, seal, close.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use archive::Archive;
use keys::KeyStore;
use record::envelope::{Alert, Configuration, Envelope};
use record::{
    AdmissionNumber, Body, Classes, Clock, CollectorName, GapReason, RecordId, Timestamp,
};
use tlog::{SigningKey, VerifyingKey};

use crate::error::{AppendError, LedgerError};
use crate::handover::{Handover, Pending};
use crate::numbers::Numbers;
use crate::priority::Background;
use crate::recover::{Recovered, recover};
use crate::sealed::{Append, Sealed, Tickets};
use crate::sealer::{Command, Sealer};
use crate::state::{Phase, State};
use crate::status::{Counters, Status};
use crate::{Disk, sync};

/// What a ledger is made of.
pub struct Config {
    /// Whose ledger it is.
    pub collector: CollectorName,
    /// Where the journal and the signed state lie.
    pub disk: Arc<dyn Disk>,
    /// Where segments and tiles go.
    pub archive: Arc<dyn Archive>,
    /// Signs checkpoints; its name is the log's origin.
    pub key: SigningKey,
    /// Synced before the frames that are sealed with its keys.
    pub keys: Arc<KeyStore>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// Whether calls are admitted here; a ledger of events alone reserves no numbers.
    pub admits: bool,
    /// How long archived objects are locked.
    pub classes: Arc<Classes>,
    /// Whether segments move to a cold tier: then they are locked for their hot time and
    /// [`HOT_MARGIN_DAYS`](crate::HOT_MARGIN_DAYS), and the cold ones for the rest.
    pub tiered: bool,
    /// How often what is pending is sealed.
    pub seal_every: Duration,
    /// An idle log says so this often; zero for never.
    pub heartbeat: Duration,
    /// A journal file becomes a segment at this size, in bytes.
    pub segment_bytes: u64,
    /// A journal file becomes a segment at this age.
    pub segment_age: Duration,
}

/// A collector's ledger. Cheap to share; dropping it without [`close`](Self::close) is a crash,
/// from which the next start recovers.
pub struct Ledger {
    shared: Arc<Shared>,
    signed_first: VerifyingKey,
    verifying_key: VerifyingKey,
    commands: Sender<Command>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    sync_wake: Condvar,
    pub(crate) numbers: Numbers,
    pub(crate) counters: Counters,
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) collector: CollectorName,
}

impl Ledger {
    /// Opens the ledger, recovering what a crash left. The caller finishes the open calls that it
    /// gets back.
    pub fn open(config: Config) -> Result<(Self, Recovered), LedgerError> {
        Self::open_with(config, None)
    }

    /// [`open`](Self::open); with `handover` the key of `config` gives way to another one, as soon
    /// as the archive takes it.
    pub fn open_with(
        config: Config,
        handover: Option<Handover>,
    ) -> Result<(Self, Recovered), LedgerError> {
        let next = handover.as_ref().map(|handover| handover.next.verifying_key());
        let mut start = recover(&config, next.as_ref())?;
        let signed_first = config.key.verifying_key();
        let verifying_key = next.unwrap_or_else(|| signed_first.clone());
        let handover = handover.map(|handover| Pending::new(handover, start.key_changes));
        if !config.admits {
            start.state.phase = Phase::Closing;
        }
        let shared = Arc::new(Shared {
            numbers: Numbers::new(start.next_number),
            state: Mutex::new(start.state),
            sync_wake: Condvar::new(),
            counters: Counters::default(),
            keys: Arc::clone(&config.keys),
            clock: Arc::clone(&config.clock),
            collector: config.collector.clone(),
        });
        let (commands, inbox) = channel();
        let sealer =
            Sealer::new(config, Arc::clone(&shared), start.head, start.described, handover);
        let mut threads = Vec::new();
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(LedgerError::unavailable("start thread", name))
        };
        let for_sync = Arc::clone(&shared);
        threads.push(spawn("ledger-sync", Box::new(move || sync::run(&for_sync)))?);
        let seal = move || {
            Background::Sealing.stand_back();
            sealer.run(&inbox);
        };
        threads.push(spawn("ledger-seal", Box::new(seal))?);
        let ledger =
            Self { shared, signed_first, verifying_key, commands, threads: Mutex::new(threads) };
        ledger.announce(&start.recovered);
        Ok((ledger, start.recovered))
    }

    /// Whose signatures the log's checkpoints carry, after a hand-over that is on its way.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// Whose signatures they carried when this ledger was opened: that of
    /// [`verifying_key`](Self::verifying_key), or of the key that hands over to it.
    pub fn signed_first(&self) -> &VerifyingKey {
        &self.signed_first
    }

    /// Whose ledger it is.
    pub fn collector(&self) -> &CollectorName {
        &self.shared.collector
    }

    /// The next admission number; `None` when none is reserved because the log cannot be written.
    /// Never waits.
    pub fn take_number(&self) -> Option<AdmissionNumber> {
        let taken = self.shared.numbers.take();
        if taken.low {
            self.shared.sync_wake.notify_one();
        }
        taken.number
    }

    /// Appends entries in order, all or none. Waits for the kernel to take the bytes, not for the
    /// disk.
    pub fn append(&self, entries: Vec<Append>) -> Result<(), AppendError> {
        self.shared.append(entries)
    }

    /// Says that a call will not be recorded. A record tells of it as soon as writing works.
    pub fn note_gap(&self, number: Option<AdmissionNumber>, reason: GapReason) {
        let now = self.shared.now();
        self.shared.lock().note_gap(number, reason, now);
    }

    /// Writes a record that is not about a call, with no parts.
    pub fn append_event(&self, body: Body, tickets: Tickets) -> Result<RecordId, LedgerError> {
        self.shared.append_event(body, tickets)
    }

    /// Appends an event and waits until it survives a loss of power.
    pub fn append_event_durably(&self, body: Body) -> Result<RecordId, LedgerError> {
        let (ticket, done) = tokio::sync::oneshot::channel();
        let tickets = Tickets { written: None, synced: Some(ticket) };
        let id = self.append_event(body, tickets)?;
        done.blocking_recv().map_err(|_| LedgerError::Unavailable {
            action: "sync",
            what: "the journal".to_owned(),
            reason: "the ledger was closed".to_owned(),
        })?;
        Ok(id)
    }

    /// Whether the last attempt to write succeeded.
    pub fn is_writable(&self) -> bool {
        !self.shared.counters.unwritable.load(Ordering::Relaxed)
    }

    /// Counters.
    pub fn status(&self) -> Status {
        self.shared.counters.read()
    }

    /// Seals what is synced, now. Waits for it.
    pub fn seal(&self) -> Result<(), LedgerError> {
        self.command(Command::Seal)
    }

    /// Makes segments of all complete journal files and of the current one, now. Waits for it.
    pub fn flush_segments(&self) -> Result<(), LedgerError> {
        self.command(Command::Flush)
    }

    fn command(
        &self,
        make: impl FnOnce(Sender<Result<(), LedgerError>>) -> Command,
    ) -> Result<(), LedgerError> {
        let (reply, answer) = channel();
        let closed = || LedgerError::Unavailable {
            action: "use",
            what: "the ledger".to_owned(),
            reason: "it is closed".to_owned(),
        };
        self.commands.send(make(reply)).map_err(|_| closed())?;
        answer.recv().map_err(|_| closed())?
    }

    /// Ends cleanly: unused numbers are released, everything is sealed; with `segments`, the
    /// journal becomes segments too. Calls that are still open stay open in the journal.
    pub fn close(&self, segments: bool) -> Result<(), LedgerError> {
        let released = {
            let mut state = self.shared.lock();
            // From here on nothing is reserved any more.
            state.phase = Phase::Closing;
            let next = self.shared.numbers.release();
            state.release(next)
        };
        let sealed = if segments { self.flush_segments() } else { self.seal() };
        self.stop();
        released.map_err(LedgerError::unavailable("write", "the journal"))?;
        sealed
    }

    fn stop(&self) {
        {
            self.shared.lock().phase = Phase::Stopping;
            self.shared.sync_wake.notify_all();
        }
        // The sealer is gone already when it met a contradiction.
        let _gone = self.commands.send(Command::Stop);
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the ledger panicked");
            }
        }
    }

    /// Records what the start found, so that a crash is never silent.
    fn announce(&self, recovered: &Recovered) {
        if let Some(report) = &recovered.report
            && let Err(error) =
                self.append_event(Body::Recovery(report.clone()), Tickets::default())
        {
            tracing::error!(%error, "the recovery could not be recorded");
        }
        // Records that were damaged before they were sealed leave holes, which must be filled
        // before anything behind them can be sealed.
        while !self.shared.lock().holes.is_empty() {
            self.shared.alert("record_lost", "a record was damaged on disk before it was sealed");
            if !self.is_writable() {
                return;
            }
        }
    }

    /// Records a start or a stop of the program.
    pub fn announce_configuration(&self, configuration: Configuration) -> Result<(), LedgerError> {
        self.append_event(Body::Configuration(configuration), Tickets::default()).map(|_| ())
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_sync<'a>(
        &self,
        state: MutexGuard<'a, State>,
        patience: Duration,
    ) -> (MutexGuard<'a, State>, bool) {
        let (state, timeout) =
            self.sync_wake.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
        (state, timeout.timed_out())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn append(&self, entries: Vec<Append>) -> Result<(), AppendError> {
        let now = self.now();
        let mut state = self.lock();
        state.append(entries, &self.counters, self.numbers.end(), now)?;
        let wake = state.sync_wanted;
        drop(state);
        if wake {
            self.sync_wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn append_event(
        &self,
        body: Body,
        tickets: Tickets,
    ) -> Result<RecordId, LedgerError> {
        let now = self.now();
        let random = keys::random().map_err(|error| LedgerError::Fatal(error.to_string()))?;
        let id = RecordId::new(now.unix_ms(), random);
        let envelope = Envelope { id, collector: self.collector.clone(), recorded: now, body };
        let sealed = Sealed::new(&envelope, Vec::new())
            .map_err(|error| LedgerError::Fatal(error.to_string()))?;
        let record = Append::Record { number: None, sealed, tickets };
        self.append(vec![record]).map_err(|error| LedgerError::Unavailable {
            action: "append to",
            what: "the journal".to_owned(),
            reason: error.reason,
        })?;
        Ok(id)
    }

    pub(crate) fn alert(&self, rule: &str, message: &str) {
        tracing::error!(rule, message);
        let alert = Alert { message: message.to_owned(), rule: rule.to_owned() };
        if let Err(error) = self.append_event(Body::Alert(alert), Tickets::default()) {
            tracing::error!(%error, rule, "an alert could not be recorded");
        }
    }
}
