//! What a record is: ids, parts, envelopes, canonical bytes, the leaf and the journal frame.
//!
//! Pure: no I/O, no clock, no sibling crate. Everything that outlives a process is written by the
//! functions here and specified in `spec/`.
//!
//! ```text
//! Part (role, kind, content) ──sealed elsewhere──► PartRef (pid, digest, length)
//!                                                      │
//! Interaction | event body ────────────────────► Envelope ──canonical──► bytes ──SHA-256──► Leaf
//! ```

mod canonical;
mod content;
pub mod envelope;
mod frame;
mod id;
mod leaf;
mod oddity;
mod range;
mod retention;
mod skeleton;
mod time;
mod word;

pub use canonical::{CanonicalError, canonical_bytes, canonical_string};
pub use content::{Content, ContentError, Part};
pub use envelope::{Body, Envelope, EnvelopeError, Interaction};
pub use frame::{Frame, FrameError, FrameReader, Scanned, encode_frame, encode_part_frame};
pub use id::{
    AdmissionNumber, CollectorName, Digest, IdError, Kid, Pid, PidHasher, PidMap, PidSet, RecordId,
    SpanId, TraceId,
};
pub use leaf::{LEAF_LEN, Leaf, LeafError};
pub use oddity::Oddity;
pub use range::RangeSet;
pub use retention::{Classes, LOG, RetentionClass, RetentionRule, STANDARD};
pub use skeleton::{Skeleton, SkeletonBuilder, SkeletonError};
pub use time::{Clock, Timestamp};
pub use word::{
    FinishClass, GapReason, Kind, Operation, Origin, Outcome, PartKind, Role, Scope, UnknownWord,
};
