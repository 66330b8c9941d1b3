//! `-- mask`: what masking finds, what it leaves, what it takes that is none, and how fast it is.

mod code;
mod goals;
mod look;
mod presidio;
mod quality;
mod repeats;
mod report;
mod score;
mod sets;
mod speed;
mod start;
mod stays;
mod streams;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::child;
use quality::Searched;
use report::Report;
use speed::Prompts;

pub(crate) use start::inner as start;

/// Options of `mask`.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The folder of annotated texts [default: corpus/masking in the folder that
    /// `CUSTODY_SHARED` names].
    #[arg(long)]
    sets: Option<PathBuf>,
    /// Another folder of sets of the same names, judged beside the first.
    #[arg(long)]
    held_out: Option<PathBuf>,
    /// Code and data that must stay [default: the workspace's own].
    #[arg(long)]
    code: Option<PathBuf>,
    /// Bytes of it to look at, about.
    #[arg(long, default_value_t = 2_000_000)]
    code_bytes: u64,
    /// Examples of each kind of error to print.
    #[arg(long, default_value_t = 0)]
    examples: usize,
    /// CPU time of each measurement, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// Quality alone, or speed alone.
    #[arg(long)]
    only: Option<Only>,
    /// A Python that may have Presidio.
    #[arg(long, default_value = "python3")]
    python: OsString,
    /// spaCy's model for Presidio [default: the largest English one that is installed].
    #[arg(long)]
    model: Option<String>,
    /// Texts of each set that Presidio sees.
    #[arg(long, default_value_t = 200)]
    sample: usize,
    /// The core to run on.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// One object of JSON a line.
    #[arg(long)]
    json: bool,
}

/// Half of it.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Quality,
    Speed,
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    child::bind(args.core)?;
    let mut report = Report::new(args.json);
    let folder = args.sets.clone().unwrap_or_else(sets::usual);
    let sets = if folder.is_dir() {
        sets::load(&folder)?
    } else {
        let place = folder.display();
        report.say(&format!("no annotated texts at {place}: CUSTODY_SHARED or --sets tells where"));
        sets::Sets::new()
    };
    let files = code::read(args.code.as_deref(), args.code_bytes)?;
    let masker = look::masker();
    let window = Duration::from_millis(args.millis);
    if args.only != Some(Only::Speed) {
        if !sets.is_empty() {
            let name = args.held_out.is_some().then_some("development");
            Searched::new(&sets, &masker, args.examples).print(&mut report, name);
        }
        if let Some(folder) = &args.held_out {
            let held_out = sets::load(folder)?;
            Searched::new(&held_out, &masker, args.examples).print(&mut report, Some("held out"));
        }
        report.print(&stays::table(&masker, args.examples), None);
        report.print(&code::table(&files, &masker, args.examples), None);
    }
    let prompts = Prompts::new(&sets, &files);
    if args.only != Some(Only::Quality) {
        report.print(&speed::table(&prompts, window)?, None);
        report.print(&start::table(&prompts.prose)?, None);
    }
    if presidio::is_installed(&args.python) {
        let model = args.model.as_deref();
        let prose = &prompts.prose;
        let table = presidio::table(&args.python, model, &sets, prose, args.sample, window)?;
        report.print(&table, None);
    } else {
        let python = args.python.display();
        report.say(&format!("Presidio: left out, {python} has no presidio_analyzer"));
    }
    report.end();
    Ok(ExitCode::SUCCESS)
}
