//! What may stand in the clear: words that look like identifiers.

/// Whether a text is an identifier-like word, `[A-Za-z0-9_.:-]{1,max}`.
pub(crate) fn is_word(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'))
}

/// Whether a text can be the name of a model or the id of a response: visible ASCII without
/// quotes, at most 256 bytes.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>'))
}
