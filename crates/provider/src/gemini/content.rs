//! Contents and their parts.

use std::fmt::Arguments;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::take_url;
use crate::taker::{self, Field, Taker};

use super::{Name, get, key};

pub(super) const CODE: Name = ("executableCode", "executable_code");
pub(super) const CODE_RESULT: Name = ("codeExecutionResult", "code_execution_result");
pub(super) const FILE: Name = ("fileData", "file_data");
pub(super) const FUNCTION_CALL: Name = ("functionCall", "function_call");
pub(super) const FUNCTION_RESPONSE: Name = ("functionResponse", "function_response");
pub(super) const INLINE: Name = ("inlineData", "inline_data");
pub(super) const PARTS: Name = ("parts", "parts");
pub(super) const SIGNATURE: Name = ("thoughtSignature", "thought_signature");
pub(super) const TEXT: Name = ("text", "text");
pub(super) const TOOL_CALL: Name = ("toolCall", "tool_call");
pub(super) const TOOL_RESPONSE: Name = ("toolResponse", "tool_response");
const FILE_URI: Name = ("fileUri", "file_uri");
const MIME_TYPE: Name = ("mimeType", "mime_type");
const PARTIAL_ARGS: Name = ("partialArgs", "partial_args");
const TOOL_TYPE: Name = ("toolType", "tool_type");

/// What a part can be.
const DATA: [Name; 9] = [
    TEXT,
    INLINE,
    FILE,
    FUNCTION_CALL,
    FUNCTION_RESPONSE,
    CODE,
    CODE_RESULT,
    TOOL_CALL,
    TOOL_RESPONSE,
];

/// What stands beside it.
const BESIDE: [Name; 5] = [
    ("thought", "thought"),
    SIGNATURE,
    ("videoMetadata", "video_metadata"),
    ("mediaResolution", "media_resolution"),
    ("partMetadata", "part_metadata"),
];

/// Who speaks in a content.
#[derive(Clone, Copy)]
pub(super) enum Speaker {
    /// Known by the place.
    Is(Role),
    /// Told by the content's role; a single turn needs none and is the user's.
    Told,
}

/// Takes a content: its parts, a part without a content around it, a text, or a list of these.
pub(super) fn content(taker: &mut Taker, slot: &mut Value, speaker: Speaker, place: Arguments<'_>) {
    let role = match (speaker, json::text(slot, "role")) {
        (Speaker::Is(role), _) => role,
        (Speaker::Told, None) => Role::User,
        (Speaker::Told, word) => taker::role(word, taker, place),
    };
    match slot {
        Value::Array(items) => {
            for (index, slot) in items.iter_mut().enumerate() {
                content(taker, slot, speaker, format_args!("{place}[{index}]"));
            }
        }
        Value::Object(members) if members.contains_key(PARTS.0) => {
            parts(taker, slot, role, place);
        }
        // `{"role":"model"}` alone is an answer that holds nothing.
        Value::Object(members) if members.keys().all(|key| key == "role") => {}
        _ => part(taker, slot, role, place),
    }
}

/// Takes an object's `parts`: a list or one of them.
fn parts(taker: &mut Taker, object: &mut Value, role: Role, place: Arguments<'_>) {
    match object.get_mut(PARTS.0) {
        Some(Value::Array(parts)) => {
            for (index, slot) in parts.iter_mut().enumerate() {
                part(taker, slot, role, format_args!("{place}.parts[{index}]"));
            }
        }
        Some(slot) => part(taker, slot, role, format_args!("{place}.parts")),
        None => {}
    }
}

/// Takes one part. Its signature follows what it signs.
fn part(taker: &mut Taker, slot: &mut Value, role: Role, place: Arguments<'_>) {
    match slot {
        Value::Null => return,
        Value::String(_) => {
            taker.text(slot, role, PartKind::Text);
            return;
        }
        Value::Object(members) => {
            let named = |names: &[Name], word: &str| {
                names.iter().any(|name| word == name.0 || word == name.1)
            };
            let known = members.keys().any(|word| named(&DATA, word));
            if !known && members.keys().any(|word| !named(&BESIDE, word)) {
                return taker.unknown(slot, role, "unknown_block", place);
            }
        }
        _ => return taker.unknown(slot, role, "unknown_content", place),
    }
    let kind = if is_thought(slot) { PartKind::Reasoning } else { PartKind::Text };
    taker.text_at(slot, TEXT.0, role, kind);
    media(taker, slot, role);
    call(taker, slot);
    result(taker, slot, place);
    if let Some(key) = key(slot, SIGNATURE) {
        taker.text_at(slot, key, role, PartKind::ReasoningOpaque);
    }
}

/// Whether a part is a thought that the provider shows.
fn is_thought(part: &Value) -> bool {
    part.get("thought").and_then(Value::as_bool) == Some(true)
}

fn media(taker: &mut Taker, slot: &mut Value, role: Role) {
    if let Some((outer, data)) = inside(slot, INLINE) {
        let kind = media_kind(data);
        let path = [outer, key(data, MIME_TYPE).unwrap_or(MIME_TYPE.0)];
        let fields: [Field<'_>; 2] = [("media_type", &path), ("data", &[outer, "data"])];
        taker.fields(slot, role, kind, &[], &fields);
    }
    if let Some((outer, data)) = inside(slot, FILE) {
        let kind = media_kind(data);
        let path = [outer, key(data, FILE_URI).unwrap_or(FILE_URI.0)];
        take_url(taker, slot, &path, role, kind);
    }
}

/// A member and the spelling of its name.
fn inside(slot: &Value, name: Name) -> Option<(&'static str, &Value)> {
    let key = key(slot, name)?;
    Some((key, slot.get(key)?))
}

fn media_kind(data: &Value) -> PartKind {
    let told = get(data, MIME_TYPE).and_then(Value::as_str).unwrap_or_default();
    match told.split('/').next() {
        Some("image") => PartKind::Image,
        Some("audio") => PartKind::Audio,
        _ => PartKind::File,
    }
}

/// Takes calls: of the application's functions, of the provider's tools, of code.
fn call(taker: &mut Taker, slot: &mut Value) {
    let role = Role::Assistant;
    if let Some((outer, data)) = inside(slot, FUNCTION_CALL) {
        // Arguments that a stream was cut in stand in pieces.
        let pieces = key(data, PARTIAL_ARGS).filter(|_| json::given(data, "args").is_none());
        let arguments = [outer, pieces.unwrap_or("args")];
        let fields: [Field<'_>; 3] =
            [("call_id", &[outer, "id"]), ("name", &[outer, "name"]), ("arguments", &arguments)];
        taker.fields(slot, role, PartKind::ToolCall, &[], &fields);
    }
    if let Some((outer, data)) = inside(slot, TOOL_CALL) {
        let name = [outer, key(data, TOOL_TYPE).unwrap_or(TOOL_TYPE.0)];
        let fields: [Field<'_>; 3] =
            [("call_id", &[outer, "id"]), ("name", &name), ("arguments", &[outer, "args"])];
        taker.fields(slot, role, PartKind::ToolCall, &[], &fields);
    }
    if let Some(outer) = key(slot, CODE) {
        let fields: [Field<'_>; 3] = [
            ("call_id", &[outer, "id"]),
            ("arguments", &[outer, "code"]),
            ("language", &[outer, "language"]),
        ];
        let known = [("name", "code_execution")];
        taker.fields(slot, role, PartKind::ToolCall, &known, &fields);
    }
}

/// Takes what was answered to them. Without an id the name alone says what was answered.
fn result(taker: &mut Taker, slot: &mut Value, place: Arguments<'_>) {
    if let Some((outer, data)) = inside(slot, FUNCTION_RESPONSE) {
        let media = data.get(PARTS.0).is_some();
        let fields: [Field<'_>; 3] = [
            ("call_id", &[outer, "id"]),
            ("name", &[outer, "name"]),
            ("content", &[outer, "response"]),
        ];
        taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
        if let Some(response) = slot.get_mut(outer).filter(|_| media) {
            parts(taker, response, Role::Tool, format_args!("{place}.{outer}"));
        }
    }
    if let Some((outer, data)) = inside(slot, TOOL_RESPONSE) {
        let name = [outer, key(data, TOOL_TYPE).unwrap_or(TOOL_TYPE.0)];
        let fields: [Field<'_>; 3] =
            [("call_id", &[outer, "id"]), ("name", &name), ("content", &[outer, "response"])];
        taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
    }
    if let Some(outer) = key(slot, CODE_RESULT) {
        let fields: [Field<'_>; 3] = [
            ("call_id", &[outer, "id"]),
            ("content", &[outer, "output"]),
            ("outcome", &[outer, "outcome"]),
        ];
        let known = [("name", "code_execution")];
        taker.fields(slot, Role::Tool, PartKind::ToolResult, &known, &fields);
    }
}
