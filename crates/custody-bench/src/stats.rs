//! Quantiles of one run, and medians over rounds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::num;

/// Every observation of one run in nanoseconds. A run has at most some hundred thousand, so they
/// are kept whole: quantiles are then exact, where a histogram would round.
#[derive(Default)]
pub(crate) struct Samples(Vec<u64>);

impl Samples {
    /// Adds one observation.
    pub(crate) fn push(&mut self, value: Duration) {
        self.0.push(num::nanos(value));
    }

    /// What is reported of them.
    pub(crate) fn quantiles(&mut self) -> Quantiles {
        self.0.sort_unstable();
        let at = |per_mille: usize| {
            let rank = self.0.len().saturating_sub(1) * per_mille / 1000;
            self.0.get(rank).map_or(0.0, |&ns| num::float(ns) / 1000.0)
        };
        Quantiles {
            count: num::count(self.0.len()),
            p50: at(500),
            p90: at(900),
            p99: at(990),
            p999: at(999),
            max: at(1000),
        }
    }
}

/// Quantiles in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    /// How many observations.
    pub(crate) count: u64,
    /// Median.
    pub(crate) p50: f64,
    /// 90 of 100 were below.
    pub(crate) p90: f64,
    /// 99 of 100 were below.
    pub(crate) p99: f64,
    /// 999 of 1,000 were below.
    pub(crate) p999: f64,
    /// The largest.
    pub(crate) max: f64,
}

/// The same figure over several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The median round.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without any figure. Of an even number of rounds the median is the mean of the two in
    /// the middle.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut all: Vec<f64> = figures.into_iter().filter(|f| f.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        let upper = *all.get(all.len() / 2)?;
        let lower = *all.get((all.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min: *all.first()?, max: *all.last()? })
    }

    /// How far the rounds lie apart: largest / smallest − 1.
    pub(crate) fn width(&self) -> f64 {
        if self.min > 0.0 { self.max / self.min - 1.0 } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Samples, Spread};

    #[test]
    fn quantiles_are_ranks() {
        let mut samples = Samples::default();
        for n in (1..=1001).rev() {
            samples.push(Duration::from_micros(n));
        }
        let q = samples.quantiles();
        assert_eq!((q.count, q.p50, q.p99, q.p999, q.max), (1001, 501.0, 991.0, 1000.0, 1001.0));
    }

    #[test]
    fn no_samples_are_zero() {
        assert_eq!(Samples::default().quantiles().count, 0);
    }

    #[test]
    fn medians() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread, Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0]).map(|s| s.median), Some(2.5));
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, 1.5]).map(|s| s.width()), Some(0.5));
    }
}
