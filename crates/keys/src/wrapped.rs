//! The form of a wrapped key in a file. `spec/keys.md`, "Wrapped keys".
//!
//! Version 2 is a line, a line of JSON, and the wrapped bytes; version 1 is the wrapped bytes alone.

use std::path::Path;

use seal::Secret;
use serde::{Deserialize, Serialize};

use crate::{KeysError, random};

const MAGIC: &[u8] = b"custody-key/v2\n";
const ANY_VERSION: &[u8] = b"custody-key/v";

/// Who wrapped a key, and for what. Members are in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The installation, where a service wrapped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) installation: Option<String>,
    /// Which of the provider's keys: an id of a root secret, else the service's own name for it.
    pub(crate) key: String,
    /// The kind of provider.
    pub(crate) provider: String,
    /// What the key is for.
    pub(crate) purpose: String,
}

/// A wrapped key as it lies in a file.
pub(crate) enum Wrapped<'a> {
    /// Version 1: by a root secret, nobody says which.
    Bare(&'a [u8]),
    /// Version 2.
    Named {
        /// Who wrapped it.
        header: Header,
        /// The header's bytes, without the newline.
        line: &'a str,
        /// What the provider made of the key.
        bytes: &'a [u8],
    },
}

impl Header {
    pub(crate) fn line(&self) -> String {
        // Strings alone always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Who wrapped it, for people.
    pub(crate) fn wrapped_by(&self) -> String {
        match self.provider.as_str() {
            "file" | "age" | "env" => format!("{} (root key {})", self.provider, self.key),
            other => format!("{other}:{}", self.key),
        }
    }
}

/// The file's bytes.
pub(crate) fn encode(line: &str, bytes: &[u8]) -> Vec<u8> {
    [MAGIC, line.as_bytes(), b"\n", bytes].concat()
}

/// Reads a file's bytes; `path` is for the error.
pub(crate) fn decode<'a>(path: &Path, file: &'a [u8]) -> Result<Wrapped<'a>, KeysError> {
    let damaged = |reason: &str| KeysError::damaged(path, reason);
    let Some(rest) = file.strip_prefix(MAGIC) else {
        if file.starts_with(ANY_VERSION) {
            return Err(damaged("is of a later version than this program knows; use a later one"));
        }
        return Ok(Wrapped::Bare(file));
    };
    let wrong = "its first lines do not say who wrapped it; restore it from a copy";
    let end = rest.iter().position(|b| *b == b'\n').ok_or_else(|| damaged(wrong))?;
    let (line, bytes) = rest.split_at_checked(end).ok_or_else(|| damaged(wrong))?;
    let line = std::str::from_utf8(line).map_err(|_| damaged(wrong))?;
    let header = serde_json::from_str(line).map_err(|_| damaged(wrong))?;
    Ok(Wrapped::Named { header, line, bytes: bytes.strip_prefix(b"\n").unwrap_or_default() })
}

/// Whether these are the bytes of a wrapped key of version 2.
pub(crate) fn is_named(file: &[u8]) -> bool {
    file.starts_with(MAGIC)
}

/// Wraps with a root secret; the header is bound to the key.
pub(crate) fn seal_with(
    root: &Secret,
    header: &Header,
    key: &Secret,
) -> Result<Vec<u8>, KeysError> {
    let line = header.line();
    let context = format!("{}\0{line}", header.purpose);
    Ok(encode(&line, &seal::wrap(root, &context, random()?, key.expose())))
}

/// Opens what [`seal_with`] made; `None` when it does not open.
pub(crate) fn open_with(root: &Secret, purpose: &str, line: &str, bytes: &[u8]) -> Option<Secret> {
    let opened = seal::unwrap(root, &format!("{purpose}\0{line}"), bytes).ok()?;
    let opened = zeroize::Zeroizing::new(opened);
    Secret::from_slice(&opened)
}
