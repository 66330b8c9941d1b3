//! Presidio beside it, where it is installed, on a sample of the same texts.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mask::{Masker, Policy, Taken, Tier};
use serde::Deserialize;
use serde_json::json;

use super::goals::Title;
use super::look::{self, Found};
use super::quality::{STRUCTURED, core};
use super::report::{Form, Section};
use super::score::score;
use super::sets::{Document, Sets};
use super::speed;

/// What runs in Python.
const SCRIPT: &str = include_str!("presidio.py");
const SETS: [&str; 3] = ["presidio_synth_v2", "presidio_gen_large", "uner_en_ewt"];
/// Prompts of 10 KB for its speed; it needs most of a second for each.
const PROMPTS: usize = 5;

/// What the script says.
#[derive(Deserialize)]
struct Said {
    version: String,
    model: String,
    spans: Vec<Vec<Found>>,
    seconds: f64,
    bytes: f64,
    start: f64,
    memory: f64,
}

/// Whether this Python has it.
pub(super) fn is_installed(python: &OsStr) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import presidio_analyzer"]).stdin(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Both, on so many texts of each set; `model` is a package of spaCy.
pub(super) fn table(
    python: &OsStr,
    model: Option<&str>,
    sets: &Sets,
    prompts: &[String],
    each: usize,
    window: Duration,
) -> Result<Section> {
    let prompts = prompts.get(..prompts.len().min(PROMPTS)).unwrap_or_default();
    let samples: Vec<(&str, Vec<Document>)> =
        SETS.into_iter().filter_map(|name| Some((name, sample(sets.get(name)?, each)))).collect();
    let texts: Vec<&str> =
        samples.iter().flat_map(|(_, some)| some).map(|d| d.text.as_str()).collect();
    let said = ask(python, model, &json!({ "texts": texts, "prompts": prompts }))?;
    ensure!(said.spans.len() == texts.len(), "Presidio left texts out");

    let mut section = Section::new(Title::Presidio);
    let masker = look::masker();
    let mut theirs = said.spans.as_slice();
    for (name, some) in &samples {
        let (their, rest) = theirs.split_at_checked(some.len()).context("texts went missing")?;
        theirs = rest;
        let ours: Vec<_> = some.iter().map(|d| look::find(&masker, &d.text)).collect();
        let short = name.trim_start_matches("presidio_");
        for (who, found) in [("Custody", ours.as_slice()), ("Presidio", their)] {
            let mut put = |measure: &str, form, value| {
                section.put(measure, &format!("{short} {who}"), form, value);
            };
            let structured = score(some, found, Some(&STRUCTURED)).micro();
            if structured.values.all > 0 {
                put("structured F1", Form::Share, structured.f1());
                put("structured F2", Form::Share, structured.f2());
            }
            let all = score(some, found, None);
            put("PERSON F1", Form::Share, all.of("PERSON").f1());
            put("place, address F1", Form::Share, all.of("LOC").f1());
            let core = score(some, found, Some(&core())).micro();
            put("leaked, core types", Form::Percent, core.leaked());
            put("over-masked", Form::Percent, all.over_masked());
        }
    }
    section.note(format!(
        "Presidio {} with {}, default configuration; {each} texts of each set, or all there are",
        said.version, said.model,
    ));
    let values = Masker::new(Policy::default(), [0; 32]);
    let rate = |masker: &Masker, tier| {
        let pass = masker.anywhere().tier(tier);
        let work = |text: &str| {
            std::hint::black_box(pass.mask_text(text, &mut Taken::default()));
        };
        for text in prompts {
            work(text);
        }
        speed::rate(prompts, window, work)
    };
    section.note(format!(
        "prompts of 10 KB: Presidio {:.4} MB/s; Custody's always-on tier {:.1} MB/s, with names {:.3} MB/s",
        said.bytes / 1e6 / said.seconds.max(1e-9),
        rate(&values, Tier::Values),
        rate(&masker, Tier::All),
    ));
    section.note(format!(
        "Presidio's start {:.1} s of CPU time, memory {:.0} MB",
        said.start, said.memory
    ));
    Ok(section)
}

/// So many texts, from all over the set.
fn sample(documents: &[Document], each: usize) -> Vec<Document> {
    let step = documents.len().div_ceil(each.max(1)).max(1);
    documents.iter().step_by(step).cloned().collect()
}

fn ask(python: &OsStr, model: Option<&str>, input: &serde_json::Value) -> Result<Said> {
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).args(model).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start Python")?;
    // It reads everything before it writes anything.
    let mut pipe = child.stdin.take().context("no standard input")?;
    let written = pipe.write_all(input.to_string().as_bytes());
    drop(pipe);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "Presidio failed; what it said is above");
    written?;
    serde_json::from_slice(&output.stdout).context("Presidio's answer is no JSON")
}
