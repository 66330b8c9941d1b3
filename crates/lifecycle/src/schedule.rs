//! The thread that looks after tiers, expiry and locks when they are due.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Lifecycle, LifecycleError};

/// A failure is tried again after this.
const AGAIN: Duration = Duration::from_mins(1);

/// When what is done.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How often tiers and expiry are looked after.
    pub every: Duration,
    /// How often locks are probed; the first time at once.
    pub probe_every: Duration,
}

/// What was done so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Probes of locks.
    pub probes: AtomicU64,
    /// Whether a lock did not hold, the last time.
    pub lock_broken: AtomicBool,
    /// Groups of segments that became cold.
    pub tiered: AtomicU64,
    /// Expiry records.
    pub expired: AtomicU64,
    /// Attempts that failed.
    pub failures: AtomicU64,
}

/// The running thread.
pub struct Scheduler {
    counters: Arc<Counters>,
    stop: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Scheduler {
    /// Starts it.
    pub fn start(lifecycle: Arc<Lifecycle>, schedule: Schedule) -> std::io::Result<Self> {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = channel();
        let shared = Arc::clone(&counters);
        let run = move || {
            ledger::Background::Sealing.stand_back();
            let (mut probe_at, mut look_at) = (Instant::now(), Instant::now());
            loop {
                let now = Instant::now();
                if probe_at <= now {
                    let done = probe(&lifecycle, &shared);
                    probe_at = Instant::now() + next(done, schedule.probe_every, &shared);
                }
                if look_at <= now {
                    let done = look(&lifecycle, &shared);
                    look_at = Instant::now() + next(done, schedule.every, &shared);
                }
                let wake = probe_at.min(look_at).saturating_duration_since(Instant::now());
                match stopped.recv_timeout(wake) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("lifecycle".to_owned()).spawn(run)?;
        Ok(Self { counters, stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) })
    }

    /// What was done so far.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Ends the thread, after what it is doing.
    pub fn stop(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the lifecycle thread panicked");
        }
    }
}

fn next(done: Result<(), LifecycleError>, every: Duration, counters: &Counters) -> Duration {
    match done {
        Ok(()) => every,
        Err(error) => {
            counters.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "it is tried again in a minute");
            AGAIN.min(every)
        }
    }
}

fn probe(lifecycle: &Lifecycle, counters: &Counters) -> Result<(), LifecycleError> {
    if let Some(probe) = lifecycle.probe()? {
        counters.probes.fetch_add(1, Ordering::Relaxed);
        counters.lock_broken.store(!probe.held, Ordering::Relaxed);
    }
    Ok(())
}

fn look(lifecycle: &Lifecycle, counters: &Counters) -> Result<(), LifecycleError> {
    let count = |n: usize| u64::try_from(n).unwrap_or(0);
    lifecycle.resume_erasures()?;
    let tiered = lifecycle.tier()?;
    counters.tiered.fetch_add(count(tiered.len()), Ordering::Relaxed);
    let expired = lifecycle.expire()?;
    counters.expired.fetch_add(count(expired.len()), Ordering::Relaxed);
    Ok(())
}
