//! What a reader noticed and could not take as usual.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Something unusual about the traffic or its capture: evidence too, never an error.
///
/// Codes are `snake_case` words of Custody's own and details name places (`messages[3]`, `byte
/// 812`), so that neither holds content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Oddity {
    /// The kind of oddity, e.g. `json_invalid`.
    pub code: Cow<'static, str>,
    /// Where, or how much; never content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Oddity {
    /// An oddity without a place.
    pub const fn new(code: &'static str) -> Self {
        Self { code: Cow::Borrowed(code), detail: None }
    }

    /// An oddity with a place or an amount.
    pub fn at(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), detail: Some(detail.into()) }
    }
}
