//! Whatever comes in, reading neither fails nor depends on how it was cut.

use proptest::prelude::*;
use provider::{
    End, Format, ReadResponse, ResponseHead, ResponseReader, ends_stream, read_request,
};

const FORMATS: [Format; 22] = [
    Format::OpenAiChat,
    Format::OpenAiCompletions,
    Format::OpenAiResponses,
    Format::OpenAiEmbeddings,
    Format::AnthropicMessages,
    Format::GeminiGenerate,
    Format::GeminiEmbed,
    Format::GeminiCountTokens,
    Format::BedrockConverse,
    Format::BedrockInvoke,
    Format::BedrockCountTokens,
    Format::CohereChat,
    Format::CohereChatV1,
    Format::CohereEmbed,
    Format::CohereRerank,
    Format::MistralFim,
    Format::OllamaChat,
    Format::OllamaGenerate,
    Format::OllamaEmbed,
    Format::Mcp,
    Format::OtelGenAi,
    Format::Opaque,
];

fn format() -> impl Strategy<Value = Format> {
    prop::sample::select(&FORMATS[..])
}

/// Pieces that streams and bodies are made of, in any order.
fn traffic() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "data: ",
        "data:",
        "event: ",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        ": c\n",
        "[DONE]",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "\\",
        ":",
        "null",
        "1",
        "0",
        "-1.5e3",
        "true",
        "ü",
        "\u{feff}",
        " ",
        r#""choices":[{"index":0,"delta":{"content":"a"}}]"#,
        r#"data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"}}]}"#,
        r#"data: {"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]}]}}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","text":"t","index":0}]}}]}"#,
        r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        r#"data: {"error":{"message":"m"}}"#,
        r#"data: {"type":"message_start","message":{"id":"m","model":"c","content":[],"usage":{"input_tokens":1}}}"#,
        r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#,
        r#"data: {"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}"#,
        r#"data: {"type":"message_stop"}"#,
        r#"data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"x"}"#,
        r#"data: {"type":"response.output_text.delta","output_index":0,"content_index":99999999,"delta":"x"}"#,
        r#"data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":null}}"#,
        r#"data: {"type":"response.completed","response":{"id":"r","output":[]}}"#,
        r#"data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"}}],"usageMetadata":{"totalTokenCount":1}}"#,
        r#"data: {"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"s"}]},"finishReason":1,"index":1}]}"#,
        r#"{"candidates":[{"content":{"parts":{"functionCall":{"name":"f","willContinue":true}}}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a[0]","stringValue":"x"}]}}]}}]}"#,
        r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
        r#"data: {"id":"i","type":"message-start","delta":{"message":{"role":"assistant","content":[]}}}"#,
        r#"data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"x"}}}}"#,
        r#"data: {"type":"tool-call-delta","index":1,"delta":{"message":{"tool_calls":{"function":{"arguments":"{"}}}}}"#,
        r#"data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":1}}}}"#,
        r#"{"is_finished":false,"event_type":"text-generation","text":"x"}"#,
        r#"{"is_finished":true,"event_type":"stream-end","response":{"text":"x","chat_history":[{"message":"x"}]}}"#,
        r#"{"model":"m","created_at":"t","message":{"role":"assistant","content":"x"},"done":false}"#,
        r#"{"model":"m","created_at":"t","response":"x","done":true,"eval_count":1,"context":[1]}"#,
        r#"{"error":"x"}"#,
        r#"data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#,
        r#"data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}],"isError":true}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"x"}}]"#,
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"$part":0}]}]}"#,
        r#"{"messages":[{"role":"tool","parts":[{"type":"tool_call_response","id":7,"response":{"$part":1}}]}]}"#,
        r#"{"$literal":{"input":[{"type":"function_call","call_id":1,"arguments":{}}]}}"#,
    ]);
    let piece = prop_oneof![
        8 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn read(format: Format, pieces: &[&[u8]], content_type: Option<&str>, end: End) -> ReadResponse {
    let head =
        ResponseHead { status: 200, content_type, tokens: provider::HeaderTokens::default() };
    let mut reader = ResponseReader::new(format, &head);
    for piece in pieces {
        reader.push(piece);
    }
    reader.finish(end)
}

/// Small JSON of any shape, with keys that the readers look for.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let key = prop::sample::select(vec![
        "messages",
        "role",
        "content",
        "type",
        "text",
        "tool_calls",
        "function",
        "id",
        "name",
        "arguments",
        "choices",
        "message",
        "index",
        "input",
        "output",
        "call_id",
        "system",
        "tools",
        "source",
        "data",
        "url",
        "image_url",
        "usage",
        "error",
        "$part",
        "$literal",
        "at",
        "reasoning",
        "reasoning_details",
        "summary",
        "thinking",
        "refusal",
        "annotations",
        "citations",
        "documents",
        "document",
        "embedding",
        "contents",
        "parts",
        "thought",
        "thoughtSignature",
        "thought_signature",
        "functionCall",
        "function_call",
        "functionResponse",
        "functionDeclarations",
        "googleSearch",
        "inlineData",
        "inline_data",
        "mimeType",
        "fileData",
        "fileUri",
        "executableCode",
        "partialArgs",
        "systemInstruction",
        "generateContentRequest",
        "candidates",
        "finishReason",
        "groundingMetadata",
        "groundingChunks",
        "usageMetadata",
        "embeddings",
        "instances",
        "predictions",
        "values",
        "toolUse",
        "toolResult",
        "reasoningContent",
        "citationsContent",
        "bytes",
        "anthropic_version",
        "prompt",
        "results",
        "embeddings",
        "finish_reason",
        "chat_history",
        "tool_plan",
        "tool_results",
        "params",
        "method",
        "result",
        "contents",
        "response",
        "images",
        "context",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        prop::sample::select(vec![
            "",
            "user",
            "assistant",
            "tool",
            "text",
            "tool_use",
            "tool_result",
            "image_url",
            "thinking",
            "message",
            "function_call",
            "reasoning",
            "data:image/png;base64,AA",
            "https://x",
            "image",
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_split_changes_nothing(
        format in format(),
        bytes in traffic(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        content_type in prop::sample::select(vec![None, Some("text/event-stream"), Some("application/json")]),
        cut in any::<bool>(),
    ) {
        let end = if cut { End::Cut } else { End::Complete };
        let whole = read(format, &[&bytes], content_type, end);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for place in places {
            pieces.push(&bytes[from..place]);
            from = place;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(read(format, &pieces, content_type, end), whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(
            read(format, &single, content_type, end),
            read(format, &[&bytes], content_type, end)
        );
        ends_stream(format, &bytes);
    }

    #[test]
    fn any_bytes_are_read(format in format(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_request(format, "", &bytes);
        read(format, &[&bytes], None, End::Complete);
        read(format, &[&bytes], Some("text/event-stream"), End::Cut);
    }

    #[test]
    fn any_json_fills_back(format in format(), value in json(), member in 0..4) {
        let body = match member {
            0 => value,
            1 => serde_json::json!({"messages": [value.clone()], "input": [value.clone()], "system": value.clone(),
                "contents": [{"parts": [value.clone()]}], "tools": [value.clone()], "requests": value.clone(),
                "instances": [value]}),
            2 => serde_json::json!({"choices": [{"message": value.clone()}], "output": [value.clone()],
                "candidates": [{"content": {"parts": [value.clone()]}, "groundingMetadata": value.clone()}],
                "predictions": [value.clone()], "content": [value.clone()], "data": [value]}),
            _ => serde_json::json!({"output": {"message": {"content": [value.clone()]}},
                "system": [value.clone()], "toolConfig": {"tools": [value]}}),
        };
        let text = body.to_string();
        let request = read_request(format, "", text.as_bytes());
        if let Some(skeleton) = &request.skeleton {
            prop_assert_eq!(skeleton.fill(&request.parts).unwrap().to_string(), text.clone());
        }
        let answer = read(format, &[text.as_bytes()], Some("application/json"), End::Complete);
        // An array is a stream of Google's, which is assembled.
        if let Some(skeleton) = answer.skeleton.as_ref().filter(|_| body.is_object()) {
            prop_assert_eq!(skeleton.fill(&answer.parts).unwrap().to_string(), text);
        }
    }
}
