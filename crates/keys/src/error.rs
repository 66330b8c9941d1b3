//! Errors, by what the caller must do.

use std::io;
use std::path::{Path, PathBuf};

/// Why the key store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
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
    /// The file is not what it should be: a person must look.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The system gave no randomness.
    #[error("the system gave no randomness: {0}")]
    Random(String),
}

impl KeysError {
    pub(crate) fn unavailable(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Unavailable { action, path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}
