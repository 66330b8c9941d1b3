//! Hot to cold: the segments of a class and day become one, compressed with patience and locked for
//! the whole time, in the cold archive.
//!
//! ```text
//! read hot ─► put cold, parts first ─► read back ─► record ─► hot goes when its lock ends
//! ```
//!
//! A crash anywhere leaves hot files that the next run finds again; the cold file has a name of
//! what it holds, so it is made once. A hot lock that would end before its file is cold is made
//! longer first: there is never a moment without a lock.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Archive, Lock, Name, durable};
use bytes::Bytes;
use ledger::HOT_MARGIN_DAYS;
use record::envelope::{SegmentFile, Summary, Tier};
use record::{Body, Digest, LOG, Pid, Timestamp};
use segment::{PartsWriter, RecordsWriter};

use crate::expire::{class_and_day, is_locked, parts_of, remove_pair};
use crate::{Lifecycle, LifecycleError};

const DAY_US: i64 = 86_400_000_000;
/// Bytes of hot files that become one cold one, at most.
const GROUP: u64 = 256 << 20;
/// A hot lock is made longer when it has fewer days left than this, and by as many.
const SLACK_DAYS: i64 = 15;
const COLD: &str = ".cold.parquet";
const HOT: &str = ".parquet";

/// Hot records files that become one cold file.
struct Group {
    hot: Vec<Name>,
    class: String,
    day: Timestamp,
}

impl Lifecycle {
    /// Moves what is due. Gives what was recorded.
    ///
    /// What is cold and recorded stands in a file of our own, so that nothing is read again while
    /// it waits for its hot lock to end. Without that file everything is looked at once more.
    pub fn tier(&self) -> Result<Vec<Tier>, LifecycleError> {
        let Some(cold) = self.cold.as_deref() else { return Ok(Vec::new()) };
        let mut recorded = self.recorded()?;
        let mut done = Vec::new();
        for collector in self.store.collectors()? {
            let there = cold.list(&format!("{}/records/", collector.name))?;
            for ((class, day), hot) in self.due(&collector.name)? {
                let mut rest = Vec::new();
                let mut covered: BTreeMap<&Name, Vec<Name>> = BTreeMap::new();
                for name in hot {
                    match there.iter().find(|cold| covers(cold, &name)) {
                        Some(cold) => covered.entry(cold).or_default().push(name),
                        None => rest.push(name),
                    }
                }
                for (name, hot) in covered {
                    let group = Group { hot, class: class.clone(), day };
                    if recorded.contains(name.as_str()) {
                        self.drop_hot(cold, name, &group)?;
                    } else if holds(cold, name, self.archive.as_ref(), &group)? {
                        // A crash came before its record.
                        done.push(self.tell(cold, name, &group)?);
                        self.remember(&mut recorded, name)?;
                    } else {
                        rest.extend(group.hot);
                    }
                }
                for group in self.groups(class, day, rest)? {
                    let name = cold_name(&group)?;
                    let moved = self.move_group(cold, &name, &group);
                    if moved.is_err() {
                        self.keep_locked(&group)?;
                    }
                    moved?;
                    done.push(self.tell(cold, &name, &group)?);
                    self.remember(&mut recorded, &name)?;
                    self.drop_hot(cold, &name, &group)?;
                }
            }
            self.clear_orphans(self.archive.as_ref(), &collector.name, |class, day| {
                self.hot_until(class, day) <= self.now()
            })?;
        }
        Ok(done)
    }

    fn recorded(&self) -> Result<BTreeSet<String>, LifecycleError> {
        match std::fs::read(&self.tiers) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(source) => {
                Err(LifecycleError::Disk { action: "read", path: self.tiers.clone(), source })
            }
        }
    }

    fn remember(&self, recorded: &mut BTreeSet<String>, name: &Name) -> Result<(), LifecycleError> {
        recorded.insert(name.to_string());
        let failed =
            |source| LifecycleError::Disk { action: "write", path: self.tiers.clone(), source };
        let bytes = serde_json::to_vec(recorded).map_err(|error| failed(error.into()))?;
        durable::replace(&self.tiers, &bytes, 0o600).map_err(failed)
    }

    /// Hot records files whose hot time is over, by class and day, ascending.
    fn due(
        &self,
        collector: &str,
    ) -> Result<BTreeMap<(String, Timestamp), Vec<Name>>, LifecycleError> {
        let mut days: BTreeMap<(String, Timestamp), Vec<Name>> = BTreeMap::new();
        for name in self.archive.list(&format!("{collector}/records/"))? {
            if name.as_str().ends_with(COLD) {
                continue;
            }
            if let Some((class, Some(day))) = class_and_day(&name)
                && self.hot_until(class, day) <= self.now()
            {
                days.entry((class.to_owned(), day)).or_default().push(name);
            }
        }
        Ok(days)
    }

    /// Files that become one, by size.
    fn groups(
        &self,
        class: String,
        day: Timestamp,
        mut names: Vec<Name>,
    ) -> Result<Vec<Group>, LifecycleError> {
        names.sort();
        let mut groups = Vec::new();
        let mut hot = Vec::new();
        let mut bytes = 0;
        for name in names {
            let mut size = self.archive.sum(&name)?.map_or(0, |sum| sum.bytes);
            size += self.archive.sum(&parts_of(&name)?)?.map_or(0, |sum| sum.bytes);
            if !hot.is_empty() && bytes + size > GROUP {
                groups.push(Group { hot: std::mem::take(&mut hot), class: class.clone(), day });
                bytes = 0;
            }
            bytes += size;
            hot.push(name);
        }
        if !hot.is_empty() {
            groups.push(Group { hot, class, day });
        }
        Ok(groups)
    }

    fn hot_until(&self, class: &str, day: Timestamp) -> Timestamp {
        let class = if class == LOG { self.classes.of("") } else { self.classes.of(class) };
        class.hot_until(day.plus_us(DAY_US))
    }

    fn lock(&self, group: &Group) -> Lock {
        let days = if group.class == LOG {
            self.classes.longest_lock()
        } else {
            self.classes.of(&group.class).lock
        };
        let end_of_day = group.day.plus_us(DAY_US);
        let until = end_of_day.plus_us(i64::from(days).saturating_mul(DAY_US));
        Lock { until: (days > 0 && until > self.now()).then_some(until), cold: true }
    }

    /// When the locks that a recorder gave a hot group end.
    fn hot_lock_end(&self, group: &Group) -> Timestamp {
        let class = self.classes.of(&group.class);
        let days = if group.class == LOG {
            self.classes.longest_lock()
        } else {
            class.lock.min(class.hot.saturating_add(HOT_MARGIN_DAYS))
        };
        group.day.plus_us((i64::from(days) + 1).saturating_mul(DAY_US))
    }

    /// Puts a group's rows into the cold tier and reads them back.
    fn move_group(
        &self,
        cold: &dyn Archive,
        name: &Name,
        group: &Group,
    ) -> Result<(), LifecycleError> {
        let lock = self.lock(group);
        let mut parts: BTreeMap<Pid, Vec<u8>> = BTreeMap::new();
        let (mut expected, mut expected_parts) = (BTreeMap::new(), BTreeMap::new());
        let mut writer = RecordsWriter::cold(cold.stage()?)?;
        let mut failed = None;
        for hot in &group.hot {
            let Some(bytes) = self.archive.get(hot)? else { continue };
            segment::each_record(Bytes::from(bytes), |leaf, envelope| {
                let pushed = Summary::from_bytes(envelope).map_err(|error| error.to_string());
                let pushed = pushed.and_then(|record| {
                    writer.push(leaf, &record, envelope).map_err(|error| error.to_string())
                });
                if let Err(error) = pushed {
                    failed.get_or_insert(format!("record {leaf} of {hot}: {error}"));
                }
                expected.insert(leaf, Digest::of(envelope));
            })?;
            if let Some(bytes) = self.archive.get(&parts_of(hot)?)? {
                segment::each_part(Bytes::from(bytes), |pid, sealed| {
                    parts.entry(pid).or_insert_with(|| sealed.to_vec());
                    expected_parts.insert(pid, Digest::of(sealed));
                })?;
            }
        }
        if let Some(failed) = failed {
            return Err(LifecycleError::Question(failed));
        }
        let records = writer.finish()?;
        // The parts first: a cold records file is what says that a group is there.
        if !parts.is_empty() {
            let mut writer = PartsWriter::new(cold.stage()?, parts.len())?;
            for (pid, sealed) in &parts {
                writer.push(pid, sealed)?;
            }
            writer.finish()?.put(&parts_of(name)?, lock)?;
        }
        records.put(name, lock)?;

        // Read back, row by row: what goes is only what is there again.
        let same =
            rows(cold, name)? == expected && part_rows(cold, &parts_of(name)?)? == expected_parts;
        if same {
            return Ok(());
        }
        Err(LifecycleError::Question(format!(
            "{name} in {} does not hold what was put; nothing was removed",
            cold.location()
        )))
    }

    /// Records a move.
    fn tell(&self, cold: &dyn Archive, name: &Name, group: &Group) -> Result<Tier, LifecycleError> {
        let mut files = Vec::new();
        for name in [name.clone(), parts_of(name)?] {
            if let Some(sum) = cold.sum(&name)? {
                let versions = cold.versions(name.as_str())?.unwrap_or_default();
                let first = versions.into_iter().find(|v| v.name == name && !v.marker);
                files.push(SegmentFile {
                    bytes: sum.bytes,
                    crc32: sum.crc32,
                    locked_until: self.lock(group).until.filter(|_| cold.locks()),
                    name: name.to_string(),
                    sha256: Digest(sum.sha256),
                    version: first.map(|stored| stored.version.0),
                });
            }
        }
        let tier = Tier {
            archive: cold.location(),
            class: group.class.clone(),
            day: group.day.day(),
            files,
            from: from(group)?,
            records: u64::try_from(rows(cold, name)?.len()).unwrap_or(u64::MAX),
        };
        self.record(Body::Tier(tier.clone()))?;
        Ok(tier)
    }

    /// Removes hot files whose own lock has ended, when the cold tier holds them still.
    fn drop_hot(
        &self,
        cold: &dyn Archive,
        name: &Name,
        group: &Group,
    ) -> Result<(), LifecycleError> {
        let now = self.now();
        if now < self.hot_lock_end(group) {
            return Ok(());
        }
        if !holds(cold, name, self.archive.as_ref(), group)? {
            return Err(LifecycleError::Question(format!(
                "{name} in {} no longer holds what was moved there; the hot files stay",
                cold.location()
            )));
        }
        for hot in &group.hot {
            let parts = parts_of(hot)?;
            if !is_locked(self.archive.as_ref(), hot, now)?
                && !is_locked(self.archive.as_ref(), &parts, now)?
            {
                remove_pair(self.archive.as_ref(), hot)?;
            }
        }
        Ok(())
    }

    /// Makes locks longer that would end before the cold tier is there.
    fn keep_locked(&self, group: &Group) -> Result<(), LifecycleError> {
        let soon = self.now().plus_us(SLACK_DAYS * DAY_US);
        for hot in &group.hot {
            for name in [hot.clone(), parts_of(hot)?] {
                if !is_locked(self.archive.as_ref(), &name, soon)? {
                    let until = soon.plus_us(SLACK_DAYS * DAY_US);
                    self.archive.extend_lock(&name, Lock::until(until))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a cold file holds all rows of a group's hot files.
fn holds(
    cold: &dyn Archive,
    name: &Name,
    hot: &dyn Archive,
    group: &Group,
) -> Result<bool, LifecycleError> {
    let there = rows(cold, name)?;
    let there_parts = part_rows(cold, &parts_of(name)?)?;
    for file in &group.hot {
        let records = rows(hot, file)?;
        let parts = part_rows(hot, &parts_of(file)?)?;
        let whole = records.iter().all(|(leaf, digest)| there.get(leaf) == Some(digest))
            && parts.iter().all(|(pid, digest)| there_parts.get(pid) == Some(digest));
        if !whole {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a cold file is of the folder of a hot one, and its range holds that one's.
fn covers(cold: &Name, hot: &Name) -> bool {
    let folder = |name: &Name| Some(name.as_str().rsplit_once('/')?.0.to_owned());
    let inside = match (range(cold, COLD), range(hot, HOT)) {
        (Some(cold), Some(hot)) => cold.0 <= hot.0 && hot.1 <= cold.1,
        _ => false,
    };
    inside && folder(cold) == folder(hot)
}

/// `<first>-<last>.cold.parquet`, of the first and the last hot file.
fn cold_name(group: &Group) -> Result<Name, LifecycleError> {
    let (Some(first), Some(last)) = (group.hot.first(), group.hot.last()) else {
        return Err(LifecycleError::Question("a group without files".to_owned()));
    };
    let stem = |name: &Name| {
        let file = name.as_str().rsplit('/').next().unwrap_or_default();
        file.trim_end_matches(".parquet").to_owned()
    };
    let (first_stem, last_stem) = (stem(first), stem(last));
    let start = first_stem.split('-').next().unwrap_or_default();
    let end = last_stem.split('-').next_back().unwrap_or_default();
    let folder = first.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    Ok(Name::new(format!("{folder}/{start}-{end}{COLD}"))?)
}

/// First and last index of a file, from its name.
fn range(name: &Name, ending: &str) -> Option<(u64, u64)> {
    let file = name.as_str().rsplit('/').next()?;
    let (first, last) = file.strip_suffix(ending)?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn from(group: &Group) -> Result<Vec<String>, LifecycleError> {
    let mut names = Vec::new();
    for hot in &group.hot {
        names.push(hot.to_string());
        names.push(parts_of(hot)?.to_string());
    }
    Ok(names)
}

/// The digest of each row of a records file; none when there is no such file.
fn rows(archive: &dyn Archive, name: &Name) -> Result<BTreeMap<u64, Digest>, LifecycleError> {
    let mut rows = BTreeMap::new();
    if let Some(bytes) = archive.get(name)? {
        segment::each_record(Bytes::from(bytes), |leaf, envelope| {
            rows.insert(leaf, Digest::of(envelope));
        })?;
    }
    Ok(rows)
}

/// The same of a parts file.
fn part_rows(archive: &dyn Archive, name: &Name) -> Result<BTreeMap<Pid, Digest>, LifecycleError> {
    let mut rows = BTreeMap::new();
    if let Some(bytes) = archive.get(name)? {
        segment::each_part(Bytes::from(bytes), |pid, sealed| {
            rows.insert(pid, Digest::of(sealed));
        })?;
    }
    Ok(rows)
}
