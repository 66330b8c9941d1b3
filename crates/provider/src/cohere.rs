//! Cohere's formats: chat of both versions, embeddings and ranking.

mod chat;
mod chat_v1;
mod stream;
mod stream_v1;
mod vectors;

pub(crate) use chat::Chat;
pub(crate) use chat_v1::ChatV1;
pub(crate) use vectors::{Embed, Rerank};

use record::{FinishClass, PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::take_url;
use crate::openai::block as openai_block;
use crate::taker::Taker;

/// The class of a `finish_reason`.
fn class(reason: &str) -> FinishClass {
    match reason {
        "COMPLETE" | "STOP_SEQUENCE" => FinishClass::Stop,
        // The context was full.
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishClass::Length,
        "TOOL_CALL" => FinishClass::ToolCall,
        "ERROR_TOXIC" => FinishClass::ContentFilter,
        "ERROR" | "TIMEOUT" => FinishClass::Error,
        _ => FinishClass::Unknown,
    }
}

/// Takes the documents that a request brings: texts, or objects with an id and the data.
fn documents(taker: &mut Taker, body: &mut Value) {
    for slot in json::items(body, "documents") {
        document(taker, slot, Role::User);
    }
}

fn document(taker: &mut Taker, slot: &mut Value, role: Role) {
    match slot {
        Value::String(_) => {
            taker.text(slot, role, PartKind::Document);
        }
        _ => taker.whole(slot, role, PartKind::Document),
    }
}

/// Takes one content block. Beside those of other providers there are documents in tool results
/// and messages, and bare data URLs of images.
fn block(taker: &mut Taker, slot: &mut Value, role: Role, place: impl std::fmt::Display) {
    match json::text(slot, "type") {
        Some("document") => {
            if let Some(inner) = slot.get_mut("document") {
                document(taker, inner, role);
            }
        }
        Some("image") => {
            take_url(taker, slot, &["image"], role, PartKind::Image);
        }
        _ => openai_block(taker, slot, role, place),
    }
}
