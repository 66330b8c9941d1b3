//! Streams of chat, version 2: `message-start`, pieces by their index, `message-end`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, append};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

/// Assembles events into the answer.
#[derive(Debug, Default)]
pub(super) struct ChatStream {
    body: Map<String, Value>,
    message: Map<String, Value>,
    /// Blocks, calls and citations, each by its index.
    content: BTreeMap<u64, Map<String, Value>>,
    calls: BTreeMap<u64, Map<String, Value>>,
    citations: BTreeMap<u64, Value>,
    series: Series,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The event that nearly all of a stream consists of. What has other members does not fit and is
/// read in full.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hot<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    index: u64,
    #[serde(borrow)]
    delta: HotDelta<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HotDelta<'a> {
    #[serde(borrow)]
    message: HotMessage<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HotMessage<'a> {
    #[serde(borrow)]
    content: HotContent<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HotContent<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

impl Stream for ChatStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        let data = event.data.trim_ascii();
        if data == "[DONE]" {
            return;
        }
        if let Ok(hot) = serde_json::from_str::<Hot<'_>>(data)
            && hot.kind.0 == "content-delta"
            && let Some(block) = self.content.get_mut(&hot.index)
        {
            let piece = &hot.delta.message.content.text.0;
            append(block, "text", piece);
            notes.content_events += u64::from(!piece.is_empty());
            return;
        }
        if data.is_empty() && event.event.is_none() {
            return;
        }
        if let Some(value) = notes.parse(event) {
            self.take(value, event.event.as_deref(), notes);
        }
    }

    fn finish(self: Box<Self>, notes: &mut Notes) -> Value {
        let Self { mut body, mut message, content, calls, citations, series } = *self;
        for (key, items) in [
            ("content", content.into_values().map(Value::Object).collect()),
            ("tool_calls", calls.into_values().map(Value::Object).collect()),
            ("citations", citations.into_values().collect::<Vec<_>>()),
        ] {
            if items.is_empty() {
                continue;
            }
            // The start has empty lists; what it had otherwise is not lost.
            if let Some(earlier) = message.insert(key.to_owned(), Value::Array(items))
                && json::holds(&json::object(key, earlier.clone()), key)
            {
                notes.kept.push(json::object(key, earlier));
            }
        }
        if !message.is_empty() {
            body.insert("message".to_owned(), Value::Object(message));
        }
        series.put(&mut body);
        Value::Object(body)
    }
}

impl ChatStream {
    fn take(&mut self, mut value: Value, name: Option<&str>, notes: &mut Notes) {
        let told = json::text(&value, "type").or(name);
        let kind = told.unwrap_or_default().to_owned();
        let index = value.get("index").and_then(Value::as_u64).unwrap_or(0);
        let before = notes.content_events;
        match kind.as_str() {
            "message-start" => {
                let message = value.pointer_mut("/delta/message").map(Value::take);
                let Value::Object(event) = value else {
                    return notes.unknown(value);
                };
                for (key, member) in event {
                    if key != "type" && key != "delta" {
                        absorb(&mut self.series, Path::Root, &mut self.body, key, member);
                    }
                }
                if let Some(Value::Object(message)) = message {
                    for (key, member) in message {
                        self.message_member(key, member, notes);
                    }
                }
            }
            "content-start" | "content-delta" | "tool-plan-delta" | "tool-call-start"
            | "tool-call-delta" | "citation-start" => {
                let extra = value.get("logprobs").is_some_and(|logprobs| !logprobs.is_null());
                if extra {
                    notes.kept.push(value.clone());
                }
                let Some(Value::Object(message)) =
                    value.pointer_mut("/delta/message").map(Value::take)
                else {
                    return notes.unknown(value);
                };
                for (key, member) in message {
                    match (key.as_str(), member) {
                        ("content", Value::Object(new)) => {
                            let block = self.content.entry(index).or_default();
                            join(&mut self.series, block, new, notes);
                        }
                        ("tool_calls", Value::Object(new)) => {
                            let call = self.calls.entry(index).or_default();
                            join_call(&mut self.series, call, new, notes);
                        }
                        ("citations", Value::Array(list)) => {
                            for (at, citation) in (0_u64..).zip(list) {
                                self.citation(index.saturating_add(at), citation, notes);
                            }
                        }
                        ("citations", citation) => self.citation(index, citation, notes),
                        (_, member) => self.message_member(key, member, notes),
                    }
                }
            }
            "content-end" | "tool-call-end" | "citation-end" => {}
            "message-end" => {
                notes.terminal = true;
                let Some(Value::Object(delta)) = value.get_mut("delta").map(Value::take) else {
                    return notes.unknown(value);
                };
                for (key, member) in delta {
                    absorb(&mut self.series, Path::Root, &mut self.body, key, member);
                }
                // An id may stand in this event alone.
                if let Some(id) = value.get_mut("id").map(Value::take) {
                    absorb(&mut self.series, Path::Root, &mut self.body, "id".to_owned(), id);
                }
            }
            // The prompt as the model saw it, when the request asked for it.
            "debug" => notes.kept.push(value),
            "error" => {
                notes.terminal = true;
                notes.fail(value);
            }
            _ => notes.unknown(value),
        }
        if notes.content_events > before {
            notes.content_events = before + 1;
        }
    }

    /// Takes in a member of the message itself: the plan comes in pieces.
    fn message_member(&mut self, key: String, member: Value, notes: &mut Notes) {
        match member {
            Value::String(piece) if key == "tool_plan" => {
                notes.content_events += u64::from(!piece.is_empty());
                append(&mut self.message, &key, &piece);
            }
            member => {
                let at = Path::Key(&Path::Root, "message");
                absorb(&mut self.series, at, &mut self.message, key, member);
            }
        }
    }

    fn citation(&mut self, index: u64, citation: Value, notes: &mut Notes) {
        if let Some(earlier) = self.citations.insert(index, citation) {
            let place = format_args!("event {}", notes.events);
            notes.oddities.at("citation_started_twice", place);
            notes.kept.push(earlier);
        }
    }
}

/// Joins a piece of a block: texts are appended, all else is set.
fn join(
    series: &mut Series,
    block: &mut Map<String, Value>,
    new: Map<String, Value>,
    notes: &mut Notes,
) {
    for (key, member) in new {
        match member {
            Value::String(piece) if key == "text" || key == "thinking" => {
                notes.content_events += u64::from(!piece.is_empty());
                append(block, &key, &piece);
            }
            member => absorb(series, Path::Key(&Path::Root, "content"), block, key, member),
        }
    }
}

fn join_call(
    series: &mut Series,
    call: &mut Map<String, Value>,
    new: Map<String, Value>,
    notes: &mut Notes,
) {
    let at = Path::Key(&Path::Root, "tool_calls");
    for (key, member) in new {
        match member {
            Value::Object(mut function) if key == "function" => {
                let arguments = function.shift_remove("arguments");
                let slot = call.entry(key).or_insert_with(|| Value::Object(Map::new()));
                let Value::Object(target) = slot else { continue };
                for (key, member) in function {
                    absorb(series, at, target, key, member);
                }
                match arguments {
                    Some(Value::String(piece)) => {
                        notes.content_events += u64::from(!piece.is_empty());
                        append(target, "arguments", &piece);
                    }
                    Some(other) => absorb(series, at, target, "arguments".to_owned(), other),
                    None => {}
                }
            }
            member => absorb(series, at, call, key, member),
        }
    }
}
