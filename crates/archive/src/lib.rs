//! Put-once storage.
//!
//! [`Archive`] is the contract; [`LocalArchive`] is a directory. An object is created once and
//! never changes; only the names that [`Archive::replace`] is called for change, and those are the
//! published checkpoint and the archive's description.

use std::io::Write;

pub mod durable;
mod error;
mod local;
mod name;
mod sum;

pub use error::ArchiveError;
pub use local::LocalArchive;
pub use name::Name;
pub use sum::{Sum, Summing};

/// Where segments and the log's tiles lie.
///
/// Every call is durable once it returns `Ok`. After an error the object may or may not be there:
/// calling again with the same bytes is always right.
pub trait Archive: Send + Sync {
    /// Creates objects. One that is there with the same bytes is left; one that is there with
    /// other bytes is [`ArchiveError::Conflict`].
    fn put_all(&self, objects: &[(Name, &[u8])]) -> Result<(), ArchiveError>;

    /// Starts an object that is too large to be held in memory.
    fn stage(&self) -> Result<Box<dyn Staged + '_>, ArchiveError>;

    /// Length and digests of an object, read from where it lies; `None` when there is none.
    fn sum(&self, name: &Name) -> Result<Option<Sum>, ArchiveError>;

    /// Replaces an object, whole or not at all.
    fn replace(&self, name: &Name, bytes: &[u8]) -> Result<(), ArchiveError>;

    /// The object's bytes, `None` when there is none.
    fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, ArchiveError>;

    /// All objects whose names start with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<Name>, ArchiveError>;

    /// Removes a partial tile whose full tile is there: the one removal that C2SP tlog-tiles
    /// allows. Nothing else is ever removed.
    fn remove_superseded(&self, name: &Name) -> Result<(), ArchiveError>;

    /// Where it is, for people.
    fn location(&self) -> String;
}

/// An object in the making, written piece by piece. Dropped without [`Staged::put`], it was never
/// there.
pub trait Staged: Write + Send {
    /// Puts what was written under a name, by the rules of [`Archive::put_all`]; gives the sum of
    /// the bytes as they were written.
    fn put(self: Box<Self>, name: &Name) -> Result<Sum, ArchiveError>;
}
