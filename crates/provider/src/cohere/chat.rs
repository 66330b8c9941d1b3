//! Chat, version 2: a list of messages.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::openai::named;
use crate::reader::{self, Reader, Stream};
use crate::taker::{self, Field, Taker};
use crate::{ReadRequest, ReadResponse, usage};

use super::stream::ChatStream;
use super::{block, class, documents};

/// Reads chat, version 2.
#[derive(Debug)]
pub(crate) struct Chat;

impl Reader for Chat {
    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        for (index, slot) in json::items(body, "messages").iter_mut().enumerate() {
            let place = format_args!("messages[{index}]");
            let role = taker::role(json::text(slot, "role"), taker, place);
            message(taker, slot, role, place);
        }
        documents(taker, body);
        taker.each(body, "tools", Role::System, PartKind::ToolDefinition);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        let id = json::text(body, "id");
        out.response_id = reader::name(id, "response_id_unclear", &mut taker.oddities);
        out.usage = json::given(body, "usage").and_then(usage::cohere);
        // An error's `message` is a text, and is taken as one.
        if let Some(slot) = body.get_mut("message").filter(|slot| slot.is_object()) {
            message(taker, slot, Role::Assistant, "message");
        }
        if let Some(reason) = json::filled(body, "finish_reason") {
            reader::finish(out, taker, Some(reason), class(reason));
        }
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(ChatStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        named(chunk, "message-end")
    }
}

/// Takes a message apart: the plan, content, tool calls, citations.
fn message(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display + Copy) {
    if role == Role::Tool {
        let fields: [Field<'_>; 2] = [("call_id", &["tool_call_id"]), ("content", &["content"])];
        taker.fields(slot, role, PartKind::ToolResult, &[], &fields);
        return;
    }
    taker.text_at(slot, "tool_plan", role, PartKind::Reasoning);
    match slot.get_mut("content") {
        Some(content @ Value::String(_)) => {
            taker.text(content, role, PartKind::Text);
        }
        Some(Value::Array(blocks)) => {
            for (index, inner) in blocks.iter_mut().enumerate() {
                block(taker, inner, role, format_args!("{place}.content[{index}]"));
            }
        }
        Some(Value::Null) | None => {}
        Some(other) => taker.unknown(other, role, "unknown_content", place),
    }
    for call in json::items(slot, "tool_calls") {
        let fields: [Field<'_>; 3] = [
            ("call_id", &["id"]),
            ("name", &["function", "name"]),
            ("arguments", &["function", "arguments"]),
        ];
        taker.fields(call, role, PartKind::ToolCall, &[], &fields);
    }
    taker.each(slot, "citations", role, PartKind::Citation);
}
