//! `LiteLLM`'s standard logging payload, as its generic callbacks write it.
//!
//! <https://docs.litellm.ai/docs/proxy/logging_spec>

use std::borrow::Cow;

use capture::CallHead;
use provider::Format;
use record::Oddity;
use serde_json::{Map, Value, json};

use super::bodies::{self, Times};
use super::members::{Members, map, opened};
use super::{Cx, Key, Source, head, person, report};
use crate::{Refusal, Taken};

pub(super) fn read(raw: &[u8], mut log: Members<'_>, cx: &Cx<'_>) -> Result<Taken, Refusal> {
    if log.get(&["call_type", "model", "messages"]).is_none() {
        return Err(Refusal {
            pointer: "/model".to_owned(),
            message: "not a standard logging payload: no call_type, model or messages".to_owned(),
        });
    }
    let times = Times {
        began: log.time(&["startTime"]),
        first_token: log.time(&["completionStartTime"]),
        ended: log.time(&["endTime"]),
    };
    let id = log.text(&["id", "litellm_call_id"]);
    let key = Key {
        source: Source::LiteLlm,
        bytes: id.as_deref().map_or(Cow::Borrowed(raw), |id| Cow::Borrowed(id.as_bytes())),
        began: times.began,
    };
    let provider = log.text(&["custom_llm_provider"]);
    let trace = log.text(&["trace_id"]);
    let mut head = head(cx, provider.as_deref(), key.trace(trace.as_deref()));
    head.client_request_id.clone_from(&id);
    who(&mut head, &log);

    let model = log.text(&["model"]);
    let call = log.text(&["call_type"]).unwrap_or_default();
    let stream = log.get(&["stream"]).is_some_and(|stream| stream.get() == "true");
    let mut params = map(log.take("model_parameters"));
    if stream {
        params.insert("stream".to_owned(), Value::Bool(true));
    }
    let input = log.take("messages").map_or(Value::Null, opened);
    let (format, request) = asked(&call, model.as_deref(), input, params);
    let usage = usage(&log);
    let failed = log.text(&["status"]).is_some_and(|status| status == "failure");
    let output = log.take("response").map(opened);
    let answer = if failed {
        Some(failure(&log, output))
    } else {
        output.map(|output| (0, bodies::answer(model.as_deref(), output, usage)))
    };
    let mut report = report(cx, &key, head, format, request, log.rest());
    if answer.is_none() {
        report.oddities.push(Oddity::new("answer_missing"));
    }
    report.answer = answer.map(|(status, body)| bodies::kept(status, body, times));
    Ok(Taken::Call(Box::new(report)))
}

/// Who called: the key's alias is the service; the end user is the person.
fn who(head: &mut CallHead, log: &Members<'_>) {
    let metadata = log.object(&["metadata"]);
    let user = log.text(&["end_user"]);
    let user =
        user.or_else(|| metadata.text(&["user_api_key_end_user_id", "user_api_key_user_id"]));
    person(head, user);
    head.session = metadata.object(&["requester_metadata"]).text(&["session_id"]);
    head.service = metadata.text(&["user_api_key_alias", "user_api_key_team_alias"]);
    head.credential = metadata.text(&["user_api_key_hash"]).map(String::into_bytes);
    let tags = log.texts(&["request_tags"]);
    head.tags.extend(tags.into_iter().map(|tag| (tag, String::new())));
    let names =
        [("litellm.team", "user_api_key_team_alias"), ("litellm.org", "user_api_key_org_id")];
    for (tag, name) in names {
        head.tags.extend(metadata.text(&[name]).map(|text| (tag.to_owned(), text)));
    }
}

/// The request in the form in which it was made.
fn asked(
    call: &str,
    model: Option<&str>,
    input: Value,
    params: Map<String, Value>,
) -> (Format, Vec<u8>) {
    let (format, member) = match call.strip_prefix('a').unwrap_or(call) {
        "embedding" => (Format::OpenAiEmbeddings, "input"),
        "text_completion" => (Format::OpenAiCompletions, "prompt"),
        "responses" => (Format::OpenAiResponses, "input"),
        _ => return (Format::OpenAiChat, bodies::request(model, input, params)),
    };
    let mut body = Map::new();
    body.extend(model.map(|model| ("model".to_owned(), Value::from(model))));
    body.insert(member.to_owned(), input);
    for (name, value) in params {
        body.entry(name).or_insert(value);
    }
    (format, Value::Object(body).to_string().into_bytes())
}

/// Counts and cost, for answers that do not hold them.
fn usage(log: &Members<'_>) -> Option<Value> {
    let mut usage = Map::new();
    let counts = ["prompt_tokens", "completion_tokens", "total_tokens"];
    for name in counts {
        usage.extend(log.get(&[name]).map(|count| (name.to_owned(), super::members::value(count))));
    }
    let cost = log.get(&["response_cost"]).map(super::members::value);
    usage.extend(cost.map(|cost| ("cost".to_owned(), cost)));
    (!usage.is_empty()).then_some(Value::Object(usage))
}

fn failure(log: &Members<'_>, output: Option<Value>) -> (u16, Vec<u8>) {
    let told = log.object(&["error_information"]);
    let code = told.text(&["error_code"]);
    let status = code.as_deref().and_then(|code| code.parse().ok()).unwrap_or(0);
    let message = told.text(&["error_message"]).or_else(|| log.text(&["error_str"]));
    let error = json!({ "message": message, "type": told.text(&["error_class"]), "code": code });
    let mut body = match output {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    body.entry("error").or_insert(error);
    (status, Value::Object(body).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{call, json, kept, read};
    use super::*;

    const PAYLOAD: &str = r#"{"id":"chatcmpl-1","trace_id":"t-1","call_type":"acompletion","stream":true,
        "response_cost":0.00012,"status":"success","total_tokens":5,"prompt_tokens":3,"completion_tokens":2,
        "startTime":1716990379.5,"endTime":1716990380.5,"completionStartTime":1716990379.75,
        "model":"gpt-4o","custom_llm_provider":"openai","request_tags":["red"],"end_user":"jo",
        "metadata":{"user_api_key_hash":"88dc","user_api_key_alias":"helpdesk","user_api_key_team_alias":"it"},
        "messages":[{"role":"user","content":"hi"}],"model_parameters":{"temperature":0.5},
        "response":{"id":"chatcmpl-1","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"yes"}}]}}"#;

    #[test]
    fn a_payload_is_a_call() {
        let report = call(Source::LiteLlm, PAYLOAD);
        let head = &report.head;
        assert_eq!(head.route.provider, "openai");
        assert_eq!((head.user.as_deref(), head.service.as_deref()), (Some("jo"), Some("helpdesk")));
        assert!(head.tags.contains_key("red"));
        let request = json(&report.request);
        assert_eq!(request["temperature"], json!(0.5));
        assert_eq!((&request["stream"], &request["model"]), (&json!(true), &json!("gpt-4o")));
        let answer = report.answer.as_ref().unwrap();
        assert_eq!(json(&answer.body)["usage"]["completion_tokens"], 2);
        assert_eq!((answer.first_token_us, answer.total_us), (Some(250_000), Some(1_000_000)));
        assert!(kept(&report)["messages"].is_null());
        assert_eq!(kept(&report)["metadata"]["user_api_key_hash"], "88dc");
        assert_eq!(report.id, call(Source::LiteLlm, PAYLOAD).id);
    }

    #[test]
    fn a_failure_and_an_embedding() {
        let failed = r#"{"id":"f","call_type":"completion","model":"m","messages":"hi","status":"failure",
            "error_str":"slow down","error_information":{"error_code":"429","error_class":"RateLimitError"}}"#;
        let answer = call(Source::LiteLlm, failed).answer.unwrap();
        assert_eq!(answer.start.status, 429);
        assert_eq!(json(&answer.body)["error"]["type"], "RateLimitError");
        let embedding = r#"{"id":"e","call_type":"aembedding","model":"m","messages":["a","b"],"response":{"data":[]}}"#;
        let report = call(Source::LiteLlm, embedding);
        assert_eq!(report.head.format, Some(Format::OpenAiEmbeddings));
        assert_eq!(json(&report.request)["input"], json!(["a", "b"]));
        assert!(read(Source::LiteLlm, "{\"id\":\"x\"}").is_err());
    }
}
