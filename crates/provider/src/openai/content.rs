//! Content blocks and tools, as chat completions, Responses and Mistral write them.

use std::fmt::Display;

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::{take_data, take_file_id, take_url};
use crate::taker::Taker;
use crate::word::is_word;

/// Takes a message's content: a text or a list of blocks.
pub(crate) fn content(taker: &mut Taker, slot: &mut Value, role: Role, place: impl Display + Copy) {
    match slot {
        Value::String(_) => {
            taker.text(slot, role, PartKind::Text);
        }
        Value::Array(blocks) => {
            for (index, block) in blocks.iter_mut().enumerate() {
                let place = format_args!("{place}.content[{index}]");
                one_block(taker, block, role, place);
            }
        }
        Value::Null => {}
        _ => taker.unknown(slot, role, "unknown_content", place),
    }
}

/// Takes one block.
pub(crate) fn one_block(taker: &mut Taker, block: &mut Value, role: Role, place: impl Display) {
    if block.is_string() {
        taker.text(block, role, PartKind::Text);
        return;
    }
    let kind = json::text(block, "type").unwrap_or_default().to_owned();
    match kind.as_str() {
        "text" | "input_text" | "output_text" | "summary_text" => {
            taker.text_at(block, "text", role, PartKind::Text);
            taker.each(block, "annotations", role, PartKind::Citation);
            // Some clients send an image beside the text of one block.
            take_url(taker, block, &["image_url", "url"], role, PartKind::Image);
        }
        "refusal" => {
            taker.text_at(block, "refusal", role, PartKind::Refusal);
        }
        "reasoning_text" => {
            taker.text_at(block, "text", role, PartKind::Reasoning);
        }
        "thinking" => {
            taker.text_at(block, "thinking", role, PartKind::Reasoning);
            for inner in json::items(block, "thinking") {
                taker.text_at(inner, "text", role, PartKind::Reasoning);
            }
            taker.text_at(block, "signature", role, PartKind::ReasoningOpaque);
        }
        "image_url" | "input_image" => {
            take_url(taker, block, &["image_url", "url"], role, PartKind::Image);
            take_url(taker, block, &["image_url"], role, PartKind::Image);
            take_file_id(taker, block, &["file_id"], role);
            taker.text_at(block, "text", role, PartKind::Text);
        }
        "video_url" | "audio_url" | "document_url" => {
            let part = if kind == "audio_url" { PartKind::Audio } else { PartKind::File };
            take_url(taker, block, &[&kind, "url"], role, part);
            take_url(taker, block, &[&kind], role, part);
        }
        "input_audio" => {
            let format = block
                .pointer("/input_audio/format")
                .and_then(Value::as_str)
                .filter(|format| is_word(format, 32))
                .map(|format| format!("audio/{format}"));
            let path = &["input_audio", "data"];
            take_data(taker, block, path, role, PartKind::Audio, format.as_deref());
            // Mistral has a text here: a link, a data URL, or bare base64.
            if json::text(block, "input_audio").is_some_and(|text| text.contains(':')) {
                take_url(taker, block, &["input_audio"], role, PartKind::Audio);
            } else if json::filled(block, "input_audio").is_some() {
                take_data(taker, block, &["input_audio"], role, PartKind::Audio, None);
            }
        }
        "file" => {
            take_data(taker, block, &["file", "file_data"], role, PartKind::File, None);
            take_file_id(taker, block, &["file", "file_id"], role);
            take_file_id(taker, block, &["file_id"], role);
        }
        // Mistral's: which of the tools' results the text before rests on.
        "reference" => taker.whole(block, role, PartKind::Citation),
        "input_file" => {
            take_data(taker, block, &["file_data"], role, PartKind::File, None);
            take_url(taker, block, &["file_url"], role, PartKind::File);
            take_file_id(taker, block, &["file_id"], role);
        }
        _ => taker.unknown(block, role, "unknown_block", place),
    }
}

/// Takes the tool definitions of a request: `tools`, and the older `functions`.
pub(crate) fn tools(taker: &mut Taker, body: &mut Value) {
    for key in ["tools", "functions"] {
        taker.each(body, key, Role::System, PartKind::ToolDefinition);
    }
}
