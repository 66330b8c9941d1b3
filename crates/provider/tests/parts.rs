//! What parts a body gives, and that the same thing always gives the same ones.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]

mod small;

use provider::Format;
use record::{FinishClass, Part, PartKind, Role};
use serde_json::{Value, json};
use small::{codes, events, kinds, request, stream, unary, words};

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
    assert_eq!(read.parts[2].content.field("media_type"), Some(&json!("image/png")));
    assert_eq!(read.parts[3].content.field("arguments"), Some(&json!("{\"a\": 1}")));
    assert_eq!(read.parts[4].content.field("call_id"), Some(&json!("c1")));
    assert_eq!(codes(&read.oddities), ["unknown_role"]);
    assert_eq!(read.user.as_deref(), Some("alice@example.com"));
    assert_eq!(serde_json::to_string(&read.params).unwrap(), r#"{"temperature":0.2}"#);
    assert!(read.stream && read.context_complete);
}

#[test]
fn context_that_the_provider_holds_is_told() {
    for (format, body) in [
        (Format::OpenAiResponses, json!({"input": "x", "previous_response_id": "resp_1"})),
        (Format::OpenAiResponses, json!({"input": "x", "conversation": {"id": "c"}})),
        (Format::OpenAiResponses, json!({"input": "x", "prompt": {"id": "p"}})),
        (Format::OpenAiResponses, json!({"input": [{"type": "item_reference", "id": "i"}]})),
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
        (Format::AnthropicMessages, json!({"container": "c", "messages": []})),
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
    assert!(!streamed.truncated && streamed.oddities.is_empty(), "{streamed:?}");
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
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1.5}}]);
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let parts = same_three_ways(
        Format::AnthropicMessages,
        &[
            json!({"type": "message_start", "message": {"id": "m", "model": "c", "content": [],
                "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1}}}),
            start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            delta(0, json!({"type": "thinking_delta", "thinking": "Hm."})),
            delta(0, json!({"type": "signature_delta", "signature": "sig"})),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "ping"}),
            start(1, json!({"type": "text", "text": ""})),
            delta(1, json!({"type": "text_delta", "text": "Hi"})),
            start(2, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})),
            delta(2, json!({"type": "input_json_delta", "partial_json": "{\"x\": 1"})),
            delta(2, json!({"type": "input_json_delta", "partial_json": ".5}"})),
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
fn refusals_are_told_apart() {
    let chat = json!({"choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": null, "refusal": "I can't."}}]});
    let responses = json!({"status": "completed", "output": [{"type": "message", "role": "assistant",
        "content": [{"type": "refusal", "refusal": "I can't."}]}]});
    for (format, body) in [(Format::OpenAiChat, chat), (Format::OpenAiResponses, responses)] {
        let read = unary(format, &body);
        assert_eq!(read.finish_class, FinishClass::Refusal);
        assert_eq!(read.parts[0], Part::text(Role::Assistant, PartKind::Refusal, "I can't."));
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
    let read =
        unary(Format::OpenAiChat, &json!({"choices": [choice(1, "second"), choice(0, "first")]}));
    assert_eq!([words(&read.parts[0]), words(&read.parts[1])], ["first", "second"]);
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
    let read = stream(Format::OpenAiChat, &events(&[chunk("a"), chunk("a"), chunk("b")]));
    assert_eq!(read.served, ["a", "b"]);
}

#[test]
fn azure_names_the_model_in_its_path() {
    let path = "/openai/deployments/my-gpt/chat/completions";
    for (body, model) in [
        (json!({"messages": []}), "my-gpt"),
        (json!({"messages": [], "model": "gpt-4o"}), "gpt-4o"),
    ] {
        let read = provider::read_request(Format::OpenAiChat, path, body.to_string().as_bytes());
        assert_eq!(read.model.as_deref(), Some(model));
    }
    let read = provider::read_request(Format::OpenAiChat, path, b"no json");
    assert_eq!(read.model.as_deref(), Some("my-gpt"));
    for path in ["/v1/chat/completions", "/openai/deployments//x", "/deployments/a<b/x"] {
        let read = provider::read_request(Format::OpenAiChat, path, b"{}");
        assert_eq!(read.model, None, "{path}");
    }
}

#[test]
fn the_end_user_is_found_wherever_bodies_name_one() {
    for (body, user) in [
        (json!({"user": "u1"}), Some("u1")),
        (json!({"safety_identifier": "u1"}), Some("u1")),
        (json!({"user": "", "metadata": {"user_id": "u1"}}), Some("u1")),
        (json!({"metadata": {"team": "red", "userId": "u1"}}), Some("u1")),
        (json!({"requestMetadata": {"user_id": 17}}), Some("17")),
        (json!({"labels": {"user": "u1", "team": "red"}}), Some("u1")),
        (json!({"user": "u1", "metadata": {"user_id": "u2"}}), Some("u1")),
        (json!({"metadata": {"team": "red"}, "prompt_cache_key": "u1"}), None),
        (json!({"metadata": "u1", "labels": ["u1"], "user": {"id": "u1"}}), None),
    ] {
        let read = request(Format::OpenAiChat, &body);
        assert_eq!(read.user.as_deref(), user, "{body}");
        assert!(read.params.0.is_empty(), "{body}");
    }
}

#[test]
fn mistral_writes_content_as_a_list() {
    let read = request(
        Format::OpenAiChat,
        &json!({"model": "m", "safe_prompt": true, "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Read"},
                {"type": "document_url", "document_url": "https://example.com/a.pdf"},
                {"type": "image_url", "image_url": "data:image/png;base64,AAAA"},
                {"type": "input_audio", "input_audio": "AAAA"},
                {"type": "file", "file_id": "f1"}]},
            {"role": "assistant", "prefix": true, "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "text", "text": "It says"},
                {"type": "reference", "reference_ids": [1]}]}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [
            ("user", "text"),
            ("user", "uri"),
            ("user", "image"),
            ("user", "audio"),
            ("user", "file"),
            ("assistant", "reasoning"),
            ("assistant", "text"),
            ("assistant", "citation"),
        ]
    );
    assert!(!read.context_complete && read.oddities.is_empty());
    let chunk = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let last = json!({"choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}});
    let read = stream(
        Format::OpenAiChat,
        &events(&[
            chunk(
                json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "H"}]}]}),
            ),
            chunk(
                json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m."}]}]}),
            ),
            chunk(json!({"content": "It says"})),
            last,
        ]),
    );
    assert_eq!([words(&read.parts[0]), words(&read.parts[1])], ["Hm.", "It says."]);
    assert_eq!(read.usage.unwrap().total, 3);
    assert!(!read.truncated);
}

#[test]
fn bare_pieces_are_text() {
    let pieces = [json!({"value": "Sure"}), json!({"value": "!"})];
    let read = stream(Format::OpenAiCompletions, &events(&pieces));
    assert_eq!(words(&read.parts[0]), "Sure!");
    assert!(!read.truncated && read.oddities.is_empty());
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
