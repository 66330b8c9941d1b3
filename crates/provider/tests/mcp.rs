//! The Model Context Protocol over HTTP.
#![expect(clippy::expect_used, reason = "test helpers")]

mod wire;

use provider::{End, Format, ReadResponse, ends_stream};
use record::FinishClass;
use serde_json::{Value, json};
use wire::{kinds, read, request};

fn whole(body: &Value) -> ReadResponse {
    read(Format::Mcp, 200, "application/json", &body.to_string(), End::Complete)
}

fn streamed(messages: &[Value]) -> ReadResponse {
    let messages =
        messages.iter().map(|message| format!("event: message\r\ndata: {message}\r\n\r\n"));
    let text: String = messages.collect();
    read(Format::Mcp, 200, "text/event-stream", &format!(": ping\r\n\r\n{text}"), End::Complete)
}

fn result(result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 2, "result": result})
}

#[test]
fn a_tool_call_and_its_result() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let read = request(
        Format::Mcp,
        &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "ask", "arguments": {"q": "Who is Alice?"},
            "_meta": {"progressToken": 2, "traceparent": parent}}}),
    );
    assert_eq!(kinds(&read.parts), [("assistant", "tool_call")]);
    assert_eq!(read.parts[0].content.field("name"), Some(&json!("ask")));
    assert_eq!(read.traceparent.as_deref(), Some(parent));
    assert_eq!(read.model, None);
    assert_eq!(
        serde_json::to_string(&read.params).unwrap(),
        r#"{"method":"tools/call","tool":"ask"}"#
    );

    let body = result(&json!({"content": [{"type": "text", "text": "Nobody."}],
        "structuredContent": {"who": null}, "isError": false}));
    let told = whole(&body);
    assert_eq!(kinds(&told.parts), [("tool", "tool_result")]);
    assert_eq!(told.parts[0].content.field("call_id"), Some(&json!(2)));
    assert_eq!(told.finish_class, FinishClass::Stop);
    assert_eq!(told.error, None);
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": 2, "progress": 1}});
    let read = streamed(&[progress, body.clone()]);
    assert_eq!(read.parts, told.parts);
    assert!(!read.truncated && read.oddities.is_empty(), "{read:?}");
    let skeleton = read.skeleton.unwrap();
    assert_eq!(skeleton.0["kept_events"][0]["method"], "notifications/progress");
    let event = format!("data: {body}\r\n\r\n");
    assert!(ends_stream(Format::Mcp, event.as_bytes()));
    assert!(!ends_stream(Format::Mcp, &event.as_bytes()[..event.len() / 2]));
}

#[test]
fn a_tool_that_failed_is_an_error_of_a_whole_answer() {
    let told =
        whole(&result(&json!({"content": [{"type": "text", "text": "no"}], "isError": true})));
    assert_eq!(told.finish_class, FinishClass::Stop);
    assert_eq!(told.error.unwrap().kind, "tool_error");
    assert!(!told.truncated);
}

#[test]
fn an_error_of_the_protocol_is_told_by_type_and_code() {
    let error = json!({"jsonrpc": "2.0", "id": 2, "error": {"code": -32602, "message": "Alice?"}});
    for told in [whole(&error), streamed(std::slice::from_ref(&error)), whole(&json!([error]))] {
        let error = told.error.unwrap();
        assert_eq!(
            (error.kind.as_str(), error.code.as_deref()),
            ("invalid_params", Some("-32602"))
        );
        assert_eq!(told.finish_class, FinishClass::Error);
        assert_eq!(told.parts[0].content.as_text(), Some("Alice?"));
    }
}

#[test]
fn a_batch_is_read_message_by_message() {
    let call = |id: u64, name: &str| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": name, "arguments": {}}})
    };
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let read = request(Format::Mcp, &json!([call(1, "f"), note, call(2, "g")]));
    assert_eq!(kinds(&read.parts), [("assistant", "tool_call"); 2]);
    assert_eq!(read.params.0["method"], "batch");
    let ok = result(&json!({"content": [], "structuredContent": {"a": 1}}));
    let failed = json!({"jsonrpc": "2.0", "id": 3, "error": {"code": -32601, "message": "no"}});
    for told in [whole(&json!([ok, failed])), streamed(&[ok.clone(), failed.clone()])] {
        assert_eq!(kinds(&told.parts), [("tool", "tool_result"), ("assistant", "opaque")]);
        assert_eq!(told.error.unwrap().kind, "method_not_found");
        assert_eq!(told.finish_class, FinishClass::Error);
    }
}

#[test]
fn tools_prompts_and_resources() {
    let told = whole(&result(&json!({"tools": [{"name": "a", "inputSchema": {}}, {"name": "b"}]})));
    assert_eq!(kinds(&told.parts), [("system", "tool_definition"); 2]);
    let told = whole(&result(&json!({"protocolVersion": "2025-11-25", "instructions": "Ask me."})));
    assert_eq!(kinds(&told.parts), [("tool", "text")]);
    let told = whole(&result(&json!({"messages": [
        {"role": "user", "content": {"type": "text", "text": "Sum up"}},
        {"role": "user", "content": {"type": "resource",
            "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "Once."}}},
        {"role": "assistant", "content": {"type": "image", "mimeType": "image/png", "data": "AA"}}]})));
    assert_eq!(
        kinds(&told.parts),
        [("user", "text"), ("tool", "document"), ("assistant", "image")]
    );
    let told = whole(&result(&json!({"contents": [
        {"uri": "file:///a", "text": "Once."}, {"uri": "file:///b", "blob": "AAAA"}]})));
    assert_eq!(kinds(&told.parts), [("tool", "document"); 2]);
    assert_eq!(told.parts[1].content.field("data"), Some(&json!("AAAA")));
    let read = request(
        Format::Mcp,
        &json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///a"}}),
    );
    assert_eq!(kinds(&read.parts), [("user", "uri")]);
    let read = request(
        Format::Mcp,
        &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "clientInfo": {"name": "c", "version": "1"}}}),
    );
    assert!(read.parts.is_empty() && read.oddities.is_empty());
    assert_eq!(read.params.0["protocol_version"], "2025-11-25");
}

#[test]
fn a_person_is_asked_and_answers() {
    let ask = json!({"method": "elicitation/create",
        "params": {"message": "Delete it?", "requestedSchema": {"type": "object"}}});
    // Since 2026-07-28 the server gives the question as its result.
    let told = whole(&result(&json!({"resultType": "input_required", "requestState": "s",
        "inputRequests": {"sure": ask}})));
    assert_eq!(kinds(&told.parts), [("tool", "text")]);
    assert_eq!(told.finish_reasons, ["input_required"]);
    assert_eq!(told.finish_class, FinishClass::ToolCall);
    let read = request(
        Format::Mcp,
        &json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {
            "name": "delete", "arguments": {"id": 7}, "requestState": "s",
            "inputResponses": {"sure": {"action": "accept", "content": {"yes": true}}}}}),
    );
    assert_eq!(kinds(&read.parts), [("assistant", "tool_call"), ("user", "tool_result")]);
    assert_eq!(read.params.0["action"], "accept");
    // Before that it asks within the stream, and the answer is a request of its own.
    let mut message = ask;
    message["jsonrpc"] = json!("2.0");
    message["id"] = json!(9);
    let read =
        streamed(&[message, result(&json!({"content": [{"type": "text", "text": "done"}]}))]);
    assert_eq!(kinds(&read.parts), [("tool", "text"), ("tool", "tool_result")]);
    let read =
        request(Format::Mcp, &json!({"jsonrpc": "2.0", "id": 9, "result": {"action": "decline"}}));
    assert_eq!(kinds(&read.parts), [("user", "tool_result")]);
    assert_eq!(read.params.0["action"], "decline");
}

#[test]
fn a_server_asks_a_model() {
    let ask = json!({"jsonrpc": "2.0", "id": 9, "method": "sampling/createMessage", "params": {
        "systemPrompt": "Be kind.", "maxTokens": 10,
        "messages": [{"role": "user", "content": {"type": "text", "text": "Hi"}}]}});
    let read = streamed(&[ask]);
    assert_eq!(kinds(&read.parts), [("system", "text"), ("user", "text")]);
    // The response never came.
    assert!(read.truncated);
    let read = request(
        Format::Mcp,
        &json!({"jsonrpc": "2.0", "id": 9, "result": {"role": "assistant", "model": "m",
            "content": {"type": "text", "text": "Hello"}, "stopReason": "endTurn"}}),
    );
    assert_eq!(kinds(&read.parts), [("assistant", "text")]);
    assert_eq!(read.model, None);
}

#[test]
fn a_taken_notification_has_no_answer() {
    let told = read(Format::Mcp, 202, "application/json", "", End::Complete);
    assert!(told.oddities.is_empty() && !told.truncated && told.error.is_none(), "{told:?}");
}
