//! A part and its plain content, before sealing.

use serde_json::{Map, Value};

use crate::{PartKind, Role};

/// One piece of content with its place in the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Who speaks.
    pub role: Role,
    /// What it is.
    pub kind: PartKind,
    /// What is said.
    pub content: Content,
}

impl Part {
    /// A part of text.
    pub fn text(role: Role, kind: PartKind, text: impl Into<String>) -> Self {
        Self { role, kind, content: Content::Text(text.into()) }
    }
}

/// The plain content of a part. Its encoding is what is committed to and sealed (`spec/part.md`).
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text, verbatim.
    Text(String),
    /// Named members in the order in which they came, e.g. a tool call's `call_id`, `name`,
    /// `arguments`.
    Fields(Map<String, Value>),
    /// Any other JSON value (a skeleton).
    Json(Value),
    /// Bytes that are not text.
    Bytes(Vec<u8>),
}

/// Why an opened part is not content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the opened part is not content of a kind that this program knows")]
pub struct ContentError;

const TEXT: u8 = b't';
const FIELDS: u8 = b'f';
const JSON: u8 = b'j';
const BYTES: u8 = b'b';

impl Content {
    /// One tag byte, then the text, the compact JSON or the bytes.
    pub fn encode(&self) -> Vec<u8> {
        fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
            let mut out = Vec::with_capacity(body.len() + 1);
            out.push(tag);
            out.extend_from_slice(body);
            out
        }
        fn json(tag: u8, value: &impl serde::Serialize) -> Vec<u8> {
            let mut out = vec![tag];
            // Serialising a Value into memory has no way to fail: keys are strings and the writer
            // is a Vec.
            if serde_json::to_writer(&mut out, value).is_err() {
                out.truncate(1);
            }
            out
        }
        match self {
            Self::Text(text) => tagged(TEXT, text.as_bytes()),
            Self::Bytes(bytes) => tagged(BYTES, bytes),
            Self::Fields(fields) => json(FIELDS, fields),
            Self::Json(value) => json(JSON, value),
        }
    }

    /// Reads what [`Content::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let (&tag, body) = bytes.split_first().ok_or(ContentError)?;
        match tag {
            TEXT => {
                let text = std::str::from_utf8(body).map_err(|_| ContentError)?;
                Ok(Self::Text(text.to_owned()))
            }
            FIELDS => serde_json::from_slice(body).map(Self::Fields).map_err(|_| ContentError),
            JSON => serde_json::from_slice(body).map(Self::Json).map_err(|_| ContentError),
            BYTES => Ok(Self::Bytes(body.to_vec())),
            _ => Err(ContentError),
        }
    }

    /// The text, when it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A named member, when it has members.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Fields(fields) => fields.get(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went_in() {
        let fields: Map<String, Value> =
            serde_json::from_str(r#"{"z":1,"a":{"n":12345678901234567890123,"f":0.10}}"#).unwrap();
        for content in [
            Content::Text("grüße\u{0}".into()),
            Content::Fields(fields),
            Content::Json(serde_json::json!([1, null, "x"])),
            Content::Bytes(vec![0xff, 0, 1]),
        ] {
            assert_eq!(Content::decode(&content.encode()).unwrap(), content);
        }
        assert_eq!(Content::decode(b""), Err(ContentError));
        assert_eq!(Content::decode(b"t\xff"), Err(ContentError));
        assert_eq!(Content::decode(b"?x"), Err(ContentError));
    }
}
