//! An answer, read in every split.

use provider::{End, Format, HeaderTokens, ReadResponse, ResponseHead, ResponseReader};

fn in_pieces(format: Format, head: &ResponseHead<'_>, pieces: &[&[u8]], end: End) -> ReadResponse {
    let mut reader = ResponseReader::new(format, head);
    for piece in pieces {
        reader.push(piece);
    }
    reader.finish(end)
}

/// Reads an answer whole, in any two pieces, and byte by byte: always the same.
pub(crate) fn read(
    format: Format,
    status: u16,
    content_type: &str,
    body: &str,
    end: End,
) -> ReadResponse {
    let head =
        ResponseHead { status, content_type: Some(content_type), tokens: HeaderTokens::default() };
    let bytes = body.as_bytes();
    let whole = in_pieces(format, &head, &[bytes], end);
    // References lead to parts, and parts hold none.
    if let Some(skeleton) = &whole.skeleton {
        let filled = skeleton.fill(&whole.parts).map(|filled| filled.to_string());
        assert!(filled.is_ok_and(|filled| !filled.contains("$part")), "{whole:?}");
    }
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(in_pieces(format, &head, &single, end), whole, "byte by byte");
    for cut in 1..bytes.len() {
        let (first, rest) = bytes.split_at(cut);
        assert_eq!(in_pieces(format, &head, &[first, rest], end), whole, "cut at {cut}");
    }
    whole
}
