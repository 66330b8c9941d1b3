//! Errors, by what the caller must do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;

/// Why a segment's file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The bytes are not a segment's file, or were changed.
    #[error("not a segment's file: {0}")]
    Damaged(String),
    /// The records or parts given cannot be written: a fault of the program.
    #[error("cannot write the segment: {0}")]
    Unwritable(String),
}

/// Runs a reader over bytes that may be anything: the Parquet library gives errors for most damage
/// and panics for some.
pub(crate) fn guarded<T>(
    read: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, SegmentError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(SegmentError::Damaged(error.to_string())),
        Err(_) => Err(SegmentError::Damaged("the Parquet reader gave up on it".to_owned())),
    }
}

pub(crate) fn unwritable(error: impl std::fmt::Display) -> SegmentError {
    SegmentError::Unwritable(error.to_string())
}

pub(crate) fn unexpected(what: &str) -> ParquetError {
    ParquetError::General(format!("column {what} is missing or of another type"))
}
