//! Streams of models in their own formats: each event carries, in base64, the JSON of the model.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::Format;
use crate::anthropic::Anthropic;
use crate::json;
use crate::merge::{Path, Series, absorb, append};
use crate::openai::Chat;
use crate::reader::{Notes, Reader, Stream};
use crate::sse::Event;

use super::stream::EVENTS;
use super::usage::LAST;
use super::{Converse, fail};

/// Opens the chunks and hands what is in them to the assembler of the model's format.
#[derive(Default)]
pub(super) struct ChunkStream {
    inner: Option<Inner>,
}

enum Inner {
    /// OpenAI's choices, which some models fill with messages in place of deltas.
    Choices(Box<dyn Stream>),
    Other(Box<dyn Stream>),
}

impl Inner {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Choices(stream) | Self::Other(stream) => stream.as_mut(),
        }
    }
}

impl Stream for ChunkStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        if event.failure {
            return fail(event, notes);
        }
        let Some(value) = notes.parse(event) else {
            return;
        };
        let mut members = match (event.event.as_deref(), value) {
            (Some("chunk") | None, Value::Object(members)) => members,
            (name, value) => return notes.unknown(json::object(name.unwrap_or_default(), value)),
        };
        // Padding, so that lengths tell an onlooker nothing.
        members.shift_remove("p");
        let Some(Value::String(text)) = members.shift_remove("bytes") else {
            return notes.unknown(json::object("chunk", Value::Object(members)));
        };
        if !members.is_empty() {
            notes.kept.push(json::object("chunk", Value::Object(members)));
        }
        let place = format_args!("event {}", notes.events);
        let Ok(bytes) = BASE64_STANDARD.decode(&text) else {
            notes.oddities.at("base64_invalid", place);
            notes.unread.push(text);
            return;
        };
        let data = String::from_utf8_lossy(&bytes);
        if matches!(data, Cow::Owned(_)) {
            notes.oddities.at("utf8_invalid", place);
        }
        self.open(&data, notes);
    }

    fn looks_finished(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| match inner {
            Inner::Choices(stream) | Inner::Other(stream) => stream.looks_finished(),
        })
    }

    fn finish(self: Box<Self>, notes: &mut Notes) -> Value {
        match self.inner {
            Some(Inner::Choices(stream) | Inner::Other(stream)) => stream.finish(notes),
            None => Value::Object(Map::new()),
        }
    }
}

impl ChunkStream {
    fn open(&mut self, data: &str, notes: &mut Notes) {
        let mut event = Event {
            event: None,
            data: Cow::Borrowed(data),
            complete: true,
            lossy: false,
            failure: false,
        };
        if self.inner.is_none() {
            let Some(value) = notes.parse(&event) else {
                return;
            };
            self.inner = Some(inner(&value));
        }
        let Some(inner) = &mut self.inner else {
            return;
        };
        if matches!(inner, Inner::Choices(_)) && data.contains("\"message\"") {
            event.data = Cow::Owned(as_deltas(data));
        }
        inner.stream().event(&event, notes);
        // In a text the quotation mark would be escaped.
        notes.terminal |= LAST.iter().any(|name| data.contains(&format!("\"{name}\":")));
    }
}

/// The assembler for a stream that starts so.
fn inner(first: &Value) -> Inner {
    let kind = json::text(first, "type").unwrap_or_default();
    let has = |key: &str| first.get(key).is_some();
    let stream = if kind.starts_with("message_")
        || kind.starts_with("content_block_")
        || matches!(kind, "ping" | "error")
    {
        Anthropic.stream()
    } else if EVENTS.iter().any(|name| has(name)) {
        Converse.stream()
    } else if has("choices") {
        return Chat
            .stream()
            .map_or_else(|| Inner::Other(Box::<PlainStream>::default()), Inner::Choices);
    } else if has("event_type") {
        Format::CohereChatV1.reader().and_then(Reader::stream)
    } else {
        None
    };
    Inner::Other(stream.unwrap_or_else(|| Box::<PlainStream>::default()))
}

/// Mistral's pieces of a message, named as OpenAI names them.
fn as_deltas(data: &str) -> String {
    let Ok(mut document) = json::parse(data.as_bytes()) else {
        return data.to_owned();
    };
    for choice in json::items(&mut document.value, "choices") {
        if let Value::Object(members) = choice
            && !members.contains_key("delta")
            && let Some(message) = members.shift_remove("message")
        {
            members.insert("delta".to_owned(), message);
        }
    }
    document.value.to_string()
}

/// Assembles pieces that have the form of the whole answer, with a part of its text each.
#[derive(Debug, Default)]
struct PlainStream {
    body: Map<String, Value>,
    series: Series,
}

/// Members whose texts are to be put together.
const TEXTS: [&str; 4] = ["completion", "generation", "outputText", "text"];
/// Lists of outputs, each with its text.
const LISTS: [&str; 2] = ["generations", "outputs"];

impl Stream for PlainStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        match notes.parse(event) {
            Some(Value::Object(members)) => {
                let content = put(&mut self.series, Path::Root, &mut self.body, members);
                notes.content_events += u64::from(content);
            }
            Some(other) => notes.unknown(other),
            None => {}
        }
    }

    fn looks_finished(&self) -> bool {
        let ended = |members: &Map<String, Value>| {
            let reasons = ["stop_reason", "finish_reason", "completionReason"];
            reasons.iter().any(|key| members.get(*key).is_some_and(|reason| !reason.is_null()))
        };
        // Titan tells the total in its last piece.
        let total = self.body.contains_key("totalOutputTextTokenCount");
        let lists = LISTS.iter().filter_map(|key| self.body.get(*key)?.as_array());
        total || ended(&self.body) || lists.flatten().filter_map(Value::as_object).any(ended)
    }

    fn finish(mut self: Box<Self>, _notes: &mut Notes) -> Value {
        // Titan's pieces are flat, its whole answer is a list.
        if self.body.contains_key("outputText") {
            let mut result = Map::new();
            for (from, to) in [
                ("totalOutputTextTokenCount", "tokenCount"),
                ("outputText", "outputText"),
                ("completionReason", "completionReason"),
            ] {
                if let Some(member) = self.body.shift_remove(from) {
                    result.insert(to.to_owned(), member);
                }
            }
            self.body.shift_remove("index");
            self.body.insert("results".to_owned(), Value::Array(vec![Value::Object(result)]));
        }
        self.series.put(&mut self.body);
        Value::Object(self.body)
    }
}

/// Adds a piece; whether it brought text.
fn put(
    series: &mut Series,
    at: Path<'_>,
    target: &mut Map<String, Value>,
    piece: Map<String, Value>,
) -> bool {
    let mut content = false;
    for (key, member) in piece {
        match member {
            Value::String(text) if TEXTS.contains(&key.as_str()) => {
                content |= !text.is_empty();
                append(target, &key, &text);
            }
            Value::Array(items) if LISTS.contains(&key.as_str()) => {
                content |= put_items(series, Path::Key(&at, &key), target, &key, items);
            }
            // Counts grow from piece to piece.
            Value::Number(_) if key.to_ascii_lowercase().ends_with("count") => {
                target.insert(key, member);
            }
            member => absorb(series, at, target, key, member),
        }
    }
    content
}

fn put_items(
    series: &mut Series,
    at: Path<'_>,
    target: &mut Map<String, Value>,
    key: &str,
    items: Vec<Value>,
) -> bool {
    let slot = target.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(list) = slot else {
        series.keep(at, Value::Array(items));
        return false;
    };
    let mut content = false;
    for (place, item) in items.into_iter().enumerate() {
        let index = u64::try_from(place).unwrap_or(u64::MAX);
        match (list.get_mut(place), item) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                content |= put(series, Path::Index(&at, index), old, new);
            }
            (Some(_), other) => series.keep(Path::Index(&at, index), other),
            (None, other) => {
                content |= TEXTS.iter().any(|key| json::holds(&other, key));
                list.push(other);
            }
        }
    }
    content
}
