//! One item of `input` or `output`.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::take_data;
use crate::openai::content::content;
use crate::taker::{self, Field, Taker};

/// Takes an item apart. `speaker` is who speaks where the item names no role.
pub(crate) fn item(taker: &mut Taker, slot: &mut Value, speaker: Role, place: impl Display + Copy) {
    if slot.is_string() {
        taker.text(slot, speaker, PartKind::Text);
        return;
    }
    let kind = json::text(slot, "type").unwrap_or_default().to_owned();
    let role = Role::Assistant;
    match kind.as_str() {
        "message" => message(taker, slot, speaker, place),
        "" if json::holds(slot, "content") || json::holds(slot, "role") => {
            message(taker, slot, speaker, place);
        }
        "reasoning" => {
            for key in ["summary", "content"] {
                for block in json::items(slot, key) {
                    taker.text_at(block, "text", role, PartKind::Reasoning);
                }
            }
            taker.text_at(slot, "encrypted_content", role, PartKind::ReasoningOpaque);
        }
        "compaction" | "compaction_summary" => {
            taker.text_at(slot, "encrypted_content", role, PartKind::ReasoningOpaque);
        }
        "function_call" | "tool_search_call" => call(taker, slot, &kind, "call_id", "arguments"),
        "custom_tool_call" => call(taker, slot, &kind, "call_id", "input"),
        "mcp_call" => {
            call(taker, slot, &kind, "id", "arguments");
            output(taker, slot, "output");
        }
        "mcp_approval_request" => call(taker, slot, &kind, "id", "arguments"),
        "web_search_call" => call(taker, slot, &kind, "id", "action"),
        "computer_call" | "local_shell_call" | "shell_call" => {
            call(taker, slot, &kind, "call_id", "action");
        }
        "apply_patch_call" => call(taker, slot, &kind, "call_id", "operation"),
        "code_interpreter_call" => {
            call(taker, slot, &kind, "id", "code");
            output(taker, slot, "outputs");
        }
        "file_search_call" => {
            call(taker, slot, &kind, "id", "queries");
            taker.each(slot, "results", Role::Tool, PartKind::Document);
        }
        "image_generation_call" => {
            let media_type = json::text(slot, "output_format").map(|word| format!("image/{word}"));
            let media_type = media_type.as_deref();
            take_data(taker, slot, &["result"], role, PartKind::Image, media_type);
            if speaker != Role::Assistant && json::given(slot, "result").is_none() {
                taker.context_elsewhere = true;
            }
        }
        "function_call_output"
        | "custom_tool_call_output"
        | "computer_call_output"
        | "local_shell_call_output"
        | "shell_call_output"
        | "apply_patch_call_output" => {
            let fields: [Field<'_>; 2] = [("call_id", &["call_id"]), ("content", &["output"])];
            taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
        }
        "tool_search_output" | "mcp_list_tools" | "additional_tools" => {
            taker.each(slot, "tools", Role::System, PartKind::ToolDefinition);
        }
        "item_reference" => taker.context_elsewhere = true,
        "mcp_approval_response" => {}
        // Typed blocks may stand in the input without a message around them.
        "input_text" | "input_image" | "input_file" | "input_audio" | "output_text" => {
            let mut list = Value::Array(vec![slot.take()]);
            content(taker, &mut list, speaker, place);
            if let Value::Array(items) = list
                && let Some(item) = items.into_iter().next()
            {
                *slot = item;
            }
        }
        _ => taker.unknown(slot, speaker, "unknown_item", place),
    }
}

fn message(taker: &mut Taker, slot: &mut Value, speaker: Role, place: impl Display + Copy) {
    let role = match json::text(slot, "role") {
        None => speaker,
        word => taker::role(word, taker, place),
    };
    if let Some(inner) = slot.get_mut("content") {
        content(taker, inner, role, place);
    }
}

/// Takes a call of a tool. Where the item names no tool its type does.
fn call(taker: &mut Taker, slot: &mut Value, kind: &str, id: &str, arguments: &str) {
    let (id, arguments) = (&[id], &[arguments]);
    let named: [Field<'_>; 3] = [("call_id", id), ("name", &["name"]), ("arguments", arguments)];
    let unnamed: [Field<'_>; 2] = [("call_id", id), ("arguments", arguments)];
    if json::holds(slot, "name") {
        taker.fields(slot, Role::Assistant, PartKind::ToolCall, &[], &named);
    } else {
        let name = kind.strip_suffix("_call").unwrap_or(kind);
        let known = [("name", name)];
        taker.fields(slot, Role::Assistant, PartKind::ToolCall, &known, &unnamed);
    }
}

/// Takes what a tool of the provider's own answered.
fn output(taker: &mut Taker, slot: &mut Value, key: &str) {
    if json::holds(slot, key) {
        let fields: [Field<'_>; 1] = [("content", &[key])];
        taker.fields(slot, Role::Tool, PartKind::ToolResult, &[], &fields);
    }
}
