//! Embeddings: vectors for texts.

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::reader::Reader;
use crate::taker::Taker;
use crate::{ReadRequest, ReadResponse, usage};

use super::completions::texts;
use super::{deployment, head};

/// Reads embeddings.
#[derive(Debug)]
pub(crate) struct Embeddings;

impl Reader for Embeddings {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        deployment(path, out);
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        if let Some(input) = body.get_mut("input") {
            texts(taker, input);
        }
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        out.usage = json::given(body, "usage").and_then(|u| usage::openai(u, &mut taker.oddities));
        let fields: &[(&'static str, &[&str])] =
            &[("index", &["index"]), ("embedding", &["embedding"])];
        for item in json::items(body, "data") {
            taker.fields(item, Role::Assistant, PartKind::Embedding, &[], fields);
        }
    }
}
