//! Errors of providers, whose shapes differ.
//!
//! | provider | shape |
//! |---|---|
//! | OpenAI, Groq, OpenRouter | `{"error":{"message","type","code"}}` |
//! | Anthropic | `{"type":"error","error":{"type","message"}}` |
//! | Google | `{"error":{"code","message","status"}}`, also as the one item of an array |
//! | xAI | `{"code","error"}`, both texts |
//! | Mistral, Voyage | `{"detail"}`, `{"object":"error","message","type","code"}` |
//! | Bedrock, Cohere | `{"message"}`, `{"__type","message"}`; in streams `{"error","error_type"}` |
//! | JSON-RPC (MCP) | `{"jsonrpc","error":{"code","message","data"}}` |

use record::envelope::ProviderError;
use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::taker::Taker;
use crate::word::is_word;

/// Takes the message out of an error's body and tells its type and code; `None` when the body is
/// no error and neither is the status.
pub(crate) fn take(body: &mut Value, status: u16, taker: &mut Taker) -> Option<ProviderError> {
    if let Value::Array(items) = body {
        let error = items.iter_mut().find_map(|item| take(item, 200, taker));
        return error.or_else(|| of_status(status));
    }
    let (kind, code) = match json::given(body, "error") {
        Some(Value::Object(_)) => {
            let rpc = body.get("jsonrpc").is_some();
            let error = body.get_mut("error")?;
            let kind = kind(error).or_else(|| rpc.then(|| rpc_kind(error)));
            let told = (kind, code(error));
            message(error, &["message", "msg"], taker);
            told
        }
        Some(Value::String(_)) => {
            let told = (kind(body), code(body));
            message(body, &["error", "message"], taker);
            told
        }
        Some(_) => (None, code(body)),
        None if status >= 400 => {
            let told = (kind(body), code(body));
            message(body, &["message", "detail", "msg", "Message"], taker);
            told
        }
        None => return None,
    };
    Some(ProviderError { kind: kind.unwrap_or_else(|| fallback(status)), code })
}

/// Whether an error says that a filter stopped the call: Azure's and OpenAI's code, Azure's inner
/// error, OpenRouter's moderation.
pub(crate) fn filtered(body: &Value) -> bool {
    let Some(error) = json::given(body, "error") else {
        return false;
    };
    let inner = error.get("innererror").or_else(|| error.get("inner_error"));
    json::text(error, "code") == Some("content_filter")
        || inner.is_some_and(|inner| {
            json::text(inner, "code") == Some("ResponsibleAIPolicyViolation")
                || inner.get("content_filter_result").is_some_and(stopped)
                || inner.get("content_filter_results").is_some_and(stopped)
        })
        || error.get("metadata").is_some_and(|metadata| json::holds(metadata, "flagged_input"))
}

/// Whether one of Azure's filters stopped what it looked at.
pub(crate) fn stopped(results: &Value) -> bool {
    let results = results.as_object().into_iter().flat_map(|results| results.values());
    let mut told = results.filter_map(|result| result.get("filtered"));
    told.any(|told| *told == Value::Bool(true))
}

/// An error of which only is told that it happened.
pub(crate) fn unnamed() -> ProviderError {
    ProviderError { code: None, kind: fallback(200) }
}

/// The type that a code of JSON-RPC 2.0 §5.1 stands for, or one that MCP adds.
fn rpc_kind(error: &Value) -> String {
    let word = match error.get("code").and_then(Value::as_i64) {
        Some(-32700) => "parse_error",
        Some(-32600) => "invalid_request",
        Some(-32601) => "method_not_found",
        Some(-32602) => "invalid_params",
        Some(-32603) => "internal_error",
        Some(-32002) => "resource_not_found",
        Some(-32042) => "url_elicitation_required",
        _ => "jsonrpc_error",
    };
    word.to_owned()
}

/// The error that a status alone tells.
pub(crate) fn of_status(status: u16) -> Option<ProviderError> {
    (status >= 400).then(|| ProviderError { kind: fallback(status), code: None })
}

fn fallback(status: u16) -> String {
    if status >= 400 { format!("http_{status}") } else { "provider_error".to_owned() }
}

fn kind(error: &Value) -> Option<String> {
    ["type", "status", "__type", "error_type"].into_iter().find_map(|key| {
        let word = json::text(error, key)?;
        (is_word(word, 64) && word != "error").then(|| word.to_owned())
    })
}

fn code(error: &Value) -> Option<String> {
    match error.get("code")? {
        Value::String(word) if is_word(word, 64) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()).filter(|word| is_word(word, 64)),
        _ => None,
    }
}

/// An error's message may quote the request, so it is content.
fn message(error: &mut Value, keys: &[&str], taker: &mut Taker) {
    for key in keys {
        if let Some(slot) = error.get_mut(*key) {
            match slot {
                Value::String(_) => {
                    taker.text(slot, Role::Assistant, PartKind::Opaque);
                }
                // An answer that broke off has its output there, and that was taken.
                Value::Array(_) | Value::Object(_) if !Taker::has_taken(slot) => {
                    taker.whole(slot, Role::Assistant, PartKind::Opaque);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str, status: u16) -> (Option<(String, Option<String>)>, usize) {
        let mut value = serde_json::from_str(body).unwrap();
        let mut taker = Taker::default();
        let error = take(&mut value, status, &mut taker).map(|e| (e.kind, e.code));
        let (parts, ..) = taker.finish(value).unwrap();
        (error, parts.len())
    }

    fn told(kind: &str, code: Option<&str>) -> (Option<(String, Option<String>)>, usize) {
        (Some((kind.to_owned(), code.map(str::to_owned))), 1)
    }

    #[test]
    fn every_shape_is_read() {
        for (body, status, expected) in [
            (
                r#"{"error":{"message":"m","type":"invalid_request_error","code":"bad"}}"#,
                400,
                told("invalid_request_error", Some("bad")),
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
                529,
                told("overloaded_error", None),
            ),
            (
                r#"{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}"#,
                404,
                told("NOT_FOUND", Some("404")),
            ),
            (
                r#"[{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}]"#,
                404,
                told("NOT_FOUND", Some("404")),
            ),
            (
                r#"{"code":"Client specified a wrong thing","error":"m"}"#,
                400,
                told("http_400", None),
            ),
            (r#"{"detail":"m"}"#, 422, told("http_422", None)),
            (r#"{"detail":[{"msg":"m"}]}"#, 422, told("http_422", None)),
            (
                r#"{"__type":"ThrottlingException","message":"m"}"#,
                429,
                told("ThrottlingException", None),
            ),
            (
                r#"{"error":{"message":"m","type":"who is Alice?","code":null}}"#,
                200,
                told("provider_error", None),
            ),
            (r#"{"error":null,"message":"m"}"#, 200, (None, 0)),
        ] {
            assert_eq!(of(body, status), expected, "{body}");
        }
    }
}
