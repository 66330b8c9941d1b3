//! Ollama's own formats: chat, completion, embeddings.

mod stream;

use std::fmt::Display;

use record::envelope::Params;
use record::{FinishClass, PartKind, Role};
use serde_json::Value;

use crate::framing::Framing;
use crate::json;
use crate::media::take_data;
use crate::openai::texts;
use crate::reader::{self, Reader, Stream};
use crate::taker::{self, Field, Taker};
use crate::{ReadRequest, ReadResponse, params, usage};

use stream::LineStream;

/// Reads chat.
#[derive(Debug)]
pub(crate) struct Chat;

/// Reads completions.
#[derive(Debug)]
pub(crate) struct Generate;

/// Reads embeddings, of `/api/embed` and of the older `/api/embeddings`.
#[derive(Debug)]
pub(crate) struct Embed;

impl Reader for Chat {
    fn target(&self, _path: &str, out: &mut ReadRequest) {
        // Unless the body says otherwise.
        out.stream = true;
    }

    fn params(&self, body: &Value) -> Params {
        with_options(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        for (index, slot) in json::items(body, "messages").iter_mut().enumerate() {
            let place = format_args!("messages[{index}]");
            message(taker, slot, None, place);
        }
        taker.each(body, "tools", Role::System, PartKind::ToolDefinition);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        let mut called = false;
        if let Some(slot) = body.get_mut("message") {
            called = json::holds(slot, "tool_calls");
            message(taker, slot, Some(Role::Assistant), "message");
        }
        finish(body, called, taker, out);
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::Lines]
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(LineStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        ends(chunk)
    }
}

impl Reader for Generate {
    fn target(&self, _path: &str, out: &mut ReadRequest) {
        out.stream = true;
    }

    fn params(&self, body: &Value) -> Params {
        with_options(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        taker.text_at(body, "system", Role::System, PartKind::Text);
        taker.text_at(body, "template", Role::System, PartKind::Text);
        // Tokens of an earlier turn, which nobody but the model reads.
        if json::holds(body, "context") {
            taker.context_elsewhere = true;
            tokens(taker, body, Role::User);
        }
        taker.text_at(body, "prompt", Role::User, PartKind::Text);
        taker.text_at(body, "suffix", Role::User, PartKind::Text);
        images(taker, body, Role::User);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        taker.text_at(body, "thinking", Role::Assistant, PartKind::Reasoning);
        taker.text_at(body, "response", Role::Assistant, PartKind::Text);
        tokens(taker, body, Role::Assistant);
        finish(body, false, taker, out);
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::Lines]
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(LineStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        ends(chunk)
    }
}

impl Reader for Embed {
    fn params(&self, body: &Value) -> Params {
        with_options(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        for key in ["input", "prompt"] {
            if let Some(slot) = body.get_mut(key) {
                texts(taker, slot);
            }
        }
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        head(body, taker, out);
        for vector in json::items(body, "embeddings") {
            vector_part(taker, vector);
        }
        if let Some(vector) = body.get_mut("embedding") {
            vector_part(taker, vector);
        }
    }
}

fn vector_part(taker: &mut Taker, vector: &mut Value) {
    let fields: [Field<'_>; 1] = [("embedding", &[])];
    taker.fields(vector, Role::Assistant, PartKind::Embedding, &[], &fields);
}

/// The parameters, most of which stand in `options`.
fn with_options(body: &Value) -> Params {
    let mut told = params::read(body);
    if let Some(options) = body.get("options") {
        told.0.extend(params::read(options).0);
    }
    told
}

fn head(body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
    let model = json::text(body, "model");
    out.model = reader::name(model, "model_unclear", &mut taker.oddities);
    out.usage = usage::ollama(body);
}

/// Takes a message apart: thoughts, content, images, tool calls.
fn message(taker: &mut Taker, slot: &mut Value, speaker: Option<Role>, place: impl Display + Copy) {
    if !slot.is_object() {
        if !slot.is_null() {
            taker.unknown(slot, speaker.unwrap_or(Role::User), "unknown_message", place);
        }
        return;
    }
    let role = speaker.unwrap_or_else(|| taker::role(json::text(slot, "role"), taker, place));
    if role == Role::Tool {
        let fields: [Field<'_>; 3] =
            [("call_id", &["tool_call_id"]), ("name", &["tool_name"]), ("content", &["content"])];
        taker.fields(slot, role, PartKind::ToolResult, &[], &fields);
        return;
    }
    taker.text_at(slot, "thinking", role, PartKind::Reasoning);
    match slot.get_mut("content") {
        Some(Value::Null) | None => {}
        Some(content @ Value::String(_)) => {
            taker.text(content, role, PartKind::Text);
        }
        Some(other) => taker.unknown(other, role, "unknown_content", place),
    }
    images(taker, slot, role);
    for call in json::items(slot, "tool_calls") {
        let fields: [Field<'_>; 3] = [
            ("call_id", &["id"]),
            ("name", &["function", "name"]),
            ("arguments", &["function", "arguments"]),
        ];
        taker.fields(call, role, PartKind::ToolCall, &[], &fields);
    }
}

/// Takes images: base64 without a media type.
fn images(taker: &mut Taker, object: &mut Value, role: Role) {
    for image in json::items(object, "images") {
        take_data(taker, image, &[], role, PartKind::Image, None);
    }
}

/// Takes the tokens of the conversation so far.
fn tokens(taker: &mut Taker, body: &mut Value, role: Role) {
    if json::holds(body, "context")
        && let Some(slot) = body.get_mut("context")
    {
        taker.whole(slot, role, PartKind::Opaque);
    }
}

fn finish(body: &Value, called: bool, taker: &mut Taker, out: &mut ReadResponse) {
    // Old servers give no reason.
    let done = body.get("done").and_then(Value::as_bool).unwrap_or(false);
    let reason = json::filled(body, "done_reason");
    let class = match reason {
        Some("stop") if called => FinishClass::ToolCall,
        // A model was loaded or unloaded: nothing was asked, and that was done.
        Some("stop" | "load" | "unload") => FinishClass::Stop,
        Some("length") => FinishClass::Length,
        None if done && called => FinishClass::ToolCall,
        None if done => FinishClass::Stop,
        _ => FinishClass::Unknown,
    };
    if reason.is_some() || done {
        reader::finish(out, taker, reason, class);
    }
}

/// Whether a piece holds the last line or an error. Texts have their quotes escaped, so this
/// stands in no content.
fn ends(chunk: &[u8]) -> bool {
    memchr::memmem::find(chunk, br#""done":true"#).is_some_and(|at| {
        // The line may be long, with the tokens of the conversation in it.
        let rest = chunk.get(at..).unwrap_or_default();
        rest.contains(&b'\n') || rest.ends_with(b"}")
    }) || chunk.split(|byte| *byte == b'\n').any(|line| line.starts_with(br#"{"error""#))
}
