//! `custody mask`: what masking makes of a text.

use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use mask::{Counts, Masker, Policy};
use serde_json::{Value, json};

use crate::cli::MaskArgs;
use crate::output::{NAME, paint, safe};
use crate::{Failure, Outcome, output};

pub(crate) fn run(args: &MaskArgs) -> Result<Outcome, Failure> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).context("cannot read standard input as UTF-8")?;
    // Pseudonyms of a trial need no key that anybody keeps.
    let masker = Masker::new(Policy::default(), *keys::random_secret()?.expose());
    if args.json {
        for (i, line) in input.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let value: Value = serde_json::from_str(line)
                .map_err(|error| Failure::Usage(anyhow!("line {}: {error}", i + 1)))?;
            output::json(&answer(&masker, &value, args.spans, i + 1)?)?;
        }
    } else if args.explain {
        explain(&masker, &input)?;
    } else if let Ok(mut value @ (Value::Object(_) | Value::Array(_))) =
        serde_json::from_str(&input)
    {
        masker.mask_json(&mut value, &mut Counts::default());
        output::line(&value)?;
    } else {
        let masked = masker.mask_text(&input, &mut Counts::default()).into_owned();
        output::line(masked.trim_end_matches('\n'))?;
    }
    Ok(Outcome::Done)
}

fn answer(masker: &Masker, value: &Value, spans: bool, line: usize) -> Result<Value, Failure> {
    let text = value.get("text").and_then(Value::as_str).ok_or_else(|| {
        Failure::Usage(anyhow!("line {line}: expected an object with \"id\" and \"text\""))
    })?;
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    if !spans {
        return Ok(json!({ "id": id, "text": masker.mask_text(text, &mut Counts::default()) }));
    }
    let mut points = CodePoints::new(text);
    let spans: Vec<Value> = masker
        .find(text)
        .iter()
        .map(|span| {
            json!({
                "start": points.of(span.start),
                "end": points.of(span.end),
                "label": span.entity.as_str(),
                "score": span.score,
            })
        })
        .collect();
    Ok(json!({ "id": id, "spans": spans }))
}

fn explain(masker: &Masker, text: &str) -> anyhow::Result<()> {
    let spans = masker.find(text);
    if spans.is_empty() {
        return output::line("nothing found");
    }
    output::line(format!(
        "{:>8} {:>8}  {:<12} {:>5}  {:<20} text",
        "start", "end", "entity", "score", "detector"
    ))?;
    for span in spans {
        output::line(format!(
            "{:>8} {:>8}  {} {:>5.2}  {:<20} {}",
            span.start,
            span.end,
            paint(NAME, format!("{:<12}", span.entity.as_str())),
            span.score,
            span.detector,
            safe(text.get(span.start..span.end).unwrap_or_default(), 60)
        ))?;
    }
    Ok(())
}

/// Byte offsets, asked for in ascending order, as code points.
struct CodePoints<'a> {
    text: &'a str,
    bytes: usize,
    points: usize,
}

impl<'a> CodePoints<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, bytes: 0, points: 0 }
    }

    fn of(&mut self, byte: usize) -> usize {
        let between = self.text.get(self.bytes..byte).unwrap_or_default();
        self.points += between.chars().count();
        self.bytes = byte;
        self.points
    }
}
