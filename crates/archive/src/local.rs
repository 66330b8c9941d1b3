//! A directory as archive: tamper-evident, not tamper-proof.
//!
//! Objects are read-only (0444) and, where the file system and our rights allow it, immutable
//! (`FS_IMMUTABLE_FL`, shown by `lsattr` as `i`). Whoever is root can undo both; what cannot be
//! undone unseen is the log's checkpoint in somebody else's hands.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

use crate::durable::{self, TEMPORARY};
use crate::sum::SummedFile;
use crate::{Archive, ArchiveError, Lock, Name, Staged, Sum, Version};

const READ_ONLY: u32 = 0o444;
/// Folder of the archive for files that are not whole yet.
const UNFINISHED: &str = ".unfinished";
const ABANDONED: Duration = Duration::from_hours(1);

/// An archive in a directory.
#[derive(Debug)]
pub struct LocalArchive {
    root: PathBuf,
    immutable: bool,
}

impl LocalArchive {
    /// Opens a directory for writing, creating it; `immutable` asks for the immutable flag.
    pub fn create(root: impl Into<PathBuf>, immutable: bool) -> Result<Self, ArchiveError> {
        let root = root.into();
        durable::create_dir_all(&root)
            .map_err(ArchiveError::unavailable("create", root.display()))?;
        let archive = Self { root, immutable };
        archive.remove_unfinished();
        Ok(archive)
    }

    /// Where files are until they are whole.
    fn unfinished(&self) -> PathBuf {
        self.root.join(UNFINISHED)
    }

    /// Removes what a crash left unfinished; nothing ever read it.
    fn remove_unfinished(&self) {
        let Ok(entries) = fs::read_dir(self.unfinished()) else { return };
        for entry in entries.flatten() {
            // Another writer's file may be among them, if it is that of a command that runs now:
            // an hour is longer than any of them takes.
            let age = entry.metadata().and_then(|meta| meta.modified()).map(|at| at.elapsed());
            if age.is_ok_and(|age| age.is_ok_and(|age| age > ABANDONED)) {
                durable::remove_quietly(&entry.path());
            }
        }
    }

    /// Opens a directory that is there, for reading.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, ArchiveError> {
        let root = root.into();
        let found = fs::metadata(&root).and_then(|meta| {
            if meta.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
        });
        found.map_err(ArchiveError::unavailable("open", root.display()))?;
        Ok(Self { root, immutable: false })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// True when an object of this name and these bytes is there already.
    fn is_there(&self, name: &Name, bytes: &[u8]) -> Result<bool, ArchiveError> {
        match self.get(name)? {
            None => Ok(false),
            Some(there) if there == bytes => Ok(true),
            Some(_) => Err(ArchiveError::Conflict(name.clone())),
        }
    }
}

impl Archive for LocalArchive {
    fn put_all(
        &self,
        objects: &[(Name, &[u8])],
        _: Lock,
    ) -> Result<Vec<Option<Version>>, ArchiveError> {
        let mut folders = BTreeSet::new();
        for (name, bytes) in objects {
            let path = self.path(name);
            let unavailable = ArchiveError::unavailable("create", name);
            if self.is_there(name, bytes)? {
                // Perhaps a crash came between the rename and the sync of the directory.
                folders.extend(path.parent().map(Path::to_owned));
                continue;
            }
            let created = path
                .parent()
                .map_or(Ok(()), durable::create_dir_all)
                .and_then(|()| durable::write_unfinished(&self.unfinished(), bytes, READ_ONLY))
                .and_then(|unfinished| durable::rename_new(&unfinished, &path))
                .map_err(unavailable)?;
            if !created && !self.is_there(name, bytes)? {
                return Err(ArchiveError::Conflict(name.clone()));
            }
            if self.immutable && !name.as_str().contains(".p/") {
                set_immutable(&path, true);
            }
            folders.extend(path.parent().map(Path::to_owned));
        }
        for folder in folders {
            durable::sync_dir(&folder)
                .map_err(ArchiveError::unavailable("sync", folder.display()))?;
        }
        Ok(vec![None; objects.len()])
    }

    fn stage(&self) -> Result<Box<dyn Staged + '_>, ArchiveError> {
        let folder = self.unfinished();
        let (file, path) = durable::create_unfinished(&folder)
            .map_err(ArchiveError::unavailable("create a file in", folder.display()))?;
        Ok(Box::new(LocalStaged { archive: self, file: SummedFile::new(file), path }))
    }

    fn sum(&self, name: &Name) -> Result<Option<Sum>, ArchiveError> {
        match File::open(self.path(name)).and_then(Sum::read) {
            Ok(sum) => Ok(Some(sum)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ArchiveError::unavailable("read", name)(error)),
        }
    }

    fn replace(&self, name: &Name, bytes: &[u8], _: Lock) -> Result<(), ArchiveError> {
        durable::replace_through(&self.unfinished(), &self.path(name), bytes, READ_ONLY)
            .map_err(ArchiveError::unavailable("replace", name))
    }

    fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, ArchiveError> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ArchiveError::unavailable("read", name)(error)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Name>, ArchiveError> {
        let unavailable = || ArchiveError::unavailable("list", prefix);
        // Only the folder that the prefix lies in is walked.
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut names = Vec::new();
        let mut folders = vec![self.root.join(folder)];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unavailable()(error)),
            };
            for entry in entries {
                let entry = entry.map_err(unavailable())?;
                let path = entry.path();
                if entry.file_type().map_err(unavailable())?.is_dir() {
                    if entry.file_name() != UNFINISHED {
                        folders.push(path);
                    }
                } else if !entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                    let relative = path.strip_prefix(&self.root).unwrap_or(&path);
                    let name = relative.to_string_lossy().into_owned();
                    if name.starts_with(prefix) {
                        names.extend(Name::new(name));
                    }
                }
            }
        }
        names.sort();
        Ok(names)
    }

    fn remove_superseded(&self, name: &Name) -> Result<(), ArchiveError> {
        debug_assert!(name.as_str().contains(".p/"), "only partial tiles are superseded");
        let path = self.path(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ArchiveError::unavailable("remove", name)(error)),
        }
        if let Some(folder) = path.parent()
            && let Err(error) = fs::remove_dir(folder)
        {
            // It holds other partial tiles still.
            let _ = error;
        }
        Ok(())
    }

    fn remove(&self, name: &Name) -> Result<(), ArchiveError> {
        let path = self.path(name);
        set_immutable(&path, false);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                let folder = durable::parent(&path);
                removed
                    .and_then(|()| folder.and_then(durable::sync_dir))
                    .map_err(ArchiveError::unavailable("remove", name))
            }
        }
    }

    fn location(&self) -> String {
        self.root.display().to_string()
    }
}

/// A file without a name yet.
struct LocalStaged<'a> {
    archive: &'a LocalArchive,
    file: SummedFile,
    path: PathBuf,
}

impl Write for LocalStaged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged for LocalStaged<'_> {
    fn put(self: Box<Self>, name: &Name, _: Lock) -> Result<(Sum, Option<Version>), ArchiveError> {
        let (file, sum) = self.file.so_far();
        let path = self.archive.path(name);
        let folder = durable::parent(&path).map_err(ArchiveError::unavailable("create", name))?;
        let created = durable::seal_file(file, READ_ONLY)
            .and_then(|()| durable::create_dir_all(folder))
            .and_then(|()| durable::rename_new(&self.path, &path))
            .map_err(ArchiveError::unavailable("create", name))?;
        if created {
            if self.archive.immutable {
                set_immutable(&path, true);
            }
        } else if self.archive.sum(name)? != Some(sum) {
            return Err(ArchiveError::Conflict(name.clone()));
        }
        // Also when it was there: perhaps a crash came between the rename and this sync.
        durable::sync_dir(folder).map_err(ArchiveError::unavailable("sync", folder.display()))?;
        Ok((sum, None))
    }
}

impl Drop for LocalStaged<'_> {
    fn drop(&mut self) {
        durable::remove_quietly(&self.path);
    }
}

/// Best effort: without the right (`CAP_LINUX_IMMUTABLE`) or on a file system without the flag
/// nothing happens, and the object is protected by its mode alone.
fn set_immutable(path: &Path, on: bool) {
    let Ok(file) = File::open(path) else { return };
    let Ok(flags) = ioctl_getflags(&file) else {
        return;
    };
    let wanted = if on { flags | IFlags::IMMUTABLE } else { flags & !IFlags::IMMUTABLE };
    if let Err(error) = ioctl_setflags(&file, wanted) {
        let _ = error;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn an_object_is_created_once_and_read_only() {
        let dir = tempfile::tempdir().unwrap();
        let archive = LocalArchive::create(dir.path().join("x/archive"), false).unwrap();
        let object = name("c1/ledger/tile/0/000.p/3");
        archive.put_all(&[(object.clone(), b"abc")], Lock::NONE).unwrap();
        archive.put_all(&[(object.clone(), b"abc")], Lock::NONE).unwrap();
        assert!(matches!(
            archive.put_all(&[(object.clone(), b"other")], Lock::NONE),
            Err(ArchiveError::Conflict(_))
        ));
        assert_eq!(archive.get(&object).unwrap().unwrap(), b"abc");
        let mode = fs::metadata(archive.path(&object)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444);
        assert_eq!(archive.get(&name("c1/none")).unwrap(), None);
    }

    #[test]
    fn a_staged_object_is_put_once_or_never_there() {
        let dir = tempfile::tempdir().unwrap();
        let archive = LocalArchive::create(dir.path(), false).unwrap();
        let object = name("c1/parts/a");
        let stage = |bytes: &[u8]| {
            let mut staged = archive.stage().unwrap();
            staged.write_all(bytes).unwrap();
            staged
        };
        drop(stage(b"given up"));
        let sum = stage(b"abc").put(&object, Lock::NONE).unwrap().0;
        assert_eq!(sum, Sum::read(&b"abc"[..]).unwrap());
        assert_eq!(archive.sum(&object).unwrap(), Some(sum));
        assert_eq!(stage(b"abc").put(&object, Lock::NONE).unwrap().0, sum);
        assert!(matches!(stage(b"other").put(&object, Lock::NONE), Err(ArchiveError::Conflict(_))));
        assert_eq!(archive.get(&object).unwrap().unwrap(), b"abc");
        assert_eq!(archive.sum(&name("c1/parts/b")).unwrap(), None);
        assert_eq!(fs::read_dir(archive.unfinished()).unwrap().count(), 0);
    }

    #[test]
    fn lists_by_prefix_and_not_what_is_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        let archive = LocalArchive::create(dir.path(), false).unwrap();
        let objects = ["c1/records/b", "c1/records/a", "c1/parts/a", "c2/records/a"].map(name);
        for object in &objects {
            archive.put_all(&[(object.clone(), b"")], Lock::NONE).unwrap();
        }
        File::create(dir.path().join("c1/records/.unfinished-1-1")).unwrap();
        let found = archive.list("c1/records/").unwrap();
        assert_eq!(found, [name("c1/records/a"), name("c1/records/b")]);
        assert_eq!(archive.list("").unwrap().len(), 4);
        assert!(archive.list("none/").unwrap().is_empty());
    }

    #[test]
    fn a_superseded_partial_tile_goes() {
        let dir = tempfile::tempdir().unwrap();
        let archive = LocalArchive::create(dir.path(), true).unwrap();
        let partial = name("c1/ledger/tile/0/000.p/3");
        archive.put_all(&[(partial.clone(), b"abc")], Lock::NONE).unwrap();
        archive.remove_superseded(&partial).unwrap();
        archive.remove_superseded(&partial).unwrap();
        assert_eq!(archive.get(&partial).unwrap(), None);
    }

    #[test]
    fn the_immutable_flag_is_best_effort() {
        let dir = tempfile::tempdir().unwrap();
        let archive = LocalArchive::create(dir.path(), true).unwrap();
        let object = name("c1/records/a");
        archive.put_all(&[(object.clone(), b"abc")], Lock::NONE).unwrap();
        assert_eq!(archive.get(&object).unwrap().unwrap(), b"abc");
        set_immutable(&archive.path(&object), false);
    }

    #[test]
    fn what_is_not_there_cannot_be_opened_for_reading() {
        let dir = tempfile::tempdir().unwrap();
        assert!(LocalArchive::open(dir.path().join("none")).is_err());
    }
}
