//! Which stretches of a text are prose: the names tier looks at nothing else.
//!
//! Code, JSON, logs and tables of numbers hold words with capitals by the thousand, and names only
//! where a person wrote a sentence, a label or a signature.

use std::ops::Range;

use serde_json::Value;

use crate::json;
use crate::placeholder;

/// A stretch is cut at the end of a line, or of a sentence, past this many bytes.
const LONG: usize = 2048;
/// A line longer than this without a blank is data.
const LONGEST_WORD: usize = 120;

/// The stretches of prose, in order.
pub(crate) fn stretches(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut fenced = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        if fenced || trimmed.is_empty() || !is_prose(trimmed) {
            continue;
        }
        match found.last_mut() {
            // Lines of one paragraph are read together: a name, or an address, may go on.
            Some(last) if last.end == start && at - last.start <= LONG => last.end = at,
            _ => cut(text, start..at, &mut found),
        }
    }
    found
}

/// Whether the names tier would look at a text, or at any string in it if it is JSON.
pub fn has_prose(text: &str) -> bool {
    in_text(text, json::NESTED)
}

/// Whether the names tier would look at any string of JSON.
pub fn has_prose_in(value: &Value) -> bool {
    in_json(value, json::NESTED)
}

fn in_text(text: &str, depth: usize) -> bool {
    if let Some(depth) = depth.checked_sub(1)
        && text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        return in_json(&value, depth);
    }
    !text.is_empty() && !stretches(text).is_empty()
}

fn in_json(value: &Value, depth: usize) -> bool {
    match value {
        Value::String(text) => is_said(text) && in_text(text, depth),
        Value::Array(items) => items.iter().any(|item| in_json(item, depth)),
        Value::Object(members) => members.values().any(|member| in_json(member, depth)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a string of JSON is said by somebody: a single word is a key, a type or a state.
pub(crate) fn is_said(text: &str) -> bool {
    let word = |word: &str| word.chars().any(char::is_alphabetic);
    text.split_whitespace().filter(|w| word(w)).nth(1).is_some()
        || text.chars().any(|c| matches!(c, '\u{3041}'..='\u{9fff}'))
}

/// A long line, cut where a sentence ends or at least at a blank.
fn cut(text: &str, mut range: Range<usize>, into: &mut Vec<Range<usize>>) {
    while range.len() > LONG {
        let Some(head) = text.get(range.start..floor(text, range.start + LONG)) else { break };
        let half = |at: &usize| *at > LONG / 2;
        let end = head.rfind(". ").filter(half).map(|at| at + 1);
        let end = end.or_else(|| head.rfind(' ').filter(half)).unwrap_or(head.len());
        if end == 0 {
            break;
        }
        into.push(range.start..range.start + end);
        range.start += end;
    }
    if !range.is_empty() {
        into.push(range);
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Whether a line looks like language: mostly letters, few signs of code, no endless word.
fn is_prose(line: &str) -> bool {
    let (mut letters, mut digits, mut code, mut run, mut longest) = (0, 0, 0, 0, 0);
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        // What was masked says nothing of the line.
        if let Some(length) = placeholder::length_at(bytes, at) {
            at += length;
            run = 0;
            continue;
        }
        // Nor does the address behind a name, as in the head of an e-mail.
        if let Some(length) = in_brackets(bytes, at) {
            at += length;
            run = 0;
            continue;
        }
        at += 1;
        run = if byte.is_ascii_whitespace() { 0 } else { run + 1 };
        longest = longest.max(run);
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => letters += 1,
            b'0'..=b'9' => digits += 1,
            b'{' | b'}' | b';' | b'=' | b'<' | b'>' | b'$' | b'\\' | b'[' | b']' | b'`' | b'_'
            | b'^' | b'~' => code += 1,
            _ => {}
        }
    }
    if letters < 2 || longest > LONGEST_WORD && line.is_ascii() {
        return false;
    }
    let ends_as_code = line.ends_with(['{', '}', ';', '\\'])
        || line.ends_with("});")
        || line.ends_with("),")
        || line.ends_with(']');
    let starts_as_code = [
        "//", "/*", "* ", "#!", "$ ", "> $", "<", "{", "}", "@", "import ", "def ", "fn ", "if (",
        "return ",
    ]
    .iter()
    .any(|mark| line.starts_with(mark));
    let signs = code * 12 > letters;
    !(signs || ends_as_code && (code > 1 || starts_as_code) || starts_as_code && code > 0)
        && digits < letters * 3 + 12
}

/// The length of an address between `<` and `>` that begins at a place.
fn in_brackets(bytes: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 256;
    let rest = bytes.get(at..bytes.len().min(at + LONGEST))?.strip_prefix(b"<")?;
    if let Some(length) = placeholder::length_at(rest, 0) {
        return (rest.get(length) == Some(&b'>')).then_some(length + 2);
    }
    let close = rest.iter().position(|b| *b == b'>')?;
    let address = rest.get(..close)?;
    let plain = !address.iter().any(|b| matches!(b, b' ' | b'<' | b'/' | b'='));
    (plain && address.contains(&b'@')).then_some(close + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Vec<&str> {
        stretches(text).into_iter().map(|r| text.get(r).unwrap_or_default()).collect()
    }

    #[test]
    fn code_is_left_out() {
        let text = "Dear Ada,\n```\nlet john = Smith::new();\n```\nthanks\n";
        assert_eq!(kept(text), ["Dear Ada,\n", "thanks\n"]);
        for line in [
            "    pub fn of(text: &'a str) -> Self {",
            "{\"Berlin\": [1, 2], \"Paris\": [3]}",
            "if (Paris == London) { return; }",
            "2026-11-01T10:00:00Z 550e8400-e29b-41d4-a716-446655440000 200 12",
        ] {
            assert_eq!(kept(line), Vec::<&str>::new(), "{line}");
        }
    }

    #[test]
    fn language_stays() {
        for line in [
            "Please call John Smith (Berlin) at 10:30; he is in.",
            "From: Ada Lovelace <ada@example.com>",
            "From: Ada Lovelace <[EMAIL]>",
            "Cc: Bo Li <[EMAIL:05e55ede76d8]>",
            "6750 Koskikatu 25 Apt. 864",
            "Имя: Иван Петров",
            "我叫李雷，住在北京。",
            "| Name | Ada Lovelace |",
            "I am Bo, mail [EMAIL:05e55ede76d8], card [CREDIT_CARD] or [PHONE]",
        ] {
            assert_eq!(kept(line), [line], "{line}");
        }
    }

    #[test]
    fn what_is_said_in_json_is_prose() {
        let inner = serde_json::json!({ "to": "x", "body": "Bo Li, order 1" }).to_string();
        let outer = serde_json::json!({ "name": "send", "arguments": inner });
        assert!(has_prose(&inner) && has_prose_in(&outer) && has_prose(&outer.to_string()));
        let plain = serde_json::json!({ "name": "send", "arguments": "{\"a\": [1, \"two\"]}" });
        assert!(!has_prose_in(&plain) && !has_prose(&plain.to_string()));
    }

    #[test]
    fn long_text_is_cut_between_sentences() {
        let text = "Ada met Bob in Rome. ".repeat(400);
        let parts = kept(&text);
        assert!(parts.len() > 3 && parts.iter().all(|part| part.len() <= LONG));
        assert_eq!(parts.concat(), text);
        let endless = "李".repeat(5000);
        assert_eq!(kept(&endless).concat(), endless);
    }
}
