//! Finds the values in annotated texts, one JSON object a line: `{"id","text"}` in,
//! `{"id","spans":[{"start","end","label","score","detector"}]}` out, in code points.
//!
//! Every credential has the label `SECRET`. With `--speed` it prints how fast the texts were
//! looked at instead.

use std::io::{self, BufRead, BufWriter, Write};
use std::time::Instant;

use anyhow::{Context, Result};
use mask::{Masker, Policy, Span};
use serde_json::{Value, json};

/// Times that `--speed` looks at every text.
const ROUNDS: u32 = 5;

fn main() -> Result<()> {
    let begin = Instant::now();
    let masker = Masker::new(Policy::default(), [0; 32]);
    let start = begin.elapsed();
    let lines = io::stdin().lock().lines();
    let texts = lines.map(|line| Ok(serde_json::from_str::<Value>(&line?)?));
    let texts: Vec<Value> = texts.collect::<Result<_>>()?;
    if std::env::args().any(|argument| argument == "--speed") {
        return speed(&masker, &texts, start.as_secs_f64());
    }
    let mut out = BufWriter::new(io::stdout().lock());
    for line in &texts {
        let text = line["text"].as_str().context("a line without a text")?;
        let spans: Vec<Value> = masker.find(text).iter().map(|span| written(span, text)).collect();
        writeln!(out, "{}", json!({"id": line["id"], "spans": spans}))?;
    }
    Ok(out.flush()?)
}

fn written(span: &Span, text: &str) -> Value {
    let place = |at: usize| text.get(..at).map_or(0, |head| head.chars().count());
    let label = if span.entity.is_credential() { "SECRET" } else { span.entity.as_str() };
    json!({
        "start": place(span.start),
        "end": place(span.end),
        "label": label,
        "score": span.score,
        "detector": span.detector,
    })
}

/// Megabytes a second on one core: the best of some rounds, and the slowest single text.
fn speed(masker: &Masker, texts: &[Value], start: f64) -> Result<()> {
    let texts: Vec<&str> = texts.iter().filter_map(|line| line["text"].as_str()).collect();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    let mut best = f64::MAX;
    let mut slowest = 0.0_f64;
    let mut found = 0;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        found = 0;
        let mut longest = 0.0_f64;
        for text in &texts {
            let one = Instant::now();
            found += masker.find(text).len();
            longest = longest.max(one.elapsed().as_secs_f64());
        }
        best = best.min(begin.elapsed().as_secs_f64());
        slowest = if slowest == 0.0 { longest } else { slowest.min(longest) };
    }
    let megabytes = f64::from(u32::try_from(bytes)?) / 1e6;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:.1} MB/s over {megabytes:.2} MB in {} texts, slowest text {:.3} ms, {found} spans, start {start:.3} s",
        megabytes / best,
        texts.len(),
        slowest * 1e3,
    )?;
    Ok(())
}
