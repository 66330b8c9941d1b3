//! Small bodies, read.

use provider::{
    End, Format, ReadRequest, ReadResponse, ResponseHead, ResponseReader, read_request,
};
use record::Part;
use serde_json::Value;

/// The head of a stream.
pub(crate) const SSE: Option<&str> = Some("text/event-stream; charset=utf-8");
/// The head of a whole answer.
pub(crate) const JSON: Option<&str> = Some("application/json");

/// An answer, read in one piece.
pub(crate) fn read_as(
    format: Format,
    status: u16,
    content_type: Option<&str>,
    body: &str,
    end: End,
) -> ReadResponse {
    let head = ResponseHead { status, content_type, tokens: provider::HeaderTokens::default() };
    let mut reader = ResponseReader::new(format, &head);
    reader.push(body.as_bytes());
    reader.finish(end)
}

/// A stream, read to its proper end.
pub(crate) fn stream(format: Format, body: &str) -> ReadResponse {
    read_as(format, 200, SSE, body, End::Complete)
}

/// An answer sent whole.
pub(crate) fn unary(format: Format, body: &Value) -> ReadResponse {
    read_as(format, 200, JSON, &body.to_string(), End::Complete)
}

/// Events on the wire, named by their `type` where they have one.
pub(crate) fn events(events: &[Value]) -> String {
    let lines = events.iter().map(|event| match event["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    });
    lines.collect()
}

/// A request that fills back.
pub(crate) fn request(format: Format, body: &Value) -> ReadRequest {
    let read = read_request(format, "", body.to_string().as_bytes());
    let skeleton = read.skeleton.as_ref().expect("a skeleton");
    assert_eq!(skeleton.fill(&read.parts).unwrap().to_string(), body.to_string());
    read
}

/// Who speaks and what it is.
pub(crate) fn kinds(parts: &[Part]) -> Vec<(&str, &str)> {
    let kinds = parts.iter().map(|p| (p.role.as_str(), p.kind.as_str()));
    kinds.collect()
}

/// What was odd.
pub(crate) fn codes(oddities: &[record::Oddity]) -> Vec<&str> {
    oddities.iter().map(|oddity| oddity.code.as_ref()).collect()
}

/// The text of a part.
pub(crate) fn words(part: &Part) -> &str {
    part.content.as_text().expect("a text")
}
