//! Edges that recordings do not show, with small bodies made for them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]

mod small;

use provider::{End, Format, ResponseHead, ResponseReader, read_request};
use record::{Content, FinishClass};
use serde_json::{Value, json};
use small::{JSON, SSE, codes, events, kinds, read_as, request, stream, unary, words};

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
        let read = read_request(Format::OpenAiChat, "", body);
        assert!(codes(&read.oddities).contains(&code), "{:?}", read.oddities);
        assert_eq!(read.parts.len(), 1);
        assert!(read.skeleton.is_none());
    }
    let empty = read_request(Format::OpenAiChat, "", b"");
    assert_eq!((codes(&empty.oddities), empty.parts.len()), (vec!["body_empty"], 0));
    let deep = format!("{{\"messages\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let read = read_request(Format::OpenAiChat, "", deep.as_bytes());
    assert_eq!(codes(&read.oddities), ["json_too_deep"]);
    assert_eq!(words(&read.parts[0]), deep);
    let opaque = read_request(Format::Opaque, "", b"\x00\xff");
    assert_eq!(opaque.parts[0].content, Content::Bytes(vec![0, 255]));
    assert_eq!(codes(&opaque.oddities), ["unknown_format"]);
}

#[test]
fn repeated_keys_keep_the_text_too() {
    let body = r#"{"messages":[{"role":"user","content":"hidden","content":"shown"}]}"#;
    let read = read_request(Format::OpenAiChat, "", body.as_bytes());
    assert_eq!(codes(&read.oddities), ["duplicate_key"]);
    assert!(read.parts.iter().any(|part| part.content.as_text() == Some(body)));
}

#[test]
fn numbers_of_any_size_come_back() {
    let body = r#"{"seed":123456789012345678901234567890,"temperature":1.10,"top_p":1e-400,"messages":[]}"#;
    let read = read_request(Format::OpenAiChat, "", body.as_bytes());
    assert_eq!(read.skeleton.unwrap().fill(&read.parts).unwrap().to_string(), body);
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
    let head =
        ResponseHead { status: 200, content_type: SSE, tokens: provider::HeaderTokens::default() };
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
    assert_eq!(words(&stream(Format::OpenAiChat, &body).parts[0]).len(), 10 << 20);
    let strange = "data: {\"what\":1}\n\n".repeat(1000);
    let read = stream(Format::OpenAiChat, &strange);
    assert_eq!(read.oddities.len(), 9, "{:?}", read.oddities);
    assert_eq!(read.skeleton.unwrap().0["unknown_events"].as_array().unwrap().len(), 1000);
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

    let html = read_as(Format::OpenAiChat, 502, Some("text/html"), "<html>", End::Complete);
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
    let half = read_as(Format::OpenAiChat, 200, JSON, "{\"choices\":[{\"mess", End::Complete);
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
    assert_eq!(codes, ["unknown_event", "event_json_invalid", "sse_line_unknown"]);
    let skeleton = read.skeleton.unwrap().0;
    assert_eq!(skeleton["unknown_events"], json!([{"type": "novelty", "what": [1]}]));
    assert_eq!(skeleton["new"], json!(1));
    assert_eq!(words(&read.parts[0]), "{broken");
    assert_eq!(read.oddities[1].detail.as_deref(), Some("event 3"));
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

/// The JSON reader keeps numbers behind a key of its own; a body that has that key is kept as it
/// is beside what was read.
#[test]
fn the_readers_own_number_key_loses_nothing() {
    let body = r#"{"messages":[{"role":"user","content":{"$serde_json::private::Number":"5"}}]}"#;
    let read = read_request(Format::OpenAiChat, "", body.as_bytes());
    assert!(!read.oddities.is_empty());
    let mut texts = read.parts.iter().filter_map(|part| part.content.as_text());
    assert!(texts.any(|text| text == body));
}

#[test]
fn a_terminal_event_without_output_takes_the_pieces() {
    let read = stream(
        Format::OpenAiResponses,
        &events(&[
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
                   "delta": "pieces"}),
            json!({"type": "response.completed",
                   "response": {"id": "r", "status": "completed", "output": []}}),
        ]),
    );
    assert_eq!(words(&read.parts[0]), "pieces");
    assert!(read.oddities.is_empty() && !read.truncated);
}

#[test]
fn a_whole_that_differs_from_its_pieces_is_told_and_both_are_kept() {
    let whole = json!([{"type": "message", "role": "assistant",
                        "content": [{"type": "output_text", "text": "other"}]}]);
    let read = stream(
        Format::OpenAiResponses,
        &events(&[
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
                   "delta": "pieces"}),
            json!({"type": "response.completed",
                   "response": {"id": "r", "status": "completed", "output": whole}}),
        ]),
    );
    assert_eq!(words(&read.parts[0]), "other");
    assert_eq!(codes(&read.oddities), ["stream_disagrees"]);
    assert!(read.skeleton.unwrap().0.to_string().contains("pieces"));
}
