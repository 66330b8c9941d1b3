//! Streams that answer a request: notifications and the server's own requests, then the response.

use serde_json::Value;

use crate::json;
use crate::reader::{Notes, Stream};
use crate::sse::Event;

/// Collects the responses; what else comes is kept as it is.
#[derive(Debug, Default)]
pub(super) struct MessageStream {
    responses: Vec<Value>,
}

impl Stream for MessageStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        // An event without data gives the stream an id to be taken up again by.
        if event.data.trim_ascii().is_empty() {
            return;
        }
        match notes.parse(event) {
            Some(Value::Array(messages)) => {
                for message in messages {
                    self.take(message, notes);
                }
            }
            Some(message) => self.take(message, notes),
            None => {}
        }
    }

    /// The one response, or several under `batch`.
    fn finish(mut self: Box<Self>, _notes: &mut Notes) -> Value {
        match self.responses.len() {
            0 => Value::Object(serde_json::Map::new()),
            1 => self.responses.remove(0),
            _ => json::object("batch", Value::Array(self.responses)),
        }
    }
}

impl MessageStream {
    fn take(&mut self, message: Value, notes: &mut Notes) {
        if message.get("method").is_some() {
            notes.kept.push(message);
        } else if message.get("result").is_some() || message.get("error").is_some() {
            notes.terminal = true;
            notes.content_events += 1;
            self.responses.push(message);
        } else {
            notes.unknown(message);
        }
    }
}
