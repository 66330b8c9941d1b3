//! A model called in its own format.
//!
//! The path may be an opaque ARN, so a body is told by its own shape, and an answer by its own.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use record::FinishClass;
use record::envelope::Params;
use serde_json::Value;

use crate::anthropic::Anthropic;
use crate::framing::Framing;
use crate::json;
use crate::openai::{Chat, Completions};
use crate::reader::{self, Reader, Stream};
use crate::taker::Taker;
use crate::{Format, ReadRequest, ReadResponse};

use super::chunks::ChunkStream;
use super::usage::{LAST, METRICS, metrics};
use super::{Converse, class, ends_in_failure, own, params, target};

/// Reads a model's own format.
#[derive(Debug)]
pub(crate) struct Invoke;

impl Reader for Invoke {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        target(path, out);
    }

    fn params(&self, body: &Value) -> Params {
        params::read(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        match asked(body) {
            Some(reader) => reader.request(body, taker, out),
            None => own::request(body, taker),
        }
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        match answered(body) {
            Some(reader) => reader.answer(body, taker, out),
            None => own::answer(body, taker, out),
        }
        // Mistral and DeepSeek name the reason otherwise than OpenAI, whose choices they have.
        for choice in json::items(body, "choices") {
            if let (None, Some(reason)) =
                (json::given(choice, "finish_reason"), json::filled(choice, "stop_reason"))
            {
                reader::finish(out, taker, Some(reason), class(reason));
            }
        }
        if json::text(body, "amazon-bedrock-guardrailAction") == Some("INTERVENED") {
            reader::finish(out, taker, None, FinishClass::ContentFilter);
        }
        if out.usage.is_none() {
            out.usage = body.get(METRICS).and_then(metrics);
        }
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::EventStream]
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(ChunkStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        LAST_MARKS.iter().any(|mark| memchr::memmem::find(chunk, mark).is_some())
            || ends_in_failure(chunk)
    }
}

/// What stands in the last piece alone, in base64 and as a member's key, at each of the three places
/// that a byte can have in a group: in a text the quotation mark would be escaped.
static LAST_MARKS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mark = |name: &str, before: usize| {
        let mut bytes = vec![0; before];
        bytes.extend(name.as_bytes());
        bytes.extend(b"\":");
        let text = BASE64_STANDARD.encode(&bytes).into_bytes();
        // Without the characters that hold bits of what stands before or after.
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        text.get(first..end).unwrap_or_default().to_vec()
    };
    LAST.iter().flat_map(|name| [0, 1, 2].map(|before| mark(name, before))).collect()
});

/// The reader of a request, if its format is one that stands outside of Bedrock too.
fn asked(body: &Value) -> Option<&'static dyn Reader> {
    if let Some(messages) = body.get("messages").and_then(Value::as_array) {
        if body.get("anthropic_version").is_some() {
            return Some(&Anthropic);
        }
        let own = ["schemaVersion", "inferenceConfig", "toolConfig"];
        let typed = messages.iter().find_map(|message| match message.get("content")? {
            Value::Array(blocks) => blocks.first().map(|block| block.get("type").is_some()),
            _ => None,
        });
        if own.iter().any(|key| body.get(*key).is_some()) || typed == Some(false) {
            return Some(&Converse);
        }
        return Some(&Chat);
    }
    let cohere = if body.get("message").is_some_and(Value::is_string) {
        Format::CohereChatV1
    } else if body.get("input_type").is_some() {
        Format::CohereEmbed
    } else if body.get("query").is_some() && body.get("documents").is_some() {
        Format::CohereRerank
    } else {
        return None;
    };
    cohere.reader()
}

/// The reader of an answer, likewise.
fn answered(body: &Value) -> Option<&'static dyn Reader> {
    let has = |key: &str| body.get(key).is_some();
    if json::text(body, "type") == Some("message")
        || body.get("content").is_some_and(Value::is_array)
    {
        return Some(&Anthropic);
    }
    if has("output") || has("stopReason") {
        return Some(&Converse);
    }
    if let Some(choices) = body.get("choices").and_then(Value::as_array) {
        let texts = choices.iter().any(|choice| choice.get("text").is_some());
        return Some(if texts { &Completions } else { &Chat });
    }
    let ranked = |results: &Value| results.pointer("/0/relevance_score").is_some();
    let cohere = if has("generation_id") && has("text") {
        Format::CohereChatV1
    } else if has("embeddings") && has("response_type") {
        Format::CohereEmbed
    } else if body.get("results").is_some_and(ranked) {
        Format::CohereRerank
    } else {
        return None;
    };
    cohere.reader()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_is_seen_through_base64() {
        for (name, before) in LAST.iter().flat_map(|name| [0, 1, 2].map(|before| (name, before))) {
            let pad = "x".repeat(before);
            let end = format!(r#"{{"a":"{pad}","{name}":{{"inputTokenCount":1}}}}"#);
            assert!(Invoke.ends(BASE64_STANDARD.encode(end).as_bytes()), "{name} {before}");
            let talk = format!(r#"{{"a":"{pad}\"{name}\":","b":"{pad}{name}"}}"#);
            assert!(!Invoke.ends(BASE64_STANDARD.encode(talk).as_bytes()), "{name} {before}");
        }
    }
}
