//! Amazon Bedrock: Converse, models in their own formats, and the count of tokens.
//!
//! The model stands in the path and nowhere else, and whether a stream is asked for is told by the
//! path too.

mod block;
mod chunks;
mod converse;
mod count;
mod invoke;
mod own;
mod params;
mod stream;
mod usage;

pub(crate) use converse::Converse;
pub(crate) use count::CountTokens;
pub(crate) use invoke::Invoke;

use percent_encoding::percent_decode_str;
use record::{FinishClass, Oddity};
use serde_json::{Map, Value};

use crate::ReadRequest;
use crate::reader::Notes;
use crate::sse::Event;
use crate::word::is_name;

/// Reads `…/model/{id}/{action}`. An id may be an ARN, its slashes and colons encoded or not.
fn target(path: &str, out: &mut ReadRequest) {
    let Some((before, action)) = path.trim_end_matches('/').rsplit_once('/') else {
        return;
    };
    out.stream = action.ends_with("-stream");
    let Some((_, id)) = before.split_once("/model/") else {
        return;
    };
    match percent_decode_str(id).decode_utf8() {
        Ok(name) if is_name(&name) => out.model = Some(name.into_owned()),
        _ => out.oddities.push(Oddity::new("model_unclear")),
    }
}

/// Takes an exception of a stream: the error that the call ended in, although its status was 200.
fn fail(event: &Event<'_>, notes: &mut Notes) {
    let mut error = Map::new();
    let name = event.event.as_deref().unwrap_or("exception");
    error.insert("type".to_owned(), Value::from(name));
    match crate::json::parse(event.data.as_bytes()).map(|document| document.value) {
        Ok(Value::Object(members)) if !members.contains_key("type") => error.extend(members),
        Ok(other) => {
            error.insert("exception".to_owned(), other);
        }
        Err(_) => {
            error.insert("message".to_owned(), Value::from(event.data.as_ref()));
        }
    }
    notes.terminal = true;
    notes.fail(Value::Object(error));
}

/// The class of a reason, in the words of Converse and of the models' own formats.
fn class(reason: &str) -> FinishClass {
    match reason.to_ascii_lowercase().as_str() {
        "end_turn" | "stop_sequence" | "stop" | "eos" | "finish" | "finished" | "complete"
        | "endoftext" | "stop_criteria_met" | "success" => FinishClass::Stop,
        "max_tokens"
        | "model_context_window_exceeded"
        | "length"
        | "model_length"
        | "error_limit" => FinishClass::Length,
        "tool_use" | "tool_call" | "tool_calls" => FinishClass::ToolCall,
        "guardrail_intervened" | "content_filtered" | "content_filter" | "error_toxic" => {
            FinishClass::ContentFilter
        }
        "refusal" => FinishClass::Refusal,
        "error" | "malformed_model_output" | "malformed_tool_use" => FinishClass::Error,
        _ => FinishClass::Unknown,
    }
}

/// Whether bytes hold the headers of an exception or an error. A text has no such bytes: JSON
/// escapes them.
fn ends_in_failure(chunk: &[u8]) -> bool {
    [b":message-type\x07\x00\x09exception".as_slice(), b":message-type\x07\x00\x05error"]
        .iter()
        .any(|header| memchr::memmem::find(chunk, header).is_some())
}
