//! Streams of candidates: each chunk is an answer of its own that holds what is new.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json;
use crate::merge::{Path, Series, absorb, absorb_first, append, extend};
use crate::reader::{Notes, Stream};
use crate::sse::Event;
use crate::usage::number;

use super::content::{FUNCTION_CALL, PARTS, SIGNATURE, TEXT};
use super::finish::{is_blocked, is_finished};
use super::{CANDIDATES, CITATION_SOURCES, MODEL_VERSION, USAGE, get, partial};

/// Assembles chunks into the answer that generateContent would have sent.
#[derive(Debug, Default)]
pub(super) struct CandidateStream {
    body: Map<String, Value>,
    candidates: BTreeMap<u64, Candidate>,
    series: Series,
    /// The prompt was blocked: no candidate comes.
    blocked: bool,
}

#[derive(Debug, Default)]
struct Candidate {
    members: Map<String, Value>,
    /// The content without its parts.
    content: Map<String, Value>,
    parts: Vec<Value>,
    has_content: bool,
    has_parts: bool,
    finished: bool,
}

impl Stream for CandidateStream {
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes) {
        if event.data.trim_ascii().is_empty() && event.event.is_none() {
            return;
        }
        if let Some(value) = notes.parse(event) {
            self.take(value, notes);
        }
    }

    fn looks_finished(&self) -> bool {
        if self.candidates.is_empty() {
            return self.blocked;
        }
        self.candidates.values().all(|candidate| candidate.finished)
    }

    fn finish(self: Box<Self>, notes: &mut Notes) -> Value {
        let mut body = self.body;
        let candidates: Vec<Value> = self
            .candidates
            .into_iter()
            .map(|(index, candidate)| candidate.close(index, notes))
            .collect();
        if !candidates.is_empty() {
            body.insert(CANDIDATES.0.to_owned(), Value::Array(candidates));
        }
        self.series.put(&mut body);
        Value::Object(body)
    }
}

impl CandidateStream {
    fn take(&mut self, value: Value, notes: &mut Notes) {
        const KNOWN: [&str; 11] = [
            "candidates",
            "createTime",
            "create_time",
            "error",
            "modelVersion",
            "model_version",
            "promptFeedback",
            "prompt_feedback",
            "responseId",
            "usageMetadata",
            "usage_metadata",
        ];
        self.blocked |= is_blocked(&value);
        let chunk = match value {
            Value::Object(chunk) if chunk.keys().any(|key| KNOWN.contains(&key.as_str())) => chunk,
            other => return notes.unknown(other),
        };
        let mut content = false;
        for (key, value) in chunk {
            match (key.as_str(), value) {
                ("candidates", Value::Array(candidates)) => {
                    for (position, candidate) in (0..).zip(candidates) {
                        content |= self.take_candidate(candidate, position, notes);
                    }
                }
                ("candidates", candidate @ Value::Object(_)) => {
                    content |= self.take_candidate(candidate, 0, notes);
                }
                ("error", error) if !error.is_null() => {
                    notes.terminal = true;
                    notes.fail(error);
                }
                (word, Value::Object(usage)) if word == USAGE.0 || word == USAGE.1 => {
                    self.take_usage(key, usage);
                }
                (word, value) if word == MODEL_VERSION.0 || word == MODEL_VERSION.1 => {
                    absorb_first(&mut self.series, Path::Root, &mut self.body, key, value);
                }
                (_, value) => absorb(&mut self.series, Path::Root, &mut self.body, key, value),
            }
        }
        notes.content_events += u64::from(content);
        notes.terminal |= self.looks_finished() && self.has_counts();
    }

    /// Each chunk counts anew and in full, so the last count is meant and none is ever added; a chunk
    /// that counts nothing takes nothing away.
    fn take_usage(&mut self, key: String, usage: Map<String, Value>) {
        let new = Value::Object(usage);
        if counts(&new) || !self.has_counts() {
            self.body.insert(key, new);
        } else if let Value::Object(usage) = new {
            let at = Path::Key(&Path::Root, USAGE.0);
            if let Some(Value::Object(target)) = self.body.get_mut(&key) {
                for (key, value) in usage {
                    absorb(&mut self.series, at, target, key, value);
                }
            }
        }
    }

    fn has_counts(&self) -> bool {
        [USAGE.0, USAGE.1].iter().any(|key| self.body.get(*key).is_some_and(counts))
    }

    fn take_candidate(&mut self, value: Value, position: u64, notes: &mut Notes) -> bool {
        let finished = is_finished(&value);
        let Value::Object(new) = value else {
            notes.unknown(value);
            return false;
        };
        // An index of zero is left out.
        let index = new.get("index").and_then(Value::as_u64).unwrap_or(position);
        let candidate = self.candidates.entry(index).or_default();
        candidate.finished |= finished;
        let root = Path::Key(&Path::Root, CANDIDATES.0);
        let at = Path::Index(&root, index);
        let mut content = false;
        for (key, value) in new {
            match (key.as_str(), value) {
                ("content", Value::Object(value)) => {
                    content |= candidate.take_content(&mut self.series, at, value);
                }
                ("content", Value::Null) => {}
                // What each chunk holds of these is new.
                (
                    "citationMetadata" | "citation_metadata" | "logprobsResult" | "logprobs_result",
                    value,
                ) => {
                    candidate.grow(&mut self.series, at, key, value);
                }
                (_, value) => absorb(&mut self.series, at, &mut candidate.members, key, value),
            }
        }
        content
    }
}

impl Candidate {
    fn take_content(&mut self, series: &mut Series, at: Path<'_>, new: Map<String, Value>) -> bool {
        self.has_content = true;
        let mut content = false;
        for (key, value) in new {
            match (key.as_str(), value) {
                ("parts", Value::Array(parts)) => {
                    self.has_parts = true;
                    for part in parts {
                        content |= self.take_part(part);
                    }
                }
                ("parts", part @ Value::Object(_)) => {
                    self.has_parts = true;
                    content |= self.take_part(part);
                }
                (_, value) => {
                    let at = Path::Key(&at, "content");
                    absorb(series, at, &mut self.content, key, value);
                }
            }
        }
        content
    }

    /// Takes in a part: text goes on the text before it, a call in pieces on the call.
    fn take_part(&mut self, new: Value) -> bool {
        let content = !matches!(json::text(&new, TEXT.0), Some(""));
        match (self.parts.last_mut(), new) {
            (Some(Value::Object(last)), Value::Object(new)) if goes_on(last, &new) => {
                for (key, value) in new {
                    match value {
                        Value::String(text) if key == TEXT.0 => append(last, TEXT.0, &text),
                        value => {
                            last.insert(key, value);
                        }
                    }
                }
            }
            (Some(Value::Object(last)), Value::Object(mut new)) if partial::goes_on(last) => {
                let call = [FUNCTION_CALL.0, FUNCTION_CALL.1]
                    .into_iter()
                    .find_map(|key| new.shift_remove(key));
                match call {
                    Some(Value::Object(call)) => partial::join(last, call, new),
                    Some(call) => {
                        new.insert(FUNCTION_CALL.0.to_owned(), call);
                        self.parts.push(Value::Object(new));
                    }
                    None => self.parts.push(Value::Object(new)),
                }
            }
            (_, new) => self.parts.push(new),
        }
        content
    }

    /// Adds the items of an object's lists to what came before.
    fn grow(&mut self, series: &mut Series, at: Path<'_>, key: String, value: Value) {
        match (self.members.get_mut(&key), value) {
            (Some(Value::Object(target)), Value::Object(new)) => {
                let at = Path::Key(&at, &key);
                for (key, value) in new {
                    match (target.get(&key), value) {
                        (Some(Value::Array(old)), Value::Array(mut items)) => {
                            let cited = key == "citations"
                                || key == CITATION_SOURCES.0
                                || key == CITATION_SOURCES.1;
                            items.retain(|item| !cited || !is_among_last(old, item));
                            extend(target, &key, items);
                        }
                        (_, value) => absorb(series, at, target, key, value),
                    }
                }
            }
            (_, value) => absorb(series, at, &mut self.members, key, value),
        }
    }

    fn close(mut self, index: u64, notes: &mut Notes) -> Value {
        for (at, part) in self.parts.iter_mut().enumerate() {
            if let Value::Object(part) = part {
                let place = format_args!("candidates[{index}].content.parts[{at}]");
                partial::close(part, place, notes);
            }
        }
        if self.has_parts {
            self.content.insert(PARTS.0.to_owned(), Value::Array(self.parts));
        }
        let mut members = self.members;
        if self.has_content {
            members.insert("content".to_owned(), Value::Object(self.content));
        }
        Value::Object(members)
    }
}

/// Whether a part goes on the one before: both are texts and nothing else, both thoughts or neither.
/// A signature is for the text so far and ends it.
fn goes_on(last: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let only = |part: &Map<String, Value>, signed: bool| {
        part.get(TEXT.0).is_some_and(Value::is_string)
            && part.iter().all(|(key, value)| match key.as_str() {
                "text" => true,
                "thought" => value.is_boolean(),
                word => signed && (word == SIGNATURE.0 || word == SIGNATURE.1) && value.is_string(),
            })
    };
    let thought = |part: &Map<String, Value>| part.get("thought") == Some(&Value::Bool(true));
    only(last, false) && only(new, true) && thought(last) == thought(new)
}

/// Whether a source is among those told last. Chunks repeat what they just told; to look at all would
/// cost the square of their number.
fn is_among_last(told: &[Value], item: &Value) -> bool {
    told.iter().rev().take(32).any(|old| old == item)
}

/// Whether a usage object counts anything.
fn counts(usage: &Value) -> bool {
    const ANY: [&str; 6] = [
        "/totalTokenCount",
        "/total_token_count",
        "/promptTokenCount",
        "/prompt_token_count",
        "/candidatesTokenCount",
        "/candidates_token_count",
    ];
    number(usage, &ANY).is_some()
}

/// Whether a piece of a stream holds the end: a whole line of SSE whose chunk finishes its one
/// candidate and counts the tokens, blocks the prompt, or is an error.
///
/// The line is read in full, since a call's arguments may hold any member that the end has, and who
/// takes them for the end stops recording.
pub(super) fn ends(chunk: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] =
        [b"finishReason\"", b"finish_reason\"", b"blockReason\"", b"block_reason\"", b"\"error\""];
    if !MARKS.iter().any(|mark| memchr::memmem::find(chunk, mark).is_some()) {
        return false;
    }
    chunk
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter_map(|line| line.strip_prefix(b"data:"))
        .any(|data| json::parse(data).is_ok_and(|document| is_end(&document.value)))
}

fn is_end(chunk: &Value) -> bool {
    if json::given(chunk, "error").is_some() || is_blocked(chunk) {
        return true;
    }
    let counted = get(chunk, USAGE).is_some_and(counts);
    match chunk.get(CANDIDATES.0).and_then(Value::as_array).map(Vec::as_slice) {
        Some([one]) => {
            let index = one.get("index").and_then(Value::as_u64).unwrap_or(0);
            counted && index == 0 && is_finished(one)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_by_the_chunk_and_not_by_its_content() {
        let end = r#"data: {"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}],"usageMetadata":{"totalTokenCount":3}}"#;
        assert!(ends(end.as_bytes()));
        assert!(ends(format!("data: {{}}\r\n\r\n{end}\r\n\r\n").as_bytes()));
        assert!(ends(end.replace("\"STOP\"", "1").as_bytes()));
        assert!(ends(br#"data:{"promptFeedback":{"blockReason":"SAFETY"}}"#));
        assert!(ends(br#"data: {"error":{"code":503}}"#));
        for other in [
            end.replace("\"STOP\"", "null"),
            end.replace("\"STOP\"", "\"FINISH_REASON_UNSPECIFIED\""),
            end.replace("totalTokenCount", "other"),
            end.replace("\"finishReason\"", "\"index\":1,\"finishReason\""),
            end.replace("\"parts\":[]", "\"parts\":["),
            r#"data: {"candidates":[{"content":{"parts":[{"functionCall":{"args":{"error":1,"finishReason":"STOP"}}}]}}],"usageMetadata":{"totalTokenCount":3}}"#.to_owned(),
        ] {
            assert!(!ends(other.as_bytes()), "{other}");
        }
    }
}
