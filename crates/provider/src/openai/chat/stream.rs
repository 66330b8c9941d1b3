//! Streams of choices: chat completions and legacy completions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, absorb_first, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

use super::delta::{Choice, empty_object, take_delta};
use super::hot;

/// Assembles chunks into the completion that they are pieces of.
#[derive(Debug, Default)]
pub(crate) struct ChoiceStream {
    body: Map<String, Value>,
    choices: BTreeMap<u64, Choice>,
    series: Series,
    /// Writer's bare pieces came, which have no end but the transport's.
    bare: bool,
}

impl Stream for ChoiceStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        let data = event.data.trim_ascii();
        if data == "[DONE]" {
            notes.terminal = true;
            return;
        }
        if let Ok(chunk) = serde_json::from_str::<hot::Chunk<'_>>(data)
            && self.fits(&chunk)
        {
            if self.take_hot(&chunk) {
                notes.content_events += 1;
            }
            return;
        }
        if data.is_empty() && event.event.is_none() {
            return;
        }
        if let Some(value) = notes.parse(event) {
            self.take(value, event.event.as_deref(), notes);
        }
    }

    fn looks_finished(&self) -> bool {
        self.bare
            || !self.choices.is_empty()
                && self.choices.values().all(|choice| is_given(&choice.members, "finish_reason"))
    }

    fn finish(self: Box<Self>, _notes: &mut Notes) -> Value {
        let mut body = self.body;
        let choices = self.choices.into_values().map(|choice| {
            let mut members = choice.members;
            if !choice.message.is_empty() {
                members.insert("message".to_owned(), Value::Object(choice.message));
            }
            Value::Object(members)
        });
        body.insert("choices".to_owned(), choices.collect());
        self.series.put(&mut body);
        Value::Object(body)
    }
}

impl ChoiceStream {
    /// Whether a chunk tells nothing new but its deltas.
    fn fits(&self, chunk: &hot::Chunk<'_>) -> bool {
        let same = |key: &str, new: Option<&hot::Text<'_>>| match (new, self.body.get(key)) {
            (None, _) => true,
            (Some(new), Some(Value::String(old))) => *old == new.0,
            _ => false,
        };
        same("id", chunk.id.as_ref())
            && same("object", chunk.object.as_ref())
            && same("model", chunk.model.as_ref())
            && same("system_fingerprint", chunk.system_fingerprint.as_ref())
            && same("service_tier", chunk.service_tier.as_ref())
            && same("provider", chunk.provider.as_ref())
            && chunk
                .created
                .is_none_or(|new| self.body.get("created").and_then(Value::as_u64) == Some(new))
            && chunk.choices.iter().all(|new| {
                let Some(choice) = self.choices.get(&new.index) else {
                    return false;
                };
                new.delta.as_ref().is_none_or(|delta| {
                    let role = delta.role.as_ref().is_none_or(|role| {
                        choice.message.get("role").and_then(Value::as_str) == Some(&role.0)
                    });
                    let mut calls = delta.tool_calls.iter().flatten();
                    role && calls.all(|call| choice.call(call.index).is_some())
                })
            })
    }

    /// Takes in a chunk that [`fits`](Self::fits); whether it had content.
    fn take_hot(&mut self, chunk: &hot::Chunk<'_>) -> bool {
        let mut content = false;
        for new in &chunk.choices {
            let Some(choice) = self.choices.get_mut(&new.index) else {
                continue;
            };
            if let Some(text) = &new.text {
                content |= !text.0.is_empty();
                append(&mut choice.members, "text", &text.0);
            }
            let Some(delta) = &new.delta else {
                continue;
            };
            for (key, piece) in [
                ("content", &delta.content),
                ("reasoning_content", &delta.reasoning_content),
                ("reasoning", &delta.reasoning),
            ] {
                if let Some(piece) = piece {
                    content |= !piece.0.is_empty();
                    append(&mut choice.message, key, &piece.0);
                }
            }
            for call in delta.tool_calls.iter().flatten() {
                let arguments = &call.function.arguments.0;
                content |= !arguments.is_empty();
                if let Some(Value::Object(function)) = choice
                    .call(call.index)
                    .and_then(|at| choice.call_mut(at))
                    .map(|target| target.entry("function").or_insert_with(empty_object))
                {
                    append(function, "arguments", arguments);
                }
            }
        }
        content
    }

    /// Takes in a chunk of any shape.
    fn take(&mut self, value: Value, name: Option<&str>, notes: &mut Notes) {
        let known = json::given(&value, "error").is_some()
            || value.get("choices").is_some_and(Value::is_array)
            || json::given(&value, "usage").is_some()
            || json::text(&value, "object").is_some_and(|word| word.contains("completion"));
        let chunk = match value {
            Value::Object(chunk) if known => chunk,
            // Writer's completions: a piece of the text and nothing else.
            Value::Object(chunk) if is_piece(&chunk) => {
                self.bare = true;
                let choice = self.choices.entry(0).or_default();
                for piece in chunk.values().filter_map(Value::as_str) {
                    append(&mut choice.members, "text", piece);
                    notes.content_events += u64::from(!piece.is_empty());
                }
                return;
            }
            // An error without its wrapper, as `event: error` may carry.
            value if name == Some("error") => {
                notes.terminal = true;
                notes.fail(value);
                return;
            }
            other => {
                notes.unknown(other);
                return;
            }
        };
        let mut content = false;
        for (key, value) in chunk {
            match (key.as_str(), value) {
                ("choices", Value::Array(choices)) => {
                    for choice in choices {
                        content |= self.take_choice(choice, notes);
                    }
                }
                ("error", error) if !error.is_null() => {
                    notes.fail(error);
                    notes.terminal = true;
                }
                ("obfuscation", Value::String(_)) => {}
                ("usage", usage) => {
                    // Counts are cumulative where they come more than once: the last is meant.
                    if !usage.is_null() || !self.body.contains_key(&key) {
                        self.body.insert(key, usage);
                    }
                }
                // An id of the first event may be a placeholder (gateways), a model a later alias.
                ("model" | "created" | "object", value) => {
                    absorb_first(&mut self.series, Path::Root, &mut self.body, key, value);
                }
                (_, value) => absorb(&mut self.series, Path::Root, &mut self.body, key, value),
            }
        }
        if content {
            notes.content_events += 1;
        }
        if is_given(&self.body, "usage") && self.looks_finished() {
            notes.terminal = true;
        }
    }

    fn take_choice(&mut self, value: Value, notes: &mut Notes) -> bool {
        let Value::Object(new) = value else {
            notes.unknown(value);
            return false;
        };
        let index = new.get("index").and_then(Value::as_u64).unwrap_or(0);
        let choice = self.choices.entry(index).or_default();
        let at = Path::Index(&Path::Key(&Path::Root, "choices"), index);
        let mut content = false;
        for (key, value) in new {
            match (key.as_str(), value) {
                ("delta", Value::Object(delta)) => {
                    content |= take_delta(&mut self.series, at, choice, delta);
                }
                ("delta", Value::Null) => {}
                ("text", Value::String(text)) => {
                    content |= !text.is_empty();
                    append(&mut choice.members, "text", &text);
                }
                // What some send beside the deltas: the message so far.
                ("message", value) => {
                    choice.members.insert("message_so_far".to_owned(), value);
                }
                ("logprobs", Value::Object(logprobs)) => {
                    let slot = choice.members.entry("logprobs").or_insert(Value::Null);
                    if !slot.is_object() {
                        *slot = empty_object();
                    }
                    if let Value::Object(target) = slot {
                        for (key, value) in logprobs {
                            match value {
                                Value::Array(items) => extend(target, &key, items),
                                other => absorb(&mut self.series, at, target, key, other),
                            }
                        }
                    }
                }
                (_, value) => absorb(&mut self.series, at, &mut choice.members, key, value),
            }
        }
        // Snapshots that only repeat the deltas are not kept twice.
        if choice.members.get("message_so_far").is_some_and(|so_far| {
            choice.message.contains_key("content")
                && so_far.get("content") == choice.message.get("content")
        }) {
            choice.members.shift_remove("message_so_far");
        }
        content
    }
}

fn is_given(members: &Map<String, Value>, key: &str) -> bool {
    members.get(key).is_some_and(|value| !value.is_null())
}

fn is_piece(chunk: &Map<String, Value>) -> bool {
    chunk.len() == 1 && chunk.get("value").is_some_and(Value::is_string)
}
