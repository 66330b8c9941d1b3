//! Errors, by what the caller must do.

use archive::ArchiveError;

/// Why the ledger did not open or seal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process writes this ledger: stop that one, or use another data directory.
    #[error("another process is using {0}; stop it first, or choose another data directory")]
    Busy(String),
    /// Disk or archive did not do it: try again later.
    #[error("cannot {action} {what}: {reason}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// What the system said.
        reason: String,
    },
    /// The archive works, and is not what it must be: a person must change it or the
    /// configuration. It is tried again.
    #[error("{what}: {reason}")]
    Refused {
        /// Which archive.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// What is stored contradicts itself. Nothing more is written until a person has looked.
    #[error("the ledger contradicts itself: {0}; run `custody verify` and see docs/recovery.md")]
    Fatal(String),
}

impl LedgerError {
    pub(crate) fn unavailable(
        action: &'static str,
        what: impl std::fmt::Display,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.to_string();
        move |error| Self::Unavailable { action, what, reason: error.to_string() }
    }

    pub(crate) fn archive(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Conflict(name) => {
                Self::Fatal(format!("{name} is in the archive already and holds other bytes"))
            }
            ArchiveError::Refused { what, reason } => Self::Refused { what, reason },
            other => Self::Unavailable {
                action: "use",
                what: "the archive".to_owned(),
                reason: other.to_string(),
            },
        }
    }
}

/// The log cannot be written now. What was to be appended comes back untouched: try again.
#[derive(Debug, thiserror::Error)]
#[error("the log cannot be written: {reason}")]
pub struct AppendError {
    /// What was to be appended.
    pub entries: Vec<crate::Append>,
    /// What the system said.
    pub reason: String,
}
