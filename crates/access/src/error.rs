//! What can go wrong, by what the caller must do.

use std::io;
use std::path::{Path, PathBuf};

/// Why nobody can be told by tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The system refused; try again when it does not.
    #[error("cannot {action} {}: {source}", path.display())]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else than it should: restore it.
    #[error("{}: {why}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, without quoting it.
        why: String,
    },
    /// What was asked for or configured makes no sense: ask for something else.
    #[error("{0}")]
    Wrong(String),
    /// The system has no random bytes, or no thread.
    #[error("the system refuses: {0}")]
    System(String),
}

impl AccessError {
    pub(crate) fn unavailable(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Unavailable { action, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}
