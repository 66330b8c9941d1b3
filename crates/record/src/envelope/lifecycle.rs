//! What happens to records after they are sealed: probes of locks, tiers, expiry, holds, erasure.

use serde::{Deserialize, Serialize};

use super::SegmentFile;
use crate::{Kid, RangeSet, Timestamp};

/// An object of the log with the version that was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerObject {
    /// Its name in the archive.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Attempts to break the lock of a canary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The archive, for people.
    pub archive: String,
    /// One for each attempt.
    pub checks: Vec<ProbeCheck>,
    /// Whether every lock held.
    pub held: bool,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCheck {
    /// What the storage answered.
    pub answer: String,
    /// What was tried.
    pub attempt: String,
    /// `held`, `broken` or `unknown`.
    pub outcome: String,
}

/// Who agreed to an erasure, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
}

/// The receipt of an erasure: from here on the records under these keys cannot be opened by
/// anybody. It holds nothing that tells whose they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Who agreed beside the one who asked.
    pub approvals: Vec<Approval>,
    /// The legal basis, as it was given.
    pub basis: String,
    /// The key store's epoch that no longer holds the keys.
    pub epoch: u32,
    /// Names the erasure; a receipt that is written twice after a crash has the same.
    pub erasure: String,
    /// The keys that were destroyed.
    pub keys: Vec<Kid>,
    /// How many records of the log they had sealed, as far as was found.
    pub records: u64,
    /// Who asked.
    pub requested_by: String,
}

/// The end of a retention class's time for some days. Written before anything goes: a crash between
/// leaves what the next run ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The class.
    pub class: String,
    /// Files that go, their locks being over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The period keys that are destroyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Kid>,
    /// The indexes in the log of the records in those files.
    #[serde(default, skip_serializing_if = "RangeSet::is_empty")]
    pub leaves: RangeSet,
    /// The admission numbers of those records.
    #[serde(default, skip_serializing_if = "RangeSet::is_empty")]
    pub numbers: RangeSet,
    /// The periods, `2026-11-23`.
    pub periods: Vec<String>,
}

/// What happened to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEvent {
    /// It was placed; keys were wrapped for it.
    Placed,
    /// It was lifted; retention and erasure reach the records again.
    Lifted,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Placed or lifted.
    pub event: HoldEvent,
    /// The hold's name: a case number.
    pub hold: String,
    /// Why, as it was given.
    pub reason: String,
    /// How many records it holds.
    pub records: u64,
    /// The subjects' keys that it holds.
    pub subjects: Vec<Kid>,
    /// Who placed or lifted it.
    pub who: String,
}

/// Many segments became one, in the cold tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Where the cold files are, for people.
    pub archive: String,
    /// The retention class.
    pub class: String,
    /// The day, `2026-11-23`.
    pub day: String,
    /// The cold files, read back.
    pub files: Vec<SegmentFile>,
    /// The hot files whose rows they hold, and which go when their own locks end.
    pub from: Vec<String>,
    /// How many records.
    pub records: u64,
}
