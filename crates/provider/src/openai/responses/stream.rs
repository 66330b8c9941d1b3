//! Streams of Responses: typed events, the last of which holds the whole answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::json;
use crate::merge::append;
use crate::reader::{Notes, Stream};
use crate::sse::Event;

/// How far a list may grow past its end by one event; a larger index is no index.
const MAX_GAP: usize = 4;

/// Assembles events into the response. The whole answer in the terminal event wins; the pieces
/// stand in for it when the stream ends before, and are compared with it otherwise.
#[derive(Debug, Default)]
pub(crate) struct ResponseStream {
    response: Map<String, Value>,
    items: BTreeMap<u64, Value>,
    ended: bool,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A delta in which every member is taken or may be ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hot<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    delta: Text<'a>,
    output_index: u64,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    #[serde(default, borrow, rename = "item_id")]
    _item_id: Option<Text<'a>>,
    #[serde(default, rename = "sequence_number")]
    _sequence_number: Option<u64>,
    #[serde(default, borrow, rename = "obfuscation")]
    _obfuscation: Option<Text<'a>>,
    #[serde(default)]
    logprobs: Vec<Value>,
}

/// Where in an item the pieces of an event type go.
enum Target {
    /// A member of the item.
    Member(&'static str),
    /// A member of a block of the list.
    Block(&'static str, &'static str, &'static str),
}

fn target(kind: &str) -> Option<Target> {
    Some(match kind {
        "response.output_text" => Target::Block("content", "output_text", "text"),
        "response.refusal" => Target::Block("content", "refusal", "refusal"),
        "response.reasoning_text" => Target::Block("content", "reasoning_text", "text"),
        "response.reasoning_summary_text" => Target::Block("summary", "summary_text", "text"),
        "response.function_call_arguments" | "response.mcp_call_arguments" => {
            Target::Member("arguments")
        }
        "response.custom_tool_call_input" => Target::Member("input"),
        "response.code_interpreter_call_code" => Target::Member("code"),
        _ => return None,
    })
}

impl Stream for ResponseStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        let data = event.data.trim_ascii();
        if data == "[DONE]" || (data.is_empty() && event.event.is_none()) {
            return;
        }
        if let Ok(delta) = serde_json::from_str::<Hot<'_>>(data)
            && delta.logprobs.is_empty()
            && let Some(kind) = delta.kind.0.strip_suffix(".delta")
            && self.piece(
                kind,
                delta.output_index,
                delta.content_index.or(delta.summary_index),
                &delta.delta.0,
            )
        {
            notes.content_events += u64::from(!delta.delta.0.is_empty());
            return;
        }
        if let Some(value) = notes.parse(event) {
            self.take(value, event.event.as_deref(), notes);
        }
    }

    fn finish(self: Box<Self>, notes: &mut Notes) -> Value {
        let mut body = self.response;
        match body.get("output").and_then(Value::as_array) {
            // Some send the terminal event without the output.
            Some(output) if self.ended && (!output.is_empty() || self.items.is_empty()) => {
                for (index, item) in self.items {
                    let place = usize::try_from(index).ok();
                    let told = place.and_then(|place| output.get(place));
                    disagree(index, item, told, notes);
                }
            }
            _ => {
                let items = self.items.into_values().collect();
                body.insert("output".to_owned(), Value::Array(items));
            }
        }
        Value::Object(body)
    }
}

impl ResponseStream {
    fn take(&mut self, mut value: Value, name: Option<&str>, notes: &mut Notes) {
        let told = json::text(&value, "type").or(name);
        let kind = told.unwrap_or_default().to_owned();
        let output = value.get("output_index").and_then(Value::as_u64);
        let block = ["content_index", "summary_index"]
            .iter()
            .find_map(|key| value.get(*key).and_then(Value::as_u64));
        match kind.as_str() {
            "response.created"
            | "response.in_progress"
            | "response.queued"
            | "response.completed"
            | "response.incomplete"
            | "response.failed" => {
                let Some(Value::Object(response)) = value.get_mut("response").map(Value::take)
                else {
                    return notes.unknown(value);
                };
                self.response = response;
                if let "response.completed" | "response.incomplete" | "response.failed" =
                    kind.as_str()
                {
                    self.ended = true;
                    notes.terminal = true;
                }
            }
            "error" => {
                let error = json::given(&value, "error").cloned();
                notes.fail(error.unwrap_or(value));
                notes.terminal = true;
            }
            "response.output_item.added" | "response.output_item.done" => {
                let item = value.get_mut("item").map(Value::take);
                match (output, item) {
                    (Some(output), Some(item)) => self.put_item(output, item, notes),
                    _ => notes.unknown(value),
                }
            }
            "response.content_part.added"
            | "response.content_part.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done" => {
                let list = if kind.contains("summary") { "summary" } else { "content" };
                let slot = self.block(output, list, block);
                match (slot, value.get_mut("part").map(Value::take)) {
                    (Some(slot), Some(part)) => *slot = part,
                    _ => notes.unknown(value),
                }
            }
            "response.output_text.annotation.added" => {
                let annotation = value.get_mut("annotation").map(Value::take);
                match (self.block(output, "content", block), annotation) {
                    (Some(Value::Object(slot)), Some(annotation)) => {
                        crate::merge::extend(slot, "annotations", vec![annotation]);
                    }
                    _ => notes.unknown(value),
                }
            }
            // Bytes that the finished image replaces; kept, since they were shown.
            "response.image_generation_call.partial_image" => notes.kept.push(value),
            _ if is_progress(&kind) => {}
            _ => self.take_text(value, &kind, output, block, notes),
        }
    }

    /// Takes in a `.delta` that did not fit the short way, or a `.done` with the whole text.
    fn take_text(
        &mut self,
        mut value: Value,
        kind: &str,
        output: Option<u64>,
        block: Option<u64>,
        notes: &mut Notes,
    ) {
        let delta = value.get("delta").and_then(Value::as_str);
        if let (Some(kind), Some(output), Some(delta)) =
            (kind.strip_suffix(".delta"), output, delta)
            && self.piece(kind, output, block, delta)
        {
            notes.content_events += u64::from(!delta.is_empty());
            if let Some(Value::Array(logprobs)) = value.get_mut("logprobs").map(Value::take)
                && !logprobs.is_empty()
                && let Some(Value::Object(slot)) = self.block(Some(output), "content", block)
            {
                crate::merge::extend(slot, "logprobs", logprobs);
            }
            return;
        }
        let done = kind.strip_suffix(".done").and_then(target);
        let slot = match &done {
            Some(Target::Member(member)) => output
                .and_then(|output| self.items.get_mut(&output))
                .and_then(Value::as_object_mut)
                .map(|item| (item, *member)),
            Some(Target::Block(list, _, member)) => self
                .block(output, list, block)
                .and_then(Value::as_object_mut)
                .map(|block| (block, *member)),
            None => None,
        };
        let Some((slot, member)) = slot else {
            return notes.unknown(value);
        };
        let Some(text) = value.get_mut(member).map(Value::take) else {
            return;
        };
        if slot.get(member) != Some(&text) {
            slot.insert(member.to_owned(), text);
        }
    }

    /// Appends a piece of text where its kind says; whether there is such a place.
    fn piece(&mut self, kind: &str, output: u64, block: Option<u64>, text: &str) -> bool {
        match target(kind) {
            Some(Target::Member(member)) => {
                let item = self.items.entry(output).or_insert_with(empty);
                let Value::Object(item) = item else {
                    return false;
                };
                append(item, member, text);
                true
            }
            Some(Target::Block(list, kind, member)) => {
                let Some(Value::Object(slot)) = self.block(Some(output), list, block) else {
                    return false;
                };
                if slot.is_empty() {
                    slot.insert("type".to_owned(), Value::from(kind));
                }
                append(slot, member, text);
                true
            }
            None => false,
        }
    }

    fn put_item(&mut self, output: u64, item: Value, notes: &mut Notes) {
        let before = self.items.insert(output, item);
        if let Some(before) = before {
            disagree(output, before, self.items.get(&output), notes);
        }
    }

    /// The block of an item's list, made when it is not there.
    fn block(&mut self, output: Option<u64>, list: &str, block: Option<u64>) -> Option<&mut Value> {
        let block = usize::try_from(block.unwrap_or(0)).ok()?;
        let Value::Object(item) = self.items.entry(output?).or_insert_with(empty) else {
            return None;
        };
        let slot = item.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        if slot.is_null() {
            *slot = Value::Array(Vec::new());
        }
        let Value::Array(blocks) = slot else {
            return None;
        };
        if block > blocks.len() + MAX_GAP {
            return None;
        }
        while blocks.len() <= block {
            blocks.push(empty());
        }
        blocks.get_mut(block)
    }
}

/// Events that tell only how far an item is.
fn is_progress(kind: &str) -> bool {
    kind == "keepalive"
        || kind.strip_prefix("response.").is_some_and(|rest| {
            let (item, step) = rest.split_once('.').unwrap_or_default();
            (item.ends_with("_call") || item == "mcp_list_tools")
                && matches!(
                    step,
                    "in_progress"
                        | "searching"
                        | "interpreting"
                        | "generating"
                        | "completed"
                        | "failed"
                )
        })
}

/// Keeps an item that was assembled from pieces when its whole turns out to be another.
fn disagree(index: u64, assembled: Value, told: Option<&Value>, notes: &mut Notes) {
    let pieces = words(&assembled);
    if !pieces.is_empty() && told.map(words) != Some(pieces) {
        let place = format_args!("output[{index}]");
        notes.oddities.at("stream_disagrees", place);
        notes.kept.push(json::object("assembled", assembled));
    }
}

/// The texts of an item that come in pieces.
fn words(item: &Value) -> String {
    let mut all = String::new();
    for list in ["summary", "content"] {
        let blocks = item.get(list).and_then(Value::as_array);
        for block in blocks.into_iter().flatten() {
            for key in ["text", "refusal"] {
                all.push_str(json::text(block, key).unwrap_or_default());
            }
        }
    }
    for key in ["arguments", "input", "code"] {
        all.push_str(json::text(item, key).unwrap_or_default());
    }
    all
}

fn empty() -> Value {
    Value::Object(Map::new())
}
