//! Until when what is put is locked.

use std::sync::Arc;

use archive::Lock;
use record::{Classes, LOG, Timestamp};

const DAY_US: i64 = 86_400_000_000;
/// A hot segment that moves to a cold tier stays locked for so many days longer than it is hot: the
/// time that there is for moving it.
pub const HOT_MARGIN_DAYS: u32 = 30;

/// Locks by what is put.
#[derive(Clone)]
pub(crate) struct Locks {
    pub(crate) classes: Arc<Classes>,
    pub(crate) tiered: bool,
}

impl Locks {
    /// Tiles, bundles, checkpoints: as long as anything that they prove.
    pub(crate) fn log(&self, now: Timestamp) -> Lock {
        let days = self.classes.longest_lock();
        if days == 0 { Lock::NONE } else { Lock::until(after(now, days)) }
    }

    /// A segment's file of a class and a day. Counted from the day and not from now, so that the
    /// same file that is put again after a crash has the same lock.
    pub(crate) fn segment(&self, class: &str, day: Timestamp) -> Lock {
        if class == LOG {
            return self.log(Timestamp((day.0.div_euclid(DAY_US) + 1).saturating_mul(DAY_US)));
        }
        let class = self.classes.of(class);
        let days = if self.tiered {
            class.lock.min(class.hot.saturating_add(HOT_MARGIN_DAYS))
        } else {
            class.lock
        };
        if days == 0 {
            return Lock::NONE;
        }
        let end_of_day = Timestamp((day.0.div_euclid(DAY_US) + 1).saturating_mul(DAY_US));
        Lock::until(after(end_of_day, days))
    }
}

fn after(time: Timestamp, days: u32) -> Timestamp {
    time.plus_us(i64::from(days).saturating_mul(DAY_US))
}
