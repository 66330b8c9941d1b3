//! Memory bounded by bytes, not by count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Bytes in taps and in the queue.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    freed: Notify,
}

/// Bytes taken from the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0), freed: Notify::new() }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.used() >= self.limit
    }

    /// Waits until there is room again, at most `patience`; false when there is none.
    pub(crate) async fn room(&self, patience: Duration) -> bool {
        let wait = async {
            while self.is_full() {
                let freed = self.freed.notified();
                if !self.is_full() {
                    break;
                }
                freed.await;
            }
        };
        tokio::time::timeout(patience, wait).await.is_ok()
    }
}

impl Share {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Takes more; false when the budget is used up, and then nothing is taken.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let before = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.budget.limit {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Gives all back early.
    pub(crate) fn release(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let was_full = self.budget.is_full();
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
        if was_full {
            self.budget.freed.notify_waiters();
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded_and_come_back() {
        let budget = Arc::new(Budget::new(100));
        let (mut one, mut two) = (Share::new(&budget), Share::new(&budget));
        assert!(one.take(60));
        assert!(!two.take(41));
        assert!(two.take(40));
        assert!(budget.is_full());
        drop(one);
        assert_eq!(budget.used(), 40);
    }
}
