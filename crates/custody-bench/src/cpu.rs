//! What the kernel says about processes: CPU time and memory from `/proc`.

use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::num;

/// One process as the kernel counts it.
struct Stat {
    parent: u32,
    zombie: bool,
    /// User and system time of all its threads, ended ones included, in clock ticks.
    ticks: u64,
}

/// Memory of a set of processes, in MiB.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: f64,
    /// Resident at most, each process at its own moment.
    pub(crate) peak: f64,
}

/// CPU microseconds that these processes have used so far. The kernel reports in ticks, 10 ms as a
/// rule; windows must be long enough for that.
pub(crate) fn used_micros(pids: &[u32]) -> u64 {
    let ticks: u64 = pids.iter().filter_map(|&pid| stat(pid).ok()).map(|s| s.ticks).sum();
    ticks * tick_micros()
}

/// CPU microseconds that a core has worked so far, for whomever.
pub(crate) fn core_micros(core: usize) -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    worked(&text, core).unwrap_or(0) * tick_micros()
}

/// All time of a core but `idle` and `iowait`; guests are counted in `user` already.
fn worked(text: &str, core: usize) -> Option<u64> {
    let name = format!("cpu{core} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name))?;
    let fields = line.split_whitespace().take(8).enumerate();
    Some(
        fields
            .filter(|(n, _)| !(3..5).contains(n))
            .filter_map(|(_, f)| f.parse::<u64>().ok())
            .sum(),
    )
}

/// One clock tick in microseconds.
pub(crate) fn tick_micros() -> u64 {
    1_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

/// Whether a process has ended, though nobody has waited for it yet.
pub(crate) fn ended(pid: u32) -> bool {
    stat(pid).map_or(true, |s| s.zombie)
}

/// A process and its descendants.
pub(crate) fn family(root: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.parse().ok()) else { continue };
        // It may have ended since the directory was read.
        if let Ok(stat) = stat(pid) {
            parents.push((pid, stat.parent));
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    Ok(family)
}

/// Memory of these processes, summed.
pub(crate) fn memory(pids: &[u32]) -> Memory {
    let mut sum = Memory::default();
    for pid in pids {
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        sum.resident += mib(&status, "VmRSS:");
        sum.peak += mib(&status, "VmHWM:");
    }
    sum
}

fn mib(status: &str, field: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    let kib = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    num::float(kib) / 1024.0
}

fn stat(pid: u32) -> Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse(&text).with_context(|| format!("/proc/{pid}/stat: {text}"))
}

/// The name of the program stands in brackets and may itself hold brackets and spaces.
fn parse(text: &str) -> Option<Stat> {
    let mut fields = text.get(text.rfind(')')? + 2..)?.split(' ');
    let zombie = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    let mut times = fields.skip(9);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Stat { parent, zombie, ticks: user + system })
}

#[cfg(test)]
mod tests {
    use super::{family, parse, used_micros, worked};

    #[test]
    fn stat_with_a_strange_name() {
        let text = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 1 0 1 2 3";
        let stat = parse(text).unwrap();
        assert_eq!((stat.parent, stat.zombie, stat.ticks), (7, false, 200));
    }

    #[test]
    fn work_of_a_core() {
        let text =
            "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 4 900 900 8 16 32 64 0\ncpu1 5 0 0 0 0 0 0 0 0 0\n";
        assert_eq!((worked(text, 0), worked(text, 1), worked(text, 2)), (Some(63), Some(5), None));
    }

    #[test]
    fn own_family() {
        let own = std::process::id();
        assert!(family(own).unwrap().contains(&own));
        assert_eq!(used_micros(&[u32::MAX]), 0);
    }
}
