//! `-- ledger`: how many interactions a core records, and how fast they are verified, beside the
//! speed of SHA-256 on the same core.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args as ClapArgs;
use sha2::{Digest as _, Sha256};

use crate::inside::traffic::Traffic;
use crate::inside::{self, Inside};
use crate::{cpu, num};

/// What is recorded by one core, at least, of 4 KB interactions.
const RECORDED_GOAL: f64 = 10_000.0;
/// What `verify` reaches of SHA-256's own speed, at least.
const VERIFY_GOAL: f64 = 0.6;
/// Bytes that may wait before the bench lets the recorder catch up.
const BACKLOG: u64 = 1 << 20;

/// Options of `ledger`.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Interactions to record.
    #[arg(long, default_value_t = 100_000)]
    interactions: u64,
    /// Bytes of each: three quarters request, one quarter answer.
    #[arg(long, default_value_t = 4096)]
    size: usize,
}

/// Records, seals and verifies.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("custody-bench").tempdir_in(".")?;
    let sha = sha256_speed();
    println!("SHA-256 on this core: {sha:.0} MB/s");

    let traffic = Traffic::new();
    let inside = Inside::start(folder.path(), Duration::from_secs(1))?;
    let (request, answer) = (args.size * 3 / 4, args.size / 4);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let me = [std::process::id()];
    // What making the traffic costs is taken off.
    let before = cpu::used_micros(&me);
    for number in 0..args.interactions {
        std::hint::black_box((traffic.request(number, request), traffic.answer(number, answer)));
    }
    let making = cpu::used_micros(&me) - before;
    let (before, started) = (cpu::used_micros(&me), Instant::now());
    for number in 0..args.interactions {
        let (request, answer) = (traffic.request(number, request), traffic.answer(number, answer));
        runtime.block_on(inside.call(number, &request, &answer))?;
        if inside.backlog() > BACKLOG {
            inside.drain();
        }
    }
    let data = inside.close()?;
    let used = (cpu::used_micros(&me) - before).saturating_sub(making).max(1);
    let per_core = num::float(args.interactions) * 1e6 / num::float(used);
    println!(
        "record, mask, seal, append, sequence, segments: {} interactions of {} bytes in {:.1} s, \
         {:.1} us of CPU each: {per_core:.0} a second and core {}",
        args.interactions,
        args.size,
        started.elapsed().as_secs_f64(),
        num::float(used) / num::float(args.interactions),
        judged(per_core >= RECORDED_GOAL, "10,000"),
    );

    let store = inside::open(&data)?;
    let before = cpu::used_micros(&me);
    let report = query::verify(&store, &BTreeMap::new(), None, &mut |_, _, _| {})?;
    let used = (cpu::used_micros(&me) - before).max(1);
    ensure!(report.ok, "the bench's own log does not verify: {report:?}");
    let bytes: u64 = report.collectors.iter().map(|collector| collector.bytes).sum();
    let speed = num::float(bytes) / num::float(used);
    println!(
        "verify: {:.0} MB at {speed:.0} MB/s = {:.2} x SHA-256 {}",
        num::float(bytes) / 1e6,
        speed / sha,
        judged(speed / sha >= VERIFY_GOAL, "0.6 x"),
    );
    Ok(ExitCode::SUCCESS)
}

fn judged(met: bool, goal: &str) -> String {
    format!("(goal {goal}: {})", if met { "met" } else { "MISSED" })
}

/// MB/s over 4 KB blocks, by CPU time of this process.
fn sha256_speed() -> f64 {
    let block = vec![7_u8; 4096];
    let me = [std::process::id()];
    let before = cpu::used_micros(&me);
    let mut bytes = 0_u64;
    while cpu::used_micros(&me) - before < 500_000 {
        for _ in 0..1000 {
            std::hint::black_box(Sha256::digest(std::hint::black_box(&block)));
        }
        bytes += 4096 * 1000;
    }
    num::float(bytes) / num::float(cpu::used_micros(&me) - before)
}
