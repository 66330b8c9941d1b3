//! The few things that a rotation does with files. Tests make each step of them fail.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use archive::durable;

use crate::KeysError;

/// How long one process waits for another's rotation.
const PATIENCE: Duration = Duration::from_secs(30);

/// Called before each step with what is done to which file; an error ends the work there, as a
/// crash would.
pub(crate) type Step<'a> = &'a mut dyn FnMut(&'static str, &Path) -> io::Result<()>;

/// Writes a file whole that its owner alone can read.
pub(crate) fn replace(step: Step<'_>, path: &Path, bytes: &[u8]) -> Result<(), KeysError> {
    step("write", path)
        .and_then(|()| durable::replace(path, bytes, 0o600))
        .map_err(KeysError::unavailable("write", path))
}

/// Gives a file another's name; done when the file is gone already.
#[expect(clippy::disallowed_methods, reason = "the folder is synced afterwards")]
pub(crate) fn rename(step: Step<'_>, from: &Path, to: &Path) -> Result<(), KeysError> {
    step("rename", from)
        .and_then(|()| match std::fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        })
        .and_then(|()| sync_folder(to))
        .map_err(KeysError::unavailable("rename", from))
}

/// Removes a file; done when it is gone already.
pub(crate) fn remove(step: Step<'_>, path: &Path) -> Result<(), KeysError> {
    step("remove", path)
        .and_then(|()| match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        })
        .and_then(|()| sync_folder(path))
        .map_err(KeysError::unavailable("remove", path))
}

/// Whether a file can be overwritten: a secret that is mounted for reading cannot.
pub(crate) fn is_writable(path: &Path) -> bool {
    OpenOptions::new().write(true).open(path).is_ok()
}

/// Overwrites a file with zeros, then removes it. What copies the file system or the disk itself
/// keeps is beyond reach.
pub(crate) fn destroy(step: Step<'_>, path: &Path) -> Result<(), KeysError> {
    wipe(step, path)?;
    remove(step, path)
}

/// Overwrites a file with zeros; done when it is gone already.
pub(crate) fn wipe(step: Step<'_>, path: &Path) -> Result<(), KeysError> {
    step("overwrite", path)
        .and_then(|()| match OpenOptions::new().write(true).open(path) {
            Ok(file) => overwrite(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .map_err(KeysError::unavailable("overwrite", path))
}

fn overwrite(mut file: &File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    durable::sync_dir(path.parent().unwrap_or(Path::new("")))
}

/// The lock under which keys are exchanged; the system gives it back when the process ends.
pub(crate) fn lock(keys: &Path) -> Result<File, KeysError> {
    let path: PathBuf = keys.join(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(KeysError::unavailable("open", &path))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(KeysError::damaged(
                    &path,
                    "another process exchanges keys here; wait for it, or end it",
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(KeysError::unavailable("lock", &path)(error));
            }
        }
    }
}

/// A file's name with something behind it.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
