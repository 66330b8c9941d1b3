//! The end of a retention class's time: first the content's, by its period's key, then the
//! records'.

use std::collections::{HashMap, HashSet};

use archive::{Archive, ArchiveError, Name};
use bytes::Bytes;
use record::envelope::{Expiry, Summary};
use record::{Body, Kid, RangeSet, RetentionClass, Timestamp};

use crate::{Lifecycle, LifecycleError};

const DAY_US: i64 = 86_400_000_000;
/// How many days back ends are looked for: longer than any class keeps, and than it may take until
/// somebody starts a recorder again.
const BACK: i64 = 40 * 366;

impl Lifecycle {
    /// Ends what is due. Gives what was recorded.
    pub fn expire(&self) -> Result<Vec<Expiry>, LifecycleError> {
        // A clock that the storage's contradicts would end what is not due, for good.
        self.archive.check(self.now())?;
        let mut done = self.expire_content()?;
        let archives = std::iter::once(&self.archive).chain(self.cold.as_ref());
        for archive in archives {
            done.extend(self.expire_metadata(archive.as_ref())?);
        }
        Ok(done)
    }

    /// Destroys the keys of periods whose content is past its time.
    fn expire_content(&self) -> Result<Vec<Expiry>, LifecycleError> {
        let mut known: HashMap<[u8; 32], Kid> =
            self.keys.periods().into_iter().map(|(kid, label)| (label, kid)).collect();
        let mut done = Vec::new();
        for class in self.classes.iter() {
            let mut periods = Vec::new();
            let mut keys = Vec::new();
            for period in ended(class, self.now()) {
                let label = self.keys.period_label(&self.tenant, &class.name, &period);
                if let Some(kid) = known.remove(&label) {
                    periods.push(period);
                    keys.push(kid);
                }
            }
            if !keys.is_empty() {
                let expiry = Expiry {
                    class: class.name.clone(),
                    files: Vec::new(),
                    keys: keys.clone(),
                    leaves: RangeSet::new(),
                    numbers: RangeSet::new(),
                    periods,
                };
                self.record(Body::Expiry(expiry.clone()))?;
                self.keys.destroy(&keys)?;
                done.push(expiry);
            }
        }
        Ok(done)
    }

    /// Removes files whose records are past their time, whose locks have ended, and that no hold
    /// keeps.
    fn expire_metadata(&self, archive: &dyn Archive) -> Result<Vec<Expiry>, LifecycleError> {
        let mut done = Vec::new();
        for collector in self.store.collectors()? {
            for records in archive.list(&format!("{}/records/", collector.name))? {
                let Some((class, day)) = class_and_day(&records) else { continue };
                // Classes that the configuration does not know are nobody's to end.
                let Some(class) = self.classes.get(class) else { continue };
                let due = day.and_then(|day| class.metadata_until(day));
                if due.is_none_or(|due| due > self.now()) {
                    continue;
                }
                if let Some(expiry) = self.expire_file(archive, &records, class)? {
                    done.push(expiry);
                }
            }
            self.clear_orphans(archive, &collector.name, |class, day| {
                let until = self.classes.get(class).and_then(|class| class.metadata_until(day));
                until.is_some_and(|until| until <= self.now())
            })?;
        }
        Ok(done)
    }

    fn expire_file(
        &self,
        archive: &dyn Archive,
        records: &Name,
        class: &RetentionClass,
    ) -> Result<Option<Expiry>, LifecycleError> {
        let parts = parts_of(records)?;
        if is_locked(archive, records, self.now())? || is_locked(archive, &parts, self.now())? {
            return Ok(None);
        }
        let Some(bytes) = archive.get(records)? else { return Ok(None) };
        let (mut leaves, mut numbers, mut held) = (RangeSet::new(), RangeSet::new(), false);
        segment::each_record(Bytes::from(bytes), |leaf, envelope| {
            leaves.insert(leaf, leaf + 1);
            if let Ok(record) = Summary::from_bytes(envelope) {
                if let Some(number) = record.admission {
                    numbers.insert(number, number + 1);
                }
                let keys = record.keys.as_ref();
                held |= keys.is_some_and(|k| self.keys.hold_of(k.subject, k.period).is_some());
            }
        })?;
        if held {
            return Ok(None);
        }
        let day = class_and_day(records).and_then(|(_, day)| day).unwrap_or_default();
        let expiry = Expiry {
            class: class.name.clone(),
            files: vec![parts.to_string(), records.to_string()],
            keys: Vec::new(),
            leaves,
            numbers,
            periods: vec![day.day()],
        };
        self.record(Body::Expiry(expiry.clone()))?;
        remove_pair(archive, records)?;
        Ok(Some(expiry))
    }

    /// Removes parts whose records a crash removed alone.
    pub(crate) fn clear_orphans(
        &self,
        archive: &dyn Archive,
        collector: &str,
        due: impl Fn(&str, Timestamp) -> bool,
    ) -> Result<(), LifecycleError> {
        let prefix = format!("{collector}/records/");
        let records: HashSet<Name> = archive.list(&prefix)?.into_iter().collect();
        for parts in archive.list(&format!("{collector}/parts/"))? {
            let owner = Name::new(parts.as_str().replacen("/parts/", "/records/", 1))?;
            if let Some((class, Some(day))) = class_and_day(&owner)
                && due(class, day)
                && !records.contains(&owner)
                && !is_locked(archive, &parts, self.now())?
            {
                archive.remove(&parts)?;
            }
        }
        Ok(())
    }
}

/// The periods of a class whose content has ended, latest first: days, and the months of stores
/// that were written when a period was a month.
fn ended(class: &RetentionClass, now: Timestamp) -> Vec<String> {
    let today = now.0.div_euclid(DAY_US);
    let is_over = |day: Timestamp| class.content_until(day).is_some_and(|until| until <= now);
    let mut periods = Vec::new();
    for day in (today - BACK..=today).rev().map(|day| Timestamp(day.saturating_mul(DAY_US))) {
        if !is_over(day) {
            continue;
        }
        periods.push(day.day());
        // The last day of a month ends the month.
        if day.plus_us(DAY_US).date().2 == 1 {
            periods.push(day.month());
        }
    }
    periods
}

/// `c1/records/class=hipaa/date=2026-11-23/…` → `hipaa` and the day's beginning.
pub(crate) fn class_and_day(records: &Name) -> Option<(&str, Option<Timestamp>)> {
    let mut segments = records.as_str().split('/').skip(2);
    let class = segments.next()?.strip_prefix("class=")?;
    let day = segments.next()?.strip_prefix("date=")?;
    Some((class, day_start(day)))
}

/// Midnight of `2026-11-23`.
fn day_start(day: &str) -> Option<Timestamp> {
    let mut pieces = day.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, date) = (pieces.next()?.ok()?, pieces.next()?.ok()?, pieces.next()?.ok()?);
    // Days from 1970 by civil date (Hinnant), the inverse of `Timestamp::date`.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + date - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    let start = Timestamp(days.saturating_mul(DAY_US));
    (start.day() == day).then_some(start)
}

/// The parts file of a records file.
pub(crate) fn parts_of(records: &Name) -> Result<Name, ArchiveError> {
    Name::new(records.as_str().replacen("/records/", "/parts/", 1))
}

/// Removes a segment's files. The records first: nobody looks for parts that no record names. A
/// crash between leaves parts that the next run clears.
pub(crate) fn remove_pair(archive: &dyn Archive, records: &Name) -> Result<(), ArchiveError> {
    archive.remove(records)?;
    archive.remove(&parts_of(records)?)
}

/// Whether the storage holds an object now.
pub(crate) fn is_locked(
    archive: &dyn Archive,
    name: &Name,
    now: Timestamp,
) -> Result<bool, ArchiveError> {
    let Some(versions) = archive.versions(name.as_str())? else { return Ok(false) };
    for stored in versions.iter().filter(|stored| stored.name == *name && !stored.marker) {
        let lock = archive.lock_of(name, &stored.version)?;
        if lock.legal_hold || lock.until.is_some_and(|until| until > now) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_come_back() {
        for day in ["1970-01-01", "2000-02-29", "2026-11-23", "2027-03-01", "2100-12-31"] {
            assert_eq!(day_start(day).unwrap().day(), day);
        }
        for day in ["2026-02-30", "2026-13-01", "x", "2026-11", ""] {
            assert_eq!(day_start(day), None, "{day}");
        }
    }

    #[test]
    fn what_has_ended_has_ended() {
        let class = record::Classes::default().of("gdpr_minimal").clone();
        let now = day_start("2026-11-23").unwrap().plus_us(DAY_US / 2);
        let ended = ended(&class, now);
        // Thirty days after its last moment.
        assert_eq!(ended[0], "2026-10-23");
        assert!(ended.contains(&"2026-09".to_owned()) && !ended.contains(&"2026-10".to_owned()));
        let never = record::Classes::default().of("incident").clone();
        assert!(super::ended(&never, now).is_empty());
    }
}
