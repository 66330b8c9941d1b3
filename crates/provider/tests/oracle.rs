//! Agreement with what the official SDKs accumulated from the same streams.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test helpers")]

mod common;

use std::collections::{BTreeMap, HashMap};

use provider::ReadResponse;
use record::PartKind;
use serde_json::{Map, Value, json};

/// Rows that differ, what differs, and why we keep our reading.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("af2ad67ec61ef564c4c2357c", "usage", GROQ),
    ("7eb120b6b8f67c9e3219783d", "usage", GROQ),
    ("8f29fd904951a62386f34740", "usage", GROQ),
    ("f985302048af546646fd4f68", "usage", GROQ),
    (
        "bc77ea58faa603333bbe46ff",
        "reasoning",
        "the summary of a compaction block, which the SDK does not count as thinking",
    ),
    (
        "e9631cc0d6e3a420997d9ee2",
        "reasoning",
        "stands in reasoning_details alone, which the SDK does not read",
    ),
    (
        "d0f346154fc35246c7a56d40",
        "tool_calls",
        "the name comes again with each piece; the SDK writes it twice",
    ),
];

/// Groq's streams carry their usage in `x_groq`, which the SDK does not read.
const GROQ: &str = "usage in x_groq";

fn texts(read: &ReadResponse, kind: PartKind) -> String {
    let parts = read.parts.iter().filter(|part| part.kind == kind);
    parts.filter_map(|part| part.content.as_text()).collect()
}

fn joined(oracle: &Value) -> String {
    let items = oracle.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// Arguments as a value: the SDKs print JSON in their own way.
fn value(arguments: &Value) -> Value {
    match arguments {
        Value::Null => Value::from(""),
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| arguments.clone()),
        other => other.clone(),
    }
}

fn calls(read: &ReadResponse) -> Vec<(String, String, Value)> {
    let parts = read.parts.iter();
    parts
        .filter(|part| part.kind == PartKind::ToolCall)
        .map(|part| {
            let field = |name| part.content.field(name).cloned().unwrap_or_default();
            let word = |name| field(name).as_str().unwrap_or_default().to_owned();
            (word("call_id"), word("name"), value(&field("arguments")))
        })
        .collect()
}

fn oracle_calls(oracle: &Value) -> Vec<(String, String, Value)> {
    let choices = oracle.as_array().into_iter().flatten();
    choices
        .flat_map(|choice| choice.as_array().unwrap())
        .map(|call| {
            let word = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
            (word("id"), word("name"), value(&call["arguments"]))
        })
        .collect()
}

/// The numbers of a usage object by path; the SDKs leave out nulls and print floats their way.
fn numbers(usage: &Value) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    walk(&format!("{path}.{key}"), member, out);
                }
            }
            Value::Number(number) => {
                out.insert(path.to_owned(), format!("{:?}", number.as_f64()));
            }
            _ => {}
        }
    }
    let mut out = BTreeMap::new();
    walk("", usage, &mut out);
    out
}

fn compare(read: &ReadResponse, oracle: &Value) -> Map<String, Value> {
    let mut different = Map::new();
    let mut check = |what: &str, ours: Value, theirs: Value| {
        if ours != theirs {
            different.insert(what.to_owned(), json!({"ours": ours, "theirs": theirs}));
        }
    };
    check("model", json!(read.model), oracle["model"].clone());
    check("response_id", json!(read.response_id), oracle["response_id"].clone());
    for (what, kind) in [
        ("text", PartKind::Text),
        ("reasoning", PartKind::Reasoning),
        ("refusal", PartKind::Refusal),
    ] {
        if !oracle[what].is_null() {
            check(what, json!(texts(read, kind)), json!(joined(&oracle[what])));
        }
    }
    let (ours, theirs) = (calls(read), oracle_calls(&oracle["tool_calls"]));
    if oracle["format"] == "openai.chat_completions" || oracle["block_types"].is_null() {
        // Calls of the provider's own tools are no tool calls to the SDK.
        let own: Vec<_> =
            ours.iter().filter(|call| theirs.iter().any(|their| their.0 == call.0)).collect();
        let own = if theirs.is_empty() && oracle["status"].is_null() {
            ours.iter().collect()
        } else {
            own
        };
        check("tool_calls", json!(own), json!(theirs));
    } else {
        let own: Vec<_> = ours.iter().filter(|call| call.0.starts_with("toolu_")).collect();
        check("tool_calls", json!(own), json!(theirs));
    }
    let reasons = match oracle["status"].as_str() {
        Some(status) => json!([status]),
        None => oracle["finish_reasons"].clone(),
    };
    check("finish_reasons", json!(read.finish_reasons), reasons);
    let ours = read.usage.as_ref().map(|usage| numbers(&usage.raw));
    let theirs = oracle["usage"].is_object().then(|| numbers(&oracle["usage"]));
    check("usage", json!(ours), json!(theirs));
    different
}

#[test]
fn streams_agree_with_the_official_sdks() {
    let (Some(oracles), Some(rows)) =
        (common::rows("oracle_streams.jsonl"), common::rows("full.jsonl.gz"))
    else {
        return;
    };
    let rows: HashMap<&str, &Value> =
        rows.iter().map(|row| (common::text(row, "id"), row)).collect();
    let mut agreed = 0;
    let mut unexpected = Vec::new();
    for oracle in &oracles {
        let id = common::text(oracle, "id");
        let read = common::whole(rows[id]);
        let mut different = compare(&read, oracle);
        for (_, what, _) in DIFFERENT.iter().filter(|(known, ..)| *known == id) {
            assert!(different.remove(*what).is_some(), "{id} {what}: agrees now");
        }
        if different.is_empty() {
            agreed += 1;
        } else {
            unexpected.push((id, common::text(oracle, "format"), different));
        }
    }
    println!("{agreed} of {} agree ({} by exception)", oracles.len(), DIFFERENT.len());
    for (id, format, different) in &unexpected {
        for (what, values) in different {
            let shown: String = values.to_string().chars().take(600).collect();
            println!("{id} {format} {what}: {shown}");
        }
    }
    assert!(unexpected.is_empty(), "{} rows differ", unexpected.len());
}
