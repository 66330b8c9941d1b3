//! Cohere's formats: whole, streamed and as history the same.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test helpers"
)]

mod wire;

use provider::{End, Format, ReadResponse};
use record::{Content, FinishClass};
use serde_json::{Value, json};
use wire::{kinds, read, request};

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
const LINES: &str = "application/stream+json";

fn whole(format: Format, body: &Value) -> ReadResponse {
    read(format, 200, JSON, &body.to_string(), End::Complete)
}

fn sse(events: &[Value], end: &str) -> String {
    let events = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    events.chain([end.to_owned()]).collect()
}

fn delta(kind: &str, index: u64, message: &Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

/// An answer with all that version 2 has, as the provider sends it in pieces.
fn answer_v2() -> (Value, Vec<Value>) {
    let citation = json!({"start": 0, "end": 5, "text": "Paris", "type": "TEXT_CONTENT",
        "sources": [{"type": "document", "id": "d1", "document": {"id": "d1", "text": "Paris."}}]});
    let message = json!({"role": "assistant", "tool_plan": "I will look.",
        "content": [{"type": "thinking", "thinking": "Hm. So."}, {"type": "text", "text": "Paris it is"}],
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"a\": 1}"}},
            {"id": "c2", "type": "function", "function": {"name": "see", "arguments": ""}}],
        "citations": [citation]});
    let usage = json!({"billed_units": {"input_tokens": 7, "output_tokens": 9},
        "tokens": {"input_tokens": 69, "output_tokens": 11}, "cached_tokens": 48});
    let whole =
        json!({"id": "r1", "finish_reason": "TOOL_CALL", "message": message, "usage": usage});
    let text = |kind: &str, index, key: &str, piece: &str| {
        let mut content = json!({key: piece});
        if kind == "content-start" {
            content["type"] = Value::from(key);
        }
        delta(kind, index, &json!({"content": content}))
    };
    let arguments = |piece: &str| {
        delta("tool-call-delta", 0, &json!({"tool_calls": {"function": {"arguments": piece}}}))
    };
    let call = |index, id: &str, name: &str| {
        let function = json!({"name": name, "arguments": ""});
        let call = json!({"id": id, "type": "function", "function": function});
        delta("tool-call-start", index, &json!({"tool_calls": call}))
    };
    let empty = json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [],
        "citations": []});
    let events = vec![
        json!({"id": "r1", "type": "message-start", "delta": {"message": empty}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will "}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "look."}}}),
        text("content-start", 0, "thinking", ""),
        text("content-delta", 0, "thinking", "Hm. "),
        text("content-delta", 0, "thinking", "So."),
        json!({"type": "content-end", "index": 0}),
        text("content-start", 1, "text", ""),
        text("content-delta", 1, "text", "Paris "),
        text("content-delta", 1, "text", "it is"),
        json!({"type": "content-end", "index": 1}),
        delta("citation-start", 0, &json!({"citations": citation})),
        json!({"type": "citation-end", "index": 0}),
        call(0, "c1", "look"),
        arguments("{\"a\""),
        arguments(": 1}"),
        json!({"type": "tool-call-end", "index": 0}),
        call(1, "c2", "see"),
        json!({"type": "tool-call-end", "index": 1}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": usage}}),
    ];
    (whole, events)
}

#[test]
fn an_answer_is_the_same_three_ways() {
    let (body, events) = answer_v2();
    let told = whole(Format::CohereChat, &body);
    assert_eq!(
        kinds(&told.parts),
        [
            ("assistant", "reasoning"),
            ("assistant", "reasoning"),
            ("assistant", "text"),
            ("assistant", "tool_call"),
            ("assistant", "tool_call"),
            ("assistant", "citation"),
        ]
    );
    let usage = told.usage.as_ref().unwrap();
    assert_eq!((usage.input, usage.output, usage.cache_read, usage.total), (69, 11, 48, 80));
    assert_eq!(usage.raw["billed_units"]["input_tokens"], 7);
    assert_eq!(told.finish_class, FinishClass::ToolCall);
    assert!(told.oddities.is_empty(), "{:?}", told.oddities);
    // The mark at the end is not always there.
    for end in ["data: [DONE]\n\n", ""] {
        let streamed = read(Format::CohereChat, 200, SSE, &sse(&events, end), End::Complete);
        assert_eq!(streamed.parts, told.parts);
        assert_eq!(streamed.usage, told.usage);
        assert_eq!(streamed.finish_reasons, ["TOOL_CALL"]);
        assert_eq!(streamed.response_id.as_deref(), Some("r1"));
        assert!(!streamed.truncated && streamed.oddities.is_empty(), "{streamed:?}");
    }
    let history = request(Format::CohereChat, &json!({"messages": [body["message"]]}));
    assert_eq!(history.parts, told.parts);
}

#[test]
fn a_stream_that_is_cut_keeps_what_came() {
    let (_, events) = answer_v2();
    let read = read(Format::CohereChat, 200, SSE, &sse(&events[..10], ""), End::Cut);
    assert!(read.truncated);
    assert_eq!(read.parts.last().unwrap().content.as_text(), Some("Paris it is"));
}

#[test]
fn a_request_in_parts() {
    let read = request(
        Format::CohereChat,
        &json!({"model": "command-a", "stream": true, "temperature": 0.3, "k": 5, "p": 0.9,
            "safety_mode": "STRICT", "response_format": {"type": "json_object"},
            "citation_options": {"mode": "FAST"}, "stop_sequences": ["Bob"],
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
                {"role": "tool", "tool_call_id": "c1",
                 "content": [{"type": "document", "document": {"id": "1", "data": {"t": "x"}}}]}],
            "documents": ["plain", {"id": "d1", "data": {"text": "Paris."}}],
            "tools": [{"type": "function", "function": {"name": "look"}}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [
            ("system", "text"),
            ("user", "text"),
            ("user", "image"),
            ("tool", "tool_result"),
            ("user", "document"),
            ("user", "document"),
            ("system", "tool_definition"),
        ]
    );
    assert_eq!(read.parts[4].content, Content::Text("plain".to_owned()));
    assert_eq!(read.parts[5].content.field("id"), Some(&json!("d1")));
    assert_eq!(
        serde_json::to_string(&read.params).unwrap(),
        concat!(
            r#"{"citation_mode":"FAST","k":5,"p":0.9,"response_format":"json_object","#,
            r#""safety_mode":"STRICT","temperature":0.3}"#
        )
    );
    assert!(read.stream && read.context_complete && read.oddities.is_empty());
}

/// A whole answer of version 1, and the lines in which it is streamed.
fn answer_v1() -> (Value, Vec<Value>) {
    let documents = json!([{"id": "w1", "snippet": "Paris."}, {"id": "w2", "snippet": "France."}]);
    let citations = json!([{"start": 0, "end": 5, "text": "Paris", "document_ids": ["w1"]}]);
    let queries = json!([{"text": "capital of France", "generation_id": "g"}]);
    let calls = json!([{"name": "look", "parameters": {"a": 1.5}}]);
    let body = json!({"response_id": "r1", "generation_id": "g", "text": "Paris it is",
        "chat_history": [{"role": "USER", "message": "Capital?"},
                         {"role": "CHATBOT", "message": "Paris it is"}],
        "finish_reason": "COMPLETE", "citations": citations, "documents": documents,
        "search_queries": queries, "tool_calls": calls,
        "meta": {"api_version": {"version": "1"}, "warnings": ["old"],
                 "billed_units": {"input_tokens": 4, "output_tokens": 3},
                 "tokens": {"input_tokens": 40, "output_tokens": 3}}});
    let line = |kind: &str, rest: Value| {
        let mut line = json!({"is_finished": kind == "stream-end", "event_type": kind});
        for (key, member) in rest.as_object().unwrap() {
            line[key] = member.clone();
        }
        line
    };
    let other_order = json!([documents[1], documents[0]]);
    let lines = vec![
        line("stream-start", json!({"generation_id": "g"})),
        line("search-queries-generation", json!({"search_queries": queries})),
        line("search-results", json!({"documents": other_order})),
        line("text-generation", json!({"text": "Paris "})),
        line("text-generation", json!({"text": "it is"})),
        line("citation-generation", json!({"citations": citations})),
        line("tool-calls-chunk", json!({"tool_call_delta": {"index": 0, "name": "look"}})),
        line("tool-calls-generation", json!({"text": "Paris it is", "tool_calls": calls})),
        line("stream-end", json!({"finish_reason": "COMPLETE", "response": body})),
    ];
    (body, lines)
}

fn lines(lines: &[Value]) -> String {
    let lines = lines.iter().map(|line| format!("{line}\n"));
    lines.collect()
}

#[test]
fn version_1_keeps_the_answer_of_its_end_once() {
    let (body, events) = answer_v1();
    let told = whole(Format::CohereChatV1, &body);
    assert_eq!(
        kinds(&told.parts),
        [
            ("assistant", "tool_call"),
            ("tool", "document"),
            ("tool", "document"),
            ("assistant", "text"),
            ("assistant", "tool_call"),
            ("assistant", "citation"),
        ]
    );
    let usage = told.usage.as_ref().unwrap();
    assert_eq!((usage.input, usage.output), (40, 3));
    assert_eq!(usage.raw["billed_units"]["input_tokens"], 4);
    let text = lines(&events);
    let streamed = read(Format::CohereChatV1, 200, LINES, &text, End::Complete);
    assert_eq!(streamed, told);
    // The answer stands in its part and nowhere else.
    let skeleton = serde_json::to_string(&streamed.skeleton.unwrap().0).unwrap();
    assert!(!skeleton.contains("Paris it is") && skeleton.contains("Capital?"), "{skeleton}");
}

#[test]
fn version_1_tells_when_pieces_and_end_differ() {
    let (_, mut events) = answer_v1();
    events[3]["text"] = json!("London ");
    events.remove(7);
    let read = read(Format::CohereChatV1, 200, LINES, &lines(&events), End::Complete);
    assert_eq!(read.oddities[0].code, "stream_disagrees");
    assert_eq!(read.parts[3].content.as_text(), Some("Paris it is"));
    let skeleton = serde_json::to_string(&read.skeleton.unwrap().0).unwrap();
    assert!(skeleton.contains("London it is"), "{skeleton}");
}

#[test]
fn version_1_without_its_end_keeps_the_pieces() {
    let (_, events) = answer_v1();
    let read = read(Format::CohereChatV1, 200, LINES, &lines(&events[..7]), End::Cut);
    assert!(read.truncated);
    let call = &read.parts[4];
    assert_eq!(call.content.field("name"), Some(&json!("look")));
    assert_eq!(read.parts[3].content.as_text(), Some("Paris it is"));
}

#[test]
fn a_request_of_version_1_in_parts() {
    let read = request(
        Format::CohereChatV1,
        &json!({"model": "command-r", "preamble": "Be kind.", "message": "And now?",
            "conversation_id": "", "prompt_truncation": "AUTO",
            "chat_history": [
                {"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"},
                {"role": "SYSTEM", "message": "Go on."},
                {"role": "TOOL", "tool_results": [
                    {"call": {"name": "f", "parameters": {"x": 1}}, "outputs": [{"y": 2}]}]}],
            "documents": [{"title": "t", "snippet": "s"}],
            "tool_results": [{"call": {"name": "g", "parameters": {}}, "outputs": []}],
            "tools": [{"name": "f", "description": "d", "parameter_definitions": {}}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [
            ("system", "text"),
            ("user", "text"),
            ("assistant", "text"),
            ("system", "text"),
            ("tool", "tool_result"),
            ("user", "text"),
            ("tool", "tool_result"),
            ("user", "document"),
            ("system", "tool_definition"),
        ]
    );
    assert!(read.context_complete && read.oddities.is_empty(), "{read:?}");
    for body in [
        json!({"message": "x", "conversation_id": "c"}),
        json!({"message": "x", "connectors": [{"id": "web-search"}]}),
    ] {
        assert!(!request(Format::CohereChatV1, &body).context_complete, "{body}");
    }
}

#[test]
fn embeddings_and_ranking() {
    let read = request(
        Format::CohereEmbed,
        &json!({"model": "embed-v4", "input_type": "search_query", "texts": ["a", "b"],
            "images": ["data:image/png;base64,AAAA"], "embedding_types": ["float", "int8"],
            "inputs": [{"content": [{"type": "text", "text": "c"}]}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [("user", "text"), ("user", "text"), ("user", "image"), ("user", "text")]
    );
    assert_eq!(
        serde_json::to_string(&read.params).unwrap(),
        r#"{"embedding_types":"float:int8","input_type":"search_query"}"#
    );
    let told = whole(
        Format::CohereEmbed,
        &json!({"id": "e", "texts": ["a"], "embeddings": {"float": [[0.5, 1.0]], "int8": [[1, 2]]},
            "meta": {"billed_units": {"input_tokens": 2, "image_tokens": 5}}}),
    );
    assert_eq!(kinds(&told.parts), [("assistant", "embedding"); 2]);
    assert_eq!(told.parts[1].content.field("type"), Some(&json!("int8")));
    assert_eq!(told.usage.unwrap().input, 7);
    let told = whole(Format::CohereEmbed, &json!({"id": "e", "embeddings": [[0.5], [1.5]]}));
    assert_eq!(told.parts.len(), 2);

    let read = request(
        Format::CohereRerank,
        &json!({"model": "rerank", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1}),
    );
    assert_eq!(kinds(&read.parts), [("user", "text"), ("user", "document"), ("user", "document")]);
    let told = whole(
        Format::CohereRerank,
        &json!({"id": "k", "meta": {"billed_units": {"search_units": 1}}, "results": [
            {"index": 1, "relevance_score": 0.9, "document": {"text": "b"}},
            {"index": 0, "relevance_score": 0.1}]}),
    );
    assert_eq!(kinds(&told.parts), [("tool", "document"); 2]);
    assert_eq!(told.parts[0].content.field("score"), Some(&json!(0.9)));
    assert_eq!(told.usage.unwrap().raw["billed_units"]["search_units"], 1);
}
