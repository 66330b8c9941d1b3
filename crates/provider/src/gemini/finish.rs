//! Why an answer ended.

use record::FinishClass;
use serde_json::Value;

use crate::ReadResponse;
use crate::reader;
use crate::taker::Taker;

use super::content::{FUNCTION_CALL, PARTS};
use super::{Name, USAGE, get, key};

const BLOCK_REASON: Name = ("blockReason", "block_reason");
const FINISH_REASON: Name = ("finishReason", "finish_reason");
const PROMPT_FEEDBACK: Name = ("promptFeedback", "prompt_feedback");

/// `Candidate.FinishReason` of `google.ai.generativelanguage.v1beta`, by number.
const GEMINI: [&str; 13] = [
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
];

/// `Candidate.FinishReason` of `google.cloud.aiplatform.v1beta1`, by number: from 6 on another list.
const VERTEX: [&str; 17] = [
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_OTHER",
    "UNEXPECTED_TOOL_CALL",
    "NO_IMAGE",
];

/// `PromptFeedback.BlockedReason`, by number, as far as both have the same list.
const BLOCKED: [&str; 5] =
    ["BLOCKED_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"];

/// Whether an answer is Vertex's, which alone tells these.
pub(super) fn is_vertex(body: &Value) -> bool {
    const TRAFFIC: Name = ("trafficType", "traffic_type");
    key(body, ("createTime", "create_time")).is_some()
        || get(body, USAGE).is_some_and(|usage| key(usage, TRAFFIC).is_some())
}

/// Takes the end of a prompt that was blocked before any candidate.
pub(super) fn blocked(body: &Value, taker: &mut Taker, out: &mut ReadResponse) {
    if let Some(word) = block_reason(body) {
        reader::finish(out, taker, Some(&word), FinishClass::ContentFilter);
    }
}

/// Whether the prompt was blocked: no candidate comes then.
pub(super) fn is_blocked(body: &Value) -> bool {
    block_reason(body).is_some()
}

fn block_reason(body: &Value) -> Option<String> {
    word(get(get(body, PROMPT_FEEDBACK)?, BLOCK_REASON)?, &BLOCKED)
}

/// Takes a candidate's end.
pub(super) fn candidate(
    candidate: &Value,
    vertex: bool,
    taker: &mut Taker,
    out: &mut ReadResponse,
) {
    let table: &[&str] = if vertex { &VERTEX } else { &GEMINI };
    let Some(word) = get(candidate, FINISH_REASON).and_then(|reason| word(reason, table)) else {
        return;
    };
    let mut found = class(&word);
    if found == FinishClass::Stop && asks_for_a_tool(candidate) {
        found = FinishClass::ToolCall;
    }
    reader::finish(out, taker, Some(&word), found);
}

/// Whether a candidate has its end.
pub(super) fn is_finished(candidate: &Value) -> bool {
    get(candidate, FINISH_REASON).is_some_and(|reason| word(reason, &GEMINI).is_some())
}

/// A reason in the provider's words, which are numbers where a client asked for that. The first of
/// each list says that there is none yet.
fn word(reason: &Value, table: &[&str]) -> Option<String> {
    let word = match reason {
        Value::String(word) => word.clone(),
        Value::Number(number) => {
            let index = number.as_u64().and_then(|number| usize::try_from(number).ok());
            let known = index.and_then(|index| table.get(index));
            known.map_or_else(|| number.to_string(), |word| (*word).to_owned())
        }
        _ => return None,
    };
    (!word.is_empty() && !word.ends_with("_REASON_UNSPECIFIED")).then_some(word)
}

fn class(word: &str) -> FinishClass {
    match word {
        "STOP" => FinishClass::Stop,
        "MAX_TOKENS" => FinishClass::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "JAILBREAK"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishClass::ContentFilter,
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE"
        | "TOO_MANY_TOOL_CALLS"
        | "UNEXPECTED_TOOL_CALL" => FinishClass::Error,
        _ => FinishClass::Unknown,
    }
}

/// Whether a candidate calls a function of the application: Google calls that a stop too.
fn asks_for_a_tool(candidate: &Value) -> bool {
    let calls = |part: &Value| key(part, FUNCTION_CALL).is_some();
    match candidate.get("content").and_then(|content| content.get(PARTS.0)) {
        Some(Value::Array(parts)) => parts.iter().any(calls),
        Some(part) => calls(part),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_lists_of_numbers_part_at_six() {
        for (number, gemini, vertex) in [
            (1, Some("STOP"), Some("STOP")),
            (5, Some("OTHER"), Some("OTHER")),
            (6, Some("LANGUAGE"), Some("BLOCKLIST")),
            (10, Some("MALFORMED_FUNCTION_CALL"), Some("MODEL_ARMOR")),
            (0, None, None),
            (99, Some("99"), Some("99")),
        ] {
            assert_eq!(word(&json!(number), &GEMINI).as_deref(), gemini);
            assert_eq!(word(&json!(number), &VERTEX).as_deref(), vertex);
        }
        assert_eq!(word(&json!(-1), &GEMINI).as_deref(), Some("-1"));
        assert_eq!(word(&json!("FINISH_REASON_UNSPECIFIED"), &GEMINI), None);
    }

    #[test]
    fn a_reason_has_a_class_unless_it_tells_nothing() {
        let unknown: Vec<_> = GEMINI
            .iter()
            .chain(&VERTEX)
            .filter(|word| class(word) == FinishClass::Unknown)
            .collect();
        let none = "FINISH_REASON_UNSPECIFIED";
        assert_eq!(
            unknown,
            [&none, &"OTHER", &"LANGUAGE", &none, &"OTHER", &"IMAGE_OTHER", &"NO_IMAGE"]
        );
    }
}
