//! What a process needs until its first text is masked by the detectors that are always on.

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mask::{Masker, Policy, Taken};
use serde::{Deserialize, Serialize};

use super::goals::Title;
use super::report::{Form, Section};
use super::speed;
use crate::stats::Spread;
use crate::{child, cpu};

/// Processes that are started.
const ROUNDS: usize = 5;

/// What a fresh process says of itself.
#[derive(Serialize, Deserialize)]
struct Fresh {
    /// CPU seconds from its begin to the first masked text.
    cpu: f64,
    /// Resident at most, MiB, before anything was masked and after everything was.
    before: f64,
    after: f64,
    /// Values taken out, so that there was work.
    taken: u64,
}

/// Starts some.
pub(super) fn table(prompts: &[String]) -> Result<Section> {
    let mut section = Section::new(Title::Start);
    let (mut wall, mut cpu, mut memory, mut before) = (vec![], vec![], vec![], vec![]);
    let input = prompts.join("\u{c}");
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut command = child::own("mask-start");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut said = child.stdout.take().context("no standard output")?;
        let mut first = [0];
        said.read_exact(&mut first).context("the fresh process says nothing")?;
        wall.push(began.elapsed().as_secs_f64());
        child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
        let mut line = String::new();
        said.read_to_string(&mut line)?;
        ensure!(child.wait()?.success(), "the fresh process failed");
        let fresh: Fresh = serde_json::from_str(&line)?;
        cpu.push(fresh.cpu);
        memory.push(fresh.after);
        before.push(fresh.before);
    }
    let mut put = |measure: &str, figures: Vec<f64>| {
        if let Some(spread) = Spread::of(figures) {
            section.put(measure, "values tier", Form::Measure, spread.median);
        }
    };
    put("start, s", wall);
    put("start, CPU s", cpu);
    put("memory, MB", memory);
    put("memory of an idle process, MB", before);
    section.note(format!("memory: at most, with {} prompts of 10 KB masked", prompts.len()));
    Ok(section)
}

/// The fresh process: a byte when it is ready, then what it needed.
pub(crate) fn inner() -> Result<()> {
    let me = [std::process::id()];
    let before = cpu::memory(&me).peak;
    let masker = Masker::new(Policy::default(), [0; 32]);
    let mut taken = Taken::default();
    let masked = masker.anywhere().mask_text("write to ada@example.com", &mut taken).into_owned();
    ensure!(masked == "write to [EMAIL]", "the first text came out as {masked}");
    let spent = speed::spent_by_all().as_secs_f64();
    let mut out = std::io::stdout().lock();
    out.write_all(b" ")?;
    out.flush()?;
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    for text in input.split('\u{c}') {
        std::hint::black_box(masker.anywhere().mask_text(text, &mut taken));
    }
    let after = cpu::memory(&me).peak;
    let taken = taken.counts.iter().map(|(_, n)| n).sum();
    writeln!(out, "{}", serde_json::to_string(&Fresh { cpu: spent, before, after, taken })?)?;
    Ok(())
}
