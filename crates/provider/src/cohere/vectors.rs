//! Embeddings and ranking.

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::media::take_url;
use crate::openai::texts;
use crate::reader::{self, Reader};
use crate::taker::{Field, Taker};
use crate::word::is_word;
use crate::{ReadRequest, ReadResponse, usage};

use super::{block, document, documents};

/// Reads embeddings.
#[derive(Debug)]
pub(crate) struct Embed;

impl Reader for Embed {
    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        if let Some(slot) = body.get_mut("texts") {
            texts(taker, slot);
        }
        for image in json::items(body, "images") {
            take_url(taker, image, &[], Role::User, PartKind::Image);
        }
        for (index, input) in json::items(body, "inputs").iter_mut().enumerate() {
            for slot in json::items(input, "content") {
                block(taker, slot, Role::User, format_args!("inputs[{index}]"));
            }
        }
    }

    /// The echo of the texts is the request's content; it stays in the skeleton.
    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        match body.get_mut("embeddings") {
            Some(Value::Array(vectors)) => {
                for vector in vectors {
                    taker.fields(vector, Role::Assistant, PartKind::Embedding, &[], VECTOR);
                }
            }
            Some(Value::Object(types)) => {
                for (word, vectors) in types {
                    let known: &[_] =
                        if is_word(word, 32) { &[("type", word.as_str())] } else { &[] };
                    for vector in vectors.as_array_mut().into_iter().flatten() {
                        taker.fields(vector, Role::Assistant, PartKind::Embedding, known, VECTOR);
                    }
                }
            }
            _ => {}
        }
    }
}

const VECTOR: &[Field<'static>] = &[("embedding", &[])];

/// Reads ranking, of Cohere and of those who took its form over.
#[derive(Debug)]
pub(crate) struct Rerank;

impl Reader for Rerank {
    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        taker.text_at(body, "query", Role::User, PartKind::Text);
        documents(taker, body);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        // Voyage names its list otherwise.
        for key in ["results", "data"] {
            for slot in json::items(body, key) {
                if slot.is_object() {
                    let fields: [Field<'_>; 3] = [
                        ("index", &["index"]),
                        ("score", &["relevance_score"]),
                        ("document", &["document"]),
                    ];
                    taker.fields(slot, Role::Tool, PartKind::Document, &[], &fields);
                } else {
                    document(taker, slot, Role::Tool);
                }
            }
        }
    }
}

fn head(body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
    let oddities = &mut taker.oddities;
    out.model = reader::name(json::text(body, "model"), "model_unclear", oddities);
    out.response_id = reader::name(json::text(body, "id"), "response_id_unclear", oddities);
    out.usage = usage::cohere_v1(body)
        .or_else(|| json::given(body, "usage").and_then(|counts| usage::openai(counts, oddities)));
}
