use record::{Content, FinishClass, Operation, PartKind, Role};
use serde_json::{Value, json};

use crate::{End, Format, HeaderTokens, ReadRequest, ReadResponse, ResponseHead, ResponseReader};

fn request(body: &Value) -> ReadRequest {
    let read = crate::read_request(Format::OtelGenAi, "", body.to_string().as_bytes());
    let filled = read.skeleton.as_ref().map(|skeleton| skeleton.fill(&read.parts).unwrap());
    assert_eq!(filled.as_ref(), Some(body), "skeleton and parts give the body back");
    read
}

fn answer(body: &Value) -> ReadResponse {
    let head = ResponseHead { status: 0, content_type: None, tokens: HeaderTokens::default() };
    let mut reader = ResponseReader::new(Format::OtelGenAi, &head);
    reader.push(body.to_string().as_bytes());
    let read = reader.finish(End::Complete);
    let filled = read.skeleton.as_ref().map(|skeleton| skeleton.fill(&read.parts).unwrap());
    assert_eq!(filled.as_ref(), Some(body), "skeleton and parts give the body back");
    read
}

#[test]
fn every_type_of_part() {
    for (part, role, kind, content) in [
        (json!({"type": "text", "content": "a"}), Role::User, PartKind::Text, json!("a")),
        (json!({"type": "reasoning", "content": "b"}), Role::User, PartKind::Reasoning, json!("b")),
        (
            json!({"type": "tool_call", "id": "c", "name": "f", "arguments": {"x": 1}}),
            Role::Assistant,
            PartKind::ToolCall,
            json!({"call_id": "c", "name": "f", "arguments": {"x": 1}}),
        ),
        (
            json!({"type": "tool_call_response", "id": "c", "response": [1, 2]}),
            Role::Tool,
            PartKind::ToolResult,
            json!({"call_id": "c", "content": [1, 2]}),
        ),
        (
            json!({"type": "server_tool_call", "id": "c", "name": "web", "server_tool_call": {"type": "q"}}),
            Role::Assistant,
            PartKind::ToolCall,
            json!({"call_id": "c", "name": "web", "arguments": {"type": "q"}}),
        ),
        (
            json!({"type": "blob", "modality": "image", "mime_type": "image/png", "content": "aGk="}),
            Role::User,
            PartKind::Image,
            json!({"media_type": "image/png", "data": "aGk="}),
        ),
        (
            json!({"type": "file", "modality": "image", "file_id": "file-1"}),
            Role::User,
            PartKind::File,
            json!({"file_id": "file-1"}),
        ),
        (
            json!({"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}),
            Role::User,
            PartKind::Uri,
            json!({"uri": "https://example.com/a.png"}),
        ),
        (
            json!({"type": "generic", "x": 1}),
            Role::User,
            PartKind::Opaque,
            json!({"type": "generic", "x": 1}),
        ),
    ] {
        let read = request(&json!({"messages": [{"role": "user", "parts": [part]}]}));
        assert!(read.oddities.is_empty(), "{:?}", read.oddities);
        let [taken] = read.parts.as_slice() else { panic!("{part}: {:?}", read.parts) };
        assert_eq!((taken.role, taken.kind), (role, kind), "{part}");
        let told = match &taken.content {
            Content::Text(text) => Value::from(text.as_str()),
            Content::Fields(fields) => Value::Object(fields.clone()),
            Content::Json(value) => value.clone(),
            Content::Bytes(_) => panic!("bytes"),
        };
        assert_eq!(told, content);
    }
}

#[test]
fn what_is_not_known_stays_with_an_oddity() {
    let read = request(&json!({"messages": [
        {"role": "wizard", "parts": [{"type": "hologram", "x": {"$part": 3}}]}, 7]}));
    let codes: Vec<_> = read.oddities.iter().map(|oddity| oddity.code.as_ref()).collect();
    assert_eq!(codes, ["unknown_role", "unknown_part", "unknown_part"]);
    assert_eq!(read.parts.len(), 2);
}

#[test]
fn a_request_tells_its_facts() {
    let read = request(&json!({
        "operation": "embeddings", "model": "m-1", "stream": true,
        "params": {"temperature": 0.5, "stop_sequences": ["Alice"], "seed": 7},
        "system_instructions": [{"type": "text", "content": "be kind"}],
        "messages": [{"role": "user", "parts": ["hello"]}],
        "tools": [{"type": "function", "name": "f"}],
        "attributes": {"gen_ai.data_source.id": "d"},
    }));
    assert_eq!(read.operation, Operation::Embeddings);
    assert_eq!((read.model.as_deref(), read.stream), (Some("m-1"), true));
    assert_eq!(serde_json::to_string(&read.params).unwrap(), r#"{"seed":7,"temperature":0.5}"#);
    let kinds: Vec<_> = read.parts.iter().map(|part| (part.role, part.kind)).collect();
    assert_eq!(
        kinds,
        [
            (Role::System, PartKind::Text),
            (Role::User, PartKind::Text),
            (Role::System, PartKind::ToolDefinition)
        ]
    );
}

#[test]
fn an_answer_tells_its_facts() {
    let read = answer(&json!({
        "id": "r-1", "model": "m-2",
        "messages": [{"role": "assistant", "finish_reason": "tool_call",
                      "parts": [{"type": "text", "content": "hi"}]}],
        "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read.input_tokens": 4,
                  "reasoning.output_tokens": 2},
    }));
    assert_eq!(read.finish_reasons, ["tool_call"]);
    assert_eq!(read.finish_class, FinishClass::ToolCall);
    let usage = read.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.total), (10, 5, 15));
    assert_eq!((usage.cache_read, usage.reasoning), (4, 2));
    assert!(!read.truncated && read.error.is_none());
}

#[test]
fn counts_beside_the_cache_are_added() {
    let read = answer(&json!({"usage": {"input_tokens": 3, "cache_read.input_tokens": 40,
        "cache_creation.input_tokens": 5, "output_tokens": 1, "reasoning.output_tokens": 9}}));
    let usage = read.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.total), (48, 9, 57));
    assert_eq!(read.oddities.len(), 2);
    assert!(answer(&json!({"usage": {"other": 1}})).usage.is_none());
}

#[test]
fn an_error_is_one_without_a_status() {
    let read = answer(&json!({"error": {"type": "timeout", "message": "no answer to Alice"}}));
    assert_eq!(read.error.unwrap().kind, "timeout");
    assert_eq!(read.finish_class, FinishClass::Error);
    assert_eq!(read.parts.len(), 1);
}
