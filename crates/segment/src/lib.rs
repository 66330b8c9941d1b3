//! Segments: records and the parts that they brought, as plain Parquet. `spec/segment.md`.
//!
//! Two files, both readable by any engine: records with their metadata as columns and the exact
//! envelope bytes, and parts sorted by pid with their sealed bytes. The columns are copies for
//! engines; the envelope bytes are the truth.

mod columns;
mod error;
mod parts;
mod records;

pub use error::SegmentError;
pub use parts::{PartsWriter, each_part, find_parts};
pub use records::{RecordsWriter, each_difference, each_record, find_records};
