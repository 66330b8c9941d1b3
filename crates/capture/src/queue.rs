//! The queue before a worker thread.
//!
//! A channel from a library would do but for one thing: those that are fast spin before they
//! sleep, and on a core that the proxy shares with its recorder every spin is taken from a call.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Puts jobs into a queue; the worker ends when all senders are gone and the queue is empty.
pub(crate) struct Sender<T>(Arc<Queue<T>>);

/// The worker's end.
pub(crate) struct Receiver<T>(Arc<Queue<T>>);

struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    senders: AtomicUsize,
}

struct State<T> {
    jobs: VecDeque<T>,
    /// The worker sleeps. Waking it costs a system call, so nobody wakes it twice.
    asleep: bool,
    /// The worker is gone.
    closed: bool,
}

/// A queue; it is bounded by the bytes that its jobs hold, not by their number.
pub(crate) fn queue<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { jobs: VecDeque::new(), asleep: false, closed: false };
    let queue = Arc::new(Queue {
        state: Mutex::new(state),
        ready: Condvar::new(),
        senders: AtomicUsize::new(1),
    });
    (Sender(Arc::clone(&queue)), Receiver(queue))
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sender<T> {
    /// False when the worker is gone.
    pub(crate) fn send(&self, job: T) -> bool {
        let mut state = self.0.lock();
        if state.closed {
            return false;
        }
        state.jobs.push_back(job);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.0.ready.notify_one();
        }
        true
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Under the lock, so that the worker cannot fall asleep between its look and its wait.
            drop(self.0.lock());
            self.0.ready.notify_one();
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for jobs and takes up to `most` of them; `false` when no more will come.
    pub(crate) fn take(&self, into: &mut Vec<T>, most: usize) -> bool {
        let mut state = self.0.lock();
        while state.jobs.is_empty() {
            if self.0.senders.load(Ordering::Acquire) == 0 {
                return false;
            }
            state.asleep = true;
            state = self.0.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
        let count = most.min(state.jobs.len());
        into.extend(state.jobs.drain(..count));
        true
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.jobs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_jobs_come_in_order_and_the_end_is_seen() {
        let (sender, receiver) = queue();
        let worker = std::thread::spawn(move || {
            let mut all = Vec::new();
            while receiver.take(&mut all, 7) {}
            all
        });
        let other = sender.clone();
        for i in 0..1000 {
            if i % 97 == 0 {
                std::thread::yield_now();
            }
            assert!(if i % 2 == 0 { &sender } else { &other }.send(i));
        }
        drop((sender, other));
        assert_eq!(worker.join().unwrap(), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_worker_that_is_gone_takes_nothing() {
        let (sender, receiver) = queue();
        drop(receiver);
        assert!(!sender.send(1));
    }
}
