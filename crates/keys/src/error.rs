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
    /// The service that holds the root key cannot be reached, or is not able to answer: try again
    /// later.
    #[error("{provider} is away: {reason}")]
    Away {
        /// Which provider.
        provider: String,
        /// What was tried how often, and what came of it.
        reason: String,
    },
    /// The provider does not give the root key: settings, credentials or rights must change.
    #[error("{provider}: {reason}")]
    Refused {
        /// Which provider.
        provider: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A key was wrapped by another provider than the one that is configured.
    #[error(
        "{} was wrapped by {wrapped_by}, and [keys] root is {configured}: name the provider that \
         wrapped it", path.display()
    )]
    Mismatch {
        /// Which file.
        path: PathBuf,
        /// The provider that the file names.
        wrapped_by: String,
        /// The one that is asked.
        configured: String,
    },
}

impl KeysError {
    pub(crate) fn unavailable(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Unavailable { action, path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn away(provider: &impl ToString, reason: impl Into<String>) -> Self {
        Self::Away { provider: provider.to_string(), reason: reason.into() }
    }

    pub(crate) fn refused(provider: &impl ToString, reason: impl Into<String>) -> Self {
        Self::Refused { provider: provider.to_string(), reason: reason.into() }
    }

    /// Whether a file was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Unavailable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
