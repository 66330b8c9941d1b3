//! Small bodies of other providers, read.

mod read;

use provider::{Format, ReadRequest, read_request};
use record::Part;
use serde_json::Value;

pub(crate) use read::read;

/// A request that fills back.
pub(crate) fn request(format: Format, body: &Value) -> ReadRequest {
    let read = read_request(format, "", body.to_string().as_bytes());
    let skeleton = read.skeleton.as_ref().expect("a skeleton");
    let filled = skeleton.fill(&read.parts).expect("parts for all references");
    assert_eq!(filled.to_string(), body.to_string());
    read
}

/// Who speaks and what it is.
pub(crate) fn kinds(parts: &[Part]) -> Vec<(&str, &str)> {
    parts.iter().map(|part| (part.role.as_str(), part.kind.as_str())).collect()
}
