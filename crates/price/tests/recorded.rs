//! The built-in table against what recorded answers say that they cost.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test helpers")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use price::{Call, Prices, Table};
use provider::{End, Format, HeaderTokens, ReadResponse, ResponseHead, ResponseReader};
use record::envelope::Usage;
use serde_json::Value;

/// Recorded answers; said visibly when they are not there.
fn rows() -> Option<Vec<Value>> {
    let shared = std::env::var_os("CUSTODY_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("corpus/traffic/full.jsonl.gz");
    let Ok(bytes) = std::fs::read(&path) else {
        println!("SKIPPED: no recordings at {}", path.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// An answer in one of the formats whose answers tell costs.
fn read(row: &Value) -> Option<ReadResponse> {
    let format = match text(row, "format") {
        "openai.chat_completions" => Format::OpenAiChat,
        "openai.responses" => Format::OpenAiResponses,
        "anthropic.messages" => Format::AnthropicMessages,
        _ => return None,
    };
    let streaming = row["streaming"] == true;
    let content_type = if streaming { "text/event-stream" } else { "application/json" };
    let head = ResponseHead {
        status: 200,
        content_type: Some(content_type),
        tokens: HeaderTokens::default(),
    };
    let mut reader = ResponseReader::new(format, &head);
    reader.push(text(row, "response_body").as_bytes());
    Some(reader.finish(End::Complete))
}

/// Where the recordings' tellers of costs take models from, by the word before the model's name or
/// by the teller itself.
fn provider<'a>(row: &Value, model: &'a str) -> (&'a str, &'a str) {
    match (text(row, "provider"), model.split_once('/')) {
        ("xai", _) => ("xai", model),
        (_, Some(named)) => named,
        _ if model.starts_with("gpt") => ("openai", model),
        _ if model.starts_with("claude") => ("anthropic", model),
        _ => ("groq", model),
    }
}

#[test]
fn the_built_in_table_agrees_with_costs_that_answers_tell() {
    let Some(rows) = rows() else { return };
    let prices = Prices::new(None, Some(Table::built_in().unwrap()));
    let mut agreed: BTreeMap<String, u32> = BTreeMap::new();
    let mut otherwise = Vec::new();
    for row in &rows {
        let Some(read) = read(row) else { continue };
        let (Some(told), Some(usage), Some(model)) =
            (read.cost_micro_usd, &read.usage, &read.model)
        else {
            continue;
        };
        let (provider, model) = provider(row, model);
        let call = Call {
            upstream: provider,
            provider,
            requested: None,
            answered: Some(model),
            served: &[],
            service_tier: read.service_tier.as_deref(),
        };
        let Some(cost) = prices.cost(&call, usage) else { continue };
        // Gateways round each of their summands.
        if cost.micro_usd.abs_diff(told) <= 1 {
            *agreed.entry(format!("{provider} {model}")).or_default() += 1;
            continue;
        }
        let because = reason(row, usage, model);
        otherwise.push((text(row, "id"), model.to_owned(), told, cost.micro_usd, because));
    }
    println!("agreed: {agreed:?}; otherwise: {otherwise:#?}");
    assert!(agreed.values().sum::<u32>() >= 80);
    assert!(otherwise.iter().all(|(.., because)| because.is_some()));
}

/// Why an answer tells another cost than the table.
fn reason(row: &Value, usage: &Usage, model: &str) -> Option<&'static str> {
    let request = text(row, "request_body");
    if text(row, "provider") == "vercel_gateway" && usage.reasoning > 0 {
        Some("this gateway asks for reasoning beside the completion that it counts it in")
    } else if request.contains("openrouter:") || request.contains("file_data") {
        Some("searches, other models as tools and files that are read are paid by themselves")
    } else if model.starts_with("gpt-5.6") {
        Some("it became cheaper after the recording")
    } else {
        None
    }
}
