//! Put-once storage.
//!
//! [`Archive`] is the contract; [`LocalArchive`] is a directory, [`S3Archive`] a bucket with Object
//! Lock. An object is created once and never changes; only the names that [`Archive::replace`] is
//! called for change, and those are the published checkpoint and the archive's description.

use std::io::Write;

use record::Timestamp;

pub mod durable;
mod error;
mod local;
mod lock;
mod name;
mod s3;
mod sum;

pub use error::ArchiveError;
pub use local::LocalArchive;
pub use lock::{Check, Lock, LockState, Outcome, Stored, Version};
pub use name::Name;
pub use s3::{S3Access, S3Archive, S3Config, S3Url};
pub use sum::{Sum, Summing};

/// Where segments and the log's tiles lie.
///
/// Every call is durable once it returns `Ok`. After an error the object may or may not be there:
/// calling again with the same bytes is always right.
pub trait Archive: Send + Sync {
    /// Creates objects, all with the same lock; gives the version of each, where the storage keeps
    /// versions. One that is there with the same bytes is left; one that is there with other bytes
    /// is [`ArchiveError::Conflict`].
    fn put_all(
        &self,
        objects: &[(Name, &[u8])],
        lock: Lock,
    ) -> Result<Vec<Option<Version>>, ArchiveError>;

    /// Starts an object that is too large to be held in memory.
    fn stage(&self) -> Result<Box<dyn Staged + '_>, ArchiveError>;

    /// Length and digests of an object, read from where it lies; `None` when there is none.
    fn sum(&self, name: &Name) -> Result<Option<Sum>, ArchiveError>;

    /// Replaces an object, whole or not at all.
    fn replace(&self, name: &Name, bytes: &[u8], lock: Lock) -> Result<(), ArchiveError>;

    /// The object's bytes, `None` when there is none. Where the storage keeps versions: those of
    /// the first version, which nobody can have put in place of another; of a name that
    /// [changes](Name::changes), the latest.
    fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, ArchiveError>;

    /// All objects whose names start with `prefix`, sorted. One that a delete marker hides is among
    /// them.
    fn list(&self, prefix: &str) -> Result<Vec<Name>, ArchiveError>;

    /// Removes a partial tile whose full tile is there: the one removal that C2SP tlog-tiles
    /// allows. Does nothing where a lock forbids it.
    fn remove_superseded(&self, name: &Name) -> Result<(), ArchiveError>;

    /// Removes an object whose lock has ended, with all its versions. Removing what is not there is
    /// no error; what a lock still holds is [`ArchiveError::Locked`].
    fn remove(&self, name: &Name) -> Result<(), ArchiveError>;

    /// Where it is, for people.
    fn location(&self) -> String;

    /// Whether it is elsewhere, so that it may be away for hours while this machine works.
    fn is_remote(&self) -> bool {
        false
    }

    /// Whether what is put is locked as it is asked.
    fn locks(&self) -> bool {
        false
    }

    /// Refuses a storage that can never work as it is configured; a storage that does not answer
    /// just now is [`ArchiveError::Unavailable`]. Reads and writes nothing of the archive.
    fn check(&self, now: Timestamp) -> Result<(), ArchiveError> {
        let _ = now;
        Ok(())
    }

    /// All versions of all objects whose names start with `prefix`, those of a name together and
    /// the oldest first; `None` where the storage keeps no versions.
    fn versions(&self, prefix: &str) -> Result<Option<Vec<Stored>>, ArchiveError> {
        let _ = prefix;
        Ok(None)
    }

    /// The bytes of a name that [changes](Name::changes), as they were before somebody put something
    /// else there: of the latest version that `accept` takes, among the last hundred. Where none is,
    /// and where no versions are kept, the object as it is.
    fn get_accepted(
        &self,
        name: &Name,
        accept: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>, ArchiveError> {
        const LAST: usize = 100;
        let latest = self.get(name)?;
        if latest.as_deref().is_none_or(accept) {
            return Ok(latest);
        }
        let mut versions = self.versions(name.as_str())?.unwrap_or_default();
        versions.retain(|stored| stored.name == *name && !stored.marker);
        for stored in versions.iter().rev().take(LAST) {
            if let Some(bytes) = self.get_version(name, &stored.version)?
                && accept(&bytes)
            {
                return Ok(Some(bytes));
            }
        }
        Ok(latest)
    }

    /// The bytes of one version; `None` when there is none.
    fn get_version(&self, name: &Name, version: &Version) -> Result<Option<Vec<u8>>, ArchiveError> {
        let _ = (name, version);
        Ok(None)
    }

    /// The lock of one version, read back from the storage.
    fn lock_of(&self, name: &Name, version: &Version) -> Result<LockState, ArchiveError> {
        let _ = (name, version);
        Ok(LockState::default())
    }

    /// Makes the lock of an object end later. Where nothing is locked nothing happens.
    fn extend_lock(&self, name: &Name, lock: Lock) -> Result<(), ArchiveError> {
        let _ = (name, lock);
        Ok(())
    }

    /// Tries to break the lock of a canary in every way that the storage has; `None` where nothing
    /// is locked.
    fn probe(&self, now: Timestamp) -> Result<Option<Vec<Check>>, ArchiveError> {
        let _ = now;
        Ok(None)
    }
}

/// An object in the making, written piece by piece. Dropped without [`Staged::put`], it was never
/// there.
pub trait Staged: Write + Send {
    /// Puts what was written under a name, by the rules of [`Archive::put_all`]; gives the sum of
    /// the bytes as they were written, and the version.
    fn put(
        self: Box<Self>,
        name: &Name,
        lock: Lock,
    ) -> Result<(Sum, Option<Version>), ArchiveError>;
}
