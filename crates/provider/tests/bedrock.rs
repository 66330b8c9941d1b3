//! Bedrock: whole, streamed and as history, and streams that are damaged.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]

mod small;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use provider::{End, Format, HeaderTokens, ReadResponse, ResponseHead, ResponseReader};
use record::{Content, FinishClass, Part, PartKind, Role};
use serde_json::{Value, json};
use small::{codes, events, kinds, read_as, request, unary, words};

const EVENT_STREAM: Option<&str> = Some("application/vnd.amazon.eventstream");

fn frame(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend(name.as_bytes());
        head.push(7);
        head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend(value.as_bytes());
    }
    let total = u32::try_from(head.len() + payload.len() + 16).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(head);
    out.extend(payload.as_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

fn event(name: &str, payload: &Value) -> Vec<u8> {
    let mut payload = payload.as_object().cloned().unwrap();
    payload.insert("p".to_owned(), json!("abcdefgh"));
    let headers =
        [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, &Value::Object(payload).to_string())
}

fn exception(name: &str, payload: &str) -> Vec<u8> {
    frame(&[(":exception-type", name), (":message-type", "exception")], payload)
}

/// A piece of a model's own format.
fn chunk(piece: &Value) -> Vec<u8> {
    event("chunk", &json!({"bytes": BASE64_STANDARD.encode(piece.to_string())}))
}

fn read(format: Format, pieces: &[&[u8]], end: End) -> ReadResponse {
    let head =
        ResponseHead { status: 200, content_type: EVENT_STREAM, tokens: HeaderTokens::default() };
    let mut reader = ResponseReader::new(format, &head);
    for piece in pieces {
        reader.push(piece);
    }
    reader.finish(end)
}

/// The same at every cut and byte by byte.
fn stream(format: Format, frames: &[Vec<u8>]) -> ReadResponse {
    let bytes = frames.concat();
    let whole = read(format, &[&bytes], End::Complete);
    for cut in 0..bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(read(format, &[a, b], End::Complete), whole, "cut at {cut}");
    }
    assert_eq!(read(format, &bytes.chunks(1).collect::<Vec<_>>(), End::Complete), whole);
    whole
}

fn hello() -> [Vec<u8>; 5] {
    [
        event("messageStart", &json!({"role": "assistant"})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": "Hel"}})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": "lo"}})),
        event("messageStop", &json!({"stopReason": "end_turn"})),
        event(
            "metadata",
            &json!({"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 9,
            "cacheReadInputTokens": 4}, "metrics": {"latencyMs": 7}}),
        ),
    ]
}

#[test]
fn a_converse_request_in_parts() {
    let body = json!({
        "system": [{"text": "Be kind."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [
                {"text": "Look"},
                {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
                {"document": {"format": "pdf", "name": "paper", "source": {"bytes": "BBBB"}}},
                {"video": {"format": "mp4", "source": {"bytes": "CCCC"}}},
                {"guardContent": {"text": {"text": "guarded", "qualifiers": ["query"]}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "found"}]}},
                {"cachePoint": {"type": "default"}}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "DDDD"}},
                {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": 1}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "c1", "status": "error",
                    "content": [{"json": {"seen": "a cat"}}]}},
                {"novelty": {"what": 1}}]}],
        "toolConfig": {"tools": [
            {"toolSpec": {"name": "look", "inputSchema": {"json": {}}}},
            {"cachePoint": {"type": "default"}}]},
        "inferenceConfig": {"maxTokens": 10, "topP": 0.5},
        "requestMetadata": {"userId": "alice@example.com"},
    });
    let read = request(Format::BedrockConverse, &body);
    assert_eq!(
        kinds(&read.parts),
        [
            ("system", "text"),
            ("user", "text"),
            ("user", "image"),
            ("user", "document"),
            ("user", "file"),
            ("user", "text"),
            ("user", "document"),
            ("assistant", "reasoning"),
            ("assistant", "reasoning_opaque"),
            ("assistant", "reasoning_opaque"),
            ("assistant", "tool_call"),
            ("tool", "tool_result"),
            ("user", "opaque"),
            ("system", "tool_definition"),
        ]
    );
    assert_eq!(read.parts[2].content.field("media_type"), Some(&json!("image/png")));
    assert_eq!(read.parts[3].content.field("title"), Some(&json!("paper")));
    assert_eq!(read.parts[11].content.field("status"), Some(&json!("error")));
    assert_eq!(codes(&read.oddities), ["unknown_block"]);
    assert_eq!(read.user.as_deref(), Some("alice@example.com"));
    let params = serde_json::to_string(&read.params).unwrap();
    assert_eq!(params, r#"{"max_tokens":10,"top_p":0.5}"#);
    assert!(read.context_complete && !read.stream);
}

#[test]
fn context_in_s3_or_in_a_managed_prompt_is_elsewhere() {
    let place = json!({"format": "png", "source": {"s3Location": {"uri": "s3://b/k"}}});
    let message = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    let result = json!({"toolResult": {"toolUseId": "c", "content": [{"image": place}]}});
    for body in [message(json!({"image": place})), message(result)] {
        assert!(!request(Format::BedrockConverse, &body).context_complete, "{body}");
    }
    let body = br#"{"promptVariables":{"name":{"text":"Alice"}}}"#;
    let path = "/model/arn%3Aaws%3Abedrock%3Ar%3A1%3Aprompt%2FP%3A1/converse";
    let read = provider::read_request(Format::BedrockConverse, path, body);
    assert!(!read.context_complete);
    assert_eq!(words(&read.parts[0]), "Alice");
}

#[test]
fn the_path_tells_model_and_stream() {
    let converse = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x1";
    for (path, model, stream) in [
        ("/model/amazon.nova-lite-v1%3A0/converse", Some("amazon.nova-lite-v1:0"), false),
        ("/model/amazon.nova-lite-v1:0/converse-stream", Some("amazon.nova-lite-v1:0"), true),
        ("/model/m/invoke-with-response-stream", Some("m"), true),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx1/invoke",
            Some(converse),
            false,
        ),
        (
            "/gateway/model/arn:aws:bedrock:r:1:provisioned-model/x/invoke",
            Some("arn:aws:bedrock:r:1:provisioned-model/x"),
            false,
        ),
        ("/model/%ff/converse", None, false),
        ("/model/a%20b/converse", None, false),
    ] {
        let read = provider::read_request(Format::BedrockConverse, path, b"{}");
        assert_eq!((read.model.as_deref(), read.stream), (model, stream), "{path}");
        assert_eq!(read.oddities.is_empty(), model.is_some(), "{path}");
        // A body that is not there does not hide the path.
        let read = provider::read_request(Format::BedrockInvoke, path, b"");
        assert_eq!((read.model.as_deref(), read.stream), (model, stream), "{path}");
    }
}

#[test]
fn an_answer_is_the_same_whole_streamed_and_as_history() {
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "hmm", "signature": "sig"}}},
        {"citationsContent": {"content": [{"text": "A cat."}],
            "citations": [{"title": "t", "location": {"documentChar": {"start": 1}}}]}},
        {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": [1, "x"]}}},
        {"toolUse": {"toolUseId": "c2", "name": "wait", "input": {}}},
        {"toolResult": {"toolUseId": "c3", "status": "success", "content": [{"json": {"b": 1}}]}},
        {"reasoningContent": {"redactedContent": "AAAABBBB"}},
    ]);
    let whole = json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use", "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}});
    let delta = |index: u64, delta: Value| {
        event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta}))
    };
    let start = |index: u64, start: Value| {
        event("contentBlockStart", &json!({"contentBlockIndex": index, "start": start}))
    };
    let stop = |index: u64| event("contentBlockStop", &json!({"contentBlockIndex": index}));
    let read = stream(
        Format::BedrockConverse,
        &[
            event("messageStart", &json!({"role": "assistant"})),
            delta(0, json!({"reasoningContent": {"text": "hm"}})),
            delta(0, json!({"reasoningContent": {"text": "m"}})),
            delta(0, json!({"reasoningContent": {"signature": "sig"}})),
            stop(0),
            delta(1, json!({"text": "A "})),
            delta(
                1,
                json!({"citation": {"title": "t", "location": {"documentChar": {"start": 1}}}}),
            ),
            delta(1, json!({"text": "cat."})),
            stop(1),
            start(2, json!({"toolUse": {"toolUseId": "c1", "name": "look"}})),
            delta(2, json!({"toolUse": {"input": "{\"a\":[1,"}})),
            delta(2, json!({"toolUse": {"input": " \"x\"]}"}})),
            stop(2),
            start(3, json!({"toolUse": {"toolUseId": "c2", "name": "wait"}})),
            delta(3, json!({"toolUse": {"input": ""}})),
            stop(3),
            start(4, json!({"toolResult": {"toolUseId": "c3", "status": "success"}})),
            delta(4, json!({"toolResult": [{"json": {"b": 1}}]})),
            stop(4),
            delta(5, json!({"reasoningContent": {"redactedContent": "AAAA"}})),
            delta(5, json!({"reasoningContent": {"redactedContent": "BBBB"}})),
            event("messageStop", &json!({"stopReason": "tool_use"})),
            event("metadata", &json!({"usage": whole["usage"], "metrics": {"latencyMs": 7}})),
        ],
    );
    assert_eq!(codes(&read.oddities), Vec::<&str>::new());
    assert_eq!(read.finish_class, FinishClass::ToolCall);
    assert_eq!(read.finish_reasons, ["tool_use"]);
    let other = unary(Format::BedrockConverse, &whole);
    assert_eq!(other.parts, read.parts);
    assert_eq!(other.usage, read.usage);
    let history = json!({"messages": [{"role": "assistant", "content": content}]});
    assert_eq!(request(Format::BedrockConverse, &history).parts, read.parts);
    // Nova's own format is the same.
    let nova = json!({"schemaVersion": "messages-v1", "messages": history["messages"]});
    assert_eq!(request(Format::BedrockInvoke, &nova).parts, read.parts);
    assert_eq!(unary(Format::BedrockInvoke, &whole).parts, read.parts);
}

#[test]
fn usage_comes_after_the_message() {
    let frames = hello();
    let read = stream(Format::BedrockConverse, &frames);
    assert_eq!(read.parts, [Part::text(Role::Assistant, PartKind::Text, "Hello")]);
    let usage = read.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.total, usage.cache_read), (7, 2, 9, 4));
    assert!(!read.truncated && read.oddities.is_empty());
    let mut reader = ResponseReader::new(
        Format::BedrockConverse,
        &ResponseHead { status: 200, content_type: None, tokens: HeaderTokens::default() },
    );
    reader.push(&frames[..4].concat());
    assert_eq!((reader.content_events(), reader.terminal_seen()), (2, false));
    reader.push(&frames[4]);
    assert!(reader.terminal_seen());
    // Without its usage a stream that ends properly is whole, one that is cut is not.
    let without = frames[..4].concat();
    assert!(!self::read(Format::BedrockConverse, &[&without], End::Complete).truncated);
    assert!(self::read(Format::BedrockConverse, &[&without], End::Cut).truncated);
    let half = frames[..3].concat();
    assert!(self::read(Format::BedrockConverse, &[&half], End::Complete).truncated);
}

#[test]
fn exceptions_are_errors_although_the_status_is_200() {
    let [start, text, ..] = hello();
    for format in [Format::BedrockConverse, Format::BedrockInvoke] {
        for (payload, message) in [
            (r#"{"message":"slow down, Alice","originalStatusCode":429}"#, "slow down, Alice"),
            ("no JSON", "no JSON"),
        ] {
            let failed = exception("throttlingException", payload);
            let frames = match format {
                Format::BedrockConverse => vec![start.clone(), text.clone(), failed.clone()],
                _ => vec![chunk(&json!({"outputText": "Hel"})), failed.clone()],
            };
            let read = stream(format, &frames);
            let error = read.error.expect("an error");
            assert_eq!((error.kind.as_str(), error.code), ("throttlingException", None));
            assert_eq!(read.finish_class, FinishClass::Error);
            assert_eq!(words(&read.parts[0]), "Hel");
            assert_eq!(words(read.parts.last().unwrap()), message);
            assert!(!read.truncated);
            assert!(provider::ends_stream(format, &failed));
        }
    }
    let error = frame(
        &[
            (":message-type", "error"),
            (":error-code", "InternalFailure"),
            (":error-message", "it broke"),
        ],
        "",
    );
    let read = stream(Format::BedrockConverse, &[error]);
    assert_eq!(read.error.unwrap().kind, "InternalFailure");
    assert_eq!(words(&read.parts[0]), "it broke");
}

#[test]
fn damage_is_told_with_its_place_and_kept() {
    let frames = hello();
    let first = frames[0].len();
    let mut flipped = frames.clone();
    let middle = flipped[1].len() / 2;
    flipped[1][middle] ^= 1;
    let read = stream(Format::BedrockConverse, &flipped);
    assert_eq!(codes(&read.oddities), ["frame_crc_wrong", "stray_bytes"]);
    let place = format!("event 2, byte {first}");
    assert_eq!(read.oddities[0].detail.as_deref(), Some(place.as_str()));
    assert_eq!(words(&read.parts[0]), "lo");
    assert_eq!(read.parts[1].kind, PartKind::Opaque);
    assert_eq!(read.parts[1].content, Content::Bytes(flipped[1].clone()));
    assert_eq!(read.usage.unwrap().output, 2);

    // Cut in the middle of a frame.
    let cut = frames[1].len() - 5;
    let bytes = [frames[0].as_slice(), &frames[1][..cut]].concat();
    let read = stream(Format::BedrockConverse, std::slice::from_ref(&bytes));
    assert_eq!(codes(&read.oddities), ["frame_cut", "stray_bytes"]);
    assert!(read.truncated);
    assert_eq!(read.parts[0].content, Content::Bytes(bytes[first..].to_vec()));

    // Nothing but garbage.
    let read = stream(Format::BedrockConverse, &[b"what is this".to_vec()]);
    assert_eq!(words(&read.parts[0]), "what is this");
    assert!(read.truncated);
}

#[test]
fn what_is_not_known_in_a_stream_is_kept() {
    let [start, text, _, stop, metadata] = hello();
    let read = stream(
        Format::BedrockConverse,
        &[
            start,
            event("novelty", &json!({"what": [1]})),
            event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"new": 1}})),
            event("contentBlockDelta", &json!({"delta": {"text": "where?"}})),
            text,
            frame(&[(":event-type", "messageStop")], "{broken"),
            stop,
            metadata,
        ],
    );
    let told = ["unknown_event", "unknown_event", "unknown_event", "event_json_invalid"];
    assert_eq!(codes(&read.oddities), told);
    let skeleton = read.skeleton.unwrap().0;
    assert_eq!(skeleton["unknown_events"][0], json!({"novelty": {"what": [1]}}));
    assert!(skeleton.to_string().contains("where?"));
    assert_eq!(words(read.parts.last().unwrap()), "{broken");
}

#[test]
fn reasons_of_converse_have_their_class() {
    for (reason, class) in [
        ("end_turn", FinishClass::Stop),
        ("stop_sequence", FinishClass::Stop),
        ("tool_use", FinishClass::ToolCall),
        ("max_tokens", FinishClass::Length),
        ("model_context_window_exceeded", FinishClass::Length),
        ("guardrail_intervened", FinishClass::ContentFilter),
        ("content_filtered", FinishClass::ContentFilter),
        ("malformed_tool_use", FinishClass::Error),
        ("novelty", FinishClass::Unknown),
    ] {
        let read = unary(Format::BedrockConverse, &json!({"stopReason": reason}));
        assert_eq!((read.finish_class, read.finish_reasons), (class, vec![reason.to_owned()]));
    }
    let routed = json!({"output": {"message": {"role": "assistant", "content": []}},
        "trace": {"promptRouter": {"invokedModelId": "arn:aws:bedrock:r:1:inference-profile/m"}}});
    let read = unary(Format::BedrockConverse, &routed);
    assert_eq!(read.model.as_deref(), Some("arn:aws:bedrock:r:1:inference-profile/m"));
}

#[test]
fn claude_is_claude_behind_bedrock_too() {
    let whole = json!({"id": "m1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}}],
        "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 2}});
    let metrics = json!({"inputTokenCount": 300, "outputTokenCount": 200});
    let read = stream(
        Format::BedrockInvoke,
        &[
            chunk(&json!({"type": "message_start", "message": {"id": "m1", "type": "message",
                "role": "assistant", "model": "claude", "content": [],
                "usage": {"input_tokens": 3, "output_tokens": 1}}})),
            chunk(&json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}})),
            chunk(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "Hi"}})),
            chunk(&json!({"type": "content_block_start", "index": 1,
                "content_block": {"type": "tool_use", "id": "c1", "name": "look", "input": {}}})),
            chunk(&json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}})),
            chunk(&json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
                "usage": {"output_tokens": 2}})),
            chunk(&json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics})),
        ],
    );
    assert!(read.oddities.is_empty() && !read.truncated, "{:?}", read.oddities);
    let other = unary(Format::BedrockInvoke, &whole);
    assert_eq!(other.parts, read.parts);
    // The model's own counts go before Bedrock's measurements, which stay beside.
    assert_eq!(read.usage.unwrap().output, 2);
    assert_eq!(read.skeleton.unwrap().0["amazon-bedrock-invocationMetrics"], metrics);
    let body = json!({"anthropic_version": "bedrock-2023-05-31",
        "messages": [{"role": "assistant", "content": whole["content"]}]});
    assert_eq!(request(Format::BedrockInvoke, &body).parts, read.parts);
}

#[test]
fn models_in_their_own_formats() {
    let metrics = json!({"inputTokenCount": 4, "outputTokenCount": 6});
    let last = |mut piece: Value| {
        piece["amazon-bedrock-invocationMetrics"] = metrics.clone();
        chunk(&piece)
    };
    for (asked, whole, pieces, class, used) in [
        (
            json!({"inputText": "Q", "textGenerationConfig": {"maxTokenCount": 9}}),
            json!({"inputTextTokenCount": 1, "results": [
                {"tokenCount": 2, "outputText": "Hello", "completionReason": "LENGTH"}]}),
            vec![
                chunk(&json!({"outputText": "Hel", "index": 0, "inputTextTokenCount": 1})),
                last(json!({"outputText": "lo", "index": 0, "totalOutputTextTokenCount": 2,
                    "completionReason": "LENGTH"})),
            ],
            FinishClass::Length,
            (1, 2),
        ),
        (
            json!({"prompt": "Q", "max_gen_len": 9}),
            json!({"generation": "Hello", "prompt_token_count": 1, "generation_token_count": 2,
                "stop_reason": "stop"}),
            vec![
                chunk(&json!({"generation": "Hel", "prompt_token_count": 1,
                    "generation_token_count": 1, "stop_reason": null})),
                last(json!({"generation": "lo", "prompt_token_count": null,
                    "generation_token_count": 2, "stop_reason": "stop"})),
            ],
            FinishClass::Stop,
            (1, 2),
        ),
        (
            json!({"prompt": "Q", "max_tokens_to_sample": 9}),
            json!({"completion": "Hello", "stop_reason": "stop_sequence"}),
            vec![
                chunk(&json!({"completion": "Hel", "stop_reason": null})),
                last(json!({"completion": "lo", "stop_reason": "stop_sequence"})),
            ],
            FinishClass::Stop,
            (4, 6),
        ),
        (
            json!({"prompt": "Q", "max_tokens": 9}),
            json!({"outputs": [{"text": "Hello", "stop_reason": "length"}]}),
            vec![
                chunk(&json!({"outputs": [{"text": "Hel", "stop_reason": null}]})),
                last(json!({"outputs": [{"text": "lo", "stop_reason": "length"}]})),
            ],
            FinishClass::Length,
            (4, 6),
        ),
        (
            json!({"prompt": "Q", "p": 1}),
            json!({"id": "i", "prompt": "Q", "generations": [
                {"id": "g", "text": "Hello", "finish_reason": "ERROR_TOXIC"}]}),
            vec![last(json!({"id": "i", "prompt": "Q", "generations": [
                {"id": "g", "text": "Hello", "finish_reason": "ERROR_TOXIC"}]}))],
            FinishClass::ContentFilter,
            (4, 6),
        ),
        (
            json!({"messages": [{"role": "user", "content": "Q"}], "max_tokens": 9}),
            json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"},
                "stop_reason": "length"}]}),
            vec![
                chunk(&json!({"choices": [{"index": 0, "stop_reason": null,
                    "message": {"role": "assistant", "content": "Hel"}}]})),
                last(json!({"choices": [{"index": 0, "stop_reason": "length",
                    "message": {"role": "assistant", "content": "lo"}}]})),
            ],
            FinishClass::Length,
            (4, 6),
        ),
    ] {
        let question = request(Format::BedrockInvoke, &asked);
        assert_eq!(question.parts, [Part::text(Role::User, PartKind::Text, "Q")], "{asked}");
        let streamed = stream(Format::BedrockInvoke, &pieces);
        assert_eq!(
            streamed.parts,
            [Part::text(Role::Assistant, PartKind::Text, "Hello")],
            "{asked}"
        );
        assert_eq!(streamed.finish_class, class, "{asked}");
        let usage = streamed.usage.as_ref().unwrap();
        assert_eq!((usage.input, usage.output), used, "{asked}");
        assert!(!streamed.truncated && streamed.oddities.is_empty(), "{streamed:?}");
        let bytes = pieces.concat();
        let cut = &bytes[..bytes.len() - pieces.last().unwrap().len()];
        assert!(cut.is_empty() || read(Format::BedrockInvoke, &[cut], End::Complete).truncated);
        assert!(provider::ends_stream(Format::BedrockInvoke, &bytes));
        let unary = unary(Format::BedrockInvoke, &whole);
        assert_eq!((unary.parts, unary.finish_class), (streamed.parts, class), "{asked}");
    }
}

/// Its own streams number each piece of a text as a block of its own.
#[test]
fn novas_own_stream_is_one_text() {
    let delta = |index: u64, delta: Value| {
        chunk(&json!({"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}))
    };
    let stop = |index: u64| chunk(&json!({"contentBlockStop": {"contentBlockIndex": index}}));
    let tool = json!({"toolUse": {"toolUseId": "c", "name": "look"}});
    let frames = [
        chunk(&json!({"messageStart": {"role": "assistant"}})),
        delta(0, json!({"text": "Hel"})),
        stop(0),
        delta(1, json!({"text": "lo"})),
        stop(1),
        chunk(&json!({"contentBlockStart": {"contentBlockIndex": 2, "start": tool}})),
        delta(2, json!({"toolUse": {"input": "{}"}})),
        stop(2),
        chunk(&json!({"messageStop": {"stopReason": "tool_use"}})),
        chunk(&json!({"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2}},
            "amazon-bedrock-invocationMetrics": {"inputTokenCount": 1}})),
    ];
    let read = stream(Format::BedrockInvoke, &frames);
    let whole = unary(
        Format::BedrockInvoke,
        &json!({"stopReason": "tool_use", "output": {
        "message": {"role": "assistant", "content": [{"text": "Hello"},
            {"toolUse": {"toolUseId": "c", "name": "look", "input": {}}}]}}}),
    );
    assert_eq!(read.parts, whole.parts);
    assert!(read.oddities.is_empty() && !read.truncated);
    assert_eq!(read.usage.unwrap().total, 3);
}

#[test]
fn headers_tell_tokens_that_the_body_does_not() {
    let tokens = HeaderTokens { input: Some(4), output: Some(6), ..HeaderTokens::default() };
    let of = |body: Value| {
        let head = ResponseHead { status: 200, content_type: small::JSON, tokens };
        let mut reader = ResponseReader::new(Format::BedrockInvoke, &head);
        reader.push(body.to_string().as_bytes());
        let usage = reader.finish(End::Complete).usage.unwrap();
        (usage.input, usage.output)
    };
    assert_eq!(of(json!({"completion": "x"})), (4, 6));
    assert_eq!(of(json!({"generation": "x", "prompt_token_count": 1})), (1, 0));
}

#[test]
fn vectors_and_images() {
    for (body, count) in [
        (json!({"embedding": [0.1, 0.2], "embeddingsByType": {"float": [0.1, 0.2]}}), 2),
        (json!({"embeddings": [{"embedding": [0.1], "embeddingType": "TEXT"}]}), 1),
    ] {
        let read = unary(Format::BedrockInvoke, &body);
        assert_eq!(kinds(&read.parts), vec![("assistant", "embedding"); count], "{body}");
    }
    let read = unary(Format::BedrockInvoke, &json!({"images": ["AAAA"], "error": null}));
    assert_eq!(kinds(&read.parts), [("assistant", "image")]);
    for body in [
        json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
            "text": {"value": "Q", "truncationMode": "NONE"},
            "image": {"format": "png", "source": {"bytes": "AAAA"}}}}),
        json!({"taskType": "IMAGE_VARIATION",
            "imageVariationParams": {"text": "Q", "images": ["AAAA"]}}),
        json!({"text_prompts": [{"text": "Q", "weight": 1}], "init_image": "AAAA"}),
    ] {
        let read = request(Format::BedrockInvoke, &body);
        assert_eq!(kinds(&read.parts), [("user", "text"), ("user", "image")], "{body}");
    }
}

#[test]
fn guardrails_are_filters_in_every_format() {
    let blocked = chunk(&json!({"outputText": "Blocked", "index": 0, "inputTextTokenCount": 6.0,
        "totalOutputTextTokenCount": 3.0, "amazon-bedrock-guardrailAction": "INTERVENED",
        "amazon-bedrock-trace": {"guardrail": {}}}));
    let read = stream(Format::BedrockInvoke, std::slice::from_ref(&blocked));
    assert_eq!(read.finish_class, FinishClass::ContentFilter);
    assert!(!read.truncated);
    assert_eq!(read.usage.unwrap().total, 9);
    assert!(provider::ends_stream(Format::BedrockInvoke, &blocked));
}

#[test]
fn chunks_that_cannot_be_opened_are_kept() {
    let read = stream(
        Format::BedrockInvoke,
        &[
            event("chunk", &json!({"bytes": "no base64!"})),
            event("chunk", &json!({"bytes": BASE64_STANDARD.encode("{cut")})),
            event("chunk", &json!({"other": 1})),
            event("novelty", &json!({})),
            chunk(&json!({"generation": "x", "stop_reason": "stop"})),
        ],
    );
    let told = ["base64_invalid", "event_json_invalid", "unknown_event", "unknown_event"];
    assert_eq!(codes(&read.oddities), told);
    let texts: Vec<_> = read.parts.iter().map(words).collect();
    assert_eq!(texts, ["x", "no base64!", "{cut"]);
}

#[test]
fn events_in_another_framing_are_kept() {
    let body = events(&[json!({"messageStop": {"stopReason": "end_turn"}})]);
    let read = small::stream(Format::BedrockConverse, &body);
    assert_eq!(codes(&read.oddities), ["content_type_mismatch", "json_invalid"]);
    assert_eq!(words(&read.parts[0]), body);
}

#[test]
fn counts_of_tokens() {
    let body = json!({"input": {"converse": {"system": [{"text": "S"}],
        "messages": [{"role": "user", "content": [{"text": "Q"}]}]}}});
    let read = request(Format::BedrockCountTokens, &body);
    assert_eq!(kinds(&read.parts), [("system", "text"), ("user", "text")]);
    let body = json!({"input": {"invokeModel": {"body": "e30="}}});
    let read = request(Format::BedrockCountTokens, &body);
    assert_eq!(read.parts[0].content.field("data"), Some(&json!("e30=")));
    let read = unary(Format::BedrockCountTokens, &json!({"inputTokens": 18}));
    assert!(read.parts.is_empty() && read.oddities.is_empty() && read.usage.is_none());
}

#[test]
fn errors_by_status() {
    for format in [Format::BedrockConverse, Format::BedrockInvoke, Format::BedrockCountTokens] {
        let body = r#"{"__type":"com.amazon#ThrottlingException","message":"slow"}"#;
        let read = read_as(format, 429, small::JSON, body, End::Complete);
        assert_eq!(read.error.unwrap().kind, "http_429");
        let body = r#"{"__type":"ThrottlingException","message":"slow"}"#;
        let read = read_as(format, 429, EVENT_STREAM, body, End::Complete);
        assert_eq!(read.error.unwrap().kind, "ThrottlingException");
        assert_eq!(words(&read.parts[0]), "slow");
    }
}
