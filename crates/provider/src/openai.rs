//! OpenAI's formats and the many that are compatible with them.

mod chat;
mod completions;
mod content;
mod embeddings;
mod responses;

pub(crate) use chat::Chat;
pub(crate) use completions::{Completions, texts};
pub(crate) use content::one_block as block;
pub(crate) use embeddings::Embeddings;
pub(crate) use responses::{Responses, named};

use record::FinishClass;
use serde_json::Value;

use crate::json;
use crate::reader::name;
use crate::taker::Taker;
use crate::word::is_name;
use crate::{ReadRequest, ReadResponse};

/// The model that a path names: Azure's `/openai/deployments/{name}/…`.
fn deployment(path: &str, out: &mut ReadRequest) {
    let (_, rest) = path.split_once("/deployments/").unwrap_or_default();
    let name = rest.split('/').next().unwrap_or_default();
    if is_name(name) {
        out.model = Some(name.to_owned());
    }
}

/// Takes what all of OpenAI's answers name at the top.
fn head(body: &Value, taker: &mut Taker, out: &mut ReadResponse) {
    let oddities = &mut taker.oddities;
    out.model = name(json::text(body, "model"), "model_unclear", oddities);
    out.response_id = name(json::text(body, "id"), "response_id_unclear", oddities);
    out.fingerprint = name(json::text(body, "system_fingerprint"), "fingerprint_unclear", oddities);
}

/// The class of a `finish_reason`.
fn class(reason: &str) -> FinishClass {
    match reason {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "STOP" => FinishClass::Stop,
        "length"
        | "model_length"
        | "model_context_window_exceeded"
        | "max_tokens"
        | "MAX_TOKENS" => FinishClass::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishClass::ToolCall,
        // `sensitive` is Z.ai's word.
        "content_filter" | "sensitive" | "SAFETY" => FinishClass::ContentFilter,
        "refusal" => FinishClass::Refusal,
        // DeepSeek and Z.ai end so what their own side broke off.
        "error" | "insufficient_system_resource" | "network_error" => FinishClass::Error,
        _ => FinishClass::Unknown,
    }
}

/// Whether a piece of a stream holds a line `data: [DONE]`. JSON has no raw line ends in its
/// texts, so what stands at the start of a line is no content.
fn done_line(chunk: &[u8]) -> bool {
    memchr::memmem::find_iter(chunk, b"[DONE]").any(|at| {
        let before = chunk.get(..at).unwrap_or_default().trim_ascii_end();
        before.strip_suffix(b"data:").is_some_and(line_start)
    })
}

/// Whether a position is the start of a line, by the bytes before it.
pub(crate) fn line_start(before: &[u8]) -> bool {
    matches!(before.last(), None | Some(b'\n' | b'\r'))
}
