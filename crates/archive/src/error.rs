//! Errors, by what the caller must do.

use crate::Name;

/// Why storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The storage did not answer or had no room: try again later.
    #[error("cannot {action} {name}: {source}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On which object.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// An object of this name holds other bytes: somebody else writes here, or it was changed.
    #[error("{0} is there already and holds other bytes")]
    Conflict(Name),
    /// The storage works, and is not what it must be, or we may not use it: a person must change
    /// the configuration or the storage.
    #[error("{what}: {reason}")]
    Refused {
        /// Which storage.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A lock forbids it.
    #[error("{0} is locked")]
    Locked(Name),
    /// The name leaves the archive.
    #[error("{0:?} is not the name of an object")]
    BadName(String),
}

impl ArchiveError {
    pub(crate) fn unavailable(
        action: &'static str,
        name: impl std::fmt::Display,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let name = name.to_string();
        move |source| Self::Unavailable { action, name, source }
    }
}
