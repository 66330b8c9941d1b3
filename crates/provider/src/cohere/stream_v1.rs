//! Streams of chat, version 1: a JSON text a line, the last with the whole answer in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

/// Assembles the answer, and compares it with the whole one that the end brings.
#[derive(Debug, Default)]
pub(super) struct ChatV1Stream {
    /// What came in pieces.
    pieces: Map<String, Value>,
    /// The answer as the end told it.
    whole: Option<Map<String, Value>>,
    /// Tool calls in pieces, until they come whole.
    calls: BTreeMap<u64, Map<String, Value>>,
    series: Series,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The line that nearly all of a stream consists of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hot<'a> {
    #[serde(rename = "is_finished")]
    _finished: bool,
    #[serde(borrow)]
    event_type: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
}

/// Members of the answer that come in events of their own too.
const LISTS: [&str; 5] =
    ["search_queries", "search_results", "documents", "citations", "tool_calls"];

impl Stream for ChatV1Stream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        let data = event.data.trim_ascii();
        if let Ok(hot) = serde_json::from_str::<Hot<'_>>(data)
            && hot.event_type.0 == "text-generation"
        {
            append(&mut self.pieces, "text", &hot.text.0);
            notes.content_events += u64::from(!hot.text.0.is_empty());
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
        if !self.calls.is_empty() && !self.pieces.contains_key("tool_calls") {
            let calls = std::mem::take(&mut self.calls).into_values().map(Value::Object).collect();
            self.pieces.insert("tool_calls".to_owned(), calls);
        }
        let mut body = match self.whole.take() {
            Some(mut whole) => {
                self.compare(&mut whole, notes);
                whole
            }
            None => std::mem::take(&mut self.pieces),
        };
        self.series.put(&mut body);
        Value::Object(body)
    }
}

impl ChatV1Stream {
    fn take(&mut self, value: Value, name: Option<&str>, notes: &mut Notes) {
        let told = json::text(&value, "event_type").or(name);
        let kind = told.unwrap_or_default().to_owned();
        let mut event = match value {
            Value::Object(event) if !kind.is_empty() => event,
            // An error that comes in place of the stream has no event type.
            value if json::holds(&value, "message") && value.get("text").is_none() => {
                notes.terminal = true;
                return notes.fail(value);
            }
            other => return notes.unknown(other),
        };
        event.shift_remove("event_type");
        event.shift_remove("is_finished");
        match kind.as_str() {
            "stream-start"
            | "search-queries-generation"
            | "search-results"
            | "citation-generation"
            | "tool-calls-generation"
            | "text-generation" => {
                let calls = kind == "tool-calls-generation";
                notes.content_events += u64::from(calls || kind == "text-generation");
                if calls {
                    self.calls.clear();
                }
                for (key, member) in event {
                    match member {
                        // With the calls the text stands whole once more.
                        Value::String(piece) if key == "text" && !calls => {
                            append(&mut self.pieces, &key, &piece);
                        }
                        Value::Array(items) if LISTS.contains(&key.as_str()) => {
                            extend(&mut self.pieces, &key, items);
                        }
                        member => {
                            absorb(&mut self.series, Path::Root, &mut self.pieces, key, member);
                        }
                    }
                }
            }
            // Calls in pieces; `tool-calls-generation` brings them whole.
            "tool-calls-chunk" => {
                notes.content_events += 1;
                if let Some(Value::String(piece)) = event.get("text") {
                    append(&mut self.pieces, "text", piece);
                }
                if let Some(Value::Object(delta)) = event.shift_remove("tool_call_delta") {
                    let index = delta.get("index").and_then(Value::as_u64).unwrap_or(0);
                    let call = self.calls.entry(index).or_default();
                    for (key, member) in delta.into_iter().filter(|(key, _)| key != "index") {
                        match member {
                            Value::String(piece) => append(call, &key, &piece),
                            member => absorb(&mut self.series, Path::Root, call, key, member),
                        }
                    }
                }
            }
            "stream-end" => {
                notes.terminal = true;
                let response = event.shift_remove("response");
                if let Some(Value::Object(response)) = response {
                    self.whole = Some(response);
                }
                // What stands beside the answer repeats it, or is an error.
                let target = self.whole.as_mut().unwrap_or(&mut self.pieces);
                for (key, member) in event {
                    absorb(&mut self.series, Path::Root, target, key, member);
                }
            }
            "debug" => notes.kept.push(Value::Object(event)),
            _ => notes.unknown(Value::Object(event)),
        }
    }

    /// The end's answer counts, its order too. What the pieces told and it does not is added; where both tell
    /// something else, the pieces are kept beside.
    fn compare(&mut self, whole: &mut Map<String, Value>, notes: &mut Notes) {
        for (key, member) in std::mem::take(&mut self.pieces) {
            let same = match whole.get(&key) {
                None | Some(Value::Null) => {
                    whole.insert(key, member);
                    continue;
                }
                Some(told) => same_items(told, &member),
            };
            if !same {
                notes.oddities.at("stream_disagrees", &key);
                notes.kept.push(json::object("assembled", json::object(&key, member)));
            }
        }
    }
}

/// Whether two values are equal, lists in any order.
fn same_items(a: &Value, b: &Value) -> bool {
    let sorted = |items: &[Value]| {
        let mut texts: Vec<_> = items.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        texts
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a == b || sorted(a) == sorted(b),
        _ => a == b,
    }
}
