//! Streams of choices: chat completions and legacy completions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, absorb_first, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;

use super::hot;

/// Assembles chunks into the completion that they are pieces of.
#[derive(Debug, Default)]
pub(crate) struct ChoiceStream {
    body: Map<String, Value>,
    choices: BTreeMap<u64, Choice>,
    series: Series,
}

#[derive(Debug, Default)]
struct Choice {
    /// All members but `message`.
    members: Map<String, Value>,
    message: Map<String, Value>,
}

/// Members of a delta that come in pieces of text.
const PIECES: [&str; 4] = ["content", "reasoning_content", "reasoning", "refusal"];

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
        !self.choices.is_empty()
            && self
                .choices
                .values()
                .all(|choice| is_given(&choice.members, "finish_reason"))
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

fn take_delta(
    series: &mut Series,
    at: Path<'_>,
    choice: &mut Choice,
    delta: Map<String, Value>,
) -> bool {
    let at = Path::Key(&at, "message");
    let mut content = false;
    for (key, value) in delta {
        match (key.as_str(), value) {
            (word, Value::String(text)) if PIECES.contains(&word) => {
                content |= !text.is_empty();
                append(&mut choice.message, word, &text);
            }
            ("content", Value::Array(blocks)) => {
                content |= !blocks.is_empty();
                take_blocks(&mut choice.message, blocks);
            }
            ("tool_calls", Value::Array(calls)) => {
                for call in calls {
                    content |= choice.take_call(series, at, call);
                }
            }
            ("function_call", Value::Object(call)) => {
                let slot = choice.message.entry(key).or_insert(Value::Null);
                content |= take_function(series, at, slot, call);
            }
            ("reasoning_details", Value::Array(details)) => {
                for detail in details {
                    content |= ["text", "summary"]
                        .iter()
                        .any(|key| json::filled(&detail, key).is_some());
                    take_detail(series, at, &mut choice.message, detail);
                }
            }
            ("annotations" | "images" | "executed_tools", Value::Array(items)) => {
                extend(&mut choice.message, &key, items);
            }
            ("audio", Value::Object(audio)) => {
                let slot = choice.message.entry(key).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = empty_object();
                }
                if let Value::Object(target) = slot {
                    for (key, value) in audio {
                        match value {
                            Value::String(piece) if key == "data" || key == "transcript" => {
                                content = true;
                                append(target, &key, &piece);
                            }
                            other => absorb(series, at, target, key, other),
                        }
                    }
                }
            }
            (_, value) => absorb(series, at, &mut choice.message, key, value),
        }
    }
    content
}

/// Adds content blocks (Mistral's thinking), joining those that continue the last one.
fn take_blocks(message: &mut Map<String, Value>, blocks: Vec<Value>) {
    let slot = message.entry("content").or_insert(Value::Null);
    if !slot.is_array() {
        let before = match slot.take() {
            Value::String(text) => text,
            _ => String::new(),
        };
        *slot = Value::Array(Vec::new());
        append(message, "content", &before);
    }
    let Some(Value::Array(list)) = message.get_mut("content") else {
        return;
    };
    for block in blocks {
        if let Some(last) = list.last_mut()
            && joins(last, &block)
        {
            join(last, block);
        } else {
            list.push(block);
        }
    }
}

fn joins(last: &Value, next: &Value) -> bool {
    let (Value::Object(a), Value::Object(b)) = (last, next) else {
        return false;
    };
    a.get("type") == b.get("type")
        && match a.get("type").and_then(Value::as_str) {
            Some("text") => b.len() == 2 && b.get("text").is_some_and(Value::is_string),
            Some("thinking") => {
                b.keys().all(|key| key == "type" || key == "thinking")
                    && b.get("thinking").is_some_and(Value::is_array)
            }
            _ => false,
        }
}

fn join(last: &mut Value, next: Value) {
    let (Value::Object(last), Value::Object(next)) = (last, next) else {
        return;
    };
    for (key, value) in next {
        match value {
            Value::String(text) if key == "text" => append(last, "text", &text),
            Value::Array(items) => match last.get_mut(&key) {
                Some(Value::Array(list)) => {
                    for item in items {
                        match list.last_mut() {
                            Some(before) if joins(before, &item) => join(before, item),
                            _ => list.push(item),
                        }
                    }
                }
                _ => {
                    last.insert(key, Value::Array(items));
                }
            },
            _ => {}
        }
    }
}

/// Adds a piece of `reasoning_details`: it continues the last entry of its index and type.
fn take_detail(series: &mut Series, at: Path<'_>, message: &mut Map<String, Value>, detail: Value) {
    if let Some(Value::Array(list)) = message.get_mut("reasoning_details") {
        let same = |entry: &Value| {
            entry.get("index") == detail.get("index")
                && entry.get("type") == detail.get("type")
                && entry.is_object()
        };
        if let Some(Value::Object(entry)) = list.iter_mut().rev().find(|entry| same(entry))
            && let Value::Object(detail) = detail
        {
            for (key, value) in detail {
                match value {
                    Value::String(piece) if key == "text" || key == "summary" => {
                        append(entry, &key, &piece);
                    }
                    other => absorb(series, at, entry, key, other),
                }
            }
            return;
        }
        list.push(detail);
    } else {
        message.insert("reasoning_details".to_owned(), Value::Array(vec![detail]));
    }
}

fn take_function(
    series: &mut Series,
    at: Path<'_>,
    slot: &mut Value,
    new: Map<String, Value>,
) -> bool {
    if !slot.is_object() {
        *slot = empty_object();
    }
    let Value::Object(target) = slot else {
        return false;
    };
    let mut content = false;
    for (key, value) in new {
        match value {
            Value::String(piece) if key == "arguments" || key == "input" => {
                content |= !piece.is_empty();
                append(target, &key, &piece);
            }
            // Some send the name again with every piece, some send the name in pieces.
            Value::String(name) if key == "name" => {
                content |= !name.is_empty();
                if target.get("name").and_then(Value::as_str) != Some(&name) {
                    append(target, &key, &name);
                }
            }
            other => absorb(series, at, target, key, other),
        }
    }
    content
}

impl Choice {
    /// Where the call of an index stands: the last one, since some providers number all calls 0.
    fn call(&self, index: u64) -> Option<usize> {
        let Some(Value::Array(calls)) = self.message.get("tool_calls") else {
            return None;
        };
        let last = calls.len().checked_sub(1)?;
        let is = |at: usize| {
            let found = calls.get(at)?.get("index")?.as_u64()?;
            (found == index).then_some(at)
        };
        is(last)
            .or_else(|| usize::try_from(index).ok().and_then(is))
            .or_else(|| (0..last).rev().find_map(is))
    }

    fn call_mut(&mut self, at: usize) -> Option<&mut Map<String, Value>> {
        match self.message.get_mut("tool_calls") {
            Some(Value::Array(calls)) => calls.get_mut(at).and_then(Value::as_object_mut),
            _ => None,
        }
    }

    fn take_call(&mut self, series: &mut Series, at: Path<'_>, call: Value) -> bool {
        let Value::Object(new) = call else {
            extend(&mut self.message, "tool_calls", vec![call]);
            return false;
        };
        let id = new.get("id").and_then(Value::as_str).unwrap_or_default();
        let place = match new.get("index").and_then(Value::as_u64) {
            Some(index) => self.call(index),
            // Without an index a piece without an id continues the last call.
            None => match self.message.get("tool_calls") {
                Some(Value::Array(calls)) => calls.len().checked_sub(1),
                _ => None,
            },
        };
        let continues = place.is_some_and(|place| {
            let old = self.call_mut(place).and_then(|old| old.get("id"));
            let old = old.and_then(Value::as_str).unwrap_or_default();
            id.is_empty() || old.is_empty() || old == id
        });
        if !continues {
            extend(&mut self.message, "tool_calls", vec![empty_object()]);
        }
        let last = match self.message.get("tool_calls") {
            Some(Value::Array(calls)) => calls.len().saturating_sub(1),
            _ => 0,
        };
        let place = place.filter(|_| continues).unwrap_or(last);
        let Some(target) = self.call_mut(place) else {
            return false;
        };
        let mut content = false;
        for (key, value) in new {
            match (key.as_str(), value) {
                ("function" | "custom", Value::Object(function)) => {
                    let slot = target.entry(key).or_insert(Value::Null);
                    content |= take_function(series, at, slot, function);
                }
                (_, value) => absorb(series, at, target, key, value),
            }
        }
        content
    }
}

fn is_given(members: &Map<String, Value>, key: &str) -> bool {
    members.get(key).is_some_and(|value| !value.is_null())
}

fn empty_object() -> Value {
    Value::Object(Map::new())
}
