//! Content blocks of prompts and of sampling, and resources.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::taker::{self, Field, Taker};

/// Takes the messages of a prompt or of a request for sampling.
pub(super) fn messages(taker: &mut Taker, object: &mut Value) {
    for (index, message) in json::items(object, "messages").iter_mut().enumerate() {
        let place = format_args!("messages[{index}]");
        let role = taker::role(json::text(message, "role"), taker, place);
        if let Some(content) = message.get_mut("content") {
            blocks(taker, content, role, place);
        }
    }
}

/// Takes a block, or a list of them.
pub(super) fn blocks(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display + Copy) {
    match slot {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                block(taker, item, role, format_args!("{place}.content[{index}]"));
            }
        }
        one => block(taker, one, role, place),
    }
}

pub(super) fn block(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display) {
    let kind = json::text(slot, "type").unwrap_or_default().to_owned();
    match kind.as_str() {
        "text" => {
            taker.text_at(slot, "text", role, PartKind::Text);
        }
        "image" | "audio" => {
            let part = if kind == "image" { PartKind::Image } else { PartKind::Audio };
            let fields: [Field<'_>; 2] = [("media_type", &["mimeType"]), ("data", &["data"])];
            taker.fields(slot, role, part, &[], &fields);
        }
        "resource" => resource(taker, slot, &["resource"], place),
        "resource_link" => {
            let fields: [Field<'_>; 3] =
                [("uri", &["uri"]), ("title", &["title"]), ("media_type", &["mimeType"])];
            taker.fields(slot, role, PartKind::Uri, &[], &fields);
        }
        "tool_use" => {
            let fields: [Field<'_>; 3] =
                [("call_id", &["id"]), ("name", &["name"]), ("arguments", &["input"])];
            taker.fields(slot, Role::Assistant, PartKind::ToolCall, &[], &fields);
        }
        "tool_result" => {
            let fields: [Field<'_>; 4] = [
                ("call_id", &["toolUseId"]),
                ("content", &["content"]),
                ("structured_content", &["structuredContent"]),
                ("is_error", &["isError"]),
            ];
            taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
        }
        _ => taker.unknown(slot, role, "unknown_block", place),
    }
}

/// Takes a resource at `path` as a document: its text, or its bytes in base64.
pub(super) fn resource(taker: &mut Taker, slot: &mut Value, path: &[&str], place: impl Display) {
    let inner = path.iter().try_fold(&mut *slot, |value, key| value.get_mut(*key));
    let Some(inner) = inner.filter(|inner| inner.is_object()) else {
        return taker.unknown(slot, Role::Tool, "unknown_block", place);
    };
    let fields: [Field<'_>; 4] = [
        ("uri", &["uri"]),
        ("media_type", &["mimeType"]),
        ("text", &["text"]),
        ("data", &["blob"]),
    ];
    taker.fields(inner, Role::Tool, PartKind::Document, &[], &fields);
}
