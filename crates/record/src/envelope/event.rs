//! Bodies of the records that Custody makes itself.

use serde::{Deserialize, Serialize};

use crate::{Digest, GapReason, RangeSet, Timestamp};

/// Admitted calls that are not in the log: which, why and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// True when `numbers` may include numbers under which no call was made: after a crash it is
    /// only known how far the count may have gone.
    pub at_most: bool,
    /// How many calls.
    pub count: u64,
    /// Their admission numbers.
    pub numbers: RangeSet,
    /// Why they are missing.
    pub reason: GapReason,
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// A sign of life, and the tally of numbers up to here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The highest number given out so far.
    pub admitted: u64,
    /// Numbers that are in gap records.
    pub gaps: u64,
    /// Numbers that are neither recorded nor in a gap yet.
    pub open: RangeSet,
    /// Numbers that ended as a record.
    pub recorded: u64,
}

/// A stretch of a journal file that was no whole frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// How many bytes.
    pub bytes: u64,
    /// The journal file's name.
    pub file: String,
    /// Where the bytes were put aside, relative to the data directory; empty when it was a torn
    /// end, which is cut off.
    pub kept_as: String,
    /// Where in the file.
    pub offset: u64,
}

/// What a start found in the journal after a stop that was not clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Stretches that were no whole frames.
    pub damage: Vec<Damage>,
    /// Calls that were admitted and had no outcome.
    pub interrupted: u64,
    /// Records that were written and not yet sealed.
    pub unsealed: u64,
}

/// Somebody read content, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// What was asked: `show`, `trace`, `search`, …
    pub action: String,
    /// How many records were opened.
    pub count: u64,
    /// Why, where a reason has to be given: for values that masking keeps apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which, as far as they are few.
    pub records: Vec<crate::RecordId>,
    /// Who asked: a local account for the command line, else the token's subject.
    pub who: String,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// A sentence for the person.
    pub message: String,
    /// The rule's name.
    pub rule: String,
}

/// A start, a stop, or a change of what is recorded and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// `start` or `stop`.
    pub event: String,
    /// The mode by default.
    pub mode: String,
    /// The masking policy's version.
    pub policy: String,
    /// The program's version.
    pub version: String,
}

/// The collector's signing key gave way to another one: checkpoints that cover this record are
/// signed by the new key, the first of them by both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The verifier key from here on.
    pub new: String,
    /// The verifier key up to here.
    pub old: String,
}

/// A segment was written and read back: from here on its files are known to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its files.
    pub files: Vec<SegmentFile>,
    /// Index of its first record in the log.
    pub first: u64,
    /// Index of its last record in the log.
    pub last: u64,
    /// Objects of the log that were put since the segment before, where the archive keeps versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<crate::envelope::LedgerObject>,
    /// How many records it holds.
    pub records: u64,
}

/// A file of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFile {
    /// Its length.
    pub bytes: u64,
    /// CRC-32 (IEEE) of its bytes: finds accidents fast where every part has a digest of its own.
    pub crc32: u32,
    /// Until when it is locked, where the archive locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// Its name in the archive.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its version, where the archive keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
