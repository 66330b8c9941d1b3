//! Sleeping with microsecond precision on a single-threaded runtime.
//!
//! The runtime's own timer counts in whole milliseconds. At 300 requests a second against an
//! upstream of 50 ms that would be a larger error than what is measured, and a regular one: the
//! schedule would beat against the ticks. One timerfd and a heap give the kernel's precision.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_local;

/// Wakes tasks of one thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Timer(Rc<Inner>);

struct Inner {
    fd: AsyncFd<OwnedFd>,
    waiting: RefCell<BinaryHeap<Reverse<Entry>>>,
    /// When the timerfd fires next.
    armed: Cell<Option<Instant>>,
}

impl Timer {
    /// A timer whose driver lives as long as the surrounding `LocalSet`.
    #[expect(deprecated, reason = "the successor is unsafe; an owned descriptor keeps its promise")]
    pub(crate) fn start() -> Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?;
        let inner = Inner { fd, waiting: RefCell::default(), armed: Cell::new(None) };
        let timer = Self(Rc::new(inner));
        spawn_local(timer.clone().drive());
        Ok(timer)
    }

    /// Sleeps until `due`.
    pub(crate) async fn sleep_until(&self, due: Instant) {
        let mut alarm = Alarm::default();
        poll_fn(|cx| alarm.poll(self, due, cx)).await;
    }

    fn push(&self, entry: Entry) {
        let due = entry.due;
        self.0.waiting.borrow_mut().push(Reverse(entry));
        if self.0.armed.get().is_none_or(|armed| due < armed) {
            self.arm(due);
        }
    }

    fn arm(&self, due: Instant) {
        self.0.armed.set(Some(due));
        // Zero would disarm it.
        let wait = due.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(wait.subsec_nanos()),
            },
        };
        // It fails only for a bad descriptor or a bad time, and both are ours.
        let armed = timerfd_settime(self.0.fd.get_ref(), TimerfdTimerFlags::empty(), &once);
        debug_assert!(armed.is_ok());
    }

    async fn drive(self) {
        while let Ok(mut guard) = self.0.fd.readable().await {
            let mut expirations = [0; 8];
            if rustix::io::read(self.0.fd.get_ref(), &mut expirations).is_err() {
                guard.clear_ready();
                continue;
            }
            guard.clear_ready();
            self.wake_due();
        }
    }

    fn wake_due(&self) {
        let now = Instant::now();
        let next = loop {
            let mut waiting = self.0.waiting.borrow_mut();
            match waiting.peek() {
                Some(Reverse(entry)) if entry.due <= now => {
                    let entry = waiting.pop();
                    drop(waiting);
                    if let Some(Reverse(entry)) = entry {
                        entry.waker.wake();
                    }
                }
                other => break other.map(|Reverse(entry)| entry.due),
            }
        };
        match next {
            Some(due) => self.arm(due),
            None => self.0.armed.set(None),
        }
    }
}

/// One sleep, which registers itself once however often it is polled.
#[derive(Default)]
pub(crate) struct Alarm(Option<Instant>);

impl Alarm {
    /// Ready when `due` has come. All polls must come from one task.
    pub(crate) fn poll(&mut self, timer: &Timer, due: Instant, cx: &Context<'_>) -> Poll<()> {
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        if self.0 != Some(due) {
            self.0 = Some(due);
            timer.push(Entry { due, waker: cx.waker().clone() });
        }
        Poll::Pending
    }
}

struct Entry {
    due: Instant,
    waker: Waker,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Entry {}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}
