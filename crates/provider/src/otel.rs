//! A call as telemetry tells of it, in the message shapes of OpenTelemetry's GenAI conventions
//! (`gen_ai.input.messages` and its kin, JSON schemas of v1.37 to v1.41).
//!
//! No provider sends these bodies. Whoever takes in spans writes them, so that what is told goes the
//! way of what was seen:
//!
//! ```text
//! request  {"operation","model","stream","params":{…},"system_instructions":[part],
//!           "messages":[{"role","parts":[part]}],"tools":[…],"span":{…},"attributes":{…}}
//! answer   {"id","model","fingerprint","messages":[{"role","parts","finish_reason"}],
//!           "finish_reasons":[…],"usage":{…},"error":{"type","message"}}
//! ```

mod part;
mod usage;

use record::envelope::Params;
use record::{FinishClass, Operation, PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::params;
use crate::reader::{self, Reader, name};
use crate::taker::{self, Taker};
use crate::{ReadRequest, ReadResponse};

/// Reads calls of telemetry.
#[derive(Debug)]
pub(crate) struct Otel;

impl Reader for Otel {
    fn params(&self, body: &Value) -> Params {
        body.get("params").map(params::read).unwrap_or_default()
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        if let Some(word) = json::filled(body, "operation") {
            out.operation = operation(word);
        }
        if let Some(previous) = json::text(body, "previous_response_id") {
            let oddities = &mut taker.oddities;
            out.previous_response = name(Some(previous), "response_id_unclear", oddities);
            taker.context_elsewhere = true;
        }
        for (index, slot) in json::items(body, "system_instructions").iter_mut().enumerate() {
            part::take(taker, slot, Role::System, format_args!("system_instructions[{index}]"));
        }
        messages(body, taker, Role::User);
        taker.each(body, "tools", Role::System, PartKind::ToolDefinition);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        let oddities = &mut taker.oddities;
        out.model = name(json::text(body, "model"), "model_unclear", oddities);
        out.response_id = name(json::text(body, "id"), "response_id_unclear", oddities);
        out.fingerprint = name(json::text(body, "fingerprint"), "fingerprint_unclear", oddities);
        out.usage = json::given(body, "usage").and_then(|told| usage::read(told, oddities));
        let mut reasons = texts(body, "finish_reasons");
        if reasons.is_empty() {
            let each = json::items(body, "messages").iter();
            reasons =
                each.filter_map(|m| json::filled(m, "finish_reason")).map(str::to_owned).collect();
        }
        messages(body, taker, Role::Assistant);
        for reason in &reasons {
            reader::finish(out, taker, Some(reason), class(reason));
        }
    }
}

/// The conventions' `gen_ai.operation.name` and the words that others use for the same.
fn operation(word: &str) -> Operation {
    match word {
        "chat" => Operation::Chat,
        "text_completion" | "completion" => Operation::Completion,
        "generate_content" => Operation::Generate,
        "embeddings" | "embedding" => Operation::Embeddings,
        "responses" => Operation::Responses,
        "rerank" => Operation::Rerank,
        _ => Operation::Other,
    }
}

fn texts(body: &Value, key: &str) -> Vec<String> {
    let items = body.get(key).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn messages(body: &mut Value, taker: &mut Taker, speaker: Role) {
    for (index, message) in json::items(body, "messages").iter_mut().enumerate() {
        let place = format_args!("messages[{index}]");
        if !message.is_object() {
            part::take(taker, message, speaker, place);
            continue;
        }
        let role = match json::filled(message, "role") {
            None => speaker,
            word => taker::role(word, taker, place),
        };
        for (inner, slot) in json::items(message, "parts").iter_mut().enumerate() {
            part::take(taker, slot, role, format_args!("messages[{index}].parts[{inner}]"));
        }
    }
}

/// The class of a reason: the conventions' words, and those of providers that exporters pass on.
fn class(reason: &str) -> FinishClass {
    let word = reason.to_ascii_lowercase();
    match word.strip_prefix("finish_reason_").unwrap_or(&word) {
        "stop" | "end_turn" | "stop_sequence" | "complete" | "completed" | "eos" => {
            FinishClass::Stop
        }
        "length" | "max_tokens" | "model_length" | "max_output_tokens" | "incomplete" => {
            FinishClass::Length
        }
        "tool_call" | "tool_calls" | "tool_use" | "function_call" => FinishClass::ToolCall,
        "content_filter"
        | "content_filtered"
        | "safety"
        | "recitation"
        | "blocklist"
        | "prohibited_content"
        | "spii"
        | "guardrail_intervened" => FinishClass::ContentFilter,
        "refusal" => FinishClass::Refusal,
        "error" | "failed" => FinishClass::Error,
        _ => FinishClass::Unknown,
    }
}

#[cfg(test)]
mod tests;
