//! The Model Context Protocol over streamable HTTP: JSON-RPC 2.0 messages, one or a batch, answered
//! by JSON or by a stream.
//!
//! Nothing in an answer names the method that it answers, so a result is told by its members.

mod block;
mod stream;

use record::envelope::{Params, ProviderError};
use record::{FinishClass, PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::reader::{self, Reader, Stream};
use crate::taker::{Field, Taker};
use crate::word::is_word;
use crate::{ReadRequest, ReadResponse, error};

use block::{block, blocks, messages};
use stream::MessageStream;

/// Reads MCP.
#[derive(Debug)]
pub(crate) struct Mcp;

impl Reader for Mcp {
    fn batches(&self) -> bool {
        true
    }

    /// The method, the tool and the user's decision; all else is content.
    fn params(&self, body: &Value) -> Params {
        let all = each(body);
        let mut params = Params::default();
        let mut put = |key: &str, word: &str| {
            if word.len() <= 64 && word.split('/').all(|step| is_word(step, 64)) {
                params.0.insert(key.to_owned(), Value::from(word));
            }
        };
        let mut methods: Vec<_> = all.iter().filter_map(|m| json::text(m, "method")).collect();
        methods.dedup();
        match methods.as_slice() {
            [] => {}
            [one] => put("method", one),
            _ => put("method", "batch"),
        }
        for message in all {
            if json::text(message, "method") == Some("tools/call")
                && let Some(name) = message.pointer("/params/name").and_then(Value::as_str)
            {
                put("tool", name);
            }
            let version = message.pointer("/params/protocolVersion").and_then(Value::as_str);
            if let Some(version) = version {
                put("protocol_version", version);
            }
            let answers = message.pointer("/params/inputResponses").and_then(Value::as_object);
            let answers = answers.into_iter().flat_map(|answers| answers.values());
            for result in message.get("result").into_iter().chain(answers) {
                if let Some(action) = json::text(result, "action") {
                    put("action", action);
                }
            }
        }
        params
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        out.traceparent = each(body).into_iter().find_map(|message| {
            let meta = message.pointer("/params/_meta/traceparent");
            meta.and_then(Value::as_str).map(str::to_owned)
        });
        for message in each_mut(body) {
            asked(taker, message);
            if let Some(result) = message.get_mut("result") {
                given(taker, result);
            }
        }
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        // What came before the result: the server asks back, or tells how far it is.
        for message in json::items(body, "kept_events") {
            asked(taker, message);
        }
        if body.get("batch").is_some_and(Value::is_array) {
            for message in json::items(body, "batch") {
                answered(taker, message, out);
                if let Some(error) = error::take(message, 200, taker) {
                    out.error = Some(error);
                    reader::finish(out, taker, None, FinishClass::Error);
                }
            }
        } else {
            for message in each_mut(body) {
                answered(taker, message, out);
            }
        }
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(MessageStream::default()))
    }

    /// A response in a piece that ends with its event. A false one only costs the piece its wait.
    fn ends(&self, chunk: &[u8]) -> bool {
        let found = |word: &[u8]| memchr::memmem::find(chunk, word).is_some();
        (chunk.ends_with(b"\n\n") || chunk.ends_with(b"\r\n\r\n"))
            && found(b"\"jsonrpc\"")
            && (found(b"\"result\":") || found(b"\"error\":"))
    }
}

/// The messages of a body: of a batch each, else the one.
fn each(body: &Value) -> Vec<&Value> {
    match body {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

fn each_mut(body: &mut Value) -> Vec<&mut Value> {
    match body {
        Value::Array(items) => items.iter_mut().collect(),
        one => vec![one],
    }
}

/// Takes what a request asks for, of the client or of the server.
fn asked(taker: &mut Taker, message: &mut Value) {
    let method = json::text(message, "method").unwrap_or_default().to_owned();
    match method.as_str() {
        "tools/call" | "prompts/get" => {
            let role = if method == "tools/call" { Role::Assistant } else { Role::User };
            let fields: [Field<'_>; 3] = [
                ("call_id", &["id"]),
                ("name", &["params", "name"]),
                ("arguments", &["params", "arguments"]),
            ];
            taker.fields(message, role, PartKind::ToolCall, &[], &fields);
        }
        "resources/read" => {
            let fields: [Field<'_>; 1] = [("uri", &["params", "uri"])];
            taker.fields(message, Role::User, PartKind::Uri, &[], &fields);
        }
        "sampling/createMessage" | "elicitation/create" => {
            if let Some(params) = message.get_mut("params") {
                wanted(taker, params);
            }
        }
        _ => {}
    }
    let answers = message.pointer_mut("/params/inputResponses").and_then(Value::as_object_mut);
    for answer in answers.into_iter().flat_map(|answers| answers.values_mut()) {
        given(taker, answer);
    }
}

/// Takes what a server wants: a model's answer, or a person's.
fn wanted(taker: &mut Taker, params: &mut Value) {
    taker.text_at(params, "systemPrompt", Role::System, PartKind::Text);
    messages(taker, params);
    taker.each(params, "tools", Role::System, PartKind::ToolDefinition);
    taker.text_at(params, "message", Role::Tool, PartKind::Text);
    let fields: [Field<'_>; 1] = [("uri", &["url"])];
    taker.fields(params, Role::Tool, PartKind::Uri, &[], &fields);
}

/// Takes what the client gives back to what a server wanted.
fn given(taker: &mut Taker, result: &mut Value) {
    if json::holds(result, "action") {
        // A person accepted, declined or left; the action is a word and told.
        let fields: [Field<'_>; 2] = [("action", &["action"]), ("content", &["content"])];
        taker.fields(result, Role::User, PartKind::ToolResult, &[], &fields);
    } else if let Some(content) = result.get_mut("content") {
        blocks(taker, content, Role::Assistant, "result");
    }
}

/// Takes a response apart.
fn answered(taker: &mut Taker, message: &mut Value, out: &mut ReadResponse) {
    if message.get("method").is_some() {
        return asked(taker, message);
    }
    let Some(result) = message.get_mut("result") else {
        return;
    };
    let reason = json::filled(result, "resultType").map(str::to_owned);
    let wants = reason.as_deref() == Some("input_required");
    let class = if wants { FinishClass::ToolCall } else { FinishClass::Stop };
    let failed = result.get("isError") == Some(&Value::Bool(true));
    taker.text_at(result, "instructions", Role::Tool, PartKind::Text);
    taker.each(result, "tools", Role::System, PartKind::ToolDefinition);
    messages(taker, result);
    for (index, slot) in json::items(result, "contents").iter_mut().enumerate() {
        block::resource(taker, slot, &[], format_args!("contents[{index}]"));
    }
    let wanted_inputs = result.get_mut("inputRequests").and_then(Value::as_object_mut);
    for request in wanted_inputs.into_iter().flat_map(|requests| requests.values_mut()) {
        asked(taker, request);
    }
    let is_tool = result.get("content").is_some_and(Value::is_array)
        || json::given(result, "structuredContent").is_some();
    if is_tool {
        let fields: [Field<'_>; 4] = [
            ("call_id", &["id"]),
            ("content", &["result", "content"]),
            ("structured_content", &["result", "structuredContent"]),
            ("is_error", &["result", "isError"]),
        ];
        taker.fields(message, Role::Tool, PartKind::ToolResult, &[], &fields);
    } else if let Some(content) = result.get_mut("content") {
        block(taker, content, Role::Assistant, "result");
    }
    reader::finish(out, taker, reason.as_deref(), class);
    if failed && out.error.is_none() {
        // The tool ran and failed: the protocol's answer is whole, and HTTP says 200.
        out.error = Some(ProviderError { code: None, kind: "tool_error".to_owned() });
    }
}
