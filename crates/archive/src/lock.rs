//! Locks, versions, and what a probe of locks found.

use std::fmt;

use record::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Name;

/// Until when an object may not go, where the storage can hold that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lock {
    /// `None`: as long as the storage holds by itself.
    pub until: Option<Timestamp>,
    /// For an object that is read seldom: a cheaper class of storage, where there is one.
    pub cold: bool,
}

impl Lock {
    /// Until this time.
    pub fn until(time: Timestamp) -> Self {
        Self { until: Some(time), cold: false }
    }

    /// No lock of its own.
    pub const NONE: Self = Self { until: None, cold: false };
}

/// What a storage calls a version of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Whose.
    pub name: Name,
    /// Which.
    pub version: Version,
    /// Whether it is what a reader gets who asks for no version.
    pub latest: bool,
    /// Whether it is a delete marker, which hides the versions before it.
    pub marker: bool,
    /// Its length.
    pub bytes: u64,
}

/// The lock of a version as the storage gives it back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockState {
    /// `COMPLIANCE` or `GOVERNANCE`; `None` when it is not locked.
    pub mode: Option<String>,
    /// When the lock ends.
    pub until: Option<Timestamp>,
    /// Whether there is a legal hold on it.
    pub legal_hold: bool,
}

/// How one attempt to break a lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The storage refused, and the object is as it was.
    Held,
    /// The object went or its lock was weakened.
    Broken,
    /// The storage does not know the request, so nobody can break the lock by it.
    Unknown,
}

/// One attempt to break the lock of a canary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was tried.
    pub attempt: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What the storage answered.
    pub answer: String,
}
