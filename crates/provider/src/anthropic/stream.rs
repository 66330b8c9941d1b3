//! Streams of Messages: `message_start`, blocks in pieces, `message_delta`, `message_stop`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

/// Assembles events into the message.
#[derive(Debug, Default)]
pub(crate) struct MessageStream {
    message: Map<String, Value>,
    blocks: BTreeMap<u64, Block>,
    series: Series,
}

#[derive(Debug, Default)]
struct Block {
    members: Map<String, Value>,
    /// A tool's input, which is JSON only when it is whole.
    input: String,
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
    delta: Piece<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(default, borrow)]
    text: Option<Text<'a>>,
    #[serde(default, borrow)]
    thinking: Option<Text<'a>>,
    #[serde(default, borrow)]
    partial_json: Option<Text<'a>>,
}

impl Stream for MessageStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        // Data may be padded with white space.
        let data = event.data.trim_ascii();
        if let Ok(delta) = serde_json::from_str::<Hot<'_>>(data)
            && self.take_hot(&delta, notes)
        {
            return;
        }
        if data.is_empty() && event.event.is_none() {
            return;
        }
        if let Some(value) = notes.parse(event) {
            self.take(value, event.event.as_deref(), notes);
        }
    }

    fn finish(mut self: Box<Self>, notes: &mut Notes) -> Value {
        let mut content = Vec::with_capacity(self.blocks.len());
        for (index, mut block) in std::mem::take(&mut self.blocks) {
            block.close(index, notes);
            content.push(Value::Object(block.members));
        }
        let mut message = self.message;
        if !content.is_empty() || !message.contains_key("content") {
            message.insert("content".to_owned(), Value::Array(content));
        }
        self.series.put(&mut message);
        Value::Object(message)
    }
}

impl MessageStream {
    fn take_hot(&mut self, event: &Hot<'_>, notes: &mut Notes) -> bool {
        let Some(block) = self.blocks.get_mut(&event.index) else {
            return false;
        };
        if event.kind.0 != "content_block_delta" {
            return false;
        }
        let Piece { kind, text, thinking, partial_json } = &event.delta;
        let piece = match (kind.0.as_ref(), text, thinking, partial_json) {
            ("text_delta", Some(piece), None, None) => {
                append(&mut block.members, "text", &piece.0);
                piece
            }
            ("thinking_delta", None, Some(piece), None) => {
                append(&mut block.members, "thinking", &piece.0);
                piece
            }
            ("input_json_delta", None, None, Some(piece)) => {
                block.input.push_str(&piece.0);
                piece
            }
            _ => return false,
        };
        notes.content_events += u64::from(!piece.0.is_empty());
        true
    }

    fn take(&mut self, mut value: Value, name: Option<&str>, notes: &mut Notes) {
        let told = json::text(&value, "type").or(name);
        let kind = told.unwrap_or_default().to_owned();
        let index = value.get("index").and_then(Value::as_u64);
        match kind.as_str() {
            "message_start" => match value.get_mut("message").map(Value::take) {
                Some(Value::Object(message)) => {
                    for (key, member) in message {
                        absorb(&mut self.series, Path::Root, &mut self.message, key, member);
                    }
                }
                _ => notes.unknown(value),
            },
            "content_block_start" => {
                let block = value.get_mut("content_block").map(Value::take);
                match (index, block) {
                    (Some(index), Some(Value::Object(members))) => {
                        let input = String::new();
                        let before = self.blocks.insert(index, Block { members, input });
                        if let Some(before) = before {
                            let place = format_args!("event {}", notes.events);
                            notes.oddities.at("block_started_twice", place);
                            notes.kept.push(Value::Object(before.members));
                        }
                    }
                    _ => notes.unknown(value),
                }
            }
            "content_block_delta" => self.take_delta(value, index, notes),
            "content_block_stop" => {
                if let Some(block) = index.and_then(|index| self.blocks.get_mut(&index)) {
                    block.close(index.unwrap_or_default(), notes);
                }
            }
            "message_delta" => {
                let Value::Object(event) = value else {
                    return notes.unknown(value);
                };
                for (key, member) in event {
                    match (key.as_str(), member) {
                        ("type", _) => {}
                        ("delta", Value::Object(delta)) => {
                            for (key, member) in delta {
                                let message = &mut self.message;
                                absorb(&mut self.series, Path::Root, message, key, member);
                            }
                        }
                        ("usage", Value::Object(usage)) => self.take_usage(usage),
                        (_, member) => {
                            absorb(&mut self.series, Path::Root, &mut self.message, key, member);
                        }
                    }
                }
            }
            "message_stop" => {
                notes.terminal = true;
                // Bedrock adds its measurements here.
                if let Value::Object(event) = value {
                    for (key, member) in event.into_iter().filter(|(key, _)| key != "type") {
                        absorb(&mut self.series, Path::Root, &mut self.message, key, member);
                    }
                }
            }
            "ping" => {}
            "error" => {
                notes.terminal = true;
                let error = json::given(&value, "error").cloned();
                notes.fail(error.unwrap_or(value));
            }
            _ => notes.unknown(value),
        }
    }

    fn take_delta(&mut self, mut value: Value, index: Option<u64>, notes: &mut Notes) {
        let place = format_args!("event {}", notes.events);
        let Some(index) = index else {
            return notes.unknown(value);
        };
        let Some(delta) = value.get("delta") else {
            return notes.unknown(value);
        };
        let kind = json::text(delta, "type").unwrap_or_default().to_owned();
        let (from, to, of) = match kind.as_str() {
            "text_delta" => ("text", "text", "text"),
            "thinking_delta" => ("thinking", "thinking", "thinking"),
            "signature_delta" => ("signature", "signature", "thinking"),
            "input_json_delta" => ("partial_json", "", "tool_use"),
            "citations_delta" => ("citation", "citations", "text"),
            "compaction_delta" => ("content", "content", "compaction"),
            _ => return notes.unknown(value),
        };
        let extra = value
            .get("delta")
            .and_then(Value::as_object)
            .is_some_and(|delta| delta.keys().any(|key| key != "type" && key != from));
        if extra {
            notes.kept.push(value.clone());
        }
        let Some(piece) = value.get_mut("delta").and_then(|delta| delta.get_mut(from)) else {
            return notes.unknown(value);
        };
        let piece = piece.take();
        if !self.blocks.contains_key(&index) {
            notes.oddities.at("block_not_started", place);
        }
        let block = self.blocks.entry(index).or_default();
        if block.members.is_empty() {
            block.members.insert("type".to_owned(), Value::from(of));
        }
        notes.content_events += u64::from(matches!(
            kind.as_str(),
            "text_delta" | "thinking_delta" | "input_json_delta"
        ));
        match piece {
            Value::String(piece) if to.is_empty() => block.input.push_str(&piece),
            Value::String(piece) => append(&mut block.members, to, &piece),
            piece if to == "citations" => extend(&mut block.members, to, vec![piece]),
            piece => {
                let at = Path::Index(&Path::Key(&Path::Root, "content"), index);
                absorb(&mut self.series, at, &mut block.members, to.to_owned(), piece);
            }
        }
    }

    /// Counts are cumulative: each replaces the one before, and none is ever added.
    fn take_usage(&mut self, usage: Map<String, Value>) {
        let slot = self.message.entry("usage").or_insert(Value::Null);
        match slot {
            Value::Object(target) => {
                for (key, count) in usage {
                    if !count.is_null() || !target.contains_key(&key) {
                        target.insert(key, count);
                    }
                }
            }
            slot => *slot = Value::Object(usage),
        }
    }
}

impl Block {
    /// Puts the assembled input in its place.
    fn close(&mut self, index: u64, notes: &mut Notes) {
        let input = std::mem::take(&mut self.input);
        if input.is_empty() {
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
        self.members.insert("input".to_owned(), value);
    }
}
