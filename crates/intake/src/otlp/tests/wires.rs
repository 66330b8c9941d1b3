//! What bytes are taken, and what is said about those that are not.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::*;

fn chat() -> Value {
    span(
        "chat m",
        &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.input.messages": "hi"}),
    )
}

#[test]
fn protobuf_and_json_give_the_same() {
    let body = spans(&[chat()]);
    let decoded = decode_traces(Encoding::Json, body.to_string().as_bytes()).unwrap();
    let bytes = decoded.request.encode_to_vec();
    assert_eq!(decode_traces(Encoding::Protobuf, &bytes).unwrap().request, decoded.request);
    let read = read_traces(Encoding::Protobuf, &bytes, &context()).unwrap();
    let other = read_spans(&[chat()]);
    assert_eq!(call(&read).request, call(&other).request);
    assert_eq!(call(&read).id, call(&other).id);
}

#[test]
fn ids_and_numbers_as_exporters_write_them() {
    let mut one = chat();
    one["traceId"] = Value::from(TRACE.to_uppercase());
    one["parentSpanId"] = Value::Null;
    one["startTimeUnixNano"] = json!(1_794_900_000_000_000_000_u64);
    one["unknown"] = json!({"member": [1]});
    one["attributes"].as_array_mut().unwrap().extend([
        json!({"key": "a", "value": {"intValue": 5}}),
        json!({"key": "b", "value": {"intValue": "-9223372036854775808"}}),
        json!({"key": "c", "value": {"doubleValue": "NaN"}}),
        json!({"key": "d", "value": {"doubleValue": 1}}),
        json!({"key": "e", "value": null}),
        json!({"key": "f", "value": {"bytesValue": "aGk="}}),
        json!({"key": "g", "value": {"arrayValue": {}}}),
    ]);
    let read = read_spans(&[one]);
    let report = call(&read);
    assert_eq!(report.head.trace_id.to_string(), TRACE);
    assert_eq!(report.head.parent_span_id, None);
    assert_eq!(report.id, call(&read_spans(&[chat()])).id, "the same span is the same record");
    let body: Value = serde_json::from_slice(&report.request).unwrap();
    let rest = &body["attributes"];
    assert_eq!(rest["a"], 5);
    assert_eq!(rest["b"], json!(i64::MIN));
    assert_eq!((&rest["c"], &rest["d"]), (&json!("NaN"), &json!(1.0)));
    assert_eq!((&rest["e"], &rest["f"], &rest["g"]), (&Value::Null, &json!("aGk="), &json!([])));
}

#[test]
fn a_span_that_is_malformed_is_rejected_alone() {
    let with = |key: &str, value: Value| {
        let mut one = chat();
        one[key] = value;
        one
    };
    let bad = [
        with("traceId", json!("0af7")),
        with("traceId", json!("not hexadecimal at all")),
        with("traceId", Value::Null),
        with("traceId", json!("00000000000000000000000000000000")),
        with("spanId", json!("b7ad6b716920333")),
        with("spanId", json!(7)),
        with("parentSpanId", json!("b7")),
        with("startTimeUnixNano", json!("yesterday")),
        json!("no span"),
    ];
    let read = read_spans(&[&bad[..], &[chat()]].concat());
    assert_eq!((read.taken.len(), read.rejected.len()), (1, bad.len()), "{:?}", read.rejected);
    let answer = encode_traces(Encoding::Json, &read.rejected);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "9");
    let told = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(told.contains("trace_id: expected 16 bytes, there are 2"), "{told}");
    assert!(told.ends_with("and 4 more"), "{told}");
    let pointed = read
        .rejected
        .iter()
        .any(|why| why.starts_with("/resourceSpans/0/scopeSpans/0/spans/7/startTimeUnixNano: "));
    assert!(pointed, "{:?}", read.rejected);
    assert_eq!(encode_traces(Encoding::Json, &[]), b"{}");
    assert!(encode_logs(Encoding::Protobuf, &[]).is_empty());
}

#[test]
fn what_tells_of_no_model_is_dropped_and_counted() {
    let read = read_spans(&[span("GET /", &json!({"http.request.method": "GET"})), chat()]);
    assert_eq!((read.taken.len(), read.dropped), (1, 1));
}

#[test]
fn times_that_cannot_be() {
    let with = |start: &str, end: &str| {
        let mut one = chat();
        one["startTimeUnixNano"] = json!(start);
        one["endTimeUnixNano"] = json!(end);
        read_spans(&[one])
    };
    let codes = |read: &OtlpRead| -> Vec<String> {
        call(read).oddities.iter().map(|oddity| oddity.code.to_string()).collect()
    };
    let missing = with("0", "0");
    assert_eq!(codes(&missing), ["time_missing"]);
    assert_eq!(call(&missing).began, context().now);
    let backwards = with("1794900000000000000", "1794800000000000000");
    assert_eq!(codes(&backwards), ["ends_before_start"]);
    assert_eq!(call(&backwards).answer.as_ref().unwrap().total_us, None);
    let future = with("18446744073709551615", "18446744073709551615");
    assert!(call(&future).began > context().now);
}

#[test]
fn a_request_without_anything_is_one() {
    for body in [
        "{}",
        r#"{"resourceSpans":null}"#,
        r#"{"resourceSpans":[]}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":null}]},{}]}"#,
    ] {
        let read = read_traces(Encoding::Json, body.as_bytes(), &context()).unwrap();
        assert_eq!((read.taken.len(), read.dropped, read.rejected.len()), (0, 0, 0), "{body}");
    }
    for body in ["", "[]", "7", r#"{"resourceSpans":{}}"#, r#"{"resourceSpans":["#] {
        assert!(read_traces(Encoding::Json, body.as_bytes(), &context()).is_err(), "{body}");
    }
    assert!(decode_traces(Encoding::Protobuf, b"\xff\xff garbage").is_err());
    let bare = json!({"resourceSpans": [{"scopeSpans": [{"spans": [chat()]}]}]});
    let read = read_traces(Encoding::Json, bare.to_string().as_bytes(), &context()).unwrap();
    assert_eq!(call(&read).head.service, None);
}

#[test]
fn hostile_attributes_are_kept_and_cost_little() {
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let long = format!("llm.input_messages.0.{}", "x.".repeat(5000));
    let read = read_spans(&[span(
        "chat",
        &json!({
            "gen_ai.request.model": "m", "gen_ai.input.messages": deep,
            "gen_ai.output.messages": "{\"role\":", (long.clone()): "v",
            "llm.input_messages.0.message": "in the way",
            "llm.input_messages.0.message.content": "hidden",
            "llm.input_messages.999999999.message.content": "far",
            "gen_ai.response.finish_reasons": "[[[", "gen_ai.usage.input_tokens": "many",
            "gen_ai.system": "Alice's own model", "gen_ai.request.stream": "perhaps",
        }),
    )]);
    let report = call(&read);
    assert_eq!(report.head.route.provider, "unknown");
    let (request, answer) = bodies(report);
    assert!(request.skeleton.is_some() && answer.skeleton.is_some());
    let all = [report.request.as_slice(), &report.answer.as_ref().unwrap().body].concat();
    let all = String::from_utf8(all).unwrap();
    for kept in [
        long.as_str(),
        "in the way",
        "hidden",
        "far",
        "many",
        "[[[",
        "Alice's own model",
        "perhaps",
        &deep,
    ] {
        assert!(all.contains(kept), "{kept}");
    }
}

#[test]
fn values_nest_without_end() {
    let mut value = AnyValue { value: Some(any_value::Value::StringValue("x".to_owned())) };
    for _ in 0..30 {
        let list = opentelemetry_proto::tonic::common::v1::ArrayValue { values: vec![value] };
        value = AnyValue { value: Some(any_value::Value::ArrayValue(list)) };
    }
    let attribute = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..Default::default()
    };
    let model = AnyValue { value: Some(any_value::Value::StringValue("m".to_owned())) };
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        attributes: vec![attribute("gen_ai.request.model", model), attribute("deep", value)],
        ..Default::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..Default::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..Default::default() }];
    let bytes = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let read = read_traces(Encoding::Protobuf, &bytes, &context()).unwrap();
    assert_eq!(read.taken.len(), 1);
    let (request, _) = bodies(call(&read));
    assert!(request.skeleton.is_some());
}

#[test]
fn media_types() {
    for (told, encoding) in [
        ("application/json", Some(Encoding::Json)),
        ("Application/JSON; charset=utf-8", Some(Encoding::Json)),
        ("application/x-protobuf", Some(Encoding::Protobuf)),
        ("text/plain", None),
        ("", None),
    ] {
        assert_eq!(Encoding::of(told), encoding);
    }
}

#[test]
fn damage_is_refused_or_read_and_never_more() {
    let mut one = chat();
    one["events"] = json!([{"name": "gen_ai.choice", "attributes": attributes(&json!({
        "index": 0, "message": {"content": ["a", {"type": "text", "text": "b"}]}}))}]);
    let json = spans(&[one]).to_string().into_bytes();
    let protobuf = decode_traces(Encoding::Json, &json).unwrap().request.encode_to_vec();
    for (encoding, whole) in [(Encoding::Json, &json), (Encoding::Protobuf, &protobuf)] {
        for at in 0..whole.len() {
            let mut cut = whole.clone();
            cut.truncate(at);
            let mut bytes = vec![cut];
            for byte in [0x00, 0x22, 0x7f, 0xff] {
                let mut other = whole.clone();
                other[at] = byte;
                bytes.push(other);
            }
            for body in bytes {
                let Ok(read) = read_traces(encoding, &body, &context()) else { continue };
                for taken in &read.taken {
                    if let Taken::Call(report) = taken {
                        bodies(report);
                    }
                }
                drop(read_logs(encoding, &body, &context()));
            }
        }
    }
}
