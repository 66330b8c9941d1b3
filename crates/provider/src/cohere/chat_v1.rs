//! Chat, version 1: one message, and the history, documents and tools beside it.

use std::fmt::Display;

use record::{PartKind, Role, SkeletonBuilder};
use serde_json::Value;

use crate::framing::Framing;
use crate::json;
use crate::reader::{self, Reader, Stream};
use crate::taker::{self, Field, Taker};
use crate::{ReadRequest, ReadResponse, usage};

use super::stream_v1::ChatV1Stream;
use super::{class, document, documents};

/// Reads chat, version 1.
#[derive(Debug)]
pub(crate) struct ChatV1;

impl Reader for ChatV1 {
    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        // A conversation lies with the provider, and a connector fetches what the model reads.
        for key in ["conversation_id", "connectors"] {
            taker.context_elsewhere |= json::holds(body, key);
        }
        taker.text_at(body, "preamble", Role::System, PartKind::Text);
        for (index, slot) in json::items(body, "chat_history").iter_mut().enumerate() {
            said(taker, slot, format_args!("chat_history[{index}]"));
        }
        taker.text_at(body, "message", Role::User, PartKind::Text);
        tool_results(taker, body);
        documents(taker, body);
        taker.each(body, "tools", Role::System, PartKind::ToolDefinition);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        let id = json::text(body, "response_id").or_else(|| json::text(body, "generation_id"));
        out.response_id = reader::name(id, "response_id_unclear", &mut taker.oddities);
        out.usage = usage::cohere_v1(body);
        for query in json::items(body, "search_queries") {
            let fields: [Field<'_>; 2] =
                [("call_id", &["generation_id"]), ("arguments", &["text"])];
            taker.fields(
                query,
                Role::Assistant,
                PartKind::ToolCall,
                &[("name", "search")],
                &fields,
            );
        }
        for slot in json::items(body, "documents") {
            document(taker, slot, Role::Tool);
        }
        let text = json::filled(body, "text").map(str::to_owned);
        let index = taker.text_at(body, "text", Role::Assistant, PartKind::Text);
        tool_calls(taker, body);
        taker.each(body, "citations", Role::Assistant, PartKind::Citation);
        // The history comes back with the answer at its end. The answer is kept once; the rest is
        // the request's content and stays in the skeleton.
        if let Some(last) = json::items(body, "chat_history").last_mut()
            && let Some(slot) = last.get_mut("message")
            && let Some(index) = index
            && slot.as_str() == text.as_deref()
        {
            *slot = SkeletonBuilder::reference(index);
        }
        if let Some(reason) = json::filled(body, "finish_reason") {
            reader::finish(out, taker, Some(reason), class(reason));
        }
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::Lines, Framing::Sse]
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(ChatV1Stream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        // JSON texts have their quotes escaped, so this stands in no content.
        // The line is long, with the answer in it.
        let mut found = memchr::memmem::find_iter(chunk, br#""event_type":"stream-end""#);
        found.any(|at| {
            let rest = chunk.get(at..).unwrap_or_default();
            rest.contains(&b'\n') || rest.ends_with(b"}")
        })
    }
}

/// Takes a turn of the history.
fn said(taker: &mut Taker, slot: &mut Value, place: impl Display) {
    let word = json::text(slot, "role").unwrap_or_default().to_ascii_lowercase();
    let role = match word.as_str() {
        "chatbot" => Role::Assistant,
        other => taker::role(Some(other), taker, place),
    };
    taker.text_at(slot, "message", role, PartKind::Text);
    tool_calls(taker, slot);
    tool_results(taker, slot);
}

fn tool_calls(taker: &mut Taker, slot: &mut Value) {
    let fields: [Field<'_>; 2] = [("name", &["name"]), ("arguments", &["parameters"])];
    for call in json::items(slot, "tool_calls") {
        taker.fields(call, Role::Assistant, PartKind::ToolCall, &[], &fields);
    }
}

/// Takes results, each of which repeats the call that it belongs to.
fn tool_results(taker: &mut Taker, slot: &mut Value) {
    let fields: [Field<'_>; 3] = [
        ("name", &["call", "name"]),
        ("arguments", &["call", "parameters"]),
        ("content", &["outputs"]),
    ];
    for result in json::items(slot, "tool_results") {
        taker.fields(result, Role::Tool, PartKind::ToolResult, &[], &fields);
    }
}
