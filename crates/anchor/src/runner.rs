//! The thread of one collector: looks for new checkpoints and brings them to every anchor.

mod asked;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use archive::{Archive, Lock};
use record::{Clock, CollectorName, Timestamp};
use tlog::{Checkpoint, CosignatureKey, VerifyingKey};

use crate::backoff::pause;
use crate::copy::Copy;
use crate::keys::Keys;
use crate::progress::{Progress, Reached};
use crate::round::{Anchor, Round};
use crate::siem::Siem;
use crate::status::{AnchorStatus, Board};
use crate::{AnchorError, Layout, SiemTarget};

use asked::{Timestamps, Witness};

/// The longest that a stop waits for a last round.
const LAST_ROUND: Duration = Duration::from_secs(5);

/// What to bring where.
pub struct Config {
    /// Where the checkpoints are read, and results are kept.
    pub archive: Arc<dyn Archive>,
    /// Whose.
    pub collector: CollectorName,
    /// The key of the collector's log, or one before or after it: the log hands over.
    pub key: VerifyingKey,
    /// A file of its own, for how far each anchor has come.
    pub progress: PathBuf,
    /// How often new checkpoints are looked for.
    pub every: Duration,
    /// How long a round waits for its anchors.
    pub timeout: Duration,
    /// After this long without success there is an alert.
    pub alert_after: Duration,
    /// Witnesses.
    pub witnesses: Vec<WitnessConfig>,
    /// A timestamp authority.
    pub timestamp: Option<TimestampConfig>,
    /// Where lines for every checkpoint go.
    pub siem: Option<SiemTarget>,
    /// A second archive.
    pub copy: Option<Arc<dyn Archive>>,
    /// For how many days what is put is locked, where the archive can; 0: not by us.
    pub lock_days: u32,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// Is told what a person should know. Called on the anchors' thread; must not wait for it.
    pub alert: Box<dyn Fn(&Alert) + Send>,
}

/// A witness that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessConfig {
    /// Its name here, unique.
    pub name: String,
    /// Its submission prefix.
    pub url: String,
    /// Its key.
    pub key: CosignatureKey,
}

/// A timestamp authority that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampConfig {
    /// Where it is.
    pub url: String,
    /// How often.
    pub every: Duration,
}

/// What a person should know. Each is told once, until it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alert {
    /// An anchor has not taken a checkpoint for a long time.
    Silent {
        /// Which anchor.
        anchor: String,
        /// For how long.
        since: Duration,
        /// What it said last.
        reason: String,
    },
    /// An anchor holds another history than this log.
    Contradicted {
        /// Which anchor.
        anchor: String,
        /// What it said.
        reason: String,
    },
    /// A witness has forgotten what it cosigned.
    WentBack {
        /// Which anchor.
        anchor: String,
        /// The size that it had cosigned.
        from: u64,
        /// The size that it says it has cosigned.
        to: u64,
    },
    /// An anchor that there was an alert for has taken a checkpoint.
    Answers {
        /// Which anchor.
        anchor: String,
    },
}

/// The running thread.
pub struct Anchors {
    board: Arc<Board>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Anchors {
    /// Starts it. Errors are of the configuration and of the file of progress; an anchor that does
    /// not answer is none.
    pub fn start(config: Config) -> Result<Self, AnchorError> {
        let progress = Progress::load(&config.progress)?;
        let slots = slots(&config, &progress)?;
        let board = slots
            .iter()
            .map(|slot| AnchorStatus {
                kind: slot.anchor.kind(),
                name: slot.anchor.name(),
                size: slot.reached.size,
                at: slot.reached.at,
                failures: 0,
                failing: None,
            })
            .collect();
        let board = Arc::new(Board::new(board));
        let layout = Layout::new(config.collector.clone());
        let name = format!("anchors-{}", config.collector);
        let (stop, stopped) = channel();
        let keys = Keys::of(config.key.clone());
        let runner = Runner { config, layout, keys, progress, slots, board: Arc::clone(&board) };
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || runner.run(&stopped))
            .map_err(|error| AnchorError::Unavailable(format!("no thread: {error}")))?;
        Ok(Self { board, stop, thread })
    }

    /// Each anchor, as it is now.
    pub fn status(&self) -> Vec<AnchorStatus> {
        self.board.read()
    }

    /// A reading for others, while this one may be stopped.
    pub fn reader(&self) -> Box<dyn Fn() -> Vec<AnchorStatus> + Send + Sync> {
        let board = Arc::clone(&self.board);
        Box::new(move || board.read())
    }

    /// Brings the last checkpoint to the anchors that answer, and ends. Waits at most for the
    /// round that goes on and five seconds.
    pub fn stop(self) {
        // The thread may be gone after a panic.
        let _gone = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the anchors' thread panicked");
        }
    }
}

fn slots(config: &Config, progress: &Progress) -> Result<Vec<Slot>, AnchorError> {
    let mut anchors: Vec<Box<dyn Anchor>> = Vec::new();
    for witness in &config.witnesses {
        anchors.push(Box::new(Witness::new(witness)?));
    }
    if let Some(timestamp) = &config.timestamp {
        anchors.push(Box::new(Timestamps::new(timestamp)?));
    }
    if let Some(target) = &config.siem {
        anchors.push(Box::new(Siem::new(target.clone())));
    }
    if let Some(archive) = &config.copy {
        anchors.push(Box::new(Copy(Arc::clone(archive))));
    }
    let mut slots: Vec<Slot> = Vec::new();
    for anchor in anchors {
        let label = format!("{}:{}", anchor.kind(), anchor.name());
        if slots.iter().any(|slot| slot.label == label) {
            return Err(AnchorError::Refused(format!("two anchors have one name: {label}")));
        }
        let reached = progress.of(&label);
        slots.push(Slot { anchor, label, reached, trouble: None });
    }
    Ok(slots)
}

/// An anchor and how it fares.
struct Slot {
    anchor: Box<dyn Anchor>,
    label: String,
    reached: Reached,
    trouble: Option<Trouble>,
}

/// An anchor that does not take checkpoints.
struct Trouble {
    since: Instant,
    failures: u32,
    retry_at: Instant,
    /// Whether there was an alert for being silent, and for contradicting.
    told_silent: bool,
    told_contradicted: bool,
}

struct Runner {
    config: Config,
    layout: Layout,
    keys: Keys,
    progress: Progress,
    slots: Vec<Slot>,
    board: Arc<Board>,
}

/// What came of asking one anchor.
struct Outcome {
    index: usize,
    result: Result<(), AnchorError>,
}

impl Runner {
    fn run(mut self, stopped: &Receiver<()>) {
        loop {
            self.round(Instant::now() + self.config.timeout, false);
            match stopped.recv_timeout(self.config.every) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    let patience = self.config.timeout.min(LAST_ROUND);
                    self.round(Instant::now() + patience, true);
                    return;
                }
            }
        }
    }

    /// Brings the published checkpoint to all anchors whose time it is, side by side: one that
    /// hangs holds up nobody but the next round. The last round leaves alone those that fail.
    fn round(&mut self, deadline: Instant, last: bool) {
        let (note, checkpoint) = match self.published() {
            Ok(Some(published)) => published,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(collector = %self.config.collector, %error, "no checkpoint to anchor");
                return;
            }
        };
        let now = self.config.clock.now();
        let round = Round {
            archive: self.config.archive.as_ref(),
            layout: &self.layout,
            keys: self.keys.history(),
            note: &note,
            checkpoint: &checkpoint,
            now,
            deadline,
            lock: self.lock(now),
        };
        let now = Instant::now();
        let due = self.slots.iter_mut().enumerate().filter(|(_, slot)| {
            let rests = slot.trouble.as_ref().is_some_and(|trouble| last || trouble.retry_at > now);
            !rests
                && slot.reached.size != checkpoint.size
                && slot.anchor.is_due(&round, slot.reached)
        });
        let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
            let asked: Vec<_> = due
                .map(|(index, slot)| {
                    let round = &round;
                    (index, scope.spawn(move || ask(slot, round)))
                })
                .collect();
            asked
                .into_iter()
                .map(|(index, asking)| {
                    let result = asking.join().unwrap_or_else(|_| {
                        Err(AnchorError::Unavailable("a fault of the program".to_owned()))
                    });
                    Outcome { index, result }
                })
                .collect()
        });
        let mut news = false;
        for outcome in outcomes {
            news |= self.note(outcome);
        }
        self.tell_of_silence();
        if news && let Err(error) = self.progress.save() {
            tracing::warn!(%error, "the anchors' progress cannot be kept; a restart brings more anew");
        }
    }

    fn lock(&self, now: Timestamp) -> Lock {
        match self.config.lock_days {
            0 => Lock::NONE,
            days => Lock::until(now.plus_us(i64::from(days).saturating_mul(86_400_000_000))),
        }
    }

    /// The published checkpoint, verified; `None` before the first.
    fn published(&mut self) -> Result<Option<(Vec<u8>, Checkpoint)>, AnchorError> {
        let name = self.layout.checkpoint().map_err(|error| AnchorError::archive(&error))?;
        let note = self.config.archive.get(&name).map_err(|error| AnchorError::archive(&error))?;
        let Some(note) = note else { return Ok(None) };
        let checkpoint = self
            .keys
            .open(self.config.archive.as_ref(), &self.layout, &note)?
            .map_err(|error| AnchorError::Refused(format!("{name}: {error}")))?;
        Ok((checkpoint.size > 0).then_some((note, checkpoint)))
    }

    /// Takes an outcome down; true when the anchor has moved forward.
    fn note(&mut self, outcome: Outcome) -> bool {
        let Some(slot) = self.slots.get_mut(outcome.index) else { return false };
        let alert = &self.config.alert;
        let anchor = slot.label.clone();
        let failing = match outcome.result {
            Ok(()) => {
                let told = slot
                    .trouble
                    .take()
                    .is_some_and(|trouble| trouble.told_silent || trouble.told_contradicted);
                if told {
                    alert(&Alert::Answers { anchor });
                }
                None
            }
            Err(error) => {
                let now = Instant::now();
                let trouble = slot.trouble.get_or_insert(Trouble {
                    since: now,
                    failures: 0,
                    retry_at: now,
                    told_silent: false,
                    told_contradicted: false,
                });
                trouble.failures = trouble.failures.saturating_add(1);
                trouble.retry_at = now + pause(trouble.failures);
                let reason = error.to_string();
                tracing::warn!(anchor, reason, failures = trouble.failures, "not anchored");
                if matches!(error, AnchorError::Contradicted(_)) && !trouble.told_contradicted {
                    trouble.told_contradicted = true;
                    alert(&Alert::Contradicted { anchor, reason: reason.clone() });
                }
                Some(reason)
            }
        };
        if let Some((from, to)) = slot.anchor.went_back() {
            alert(&Alert::WentBack { anchor: slot.label.clone(), from, to });
        }
        let reached = slot.reached;
        self.board.update(outcome.index, |status| {
            status.size = reached.size;
            status.at = reached.at;
            status.failures += u64::from(failing.is_some());
            status.failing = failing;
        });
        self.progress.set(&slot.label, reached)
    }

    fn tell_of_silence(&mut self) {
        let statuses = self.board.read();
        for (slot, status) in self.slots.iter_mut().zip(statuses) {
            let Some(trouble) = &mut slot.trouble else { continue };
            let since = trouble.since.elapsed();
            if since >= self.config.alert_after && !trouble.told_silent {
                trouble.told_silent = true;
                let reason = status.failing.unwrap_or_default();
                (self.config.alert)(&Alert::Silent { anchor: slot.label.clone(), since, reason });
            }
        }
    }
}

fn ask(slot: &mut Slot, round: &Round<'_>) -> Result<(), AnchorError> {
    if slot.reached.size > round.checkpoint.size {
        return Err(AnchorError::Contradicted(format!(
            "size {} was brought to it already, and the log has only {}: it was cut back, or this \
             is an old copy of it",
            slot.reached.size, round.checkpoint.size
        )));
    }
    slot.anchor.bring(round, &mut slot.reached)
}

impl std::fmt::Display for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent { anchor, since, reason } => {
                let seconds = since.as_secs();
                write!(f, "{anchor} has taken no checkpoint for {seconds} s: {reason}")
            }
            Self::Contradicted { anchor, reason } => {
                write!(f, "{anchor} holds another history than this log: {reason}")
            }
            Self::WentBack { anchor, from, to } => write!(
                f,
                "{anchor} had cosigned size {from} and now says that it has seen only {to}: it has \
                 lost its state, and could cosign a fork"
            ),
            Self::Answers { anchor } => write!(f, "{anchor} takes checkpoints again"),
        }
    }
}

/// When an anchor that is asked every so often is asked next.
fn has_passed(every: Duration, last: Timestamp, now: Timestamp) -> bool {
    // A clock that went backwards must not silence an anchor.
    now < last || Duration::from_micros(now.since_us(last)) >= every
}
