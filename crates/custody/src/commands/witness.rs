//! `custody witness serve`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anchor::{Witness, WitnessError, serve};
use anyhow::{Context as _, anyhow};
use ledger::SystemClock;
use tlog::VerifyingKey;

use super::serve::{StopSignal, start_log};
use crate::cli::{WitnessArgs, WitnessCommand};
use crate::output::{self, DIM, HEAD, NAME, paint};
use crate::{Failure, Outcome};

pub(crate) fn run(args: &WitnessArgs) -> Result<Outcome, Failure> {
    let WitnessCommand::Serve { listen, state, name, log } = &args.command;
    let logs = logs(log).map_err(Failure::Usage)?;
    start_log();
    let stop = StopSignal::install()?;
    let witness = Witness::open(state, name.as_deref(), logs, Arc::new(SystemClock));
    let witness = Arc::new(witness.map_err(|error| match error {
        WitnessError::Usage(_) => Failure::Usage(error.into()),
        _ => Failure::Run(error.into()),
    })?);
    answer(&witness, *listen, state, stop)
}

fn answer(
    witness: &Arc<Witness>,
    listen: SocketAddr,
    state: &Path,
    stop: StopSignal,
) -> Result<Outcome, Failure> {
    let (ready, started) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let answering = Arc::clone(witness);
    let failed = ready.clone();
    let thread = std::thread::Builder::new().name("witness".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(failed.send(Err(anyhow!(error)))),
        };
        let at = move |address| drop(ready.send(Ok(address)));
        let served = runtime.block_on(serve(answering, listen, at, async { drop(ended.await) }));
        if let Err(error) = served {
            drop(failed.send(Err(error.into())));
        }
    })?;
    let address: SocketAddr = started.recv().context("the witness did not start")??;
    let place = state.display().to_string();
    output::line(format!("{} keeps its state in {}", paint(HEAD, "witness"), paint(NAME, place)))?;
    output::line(format!(
        "  url    {}   {}",
        paint(NAME, format!("http://{address}")),
        paint(DIM, "answers POST /add-checkpoint")
    ))?;
    for (origin, size) in witness.logs() {
        output::line(format!("  log    {origin} {}", paint(DIM, format!("seen up to {size}"))))?;
    }
    output::line(format!("  key    {}", witness.key()))?;
    stop.wait();
    let _gone = end.send(());
    if thread.join().is_err() {
        return Err(Failure::Run(anyhow!("the witness panicked")));
    }
    Ok(Outcome::Done)
}

/// Keys, and files with one key a line; empty lines and lines with `#` are passed over.
fn logs(given: &[String]) -> anyhow::Result<Vec<VerifyingKey>> {
    let mut logs = Vec::new();
    for given in given {
        let text = match std::fs::read_to_string(given) {
            Ok(text) => text,
            Err(_) => given.clone(),
        };
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let key = line.parse();
            logs.push(key.with_context(|| {
                format!("--log {given:?} is neither a key nor a file with a key a line")
            })?);
        }
    }
    Ok(logs)
}
