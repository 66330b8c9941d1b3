//! Files that are there after a loss of power, or not at all.
//!
//! The order is write, sync the file, rename, sync the directory: "All File Systems Are Not
//! Created Equal" (Pillai et al., OSDI 2014) §4 shows what each missing step loses. After a failed
//! sync the file is given up, never synced again: "Can Applications Recover from fsync Failures?"
//! (Rebello et al., ATC 2020).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Names that start with this are unfinished and may be removed at any start.
pub const TEMPORARY: &str = ".unfinished-";

/// Creates a directory and its parents, durably.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir_all(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
    }
}

/// Makes the names within a directory durable.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

/// Writes a file whole, replacing one of that name; `mode` is its permission bits.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let dir = parent(path)?;
    replace_through(dir, path, bytes, mode)
}

/// [`replace`], with the unfinished file in `dir`, on the same file system.
pub(crate) fn replace_through(dir: &Path, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    create_dir_all(parent(path)?)?;
    let unfinished = write_unfinished(dir, bytes, mode)?;
    rename(&unfinished, path)?;
    sync_dir(parent(path)?)
}

/// Writes and syncs a file under an unfinished name in `dir`.
pub(crate) fn write_unfinished(dir: &Path, bytes: &[u8], mode: u32) -> io::Result<PathBuf> {
    let (mut file, unfinished) = create_unfinished(dir)?;
    match file.write_all(bytes).and_then(|()| seal_file(&file, mode)) {
        Ok(()) => Ok(unfinished),
        Err(error) => {
            remove_quietly(&unfinished);
            Err(error)
        }
    }
}

/// Creates an empty file under an unfinished name in `dir`.
pub(crate) fn create_unfinished(dir: &Path) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    create_dir_all(dir)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unfinished = dir.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    Ok((file, unfinished))
}

/// Sets a file's mode and syncs it: the last step before its name.
pub(crate) fn seal_file(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

#[expect(clippy::disallowed_methods, reason = "every caller syncs the directory afterwards")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).inspect_err(|_| remove_quietly(from))
}

/// Renames unless there is something of that name; `false` when there is.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::EXIST) => {
            remove_quietly(from);
            Ok(false)
        }
        // File systems without the flag: a hard link refuses an existing name just as well.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            let linked = fs::hard_link(from, to);
            remove_quietly(from);
            match linked {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            }
        }
        Err(error) => {
            remove_quietly(from);
            Err(error.into())
        }
    }
}

pub(crate) fn parent(path: &Path) -> io::Result<&Path> {
    path.parent()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a path without a folder"))
}

/// An unfinished file that stays behind is removed at the next start; nothing reads it.
pub(crate) fn remove_quietly(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        let _ = error;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/file");
        replace(&path, b"one", 0o600).unwrap();
        replace(&path, b"two", 0o444).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
    }
}
