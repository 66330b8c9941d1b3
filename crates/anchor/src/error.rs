//! Errors, by what the caller must do.

use archive::ArchiveError;

/// Why a checkpoint was not brought to an anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// The anchor or the archive did not answer: try again later.
    #[error("{0}")]
    Unavailable(String),
    /// The anchor answered, and not with what was asked for: a person must look at its settings or
    /// ours.
    #[error("{0}")]
    Refused(String),
    /// The anchor holds another history than this log: the log was cut back, written anew or
    /// restored from an old copy. A person must look at once.
    #[error("{0}")]
    Contradicted(String),
}

impl AnchorError {
    /// An archive that does not answer is asked again; a name that is taken by other bytes is
    /// another history.
    pub(crate) fn archive(error: &ArchiveError) -> Self {
        match error {
            ArchiveError::Conflict(_) => Self::Contradicted(error.to_string()),
            ArchiveError::BadName(_) => Self::Refused(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
