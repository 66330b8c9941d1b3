//! Formats that no provider but Bedrock speaks: Titan, Nova's images and embeddings, Llama,
//! Mistral's prompts, Cohere's older ones, Jurassic, Stability and Claude's first.
//!
//! They are small and alike, so their members are looked for without asking which model it is.

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::take_data;
use crate::reader;
use crate::taker::{Field, Taker};
use crate::{ReadResponse, openai};

use super::block::media;
use super::{class, usage};

const TEXTS: [&str; 7] =
    ["prompt", "inputText", "message", "query", "suffix", "negative_prompt", "text"];
const IMAGES: [&str; 6] = ["image", "init_image", "mask_image", "mask", "inputImage", "images"];

/// Takes the parts out of a request.
pub(super) fn request(body: &mut Value, taker: &mut Taker) {
    for key in ["system", "preamble"] {
        taker.text_at(body, key, Role::System, PartKind::Text);
    }
    for turn in json::items(body, "chat_history") {
        let role = match json::text(turn, "role") {
            Some("CHATBOT") => Role::Assistant,
            Some("SYSTEM") => Role::System,
            Some("TOOL") => Role::Tool,
            _ => Role::User,
        };
        taker.text_at(turn, "message", role, PartKind::Text);
    }
    for key in TEXTS {
        if let Some(slot) = body.get_mut(key) {
            openai::texts(taker, slot);
        }
    }
    for key in ["texts", "inputs"] {
        if let Some(slot) = body.get_mut(key) {
            openai::texts(taker, slot);
        }
    }
    for prompt in json::items(body, "text_prompts") {
        taker.text_at(prompt, "text", Role::User, PartKind::Text);
    }
    for key in IMAGES {
        images(taker, body, key, Role::User);
    }
    for document in json::items(body, "documents") {
        if document.is_string() {
            taker.text(document, Role::User, PartKind::Document);
        } else {
            taker.whole(document, Role::User, PartKind::Document);
        }
    }
    taker.each(body, "tool_results", Role::Tool, PartKind::ToolResult);
    taker.each(body, "tools", Role::System, PartKind::ToolDefinition);
    let Value::Object(members) = body else { return };
    for (key, member) in members {
        if key.ends_with("Params") {
            task(taker, member);
        }
    }
}

/// Takes what a task of Titan's or Nova's images and embeddings is about.
fn task(taker: &mut Taker, params: &mut Value) {
    for key in ["text", "negativeText", "maskPrompt"] {
        let Some(slot) = params.get_mut(key) else { continue };
        if slot.is_string() {
            taker.text(slot, Role::User, PartKind::Text);
        } else {
            taker.text_at(slot, "value", Role::User, PartKind::Text);
            media(taker, slot, Role::User, "document");
        }
    }
    for key in ["image", "images", "maskImage", "conditionImage", "referenceImages"] {
        images(taker, params, key, Role::User);
    }
    for key in ["image", "video", "audio", "document"] {
        if let Some(slot) = params.get_mut(key).filter(|slot| slot.get("source").is_some()) {
            media(taker, slot, Role::User, key);
        }
    }
}

/// Takes an image in base64, or several.
fn images(taker: &mut Taker, object: &mut Value, key: &str, role: Role) {
    match object.get_mut(key) {
        Some(Value::Array(items)) => {
            for item in items.iter_mut().filter(|item| item.is_string()) {
                take_data(taker, item, &[], role, PartKind::Image, None);
            }
        }
        Some(slot @ Value::String(_)) => {
            take_data(taker, slot, &[], role, PartKind::Image, None);
        }
        _ => {}
    }
}

/// Takes the parts out of an answer.
pub(super) fn answer(body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
    out.usage = usage::own(body);
    for key in ["response_id", "id"] {
        let id = json::text(body, key);
        out.response_id = out
            .response_id
            .take()
            .or_else(|| reader::name(id, "response_id_unclear", &mut taker.oddities));
    }
    for key in ["completion", "generation", "text", "outputText"] {
        taker.text_at(body, key, Role::Assistant, PartKind::Text);
    }
    finish(body, taker, out);
    for (list, text) in [("results", "outputText"), ("outputs", "text"), ("generations", "text")] {
        for item in json::items(body, list) {
            taker.text_at(item, text, Role::Assistant, PartKind::Text);
            finish(item, taker, out);
        }
    }
    for item in json::items(body, "completions") {
        if let Some(data) = item.get_mut("data") {
            taker.text_at(data, "text", Role::Assistant, PartKind::Text);
        }
        finish(item, taker, out);
    }
    let call: [Field<'_>; 2] = [("name", &["name"]), ("arguments", &["parameters"])];
    for slot in json::items(body, "tool_calls") {
        taker.fields(slot, Role::Assistant, PartKind::ToolCall, &[], &call);
    }
    taker.each(body, "citations", Role::Assistant, PartKind::Citation);
    images(taker, body, "images", Role::Assistant);
    for artifact in json::items(body, "artifacts") {
        take_data(taker, artifact, &["base64"], Role::Assistant, PartKind::Image, None);
        finish(artifact, taker, out);
    }
    for key in ["embedding", "embeddings", "embeddingsByType"] {
        if let Some(slot) = body.get_mut(key) {
            embeddings(taker, slot);
        }
    }
}

/// Takes vectors: one, a list, a list of objects, or each of these by type.
fn embeddings(taker: &mut Taker, slot: &mut Value) {
    match slot {
        Value::Array(items) if items.iter().any(|item| item.is_array() || item.is_object()) => {
            for item in items {
                match item.get_mut("embedding") {
                    Some(vector) => embeddings(taker, vector),
                    None => taker.whole(item, Role::Assistant, PartKind::Embedding),
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            taker.whole(slot, Role::Assistant, PartKind::Embedding);
        }
        Value::Object(types) => {
            for vectors in types.values_mut().filter(|vectors| vectors.is_array()) {
                embeddings(taker, vectors);
            }
        }
        _ => {}
    }
}

/// Takes the reason that an answer, or one of its outputs, ended for.
fn finish(object: &Value, taker: &mut Taker, out: &mut ReadResponse) {
    let told = ["stop_reason", "finish_reason", "completionReason", "finishReason"]
        .iter()
        .find_map(|key| json::given(object, key));
    let reason = match told {
        Some(Value::Object(reason)) => reason.get("reason").and_then(Value::as_str),
        Some(other) => other.as_str(),
        None => None,
    };
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        reader::finish(out, taker, Some(reason), class(reason));
    }
}
