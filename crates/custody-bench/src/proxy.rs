//! The command `proxy`: rounds over workloads and targets.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::child::{self, Child};
use crate::load::{Figures, Spec};
use crate::plan::Workload;
use crate::stats::Spread;
use crate::targets::{Lab, Recorded, Target, build_custody, find_nginx};
use crate::{cpu, report};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Two short rounds of the most telling workloads.
    #[arg(long)]
    quick: bool,
    /// How often everything is measured; five unless `--quick`.
    #[arg(long)]
    rounds: Option<u32>,
    /// Length of one measurement.
    #[arg(long)]
    seconds: Option<f64>,
    /// Only this workload; may be repeated.
    #[arg(long, value_enum)]
    workload: Vec<Workload>,
    /// Only this target; may be repeated.
    #[arg(long, value_enum)]
    target: Vec<Target>,
    /// Custody's binary; built from this workspace by default.
    #[arg(long, value_name = "PATH")]
    custody: Option<PathBuf>,
    /// Write all figures of all rounds to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The proxy's core.
    #[arg(long, default_value_t = 0)]
    proxy_core: usize,
    /// The core of load generator and upstream.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
}

/// nginx is missing.
const NO_NGINX: u8 = 3;

/// Everything that was measured.
#[derive(Default, Serialize)]
pub(crate) struct Runs(Vec<Run>);

/// One target under one load in one round.
#[derive(Serialize)]
pub(crate) struct Run {
    /// Counted from one.
    pub(crate) round: u32,
    /// The load.
    pub(crate) workload: Workload,
    /// The target.
    pub(crate) target: Target,
    /// What was measured.
    pub(crate) figures: Figures,
    /// What Custody says of its log.
    pub(crate) recorded: Option<Recorded>,
}

/// Measures and reports. Fails when an answer was wrong or a target did not run; a goal that is
/// missed is a finding, not a failure.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workloads = match (args.workload.as_slice(), args.quick) {
        ([], false) => Workload::all(),
        ([], true) => &Workload::QUICK,
        (chosen, _) => chosen,
    };
    let targets = if args.target.is_empty() { Target::all() } else { &args.target };
    let rounds = args.rounds.unwrap_or(if args.quick { 2 } else { 5 });
    let seconds = args.seconds.unwrap_or(if args.quick { 1.5 } else { 4.0 });
    ensure!(args.proxy_core != args.load_core, "proxy and load need a core each");
    let Some(nginx) = find_nginx().or((!targets.contains(&Target::Nginx)).then(PathBuf::new))
    else {
        println!("nginx is the yardstick and is not installed: apt-get install nginx-light");
        return Ok(ExitCode::from(NO_NGINX));
    };
    let custody = match &args.custody {
        Some(path) => path.clone(),
        None if targets.iter().any(|target| target.is_custody()) => build_custody()?,
        None => PathBuf::new(),
    };
    let _alone = wait_for_others()?;
    let (upstream, port) = start_upstream(args.load_core)?;
    // Beside this program: build directories are on a disk, temporary ones often in memory.
    let scratch = std::env::current_exe()?.parent().context("a program in no directory")?.into();
    let lab = Lab { upstream: port, core: args.proxy_core, scratch, nginx, custody };
    lab.sweep()?;
    let session = Session { lab, upstream, load_core: args.load_core, seconds };

    let mut runs = Runs::default();
    let (began, mut failed) = (Instant::now(), false);
    for round in 1..=rounds {
        for &workload in workloads {
            for &target in targets {
                report::progress(began.elapsed(), round, rounds, workload, target);
                // One target that fails must not cost the figures of all others.
                match session.measure(round, workload, target) {
                    Ok(run) => runs.0.push(run),
                    Err(error) => {
                        println!("         FAILED: {error:#}");
                        failed = true;
                    }
                }
            }
        }
    }
    if let Some(path) = &args.json {
        let mut file = File::create(path).with_context(|| path.display().to_string())?;
        serde_json::to_writer_pretty(&mut file, &runs)?;
        writeln!(file)?;
    }
    let right = report::print(&runs, workloads, targets);
    Ok(if right && !failed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Two runs at a time would measure each other; the lock ends with the file.
fn wait_for_others() -> Result<File> {
    let path = std::env::temp_dir().join("custody-bench.lock");
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        println!("waiting for another run to end ({})", path.display());
        file.lock()?;
    }
    Ok(file)
}

struct Session {
    lab: Lab,
    upstream: Child,
    load_core: usize,
    seconds: f64,
}

impl Session {
    fn measure(&self, round: u32, workload: Workload, target: Target) -> Result<Run> {
        let running = self.lab.start(target, workload.streams())?;
        let pids = match &running.child {
            Some(child) => cpu::family(child.pid())?,
            None => Vec::new(),
        };
        // The latency workload costs the target next to nothing: its CPU needs more ticks.
        let stretch = if workload == Workload::Latency { 2.0 } else { 1.0 };
        let spec = Spec {
            addr: running.addr,
            path: running.path.to_owned(),
            workload,
            // The same requests for all targets of a round.
            seed: round.into(),
            seconds: self.seconds * stretch,
            quiet: target.quiet(),
            pids,
            upstream: self.upstream.pid(),
            core: self.load_core,
            target_core: self.lab.core,
        };
        let figures = generate(&spec)?;
        let recorded = running.finish(figures.sent)?;
        Ok(Run { round, workload, target, figures, recorded })
    }
}

/// Runs the load generator to its end.
fn generate(spec: &Spec) -> Result<Figures> {
    let mut command = child::own("load");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child::spawn(&mut command)?;
    let pipes = child.pipes();
    let stdin = pipes.stdin.take().context("no pipe to the load generator")?;
    serde_json::to_writer(stdin, spec)?;
    let stdout = pipes.stdout.take().context("no pipe from the load generator")?;
    let figures = serde_json::from_reader(stdout).context("the load generator failed")?;
    ensure!(pipes.wait()?.success(), "the load generator failed");
    Ok(figures)
}

fn start_upstream(core: usize) -> Result<(Child, SocketAddr)> {
    let mut command = child::own("upstream");
    command.arg("--core").arg(core.to_string()).stdout(Stdio::piped());
    let mut child = Child::spawn(&mut command)?;
    let stdout = child.pipes().stdout.take().context("no pipe from the upstream")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let port: u16 = line.trim().parse().context("the upstream did not start")?;
    Ok((child, (Ipv4Addr::LOCALHOST, port).into()))
}

impl Runs {
    /// The runs of a target under a load, by round.
    pub(crate) fn of(&self, workload: Workload, target: Target) -> impl Iterator<Item = &Run> {
        self.0.iter().filter(move |run| run.workload == workload && run.target == target)
    }

    /// A figure over the rounds.
    pub(crate) fn spread(
        &self,
        workload: Workload,
        target: Target,
        figure: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<Spread> {
        Spread::of(self.of(workload, target).filter_map(|run| figure(&run.figures)))
    }

    /// A comparison with another target in the same round, over the rounds.
    pub(crate) fn paired(
        &self,
        workload: Workload,
        target: Target,
        other: Target,
        figure: impl Fn(&Figures, &Figures) -> Option<f64>,
    ) -> Option<Spread> {
        Spread::of(self.of(workload, target).filter_map(|own| {
            let mut others = self.of(workload, other);
            let other = others.find(|other| other.round == own.round)?;
            figure(&own.figures, &other.figures)
        }))
    }

    /// A count summed over the rounds.
    pub(crate) fn total(
        &self,
        workload: Workload,
        target: Target,
        count: impl Fn(&Figures) -> u64,
    ) -> u64 {
        self.of(workload, target).map(|run| count(&run.figures)).sum()
    }

    /// Errors by kind, summed over the rounds.
    pub(crate) fn errors(&self, workload: Workload, target: Target) -> Vec<(String, u64)> {
        let mut sums = std::collections::BTreeMap::<String, u64>::new();
        for (kind, count) in self.of(workload, target).flat_map(|run| &run.figures.errors) {
            *sums.entry(kind.clone()).or_default() += count;
        }
        sums.into_iter().collect()
    }
}
