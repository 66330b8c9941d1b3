//! `custody serve`.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::ServeArgs;
use crate::output::{self, DIM, HEAD, NAME, paint};
use crate::recorder::Recorder;
use crate::{Failure, Outcome, config};

pub(crate) fn run(args: &ServeArgs) -> Result<Outcome, Failure> {
    // Before the configuration is read, which may have something to say.
    start_log();
    let mut config = config::load(args.config.as_deref())?;
    if let Some(data) = &args.data {
        config.data.clone_from(data);
    }
    let stop = StopSignal::install()?;
    raise_descriptor_limit();
    let discards = config.capture.sink == "discard";
    let mode = config.proxy.mode.clone();
    let data = config.data.display().to_string();
    let recorder = Recorder::start(config)?;
    output::line(format!("{} records in {} ({mode})", paint(HEAD, "custody"), paint(NAME, &data)))?;
    output::line(format!(
        "  proxy  {}   {}",
        paint(NAME, format!("http://{}", recorder.proxy_address)),
        paint(DIM, "point a client's base URL here: /openai/v1, /anthropic, …")
    ))?;
    output::line(format!("  api    {}", paint(NAME, format!("http://{}", recorder.api_address))))?;
    output::line(format!("  key    {}", recorder.key))?;
    if discards {
        tracing::warn!("[capture] sink = \"discard\": nothing is recorded");
    }
    stop.wait();
    tracing::info!("stopping: calls that are going on are waited for");
    recorder.stop()?;
    Ok(Outcome::Done)
}

/// The program's own messages, on standard error. `CUSTODY_LOG` sets the level.
pub(crate) fn start_log() {
    log_at("info");
}

fn log_at(level: &str) {
    // Of an outage we speak ourselves, once; the client would speak of each attempt.
    let ours = || EnvFilter::new(format!("{level},object_store=warn"));
    let filter = EnvFilter::try_from_env("CUSTODY_LOG").unwrap_or_else(|_| ours());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        output::remark("messages go where they went before");
    }
}

/// Warnings only: the demo speaks for itself.
pub(crate) fn start_quiet_log() {
    log_at("warn");
}

/// Every call in flight takes three descriptors, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files cannot be raised");
    }
}

/// SIGINT and SIGTERM, taken from the moment that this is made: one that comes while the recorder
/// starts ends it cleanly too.
pub(crate) struct StopSignal {
    runtime: tokio::runtime::Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    pub(crate) fn install() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
        drop(entered);
        Ok(Self { runtime, terminate, interrupt })
    }

    /// Waits for either.
    pub(crate) fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        });
    }
}
