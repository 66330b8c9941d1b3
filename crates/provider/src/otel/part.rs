//! One part of a message: `gen-ai-input-messages.json` of the conventions.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::take_url;
use crate::taker::{Field, Taker};

/// Takes a part. One of a type that is not known stays whole.
pub(super) fn take(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display) {
    if slot.is_string() {
        taker.text(slot, role, PartKind::Text);
        return;
    }
    let kind = json::text(slot, "type").unwrap_or_default().to_owned();
    match kind.as_str() {
        "text" => text(taker, slot, role, PartKind::Text),
        "reasoning" | "thinking" => {
            text(taker, slot, role, PartKind::Reasoning);
            taker.text_at(slot, "signature", role, PartKind::ReasoningOpaque);
        }
        "refusal" => text(taker, slot, role, PartKind::Refusal),
        "tool_call" => call(taker, slot, "arguments"),
        "server_tool_call" => call(taker, slot, "server_tool_call"),
        "tool_call_response" => {
            let key = if json::given(slot, "response").is_some() { "response" } else { "result" };
            outcome(taker, slot, key);
        }
        "server_tool_call_response" => outcome(taker, slot, "server_tool_call_response"),
        "blob" => {
            let media_type = json::filled(slot, "mime_type").map(str::to_owned);
            let known: Vec<_> = media_type.iter().map(|t| ("media_type", t.as_str())).collect();
            let kind = modality(slot);
            taker.fields(slot, role, kind, &known, &[("data", &["content"])]);
        }
        "file" => {
            let fields: [Field<'_>; 1] = [("file_id", &["file_id"])];
            if taker.fields(slot, role, PartKind::File, &[], &fields).is_some() {
                taker.context_elsewhere = true;
            }
        }
        "uri" => {
            let kind = modality(slot);
            take_url(taker, slot, &["uri"], role, kind);
        }
        "document" => taker.whole(slot, role, PartKind::Document),
        "citation" => taker.whole(slot, role, PartKind::Citation),
        "embedding" => {
            let fields: [Field<'_>; 1] = [("embedding", &["vector"])];
            taker.fields(slot, role, PartKind::Embedding, &[], &fields);
        }
        // The conventions' own word for whatever fits no other type.
        "generic" => taker.whole(slot, role, PartKind::Opaque),
        _ => taker.unknown(slot, role, "unknown_part", place),
    }
}

fn text(taker: &mut Taker, slot: &mut Value, role: Role, kind: PartKind) {
    let key = if json::holds(slot, "content") { "content" } else { "text" };
    match slot.get_mut(key) {
        Some(inner @ Value::String(_)) => {
            taker.text(inner, role, kind);
        }
        Some(inner) => taker.whole(inner, role, kind),
        None => {}
    }
}

fn call(taker: &mut Taker, slot: &mut Value, arguments: &str) {
    let arguments = &[arguments];
    let fields: [Field<'_>; 3] =
        [("call_id", &["id"]), ("name", &["name"]), ("arguments", arguments)];
    taker.fields(slot, Role::Assistant, PartKind::ToolCall, &[], &fields);
}

fn outcome(taker: &mut Taker, slot: &mut Value, content: &str) {
    let content = &[content];
    let fields: [Field<'_>; 2] = [("call_id", &["id"]), ("content", content)];
    taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
}

fn modality(slot: &Value) -> PartKind {
    let word = json::text(slot, "modality").unwrap_or_default();
    let media_type = json::text(slot, "mime_type").unwrap_or_default();
    let told = |kind: &str| word == kind || (word.is_empty() && media_type.starts_with(kind));
    if told("image") {
        PartKind::Image
    } else if told("audio") {
        PartKind::Audio
    } else {
        PartKind::File
    }
}
