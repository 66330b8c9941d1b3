//! Custody: a flight recorder for AI.
//!
//! The binary: flags, configuration, wiring. `recorder.rs` wires the write half, `place.rs` the
//! read half; every command is a file under `commands/`.

mod access_log;
mod anchoring;
mod aws;
mod checked;
mod cli;
mod commands;
mod config;
mod demo;
mod faces;
mod health;
mod http;
mod keeper;
mod output;
mod own_importer;
mod own_keeper;
mod place;
mod recorder;
mod signing;
mod storage;
mod tagger;
mod upstreams;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command comes to: DESIGN §13's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Done,
    /// The check found something.
    Found,
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or configuration.
    Usage(anyhow::Error),
    /// It was understood and refused: a hold stands against it.
    Refused(anyhow::Error),
    /// It could not run.
    Run(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        // An archive that works and is not what it must be is configured wrongly.
        match error.downcast_ref() {
            Some(archive::ArchiveError::Refused { .. }) => Self::Usage(error),
            _ => Self::Run(error),
        }
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            if error.print().is_err() {
                return ExitCode::from(3);
            }
            return ExitCode::from(code);
        }
    };
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(Failure::Usage(error)) => fail(&error, 2),
        Err(Failure::Refused(error)) => fail(&error, 1),
        Err(Failure::Run(error)) => {
            // `custody search … | head` closes the pipe: that is no failure.
            let broken = error
                .chain()
                .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
                .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
            if broken { ExitCode::SUCCESS } else { fail(&error, 3) }
        }
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    output::error(&told(error));
    ExitCode::from(code)
}

/// An error and its causes. Many name their cause themselves; then it is not said again.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    match cli.command {
        Command::Serve(args) => commands::serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Show(args) => commands::show::run(&args),
        Command::Trace(args) => commands::trace::run(&args),
        Command::Search(args) => commands::search::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Erase(args) => commands::erase::run(&args),
        Command::Hold(args) => commands::hold::run(&args),
        Command::Retention(args) => commands::retention::run(&args),
        Command::WormProbe(args) => commands::worm_probe::run(&args),
        Command::Mask(args) => commands::mask::run(&args),
        Command::Reveal(args) => commands::reveal::run(&args),
        Command::Prices(args) => commands::prices::run(&args),
        Command::Witness(args) => commands::witness::run(&args),
        Command::Keys(args) => commands::keys::run(&args),
        Command::Token(args) => commands::token::run(&args),
        Command::Config(args) => commands::config::run(&args),
    }
}
