//! Counters of capture, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Status {
    pub admitted: u64,
    pub finished: u64,
    pub refused: u64,
    pub gaps: u64,
    pub gate_timeouts: u64,
    pub memory_used: u64,
    pub names_backlog: u64,
    pub parts_met: u64,
    pub parts_new: u64,
    pub masked_values: u64,
    pub mask_failures: u64,
    pub faults: u64,
    pub oddities: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) admitted: AtomicU64,
    pub(crate) finished: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) gate_timeouts: AtomicU64,
    pub(crate) parts_met: AtomicU64,
    pub(crate) parts_new: AtomicU64,
    pub(crate) masked_values: AtomicU64,
    pub(crate) mask_failures: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) oddities: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self, memory_used: usize, names_backlog: usize) -> Status {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            admitted: get(&self.admitted),
            finished: get(&self.finished),
            refused: get(&self.refused),
            gaps: get(&self.gaps),
            gate_timeouts: get(&self.gate_timeouts),
            memory_used: u64::try_from(memory_used).unwrap_or(u64::MAX),
            names_backlog: u64::try_from(names_backlog).unwrap_or(u64::MAX),
            parts_met: get(&self.parts_met),
            parts_new: get(&self.parts_new),
            masked_values: get(&self.masked_values),
            mask_failures: get(&self.mask_failures),
            faults: get(&self.faults),
            oddities: get(&self.oddities),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
