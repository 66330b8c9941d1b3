//! Edges that recordings do not show, with small bodies made for them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test helpers"
)]

use provider::{
    End, Format, ReadRequest, ReadResponse, ResponseHead, ResponseReader, read_request,
};
use record::{Content, FinishClass, Part, PartKind, Role};
use serde_json::{Value, json};

const SSE: Option<&str> = Some("text/event-stream; charset=utf-8");
const JSON: Option<&str> = Some("application/json");

fn read_as(
    format: Format,
    status: u16,
    content_type: Option<&str>,
    body: &str,
    end: End,
) -> ReadResponse {
    let head = ResponseHead {
        status,
        content_type,
    };
    let mut reader = ResponseReader::new(format, &head);
    reader.push(body.as_bytes());
    reader.finish(end)
}

fn stream(format: Format, body: &str) -> ReadResponse {
    read_as(format, 200, SSE, body, End::Complete)
}

fn unary(format: Format, body: &Value) -> ReadResponse {
    read_as(format, 200, JSON, &body.to_string(), End::Complete)
}

fn events(events: &[Value]) -> String {
    let lines = events.iter().map(|event| match event["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    });
    lines.collect()
}

fn request(format: Format, body: &Value) -> ReadRequest {
    let read = read_request(format, body.to_string().as_bytes());
    let skeleton = read.skeleton.as_ref().expect("a skeleton");
    assert_eq!(
        skeleton.fill(&read.parts).unwrap().to_string(),
        body.to_string()
    );
    read
}

fn kinds(parts: &[Part]) -> Vec<(&str, &str)> {
    let kinds = parts.iter().map(|p| (p.role.as_str(), p.kind.as_str()));
    kinds.collect()
}

fn codes(oddities: &[record::Oddity]) -> Vec<&str> {
    oddities.iter().map(|oddity| oddity.code.as_ref()).collect()
}

fn words(part: &Part) -> &str {
    part.content.as_text().expect("a text")
}

#[test]
fn a_chat_request_in_parts() {
    let read = request(
        Format::OpenAiChat,
        &json!({
            "model": "gpt-4o", "stream": true, "temperature": 0.2, "user": "alice@example.com",
            "stop": ["Bob"], "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function",
                     "function": {"name": "look", "arguments": "{\"a\": 1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
                {"role": "wizard", "content": "poof"}],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [
            ("system", "text"),
            ("user", "text"),
            ("user", "image"),
            ("assistant", "tool_call"),
            ("tool", "tool_result"),
            ("user", "text"),
            ("system", "tool_definition"),
        ]
    );
    assert_eq!(
        read.parts[2].content.field("media_type"),
        Some(&json!("image/png"))
    );
    assert_eq!(
        read.parts[3].content.field("arguments"),
        Some(&json!("{\"a\": 1}"))
    );
    assert_eq!(read.parts[4].content.field("call_id"), Some(&json!("c1")));
    assert_eq!(codes(&read.oddities), ["unknown_role"]);
    assert_eq!(read.user.as_deref(), Some("alice@example.com"));
    assert_eq!(
        serde_json::to_string(&read.params).unwrap(),
        r#"{"temperature":0.2}"#
    );
    assert!(read.stream && read.context_complete);
}

#[test]
fn context_that_the_provider_holds_is_told() {
    for (format, body) in [
        (
            Format::OpenAiResponses,
            json!({"input": "x", "previous_response_id": "resp_1"}),
        ),
        (
            Format::OpenAiResponses,
            json!({"input": "x", "conversation": {"id": "c"}}),
        ),
        (
            Format::OpenAiResponses,
            json!({"input": "x", "prompt": {"id": "p"}}),
        ),
        (
            Format::OpenAiResponses,
            json!({"input": [{"type": "item_reference", "id": "i"}]}),
        ),
        (
            Format::OpenAiResponses,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}),
        ),
        (
            Format::OpenAiChat,
            json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]}),
        ),
        (
            Format::AnthropicMessages,
            json!({"messages": [{"role": "user", "content": [
                {"type": "document", "source": {"type": "file", "file_id": "f"}}]}]}),
        ),
        (
            Format::AnthropicMessages,
            json!({"container": "c", "messages": []}),
        ),
    ] {
        assert!(!request(format, &body).context_complete, "{body}");
    }
    let body = json!({"input": "x", "previous_response_id": null, "conversation": null});
    assert!(request(Format::OpenAiResponses, &body).context_complete);
}

/// The same answer streamed, whole, and as history has the same parts.
fn same_three_ways(
    format: Format,
    streamed: &[Value],
    whole: &Value,
    history: &Value,
) -> Vec<Part> {
    let streamed = stream(format, &events(streamed));
    let whole = unary(format, whole);
    let history = request(format, history);
    assert_eq!(streamed.parts, whole.parts);
    assert_eq!(history.parts, whole.parts);
    assert_eq!(streamed.finish_class, whole.finish_class);
    assert_eq!(streamed.finish_reasons, whole.finish_reasons);
    assert_eq!(streamed.usage, whole.usage);
    assert!(
        !streamed.truncated && streamed.oddities.is_empty(),
        "{streamed:?}"
    );
    whole.parts
}

#[test]
fn a_chat_answer_is_the_same_three_ways() {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c", "model": "m", "choices": [
            {"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let call = |arguments: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
    let message = json!({"role": "assistant", "reasoning_content": "Hm.", "content": "Hi you",
        "tool_calls": [{"index": 0, "id": "t", "type": "function",
                        "function": {"name": "f", "arguments": "{\"x\":1}"}}]});
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let parts = same_three_ways(
        Format::OpenAiChat,
        &[
            chunk(json!({"role": "assistant", "content": ""}), Value::Null),
            chunk(json!({"reasoning_content": "Hm"}), Value::Null),
            chunk(json!({"reasoning_content": "."}), Value::Null),
            chunk(json!({"content": "Hi "}), Value::Null),
            chunk(json!({"content": "you"}), Value::Null),
            chunk(
                json!({"tool_calls": [{"index": 0, "id": "t", "type": "function",
                                       "function": {"name": "f", "arguments": ""}}]}),
                Value::Null,
            ),
            chunk(call("{\"x\""), Value::Null),
            chunk(call(":1}"), Value::Null),
            chunk(json!({}), json!("tool_calls")),
            json!({"id": "c", "model": "m", "choices": [], "usage": usage}),
        ],
        &json!({"id": "c", "model": "m", "usage": usage, "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls"}]}),
        &json!({"messages": [message]}),
    );
    assert_eq!(parts.len(), 3);
}

#[test]
fn an_anthropic_answer_is_the_same_three_ways() {
    let content = json!([
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1.50}}]);
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let parts = same_three_ways(
        Format::AnthropicMessages,
        &[
            json!({"type": "message_start", "message": {"id": "m", "model": "c", "content": [],
                "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1}}}),
            start(
                0,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            delta(0, json!({"type": "thinking_delta", "thinking": "Hm."})),
            delta(0, json!({"type": "signature_delta", "signature": "sig"})),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "ping"}),
            start(1, json!({"type": "text", "text": ""})),
            delta(1, json!({"type": "text_delta", "text": "Hi"})),
            start(
                2,
                json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            ),
            delta(
                2,
                json!({"type": "input_json_delta", "partial_json": "{\"x\": 1"}),
            ),
            delta(
                2,
                json!({"type": "input_json_delta", "partial_json": ".50}"}),
            ),
            json!({"type": "content_block_stop", "index": 2}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
                   "usage": {"output_tokens": 9}}),
            json!({"type": "message_stop"}),
        ],
        &json!({"id": "m", "model": "c", "content": content, "stop_reason": "tool_use",
            "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 9}}),
        &json!({"messages": [{"role": "assistant", "content": content}]}),
    );
    assert_eq!(parts.len(), 4);
}

#[test]
fn a_responses_answer_is_the_same_three_ways() {
    let items = json!([
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}],
         "encrypted_content": "enc"},
        {"type": "message", "role": "assistant", "id": "m",
         "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
        {"type": "function_call", "call_id": "t", "name": "f", "arguments": "{}"}]);
    let whole = json!({"id": "resp", "model": "m", "status": "completed", "output": items,
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}});
    let started = json!({"id": "resp", "model": "m", "status": "in_progress", "output": []});
    let parts = same_three_ways(
        Format::OpenAiResponses,
        &[
            json!({"type": "response.created", "response": started}),
            json!({"type": "response.output_item.added", "output_index": 1,
                   "item": {"type": "message", "role": "assistant", "content": []}}),
            json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0,
                   "delta": "Hi"}),
            json!({"type": "response.completed", "response": whole}),
        ],
        &whole,
        &json!({"input": items}),
    );
    assert_eq!(parts.len(), 4);
}

#[test]
fn a_responses_stream_without_its_end_keeps_what_came() {
    let read = stream(
        Format::OpenAiResponses,
        &events(&[
            json!({"type": "response.created", "response": {"id": "r", "status": "in_progress"}}),
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
                   "delta": "so far"}),
        ]),
    );
    assert_eq!(words(&read.parts[0]), "so far");
    assert!(read.truncated);
}

#[test]
fn bodies_that_are_no_json_are_kept() {
    for (body, code) in [
        (&b"{\"a\":"[..], "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b"[1,2]", "shape_unexpected"),
        (b"\"$part\"", "shape_unexpected"),
    ] {
        let read = read_request(Format::OpenAiChat, body);
        assert!(codes(&read.oddities).contains(&code), "{:?}", read.oddities);
        assert_eq!(read.parts.len(), 1);
        assert!(read.skeleton.is_none());
    }
    let empty = read_request(Format::OpenAiChat, b"");
    assert_eq!(
        (codes(&empty.oddities), empty.parts.len()),
        (vec!["body_empty"], 0)
    );
    let deep = format!("{{\"messages\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let read = read_request(Format::OpenAiChat, deep.as_bytes());
    assert_eq!(codes(&read.oddities), ["json_too_deep"]);
    assert_eq!(words(&read.parts[0]), deep);
    let opaque = read_request(Format::Opaque, b"\x00\xff");
    assert_eq!(opaque.parts[0].content, Content::Bytes(vec![0, 255]));
    assert_eq!(codes(&opaque.oddities), ["unknown_format"]);
}

#[test]
fn repeated_keys_keep_the_text_too() {
    let body = r#"{"messages":[{"role":"user","content":"hidden","content":"shown"}]}"#;
    let read = read_request(Format::OpenAiChat, body.as_bytes());
    assert_eq!(codes(&read.oddities), ["duplicate_key"]);
    assert!(
        read.parts
            .iter()
            .any(|part| part.content.as_text() == Some(body))
    );
}

#[test]
fn numbers_of_any_size_come_back() {
    let body = r#"{"seed":123456789012345678901234567890,"temperature":1.10,"top_p":1e-400,"messages":[]}"#;
    let read = read_request(Format::OpenAiChat, body.as_bytes());
    assert_eq!(
        read.skeleton
            .unwrap()
            .fill(&read.parts)
            .unwrap()
            .to_string(),
        body
    );
}

#[test]
fn many_and_large() {
    let calls: Vec<Value> = (0..10_000)
        .map(|i| {
            json!({"id": format!("c{i}"), "type": "function",
                        "function": {"name": "f", "arguments": "{}"}})
        })
        .collect();
    let read = request(
        Format::OpenAiChat,
        &json!({"messages": [{"role": "assistant", "content": null, "tool_calls": calls}]}),
    );
    assert_eq!(read.parts.len(), 10_000);

    let tiny = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
    let head = ResponseHead {
        status: 200,
        content_type: SSE,
    };
    let mut reader = ResponseReader::new(Format::OpenAiChat, &head);
    reader.push(tiny.repeat(100_000).as_bytes());
    assert_eq!(reader.content_events(), 100_000);
    assert!(!reader.terminal_seen());
    reader.push(b"data: [DONE]\n\n");
    assert!(reader.terminal_seen());
    let read = reader.finish(End::Complete);
    assert_eq!(words(&read.parts[0]).len(), 100_000);

    let large = "y".repeat(10 << 20);
    let body = events(&[json!({"choices": [{"index": 0, "delta": {"content": large}}]})]);
    assert_eq!(
        words(&stream(Format::OpenAiChat, &body).parts[0]).len(),
        10 << 20
    );
    let strange = "data: {\"what\":1}\n\n".repeat(1000);
    let read = stream(Format::OpenAiChat, &strange);
    assert_eq!(read.oddities.len(), 9, "{:?}", read.oddities);
    assert_eq!(
        read.skeleton.unwrap().0["unknown_events"]
            .as_array()
            .unwrap()
            .len(),
        1000
    );
}

#[test]
fn errors_by_status_and_in_the_middle() {
    let body = r#"{"error":{"message":"no such model: Alice","type":"invalid_request_error","code":"model_not_found"}}"#;
    let read = read_as(Format::OpenAiChat, 404, JSON, body, End::Complete);
    let error = read.error.unwrap();
    assert_eq!(error.kind, "invalid_request_error");
    assert_eq!(error.code.as_deref(), Some("model_not_found"));
    assert_eq!(read.finish_class, FinishClass::Error);
    assert_eq!(kinds(&read.parts), [("assistant", "opaque")]);
    assert_eq!(words(&read.parts[0]), "no such model: Alice");

    let html = read_as(
        Format::OpenAiChat,
        502,
        Some("text/html"),
        "<html>",
        End::Complete,
    );
    assert_eq!(html.error.unwrap().kind, "http_502");
    let opaque = read_as(Format::Opaque, 400, JSON, body, End::Complete);
    assert_eq!(opaque.error.unwrap().kind, "invalid_request_error");

    for (format, body) in [
        (
            Format::OpenAiChat,
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"so\"}}]}\n\n\
             event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"overloaded\"}}\n\n",
        ),
        (
            Format::AnthropicMessages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded\",\"message\":\"m\"}}\n\n",
        ),
        (
            Format::OpenAiResponses,
            "event: error\ndata: {\"type\":\"error\",\"code\":\"overloaded\",\"message\":\"m\"}\n\n",
        ),
        (
            Format::OpenAiResponses,
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\
             \"error\":{\"code\":\"overloaded\",\"message\":\"m\"}}}\n\n",
        ),
    ] {
        let read = stream(format, body);
        let error = read.error.as_ref().expect("an error");
        assert!(error.kind == "overloaded" || error.code.as_deref() == Some("overloaded"));
        assert_eq!(read.finish_class, FinishClass::Error, "{body}");
        assert!(!read.truncated, "{body}");
        assert_eq!(words(read.parts.last().unwrap()), "m", "{body}");
        assert!(provider::ends_stream(format, body.as_bytes()), "{body}");
    }
}

#[test]
fn framing_is_told_by_the_bytes_where_the_head_is_wrong() {
    let whole = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
    let streamed = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for (content_type, body, odd) in [
        (SSE, whole, true),
        (JSON, streamed, true),
        (None, whole, false),
        (None, streamed, false),
        (JSON, whole, false),
        (SSE, streamed, false),
    ] {
        let read = read_as(Format::OpenAiChat, 200, content_type, body, End::Complete);
        assert_eq!(words(&read.parts[0]), "hi");
        assert_eq!(read.finish_class, FinishClass::Stop);
        assert_eq!(!read.oddities.is_empty(), odd, "{:?}", read.oddities);
    }
}

#[test]
fn a_cut_is_told() {
    let chunk = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n";
    let done = "data: [DONE]\n\n";
    let finished = chunk.replace("null", "\"stop\"");
    for (body, end, truncated) in [
        (chunk.to_owned(), End::Complete, true),
        (chunk.to_owned(), End::Cut, true),
        (finished.clone(), End::Complete, false),
        (finished.clone(), End::Cut, true),
        (format!("{finished}{done}"), End::Cut, false),
        (format!("{chunk}data: {{\"choi"), End::Cut, true),
    ] {
        let read = read_as(Format::OpenAiChat, 200, SSE, &body, end);
        assert_eq!(read.truncated, truncated, "{end:?} {body}");
        assert_eq!(words(&read.parts[0]), "hi");
    }
    let half = read_as(
        Format::OpenAiChat,
        200,
        JSON,
        "{\"choices\":[{\"mess",
        End::Complete,
    );
    assert!(half.truncated);
    assert_eq!(kinds(&half.parts), [("assistant", "opaque")]);
}

#[test]
fn what_is_not_known_in_a_stream_is_kept() {
    let read = stream(
        Format::AnthropicMessages,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"new\":1}}\n\n\
         event: novelty\ndata: {\"type\":\"novelty\",\"what\":[1]}\n\n\
         event: x\ndata: {broken\n\n<!-- proxy -->\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let codes = codes(&read.oddities);
    assert_eq!(
        codes,
        ["unknown_event", "event_json_invalid", "sse_line_unknown"]
    );
    let skeleton = read.skeleton.unwrap().0;
    assert_eq!(
        skeleton["unknown_events"],
        json!([{"type": "novelty", "what": [1]}])
    );
    assert_eq!(skeleton["new"], json!(1));
    assert_eq!(words(&read.parts[0]), "{broken");
    assert_eq!(read.oddities[1].detail.as_deref(), Some("event 3"));
}

#[test]
fn refusals_are_told_apart() {
    let chat = json!({"choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": null, "refusal": "I can't."}}]});
    let responses = json!({"status": "completed", "output": [{"type": "message", "role": "assistant",
        "content": [{"type": "refusal", "refusal": "I can't."}]}]});
    for (format, body) in [
        (Format::OpenAiChat, chat),
        (Format::OpenAiResponses, responses),
    ] {
        let read = unary(format, &body);
        assert_eq!(read.finish_class, FinishClass::Refusal);
        assert_eq!(
            read.parts[0],
            Part::text(Role::Assistant, PartKind::Refusal, "I can't.")
        );
    }
    let anthropic = json!({"content": [], "stop_reason": "refusal"});
    let read = unary(Format::AnthropicMessages, &anthropic);
    assert_eq!(read.finish_class, FinishClass::Refusal);
    let cut =
        json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}});
    let read = unary(Format::OpenAiResponses, &cut);
    assert_eq!(read.finish_class, FinishClass::Length);
    assert_eq!(read.finish_reasons, ["max_output_tokens"]);
}

#[test]
fn choices_come_in_the_order_of_their_index() {
    let choice = |index: u64, text: &str| {
        json!({"index": index, "finish_reason": "stop",
        "message": {"role": "assistant", "content": text}})
    };
    let read = unary(
        Format::OpenAiChat,
        &json!({"choices": [choice(1, "second"), choice(0, "first")]}),
    );
    assert_eq!(
        [words(&read.parts[0]), words(&read.parts[1])],
        ["first", "second"]
    );
    assert_eq!(read.finish_reasons.len(), 2);
}

#[test]
fn models_that_take_over_are_told() {
    let read = unary(
        Format::AnthropicMessages,
        &json!({"model": "b", "content": [{"type": "text", "text": "x"},
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}]}),
    );
    assert_eq!(read.served, ["a", "b"]);
    let chunk =
        |model: &str| json!({"model": model, "choices": [{"index": 0, "delta": {"content": "x"}}]});
    let read = stream(
        Format::OpenAiChat,
        &events(&[chunk("a"), chunk("a"), chunk("b")]),
    );
    assert_eq!(read.served, ["a", "b"]);
}

#[test]
fn embeddings_and_completions() {
    let read = request(
        Format::OpenAiEmbeddings,
        &json!({"model": "e", "input": ["a", [1, 2, 3]], "dimensions": 8}),
    );
    assert_eq!(kinds(&read.parts), [("user", "text"), ("user", "opaque")]);
    let read = unary(
        Format::OpenAiEmbeddings,
        &json!({"model": "e", "data": [{"index": 0, "embedding": [0.1, 0.2]}],
                "usage": {"prompt_tokens": 2, "total_tokens": 2}}),
    );
    assert_eq!(kinds(&read.parts), [("assistant", "embedding")]);
    assert_eq!(read.usage.unwrap().total, 2);
    let read = stream(
        Format::OpenAiCompletions,
        "data: {\"choices\":[{\"index\":0,\"text\":\"a\"}]}\r\n\r\ndata: {\"choices\":[{\"index\":0,\
         \"text\":\"b\",\"finish_reason\":\"length\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
    );
    assert_eq!(words(&read.parts[0]), "ab");
    assert_eq!(read.finish_class, FinishClass::Length);
}

#[test]
fn names_in_the_clear_hold_no_free_text() {
    let body = json!({"id": "an id with spaces", "model": "m\nn", "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "finish_reason": "because Alice said so"}]});
    let read = unary(Format::OpenAiChat, &body);
    assert_eq!((read.model, read.response_id), (None, None));
    assert_eq!(read.fingerprint.as_deref(), Some("fp_1"));
    assert!(read.finish_reasons.is_empty());
    assert_eq!(read.oddities.len(), 3);
}
