//! Benchmarks as commands: `custody-bench proxy` compares what the recorder costs in the path of a
//! call with what nginx costs there.
//!
//! `proxy` starts the processes that it measures, prints ratios with their spread, and refuses to
//! judge on a machine that is too noisy: the recorder is measured from outside, as a stranger
//! would. `ledger`, `readers`, `mask` and `instructions` measure crates within this process.

#![expect(clippy::print_stdout, reason = "the tables on standard output are the product")]

mod answer;
mod body;
mod child;
mod cpu;
mod goals;
mod http;
mod inside;
mod instructions;
mod ledger;
mod load;
mod mask;
mod num;
mod pieces;
mod plan;
mod proxy;
mod readers;
mod report;
mod stats;
mod table;
mod targets;
mod text;
mod timer;
mod upstream;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Load generator and upstream share a core; what they save there, the load can grow by.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks of Custody.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The cost of the proxy, next to nginx and to no proxy at all.
    Proxy(proxy::Args),
    /// How many interactions a core records, and how fast they are verified.
    Ledger(ledger::Args),
    /// How fast provider formats are read.
    Readers(readers::Args),
    /// What masking finds and leaves, and how fast it is, beside Presidio where that is installed.
    Mask(mask::Args),
    /// A fresh process that masks (started by `mask`).
    #[command(hide = true)]
    MaskStart,
    /// Instructions per interaction, counted by callgrind.
    Instructions(instructions::Args),
    /// What `instructions` counts.
    #[command(hide = true)]
    InstructionsRun(instructions::RunArgs),
    /// The stand-in for a model provider (started by `proxy`).
    #[command(hide = true)]
    Upstream(upstream::Args),
    /// The load generator (started by `proxy`): a plan on standard input, figures on standard
    /// output.
    #[command(hide = true)]
    Load,
    /// Runs a program on one core (started by `proxy`).
    #[command(hide = true)]
    Pinned(child::PinnedArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Proxy(args) => proxy::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Readers(args) => Ok(readers::run(&args)),
        Command::Mask(args) => mask::run(&args),
        Command::MaskStart => mask::start().map(|()| ExitCode::SUCCESS),
        Command::Instructions(args) => instructions::run(&args),
        Command::InstructionsRun(args) => instructions::inner(&args),
        Command::Upstream(args) => upstream::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Load => load::run().map(|()| ExitCode::SUCCESS),
        Command::Pinned(args) => child::become_pinned(&args).map(|()| ExitCode::SUCCESS),
    }
}
