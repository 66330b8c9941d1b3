//! Admission numbers: taken without a lock from a block whose reservation is durable.

use std::sync::atomic::{AtomicU64, Ordering};

use record::AdmissionNumber;

/// The block in use. `next..end` may be given out.
#[derive(Debug)]
pub(crate) struct Numbers {
    next: AtomicU64,
    end: AtomicU64,
}

/// Taking a number, and whether the next block should be reserved now.
pub(crate) struct Taken {
    pub(crate) number: Option<AdmissionNumber>,
    pub(crate) low: bool,
}

impl Numbers {
    pub(crate) fn new(next: u64) -> Self {
        Self { next: AtomicU64::new(next), end: AtomicU64::new(next) }
    }

    pub(crate) fn take(&self) -> Taken {
        let mut next = self.next.load(Ordering::Acquire);
        loop {
            let end = self.end.load(Ordering::Acquire);
            if next >= end {
                return Taken { number: None, low: true };
            }
            match self.next.compare_exchange_weak(
                next,
                next + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => {
                    let low = end - next <= RESERVE_AT;
                    return Taken { number: Some(AdmissionNumber(next)), low };
                }
                Err(now) => next = now,
            }
        }
    }

    /// The next number that would be given out; all below it were.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire).min(self.end())
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.end().saturating_sub(self.next())
    }

    /// The reservation up to `end` is durable.
    pub(crate) fn extend(&self, end: u64) {
        self.end.fetch_max(end, Ordering::AcqRel);
    }

    /// Gives the rest of the block back; nothing more is given out. Gives the first number that
    /// was never used.
    pub(crate) fn release(&self) -> u64 {
        let end = self.end.load(Ordering::Acquire);
        let next = self.next.fetch_max(end, Ordering::AcqRel).min(end);
        self.end.store(next, Ordering::Release);
        next
    }
}

/// A new block is reserved when the rest is this small.
pub(crate) const RESERVE_AT: u64 = 32;

/// How large the next block should be: about half a second of traffic, so that a crash leaves few
/// numbers whose use is unknown.
pub(crate) fn block_size(taken_last_second: u64) -> u64 {
    (taken_last_second / 2).clamp(64, 16_384)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_contiguous_and_stop_at_the_reservation() {
        let numbers = Numbers::new(7);
        assert!(numbers.take().number.is_none());
        numbers.extend(107);
        let taken: Vec<u64> = std::iter::from_fn(|| numbers.take().number.map(|n| n.0)).collect();
        assert_eq!(taken, (7..107).collect::<Vec<_>>());
        numbers.extend(110);
        assert_eq!(numbers.take().number, Some(AdmissionNumber(107)));
        assert_eq!(numbers.release(), 108);
        assert_eq!((numbers.next(), numbers.end()), (108, 108));
        assert!(numbers.take().number.is_none());
    }
}
