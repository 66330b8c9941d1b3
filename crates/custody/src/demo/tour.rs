//! The tour: traffic, what was recorded, the incident, the verdict, a forgery.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context as _;
use query::{Reader, Search};
use serde_json::Value;

use super::script::INJECTION;
use super::{client, forge, script};
use crate::cli::{Reading, Where};
use crate::commands::{print_record, verify};
use crate::config::Config;
use crate::output::{self, DIM, HEAD, NAME, paint, safe};
use crate::place::Place;
use crate::recorder::Recorder;

pub(crate) fn run(recorder: &Recorder, config: &Config) -> anyhow::Result<()> {
    heading(1, "Traffic through the proxy")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut incident = None;
    for step in script::steps() {
        let answer = runtime.block_on(client::send(recorder.proxy_address, &step))?;
        output::line(format!(
            "  {} {:>3}  {:<42} {} {}",
            paint(NAME, &answer.id),
            answer.status,
            step.title,
            paint(DIM, step.user),
            paint(DIM, format!("first byte {} ms", answer.first_byte.as_millis())),
        ))?;
        if step.body.to_string().contains(INJECTION) && incident.is_none() {
            incident = Some((answer.id, answer.correlation));
        }
    }
    // What waits for the next second is sealed now, and the journal becomes a segment, so that the
    // forger finds something to forge.
    recorder.settle()?;
    let place = Place::of(config)?;
    let store = place.open_store()?;
    let reader = Reader::new(&store, place.access(&reading()));

    heading(2, "An incident: what did the model do, and who told it to?")?;
    let (id, correlation) = incident.context("the script has an incident")?;
    let record = reader.show(id.parse()?)?;
    print_record(&record)?;
    output::line(paint(DIM, format!("\n  its whole request: custody trace {correlation}")))?;

    heading(3, "Who else got that document?")?;
    let search = Search { text: Some(INJECTION.to_owned()), limit: 10, ..Search::default() };
    for hit in reader.search(&search, &mut |_| {})? {
        let field = |path: &str| {
            let value = hit.record.pointer(path).and_then(Value::as_str);
            value.unwrap_or("-").to_owned()
        };
        output::line(format!(
            "  {}  user {}  session {}",
            paint(NAME, field("/id")),
            field("/who/user"),
            field("/correlation/session")
        ))?;
        for snippet in &hit.snippets {
            let text = snippet.get("text").and_then(Value::as_str).unwrap_or_default();
            output::line(format!("      {}", safe(text, 160)))?;
        }
    }
    output::line(paint(
        DIM,
        "\n  Users are pseudonyms, cards and addresses are masked, content is sealed on disk,\n  \
         and that you looked is a record too.",
    ))?;

    heading(4, "Is the log what it was?")?;
    let started = Instant::now();
    let report = query::verify(&store, &BTreeMap::new(), None, &mut |_, _, _| {})?;
    verify::print(&report, started.elapsed())?;

    heading(5, "A copy, with one bit changed")?;
    let folder = tempfile::tempdir()?;
    let copy =
        Place::of(&Config { data: folder.path().join("copy"), archive: None, ..config.clone() })?;
    forge::copy(&config.data, &copy.data)?;
    let (file, at) = forge::flip_one_byte(&copy.data.join("archive"))?;
    let name = file.strip_prefix(&copy.data).unwrap_or(&file).display();
    output::line(paint(DIM, format!("  byte {at} of {name}\n")))?;
    let started = Instant::now();
    let forged = query::verify(&copy.open_store()?, &BTreeMap::new(), None, &mut |_, _, _| {})?;
    verify::print(&forged, started.elapsed())?;
    output::line("")?;
    anyhow::ensure!(report.ok && !forged.ok, "the verdicts are not what they should be");
    Ok(())
}

fn heading(number: u32, title: &str) -> anyhow::Result<()> {
    output::line(format!("\n{}\n", paint(HEAD, format!("{number}. {title}"))))
}

/// Read content, and record that.
fn reading() -> Reading {
    Reading {
        place: Where { config: None, data: None, archive: None, keys: None },
        server: None,
        json: false,
        metadata: false,
        unrecorded: false,
    }
}
