//! `-- instructions`: instructions per interaction under callgrind, which counts the same on a busy
//! machine as on an idle one. CI gates on them instead of on time.

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args as ClapArgs;

use crate::inside::Inside;
use crate::inside::traffic::Traffic;
use crate::num;

/// The figures that were committed, `name count` a line.
const COMMITTED: &str = include_str!("../instructions.txt");
/// By how much a figure may grow, in per cent; hash seeds and threads move it by about one.
const TOLERANCE: f64 = 5.0;
/// Interactions of the short and of the long run; their difference is what is counted.
const RUNS: (u64, u64) = (200, 1200);

/// Options of `instructions`.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Fail when a figure is more than 5 % over the committed one.
    #[arg(long)]
    check: bool,
}

/// Options of the run under callgrind.
#[derive(ClapArgs)]
pub(crate) struct RunArgs {
    /// Which traffic: `new` or `met`.
    #[arg(long)]
    kind: String,
    /// How many interactions.
    #[arg(long)]
    count: u64,
}

/// Counts, prints, and checks if asked to.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("valgrind is missing: apt-get install valgrind");
        return Ok(ExitCode::from(3));
    }
    let mut good = true;
    for kind in ["new", "met"] {
        let (short, long) = (count(kind, RUNS.0)?, count(kind, RUNS.1)?);
        let each = (long.saturating_sub(short)) / (RUNS.1 - RUNS.0);
        let committed = committed(kind)?;
        let change = (num::float(each) / num::float(committed.max(1)) - 1.0) * 100.0;
        println!(
            "{kind:<4} {each:>9} instructions per interaction, {change:+.1} % of the committed {committed}"
        );
        good &= change <= TOLERANCE;
    }
    if args.check && !good {
        println!(
            "more instructions than before: mend it, or commit the new figures with the reason"
        );
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

fn committed(kind: &str) -> Result<u64> {
    let line = COMMITTED.lines().find_map(|line| line.strip_prefix(kind)?.trim().parse().ok());
    line.with_context(|| format!("instructions.txt has no figure for {kind}"))
}

/// Instructions of a whole run.
fn count(kind: &str, interactions: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["instructions-run", "--kind", kind, "--count", &interactions.to_string()])
        .output()
        .context("valgrind does not run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the run under callgrind failed: {said}");
    let collected = said.lines().find_map(|line| line.split("Collected :").nth(1));
    let Some(count) = collected.and_then(|n| n.trim().parse().ok()) else {
        bail!("callgrind says no count: {said}");
    };
    Ok(count)
}

/// The run under callgrind.
pub(crate) fn inner(args: &RunArgs) -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    // Nothing is sealed by the clock, which runs differently under callgrind every time.
    let inside = Inside::start(folder.path(), Duration::from_secs(100_000))?;
    let traffic = Traffic::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for number in 0..args.count {
        let text = if args.kind == "met" { number % 10 } else { number };
        let (request, answer) = (traffic.request(text, 6000), traffic.answer(text, 2000));
        runtime.block_on(inside.call(number, &request, &answer))?;
        inside.drain();
    }
    inside.close()?;
    Ok(ExitCode::SUCCESS)
}
