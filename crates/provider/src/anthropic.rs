//! Anthropic Messages.

mod block;
mod stream;

use record::{FinishClass, PartKind, Role};
use serde_json::Value;

use crate::gemini;
use crate::json;
use crate::openai::named;
use crate::reader::{self, Reader, Stream};
use crate::taker::{self, Taker};
use crate::{ReadRequest, ReadResponse, usage};

use block::{block, content};

/// Reads Messages.
#[derive(Debug)]
pub(crate) struct Anthropic;

impl Reader for Anthropic {
    /// Vertex has the model in the path; Anthropic's own paths have no colon.
    fn target(&self, path: &str, out: &mut ReadRequest) {
        gemini::target(path, out);
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        // A container holds files of earlier calls.
        taker.context_elsewhere |= match body.get("container") {
            Some(Value::String(id)) => !id.is_empty(),
            Some(container) => json::holds(container, "id"),
            None => false,
        };
        if let Some(system) = body.get_mut("system") {
            content(taker, system, Role::System, "system");
        }
        for (index, message) in json::items(body, "messages").iter_mut().enumerate() {
            let place = format_args!("messages[{index}]");
            let word = json::text(message, "role");
            let role = taker::role(word, taker, place);
            if let Some(slot) = message.get_mut("content") {
                content(taker, slot, role, place);
            }
        }
        taker.each(body, "tools", Role::System, PartKind::ToolDefinition);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        let oddities = &mut taker.oddities;
        out.model = reader::name(json::text(body, "model"), "model_unclear", oddities);
        out.response_id = reader::name(json::text(body, "id"), "response_id_unclear", oddities);
        out.usage = json::given(body, "usage").and_then(usage::anthropic);
        for (index, slot) in json::items(body, "content").iter_mut().enumerate() {
            if json::text(slot, "type") == Some("fallback") {
                served(slot, taker, out);
            }
            let place = format_args!("content[{index}]");
            block(taker, slot, Role::Assistant, place);
        }
        if let Some(reason) = json::filled(body, "stop_reason") {
            let class = match reason {
                "end_turn" | "stop_sequence" => FinishClass::Stop,
                "max_tokens" | "model_context_window_exceeded" => FinishClass::Length,
                "tool_use" => FinishClass::ToolCall,
                "refusal" => FinishClass::Refusal,
                _ => FinishClass::Unknown,
            };
            reader::finish(out, taker, Some(reason), class);
        }
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(stream::MessageStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        named(chunk, "message_stop") || named(chunk, "error")
    }
}

/// Takes the models of a `fallback` block: another model goes on from here.
fn served(block: &Value, taker: &mut Taker, out: &mut ReadResponse) {
    for end in ["from", "to"] {
        let model = block.get(end).and_then(|end| json::text(end, "model").or(end.as_str()));
        let model = reader::name(model, "model_unclear", &mut taker.oddities);
        if let Some(model) = model
            && out.served.last() != Some(&model)
        {
            out.served.push(model);
        }
    }
}
