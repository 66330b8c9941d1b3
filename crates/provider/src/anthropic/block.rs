//! Content blocks.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::{take_file_id, take_url};
use crate::taker::{Field, Taker};

/// Takes a message's content: a text or a list of blocks.
pub(crate) fn content(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display + Copy) {
    match slot {
        Value::String(_) => {
            taker.text(slot, role, PartKind::Text);
        }
        Value::Array(blocks) => {
            for (index, slot) in blocks.iter_mut().enumerate() {
                let place = format_args!("{place}.content[{index}]");
                block(taker, slot, role, place);
            }
        }
        Value::Null => {}
        _ => taker.unknown(slot, role, "unknown_content", place),
    }
}

/// Takes one block.
pub(crate) fn block(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display) {
    if slot.is_string() {
        taker.text(slot, role, PartKind::Text);
        return;
    }
    let kind = json::text(slot, "type").unwrap_or_default().to_owned();
    match kind.as_str() {
        "text" => {
            taker.text_at(slot, "text", role, PartKind::Text);
            taker.each(slot, "citations", role, PartKind::Citation);
        }
        "thinking" => {
            taker.text_at(slot, "thinking", role, PartKind::Reasoning);
            taker.text_at(slot, "signature", role, PartKind::ReasoningOpaque);
        }
        "redacted_thinking" => {
            taker.text_at(slot, "data", role, PartKind::ReasoningOpaque);
        }
        // A summary that the model goes on with; the application does not show it.
        "compaction" => {
            taker.text_at(slot, "content", role, PartKind::Reasoning);
            taker.text_at(slot, "encrypted_content", role, PartKind::ReasoningOpaque);
        }
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            let fields: [Field<'_>; 3] =
                [("call_id", &["id"]), ("name", &["name"]), ("arguments", &["input"])];
            taker.fields(slot, Role::Assistant, PartKind::ToolCall, &[], &fields);
        }
        // Results of the provider's own tools: `web_search_tool_result` and others.
        word if word == "tool_result" || word.ends_with("_tool_result") => {
            let fields: [Field<'_>; 3] = [
                ("call_id", &["tool_use_id"]),
                ("content", &["content"]),
                ("is_error", &["is_error"]),
            ];
            taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
        }
        "image" | "document" => source(taker, slot, role, &kind),
        "search_result" => taker.whole(slot, role, PartKind::Document),
        "tool_addition" => {
            if let Some(tool) = slot.get_mut("tool") {
                taker.whole(tool, Role::System, PartKind::ToolDefinition);
            }
        }
        "container_upload" => take_file_id(taker, slot, &["file_id"], role),
        // Where another model went on; the names are told as served.
        "fallback" => {}
        _ => taker.unknown(slot, role, "unknown_block", place),
    }
}

fn source(taker: &mut Taker, slot: &mut Value, role: Role, kind: &str) {
    let part = if kind == "image" { PartKind::Image } else { PartKind::Document };
    let told = slot.get("source").and_then(|s| json::text(s, "type"));
    match told.unwrap_or_default() {
        "url" => take_url(taker, slot, &["source", "url"], role, part),
        "file" => take_file_id(taker, slot, &["source", "file_id"], role),
        _ => {
            let fields: [Field<'_>; 5] = [
                ("title", &["title"]),
                ("context", &["context"]),
                ("media_type", &["source", "media_type"]),
                ("data", &["source", "data"]),
                ("content", &["source", "content"]),
            ];
            taker.fields(slot, role, part, &[], &fields);
        }
    }
}
