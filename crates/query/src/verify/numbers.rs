//! That every admission number ended as a record or in a gap.

use std::collections::BTreeMap;

use record::RangeSet;
use record::envelope::{Gap, Heartbeat};
use serde::Serialize;

use crate::source::JournalNumbers;

/// What became of the admission numbers of a collector.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Numbers {
    /// The highest number that was given out.
    pub admitted: u64,
    /// Numbers that ended as a record.
    pub recorded: u64,
    /// Numbers that gap records name.
    pub gaps: u64,
    /// Numbers whose records are past their time and gone.
    pub expired: u64,
    /// Numbers whose call is still going on.
    pub open: u64,
    /// Gap records by reason.
    pub gap_reasons: BTreeMap<String, u64>,
    /// Numbers that are nowhere. Anything but 0 is a fault.
    pub missing: u64,
}

/// Collects numbers while records are read.
#[derive(Default)]
pub(crate) struct Ledgered {
    recorded: RangeSet,
    gaps: RangeSet,
    reasons: BTreeMap<String, u64>,
    last_beat: Option<Heartbeat>,
    /// Numbers that two records claim.
    pub(crate) twice: Vec<u64>,
}

impl Ledgered {
    pub(crate) fn record(&mut self, number: u64) {
        if self.recorded.contains(number) || self.gaps.contains(number) {
            self.twice.push(number);
        }
        self.recorded.insert(number, number + 1);
    }

    pub(crate) fn gap(&mut self, gap: &Gap) {
        for (start, end) in gap.numbers.iter() {
            for number in (start..end).filter(|n| self.recorded.contains(*n)) {
                self.twice.push(number);
            }
            self.gaps.insert(start, end);
        }
        *self.reasons.entry(gap.reason.to_string()).or_default() += gap.count;
    }

    pub(crate) fn beat(&mut self, beat: &Heartbeat) {
        let newer = self.last_beat.as_ref().is_none_or(|last| beat.admitted >= last.admitted);
        if newer {
            self.last_beat = Some(beat.clone());
        }
    }

    /// The sum, and the numbers that are nowhere. Without the journal the last heartbeat says which
    /// numbers were open then.
    pub(crate) fn sum(
        self,
        journal: Option<&JournalNumbers>,
        expired: &RangeSet,
    ) -> (Numbers, RangeSet) {
        let end = |set: &RangeSet| set.iter().last().map_or(1, |(_, end)| end);
        let mut highest = end(&self.recorded).max(end(&self.gaps)).max(end(expired));
        let (mut open, mut in_hand) = (RangeSet::new(), RangeSet::new());
        match (journal, &self.last_beat) {
            (Some(journal), _) => {
                highest = highest.max(end(&journal.open));
                open = journal.open.clone();
                in_hand = journal.unframed.clone();
            }
            (None, Some(beat)) => open = beat.open.clone(),
            (None, None) => {}
        }
        let mut missing = RangeSet::new();
        missing.insert(1, highest);
        for set in [&self.recorded, &self.gaps, expired] {
            for (start, end) in set.iter() {
                missing.remove_range(start, end);
                open.remove_range(start, end);
                in_hand.remove_range(start, end);
            }
        }
        // Reserved numbers below the highest are calls whose frames are about to be written.
        in_hand.remove_range(highest, u64::MAX);
        for (start, end) in in_hand.iter() {
            open.insert(start, end);
        }
        for (start, end) in open.iter() {
            missing.remove_range(start, end);
        }
        let numbers = Numbers {
            admitted: highest - 1,
            recorded: self.recorded.len(),
            gaps: self.gaps.len(),
            expired: expired.len(),
            open: open.len(),
            gap_reasons: self.reasons,
            missing: missing.len(),
        };
        (numbers, missing)
    }
}
