//! A record for people.

use serde_json::Value;

use crate::output::{self, BAD, DIM, GOOD, HEAD, NAME, paint, safe};

/// A part's text is cut after this many characters; `--json` gives all of it.
const LONGEST: usize = 600;

/// Prints a record.
pub(crate) fn print_record(record: &Value) -> anyhow::Result<()> {
    let kind = text(record, "/kind");
    output::line(format!("{} {}", paint(HEAD, &kind), paint(NAME, text(record, "/id"))))?;
    if record.get("event").is_some() {
        return print_event(record);
    }
    if kind != "interaction" {
        row("recorded", &text(record, "/recorded"))?;
        row("body", &record.get("body").map(Value::to_string).unwrap_or_default())?;
        return proof(record);
    }
    row(
        "admitted",
        &format!("{}   number {}", text(record, "/time/admitted"), text(record, "/admission")),
    )?;
    row("correlation", &text(record, "/correlation/trace_id"))?;
    let model = format!(
        "{} {} → {}   {}",
        text(record, "/model/provider"),
        text(record, "/model/requested"),
        text(record, "/model/answered"),
        text(record, "/model/operation"),
    );
    row("model", &model)?;
    print_who(record)?;
    let outcome = text(record, "/response/outcome");
    let style = if outcome == "complete" { GOOD } else { BAD };
    row(
        "outcome",
        &format!(
            "{}   status {}   finish {}   {} in, {} out{}",
            paint(style, &outcome),
            text(record, "/response/status"),
            text(record, "/response/finish_class"),
            text(record, "/usage/input"),
            text(record, "/usage/output"),
            cost(record).map(|cost| format!("   {cost}")).unwrap_or_default(),
        ),
    )?;
    row(
        "timing",
        &format!(
            "first token {}   total {}",
            micros(record.pointer("/timing/first_token_us")),
            micros(record.pointer("/timing/total_us")),
        ),
    )?;
    let masked = record.pointer("/masking/counts").map(Value::to_string).unwrap_or_default();
    if masked != "{}" {
        row("masked", &masked)?;
    }
    let oddities = record.get("oddities").map(Value::to_string).unwrap_or_default();
    if oddities != "[]" {
        row("oddities", &safe(&oddities, LONGEST))?;
    }
    for path in ["/request/parts", "/response/parts"] {
        for part in record.pointer(path).and_then(Value::as_array).into_iter().flatten() {
            print_part(part)?;
        }
    }
    proof(record)
}

/// An event that an application told of.
fn print_event(record: &Value) -> anyhow::Result<()> {
    row("began", &text(record, "/time/began"))?;
    row("correlation", &text(record, "/correlation/trace_id"))?;
    if record.get("about").is_some_and(|about| !about.is_null()) {
        row("about", &text(record, "/about"))?;
    }
    print_who(record)?;
    let facts = record.get("facts").and_then(Value::as_object);
    let facts: Vec<String> = facts
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name} {}", safe(&value, LONGEST))
        })
        .collect();
    if !facts.is_empty() {
        row("facts", &facts.join("   "))?;
    }
    let masked = record.pointer("/masking/counts").map(Value::to_string).unwrap_or_default();
    if masked != "{}" {
        row("masked", &masked)?;
    }
    let oddities = record.get("oddities").map(Value::to_string).unwrap_or_default();
    if oddities != "[]" {
        row("oddities", &safe(&oddities, LONGEST))?;
    }
    for part in record.get("parts").and_then(Value::as_array).into_iter().flatten() {
        print_part(part)?;
    }
    proof(record)
}

fn print_who(record: &Value) -> anyhow::Result<()> {
    let who = [
        ("user", "/who/user"),
        ("by", "/who/identity"),
        ("caller", "/who/caller"),
        ("session", "/correlation/session"),
        ("service", "/who/service"),
        ("environment", "/who/environment"),
    ]
    .iter()
    .filter(|(_, path)| record.pointer(path).is_some_and(|v| !v.is_null() && v != "none"))
    .map(|(name, path)| format!("{name} {}", text(record, path)))
    .collect::<Vec<_>>()
    .join("   ");
    if !who.is_empty() {
        row("who", &who)?;
    }
    Ok(())
}

fn print_part(part: &Value) -> anyhow::Result<()> {
    let head = format!("{} {}", text(part, "/role"), text(part, "/kind"));
    let body = if let Some(why) = part.get("withheld") {
        paint(
            DIM,
            format!("({} bytes, withheld: {})", text(part, "/length"), why.as_str().unwrap_or("")),
        )
    } else if let Some(content) = part.get("text").and_then(Value::as_str) {
        safe(content, LONGEST)
    } else {
        let own = ["role", "kind", "pid", "length"];
        let rest: serde_json::Map<String, Value> = part
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        safe(&Value::Object(rest).to_string(), LONGEST)
    };
    output::line(format!("  {} {body}", paint(HEAD, format!("{head}:"))))?;
    for link in part.get("documents").and_then(Value::as_array).into_iter().flatten() {
        let link = format!("holds a document of retrieval {}", text(link, "/record"));
        output::line(format!("    {}", paint(DIM, link)))?;
    }
    Ok(())
}

fn proof(record: &Value) -> anyhow::Result<()> {
    let sealed = record.pointer("/proof/sealed").and_then(Value::as_bool).unwrap_or(false);
    let state = if sealed { paint(GOOD, "sealed") } else { paint(DIM, "not sealed yet") };
    let leaf = text(record, "/proof/leaf_index");
    let collector = text(record, "/collector");
    row("proof", &format!("entry {leaf} of {collector}, {state}"))
}

fn row(name: &str, value: &str) -> anyhow::Result<()> {
    output::line(format!("  {} {value}", paint(DIM, format!("{name:<12}"))))
}

fn text(record: &Value, path: &str) -> String {
    match record.pointer(path) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => safe(text, LONGEST),
        Some(other) => other.to_string(),
    }
}

/// What the call cost, in dollars, and who says so.
fn cost(record: &Value) -> Option<String> {
    let micro = record.pointer("/cost/micro_usd")?.as_u64()?;
    let decimals = format!("{:06}", micro % 1_000_000);
    let amount = format!("${}.{:0<2}", micro / 1_000_000, decimals.trim_end_matches('0'));
    let source = match record.pointer("/cost/table") {
        None | Some(Value::Null) => text(record, "/cost/source"),
        Some(_) => format!("{} of {}", text(record, "/cost/source"), text(record, "/cost/table")),
    };
    Some(format!("{amount} ({source})"))
}

fn micros(value: Option<&Value>) -> String {
    match value.and_then(Value::as_u64) {
        None => "-".to_owned(),
        Some(us) if us < 1000 => format!("{us} µs"),
        Some(us) if us < 1_000_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        Some(us) => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cost_is_shown_to_the_millionth() {
        let of = |micro: u64| cost(&json!({"cost": {"micro_usd": micro, "source": "provider"}}));
        for (micro, shown) in
            [(0, "$0.00"), (41, "$0.000041"), (250_000, "$0.25"), (12_000_000, "$12.00")]
        {
            assert_eq!(of(micro), Some(format!("{shown} (provider)")));
        }
        let table = json!({"micro_usd": 41, "source": "price-table", "table": "2026-11-01"});
        let shown = cost(&json!({ "cost": table }));
        assert_eq!(shown.as_deref(), Some("$0.000041 (price-table of 2026-11-01)"));
        assert_eq!(cost(&json!({"cost": null})), None);
    }
}
