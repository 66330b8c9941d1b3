//! One chat message, of a request or of an answer.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::openai::content::content;
use crate::taker::{self, Taker};

/// Takes a message apart: thoughts, content, refusal, tool calls, in this order.
pub(crate) fn message(
    taker: &mut Taker,
    slot: &mut Value,
    speaker: Option<Role>,
    place: impl Display + Copy,
) {
    if !slot.is_object() {
        match slot {
            Value::Null => {}
            Value::String(_) => {
                taker.text(slot, speaker.unwrap_or(Role::User), PartKind::Text);
            }
            _ => taker.unknown(slot, Role::User, "unknown_message", place),
        }
        return;
    }
    let word = json::text(slot, "role");
    let role = match (word, speaker) {
        // Compatible providers leave out an answer's role, or call it otherwise.
        (_, Some(speaker)) => speaker,
        (Some("function"), None) => {
            let fields: &[(&'static str, &[&str])] =
                &[("name", &["name"]), ("content", &["content"])];
            taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], fields);
            return;
        }
        (Some("tool"), None) => {
            let fields: &[(&'static str, &[&str])] =
                &[("call_id", &["tool_call_id"]), ("content", &["content"])];
            taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], fields);
            return;
        }
        (word, None) => taker::role(word, taker, place),
    };
    reasoning(taker, slot, role);
    if let Some(inner) = slot.get_mut("content") {
        content(taker, inner, role, place);
    }
    taker.text_at(slot, "refusal", role, PartKind::Refusal);
    if let Some(audio) = slot.get_mut("audio") {
        taker.text_at(audio, "transcript", role, PartKind::Text);
        let data: &[(&'static str, &[&str])] = &[("data", &["data"])];
        taker.fields(audio, role, PartKind::Audio, &[], data);
        if role == Role::Assistant && json::given(audio, "data").is_none() && audio.is_object() {
            // History names the provider's own recording by its id.
            taker.context_elsewhere |= speaker.is_none();
        }
    }
    for key in ["images", "videos"] {
        if slot.get(key).is_some_and(Value::is_array)
            && let Some(images) = slot.get_mut(key)
        {
            content(taker, images, role, place);
        }
    }
    taker.each(slot, "annotations", role, PartKind::Citation);
    for call in json::items(slot, "tool_calls") {
        tool_call(taker, call, role);
    }
    if let Some(call) = slot.get_mut("function_call") {
        let fields: &[(&'static str, &[&str])] =
            &[("name", &["name"]), ("arguments", &["arguments"])];
        taker.fields(call, role, PartKind::ToolCall, &[], fields);
    }
}

fn tool_call(taker: &mut Taker, call: &mut Value, role: Role) {
    let custom = json::given(call, "function").is_none() && json::given(call, "custom").is_some();
    let fields: &[(&'static str, &[&str])] = if custom {
        &[("call_id", &["id"]), ("name", &["custom", "name"]), ("arguments", &["custom", "input"])]
    } else {
        &[
            ("call_id", &["id"]),
            ("name", &["function", "name"]),
            ("arguments", &["function", "arguments"]),
        ]
    };
    taker.fields(call, role, PartKind::ToolCall, &[], fields);
    let signature = call.pointer_mut("/extra_content/google/thought_signature");
    if let Some(signature) = signature {
        taker.text(signature, role, PartKind::ReasoningOpaque);
    }
}

/// Takes the thoughts: `reasoning_content` (DeepSeek, xAI), `reasoning` (Groq, OpenRouter) and
/// OpenRouter's `reasoning_details`, which repeat `reasoning` and add what is encrypted.
fn reasoning(taker: &mut Taker, slot: &mut Value, role: Role) {
    let said: Vec<String> = ["reasoning_content", "reasoning"]
        .iter()
        .filter_map(|key| json::filled(slot, key).map(str::to_owned))
        .collect();
    let mut first = None;
    for key in ["reasoning_content", "reasoning"] {
        if said.len() == 2
            && said.first() == said.get(1)
            && let (Some(index), Some(inner)) = (first, slot.get_mut(key))
        {
            *inner = record::SkeletonBuilder::reference(index);
            continue;
        }
        first = taker.text_at(slot, key, role, PartKind::Reasoning).or(first);
    }
    let details = json::items(slot, "reasoning_details");
    let repeated: String = details
        .iter()
        .flat_map(|detail| [json::text(detail, "text"), json::text(detail, "summary")])
        .flatten()
        .collect();
    let repeats = said.contains(&repeated);
    let single = details.len() == 1;
    for detail in details {
        for key in ["text", "summary"] {
            match first {
                // The same text twice in one message is one part.
                Some(index) if repeats && single && json::filled(detail, key).is_some() => {
                    if let Some(inner) = detail.get_mut(key) {
                        *inner = record::SkeletonBuilder::reference(index);
                    }
                }
                Some(_) if repeats => {}
                _ => {
                    taker.text_at(detail, key, role, PartKind::Reasoning);
                }
            }
        }
        for key in ["data", "signature"] {
            taker.text_at(detail, key, role, PartKind::ReasoningOpaque);
        }
    }
    taker.text_at(slot, "thought_signature", role, PartKind::ReasoningOpaque);
}
