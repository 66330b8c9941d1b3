//! Recorded requests and answers: read without loss.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test helpers")]

mod common;

use std::collections::BTreeMap;

use common::{answer, format, rows, text, whole};
use provider::{Family, Format, ReadResponse, RequestHead, detect, ends_stream, read_request};
use record::envelope::Usage;
use record::{Content, FinishClass, PartKind, Role};
use serde_json::Value;

fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn filled(read: &ReadResponse) -> Option<String> {
    let skeleton = read.skeleton.as_ref()?;
    Some(skeleton.fill(&read.parts).unwrap().to_string())
}

#[test]
fn every_request_and_answer_fills_back() {
    let Some(rows) = rows("full.jsonl.gz") else {
        return;
    };
    let (mut requests, mut answers, mut streams) = (0, 0, 0);
    let mut odd: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows {
        let format = format(row);
        let id = text(row, "id");
        let body = text(row, "request_body");
        let read = read_request(format, text(row, "path"), body.as_bytes());
        for oddity in &read.oddities {
            *odd.entry(format!("request {}", oddity.code)).or_default() += 1;
            if oddity.code.starts_with("unknown_") && format != Format::Opaque {
                println!("{id} request {} {:?}", oddity.code, oddity.detail);
            }
        }
        if let Some(skeleton) = &read.skeleton {
            requests += 1;
            let filled = skeleton.fill(&read.parts).unwrap();
            assert_eq!(filled.to_string(), value(body).unwrap().to_string(), "{id}");
        } else if format == Format::Opaque && !body.is_empty() {
            assert_eq!(read.parts[0].content, Content::Text(body.to_owned()), "{id}");
        }
        let body = common::body(row);
        let read = whole(row);
        for oddity in &read.oddities {
            *odd.entry(format!("answer {}", oddity.code)).or_default() += 1;
            if format != Format::Opaque {
                println!("{id} answer {} {:?}", oddity.code, oddity.detail);
            }
        }
        if row["streaming"] == true {
            streams += 1;
            // References lead to parts, and parts hold none.
            assert!(filled(&read).is_none_or(|filled| !filled.contains("$part")), "{id}");
        } else if let Some(filled) = filled(&read) {
            answers += 1;
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(filled, body.to_string(), "{id}");
            assert!(!read.truncated, "{id}");
        }
        check(&read, row);
        // Places and amounts are short; content would not be.
        for oddity in &read.oddities {
            assert!(oddity.detail.as_ref().is_none_or(|detail| detail.len() < 48));
        }
    }
    println!("{requests} requests, {answers} answers, {streams} streams; oddities {odd:?}");
    assert!(requests > 2000 && answers > 2000 && streams > 500);
}

/// What holds of every answer.
fn check(read: &ReadResponse, row: &Value) {
    let id = text(row, "id");
    for part in &read.parts {
        // A compaction hands the user's own messages back.
        assert!(
            text(row, "path").ends_with("/compact")
                || matches!(part.role, Role::Assistant | Role::Tool)
                || part.kind == PartKind::ToolDefinition,
            "{id}: {part:?}"
        );
    }
    if row["status"].as_u64().unwrap() >= 400 {
        assert!(read.error.is_some(), "{id}");
        assert_eq!(read.finish_class, FinishClass::Error, "{id}");
    }
    if let Some(usage) = &read.usage {
        check_usage(usage, id);
        if matches!(format(row), Format::GeminiGenerate | Format::GeminiEmbed) {
            check_google(usage, read, id);
        }
    }
}

/// WIRE.md §3, Google's row: the sums are exact, or told.
fn check_google(usage: &Usage, read: &ReadResponse, id: &str) {
    let differs = read.oddities.iter().any(|oddity| oddity.code == "usage_total_differs");
    assert_eq!(usage.total != usage.input + usage.output, differs, "{id}: {usage:?}");
    let counted = |key: &str| usage.raw.get(key).and_then(Value::as_u64).unwrap_or(0);
    assert_eq!(usage.reasoning, counted("thoughtsTokenCount"), "{id}");
    assert_eq!(usage.output - usage.reasoning, counted("candidatesTokenCount"), "{id}");
    assert_eq!(usage.cache_read, counted("cachedContentTokenCount"), "{id}");
    assert_eq!(usage.cache_write, 0, "{id}");
}

/// WIRE.md §3.
fn check_usage(usage: &Usage, id: &str) {
    // A total over the sum counts thoughts that are told nowhere else; one under it comes from
    // gateways that leave reasoning out of the completion.
    let sum = usage.input + usage.output;
    assert!(usage.total >= sum || usage.reasoning == usage.output, "{id}: {usage:?}");
    assert!(usage.reasoning <= usage.output, "{id}: {usage:?}");
    assert!(usage.cache_read <= usage.input, "{id}: {usage:?}");
    assert_eq!(
        serde_json::to_string(&usage.raw).unwrap(),
        record::canonical_string(&usage.raw).unwrap(),
        "{id}"
    );
}

/// Every cut of a short stream, some cuts of a long one, and pieces of one byte.
#[test]
fn the_split_of_a_stream_does_not_matter() {
    let Some(rows) = rows("core.jsonl") else {
        return;
    };
    let mut cuts = 0;
    for row in rows.iter().filter(|row| row["streaming"] == true) {
        if format(row) == Format::Opaque {
            continue;
        }
        let id = text(row, "id");
        let expected = whole(row);
        let bytes = answer(row, |bytes| bytes.iter().map(|b| vec![*b]).collect());
        assert_eq!(bytes, expected, "{id} byte by byte");
        let length = common::body(row).len();
        // Primes, so that the cuts fall on every kind of place.
        let step = match length {
            0..2048 => 1,
            2048..8192 => 13,
            8192..32768 => 499,
            _ => 4001,
        };
        for cut in (cuts % step..length).step_by(step) {
            cuts += 1;
            let read = answer(row, |bytes| vec![bytes[..cut].to_vec(), bytes[cut..].to_vec()]);
            assert_eq!(read, expected, "{id} cut at {cut}");
        }
    }
    println!("{cuts} cuts");
    assert!(cuts > 10_000);
}

#[test]
fn streams_show_their_end_and_nothing_else_does() {
    let Some(rows) = rows("full.jsonl.gz") else {
        return;
    };
    let mut missed = Vec::new();
    for row in rows.iter().filter(|row| row["streaming"] == true) {
        let format = format(row);
        let body = common::body(row);
        if format == Format::Opaque || body.is_empty() {
            continue;
        }
        let read = whole(row);
        let shown = ends_stream(format, &body);
        // The first half of a stream has no end in it; of Bedrock's, the last event alone can be
        // most of it, with what a guardrail tells.
        let start = if row["framing"] == "aws-eventstream" { 10 } else { 2 };
        let start = &body[..body.len() / start];
        assert!(!ends_stream(format, start), "{}", text(row, "id"));
        if !shown || read.truncated {
            missed.push((text(row, "id"), text(row, "host"), shown, read.truncated));
        }
    }
    println!("{} without an end of their own: {missed:#?}", missed.len());
}

#[test]
fn paths_tell_the_format_of_recorded_requests() {
    let Some(rows) = rows("full.jsonl.gz") else {
        return;
    };
    let mut others: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for row in &rows {
        let told = detect(&RequestHead {
            family: Family::Auto,
            method: text(row, "method"),
            path: text(row, "path"),
            content_type: None,
            mcp: false,
        });
        if told != format(row) {
            let path: String = text(row, "path").chars().take(60).collect();
            *others.entry((path, told.as_str())).or_default() += 1;
        }
    }
    // Writer's `/v1/chat` is Cohere's too; Mistral's completions are told by the host alone.
    println!("told otherwise than recorded: {others:#?}");
    assert!(others.values().sum::<u32>() < 60);
}
