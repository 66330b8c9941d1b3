//! Responses.

mod item;
mod stream;

use record::{FinishClass, PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::reader::{self, Reader, Stream};
use crate::taker::Taker;
use crate::{ReadRequest, ReadResponse, usage};

use super::{content, head, line_start};
use item::item;

/// Reads Responses.
#[derive(Debug)]
pub(crate) struct Responses;

impl Reader for Responses {
    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        out.previous_response = json::filled(body, "previous_response_id").map(str::to_owned);
        for key in ["previous_response_id", "conversation", "prompt"] {
            taker.context_elsewhere |= json::holds(body, key);
        }
        match body.get_mut("instructions") {
            Some(Value::Array(items)) => {
                for (index, slot) in items.iter_mut().enumerate() {
                    item(taker, slot, Role::System, format_args!("instructions[{index}]"));
                }
            }
            Some(slot) => {
                taker.text(slot, Role::System, PartKind::Text);
            }
            None => {}
        }
        match body.get_mut("input") {
            Some(slot @ Value::String(_)) => {
                taker.text(slot, Role::User, PartKind::Text);
            }
            Some(Value::Array(items)) => {
                for (index, slot) in items.iter_mut().enumerate() {
                    item(taker, slot, Role::User, format_args!("input[{index}]"));
                }
            }
            _ => {}
        }
        content::tools(taker, body);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        out.usage = json::given(body, "usage").and_then(|u| usage::openai(u, &mut taker.oddities));
        let asked = finish_class(body);
        let status = json::filled(body, "status").map(str::to_owned);
        let reason =
            body.pointer("/incomplete_details/reason").and_then(Value::as_str).map(str::to_owned);
        // The echo of instructions and tools is the request's content, not the answer's; it stays
        // in the skeleton.
        for (index, slot) in json::items(body, "output").iter_mut().enumerate() {
            item(taker, slot, Role::Assistant, format_args!("output[{index}]"));
        }
        if status.is_some() || reason.is_some() {
            reader::finish(out, taker, reason.or(status).as_deref(), asked);
        }
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(stream::ResponseStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        ["response.completed", "response.incomplete", "response.failed", "error"]
            .iter()
            .any(|event| named(chunk, event))
    }
}

/// Whether a piece of a stream holds the line `event: name`, or its JSON `"type":"name"`, which
/// inside of a text would have its quotes escaped.
pub(crate) fn named(chunk: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(chunk, name).any(|at| {
        let before = chunk.get(..at).unwrap_or_default();
        let after = chunk.get(at + name.len());
        let line = before.trim_ascii_end().strip_suffix(b"event:");
        if line.is_some_and(line_start) {
            return matches!(after, None | Some(b'\n' | b'\r'));
        }
        // `error` is a value of other members too; only an event line counts for it.
        name != "error"
            && after == Some(&b'"')
            && before
                .strip_suffix(b"\"")
                .map(<[u8]>::trim_ascii_end)
                .and_then(|rest| rest.strip_suffix(b":"))
                .map(<[u8]>::trim_ascii_end)
                .is_some_and(|rest| rest.ends_with(b"\"type\""))
    })
}

fn finish_class(body: &Value) -> FinishClass {
    let reason = body.pointer("/incomplete_details/reason").and_then(Value::as_str);
    match (json::text(body, "status"), reason) {
        (Some("failed"), _) => FinishClass::Error,
        (_, Some("content_filter")) => FinishClass::ContentFilter,
        (_, Some("max_output_tokens" | "max_tokens")) => FinishClass::Length,
        (Some("completed"), _) => asked_for(body),
        _ => FinishClass::Unknown,
    }
}

/// What a completed answer ends in: a refusal, a call of the application's tools, or words.
fn asked_for(body: &Value) -> FinishClass {
    let items = body.get("output").and_then(Value::as_array);
    let mut class = FinishClass::Stop;
    for item in items.into_iter().flatten() {
        match json::text(item, "type") {
            Some(
                "function_call"
                | "custom_tool_call"
                | "computer_call"
                | "local_shell_call"
                | "shell_call"
                | "apply_patch_call"
                | "mcp_approval_request",
            ) => class = FinishClass::ToolCall,
            Some("tool_search_call") if json::text(item, "execution") == Some("client") => {
                class = FinishClass::ToolCall;
            }
            _ => {
                let blocks = item.get("content").and_then(Value::as_array);
                let mut blocks = blocks.into_iter().flatten();
                if blocks.any(|block| json::text(block, "type") == Some("refusal")) {
                    return FinishClass::Refusal;
                }
            }
        }
    }
    class
}
