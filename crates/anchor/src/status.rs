//! What the anchors are doing, for metrics.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use record::Timestamp;

/// What an anchor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorKind {
    /// A witness (C2SP tlog-witness).
    Witness,
    /// A timestamp authority (RFC 3161).
    Timestamp,
    /// A SIEM.
    Siem,
    /// A second archive.
    Copy,
}

impl fmt::Display for AnchorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Witness => "witness",
            Self::Timestamp => "timestamp",
            Self::Siem => "siem",
            Self::Copy => "copy",
        })
    }
}

/// A reading of one anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorStatus {
    /// What it is.
    pub kind: AnchorKind,
    /// Its name in the configuration.
    pub name: String,
    /// The largest tree that it has, 0 for none.
    pub size: u64,
    /// When that was brought to it, UTC µs; 0 for never.
    pub at: Timestamp,
    /// Times that it did not take a checkpoint, since the start.
    pub failures: u64,
    /// Why it did not take the last one; `None` when it did.
    pub failing: Option<String>,
}

/// Where the thread writes and metrics read.
#[derive(Debug)]
pub(crate) struct Board(Mutex<Vec<AnchorStatus>>);

impl Board {
    pub(crate) fn new(anchors: Vec<AnchorStatus>) -> Self {
        Self(Mutex::new(anchors))
    }

    pub(crate) fn read(&self) -> Vec<AnchorStatus> {
        self.lock().clone()
    }

    pub(crate) fn update(&self, index: usize, update: impl FnOnce(&mut AnchorStatus)) {
        if let Some(status) = self.lock().get_mut(index) {
            update(status);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AnchorStatus>> {
        // Each update is whole, so a thread that panicked left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
