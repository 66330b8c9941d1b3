//! Masking of parsed JSON: its strings, its keys, its long numbers, the JSON inside its strings.

use serde_json::{Map, Value};

use crate::counts::Counts;
use crate::entity::Entity;
use crate::keys::{Hint, hint};
use crate::masker::Masker;
use crate::placeholder;

/// How deep JSON may stand in strings of JSON.
const NESTED: usize = 4;
/// How many of the nearest keys count as words before a value.
const NEAR: usize = 3;
/// Base64 of this length is a file, not text.
const BLOB: usize = 256;
/// A replacement may turn text into JSON, so a string is looked at until it stays.
const ROUNDS: usize = 16;

/// The keys on the way to a value, the nearest first.
#[derive(Clone, Copy, Default)]
struct Path<'a> {
    near: [&'a str; NEAR],
    length: usize,
}

impl<'a> Path<'a> {
    fn below(&self, key: &'a str) -> Self {
        let [first, second, _] = self.near;
        Self { near: [key, first, second], length: NEAR.min(self.length + 1) }
    }

    fn words(&self) -> &[&'a str] {
        self.near.get(..self.length).unwrap_or_default()
    }

    fn hint(&self) -> Option<Hint> {
        self.words().first().and_then(|key| hint(key.as_bytes()))
    }
}

impl Masker {
    /// Masks a JSON value in place.
    ///
    /// Strings are looked at decoded, with the keys above them as context. A string that is JSON
    /// itself, as the arguments of a tool call are, is masked as JSON and written again. The whole
    /// value of a key such as `password` is taken out. The order of members stays.
    pub fn mask_json(&self, value: &mut Value, counts: &mut Counts) {
        self.walk(value, Path::default(), NESTED, counts);
    }

    /// Whether anything changed.
    fn walk(&self, value: &mut Value, path: Path<'_>, depth: usize, counts: &mut Counts) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(_) => self.number(value, path, counts),
            Value::String(text) => match self.string(text, path, depth, counts) {
                Some(masked) => {
                    *text = masked;
                    true
                }
                None => false,
            },
            Value::Array(items) => {
                let mut changed = false;
                for item in items {
                    changed |= self.walk(item, path, depth, counts);
                }
                changed
            }
            Value::Object(members) => self.object(members, path, depth, counts),
        }
    }

    fn object(
        &self,
        members: &mut Map<String, Value>,
        path: Path<'_>,
        depth: usize,
        counts: &mut Counts,
    ) -> bool {
        // Keys come first: whatever follows must see the keys that will be written.
        let mut changed = self.keys(members, counts);
        // The log probabilities of a reply name every piece of its text `token`.
        let pieces = ["logprob", "logProbability"].iter().any(|key| members.contains_key(*key));
        for (key, value) in members {
            let harmless = pieces && key == "token";
            let path = path.below(if harmless { "" } else { key });
            changed |= self.walk(value, path, depth, counts);
        }
        changed
    }

    fn keys(&self, members: &mut Map<String, Value>, counts: &mut Counts) -> bool {
        let dirty = members
            .keys()
            .any(|key| self.find(key).iter().any(|s| self.stand_in(s.entity, "").is_some()));
        if !dirty {
            return false;
        }
        for (key, value) in std::mem::take(members) {
            let masked = self.mask_text(&key, counts).into_owned();
            let mut unique = masked.clone();
            let mut copies = 1;
            while members.contains_key(&unique) {
                copies += 1;
                unique = format!("{masked} #{copies}");
            }
            members.insert(unique, value);
        }
        true
    }

    fn string(
        &self,
        text: &str,
        path: Path<'_>,
        depth: usize,
        counts: &mut Counts,
    ) -> Option<String> {
        if text.is_empty() || placeholder::is_whole(text) {
            return None;
        }
        if matches!(path.hint(), Some(Hint::Password | Hint::Credential))
            && let Some(stand_in) = self.stand_in(Entity::ApiKey, text)
        {
            counts.add(Entity::ApiKey, 1);
            return Some(stand_in);
        }
        if is_blob(text) {
            return None;
        }
        let mut masked: Option<String> = None;
        for _ in 0..ROUNDS {
            let now = masked.as_deref().unwrap_or(text);
            let Some(next) = self.string_once(now, path, depth, counts) else {
                break;
            };
            masked = Some(next);
        }
        masked
    }

    fn string_once(
        &self,
        text: &str,
        path: Path<'_>,
        depth: usize,
        counts: &mut Counts,
    ) -> Option<String> {
        if let Some(inner) = depth.checked_sub(1)
            && let Some(mut value) = parse(text)
        {
            return self.walk(&mut value, path, inner, counts).then(|| value.to_string());
        }
        match self.mask_in_context(text, path.words(), counts) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(masked) => Some(masked),
        }
    }

    fn number(&self, value: &mut Value, path: Path<'_>, counts: &mut Counts) -> bool {
        let Value::Number(number) = &*value else {
            return false;
        };
        let password = path.hint() == Some(Hint::Password);
        // Anything shorter is a count, an amount or a time, and needs no string to be made of it.
        if !password && number.as_i64().is_some_and(|n| n.unsigned_abs() < 1_000_000) {
            return false;
        }
        let text = number.to_string();
        let (entity, known) = match self.find_with_context(&text, path.words()).first() {
            _ if password => (Entity::ApiKey, true),
            Some(span) if (span.start, span.end) == (0, text.len()) => (span.entity, true),
            _ => (Entity::ApiKey, false),
        };
        if !known || entity == Entity::CreditCard && is_identifier(path) {
            return false;
        }
        let Some(stand_in) = self.stand_in(entity, &text) else {
            return false;
        };
        *value = if stand_in.is_empty() { Value::Null } else { Value::String(stand_in) };
        counts.add(entity, 1);
        true
    }
}

/// An object or array that holds no key twice: parsing would lose the first of the two.
fn parse(text: &str) -> Option<Value> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    let value = serde_json::from_str(text).ok()?;
    (members_in(&value) == members_written(text)).then_some(value)
}

fn members_in(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members_in).sum(),
        Value::Object(members) => members.len() + members.values().map(members_in).sum::<usize>(),
        _ => 0,
    }
}

/// Every member is written with one colon outside the strings.
fn members_written(text: &str) -> usize {
    let (mut colons, mut quoted, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b':' if !quoted => colons += 1,
            _ => {}
        }
    }
    colons
}

/// Whether the nearest key says that a number names a thing or a time.
fn is_identifier(path: Path<'_>) -> bool {
    const WORDS: [&str; 14] = [
        "id",
        "ids",
        "uid",
        "uuid",
        "ts",
        "time",
        "timestamp",
        "seed",
        "hash",
        "trace",
        "span",
        "at",
        "created",
        "nonce",
    ];
    path.words().first().is_some_and(|key| {
        crate::words::parts(key.as_bytes())
            .any(|part| WORDS.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(part)))
    })
}

/// Files that travel in strings: data URLs and bare base64.
fn is_blob(text: &str) -> bool {
    if text.len() <= BLOB {
        return false;
    }
    let head: &[u8] = text.as_bytes().get(..BLOB).unwrap_or_default();
    let url = text.starts_with("data:") && head.windows(8).any(|window| window == b";base64,");
    let of_file =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\r' | b'\n');
    let mixed = head.iter().any(u8::is_ascii_uppercase)
        && head.iter().any(u8::is_ascii_lowercase)
        && head.iter().any(u8::is_ascii_digit);
    let body = text.find(";base64,").filter(|_| url).and_then(|i| text.get(i + 8..));
    match body {
        Some(body) => body.bytes().all(of_file),
        None => mixed && text.bytes().all(of_file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Action, Policy};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn masked(mut value: Value) -> Value {
        let masker = Masker::new(Policy::default(), [0; 32]);
        masker.mask_json(&mut value, &mut Counts::default());
        value
    }

    #[test]
    fn strings_and_keys() {
        assert_eq!(
            masked(json!({"z": "to ada@example.com", "ada@example.com": 1, "a": ["x", null]})),
            json!({"z": "to [EMAIL]", "[EMAIL]": 1, "a": ["x", null]})
        );
        let both = masked(json!({"ada@example.com": 1, "bob@example.com": 2}));
        assert_eq!(both, json!({"[EMAIL]": 1, "[EMAIL] #2": 2}));
    }

    #[test]
    fn members_keep_their_order() {
        let value = masked(json!({"z": 1, "ada@example.com": 2, "a": 3}));
        assert_eq!(value.to_string(), r#"{"z":1,"[EMAIL]":2,"a":3}"#);
    }

    #[test]
    fn keys_are_context() {
        assert_eq!(masked(json!({"home_phone": "467 3395"}))["home_phone"], "[PHONE]");
        assert_eq!(masked(json!({"count": "467 3395"}))["count"], "467 3395");
        assert_eq!(masked(json!({"ssn": 460_899_847}))["ssn"], "[US_SSN]");
        assert_eq!(masked(json!({"phone": 5_551_234_567_u64}))["phone"], "[PHONE]");
    }

    #[test]
    fn sensitive_keys_take_the_whole_value() {
        let value = json!({"password": "correct horse", "headers": {"Authorization": "x y"}});
        let out = masked(value);
        assert_eq!(out["password"], "[API_KEY]");
        assert_eq!(out["headers"]["Authorization"], "[API_KEY]");
        let harmless = json!({"max_tokens": 100, "properties": {"password": {"type": "string"}},
            "next_page_token": "abc",
            "generatedToken": {"token": " international", "logprob": -0.1}});
        assert_eq!(masked(harmless.clone()), harmless);
    }

    #[test]
    fn numbers() {
        assert_eq!(masked(json!({"n": 4_111_111_111_111_111_u64}))["n"], "[CREDIT_CARD]");
        for other in [json!({"id": 4_111_111_111_111_111_u64}), json!({"t": 1_712_345_678_901_u64})]
        {
            assert_eq!(masked(other.clone()), other);
        }
        let precise: Value = serde_json::from_str("[1.2345678901234567890, 1e400]").unwrap();
        assert_eq!(masked(precise.clone()), precise);
    }

    #[test]
    fn json_in_strings() {
        let arguments = r#"{"to": "ada\u0040example.com", "n": 1}"#;
        let out = masked(json!({"arguments": arguments}));
        assert_eq!(out["arguments"], r#"{"to":"[EMAIL]","n":1}"#);
        let clean = r#"{ "to":  "x" }"#;
        assert_eq!(masked(json!({"arguments": clean}))["arguments"], clean);
        let broken = r#"{"to": "ada@example.com""#;
        assert_eq!(masked(json!({"arguments": broken}))["arguments"], r#"{"to": "[EMAIL]""#);
        let twice = r#"{"to": "ada@example.com", "to": "x"}"#;
        assert_eq!(masked(json!([twice]))[0], r#"{"to": "[EMAIL]", "to": "x"}"#);
    }

    #[test]
    fn files_are_left_alone() {
        let blob = "AKIA4PWG5YK35ZZC3XSX/iVBORw0KGgoAAAA".repeat(20);
        let value = json!([blob, format!("data:image/png;base64,{blob}")]);
        assert_eq!(masked(value.clone()), value);
    }

    #[test]
    fn a_policy_may_keep_and_drop() {
        let actions =
            BTreeMap::from([(Entity::ApiKey, Action::Keep), (Entity::Email, Action::Drop)]);
        let masker = Masker::new(Policy::new("p", actions), [0; 32]);
        let mut value = json!({"password": "ada@example.com", "x": "to ada@example.com!"});
        let mut counts = Counts::default();
        masker.mask_json(&mut value, &mut counts);
        assert_eq!(value, json!({"password": "", "x": "to !"}));
        assert_eq!(counts.get(Entity::Email), 2);
    }
}
