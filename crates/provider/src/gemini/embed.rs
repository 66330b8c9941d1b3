//! Embeddings: embedContent, batchEmbedContents, and predict of Vertex.

use record::envelope::{Params, Usage, UsageSource};
use record::{PartKind, Role};
use serde_json::{Value, json};

use crate::json;
use crate::media::take_url;
use crate::reader::Reader;
use crate::taker::{Field, Taker};
use crate::usage::{NORMALISER_VERSION, number, raw};
use crate::{ReadRequest, ReadResponse};

use super::content::{Speaker, content};
use super::{USAGE, get, items, params, shorten_model, target, usage};

/// Reads embeddings.
#[derive(Debug)]
pub(crate) struct Embed;

impl Reader for Embed {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        target(path, out);
    }

    fn params(&self, body: &Value) -> Params {
        params::read_embed(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        shorten_model(out);
        input(taker, body);
        for request in items(body, ("requests", "requests")) {
            input(taker, request);
        }
        for instance in items(body, ("instances", "instances")) {
            input(taker, instance);
            // Models of several modalities take these beside the text.
            media(taker, instance, "image", PartKind::Image);
            media(taker, instance, "video", PartKind::File);
            for key in ["text", "prompt"] {
                taker.text_at(instance, key, Role::User, PartKind::Text);
            }
        }
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        out.usage = get(body, USAGE)
            .and_then(|counts| usage::read(counts, &mut taker.oddities))
            .or_else(|| predicted(body));
        if let Some(embedding) = body.get_mut("embedding") {
            vector(taker, embedding, &["values"]);
        }
        for embedding in items(body, ("embeddings", "embeddings")) {
            vector(taker, embedding, &["values"]);
        }
        for prediction in items(body, ("predictions", "predictions")) {
            vector(taker, prediction, &["embeddings", "values"]);
            vector(taker, prediction, &["textEmbedding"]);
            vector(taker, prediction, &["imageEmbedding"]);
            for segment in items(prediction, ("videoEmbeddings", "videoEmbeddings")) {
                vector(taker, segment, &["embedding"]);
            }
        }
    }
}

/// Takes what is to be embedded, and the title that helps it.
fn input(taker: &mut Taker, object: &mut Value) {
    taker.text_at(object, "title", Role::User, PartKind::Text);
    if let Some(slot) = object.get_mut("content") {
        content(taker, slot, Speaker::Is(Role::User), format_args!("content"));
    }
}

fn media(taker: &mut Taker, instance: &mut Value, key: &'static str, kind: PartKind) {
    let fields: [Field<'_>; 2] =
        [("media_type", &[key, "mimeType"]), ("data", &[key, "bytesBase64Encoded"])];
    if instance.get(key).is_some_and(|inner| json::holds(inner, "bytesBase64Encoded")) {
        taker.fields(instance, Role::User, kind, &[], &fields);
    }
    take_url(taker, instance, &[key, "gcsUri"], Role::User, kind);
}

fn vector(taker: &mut Taker, object: &mut Value, path: &[&str]) {
    let field: [Field<'_>; 1] = [("embedding", path)];
    taker.fields(object, Role::Assistant, PartKind::Embedding, &[], &field);
}

/// The usage of predict, which counts the tokens of each instance beside its vector.
fn predicted(body: &Value) -> Option<Usage> {
    let predictions = body.get("predictions")?.as_array()?;
    let counts: Vec<u64> = predictions
        .iter()
        .filter_map(|prediction| number(prediction, &["/embeddings/statistics/token_count"]))
        .collect();
    if counts.is_empty() {
        return None;
    }
    let input = counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    Some(Usage {
        cache_read: 0,
        cache_write: 0,
        input,
        normaliser: NORMALISER_VERSION,
        output: 0,
        raw: raw(&json!({"metadata": body.get("metadata"), "token_count": counts})),
        reasoning: 0,
        source: UsageSource::Provider,
        total: input,
    })
}
