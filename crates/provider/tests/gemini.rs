//! Gemini and Vertex: what recordings show seldom or never, with small bodies made for it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]

mod small;

use provider::{
    End, Format, ReadResponse, ResponseHead, ResponseReader, ends_stream, read_request,
};
use record::{FinishClass, Part, PartKind, Role};
use serde_json::{Value, json};
use small::{JSON, SSE, codes, events, kinds, read_as, request, stream, unary, words};

const WHOLE: &str = include_str!("fixtures/gemini/answer.json");
const STREAM: &str = include_str!("fixtures/gemini/answer.sse");
const ARRAY: &str = include_str!("fixtures/gemini/answer.array.json");
const HISTORY: &str = include_str!("fixtures/gemini/history.json");
const CAMEL: &str = include_str!("fixtures/gemini/request.camel.json");
const SNAKE: &str = include_str!("fixtures/gemini/request.snake.json");
const PIECES: &str = include_str!("fixtures/gemini/call_in_pieces.sse");

const GENERATE: Format = Format::GeminiGenerate;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn answer(body: &Value) -> ReadResponse {
    unary(GENERATE, body)
}

/// Chunks on the wire.
fn sse(chunks: &[Value]) -> String {
    let lines = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n"));
    lines.collect()
}

fn candidate(parts: &Value, finish: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish}]})
}

#[test]
fn an_answer_is_the_same_three_ways_and_as_history() {
    let whole = answer(&value(WHOLE));
    assert_eq!(
        kinds(&whole.parts),
        [
            ("assistant", "reasoning"),
            ("assistant", "text"),
            ("assistant", "reasoning_opaque"),
            ("assistant", "tool_call"),
            ("assistant", "reasoning_opaque"),
            ("assistant", "tool_call"),
            ("assistant", "citation"),
        ]
    );
    assert_eq!(words(&whole.parts[1]), "Let me look: “ü”");
    assert_eq!(
        whole.parts[3].content.field("arguments"),
        Some(&json!({"city": "Zürich", "days": [1, 2]}))
    );
    assert_eq!(whole.finish_class, FinishClass::ToolCall);
    assert_eq!(whole.model.as_deref(), Some("gemini-3-flash"));
    assert_eq!(whole.response_id.as_deref(), Some("r-1"));
    let usage = whole.usage.as_ref().unwrap();
    assert_eq!((usage.input, usage.output, usage.reasoning, usage.total), (30, 45, 33, 75));
    assert!(whole.oddities.is_empty());

    let streamed = stream(GENERATE, STREAM);
    let array = read_as(GENERATE, 200, JSON, ARRAY, End::Complete);
    for read in [&streamed, &array] {
        assert_eq!(read.parts, whole.parts);
        assert_eq!(read.finish_reasons, whole.finish_reasons);
        assert_eq!(read.finish_class, whole.finish_class);
        assert_eq!(read.usage, whole.usage);
        assert_eq!((&read.model, &read.response_id), (&whole.model, &whole.response_id));
        assert!(!read.truncated && read.oddities.is_empty(), "{read:?}");
    }
    assert_eq!(streamed, array);
    // Citations are the answer's; what comes back as history is the content.
    let said: Vec<Part> =
        whole.parts.into_iter().filter(|part| part.kind != PartKind::Citation).collect();
    assert_eq!(request(GENERATE, &value(HISTORY)).parts, said);
}

#[test]
fn every_split_of_a_stream_gives_the_same() {
    for (body, content_type) in [(STREAM, SSE), (ARRAY, JSON), (PIECES, SSE), (WHOLE, JSON)] {
        let head =
            ResponseHead { status: 200, content_type, tokens: provider::HeaderTokens::default() };
        let whole = read_as(GENERATE, 200, content_type, body, End::Complete);
        let bytes = body.as_bytes();
        for cut in 0..=bytes.len() {
            let mut reader = ResponseReader::new(GENERATE, &head);
            reader.push(&bytes[..cut]);
            reader.push(&bytes[cut..]);
            assert_eq!(reader.finish(End::Complete), whole, "cut at {cut}");
        }
        let mut reader = ResponseReader::new(GENERATE, &head);
        for byte in bytes.chunks(1) {
            reader.push(byte);
        }
        assert_eq!(reader.finish(End::Complete), whole);
    }
}

#[test]
fn a_stream_that_was_cut_anywhere_keeps_what_came() {
    let bytes = STREAM.as_bytes();
    let last = STREAM.rfind("data: ").unwrap();
    for cut in 0..bytes.len() {
        let head = ResponseHead {
            status: 200,
            content_type: SSE,
            tokens: provider::HeaderTokens::default(),
        };
        let mut reader = ResponseReader::new(GENERATE, &head);
        reader.push(&bytes[..cut]);
        let read = reader.finish(End::Cut);
        // The last chunk's blank line is not needed to read it.
        assert_eq!(read.truncated, cut < bytes.len() - 4, "cut at {cut}");
        if cut > last {
            assert_eq!(words(&read.parts[1]), "Let me look: “ü”");
        }
    }
}

#[test]
fn both_spellings_give_the_same_parts() {
    let camel = request(GENERATE, &value(CAMEL));
    let snake = request(GENERATE, &value(SNAKE));
    let expected = [
        ("system", "text"),
        ("user", "text"),
        ("user", "image"),
        ("user", "audio"),
        ("user", "uri"),
        ("assistant", "reasoning"),
        ("assistant", "tool_call"),
        ("assistant", "reasoning_opaque"),
        ("assistant", "tool_call"),
        ("tool", "tool_result"),
        ("assistant", "tool_call"),
        ("tool", "tool_result"),
        ("tool", "tool_result"),
        ("tool", "image"),
        ("system", "tool_definition"),
        ("system", "tool_definition"),
        ("system", "tool_definition"),
        ("system", "tool_definition"),
        ("system", "tool_definition"),
    ];
    for read in [&camel, &snake] {
        assert_eq!(kinds(&read.parts), expected);
        assert!(!read.context_complete && read.oddities.is_empty(), "{:?}", read.oddities);
        assert_eq!(read.user.as_deref(), Some("alice@example.com"));
        assert_eq!(
            serde_json::to_string(&read.params).unwrap(),
            concat!(
                r#"{"include_reasoning":true,"max_output_tokens":100,"#,
                r#""response_format":"json_object","safety_harassment":"BLOCK_NONE","#,
                r#""temperature":0.2,"thinking_budget":128,"tool_choice":"AUTO","top_k":40}"#
            )
        );
    }
    // Names of the provider's own tools are theirs, in either spelling.
    assert_eq!(camel.parts[..16], snake.parts[..16]);
    assert_eq!(camel.parts[2].content.field("media_type"), Some(&json!("image/png")));
    assert_eq!(camel.parts[8].content.field("name"), Some(&json!("code_execution")));
    assert_eq!(camel.parts[10].content.field("name"), Some(&json!("GOOGLE_SEARCH_WEB")));
    assert_eq!(camel.parts[12].content.field("content"), Some(&json!({"result": "a cat"})));
    assert_eq!(camel.parts[16].content.field("googleSearch"), Some(&json!({})));
    assert_eq!(camel.parts[17].content.field("codeExecution"), Some(&json!({})));
}

#[test]
fn what_google_takes_without_a_list_is_taken() {
    for body in [
        json!({"systemInstruction": {"parts": {"text": "s"}}, "contents": {"parts": {"text": "u"}}}),
        json!({"systemInstruction": "s", "contents": "u"}),
        json!({"systemInstruction": [{"text": "s"}], "contents": ["u"]}),
        json!({"system_instruction": {"text": "s"}, "contents": [{"text": "u"}]}),
        json!({"systemInstruction": {"role": "user", "parts": "s"}, "contents": [{"role": "user", "parts": "u"}]}),
    ] {
        let read = request(GENERATE, &body);
        assert_eq!(
            read.parts,
            [
                Part::text(Role::System, PartKind::Text, "s"),
                Part::text(Role::User, PartKind::Text, "u")
            ],
            "{body}"
        );
        assert!(read.oddities.is_empty() && read.context_complete, "{body}");
    }
    let read = request(GENERATE, &json!({"tools": {"function_declarations": {"name": "f"}}}));
    assert_eq!(kinds(&read.parts), [("system", "tool_definition")]);
}

#[test]
fn odd_roles_and_parts_are_kept_and_told() {
    let read = request(
        GENERATE,
        &json!({"contents": [
            {"role": "wizard", "parts": [{"text": "poof"}]},
            {"parts": [{"hologram": {"x": 1}}, 7, null, {}, {"thoughtSignature": "s"}]},
            {"role": "model"}]}),
    );
    assert_eq!(
        kinds(&read.parts),
        [("user", "text"), ("user", "opaque"), ("user", "opaque"), ("user", "reasoning_opaque")]
    );
    assert_eq!(codes(&read.oddities), ["unknown_role", "unknown_block", "unknown_content"]);
    assert_eq!(read.oddities[1].detail.as_deref(), Some("contents[1].parts[0]"));
}

#[test]
fn context_that_google_holds_is_told() {
    for body in [
        json!({"cachedContent": "cachedContents/1"}),
        json!({"cached_content": "cachedContents/1"}),
        json!({"contents": [{"parts": [{"fileData": {"fileUri": "gs://b/o"}}]}]}),
        json!({"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {},
            "parts": [{"file_data": {"file_uri": "gs://b/o"}}]}}]}]}),
    ] {
        assert!(!request(GENERATE, &body).context_complete, "{body}");
    }
    assert!(request(GENERATE, &json!({"cachedContent": ""})).context_complete);
}

#[test]
fn ends_have_their_classes() {
    let text = json!([{"text": "x"}]);
    let call = json!([{"functionCall": {"name": "f", "args": {}}}]);
    for (parts, reason, word, class) in [
        (&text, json!("STOP"), Some("STOP"), FinishClass::Stop),
        (&text, json!(1), Some("STOP"), FinishClass::Stop),
        (&call, json!("STOP"), Some("STOP"), FinishClass::ToolCall),
        (&call, json!(1), Some("STOP"), FinishClass::ToolCall),
        (&text, json!("MAX_TOKENS"), Some("MAX_TOKENS"), FinishClass::Length),
        (&call, json!(2), Some("MAX_TOKENS"), FinishClass::Length),
        (&text, json!(3), Some("SAFETY"), FinishClass::ContentFilter),
        (&text, json!("RECITATION"), Some("RECITATION"), FinishClass::ContentFilter),
        (&text, json!("IMAGE_SAFETY"), Some("IMAGE_SAFETY"), FinishClass::ContentFilter),
        (&call, json!("UNEXPECTED_TOOL_CALL"), Some("UNEXPECTED_TOOL_CALL"), FinishClass::Error),
        (&text, json!(10), Some("MALFORMED_FUNCTION_CALL"), FinishClass::Error),
        (&text, json!("OTHER"), Some("OTHER"), FinishClass::Unknown),
        (&text, json!(6), Some("LANGUAGE"), FinishClass::Unknown),
        (&text, json!(77), Some("77"), FinishClass::Unknown),
        (&text, json!("because Alice"), None, FinishClass::Unknown),
        (&text, json!(0), None, FinishClass::Unknown),
        (&text, Value::Null, None, FinishClass::Unknown),
    ] {
        let read = answer(&candidate(parts, &reason));
        assert_eq!(read.finish_class, class, "{reason}");
        assert_eq!(read.finish_reasons.first().map(String::as_str), word, "{reason}");
        assert_eq!(read.error.is_some(), class == FinishClass::Error, "{reason}");
    }
    // Vertex's numbers are others.
    let mut body = candidate(&text, &json!(6));
    body["createTime"] = json!("2026-01-01T00:00:00Z");
    let read = answer(&body);
    assert_eq!(read.finish_reasons, ["BLOCKLIST"]);
    assert_eq!(read.finish_class, FinishClass::ContentFilter);
}

#[test]
fn a_blocked_prompt_is_an_end_without_a_candidate() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT",
        "safetyRatings": [{"category": 7, "probability": 4}]},
        "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}, "modelVersion": "m"});
    let streamed = stream(GENERATE, &sse(std::slice::from_ref(&blocked)));
    for read in [answer(&blocked), streamed] {
        assert_eq!(read.finish_class, FinishClass::ContentFilter);
        assert_eq!(read.finish_reasons, ["PROHIBITED_CONTENT"]);
        assert_eq!(read.usage.as_ref().unwrap().total, 4);
        assert!(read.parts.is_empty() && !read.truncated && read.oddities.is_empty(), "{read:?}");
    }
    // Without counts the end of the transport decides.
    let bare = sse(&[json!({"promptFeedback": {"blockReason": 1}})]);
    assert!(!stream(GENERATE, &bare).truncated);
    assert!(read_as(GENERATE, 200, SSE, &bare, End::Cut).truncated);
    assert!(ends_stream(GENERATE, bare.as_bytes()));
    let numbered = answer(&json!({"prompt_feedback": {"block_reason": 6}}));
    assert_eq!(numbered.finish_reasons, ["6"]);
    assert_eq!(numbered.finish_class, FinishClass::ContentFilter);
}

#[test]
fn errors_in_every_shape() {
    let error = json!({"error": {"code": 429, "message": "Quota of Alice", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "x"}]}});
    let begun = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "so"}]}}]});
    for (status, content_type, body) in [
        (429, JSON, error.to_string()),
        (429, JSON, format!("[{error}]")),
        (200, JSON, format!("[{begun}\n,\r\n{error}]")),
        (200, SSE, sse(&[begun.clone(), error.clone()])),
        (200, SSE, sse(std::slice::from_ref(&error))),
    ] {
        let read = read_as(GENERATE, status, content_type, &body, End::Complete);
        let told = read.error.as_ref().expect("an error");
        assert_eq!((told.kind.as_str(), told.code.as_deref()), ("RESOURCE_EXHAUSTED", Some("429")));
        assert_eq!(read.finish_class, FinishClass::Error, "{body}");
        assert!(!read.truncated && read.oddities.is_empty(), "{body} {:?}", read.oddities);
        assert_eq!(words(read.parts.last().unwrap()), "Quota of Alice", "{body}");
    }
    assert!(ends_stream(GENERATE, sse(&[error]).as_bytes()));
    let empty = read_as(GENERATE, 503, Some("text/html"), "<html>", End::Complete);
    assert_eq!(empty.error.unwrap().kind, "http_503");
}

#[test]
fn the_last_count_wins_and_none_is_added() {
    let chunk = |text: &str, finish: Value, usage: Value| {
        let mut chunk = candidate(&json!([{"text": text}]), &finish);
        chunk["usageMetadata"] = usage;
        chunk
    };
    let counts = json!({"promptTokenCount": 8, "candidatesTokenCount": 20, "thoughtsTokenCount": 400,
        "totalTokenCount": 428, "trafficType": "ON_DEMAND"});
    let fewer = json!({"promptTokenCount": 8, "candidatesTokenCount": 30, "totalTokenCount": 38});
    let read = stream(
        GENERATE,
        &sse(&[chunk("a", Value::Null, counts.clone()), chunk("b", json!("STOP"), fewer)]),
    );
    let usage = read.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.reasoning, usage.total), (8, 30, 0, 38));
    // A count that comes after the end counts; one that counts nothing takes nothing away.
    for last in [
        json!({"usageMetadata": counts.clone()}),
        json!({"usageMetadata": {"trafficType": "ON_DEMAND"}}),
    ] {
        let finished = chunk("a", json!("STOP"), counts.clone());
        let read = stream(GENERATE, &sse(&[finished, last]));
        assert_eq!(read.usage.as_ref().unwrap().total, 428);
        assert!(!read.truncated && read.oddities.is_empty(), "{read:?}");
    }
    let late =
        [candidate(&json!([{"text": "a"}]), &json!("STOP")), json!({"usageMetadata": counts})];
    assert_eq!(stream(GENERATE, &sse(&late)).usage.unwrap().total, 428);
    assert!(!ends_stream(GENERATE, sse(&late[..1]).as_bytes()));
}

#[test]
fn a_signature_ends_a_text() {
    let chunks: Vec<Value> = [
        json!([{"text": "a"}]),
        json!([{"text": "b", "thoughtSignature": "s1"}]),
        json!([{"text": "c"}]),
        json!([{"text": "d", "thought": true}]),
        json!([{"text": "e", "thought": true}, {"text": "", "thought_signature": "s2"}]),
    ]
    .iter()
    .map(|parts| candidate(parts, &Value::Null))
    .collect();
    let read = stream(GENERATE, &sse(&chunks));
    let texts: Vec<_> = read.parts.iter().map(|part| (part.kind.as_str(), words(part))).collect();
    assert_eq!(
        texts,
        [
            ("text", "ab"),
            ("reasoning_opaque", "s1"),
            ("text", "c"),
            ("reasoning", "de"),
            ("reasoning_opaque", "s2"),
        ]
    );
    assert!(read.truncated);
}

/// Google's own SDK sends a streamed answer back as it came, a content for each chunk.
#[test]
fn history_in_chunks_says_the_same_in_more_parts() {
    let model = |part: Value| json!({"role": "model", "parts": [part]});
    let read = request(
        GENERATE,
        &json!({"contents": [model(json!({"text": "Let me "})), model(json!({"text": "look"})),
            model(json!({"text": "", "thoughtSignature": "s"}))]}),
    );
    let said: Vec<_> = read.parts.iter().map(|part| (part.kind.as_str(), words(part))).collect();
    assert_eq!(said, [("text", "Let me "), ("text", "look"), ("reasoning_opaque", "s")]);
    assert!(read.oddities.is_empty());
}

#[test]
fn many_chunks_and_many_calls() {
    let text = json!({"candidates": [{"content": {"parts": [{"text": "x"}], "role": "model"}}]});
    let call = candidate(&json!([{"functionCall": {"name": "f", "args": {"a": 1}}}]), &Value::Null);
    let cited = |at: usize| json!({"candidates": [{"citationMetadata": {"citationSources": [{"startIndex": at}]}}]});
    let mut chunks = vec![text; 20_000];
    chunks.extend(vec![call; 10_000]);
    chunks.extend((0..10_000).map(cited));
    let read = stream(GENERATE, &sse(&chunks));
    assert_eq!(words(&read.parts[0]).len(), 20_000);
    let count = |kind| read.parts.iter().filter(|part| part.kind == kind).count();
    assert_eq!((count(PartKind::ToolCall), count(PartKind::Citation)), (10_000, 10_000));
    assert!(read.oddities.is_empty() && read.truncated);
}

#[test]
fn candidates_come_apart_and_in_order() {
    let chunk = |index: u64, text: &str, finish: Value| {
        json!({"candidates": [{"index": index, "finishReason": finish, "tokenCount": text.len(),
            "content": {"role": "model", "parts": [{"text": text}]},
            "citationMetadata": {"citationSources": [{"uri": text}]}}],
            "usageMetadata": {"totalTokenCount": 1, "promptTokenCount": 1}, "newMember": text})
    };
    let chunks = [
        chunk(1, "b", Value::Null),
        json!({"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}}]}),
        chunk(0, "aa", json!("STOP")),
        chunk(1, "b", Value::Null),
    ];
    let read = stream(GENERATE, &sse(&chunks));
    assert_eq!(words(&read.parts[0]), "aaa");
    assert_eq!(words(&read.parts[2]), "bb");
    assert_eq!(
        kinds(&read.parts).iter().filter(|(_, kind)| *kind == "citation").count(),
        2,
        "the same source is one"
    );
    assert!(read.truncated, "one candidate is not at its end");
    let skeleton = read.skeleton.unwrap().0;
    assert_eq!(skeleton["newMember"], json!("b"));
    assert_eq!(skeleton["series"]["newMember"], json!(["b", "aa"]));
    let mut ended = chunks.to_vec();
    ended.push(chunk(1, "", json!("MAX_TOKENS")));
    let read = stream(GENERATE, &sse(&ended));
    assert!(!read.truncated);
    assert_eq!(read.finish_reasons, ["STOP", "MAX_TOKENS"]);
    assert_eq!(read.finish_class, FinishClass::Length);
}

#[test]
fn a_call_in_pieces_is_one_call() {
    let read = stream(GENERATE, PIECES);
    let whole = answer(&candidate(
        &json!([
            {"functionCall": {"name": "weather", "args": {"city": "Zürich", "days": [2]}},
             "thoughtSignature": "czE="},
            {"functionCall": {"name": "now", "args": {}}}]),
        &json!("STOP"),
    ));
    assert_eq!(read.parts, whole.parts);
    assert_eq!(read.finish_class, FinishClass::ToolCall);
    assert!(read.oddities.is_empty() && !read.truncated);
    // A piece that does not say where it belongs is kept as it is.
    let odd = candidate(
        &json!([{"functionCall": {"name": "f", "partialArgs": [{"stringValue": "x"}]}}]),
        &Value::Null,
    );
    let read = stream(GENERATE, &sse(&[odd]));
    assert_eq!(codes(&read.oddities), ["tool_input_invalid"]);
    assert_eq!(read.parts[0].content.field("arguments"), Some(&json!([{"stringValue": "x"}])));
}

#[test]
fn what_is_not_known_in_a_stream_is_kept() {
    let body =
        format!("data: {{\"novelty\":1}}\r\n\r\ndata: {{broken\r\n\r\n: comment\r\n\r\n{STREAM}");
    let read = stream(GENERATE, &body);
    assert_eq!(codes(&read.oddities), ["unknown_event", "event_json_invalid"]);
    assert_eq!(read.skeleton.as_ref().unwrap().0["unknown_events"], json!([{"novelty": 1}]));
    assert_eq!(words(read.parts.last().unwrap()), "{broken");
    let stray = read_as(GENERATE, 200, JSON, &format!("{ARRAY}tail"), End::Complete);
    assert_eq!(codes(&stray.oddities), ["stray_bytes"]);
    let number = read_as(GENERATE, 200, JSON, "[1,{\"candidates\":[2]}]", End::Complete);
    assert_eq!(codes(&number.oddities), ["unknown_event", "unknown_event"]);
}

#[test]
fn another_model_that_takes_over_is_told() {
    let chunk = |model: &str| json!({"candidates": [], "modelVersion": model});
    let read = stream(GENERATE, &events(&[chunk("a"), chunk("a"), chunk("b")]));
    assert_eq!(read.model.as_deref(), Some("a"));
    assert_eq!(read.served, ["a", "b"]);
}

#[test]
fn embeddings_of_gemini_and_of_vertex() {
    for (body, parts) in [
        (json!({"model": "models/e", "content": {"parts": [{"text": "a"}]}}), 1),
        (
            json!({"requests": [{"model": "models/e", "content": {"parts": [{"text": "a"}]}},
                             {"title": "t", "content": {"parts": {"text": "b"}}}]}),
            3,
        ),
        (
            json!({"instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"}],
                "parameters": {"outputDimensionality": 8}}),
            1,
        ),
        (
            json!({"instances": [{"text": "a", "image": {"mimeType": "image/png", "bytesBase64Encoded": "AA"}}]}),
            2,
        ),
    ] {
        let read = request(Format::GeminiEmbed, &body);
        assert_eq!(read.parts.len(), parts, "{body}");
        assert!(read.oddities.is_empty() && read.context_complete, "{body}");
    }
    let read = request(
        Format::GeminiEmbed,
        &json!({"requests": [{"outputDimensionality": 8, "taskType": "RETRIEVAL_QUERY"}]}),
    );
    assert_eq!(
        serde_json::to_string(&read.params).unwrap(),
        r#"{"dimensions":8,"task_type":"RETRIEVAL_QUERY"}"#
    );
    let bucket = json!({"instances": [{"image": {"gcsUri": "gs://b/o"}}]});
    assert!(!request(Format::GeminiEmbed, &bucket).context_complete);

    for (body, input) in [
        (
            json!({"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 3}}),
            Some(3),
        ),
        (json!({"embeddings": [{"values": [0.1]}]}), None),
        (
            json!({"predictions": [{"embeddings": {"values": [0.1],
                "statistics": {"token_count": 4, "truncated": false}}}],
                "metadata": {"billableCharacterCount": 12}}),
            Some(4),
        ),
    ] {
        let read = unary(Format::GeminiEmbed, &body);
        assert_eq!(kinds(&read.parts), [("assistant", "embedding")], "{body}");
        assert_eq!(read.usage.as_ref().map(|usage| usage.input), input, "{body}");
        assert_eq!(read.skeleton.unwrap().fill(&read.parts).unwrap(), body);
    }
}

#[test]
fn counts_of_tokens_in_both_shapes() {
    let inner = value(CAMEL);
    let plain = request(Format::GeminiCountTokens, &inner);
    let wrapped =
        request(Format::GeminiCountTokens, &json!({"generateContentRequest": inner.clone()}));
    assert_eq!(plain.parts, wrapped.parts);
    assert_eq!(plain.params, wrapped.params);
    assert_eq!(plain.user, wrapped.user);
    assert!(!wrapped.context_complete);
    let answer =
        json!({"totalTokens": 7, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}]});
    let read = unary(Format::GeminiCountTokens, &answer);
    assert!(read.parts.is_empty() && read.usage.is_none() && read.oddities.is_empty());
    assert_eq!(read.skeleton.unwrap().0, answer);
}

#[test]
fn vertex_names_the_model_of_anthropic_in_the_path() {
    let path = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:streamRawPredict";
    let read = read_request(Format::AnthropicMessages, path, b"{\"messages\":[]}");
    assert_eq!((read.model.as_deref(), read.stream), (Some("claude-x"), true));
    let read = read_request(Format::AnthropicMessages, "/v1/messages", b"{\"messages\":[]}");
    assert_eq!((read.model, read.stream), (None, false));
}
