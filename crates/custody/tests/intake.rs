//! What does not come through the proxy, through the real binary: events and spans, in one trace with
//! the call that they belong to.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::io::Write as _;

use serde_json::{Value, json};
use support::{Server, Setup, Upstream, chat, custody, files_under, get, post, post_to, verified};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const POLICY: &str = "Refunds are paid within 14 days of the return, to the card that was charged.";

fn recorder() -> (tempfile::TempDir, Upstream, Server) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let more = "[intake]\ngrpc = \"\"\n".to_owned();
    let setup = Setup { more, ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    (folder, upstream, server)
}

fn trace(server: &Server, id: &str) -> Vec<Value> {
    let data = server.data().to_str().unwrap();
    let run = custody(&["trace", id, "--json", "--data", data]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.lines()
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["kind"].as_str().unwrap()).collect()
}

#[test]
fn events_and_the_call_that_they_belong_to_meet_in_one_trace() {
    let (_folder, _upstream, server) = recorder();
    let events = |headers: &[(&str, &str)], body: &Value| {
        post_to(server.proxy, "/custody/v1/events", headers, body.to_string().as_bytes()).unwrap()
    };
    // The application sends nothing but its trace context.
    let retrieval = json!({"type": "retrieval", "query": "refunds?", "documents": [
        {"id": "policy-7", "source": "kb/refunds", "score": 0.83, "rank": 1, "text": POLICY},
        {"id": "other", "text": "Shipping is free above 50 euros, everywhere."}]});
    let answer = events(&[("traceparent", PARENT)], &retrieval);
    assert_eq!(answer.head.status, 200, "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["events"][0]["correlation_id"], TRACE);
    let body = chat(&format!("Answer from this:\n{POLICY}\nWhen are refunds paid?"), false);
    let headers = [("traceparent", PARENT), ("custody-user", "alice@example.com")];
    let call = post(server.proxy, &headers, body.as_bytes());
    let interaction = call.head.id();
    let more = json!([
        {"type": "tool_call", "correlation_id": TRACE, "name": "lookup_order", "call_id": "c1",
         "arguments": {"order": 17}, "result": {"state": "returned"}, "outcome": "ok",
         "backend_record_ids": ["orders/17"]},
        {"type": "review", "interaction_id": interaction, "reviewer": "Bob", "decision": "approved",
         "reason": "The policy says so."},
        {"type": "feedback", "interaction_id": interaction, "score": 1}]);
    let answer = events(&[], &more);
    assert_eq!(answer.head.status, 200, "{}", answer.text());

    let records = trace(&server, TRACE);
    let mut found = kinds(&records);
    found.sort_unstable();
    assert_eq!(found, ["feedback", "interaction", "retrieval", "review", "tool_call"]);
    let of = |kind: &str| records.iter().find(|record| record["kind"] == kind).unwrap();
    let (retrieval_record, call) = (of("retrieval"), of("interaction"));
    assert_eq!(retrieval_record["event"]["documents"][0]["text"], POLICY);
    assert_eq!(retrieval_record["event"]["documents"][0]["rank"], 1);
    // The document is found in the prompt by what it says.
    let links = &call["request"]["parts"][0]["documents"];
    assert_eq!(links.as_array().unwrap().len(), 1, "{call}");
    assert_eq!(links[0]["record"], retrieval_record["id"]);
    assert_eq!(links[0]["pid"], retrieval_record["parts"][1]["pid"]);
    // Whose trace it is was said with the call; the tool's event is that person's too.
    assert_eq!(of("tool_call")["who"]["user"], call["who"]["user"]);
    assert_eq!(of("review")["about"].as_str(), Some(interaction.as_str()));
    assert_eq!(of("review")["facts"], json!({"decision": "approved"}));

    let data = server.data().to_owned();
    let text = custody(&["search", "returned", "--json", "--data", data.to_str().unwrap()]);
    assert!(text.stdout.contains("tool_call"), "{}", text.stdout);
    server.stop();
    verified(&data);
    for file in files_under(&data) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in ["Refunds are paid", "alice@example", "orders/17", "The policy says"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} stands in {}", file.display());
        }
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_place_and_nothing_of_it_is_recorded() {
    let (_folder, _upstream, server) = recorder();
    let send = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
        post_to(server.proxy, path, headers, body).unwrap()
    };
    let note = |text: &str| json!({"type": "note", "text": text, "correlation_id": TRACE});
    let mut wrong = note("x");
    wrong["time"] = json!("yesterday");
    let body = json!([note("never recorded"), wrong]).to_string();
    let answer = send("/custody/v1/events", &[], body.as_bytes());
    assert_eq!(answer.head.status, 400);
    assert_eq!(answer.head.get("content-type"), Some("application/problem+json"));
    assert_eq!(answer.json()["errors"][0]["pointer"], "/1/time");
    let refused = [
        send("/custody/v1/events", &[], b"{"),
        send("/custody/v1/events", &[], b""),
        send("/custody/v1/events", &[("content-encoding", "gzip")], b"no gzip"),
        send("/v1/traces", &[], b"[]"),
        send("/v1/traces", &[], b"\xff\xfe"),
    ];
    for answer in &refused {
        assert_eq!(answer.head.status, 400, "{}", answer.text());
    }
    let metrics = get(server.api, "/metrics").text();
    assert!(metrics.contains("custody_told_rejected_total 3"), "{metrics}");
    assert_eq!(send("/custody/v2", &[], b"{}").head.status, 404);
    assert_eq!(get(server.proxy, "/custody/v1/events").head.status, 405);
    let schema = get(server.proxy, "/custody/v1/schema");
    assert_eq!(schema.json()["$defs"]["retrieval"]["required"], json!(["type", "documents"]));

    // A time that is to come and a trace that nobody knows are recorded all the same.
    let mut future = note("from a clock that is ahead");
    future["time"] = json!("2099-01-01T00:00:00Z");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(future.to_string().as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    let answer = send("/custody/v1/events", &[("content-encoding", "gzip")], &zipped);
    assert_eq!(answer.head.status, 200, "{}", answer.text());
    let records = trace(&server, TRACE);
    assert_eq!(kinds(&records), ["note"]);
    assert_eq!(records[0]["oddities"][0]["code"], "time_in_future");
    server.no_panic();
}

#[test]
fn spans_are_recorded_once_and_beside_the_calls() {
    let (_folder, _upstream, server) = recorder();
    let attribute = |key: &str, value: Value| json!({"key": key, "value": value});
    let messages = json!([{"role": "user", "parts": [{"type": "text", "content": "Hello, span"}]}]);
    let answers = json!([{"role": "assistant", "finish_reason": "stop",
        "parts": [{"type": "text", "content": "Hello yourself"}]}]);
    let span = json!({"traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "chat gpt-4o",
    "startTimeUnixNano": "1795435200000000000", "endTimeUnixNano": "1795435201500000000",
    "attributes": [
        attribute("gen_ai.operation.name", json!({"stringValue": "chat"})),
        attribute("gen_ai.provider.name", json!({"stringValue": "openai"})),
        attribute("gen_ai.request.model", json!({"stringValue": "gpt-4o"})),
        attribute("gen_ai.usage.input_tokens", json!({"intValue": "25"})),
        attribute("gen_ai.usage.output_tokens", json!({"intValue": "8"})),
        attribute("gen_ai.input.messages", json!({"stringValue": messages.to_string()})),
        attribute("gen_ai.output.messages", json!({"stringValue": answers.to_string()})),
    ]});
    let other = json!({"traceId": TRACE, "spanId": "b7ad6b7169203332", "name": "GET /",
        "startTimeUnixNano": "1", "endTimeUnixNano": "2"});
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span, other]}]}]}).to_string();
    for _ in 0..2 {
        let answer = post_to(server.proxy, "/v1/traces", &[], body.as_bytes()).unwrap();
        assert_eq!(answer.head.status, 200, "{}", answer.text());
    }
    let records = trace(&server, TRACE);
    assert_eq!(kinds(&records), ["interaction"], "a span that comes twice is one record");
    let record = &records[0];
    assert_eq!(record["origin"], "otlp");
    assert_eq!(record["model"]["requested"], "gpt-4o");
    assert_eq!(record["usage"]["total"], 33);
    assert_eq!(record["timing"]["total_us"], 1_500_000);
    assert_eq!(record["request"]["parts"][0]["text"], "Hello, span");
    assert_eq!(record["response"]["parts"][0]["text"], "Hello yourself");
    assert_eq!(record["response"]["finish_class"], "stop");
    let metrics = get(server.api, "/metrics").text();
    assert!(metrics.contains("custody_told_dropped_total 2"), "{metrics}");
    let data = server.data().to_owned();
    server.stop();
    verified(&data);
}

#[test]
fn a_conversation_and_a_second_attempt_are_found_without_ids() {
    let (_folder, _upstream, server) = recorder();
    let data = server.data().to_owned();
    let first = post(server.proxy, &[], chat("What is a refund?", false).as_bytes());
    let said = first.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let next = json!({"model": "gpt-4o", "messages": [
        {"role": "user", "content": "What is a refund?"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "And when is it paid?"}]});
    let second = post(server.proxy, &[], next.to_string().as_bytes());
    let again = [("x-stainless-retry-count", "1")];
    let third = post(server.proxy, &again, next.to_string().as_bytes());
    let [first, second, third] =
        [first, second, third].map(|answer| support::outcome_of(&data, &answer.head.id()));
    assert_eq!(second["correlation"]["thread"], first["correlation"]["thread"]);
    assert_eq!(second["correlation"]["previous"], first["id"]);
    assert_eq!(third["correlation"]["retry_of"], second["id"]);
    assert_eq!(third["correlation"]["attempt"], 2);
    // The trace of the first attempt has the second one too.
    let found = trace(&server, second["correlation"]["trace_id"].as_str().unwrap());
    assert_eq!(found.len(), 2);
}
