//! Child processes: pinned to a core, and never left behind.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getrlimit, kill_process, set_parent_process_death_signal,
    setpriority_process, setrlimit, setsid,
};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::cpu;

/// A program to run in place of this one.
#[derive(clap::Args)]
pub(crate) struct PinnedArgs {
    /// The core to run on.
    #[arg(long)]
    core: usize,
    /// The program and its arguments.
    #[arg(required = true, last = true)]
    program: Vec<OsString>,
}

/// Settles this process on a core and becomes another program. Threads inherit the core, which is
/// why it is done before the program starts; doing it between fork and exec would be `unsafe`.
pub(crate) fn become_pinned(args: &PinnedArgs) -> Result<()> {
    settle(args.core)?;
    let (program, rest) = args.program.split_first().context("no program")?;
    let error = Command::new(program).args(rest).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

/// Ahead of whatever else runs on the machine, where the user may do that; what is not kept out
/// shows as "others" in the report.
const PRIORITY: i32 = -15;

/// Binds this process to a core, to the life of its parent, and lifts its limit of open files:
/// a thousand streams need two thousand connections in a proxy.
pub(crate) fn settle(core: usize) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    bind(core)?;
    prefer();
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(())
}

/// Binds this thread, and all that come of it, to a core.
pub(crate) fn bind(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("cannot run on core {core}"))
}

/// Tries to go ahead of other programs. Where the kernel groups processes by session for fairness,
/// a priority counts within the session only; so each child gets a session of its own, and the
/// session gets the priority too.
fn prefer() {
    let _already_leader = setsid();
    let _unprivileged = setpriority_process(None, PRIORITY);
    let group = OpenOptions::new().write(true).open("/proc/self/autogroup");
    let _unprivileged =
        group.and_then(|mut group| group.write_all(PRIORITY.to_string().as_bytes()));
}

/// This program with a hidden subcommand. Not by its path: a build may replace the file while a
/// long run is under way.
pub(crate) fn own(subcommand: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(subcommand);
    command
}

/// `program` on a core.
pub(crate) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = own("pinned");
    command.arg("--core").arg(core.to_string()).arg("--").arg(program);
    command.stdin(Stdio::null());
    command
}

/// A running child; ended when dropped.
pub(crate) struct Child(std::process::Child);

impl Child {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let program = command.get_program().display().to_string();
        Ok(Self(command.spawn().with_context(|| format!("cannot start {program}"))?))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Its pipes.
    pub(crate) fn pipes(&mut self) -> &mut std::process::Child {
        &mut self.0
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&self) -> bool {
        cpu::ended(self.pid())
    }

    /// Asks it to end, and returns the CPU microseconds of its whole life: the kernel keeps them
    /// until somebody waits.
    pub(crate) fn stop(mut self) -> Result<u64> {
        self.signal(Signal::TERM);
        let patience = Instant::now() + Duration::from_mins(1);
        while !self.ended() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(2));
        }
        let used = cpu::used_micros(&[self.pid()]);
        anyhow::ensure!(self.ended(), "process {} does not end", self.pid());
        self.0.wait()?;
        Ok(used)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            // It may be gone already.
            let _gone = kill_process(pid, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let patience = Instant::now() + Duration::from_secs(2);
            while !self.ended() && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(2));
            }
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }
}
