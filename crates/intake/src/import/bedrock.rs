//! Amazon Bedrock's model invocation logs, as S3 delivers them.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html>

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use capture::{Answer, CallHead};
use provider::Format;
use record::Oddity;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::bodies::{self, Times};
use super::members::{Members, map, value};
use super::{Cx, Key, Source, frames, head, person, report};
use crate::{Refusal, Taken};

pub(super) fn read(raw: &[u8], mut log: Members<'_>, cx: &Cx<'_>) -> Result<Taken, Refusal> {
    let kind = log.text(&["schemaType"]);
    let (Some(model), Some(operation)) = (log.text(&["modelId"]), log.text(&["operation"])) else {
        return Err(Refusal {
            pointer: "/modelId".to_owned(),
            message: "not a model invocation log: it names no model or no operation".to_owned(),
        });
    };
    if kind.as_deref().is_some_and(|kind| kind != "ModelInvocationLog") {
        return Err(Refusal {
            pointer: "/schemaType".to_owned(),
            message: "expected \"ModelInvocationLog\"".to_owned(),
        });
    }
    let id = log.text(&["requestId"]);
    let key = Key {
        source: Source::Bedrock,
        bytes: id.as_deref().map_or(Cow::Borrowed(raw), |id| Cow::Borrowed(id.as_bytes())),
        began: log.time(&["timestamp"]),
    };
    let labels = map(log.get(&["requestMetadata"]));
    let mut head = head(cx, Some("bedrock"), key.trace(label(&labels, &TRACE)));
    let (format, path) = called(&operation, &model);
    head.path = path;
    who(&mut head, &log, &labels);

    let mut oddities = Vec::new();
    let mut input = log.object(&["input"]);
    let mut output = log.object(&["output"]);
    for (name, side) in [("input", &input), ("output", &output)] {
        if side.get(&["inputBodyS3Path", "outputBodyS3Path"]).is_some() {
            oddities.push(Oddity::at("body_elsewhere", name));
        }
    }
    let request = input.take("inputBodyJson").map(body).unwrap_or_default();
    let answer = output.take("outputBodyJson");
    let failed = log.text(&["errorCode"]);
    let mut answer = match (answer, &failed) {
        (Some(answer), _) => Some(answered(answer, format, &operation, &mut oddities)),
        (None, Some(code)) => {
            // As Amazon's JSON protocols name an error.
            let body = serde_json::json!({ "__type": code, "message": null });
            Some(plain(status(code), body.to_string().into_bytes()))
        }
        (None, None) => None,
    };
    if let Some(answer) = &mut answer {
        answer.start.provider_request_id.clone_from(&id);
    } else if !oddities.iter().any(|oddity| oddity.detail.as_deref() == Some("output")) {
        oddities.push(Oddity::new("answer_missing"));
    }
    let rest = rest(&mut log, &input, &output);
    let mut report = report(cx, &key, head, format, request, rest);
    report.answer = answer;
    report.oddities.append(&mut oddities);
    Ok(Taken::Call(Box::new(report)))
}

/// What requests are labelled with, in the spellings that are about.
const TRACE: [&str; 4] = ["traceId", "trace_id", "correlationId", "correlation_id"];
const USER: [&str; 3] = ["userId", "user_id", "user"];
const SESSION: [&str; 3] = ["sessionId", "session_id", "session"];

fn label<'a>(labels: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| labels.get(*name)?.as_str())
}

/// The format and the path that such a call has on the wire: the model stands there alone.
fn called(operation: &str, model: &str) -> (Format, String) {
    let (format, action) = match operation {
        "Converse" => (Format::BedrockConverse, "converse"),
        "ConverseStream" => (Format::BedrockConverse, "converse-stream"),
        "InvokeModel" => (Format::BedrockInvoke, "invoke"),
        "InvokeModelWithResponseStream" => (Format::BedrockInvoke, "invoke-with-response-stream"),
        "CountTokens" => (Format::BedrockCountTokens, "count-tokens"),
        _ => return (Format::Opaque, String::new()),
    };
    let model: String = model
        .bytes()
        .map(|byte| match byte {
            b if b.is_ascii_alphanumeric() || b"-._~:".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    (format, format!("/model/{model}/{action}"))
}

/// Who called: the role stands for the service; the whole name, which may be a person's, is a
/// credential, and only its fingerprint is kept in the clear.
fn who(head: &mut CallHead, log: &Members<'_>, labels: &Map<String, Value>) {
    if let Some(arn) = log.object(&["identity"]).text(&["arn"]) {
        // arn:aws:sts::account:assumed-role/role/session
        let mut names = arn.rsplit(':').next().unwrap_or_default().split('/');
        if names.next() == Some("assumed-role") {
            head.service = names.next().map(str::to_owned);
        }
        head.credential = Some(arn.into_bytes());
    }
    person(head, label(labels, &USER).map(str::to_owned));
    head.session = label(labels, &SESSION).map(str::to_owned);
    let names = [("aws.account", "accountId"), ("aws.region", "region")];
    for (tag, name) in names {
        head.tags.extend(log.text(&[name]).map(|text| (tag.to_owned(), text)));
    }
    let taken = [TRACE.as_slice(), &USER, &SESSION].concat();
    let others = labels.iter().filter(|(name, _)| !taken.contains(&name.as_str()));
    head.tags.extend(others.filter_map(|(name, v)| Some((name.clone(), v.as_str()?.to_owned()))));
}

/// A body as it was sent. One that is no JSON is logged as a text.
fn body(raw: &RawValue) -> Vec<u8> {
    match value(raw) {
        Value::String(text) => text.into_bytes(),
        _ => raw.get().as_bytes().to_vec(),
    }
}

fn plain(status: u16, body: Vec<u8>) -> Answer {
    bodies::kept(status, body, Times::default())
}

/// The answer; a stream is logged as the list of its events.
fn answered(raw: &RawValue, format: Format, operation: &str, oddities: &mut Vec<Oddity>) -> Answer {
    let streamed = operation.ends_with("Stream");
    let events: Option<Vec<&RawValue>> =
        streamed.then(|| serde_json::from_str(raw.get()).ok()).flatten();
    let Some(events) = events else {
        let mut answer = plain(0, body(raw));
        answer.total_us = latency(raw);
        return answer;
    };
    let mut bytes = Vec::with_capacity(raw.get().len() * 2);
    let mut total_us = None;
    for (index, event) in events.iter().enumerate() {
        let whole = if format == Format::BedrockConverse {
            converse_event(&mut bytes, event)
        } else {
            let chunk = BASE64_STANDARD.encode(event.get());
            frames::event(&mut bytes, "chunk", format!("{{\"bytes\":\"{chunk}\"}}").as_bytes())
        };
        if !whole {
            oddities.push(Oddity::at("event_too_large", format!("event {index}")));
        }
        total_us = latency(event).or(total_us);
    }
    let mut answer = plain(0, bytes);
    answer.start.content_type = Some(frames::MEDIA_TYPE.to_owned());
    answer.total_us = total_us;
    answer
}

/// An event of Converse is an object with one member, whose name is the event's.
fn converse_event(out: &mut Vec<u8>, event: &RawValue) -> bool {
    let members = Members::of(event.get().as_bytes()).unwrap_or_default();
    let mut all = members.iter();
    match (all.next(), all.next()) {
        (Some((name, payload)), None) => frames::event(out, name, payload.get().as_bytes()),
        _ => frames::event(out, "unknown", event.get().as_bytes()),
    }
}

/// How long Bedrock says that the call took, in microseconds.
fn latency(raw: &RawValue) -> Option<u64> {
    let members = Members::of(raw.get().as_bytes()).ok()?;
    let inner = members.object(&["metadata", "messageStop"]);
    let ms = [&members, &inner]
        .into_iter()
        .find_map(|m| value(m.object(&["metrics"]).get(&["latencyMs"])?).as_u64());
    ms.map(|ms| ms.saturating_mul(1000))
}

/// The status that Bedrock's errors have; 0 for others.
fn status(code: &str) -> u16 {
    match code {
        "ValidationException" | "ServiceQuotaExceededException" => 400,
        "AccessDeniedException" => 403,
        "ResourceNotFoundException" => 404,
        "ModelTimeoutException" => 408,
        "ModelErrorException" | "ModelStreamErrorException" => 424,
        "ThrottlingException" | "ModelNotReadyException" => 429,
        "InternalServerException" => 500,
        "ServiceUnavailableException" => 503,
        _ => 0,
    }
}

/// The log without the bodies.
fn rest(log: &mut Members<'_>, input: &Members<'_>, output: &Members<'_>) -> String {
    let (had_input, had_output) = (log.take("input").is_some(), log.take("output").is_some());
    let mut rest = log.rest();
    for (name, side, had) in [("input", input, had_input), ("output", output, had_output)] {
        if had && rest.pop().is_some() {
            let comma = if rest.len() > 1 { "," } else { "" };
            rest = format!("{rest}{comma}\"{name}\":{}}}", side.rest());
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, json, kept, read};
    use super::*;

    const CONVERSE: &str = r#"{"schemaType":"ModelInvocationLog","schemaVersion":"1.0",
        "timestamp":"2025-04-09T23:00:17Z","accountId":"111122223333","region":"us-east-1",
        "identity":{"arn":"arn:aws:sts::111122223333:assumed-role/helpdesk/jo@example.com"},
        "requestId":"915a6a04-3f83-4c70-a277-7fbf7ea546b3","operation":"Converse",
        "modelId":"arn:aws:bedrock:us-east-1::inference-profile/us.anthropic.claude",
        "input":{"inputContentType":"application/json","inputBodyJson":{"messages":
        [{"role":"user","content":[{"text":"hi"}]}],"n":1.50},"inputTokenCount":3},
        "output":{"outputContentType":"application/json","outputBodyJson":{"output":{"message":
        {"role":"assistant","content":[{"text":"hello"}]}},"stopReason":"end_turn",
        "metrics":{"latencyMs":364},"usage":{"inputTokens":3,"outputTokens":2}},"outputTokenCount":2},
        "requestMetadata":{"traceId":"b956002a-fd01-47ba-9da7-07e4c9b1a6b6","userId":"jo","team":"red"}}"#;

    #[test]
    fn a_call_as_s3_delivers_it() {
        let report = call(Source::Bedrock, CONVERSE);
        let head = &report.head;
        assert_eq!(head.format, Some(Format::BedrockConverse));
        assert_eq!(
            head.path,
            "/model/arn:aws:bedrock:us-east-1::inference-profile%2Fus.anthropic.claude/converse"
        );
        assert_eq!(head.route.provider, "bedrock");
        assert_eq!(head.trace_id.to_string(), "b956002afd0147ba9da707e4c9b1a6b6");
        assert_eq!((head.user.as_deref(), head.service.as_deref()), (Some("jo"), Some("helpdesk")));
        let tags: Vec<_> = head.tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(tags, ["aws.account=111122223333", "aws.region=us-east-1", "team=red"]);
        assert!(String::from_utf8(report.request.clone()).unwrap().contains("\"n\":1.50"));
        let answer = report.answer.as_ref().unwrap();
        assert_eq!(json(&answer.body)["stopReason"], "end_turn");
        assert_eq!((answer.start.status, answer.total_us), (0, Some(364_000)));
        assert_eq!(report.began.0, 1_744_239_617_000_000);
        assert!(report.oddities.is_empty(), "{:?}", report.oddities);
        assert_eq!(kept(&report)["input"]["inputTokenCount"], 3);
        assert!(kept(&report)["output"].get("outputBodyJson").is_none());
        assert_eq!(report.id, call(Source::Bedrock, CONVERSE).id);
    }

    #[test]
    fn a_stream_becomes_frames() {
        let log = r#"{"modelId":"m","operation":"ConverseStream","requestId":"r","output":{"outputBodyJson":
            [{"messageStart":{"role":"assistant"}},{"contentBlockDelta":{"delta":{"text":"a"},"contentBlockIndex":0}},
             {"messageStop":{"stopReason":"end_turn"}},{"metadata":{"usage":{},"metrics":{"latencyMs":9}}}]}}"#;
        let report = call(Source::Bedrock, log);
        let answer = report.answer.unwrap();
        assert_eq!(answer.start.content_type.as_deref(), Some(frames::MEDIA_TYPE));
        assert_eq!(answer.total_us, Some(9000));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(text.matches(":event-type").count(), 4);
        assert!(text.contains(r#"{"stopReason":"end_turn"}"#));
        assert_eq!(report.oddities, [Oddity::new("time_unknown")]);

        let log = r#"{"modelId":"m","operation":"InvokeModelWithResponseStream","output":{"outputBodyJson":[{"type":"message_stop"}]}}"#;
        let body = call(Source::Bedrock, log).answer.unwrap().body;
        let chunk = BASE64_STANDARD.encode(r#"{"type":"message_stop"}"#);
        assert!(String::from_utf8_lossy(&body).contains(&chunk));
    }

    #[test]
    fn bodies_that_lie_elsewhere_and_errors_are_told() {
        let log = r#"{"modelId":"m","operation":"InvokeModel","input":{"inputBodyS3Path":"s3://b/x"},
            "errorCode":"ThrottlingException"}"#;
        let report = call(Source::Bedrock, log);
        assert!(report.oddities.contains(&Oddity::at("body_elsewhere", "input")));
        assert!(report.request.is_empty());
        assert_eq!(report.answer.as_ref().unwrap().start.status, 429);
        assert_eq!(kept(&report)["input"]["inputBodyS3Path"], "s3://b/x");
    }

    #[test]
    fn other_logs_are_refused() {
        assert_eq!(read(Source::Bedrock, "{}").unwrap_err().pointer, "/modelId");
        let other = r#"{"schemaType":"X","modelId":"m","operation":"o"}"#;
        assert_eq!(read(Source::Bedrock, other).unwrap_err().pointer, "/schemaType");
    }
}
