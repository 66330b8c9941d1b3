//! Content blocks of Converse: objects whose one member names what they are.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::taker::{Field, Taker};

/// Members of a block that hold content.
const KNOWN: &[&str] = &[
    "audio",
    "cachePoint",
    "citationsContent",
    "document",
    "guardContent",
    "image",
    "reasoningContent",
    "searchResult",
    "text",
    "toolResult",
    "toolUse",
    "video",
];

/// Takes a list of blocks, or the one text that some models take instead.
pub(super) fn content(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display + Copy) {
    match slot {
        Value::String(_) => {
            taker.text(slot, role, PartKind::Text);
        }
        Value::Array(blocks) => {
            for (index, slot) in blocks.iter_mut().enumerate() {
                block(taker, slot, role, format_args!("{place}[{index}]"));
            }
        }
        Value::Null => {}
        _ => taker.unknown(slot, role, "unknown_content", place),
    }
}

/// Takes one block.
pub(super) fn block(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display) {
    let Value::Object(members) = slot else {
        return taker.unknown(slot, role, "unknown_block", place);
    };
    let unknown = |(key, member): (&String, &Value)| {
        (member.is_object() || member.is_array()) && !KNOWN.contains(&key.as_str())
    };
    // A block with nothing in it that is known.
    let nothing = !members.keys().any(|key| KNOWN.contains(&key.as_str()));
    if nothing || members.iter().any(unknown) {
        return taker.unknown(slot, role, "unknown_block", place);
    }
    for (key, member) in members {
        take(taker, key, member, role);
    }
}

fn take(taker: &mut Taker, key: &str, member: &mut Value, role: Role) {
    match key {
        "text" => {
            taker.text(member, role, PartKind::Text);
        }
        "toolUse" => {
            let fields: [Field<'_>; 3] =
                [("call_id", &["toolUseId"]), ("name", &["name"]), ("arguments", &["input"])];
            taker.fields(member, Role::Assistant, PartKind::ToolCall, &[], &fields);
        }
        "toolResult" => {
            for item in json::items(member, "content") {
                for kind in ["image", "document", "video", "audio"] {
                    taker.context_elsewhere |= elsewhere(item.get(kind));
                }
            }
            let fields: [Field<'_>; 3] =
                [("call_id", &["toolUseId"]), ("content", &["content"]), ("status", &["status"])];
            taker.fields(member, Role::Tool, PartKind::ToolResult, &[], &fields);
        }
        "reasoningContent" => {
            if let Some(text) = member.get_mut("reasoningText") {
                taker.text_at(text, "text", role, PartKind::Reasoning);
                taker.text_at(text, "signature", role, PartKind::ReasoningOpaque);
            }
            taker.text_at(member, "redactedContent", role, PartKind::ReasoningOpaque);
        }
        "citationsContent" => {
            for text in json::items(member, "content") {
                taker.text_at(text, "text", role, PartKind::Text);
            }
            taker.each(member, "citations", role, PartKind::Citation);
        }
        "searchResult" => taker.whole(member, role, PartKind::Document),
        "guardContent" => {
            if let Some(text) = member.get_mut("text") {
                taker.text_at(text, "text", role, PartKind::Text);
            }
            if let Some(image) = member.get_mut("image") {
                media(taker, image, role, "image");
            }
        }
        "image" | "video" | "audio" | "document" => media(taker, member, role, key),
        _ => {}
    }
}

/// Takes an image, a video, sound or a document: bytes, text, or a place in S3 that the provider
/// reads itself.
pub(super) fn media(taker: &mut Taker, object: &mut Value, role: Role, what: &str) {
    if elsewhere(Some(object)) {
        taker.context_elsewhere = true;
        taker.fields(
            object,
            role,
            PartKind::Uri,
            &[],
            &[("uri", &["source", "s3Location", "uri"])],
        );
        return;
    }
    let kind = match what {
        "image" => PartKind::Image,
        "audio" => PartKind::Audio,
        "document" => PartKind::Document,
        _ => PartKind::File,
    };
    let told = json::text(object, "format").and_then(|format| media_type(what, format));
    let known: Vec<_> = told.iter().map(|told| ("media_type", told.as_str())).collect();
    let fields: [Field<'_>; 5] = [
        ("title", &["name"]),
        ("context", &["context"]),
        ("data", &["source", "bytes"]),
        ("text", &["source", "text"]),
        ("content", &["source", "content"]),
    ];
    taker.fields(object, role, kind, &known, &fields);
}

fn elsewhere(media: Option<&Value>) -> bool {
    let place = media.and_then(|media| media.get("source")?.get("s3Location"));
    place.is_some_and(|place| json::holds(place, "uri"))
}

/// The media type of a `format`.
fn media_type(what: &str, format: &str) -> Option<String> {
    let name = match (what, format) {
        ("document", "pdf") => "application/pdf",
        ("document", "csv") => "text/csv",
        ("document", "html") => "text/html",
        ("document", "txt") => "text/plain",
        ("document", "md") => "text/markdown",
        ("document", "doc") => "application/msword",
        ("document", "docx") => {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        }
        ("document", "xls") => "application/vnd.ms-excel",
        ("document", "xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ("video", "mov") => "video/quicktime",
        ("video", "mkv") => "video/x-matroska",
        ("video", "flv") => "video/x-flv",
        ("video", "wmv") => "video/x-ms-wmv",
        ("video", "mpg") => "video/mpeg",
        ("video", "three_gp") => "video/3gpp",
        ("image" | "video" | "audio", format) if crate::word::is_word(format, 16) => {
            return Some(format!("{what}/{format}"));
        }
        _ => return None,
    };
    Some(name.to_owned())
}
