//! The pieces of one choice's message.

use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, append, extend};

/// One choice as far as it came.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// All members but `message`.
    pub(super) members: Map<String, Value>,
    pub(super) message: Map<String, Value>,
}

/// Members of a delta that come in pieces of text.
const PIECES: [&str; 4] = ["content", "reasoning_content", "reasoning", "refusal"];

/// Takes in a delta; whether it had content.
pub(super) fn take_delta(
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
                    content |=
                        ["text", "summary"].iter().any(|key| json::filled(&detail, key).is_some());
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
    pub(super) fn call(&self, index: u64) -> Option<usize> {
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

    pub(super) fn call_mut(&mut self, at: usize) -> Option<&mut Map<String, Value>> {
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

/// `{}`.
pub(super) fn empty_object() -> Value {
    Value::Object(Map::new())
}
