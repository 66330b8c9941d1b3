//! Errors, by what the caller must do.

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// There is no such record.
    #[error("no record {0} in this archive")]
    NotFound(String),
    /// The storage did not answer, or what it gave cannot be read.
    #[error("{0}")]
    Storage(String),
    /// The question is wrong: what, where, and what would be right.
    #[error("{0}")]
    Question(String),
    /// The read could not be recorded, so nothing is given.
    #[error("the read cannot be recorded, so no content is opened: {0}")]
    Unrecorded(String),
}

impl From<archive::ArchiveError> for QueryError {
    fn from(error: archive::ArchiveError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<segment::SegmentError> for QueryError {
    fn from(error: segment::SegmentError) -> Self {
        Self::Storage(error.to_string())
    }
}
