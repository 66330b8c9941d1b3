//! A set of numbers kept as ranges.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of `u64`, stored as disjoint half-open ranges; small when the numbers are dense.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeSet {
    /// start → end (exclusive); ranges never touch.
    ranges: BTreeMap<u64, u64>,
}

impl RangeSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `start..end`.
    pub fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let (mut start, mut end) = (start, end);
        if let Some((&s, &e)) = self.ranges.range(..=start).next_back()
            && e >= start
        {
            start = s;
            end = end.max(e);
        }
        while let Some((&s, &e)) = self.ranges.range(start..=end).next() {
            end = end.max(e);
            self.ranges.remove(&s);
        }
        self.ranges.insert(start, end);
    }

    /// Takes one number out; false when it was not in.
    pub fn remove(&mut self, number: u64) -> bool {
        let Some((&start, &end)) = self.ranges.range(..=number).next_back() else {
            return false;
        };
        if number >= end {
            return false;
        }
        if start == number {
            self.ranges.remove(&start);
        } else {
            self.ranges.insert(start, number);
        }
        if number + 1 < end {
            self.ranges.insert(number + 1, end);
        }
        true
    }

    /// Takes `start..end` out.
    pub fn remove_range(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let touched: Vec<(u64, u64)> = self
            .ranges
            .range(..end)
            .rev()
            .take_while(|(_, e)| **e > start)
            .map(|(s, e)| (*s, *e))
            .collect();
        for (s, e) in touched {
            self.ranges.remove(&s);
            if s < start {
                self.ranges.insert(s, start);
            }
            if e > end {
                self.ranges.insert(end, e);
            }
        }
    }

    /// Whether `number` is in.
    pub fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, &end)| number < end)
    }

    /// How many numbers are in.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(s, e)| e - s).sum()
    }

    /// Whether no number is in.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges `start..end`, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ranges.iter().map(|(s, e)| (*s, *e))
    }
}

impl FromIterator<u64> for RangeSet {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut set = Self::new();
        for number in numbers {
            set.insert(number, number + 1);
        }
        set
    }
}

impl Serialize for RangeSet {
    /// As `[[first, last], …]`, both inclusive: the form that people expect of a range.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(s, e)| [s, e - 1]))
    }
}

impl<'de> Deserialize<'de> for RangeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut set = Self::new();
        for [first, last] in Vec::<[u64; 2]>::deserialize(deserializer)? {
            let end = last
                .checked_add(1)
                .filter(|end| *end > first)
                .ok_or_else(|| serde::de::Error::custom("a range ends before it starts"))?;
            set.insert(first, end);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_set(ops in prop::collection::vec((0..4_u8, 0..60_u64, 0..60_u64), 0..40)) {
            let (mut ours, mut model) = (RangeSet::new(), BTreeSet::new());
            for (op, a, b) in ops {
                match op {
                    0 | 1 => { ours.insert(a, b); model.extend(a..b); }
                    2 => { prop_assert_eq!(ours.remove(a), model.remove(&a)); }
                    _ => { ours.remove_range(a, b); model.retain(|n| !(a..b).contains(n)); }
                }
                prop_assert_eq!(ours.len(), u64::try_from(model.len()).unwrap());
                prop_assert_eq!(ours.iter().flat_map(|(s, e)| s..e).collect::<BTreeSet<_>>(), model.clone());
                prop_assert_eq!(ours.contains(a), model.contains(&a));
            }
            let json = serde_json::to_string(&ours).unwrap();
            prop_assert_eq!(serde_json::from_str::<RangeSet>(&json).unwrap(), ours);
        }
    }
}
