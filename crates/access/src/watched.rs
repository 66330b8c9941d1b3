//! A file that is read again when it changes.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::AccessError;

/// How often it is looked at, at most: once a second costs nothing, and what was revoked stops to
/// count as soon.
const LOOK: Duration = Duration::from_secs(1);
/// No file is longer: some ten thousand tokens.
const LONGEST: u64 = 16 << 20;

/// How a file's bytes become a value; without bytes there is no file.
type Parse<T> = fn(Option<&[u8]>) -> Result<T, String>;

/// The value of a file, as it last could be read.
pub(crate) struct Watched<T> {
    path: PathBuf,
    parse: Parse<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    looked: Option<Instant>,
    /// What the value was made of; none before the first.
    seen: Option<Stamp>,
    value: Option<Arc<T>>,
    generation: u64,
    /// What was wrong the last time, so that it is not said every second.
    told: String,
}

/// A file that is replaced has another inode, one that is written in place another time. One that is
/// not there has zeros.
#[derive(PartialEq, Eq, Clone, Copy, Default)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl<T> Watched<T> {
    pub(crate) fn new(path: PathBuf, parse: Parse<T>) -> Self {
        let state =
            State { looked: None, seen: None, value: None, generation: 0, told: String::new() };
        Self { path, parse, state: Mutex::new(state) }
    }

    /// Reads the file now.
    pub(crate) fn read(&self) -> Result<T, AccessError> {
        read(&self.path, self.parse).map(|(value, _)| value)
    }

    /// The value, and a number that grows when it changes. A file that cannot be read leaves the
    /// value that was there.
    pub(crate) fn current(&self) -> Option<(Arc<T>, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            state.looked = Some(Instant::now());
            self.look(&mut state);
        }
        state.value.as_ref().map(|value| (Arc::clone(value), state.generation))
    }

    fn look(&self, state: &mut State<T>) {
        if stamp(&self.path).is_ok_and(|stamp| state.seen == Some(stamp)) {
            return;
        }
        match read(&self.path, self.parse) {
            Ok((value, stamp)) => {
                state.seen = Some(stamp);
                state.value = Some(Arc::new(value));
                state.generation += 1;
                state.told.clear();
            }
            Err(error) => {
                // Looked at again in a second: it may be being written just now.
                state.seen = None;
                let error = error.to_string();
                if state.told != error {
                    tracing::error!(%error, "a file that says who is asking cannot be read");
                    state.told = error;
                }
            }
        }
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Stamp::of(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stamp::default()),
        Err(error) => Err(error),
    }
}

/// The value and the stamp of the bytes that it was made of.
fn read<T>(path: &Path, parse: Parse<T>) -> Result<(T, Stamp), AccessError> {
    let unavailable = |error| AccessError::unavailable("read", path, error);
    let (bytes, stamp) = match fs::File::open(path) {
        Ok(file) => {
            let stamp = Stamp::of(&file.metadata().map_err(unavailable)?);
            let mut bytes = Vec::new();
            file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unavailable)?;
            if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
                return Err(AccessError::damaged(path, "it is over 16 MiB"));
            }
            (Some(bytes), stamp)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (None, Stamp::default()),
        Err(error) => return Err(unavailable(error)),
    };
    let value = parse(bytes.as_deref()).map_err(|why| AccessError::damaged(path, why))?;
    Ok((value, stamp))
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}
