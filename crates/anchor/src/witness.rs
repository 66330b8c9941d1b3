//! A witness for other people's logs, C2SP tlog-witness.

mod key;
mod server;
mod state;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use archive::durable;
use record::Clock;
use tlog::{
    Checkpoint, CosignatureKey, CosigningKey, KeyError, Note, VerifyingKey, empty_root,
    verify_consistency,
};

use self::state::{Kept, Seen};
use crate::request::AddCheckpoint;

pub use server::serve;

/// A witness: its key, the logs that it knows, and what it has seen of each.
pub struct Witness {
    key: CosigningKey,
    /// By origin.
    logs: BTreeMap<String, Log>,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    /// Held so that no second witness answers from the same state.
    _lock: File,
}

struct Log {
    keys: Vec<VerifyingKey>,
    /// Requests for one log go one after the other.
    kept: Mutex<Kept>,
}

/// What is answered to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

/// Why a witness does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The disk did not do it: try again later.
    #[error("cannot {action} {}: {source}", path.display())]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process answers from this state: stop it, or use another folder.
    #[error("another witness is using {}; stop it first, or choose another folder", .0.display())]
    Busy(PathBuf),
    /// A file is not what it should be. A witness that forgot what it cosigned must not cosign: a
    /// person must look.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The name is none, or the logs are none: change what was asked for.
    #[error("{0}")]
    Usage(String),
    /// The address cannot be used.
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, io::Error),
}

impl Witness {
    /// Opens the state in `folder`, making it and a key on the first start. `name` is the witness's
    /// name, which stays the same for good; without one the first start makes one up. `logs` are
    /// the keys of the logs that it cosigns; a log may have several.
    pub fn open(
        folder: impl Into<PathBuf>,
        name: Option<&str>,
        logs: Vec<VerifyingKey>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WitnessError> {
        let folder = folder.into();
        durable::create_dir_all(&folder).map_err(unavailable("create", &folder))?;
        let lock = lock(&folder)?;
        let key = key::load_or_create(&folder.join("witness.key"), name)?;
        let states = folder.join("logs");
        durable::create_dir_all(&states).map_err(unavailable("create", &states))?;
        remove_unfinished(&states);
        let mut by_origin: BTreeMap<String, Vec<VerifyingKey>> = BTreeMap::new();
        for log in logs {
            let keys = by_origin.entry(log.name().to_owned()).or_default();
            if !keys.contains(&log) {
                keys.push(log);
            }
        }
        let mut logs = BTreeMap::new();
        for (origin, keys) in by_origin {
            let kept = Mutex::new(Kept::load(&states, &origin)?);
            logs.insert(origin, Log { keys, kept });
        }
        if logs.is_empty() {
            return Err(WitnessError::Usage(
                "a witness needs the key of at least one log that it is to watch".to_owned(),
            ));
        }
        Ok(Self { key, logs, folder, clock, _lock: lock })
    }

    /// The key that its cosignatures verify with.
    pub fn key(&self) -> CosignatureKey {
        self.key.cosignature_key()
    }

    /// The logs that it knows: origin, and the size that it has seen.
    pub fn logs(&self) -> Vec<(String, u64)> {
        let size = |log: &Log| log.kept.lock().unwrap_or_else(PoisonError::into_inner).seen().size;
        self.logs.iter().map(|(origin, log)| (origin.clone(), size(log))).collect()
    }

    /// `add-checkpoint`: the checks are in the order of the specification. Blocks while the new
    /// state is made durable, which it is before the answer is given.
    pub fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(why) => return Answer::text(400, why),
        };
        let note = match Note::parse(&request.note) {
            Ok(note) => note,
            Err(error) => return Answer::text(400, &error.to_string()),
        };
        let checkpoint = match Checkpoint::parse(note.unverified_text()) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Answer::text(400, &error.to_string()),
        };
        let Some(log) = self.logs.get(&checkpoint.origin) else {
            return Answer::text(404, "this witness does not know that log");
        };
        if !log.keys.iter().any(|key| note.verify(key).is_ok()) {
            return Answer::text(403, "no signature by a key that this witness knows of the log");
        }
        if request.old > checkpoint.size {
            return Answer::text(400, "the old size is larger than the checkpoint's");
        }
        // A thread that panicked left either the old or the new state, on disk as here.
        let mut kept = log.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = kept.settle() {
            tracing::error!(%error, "a witness's state cannot be read");
            return Answer::text(500, "the witness cannot read its state");
        }
        let seen = kept.seen();
        if request.old != seen.size {
            return Answer::size(seen.size);
        }
        if checkpoint.size == seen.size && checkpoint.root != seen.root && seen.size > 0 {
            tracing::error!(
                origin = checkpoint.origin,
                size = seen.size,
                "a log has signed two trees of one size"
            );
            kept.keep_evidence(&self.folder, &checkpoint, &request.note);
            return Answer::size(seen.size);
        }
        let consistent = verify_consistency(
            (seen.size, seen.root),
            (checkpoint.size, checkpoint.root),
            &request.proof,
        );
        let empty = checkpoint.size > 0 || checkpoint.root == empty_root();
        if consistent.is_err() || !empty {
            tracing::warn!(
                origin = checkpoint.origin,
                old = seen.size,
                new = checkpoint.size,
                "a log has signed a tree that was not proven to continue the one before"
            );
            return Answer::text(422, "the consistency proof does not hold");
        }
        self.cosign(&mut kept, note, &checkpoint, request.note)
    }

    fn cosign(
        &self,
        kept: &mut Kept,
        mut note: Note,
        checkpoint: &Checkpoint,
        bytes: Vec<u8>,
    ) -> Answer {
        let Ok(time) = u64::try_from(self.clock.now().0.div_euclid(1_000_000)) else {
            return Answer::text(500, "the witness's clock stands before 1970");
        };
        // A crash before this is over leaves the old state or the new one, and nothing was answered.
        let size = checkpoint.size;
        let news = Seen { size, root: checkpoint.root, time, note: bytes };
        if let Err(error) = kept.advance(news) {
            tracing::error!(%error, "a witness's state cannot be kept");
            return Answer::text(500, "the witness cannot keep its state");
        }
        note.cosign(&self.key, time);
        tracing::info!(origin = checkpoint.origin, size, "cosigned");
        Answer::text(200, note.cosignature_lines(&self.key()).trim_end_matches('\n'))
    }
}

impl Answer {
    fn text(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{body}\n") }
    }

    /// 409 with the size of the latest checkpoint that was cosigned.
    fn size(size: u64) -> Self {
        Self { status: 409, content_type: "text/x.tlog.size", body: format!("{size}\n") }
    }
}

pub(crate) fn unavailable(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> WitnessError {
    let path = path.to_owned();
    move |source| WitnessError::Unavailable { action, path, source }
}

impl From<KeyError> for WitnessError {
    fn from(error: KeyError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// The system gives the lock back when the process ends.
fn lock(folder: &Path) -> Result<File, WitnessError> {
    let path = folder.join(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(unavailable("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WitnessError::Busy(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(unavailable("lock", &path)(source)),
    }
}

/// What a crash left half written; nothing ever read it.
fn remove_unfinished(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(durable::TEMPORARY)
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::debug!(%error, "an unfinished file stays");
        }
    }
}
