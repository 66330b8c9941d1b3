//! Results of `OpenAI`'s batches, joined with the requests by `custom_id`.
//!
//! <https://platform.openai.com/docs/guides/batch>

use std::borrow::Cow;

use capture::{Answer, ResponseStart};
use provider::{Family, Format, HeaderTokens, RequestHead};
use record::Oddity;

use super::members::Members;
use super::{BESIDE, Cx, Key, Source, head, report};
use crate::{Refusal, Taken};

/// A request's line, for its result's.
pub(super) fn tells(raw: &[u8], members: &Members<'_>) -> Option<(String, String)> {
    let line = is_request(members).then(|| String::from_utf8(raw.to_vec()).ok()).flatten()?;
    Some((key(members)?, line))
}

pub(super) fn key(members: &Members<'_>) -> Option<String> {
    members.text(&["custom_id"])
}

fn is_request(members: &Members<'_>) -> bool {
    members.get(&["response", "error"]).is_none() && members.get(&["url", "body"]).is_some()
}

pub(super) fn read(
    raw: &[u8],
    mut result: Members<'_>,
    cx: &Cx<'_>,
) -> Result<Vec<Taken>, Refusal> {
    if is_request(&result) {
        // It is recorded with its result.
        return Ok(Vec::new());
    }
    if result.get(&["response", "error"]).is_none() {
        return Err(Refusal {
            pointer: "/response".to_owned(),
            message: "not a batch's result: it has neither a response nor an error".to_owned(),
        });
    }
    let mut request = result
        .take(BESIDE)
        .and_then(|raw| Members::of(raw.get().as_bytes()).ok())
        .unwrap_or_default();
    let mut response = result.object(&["response"]);
    let body = response.take("body");
    let inner = body.and_then(|body| Members::of(body.get().as_bytes()).ok()).unwrap_or_default();
    let id = result.text(&["id"]);
    let key = Key {
        source: Source::OpenAiBatch,
        bytes: id.as_deref().map_or(Cow::Borrowed(raw), |id| Cow::Borrowed(id.as_bytes())),
        began: inner.time(&["created", "created_at"]),
    };
    let mut head = head(cx, Some("openai"), key.trace(None));
    head.client_request_id = key_of(&result);
    let url = request.text(&["url"]);
    let format = url.as_deref().map_or_else(|| shape(&inner), format_of);
    head.path = url.unwrap_or_default();

    let mut oddities = Vec::new();
    let asked = request.take("body");
    if asked.is_none() {
        oddities.push(Oddity::new("request_missing"));
    }
    let status = response.number(&["status_code"]).unwrap_or(0.0);
    let answer = match (body, result.take("error")) {
        (Some(body), _) => Some(body.get().as_bytes().to_vec()),
        (None, Some(error)) => Some(format!("{{\"error\":{}}}", error.get()).into_bytes()),
        (None, None) => None,
    };
    let provider_request_id = response.text(&["request_id"]);
    result.take("response");
    let mut rest = result.rest();
    rest.pop();
    let comma = if rest.len() > 1 { "," } else { "" };
    let rest =
        format!("{rest}{comma}\"response\":{},\"request\":{}}}", response.rest(), request.rest());
    let asked = asked.map(|body| body.get().as_bytes().to_vec()).unwrap_or_default();
    let mut report = report(cx, &key, head, format, asked, rest);
    report.answer = answer.map(|body| Answer {
        start: ResponseStart {
            // A status is an integer of three digits; anything else is none.
            status: format!("{status}").parse().unwrap_or(0),
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            provider_request_id,
            tokens: HeaderTokens::default(),
        },
        body,
        complete: true,
        first_byte_us: None,
        first_token_us: None,
        total_us: None,
    });
    report.oddities.append(&mut oddities);
    Ok(vec![Taken::Call(Box::new(report))])
}

fn key_of(result: &Members<'_>) -> Option<String> {
    key(result)
}

fn format_of(url: &str) -> Format {
    provider::detect(&RequestHead {
        family: Family::OpenAi,
        method: "POST",
        path: url,
        content_type: Some("application/json"),
        mcp: false,
    })
}

/// The format that an answer's shape tells, where no request does.
fn shape(body: &Members<'_>) -> Format {
    match body.text(&["object"]).as_deref() {
        Some("response") => Format::OpenAiResponses,
        Some("text_completion") => Format::OpenAiCompletions,
        Some("list") => Format::OpenAiEmbeddings,
        _ => Format::OpenAiChat,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{json, kept, read};
    use super::super::{Beside, Source};
    use super::*;

    const REQUEST: &str = r#"{"custom_id":"q-1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}}"#;
    const RESULT: &str = r#"{"id":"batch_req_1","custom_id":"q-1","response":{"status_code":200,"request_id":"req_9","body":{"id":"chatcmpl-1","object":"chat.completion","created":1711652795,"choices":[]}},"error":null}"#;

    fn call(raw: &str) -> capture::Report {
        super::super::fixture::call(Source::OpenAiBatch, raw)
    }

    #[test]
    fn a_result_finds_its_request() {
        let mut beside = Beside::default();
        beside.note(Source::OpenAiBatch, REQUEST.as_bytes());
        beside.note(Source::OpenAiBatch, RESULT.as_bytes());
        let joined = beside.join(Source::OpenAiBatch, RESULT.as_bytes()).into_owned();
        let report = call(std::str::from_utf8(&joined).unwrap());
        assert_eq!(report.head.format, Some(Format::OpenAiChat));
        assert_eq!(report.head.path, "/v1/chat/completions");
        assert_eq!(json(&report.request)["messages"][0]["content"], "hi");
        assert_eq!(report.began.0, 1_711_652_795_000_000);
        let start = report.answer.as_ref().unwrap().start.clone();
        assert_eq!((start.status, start.provider_request_id.as_deref()), (200, Some("req_9")));
        assert_eq!(kept(&report)["request"]["custom_id"], "q-1");
        assert!(report.oddities.is_empty());
        // The request's own line is no call, and the id does not hang on it.
        assert!(read(Source::OpenAiBatch, REQUEST).unwrap().is_empty());
        assert_eq!(report.id, call(RESULT).id);
    }

    #[test]
    fn without_its_request_it_says_so() {
        let report = call(RESULT);
        assert!(report.request.is_empty());
        assert_eq!(report.oddities, [Oddity::new("request_missing")]);
    }

    #[test]
    fn errors_are_answers() {
        let report = call(
            r#"{"id":"r","custom_id":"a","response":null,"error":{"code":"batch_expired","message":"late"}}"#,
        );
        assert_eq!(json(&report.answer.unwrap().body)["error"]["code"], "batch_expired");
        assert!(read(Source::OpenAiBatch, r#"{"id":"x"}"#).is_err());
    }
}
