//! The count of a request's tokens: the request stands in the body, one level deeper.

use record::envelope::Params;
use record::{PartKind, Role};
use serde_json::Value;

use crate::reader::Reader;
use crate::taker::{Field, Taker};
use crate::{ReadRequest, ReadResponse};

use super::{Converse, params, target};

/// Reads counts.
#[derive(Debug)]
pub(crate) struct CountTokens;

impl Reader for CountTokens {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        target(path, out);
    }

    fn params(&self, body: &Value) -> Params {
        body.pointer("/input/converse").map(params::read).unwrap_or_default()
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        let Some(input) = body.get_mut("input") else {
            return;
        };
        if let Some(request) = input.get_mut("converse") {
            Converse.request(request, taker, out);
        }
        // A body in a model's own format, in base64, from which it must come back as it is.
        if let Some(request) = input.get_mut("invokeModel") {
            let fields: [Field<'_>; 1] = [("data", &["body"])];
            let known = [("media_type", "application/json")];
            taker.fields(request, Role::User, PartKind::Opaque, &known, &fields);
        }
    }

    /// A count is no use of tokens, so it stays where it stands.
    fn answer(&self, _body: &mut Value, _taker: &mut Taker, _out: &mut ReadResponse) {}
}
