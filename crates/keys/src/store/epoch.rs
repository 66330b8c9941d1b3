//! The files of an epoch: one store key, and what it seals.
//!
//! ```text
//! store-0002.rows    sealed rows            ─┐
//! store-0002.holds   sealed holds, if any   ─┴─ written first
//! store-0002.key     the wrapped store key      the epoch counts once this is there
//! ```
//!
//! The highest epoch with a key counts. When a new one does, the files of those before it are
//! overwritten and removed; a crash between leaves them to the next start.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use archive::durable;
use seal::Secret;

use crate::{KeysError, RootKey};

const STORE_PURPOSE: &str = "custody/store-key/v1";

/// One epoch of the store.
#[derive(Clone)]
pub(super) struct Epoch {
    pub(super) number: u32,
    pub(super) key: Secret,
}

pub(super) fn key_path(dir: &Path, epoch: u32) -> PathBuf {
    dir.join(format!("store-{epoch:04}.key"))
}

pub(super) fn rows_path(dir: &Path, epoch: u32) -> PathBuf {
    dir.join(format!("store-{epoch:04}.rows"))
}

pub(super) fn holds_path(dir: &Path, epoch: u32) -> PathBuf {
    dir.join(format!("store-{epoch:04}.holds"))
}

impl Epoch {
    /// The epoch that counts; `None` when there is none yet.
    pub(super) fn current(dir: &Path, root: &RootKey) -> Result<Option<Self>, KeysError> {
        let Some(number) = numbers(dir, "key")?.pop() else { return Ok(None) };
        let path = key_path(dir, number);
        let wrapped = std::fs::read(&path).map_err(KeysError::unavailable("read", &path))?;
        Ok(Some(Self { number, key: root.unwrap(STORE_PURPOSE, &path, &wrapped)? }))
    }

    /// Writes the epoch's key: from here on it counts.
    pub(super) fn commit(&self, dir: &Path, root: &RootKey) -> Result<(), KeysError> {
        let path = key_path(dir, self.number);
        let wrapped = root.wrap(STORE_PURPOSE, &self.key)?;
        durable::replace(&path, &wrapped, 0o600).map_err(KeysError::unavailable("create", &path))
    }

    /// Destroys all other epochs.
    pub(super) fn destroy_others(&self, dir: &Path) -> Result<(), KeysError> {
        destroy_all_but(dir, self.number)
    }
}

/// Destroys what a crash left of epochs that do not count: none of their keys is wrapped anew.
pub(crate) fn destroy_stale(dir: &Path) -> Result<(), KeysError> {
    match numbers(dir, "key")?.pop() {
        Some(number) => destroy_all_but(dir, number),
        None => Ok(()),
    }
}

fn destroy_all_but(dir: &Path, kept: u32) -> Result<(), KeysError> {
    // The key first: without it the rest is noise.
    for kind in ["key", "rows", "holds"] {
        for number in numbers(dir, kind)?.into_iter().filter(|number| *number != kept) {
            let path = dir.join(format!("store-{number:04}.{kind}"));
            shred(&path).map_err(KeysError::unavailable("destroy", &path))?;
        }
    }
    Ok(())
}

/// The epochs that have a file of this kind, ascending.
pub(super) fn numbers(dir: &Path, kind: &str) -> Result<Vec<u32>, KeysError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(KeysError::unavailable("list", dir)(error)),
    };
    let number = |name: &str| {
        let (number, ending) = name.strip_prefix("store-")?.split_once('.')?;
        number.parse().ok().filter(|_| ending == kind)
    };
    let mut found: Vec<u32> =
        entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    found.sort_unstable();
    Ok(found)
}

/// Overwrites a file, then removes it. On a disk that writes elsewhere than it was told (flash, a
/// copying file system) old blocks may stay; what makes them worthless is that the key that sealed
/// them, 92 bytes, is gone in the same way, and that nothing is ever sealed under it again.
fn shred(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mut left = file.metadata()?.len();
    let zeros = [0; 4096];
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all(zeros.get(..n).unwrap_or_default())?;
        left -= u64::try_from(n).unwrap_or(left);
    }
    file.sync_all()?;
    std::fs::remove_file(path)?;
    durable::sync_dir(path.parent().unwrap_or(Path::new(".")))
}
