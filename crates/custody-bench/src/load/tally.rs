//! What the workers saw.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::plan::{Pace, STALL};
use crate::stats::Samples;

/// Counts of all phases, and samples of the measured requests.
pub(crate) struct Tally {
    /// Requests sent.
    pub(crate) sent: u64,
    /// Requests answered rightly.
    pub(crate) completed: u64,
    /// Pieces of streams.
    pub(crate) chunks: u64,
    /// What went wrong.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Due to last byte.
    pub(crate) latency: Samples,
    /// Due to head.
    pub(crate) first_byte: Samples,
    /// Due to first content.
    pub(crate) first_token: Samples,
    /// Between two pieces.
    pub(crate) gap: Samples,
    /// Gaps of `stall` or more.
    pub(crate) stalls: u64,
    stall: Duration,
}

impl Tally {
    /// Empty.
    pub(crate) fn new(pace: Pace) -> Self {
        let stall = match pace {
            Pace::Streams(streams) => streams.gap + STALL,
            Pace::Busy(_) | Pace::Rate { .. } => Duration::MAX,
        };
        Self {
            sent: 0,
            completed: 0,
            chunks: 0,
            errors: BTreeMap::new(),
            latency: Samples::default(),
            first_byte: Samples::default(),
            first_token: Samples::default(),
            gap: Samples::default(),
            stalls: 0,
            stall,
        }
    }

    /// Pieces that arrived together, after the one at `last`. The first of them waited; the others
    /// came with it.
    pub(crate) fn pieces(&mut self, count: usize, last: Option<Instant>, measured: bool) {
        self.chunks += crate::num::count(count);
        let Some(last) = last else { return };
        if !measured || count == 0 {
            return;
        }
        let gap = last.elapsed();
        self.gap.push(gap);
        self.stalls += u64::from(gap >= self.stall);
        for _ in 1..count {
            self.gap.push(Duration::ZERO);
        }
    }

    /// Something went wrong.
    pub(crate) fn error(&mut self, what: String) {
        *self.errors.entry(what).or_default() += 1;
    }
}
