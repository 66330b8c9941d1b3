//! Where reads of content are recorded: the recorder's own log, or a log of the command's own.

use std::fs::{File, OpenOptions, TryLockError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use archive::durable;
use keys::KeyStore;
use ledger::{Ledger, RealDisk, SystemClock};
use query::{AccessLog, Read, Refusal};
use record::envelope::Access;
use record::{Body, CollectorName};

use crate::config;
use crate::place::Place;
use crate::signing;

/// The collector that commands write under.
pub(crate) const READER: &str = "reader";
/// How long one command waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

fn body(read: &Read<'_>) -> Body {
    Body::Access(Access {
        action: read.action.to_owned(),
        count: read.count,
        reason: read.reason.map(str::to_owned),
        records: read.records.to_vec(),
        who: read.who.to_owned(),
    })
}

/// Reads through the API, in the recorder's own log.
pub(crate) struct ServerLog(pub(crate) Arc<Ledger>);

impl AccessLog for ServerLog {
    fn record(&self, read: &Read<'_>) -> Result<(), Refusal> {
        self.0
            .append_event_durably(body(read))
            .map(|_| ())
            .map_err(|error| Refusal(error.to_string()))
    }
}

/// Reads by a command, in a log of its own in the same archive: no server need run.
pub(crate) struct CommandLog {
    place: Place,
    open: Mutex<Option<Opened>>,
}

struct Opened {
    ledger: Arc<Ledger>,
    /// Held so that no other command writes the same log.
    _lock: File,
}

impl CommandLog {
    pub(crate) fn new(place: Place) -> Self {
        Self { place, open: Mutex::new(None) }
    }

    /// The log, for records of other kinds than reads.
    pub(crate) fn ledger(&self) -> anyhow::Result<Arc<Ledger>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            *open = Some(self.start()?);
        }
        let opened = open.as_ref().ok_or_else(|| anyhow!("no log"))?;
        Ok(Arc::clone(&opened.ledger))
    }

    fn start(&self) -> anyhow::Result<Opened> {
        let place = &self.place;
        let collector = CollectorName::new(READER)?;
        // First, so that a place without keys is left as it was.
        let root = place.root_key()?;
        let folder = place.collectors().join(READER);
        let disk = RealDisk::create(&folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        let lock = lock(&folder.join(".lock"), PATIENCE)?;
        let (key, handover) = signing::load(place, &root, &collector)?;
        let config = ledger::Config {
            collector,
            disk: Arc::new(disk),
            archive: place.create_archive(false)?,
            key,
            keys: Arc::new(KeyStore::open(&place.keys, &root)?),
            clock: Arc::new(SystemClock),
            admits: false,
            classes: Arc::new(config::classes(&place.config)?),
            tiered: false,
            seal_every: Duration::from_mins(1),
            heartbeat: Duration::ZERO,
            segment_bytes: 16 << 20,
            segment_age: Duration::from_hours(720),
        };
        let (ledger, _) = Ledger::open_with(config, handover)?;
        Ok(Opened { ledger: Arc::new(ledger), _lock: lock })
    }
}

impl AccessLog for CommandLog {
    fn record(&self, read: &Read<'_>) -> Result<(), Refusal> {
        let refuse = |error: anyhow::Error| {
            Refusal(format!("{error:#}; --unrecorded opens content without a record, and says so"))
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            *open = Some(self.start().map_err(refuse)?);
        }
        let Some(opened) = open.as_ref() else { return Err(Refusal("no log".to_owned())) };
        opened
            .ledger
            .append_event_durably(body(read))
            .and_then(|_| opened.ledger.seal())
            .map_err(|error| refuse(error.into()))
    }
}

impl Drop for CommandLog {
    fn drop(&mut self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Opened { ledger, .. }) = open
            && let Err(error) = ledger.close(false)
        {
            tracing::debug!(%error, "the reader's log was not closed");
        }
    }
}

/// Takes the lock of whoever writes the key store. Collectors have locks of their own and may share
/// the store: two writers would cut off each other's rows.
pub(crate) fn lock_keys(keys: &std::path::Path, patience: Duration) -> anyhow::Result<File> {
    durable::create_dir_all(keys).with_context(|| format!("cannot write to {}", keys.display()))?;
    lock(&keys.join(".writer"), patience)
}

/// Takes the lock of a log's folder; the system gives it back when the process ends.
pub(crate) fn lock(path: &std::path::Path, patience: Duration) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let until = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => {
                let folder = path.parent().unwrap_or(path).display();
                return Err(anyhow!(
                    "another process is using {folder}; stop it first, or choose another data directory"
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(anyhow!("cannot lock {}: {error}", path.display()));
            }
        }
    }
}
