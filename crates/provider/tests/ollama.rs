//! Ollama's own formats.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "test helpers")]

mod wire;

use provider::{End, Format, ReadResponse};
use record::{Content, FinishClass};
use serde_json::{Value, json};
use wire::{kinds, read, request};

const JSON: &str = "application/json; charset=utf-8";
const LINES: &str = "application/x-ndjson";

fn whole(format: Format, body: &Value) -> ReadResponse {
    read(format, 200, JSON, &body.to_string(), End::Complete)
}

fn streamed(format: Format, lines: &[Value]) -> ReadResponse {
    let lines = lines.iter().map(|line| format!("{line}\n"));
    let text: String = lines.collect();
    read(format, 200, LINES, &text, End::Complete)
}

fn done(mut line: Value) -> Value {
    for (key, count) in [
        ("total_duration", 900),
        ("load_duration", 100),
        ("prompt_eval_count", 15),
        ("prompt_eval_duration", 50),
        ("eval_count", 50),
        ("eval_duration", 700),
    ] {
        line[key] = Value::from(count);
    }
    line["done"] = Value::Bool(true);
    line["done_reason"] = json!("stop");
    line
}

#[test]
fn a_chat_answer_is_the_same_three_ways() {
    let call = json!({"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"x": 1.5}}});
    let message = json!({"role": "assistant", "content": "Hi you", "thinking": "Hm. So.",
        "tool_calls": [call]});
    let told = whole(
        Format::OllamaChat,
        &done(json!({"model": "m", "created_at": "t5", "message": message})),
    );
    let line = |at: &str, message: Value| json!({"model": "m", "created_at": at, "message": message, "done": false});
    let lines = [
        line("t1", json!({"role": "assistant", "content": "", "thinking": "Hm. "})),
        line("t2", json!({"role": "assistant", "content": "", "thinking": "So."})),
        line("t3", json!({"role": "assistant", "content": "Hi "})),
        line("t4", json!({"role": "assistant", "content": "you"})),
        line("t4", json!({"role": "assistant", "content": "", "tool_calls": [call]})),
        done(json!({"model": "m", "created_at": "t5",
            "message": {"role": "assistant", "content": ""}})),
    ];
    let read = streamed(Format::OllamaChat, &lines);
    assert_eq!(read.parts, told.parts);
    assert_eq!(read.usage, told.usage);
    assert!(!read.truncated && read.oddities.is_empty(), "{read:?}");
    assert_eq!(
        kinds(&read.parts),
        [("assistant", "reasoning"), ("assistant", "text"), ("assistant", "tool_call")]
    );
    assert_eq!(read.parts[2].content.field("arguments"), Some(&json!({"x": 1.5})));
    let history = request(Format::OllamaChat, &json!({"messages": [message]}));
    assert_eq!(history.parts, told.parts);
    assert_eq!(
        (read.finish_class, told.finish_class),
        (FinishClass::ToolCall, FinishClass::ToolCall)
    );
    let usage = read.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.total), (15, 50, 65));
    assert_eq!(usage.raw["eval_duration"], 700);
    // Each line's own time is not kept beside the answer's.
    assert!(read.skeleton.unwrap().0.get("series").is_none());
}

#[test]
fn a_chat_request_in_parts() {
    let read = request(
        Format::OllamaChat,
        &json!({"model": "m", "think": "high", "format": "json", "keep_alive": "5m",
            "options": {"num_predict": 50, "num_ctx": 4096, "temperature": 0.5, "stop": ["Bob"]},
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Look", "images": ["AAAA"]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"function": {"name": "look", "arguments": {"a": 1}}}]},
                {"role": "tool", "tool_name": "look", "content": "a cat"}],
            "tools": [{"type": "function", "function": {"name": "look"}}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [
            ("system", "text"),
            ("user", "text"),
            ("user", "image"),
            ("assistant", "tool_call"),
            ("tool", "tool_result"),
            ("system", "tool_definition"),
        ]
    );
    assert_eq!(read.parts[4].content.field("name"), Some(&json!("look")));
    assert_eq!(
        serde_json::to_string(&read.params).unwrap(),
        concat!(
            r#"{"format":"json","keep_alive":"5m","num_ctx":4096,"num_predict":50,"#,
            r#""temperature":0.5,"think":"high"}"#
        )
    );
    assert!(read.context_complete && read.oddities.is_empty());
}

#[test]
fn a_stream_is_asked_for_unless_the_body_says_otherwise() {
    for format in [Format::OllamaChat, Format::OllamaGenerate] {
        assert!(request(format, &json!({"model": "m"})).stream);
        assert!(!request(format, &json!({"model": "m", "stream": false})).stream);
    }
    assert!(!request(Format::OllamaEmbed, &json!({"model": "m", "input": "x"})).stream);
}

#[test]
fn a_completion_whole_and_streamed() {
    let read = request(
        Format::OllamaGenerate,
        &json!({"model": "m", "system": "Be kind.", "template": "", "prompt": "Go", "suffix": "on",
            "context": [1, 2, 3], "images": ["AAAA"], "raw": false}),
    );
    assert_eq!(
        kinds(&read.parts),
        [
            ("system", "text"),
            ("user", "opaque"),
            ("user", "text"),
            ("user", "text"),
            ("user", "image")
        ]
    );
    assert!(!read.context_complete);
    assert!(
        request(Format::OllamaGenerate, &json!({"context": [], "prompt": "x"})).context_complete
    );

    let last = done(json!({"model": "m", "created_at": "t", "response": "", "context": [1, 2]}));
    let line =
        |piece: &str| json!({"model": "m", "created_at": "t", "response": piece, "done": false});
    let told =
        streamed(Format::OllamaGenerate, &[line("On "), line("and "), line("on"), last.clone()]);
    let mut body = last;
    body["response"] = json!("On and on");
    assert_eq!(told.parts, whole(Format::OllamaGenerate, &body).parts);
    assert_eq!(told.parts[0].content, Content::Text("On and on".to_owned()));
    assert_eq!(kinds(&told.parts), [("assistant", "text"), ("assistant", "opaque")]);
}

#[test]
fn a_prompt_from_the_cache_has_no_count() {
    let mut body = done(json!({"model": "m", "message": {"role": "assistant", "content": "x"}}));
    body.as_object_mut().unwrap().remove("prompt_eval_count");
    let usage = whole(Format::OllamaChat, &body).usage.unwrap();
    assert_eq!((usage.input, usage.output), (0, 50));
    assert!(usage.raw.get("prompt_eval_count").is_none());
}

#[test]
fn embeddings_new_and_old() {
    let read =
        request(Format::OllamaEmbed, &json!({"model": "e", "input": ["a", "b"], "truncate": true}));
    assert_eq!(kinds(&read.parts), [("user", "text"); 2]);
    let read = request(Format::OllamaEmbed, &json!({"model": "e", "prompt": "a"}));
    assert_eq!(kinds(&read.parts), [("user", "text")]);
    let told = whole(
        Format::OllamaEmbed,
        &json!({"model": "e", "embeddings": [[0.10, 0.2], [0.3]], "prompt_eval_count": 4}),
    );
    assert_eq!(kinds(&told.parts), [("assistant", "embedding"); 2]);
    assert_eq!(told.usage.unwrap().input, 4);
    let told = whole(Format::OllamaEmbed, &json!({"embedding": [0.5]}));
    assert_eq!(kinds(&told.parts), [("assistant", "embedding")]);
}
