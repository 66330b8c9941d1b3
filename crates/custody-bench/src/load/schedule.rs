//! When requests are due.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Moments are at least this far apart.
const FINEST: Duration = Duration::from_micros(200);

/// The moments of one phase. Workers take them one by one; a worker that comes late for a moment
/// sends at once, and the latency still counts from the moment.
pub(crate) struct Schedule {
    start: Instant,
    /// `None`: whenever a connection is free (a closed loop).
    step: Option<Duration>,
    /// So many requests are due at the same moment.
    group: u32,
    warm: Duration,
    window: Duration,
    issued: Cell<u32>,
}

/// One request to send.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    /// When it is due.
    pub(crate) due: Instant,
    /// Whether it counts, being due after the warm-up.
    pub(crate) measured: bool,
}

impl Schedule {
    /// `rate` requests a second, evenly spaced; at high rates in small groups, since each moment
    /// costs the load generator a timer and a change of context.
    pub(crate) fn paced(rate: f64, warm: Duration, window: Duration) -> Self {
        let step = Duration::from_secs_f64(1.0 / rate.max(0.1));
        let group = FINEST.as_nanos() / step.as_nanos().max(1);
        Self::new(Some(step), u32::try_from(group).unwrap_or(1).max(1), warm, window)
    }

    /// As fast as the connections allow.
    pub(crate) fn closed(warm: Duration, window: Duration) -> Self {
        Self::new(None, 1, warm, window)
    }

    fn new(step: Option<Duration>, group: u32, warm: Duration, window: Duration) -> Self {
        Self { start: Instant::now(), step, group, warm, window, issued: Cell::new(0) }
    }

    /// When request number `n` is due.
    fn due(&self, step: Duration, n: u32) -> Instant {
        self.start + step * (n - n % self.group)
    }

    /// Starts now.
    pub(crate) fn restart(&mut self) {
        self.start = Instant::now();
    }

    /// When the warm-up ends.
    pub(crate) fn measured_from(&self) -> Instant {
        self.start + self.warm
    }

    /// When nothing more is due.
    pub(crate) fn end(&self) -> Instant {
        self.start + self.warm + self.window
    }

    /// The next request; `None` at the end.
    pub(crate) fn next(&self) -> Option<Ticket> {
        let now = Instant::now();
        if now >= self.end() {
            return None;
        }
        let due = match self.step {
            Some(step) => self.due(step, self.issued.get()),
            None => now,
        };
        if due >= self.end() {
            return None;
        }
        self.issued.set(self.issued.get() + 1);
        Some(Ticket { due, measured: self.step.is_some() && due >= self.measured_from() })
    }

    /// What was due and never sent, because all connections were busy until the end.
    pub(crate) fn left_over(&self) -> Vec<Ticket> {
        let Some(step) = self.step else { return Vec::new() };
        let dues = (self.issued.get()..).map(|n| self.due(step, n));
        let left = dues.take_while(|due| *due < self.end());
        left.map(|due| Ticket { due, measured: due >= self.measured_from() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Schedule;

    #[test]
    fn every_moment_is_taken_or_left_over() {
        let schedule = Schedule::paced(1_000.0, Duration::from_secs(1), Duration::from_secs(1));
        let taken: Vec<_> = (0..1_500).map_while(|_| schedule.next()).collect();
        assert_eq!(taken.len(), 1_500);
        assert_eq!(taken.iter().filter(|t| t.measured).count(), 500);
        assert_eq!(schedule.left_over().len(), 500);
    }

    #[test]
    fn fast_schedules_come_in_groups() {
        let schedule = Schedule::paced(40_000.0, Duration::ZERO, Duration::from_secs(1));
        let dues: Vec<_> = (0..12).map_while(|_| schedule.next()).map(|t| t.due).collect();
        let moments: std::collections::BTreeSet<_> = dues.iter().collect();
        assert_eq!(moments.len(), 2); // of eight and four
    }
}
