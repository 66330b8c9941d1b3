//! `custody mask`: what masking makes of a text.

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use mask::{Action, CustomRule, Masker, Pass, Place, Span, Taken, Tier};
use serde_json::{Value, json};

use crate::cli::{MaskArgs, MaskCommand};
use crate::config::{self, MaskingConfig};
use crate::output::{NAME, paint, safe};
use crate::{Failure, Outcome, output, tagger};

pub(crate) fn run(args: &MaskArgs) -> Result<Outcome, Failure> {
    let config = config::load(args.config.as_deref())?.masking;
    if matches!(args.command, Some(MaskCommand::Test)) {
        return test(&config, args.json);
    }
    let policy = config.policy().map_err(Failure::Usage)?;
    let names = (config.names && !args.no_names).then(tagger::shared);
    // Pseudonyms of a trial need no key that anybody keeps.
    let masker = Masker::with_names(policy, *keys::random_secret()?.expose(), names);
    let place = Place {
        role: &args.role,
        environment: args.environment.as_deref(),
        upstream: args.upstream.as_deref(),
    };
    let pass = masker.at(&place).tier(Tier::All);
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).context("cannot read standard input as UTF-8")?;
    if args.json {
        for (i, line) in input.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let value: Value = serde_json::from_str(line)
                .map_err(|error| Failure::Usage(anyhow!("line {}: {error}", i + 1)))?;
            output::json(&answer(&pass, &value, args.spans, i + 1)?)?;
        }
    } else if args.explain {
        explain(&masker, &pass, &input)?;
    } else {
        let masked = pass.mask_text(&input, &mut Taken::default());
        output::line(masked.trim_end_matches('\n'))?;
    }
    Ok(Outcome::Done)
}

fn answer(pass: &Pass<'_>, value: &Value, spans: bool, line: usize) -> Result<Value, Failure> {
    let text = value.get("text").and_then(Value::as_str).ok_or_else(|| {
        Failure::Usage(anyhow!("line {line}: expected an object with \"id\" and \"text\""))
    })?;
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    if !spans {
        return Ok(json!({ "id": id, "text": pass.mask_text(text, &mut Taken::default()) }));
    }
    let mut points = CodePoints::new(text);
    let spans: Vec<Value> = taken_out(pass, text)
        .iter()
        .map(|span| {
            json!({
                "start": points.of(span.start),
                "end": points.of(span.end),
                "label": label(span),
                "score": span.score,
                "entity": span.entity.as_str(),
                "detector": span.detector,
            })
        })
        .collect();
    Ok(json!({ "id": id, "spans": spans }))
}

/// What the policy takes out; what it keeps is no span.
fn taken_out(pass: &Pass<'_>, text: &str) -> Vec<Span> {
    let mut spans = pass.find(text);
    spans.retain(|span| pass.action(span.entity) != Action::Keep);
    spans
}

/// The label of annotated texts: every credential is a `SECRET` there.
fn label(span: &Span) -> &'static str {
    if span.entity.is_credential() { "SECRET" } else { span.entity.as_str() }
}

fn explain(masker: &Masker, pass: &Pass<'_>, text: &str) -> anyhow::Result<()> {
    let spans = pass.find(text);
    if spans.is_empty() {
        return output::line("nothing found");
    }
    let width = |of: &dyn Fn(&Span) -> usize, least: usize| {
        spans.iter().map(of).max().unwrap_or(0).max(least)
    };
    let entity = width(&|span| span.entity.as_str().len(), 6);
    let detector = width(&|span| span.detector.len(), 8);
    output::line(format!(
        "{:>7} {:>7}  {:<entity$} {:>5}  {:<detector$}  {:<9}  {:<30}  why",
        "start", "end", "entity", "score", "detector", "action", "text",
    ))?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for span in &spans {
        *counts.entry(span.entity.as_str()).or_default() += 1;
        output::line(format!(
            "{:>7} {:>7}  {} {:>5.2}  {:<detector$}  {:<9}  {:<30}  {}",
            span.start,
            span.end,
            paint(NAME, format!("{:<entity$}", span.entity.as_str())),
            span.score,
            span.detector,
            pass.action(span.entity).as_str(),
            safe(text.get(span.start..span.end).unwrap_or_default(), 30),
            span.why(),
        ))?;
    }
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let policy = masker.policy().version();
    output::line(format!("\n{}   policy {policy}, {}", counts.join(", "), masker.detectors()))
}

/// Tries the examples of every rule, and tells of all that fail.
fn test(config: &MaskingConfig, as_json: bool) -> Result<Outcome, Failure> {
    let mut failed = false;
    for rule in &config.rule {
        let tried = CustomRule::new(rule.text()).and_then(|compiled| compiled.test());
        let (told, right) = match &tried {
            Ok(0) => ("no examples".to_owned(), false),
            Ok(n) => (format!("{n} examples hold"), true),
            Err(error) => (error.to_string(), false),
        };
        failed |= !right;
        if as_json {
            output::json(&json!({ "rule": rule.name, "ok": right, "result": told }))?;
        } else {
            let mark = if right { "ok    " } else { "failed" };
            output::line(format!("{mark}  {}  {told}", paint(NAME, rule.name.clone())))?;
        }
    }
    if config.rule.is_empty() && !as_json {
        output::line("the configuration has no [[masking.rule]]")?;
    }
    config.policy().map_err(Failure::Usage).or_else(|error| {
        // What is wrong with a rule was told above; the rest of the table counts too.
        if failed { Ok(mask::Policy::default()) } else { Err(error) }
    })?;
    Ok(if failed { Outcome::Found } else { Outcome::Done })
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
