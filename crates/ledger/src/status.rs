//! What the ledger is doing, for health and metrics: read without a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A reading of the ledger's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Status {
    pub writable: bool,
    pub journal_bytes: u64,
    pub journal_writes: u64,
    pub journal_syncs: u64,
    pub sync_failures: u64,
    pub write_failures: u64,
    pub records: u64,
    pub gap_numbers: u64,
    pub open_calls: u64,
    pub unsealed: u64,
    pub tree_size: u64,
    pub seal_failures: u64,
    pub segments: u64,
    /// Sealing failed the last time: the archive, or the disk, does not take it.
    pub sealing_fails: bool,
    /// Nothing more can be sealed until a person has looked.
    pub fatal: bool,
    /// When the last checkpoint was published, UTC µs; 0 for never.
    pub checkpoint_at: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) unwritable: AtomicBool,
    pub(crate) fatal: AtomicBool,
    pub(crate) sealing_fails: AtomicBool,
    pub(crate) journal_bytes: AtomicU64,
    pub(crate) journal_writes: AtomicU64,
    pub(crate) journal_syncs: AtomicU64,
    pub(crate) sync_failures: AtomicU64,
    pub(crate) write_failures: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) gap_numbers: AtomicU64,
    pub(crate) open_calls: AtomicU64,
    pub(crate) unsealed: AtomicU64,
    pub(crate) tree_size: AtomicU64,
    pub(crate) seal_failures: AtomicU64,
    pub(crate) segments: AtomicU64,
    pub(crate) checkpoint_at: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> Status {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            writable: !self.unwritable.load(Ordering::Relaxed),
            fatal: self.fatal.load(Ordering::Relaxed),
            sealing_fails: self.sealing_fails.load(Ordering::Relaxed),
            journal_bytes: get(&self.journal_bytes),
            journal_writes: get(&self.journal_writes),
            journal_syncs: get(&self.journal_syncs),
            sync_failures: get(&self.sync_failures),
            write_failures: get(&self.write_failures),
            records: get(&self.records),
            gap_numbers: get(&self.gap_numbers),
            open_calls: get(&self.open_calls),
            unsealed: get(&self.unsealed),
            tree_size: get(&self.tree_size),
            seal_failures: get(&self.seal_failures),
            segments: get(&self.segments),
            checkpoint_at: get(&self.checkpoint_at),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

pub(crate) fn set(counter: &AtomicU64, n: u64) {
    counter.store(n, Ordering::Relaxed);
}
