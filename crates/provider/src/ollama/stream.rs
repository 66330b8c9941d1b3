//! Streams: an answer a line, whose texts are pieces; the last is `done`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::merge::{Path, Series, absorb, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

/// Assembles the lines of chat and of completions.
#[derive(Debug, Default)]
pub(super) struct LineStream {
    body: Map<String, Value>,
    message: Map<String, Value>,
    series: Series,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The line that nearly all of a stream consists of. What has other members does not fit and is
/// read in full.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hot<'a> {
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow, rename = "created_at")]
    _created_at: Text<'a>,
    #[serde(default, borrow)]
    message: Option<HotMessage<'a>>,
    #[serde(default, borrow)]
    response: Option<Text<'a>>,
    done: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HotMessage<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
}

impl Stream for LineStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        let data = event.data.trim_ascii();
        if let Ok(hot) = serde_json::from_str::<Hot<'_>>(data)
            && self.take_hot(&hot, notes)
        {
            return;
        }
        if data.is_empty() && event.event.is_none() {
            return;
        }
        if let Some(value) = notes.parse(event) {
            self.take(value, notes);
        }
    }

    fn finish(self: Box<Self>, _notes: &mut Notes) -> Value {
        let Self { mut body, message, series } = *self;
        if !message.is_empty() {
            body.insert("message".to_owned(), Value::Object(message));
        }
        series.put(&mut body);
        Value::Object(body)
    }
}

impl LineStream {
    fn take_hot(&mut self, line: &Hot<'_>, notes: &mut Notes) -> bool {
        let is = |members: &Map<String, Value>, key: &str, new: &str| {
            members.get(key).and_then(Value::as_str) == Some(new)
        };
        if line.done || !is(&self.body, "model", &line.model.0) {
            return false;
        }
        let piece = match (&line.message, &line.response) {
            (Some(message), None) if is(&self.message, "role", &message.role.0) => {
                append(&mut self.message, "content", &message.content.0);
                &message.content
            }
            (None, Some(piece)) => {
                append(&mut self.body, "response", &piece.0);
                piece
            }
            _ => return false,
        };
        notes.content_events += u64::from(!piece.0.is_empty());
        true
    }

    fn take(&mut self, value: Value, notes: &mut Notes) {
        const KNOWN: [&str; 5] = ["done", "error", "message", "model", "response"];
        let mut line = match value {
            Value::Object(line) if KNOWN.iter().any(|key| line.contains_key(*key)) => line,
            other => return notes.unknown(other),
        };
        // What goes wrong in the middle is told by a line of its own, after HTTP 200.
        if let Some(error) = line.shift_remove("error").filter(|error| !error.is_null()) {
            notes.terminal = true;
            notes.fail(error);
        }
        if line.get("done") == Some(&Value::Bool(true)) {
            notes.terminal = true;
        }
        let mut content = false;
        for (key, member) in line {
            match (key.as_str(), member) {
                ("message", Value::Object(message)) => content |= self.take_message(message),
                ("response" | "thinking", Value::String(piece)) => {
                    content |= !piece.is_empty();
                    append(&mut self.body, &key, &piece);
                }
                // The time of each line; that of the last is the answer's. `done` turns once.
                ("created_at" | "done", member) => {
                    self.body.insert(key, member);
                }
                ("logprobs", Value::Array(items)) => extend(&mut self.body, &key, items),
                (_, member) => absorb(&mut self.series, Path::Root, &mut self.body, key, member),
            }
        }
        notes.content_events += u64::from(content);
    }

    /// Takes in a piece of the message; whether it had content.
    fn take_message(&mut self, new: Map<String, Value>) -> bool {
        let mut content = false;
        for (key, member) in new {
            match (key.as_str(), member) {
                ("content" | "thinking", Value::String(piece)) => {
                    content |= !piece.is_empty();
                    append(&mut self.message, &key, &piece);
                }
                ("tool_calls" | "images", Value::Array(items)) => {
                    content |= !items.is_empty();
                    extend(&mut self.message, &key, items);
                }
                (_, member) => {
                    let at = Path::Key(&Path::Root, "message");
                    absorb(&mut self.series, at, &mut self.message, key, member);
                }
            }
        }
        content
    }
}
