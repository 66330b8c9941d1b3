//! `custody search TEXT`.

use anyhow::anyhow;
use ledger::SystemClock;
use query::{Access, Filter, Reader, Search};
use record::Clock as _;
use serde_json::{Value, json};

use crate::cli::SearchArgs;
use crate::output::{DIM, HEAD, NAME, Progress, paint, safe};
use crate::place::Place;
use crate::{Failure, Outcome, http, output};

pub(crate) fn run(args: &SearchArgs) -> Result<Outcome, Failure> {
    let reading = &args.reading;
    let hits = match &reading.server {
        Some(server) => ask(server, args)?,
        None => scan(args)?,
    };
    if reading.unrecorded {
        output::remark("this read was not recorded");
    }
    if reading.json {
        for hit in &hits {
            output::json(hit)?;
        }
        return Ok(Outcome::Done);
    }
    if hits.is_empty() {
        output::line("nothing found")?;
        return Ok(Outcome::Done);
    }
    for hit in &hits {
        print_hit(hit)?;
    }
    let what = if hits.len() == 1 { "record" } else { "records" };
    output::line(paint(DIM, format!("{} {what}; `custody show ID` shows one whole", hits.len())))?;
    Ok(Outcome::Done)
}

fn ask(server: &str, args: &SearchArgs) -> anyhow::Result<Vec<Value>> {
    let mut query = vec![("q", args.text.clone()), ("limit", args.limit.to_string())];
    let optional = [("where", &args.filter), ("since", &args.since), ("until", &args.until)];
    query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    let answer = http::get(server, "/api/v1/search", &query)?;
    Ok(answer.get("hits").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn scan(args: &SearchArgs) -> Result<Vec<Value>, Failure> {
    let now = SystemClock.now();
    let time = |flag: &str, text: &Option<String>| {
        text.as_ref()
            .map(|text| api::parse_since(text, now))
            .transpose()
            .map_err(|error| Failure::Usage(anyhow!("{flag}: {error}")))
    };
    let filter = args.filter.as_ref().map(|text| Filter::parse(text)).transpose();
    let search = Search {
        text: Some(args.text.clone()).filter(|text| !text.is_empty()),
        filter: filter.map_err(|error| Failure::Usage(anyhow!("--where: {error}")))?,
        since: time("--since", &args.since)?,
        until: time("--until", &args.until)?,
        limit: args.limit,
    };
    let place = Place::named(&args.reading.place)?;
    let store = place.open_store()?;
    // Without a text nothing is opened, so there is nothing to record.
    let access = if search.text.is_some() { place.access(&args.reading) } else { Access::Metadata };
    let progress = Progress::new();
    let hits = Reader::new(&store, access).search(&search, &mut |looked| {
        progress.set("records looked at", looked, looked);
    })?;
    drop(progress);
    Ok(hits
        .into_iter()
        .map(|hit| json!({ "record": hit.record, "snippets": hit.snippets }))
        .collect())
}

fn print_hit(hit: &Value) -> anyhow::Result<()> {
    let text = |path: &str| {
        let value = hit.pointer(path);
        value.and_then(Value::as_str).unwrap_or("-").to_owned()
    };
    output::line(format!(
        "{}  {}  {}  {}  {}",
        paint(DIM, text("/record/time/admitted").get(..19).unwrap_or("-")),
        paint(NAME, text("/record/id")),
        paint(HEAD, text("/record/kind")),
        text("/record/model/requested"),
        text("/record/response/outcome"),
    ))?;
    for snippet in hit.get("snippets").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| snippet.get(name).and_then(Value::as_str).unwrap_or("-");
        output::line(format!(
            "    {} {}",
            paint(DIM, format!("{} {}:", field("role"), field("kind"))),
            safe(field("text"), 300)
        ))?;
    }
    Ok(())
}
