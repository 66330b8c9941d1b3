//! Streams of Converse: `messageStart`, blocks in pieces, `messageStop`, then `metadata`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

use super::fail;

/// The events, which inside of a chunk stand as the member of an object.
pub(super) const EVENTS: [&str; 6] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
];

/// Assembles events into the body of an answer.
#[derive(Debug, Default)]
pub(super) struct ConverseStream {
    message: Map<String, Value>,
    blocks: BTreeMap<u64, Block>,
    body: Map<String, Value>,
    series: Series,
    /// The events stood in chunks: Nova's own format, which numbers each piece of a text as a block.
    nested: bool,
}

#[derive(Debug, Default)]
struct Block {
    members: Map<String, Value>,
    /// A tool's input, which is JSON only when it is whole.
    input: String,
    citations: Vec<Value>,
}

impl Stream for ConverseStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        if event.failure {
            return fail(event, notes);
        }
        let Some(value) = notes.parse(event) else {
            return;
        };
        match (event.event.as_deref(), value) {
            (Some(name), Value::Object(members)) => self.take(name, members, notes),
            (None, Value::Object(members)) => {
                self.nested = true;
                for (key, member) in members {
                    match member {
                        Value::Object(inner) if EVENTS.contains(&key.as_str()) => {
                            self.take(&key, inner, notes);
                        }
                        other => self.absorb(key, other),
                    }
                }
            }
            (name, other) => notes.unknown(json::object(name.unwrap_or_default(), other)),
        }
    }

    fn looks_finished(&self) -> bool {
        self.body.contains_key("stopReason")
    }

    fn finish(mut self: Box<Self>, notes: &mut Notes) -> Value {
        let mut content = Vec::with_capacity(self.blocks.len());
        for (index, mut block) in std::mem::take(&mut self.blocks) {
            block.close(index, false, notes);
            let block = block.whole();
            match (content.last_mut().and_then(text_alone), block.get("text")) {
                (Some(text), Some(Value::String(piece))) if self.nested && block.len() == 1 => {
                    text.push_str(piece);
                }
                _ => content.push(Value::Object(block)),
            }
        }
        let mut body = Map::new();
        let mut message = self.message;
        if !message.is_empty() || !content.is_empty() {
            message.insert("content".to_owned(), Value::Array(content));
            let message = json::object("message", Value::Object(message));
            body.insert("output".to_owned(), message);
        }
        body.extend(self.body);
        self.series.put(&mut body);
        Value::Object(body)
    }
}

impl ConverseStream {
    fn take(&mut self, name: &str, mut members: Map<String, Value>, notes: &mut Notes) {
        // Padding, so that lengths tell an onlooker nothing.
        members.shift_remove("p");
        match name {
            "messageStart" => {
                for (key, member) in members {
                    absorb(&mut self.series, Path::Root, &mut self.message, key, member);
                }
            }
            "messageStop" => self.absorb_all(members),
            "metadata" => {
                notes.terminal = true;
                self.absorb_all(members);
            }
            "contentBlockStart" | "contentBlockDelta" | "contentBlockStop" => {
                self.take_block(name, members, notes);
            }
            _ => notes.unknown(json::object(name, Value::Object(members))),
        }
    }

    fn absorb(&mut self, key: String, member: Value) {
        absorb(&mut self.series, Path::Root, &mut self.body, key, member);
    }

    fn absorb_all(&mut self, members: Map<String, Value>) {
        for (key, member) in members {
            self.absorb(key, member);
        }
    }

    fn take_block(&mut self, name: &str, mut members: Map<String, Value>, notes: &mut Notes) {
        let place = format_args!("event {}", notes.events);
        let Some(index) = members.get("contentBlockIndex").and_then(Value::as_u64) else {
            return notes.unknown(json::object(name, Value::Object(members)));
        };
        let given = match name {
            "contentBlockStart" => members.shift_remove("start"),
            "contentBlockDelta" => members.shift_remove("delta"),
            _ => None,
        };
        match (name, given) {
            ("contentBlockStop", _) => {
                self.blocks.entry(index).or_default().close(index, true, notes);
            }
            ("contentBlockStart", Some(Value::Object(start))) => {
                let block = Block { members: start, ..Block::default() };
                if let Some(before) = self.blocks.insert(index, block) {
                    notes.oddities.at("block_started_twice", place);
                    notes.kept.push(Value::Object(before.whole()));
                }
            }
            ("contentBlockDelta", Some(Value::Object(delta))) => {
                self.take_delta(index, delta, notes);
            }
            (_, given) => {
                if let Some(given) = given {
                    members.insert("given".to_owned(), given);
                }
                return notes.unknown(json::object(name, Value::Object(members)));
            }
        }
        if members.len() > 1 {
            notes.kept.push(json::object(name, Value::Object(members)));
        }
    }

    fn take_delta(&mut self, index: u64, delta: Map<String, Value>, notes: &mut Notes) {
        let block = self.blocks.entry(index).or_default();
        let at = Path::Index(&Path::Key(&Path::Root, "content"), index);
        let series = &mut self.series;
        for (key, piece) in delta {
            match (key.as_str(), piece) {
                ("text", Value::String(piece)) => {
                    notes.content_events += u64::from(!piece.is_empty());
                    append(&mut block.members, "text", &piece);
                }
                ("toolUse", Value::Object(pieces)) => {
                    if !block.members.contains_key("toolUse") {
                        let place = format_args!("event {}", notes.events);
                        notes.oddities.at("block_not_started", place);
                    }
                    let Some(tool) = object(&mut block.members, "toolUse") else { continue };
                    for (key, piece) in pieces {
                        match (key.as_str(), piece) {
                            ("input", Value::String(piece)) => {
                                notes.content_events += u64::from(!piece.is_empty());
                                block.input.push_str(&piece);
                            }
                            (_, piece) => absorb(series, at, tool, key, piece),
                        }
                    }
                }
                ("reasoningContent", Value::Object(pieces)) => {
                    let Some(reasoning) = object(&mut block.members, "reasoningContent") else {
                        continue;
                    };
                    for (key, piece) in pieces {
                        match (key.as_str(), piece) {
                            ("text" | "signature", Value::String(piece)) => {
                                notes.content_events +=
                                    u64::from(key == "text" && !piece.is_empty());
                                if let Some(text) = object(reasoning, "reasoningText") {
                                    append(text, &key, &piece);
                                }
                            }
                            ("redactedContent", Value::String(piece)) => {
                                add_base64(series, at, reasoning, key, piece);
                            }
                            (_, piece) => absorb(series, at, reasoning, key, piece),
                        }
                    }
                }
                ("toolResult", Value::Array(items)) => {
                    if let Some(result) = object(&mut block.members, "toolResult") {
                        extend(result, "content", items);
                    }
                }
                ("citation", piece) => block.citations.push(piece),
                ("image", Value::Object(piece)) => {
                    let Some(image) = object(&mut block.members, "image") else { continue };
                    for (key, piece) in piece {
                        absorb(series, at, image, key, piece);
                    }
                }
                (_, piece) => {
                    let delta = json::object(&key, piece);
                    notes.unknown(json::object("contentBlockDelta", delta));
                }
            }
        }
    }
}

/// Base64 that ends in padding cannot go on: what comes then is a value of its own.
fn add_base64(
    series: &mut Series,
    at: Path<'_>,
    target: &mut Map<String, Value>,
    key: String,
    piece: String,
) {
    match target.get_mut(&key) {
        Some(Value::String(before)) if before.len() % 4 == 0 && !before.ends_with('=') => {
            before.push_str(&piece);
        }
        _ => absorb(series, at, target, key, Value::String(piece)),
    }
}

/// A member that is an object, made one when it is not.
fn object<'a>(
    members: &'a mut Map<String, Value>,
    key: &str,
) -> Option<&'a mut Map<String, Value>> {
    if !members.get(key).is_some_and(Value::is_object) {
        members.insert(key.to_owned(), Value::Object(Map::new()));
    }
    members.get_mut(key).and_then(Value::as_object_mut)
}

impl Block {
    /// Puts the assembled input in its place; a tool that takes none has an empty one.
    fn close(&mut self, index: u64, stopped: bool, notes: &mut Notes) {
        let Some(Value::Object(tool)) = self.members.get_mut("toolUse") else {
            return;
        };
        let input = std::mem::take(&mut self.input);
        if input.is_empty() {
            if stopped && !tool.contains_key("input") {
                tool.insert("input".to_owned(), Value::Object(Map::new()));
            }
            return;
        }
        let place = format_args!("content[{index}].input");
        let value = if let Ok(document) = json::parse(input.as_bytes()) {
            if document.lost_members > 0 {
                notes.oddities.at("duplicate_key", place);
                notes.unread.push(input);
            }
            document.value
        } else {
            notes.oddities.at("tool_input_invalid", place);
            Value::String(input)
        };
        tool.insert("input".to_owned(), value);
    }

    /// The block as it stands in an answer sent whole, where a text with its sources is a block of
    /// another kind.
    fn whole(mut self) -> Map<String, Value> {
        if !self.citations.is_empty() {
            let mut cited = Map::new();
            let text = self.members.shift_remove("text");
            let content = text.map(|text| json::object("text", text)).into_iter().collect();
            cited.insert("content".to_owned(), Value::Array(content));
            cited.insert("citations".to_owned(), Value::Array(self.citations));
            self.members.insert("citationsContent".to_owned(), Value::Object(cited));
        }
        self.members
    }
}

/// The text of a block that is nothing else.
fn text_alone(block: &mut Value) -> Option<&mut String> {
    match block.as_object_mut().filter(|members| members.len() == 1)?.get_mut("text")? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
