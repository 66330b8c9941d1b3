//! How calls end: each way is told apart from the others, in every format.
//!
//! The outcome is what `capture` makes of an answer whose client stayed: an error counts before a
//! missing end.

#[path = "wire/read.rs"]
mod read;

use provider::{End, Format, ReadResponse};
use read::read;

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

struct Ending {
    name: &'static str,
    format: Format,
    status: u16,
    content_type: &'static str,
    body: &'static str,
    end: End,
    /// Finish class, outcome and the error's type.
    told: (&'static str, &'static str, Option<&'static str>),
}

const fn ending(
    name: &'static str,
    format: Format,
    (status, content_type): (u16, &'static str),
    body: &'static str,
    told: (&'static str, &'static str, Option<&'static str>),
) -> Ending {
    Ending { name, format, status, content_type, body, end: End::Complete, told }
}

fn outcome(read: &ReadResponse) -> &'static str {
    if read.error.is_some() {
        "error"
    } else if read.truncated {
        "truncated"
    } else {
        "complete"
    }
}

const OK_JSON: (u16, &str) = (200, JSON);
const OK_SSE: (u16, &str) = (200, SSE);
const OK_LINES: (u16, &str) = (200, LINES);

const ENDINGS: &[Ending] = &[
    // Chat completions and their variants.
    ending(
        "chat: refusal",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"No."},"finish_reason":"stop"}]}"#,
        ("refusal", "complete", None),
    ),
    ending(
        "chat: content filter",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"content_filter"}]}"#,
        ("content_filter", "complete", None),
    ),
    ending(
        "chat: length",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"length"}]}"#,
        ("length", "complete", None),
    ),
    ending(
        "chat: a request refused",
        Format::OpenAiChat,
        (429, JSON),
        r#"{"error":{"message":"m","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
        ("error", "error", Some("rate_limit_error")),
    ),
    ending(
        "chat: a stream without its end",
        Format::OpenAiChat,
        OK_SSE,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        ("unknown", "truncated", None),
    ),
    ending(
        "azure: a prompt that was filtered",
        Format::OpenAiChat,
        (400, JSON),
        r#"{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#,
        ("content_filter", "error", Some("http_400")),
    ),
    ending(
        "azure: a filter without a code",
        Format::OpenAiChat,
        (400, JSON),
        r#"{"error":{"message":"m","code":"BadRequest","innererror":{"content_filter_result":{"violence":{"filtered":true}}}}}"#,
        ("content_filter", "error", Some("http_400")),
    ),
    ending(
        "azure: an answer that was filtered in the middle",
        Format::OpenAiChat,
        OK_SSE,
        "data: {\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"content_filter_results\":{\"hate\":{\"filtered\":false}}}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"content_filter_results\":{\"hate\":{\"filtered\":true,\"severity\":\"high\"}}}]}\n\n\
         data: [DONE]\n\n",
        ("content_filter", "complete", None),
    ),
    ending(
        "azure: filters that let all through",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop","content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
        ("stop", "complete", None),
    ),
    ending(
        "groq: an error event after HTTP 200",
        Format::OpenAiChat,
        OK_SSE,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
         event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\"}}\n\n",
        ("error", "error", Some("invalid_request_error")),
    ),
    ending(
        "groq: an error in x_groq",
        Format::OpenAiChat,
        OK_SSE,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"x_groq\":{\"id\":\"r\",\"error\":\"over_capacity: try again\"}}\n\ndata: [DONE]\n\n",
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "openrouter: a chunk with an error",
        Format::OpenAiChat,
        OK_SSE,
        "data: {\"provider\":\"p\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
         data: {\"provider\":\"p\",\"error\":{\"code\":502,\"message\":\"m\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "openrouter: an error in a choice",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"error","native_finish_reason":null,"error":{"code":502,"message":"m"}}]}"#,
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "openrouter: moderation",
        Format::OpenAiChat,
        (403, JSON),
        r#"{"error":{"code":403,"message":"m","metadata":{"reasons":["violence"],"flagged_input":"x","provider_name":"p"}}}"#,
        ("content_filter", "error", Some("http_403")),
    ),
    ending(
        "deepseek: broken off",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"insufficient_system_resource"}]}"#,
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "mistral: the context is full",
        Format::OpenAiChat,
        OK_JSON,
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"model_length"}]}"#,
        ("length", "complete", None),
    ),
    ending(
        "mistral: details of an error",
        Format::OpenAiChat,
        (422, JSON),
        r#"{"detail":[{"loc":["body"],"msg":"m","type":"missing"}]}"#,
        ("error", "error", Some("http_422")),
    ),
    ending(
        "mistral: fill in the middle, streamed",
        Format::MistralFim,
        OK_SSE,
        "data: {\"model\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"},\"finish_reason\":null}]}\n\n\
         data: {\"model\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\ndata: [DONE]\n\n",
        ("length", "complete", None),
    ),
    ending(
        "completions: stop",
        Format::OpenAiCompletions,
        OK_JSON,
        r#"{"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}"#,
        ("stop", "complete", None),
    ),
    // Responses.
    ending(
        "responses: refusal",
        Format::OpenAiResponses,
        OK_JSON,
        r#"{"status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"No."}]}]}"#,
        ("refusal", "complete", None),
    ),
    ending(
        "responses: content filter",
        Format::OpenAiResponses,
        OK_JSON,
        r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}"#,
        ("content_filter", "complete", None),
    ),
    ending(
        "responses: failed after HTTP 200",
        Format::OpenAiResponses,
        OK_SSE,
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}\n\n",
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "responses: a stream without its end",
        Format::OpenAiResponses,
        OK_SSE,
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[]}}\n\n",
        ("unknown", "truncated", None),
    ),
    // Anthropic.
    ending(
        "anthropic: refusal",
        Format::AnthropicMessages,
        OK_JSON,
        r#"{"content":[],"stop_reason":"refusal","stop_details":{"category":"cyber"}}"#,
        ("refusal", "complete", None),
    ),
    ending(
        "anthropic: the context is full",
        Format::AnthropicMessages,
        OK_JSON,
        r#"{"content":[{"type":"text","text":"a"}],"stop_reason":"model_context_window_exceeded"}"#,
        ("length", "complete", None),
    ),
    ending(
        "anthropic: a turn that goes on",
        Format::AnthropicMessages,
        OK_JSON,
        r#"{"content":[{"type":"text","text":"a"}],"stop_reason":"pause_turn"}"#,
        ("unknown", "complete", None),
    ),
    ending(
        "anthropic: an error event after HTTP 200",
        Format::AnthropicMessages,
        OK_SSE,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[]}}\n\n\
         event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
        ("error", "error", Some("overloaded_error")),
    ),
    ending(
        "anthropic: a stream without its end",
        Format::AnthropicMessages,
        OK_SSE,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[]}}\n\n",
        ("unknown", "truncated", None),
    ),
    // Cohere.
    ending(
        "cohere: a stop sequence",
        Format::CohereChat,
        OK_JSON,
        r#"{"id":"r","message":{"role":"assistant","content":[{"type":"text","text":"a"}]},"finish_reason":"STOP_SEQUENCE"}"#,
        ("stop", "complete", None),
    ),
    ending(
        "cohere: an error at the end of a stream",
        Format::CohereChat,
        OK_SSE,
        "event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"r\",\"delta\":{\"message\":{\"role\":\"assistant\",\"tool_plan\":\"p\"}}}\n\n\
         event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"usage\":{},\"error\":\"m\",\"error_type\":\"INVALID_TOOL_GENERATION\"}}\n\ndata: [DONE]\n\n",
        ("error", "error", Some("INVALID_TOOL_GENERATION")),
    ),
    ending(
        "cohere: toxic",
        Format::CohereChatV1,
        OK_JSON,
        r#"{"text":"","finish_reason":"ERROR_TOXIC"}"#,
        ("content_filter", "complete", None),
    ),
    ending(
        "cohere: too slow",
        Format::CohereChat,
        OK_JSON,
        r#"{"id":"r","message":{"role":"assistant","content":[]},"finish_reason":"TIMEOUT"}"#,
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "cohere: a request refused",
        Format::CohereChat,
        (404, JSON),
        r#"{"id":"r","message":"model 'm' was removed"}"#,
        ("error", "error", Some("http_404")),
    ),
    ending(
        "cohere: a stream without its end",
        Format::CohereChat,
        OK_SSE,
        "event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"r\",\"delta\":{\"message\":{\"role\":\"assistant\"}}}\n\n",
        ("unknown", "truncated", None),
    ),
    ending(
        "cohere v1: a stream without its end",
        Format::CohereChatV1,
        OK_LINES,
        "{\"is_finished\":false,\"event_type\":\"text-generation\",\"text\":\"a\"}\n",
        ("unknown", "truncated", None),
    ),
    ending(
        "cohere v1: a stream that ends in an error",
        Format::CohereChatV1,
        OK_LINES,
        "{\"is_finished\":true,\"event_type\":\"stream-end\",\"finish_reason\":\"ERROR\",\"error\":\"m\"}\n",
        ("error", "error", Some("provider_error")),
    ),
    // Ollama.
    ending(
        "ollama: length",
        Format::OllamaChat,
        OK_LINES,
        "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"length\"}\n",
        ("length", "complete", None),
    ),
    ending(
        "ollama: an error in the middle",
        Format::OllamaChat,
        OK_LINES,
        "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n{\"error\":\"the runner stopped\"}\n",
        ("error", "error", Some("provider_error")),
    ),
    ending(
        "ollama: a stream without its end",
        Format::OllamaGenerate,
        OK_LINES,
        "{\"model\":\"m\",\"response\":\"a\",\"done\":false}\n",
        ("unknown", "truncated", None),
    ),
    ending(
        "ollama: a model that is loaded",
        Format::OllamaGenerate,
        OK_JSON,
        r#"{"model":"m","response":"","done":true,"done_reason":"load"}"#,
        ("stop", "complete", None),
    ),
    ending(
        "ollama: a model that is not there",
        Format::OllamaGenerate,
        (404, JSON),
        r#"{"error":"model 'm' not found"}"#,
        ("error", "error", Some("http_404")),
    ),
    // MCP.
    ending(
        "mcp: a result",
        Format::Mcp,
        OK_JSON,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
        ("stop", "complete", None),
    ),
    ending(
        "mcp: a tool that failed",
        Format::Mcp,
        OK_SSE,
        "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[],\"isError\":true}}\r\n\r\n",
        ("stop", "error", Some("tool_error")),
    ),
    ending(
        "mcp: an error of the protocol",
        Format::Mcp,
        OK_JSON,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"m"}}"#,
        ("error", "error", Some("method_not_found")),
    ),
    ending(
        "mcp: a person is asked",
        Format::Mcp,
        OK_JSON,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{}}}"#,
        ("tool_call", "complete", None),
    ),
    ending(
        "mcp: a stream without its end",
        Format::Mcp,
        OK_SSE,
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1}}\r\n\r\n",
        ("unknown", "truncated", None),
    ),
];

#[test]
fn every_ending_is_told() {
    for Ending { name, format, status, content_type, body, end, told } in ENDINGS {
        let read = read(*format, *status, content_type, body, *end);
        let kind = read.error.as_ref().map(|error| error.kind.as_str());
        assert_eq!((read.finish_class.as_str(), outcome(&read), kind), *told, "{name}: {read:?}");
        assert!(read.oddities.is_empty(), "{name}: {:?}", read.oddities);
    }
}

/// The bytes stop anywhere: a stream is whole or it is not, and a finish that was told stays told.
#[test]
fn a_stream_that_is_cut_anywhere_is_never_complete_before_its_end() {
    for Ending { name, format, content_type, body, told, .. } in ENDINGS {
        if *content_type == JSON || told.1 == "truncated" {
            continue;
        }
        let first = body.len() / 3;
        let read = read(*format, 200, content_type, &body[..first], End::Cut);
        assert_eq!(outcome(&read), "truncated", "{name}: {read:?}");
    }
}

#[test]
fn a_model_that_took_over_is_told_beside_the_ending() {
    let body = r#"{"model":"b","content":[{"type":"text","text":"x"},{"type":"fallback","from":{"model":"a"},"to":{"model":"b"}}],"stop_reason":"end_turn"}"#;
    let anthropic = read(Format::AnthropicMessages, 200, JSON, body, End::Complete);
    assert_eq!(anthropic.served, ["a", "b"]);
    let body = "data: {\"provider\":\"p\",\"model\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n\
                data: {\"provider\":\"q\",\"model\":\"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"y\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let router = read(Format::OpenAiChat, 200, SSE, body, End::Complete);
    assert_eq!(router.served, ["a", "b"]);
    let skeleton = router.skeleton.expect("a skeleton").0;
    assert_eq!(skeleton["provider"], "q");
    assert_eq!(skeleton["series"]["provider"][0], "p");
    assert_eq!(router.finish_class.as_str(), "stop");
}
