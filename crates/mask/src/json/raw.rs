//! JSON as it is written: where its values stand, without changing a byte beside them.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::path::Path;
use super::{holds_pieces, siblings};
use crate::pass::{Edit, Pass};
use crate::taken::Taken;

/// What is to be taken out of a text that is one JSON object or array; `None` if it is not.
pub(crate) fn edits(pass: &Pass<'_>, text: &str, keys: &[&str], depth: usize) -> Option<Vec<Edit>> {
    let depth = depth.checked_sub(1)?;
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    // The walk below trusts the syntax; this parser lets any nesting pass.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    if levels(text) > DEEPEST {
        return None;
    }
    let mut walk = Walk { pass, text, at: 0, depth, edits: Vec::new() };
    walk.value(Path::of(keys));
    let mut edits = walk.edits;
    edits.sort_by_key(|edit| edit.span.start);
    // What siblings make together may have been found in one of them too.
    edits.dedup_by(|later, first| later.span.start < first.span.end);
    Some(edits)
}

/// JSON that is nested deeper is looked at as text: nobody reads it as anything else.
const DEEPEST: usize = 128;

/// How deep arrays and objects stand in each other.
fn levels(text: &str) -> usize {
    let (mut now, mut deepest, mut at) = (0_usize, 0, 0);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b'{' | b'[' => now += 1,
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(now);
        at += 1;
    }
    deepest
}

struct Walk<'a, 't> {
    pass: &'a Pass<'a>,
    text: &'t str,
    at: usize,
    depth: usize,
    edits: Vec<Edit>,
}

/// A string or number that may be a piece of a value: where it stands, and how it reads.
struct Piece {
    start: usize,
    end: usize,
    number: bool,
    text: String,
}

impl Walk<'_, '_> {
    fn peek(&mut self) -> u8 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(rest.len());
        crate::bytes::at(self.text.as_bytes(), self.at)
    }

    /// Reads one value; gives it when it may be a piece of a larger one.
    fn value(&mut self, path: Path<'_>) -> Option<Piece> {
        match self.peek() {
            b'{' => self.object(path),
            b'[' => self.array(path),
            b'"' => {
                let (start, end) = self.string();
                let raw = self.text.get(start..end).unwrap_or_default();
                let read = Unescaped::of(raw);
                let edits = self.pass.edits_of_string(&read.text, path, self.depth);
                let free = edits.is_empty();
                self.edits.extend(edits.into_iter().map(|edit| read.lift(edit, start)));
                let piece = free && siblings::is_piece(&read.text);
                return piece.then(|| Piece {
                    start,
                    end,
                    number: false,
                    text: read.text.into_owned(),
                });
            }
            _ => return self.scalar(path),
        }
        None
    }

    fn object(&mut self, path: Path<'_>) {
        self.at += 1;
        // Which pieces of a reply's log probabilities stand here is known from all its keys.
        let pieces = {
            let mut ahead = Keys { text: self.text.as_bytes(), at: self.at };
            holds_pieces(std::iter::from_fn(|| ahead.next()))
        };
        let mut parts = Vec::new();
        let mut taken: Vec<String> = Vec::new();
        while self.peek() == b'"' {
            let (start, end) = self.string();
            let raw = self.text.get(start..end).unwrap_or_default();
            let read = Unescaped::of(raw);
            let key = self.key(&read, start, &mut taken);
            self.peek();
            self.at += 1;
            let harmless = pieces && key == "token";
            parts.extend(self.value(path.below(if harmless { "" } else { &key })));
            if self.peek() == b',' {
                self.at += 1;
            }
            self.peek();
        }
        self.at += 1;
        self.join(&parts);
    }

    /// Takes values out of a key; gives the key as it will be written.
    fn key<'k>(
        &mut self,
        read: &'k Unescaped<'_>,
        start: usize,
        taken: &mut Vec<String>,
    ) -> Cow<'k, str> {
        let key = Cow::Borrowed(read.text.as_ref());
        if !self.pass.sees_values() {
            return key;
        }
        let found = self.pass.find_values(&read.text).into_iter().map(Edit::plain);
        let mut edits: Vec<Edit> =
            found.filter(|edit| self.pass.stand_in(edit.span.entity, "").is_some()).collect();
        let Some(masked) = self.pass.apply(&read.text, &edits, &mut Taken::default()) else {
            return key;
        };
        // Two keys that become one would be one member for whoever reads it.
        if let Some(last) = edits.last_mut() {
            last.copy = taken.iter().filter(|other| **other == masked).count();
        }
        taken.push(masked.clone());
        self.edits.extend(edits.into_iter().map(|edit| read.lift(edit, start)));
        Cow::Owned(masked)
    }

    fn array(&mut self, path: Path<'_>) {
        self.at += 1;
        let mut parts = Vec::new();
        while !matches!(self.peek(), b']' | 0) {
            parts.extend(self.value(path));
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        self.join(&parts);
    }

    fn scalar(&mut self, path: Path<'_>) -> Option<Piece> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b']' | b'}');
        self.at += rest.iter().position(ends).unwrap_or(rest.len()).max(1);
        let text = self.text.get(start..self.at).unwrap_or_default();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        let password = path.hint() == Some(crate::keys::Hint::Password);
        let found = (self.pass.sees_values() && (digits >= 7 || password))
            .then(|| self.pass.of_number(text, path))
            .flatten();
        if let Some(mut span) = found {
            span.start += start;
            span.end += start;
            self.edits.push(Edit { span, number: true, copy: 0, escaped: 0 });
            return None;
        }
        let piece = siblings::is_piece(text);
        piece.then(|| Piece { start, end: self.at, number: true, text: text.to_owned() })
    }

    fn join(&mut self, parts: &[Piece]) {
        let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        let Some(entity) = siblings::value(self.pass, &texts) else { return };
        for part in parts {
            let (start, end) = (part.start, part.end);
            let span = crate::span::Span { start, end, entity, score: 0.9, detector: "siblings" };
            self.edits.push(Edit { span, number: part.number, copy: 0, escaped: 0 });
        }
    }

    /// The place of the content of the string that opens here.
    fn string(&mut self) -> (usize, usize) {
        let start = self.at + 1;
        let end = end_of_string(self.text.as_bytes(), start);
        self.at = end + 1;
        (start, end)
    }
}

fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut escaped = false;
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.iter().position(|b| {
        let end = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        end
    });
    start + end.unwrap_or(rest.len())
}

/// The keys of the object whose members begin at `at`, without those below it.
struct Keys<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Keys<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let mut below = 0_usize;
        let mut expected = true;
        loop {
            match crate::bytes::at(self.text, self.at) {
                b'"' => {
                    let start = self.at + 1;
                    let end = end_of_string(self.text, start);
                    self.at = end + 1;
                    if below == 0 && expected {
                        expected = false;
                        let mut after = self.at;
                        while crate::bytes::at(self.text, after).is_ascii_whitespace() {
                            after += 1;
                        }
                        if crate::bytes::at(self.text, after) == b':' {
                            return self
                                .text
                                .get(start..end)
                                .and_then(|k| std::str::from_utf8(k).ok());
                        }
                    }
                    continue;
                }
                b'{' | b'[' => below += 1,
                b'}' | b']' if below == 0 => return None,
                b'}' | b']' => below -= 1,
                b',' if below == 0 => expected = true,
                0 => return None,
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// The text that a string stands for, with the way back.
struct Unescaped<'t> {
    text: Cow<'t, str>,
    /// From `.0` on in the text, the string as written is at `.1`.
    marks: Vec<(usize, usize)>,
    raw: usize,
}

impl<'t> Unescaped<'t> {
    fn of(raw: &'t str) -> Self {
        if !raw.contains('\\') {
            return Self { text: Cow::Borrowed(raw), marks: Vec::new(), raw: raw.len() };
        }
        let mut text = String::with_capacity(raw.len());
        let mut marks = Vec::new();
        let mut at = 0;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.find('\\').unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or_default());
            at += plain;
            let Some(rest) = rest.get(plain..).filter(|rest| !rest.is_empty()) else { break };
            marks.push((text.len(), at));
            let (c, length) = escape(rest);
            text.push(c);
            at += length;
            marks.push((text.len(), at));
        }
        Self { text: Cow::Owned(text), marks, raw: raw.len() }
    }

    fn origin(&self, at: usize) -> usize {
        if at >= self.text.len() {
            return self.raw;
        }
        let after = self.marks.partition_point(|(from, _)| *from <= at);
        let mark = after.checked_sub(1).and_then(|i| self.marks.get(i));
        mark.map_or(at, |(from, origin)| origin + (at - from))
    }

    /// A change to the text as a change to the string as written, which begins at `start`.
    fn lift(&self, mut edit: Edit, start: usize) -> Edit {
        edit.span.start = start + self.origin(edit.span.start);
        edit.span.end = start + self.origin(edit.span.end);
        edit.escaped += 1;
        edit
    }
}

/// The character that an escape stands for, and the escape's length.
fn escape(rest: &str) -> (char, usize) {
    let unit = |from: usize| {
        let digits = rest.get(from..from + 4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    match rest.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => {
            let high = unit(2).unwrap_or(0xfffd);
            if let Some(c) = char::from_u32(high) {
                return (c, 6);
            }
            let low = rest.get(6..8).filter(|u| *u == "\\u").and_then(|_| unit(8));
            let pair = low.filter(|low| (0xdc00..0xe000).contains(low) && high < 0xdc00);
            let joined = pair.and_then(|low| {
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            });
            joined.map_or((char::REPLACEMENT_CHARACTER, 6), |c| (c, 12))
        }
        Some(byte) => (char::from(*byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Masker, Policy, Taken};

    fn masked(text: &str) -> String {
        let masker = Masker::new(Policy::default(), [0; 32]);
        masker.mask_text(text, &mut Taken::default()).into_owned()
    }

    #[test]
    fn nothing_but_the_value_changes() {
        for (text, expected) in [
            (
                "{ \"to\":\t\"ada\\u0040example.com\" , \"x\":\"\\/\\u00e9\" }",
                "{ \"to\":\t\"[EMAIL]\" , \"x\":\"\\/\\u00e9\" }",
            ),
            ("[ 4111111111111111 ,1.50]", "[ \"[CREDIT_CARD]\" ,1.50]"),
            (
                r#"{"arguments":"{\"to\": \"ada@example.com\",  \"n\": 1e2}"}"#,
                r#"{"arguments":"{\"to\": \"[EMAIL]\",  \"n\": 1e2}"}"#,
            ),
            (r#"{"a@b.com":1,"c@d.org":2}"#, r#"{"[EMAIL]":1,"[EMAIL] #2":2}"#),
            (r#"{"password":"a\"b","n":null}"#, r#"{"password":"[API_KEY]","n":null}"#),
            (r#"{"logprob":-1,"token":"abcdef"}"#, r#"{"logprob":-1,"token":"abcdef"}"#),
            (
                r#"["4111", "1111", "1111", "1111"]"#,
                r#"["[CREDIT_CARD]", "[CREDIT_CARD]", "[CREDIT_CARD]", "[CREDIT_CARD]"]"#,
            ),
        ] {
            assert_eq!(masked(text), expected);
            assert_eq!(masked(expected), expected);
        }
    }

    #[test]
    fn deep_nesting_is_text() {
        for levels in [100, 200, 100_000] {
            let text = format!("{}\"ada@example.com\"{}", "[".repeat(levels), "]".repeat(levels));
            assert_eq!(masked(&text), text.replace("ada@example.com", "[EMAIL]"));
        }
    }

    #[test]
    fn numbers_in_strings_of_json_are_written_as_they_must() {
        let text = r#"{"a":"{\"card\":4111111111111111}"}"#;
        let expected = r#"{"a":"{\"card\":\"[CREDIT_CARD]\"}"}"#;
        assert_eq!(masked(text), expected);
    }
}
