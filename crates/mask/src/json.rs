//! Values in JSON: in its strings and keys, its long numbers, the JSON inside its strings.
//!
//! [`raw`] finds them in JSON as it is written, so that every byte outside a value stays;
//! [`Pass::mask_json`] takes them out of JSON that is parsed already.

mod path;
pub(crate) mod raw;
mod siblings;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::entity::Entity;
use crate::keys::Hint;
use crate::names;
use crate::pass::{Edit, Pass};
use crate::placeholder;
use crate::prose;
use crate::span::Span;
use crate::taken::Taken;
use path::Path;

/// How deep JSON may stand in strings of JSON.
pub(crate) const NESTED: usize = 4;
/// Base64 of this length is a file, unless it decodes to text.
const BLOB: usize = 256;

impl Pass<'_> {
    /// Masks a JSON value in place.
    ///
    /// Strings are looked at decoded, with the keys above them as context. In a string that is JSON
    /// itself, as the arguments of a tool call are, values are found as in JSON, and nothing but
    /// them changes. The whole value of a key such as `password` is taken out. The order of members
    /// stays.
    pub fn mask_json(&self, value: &mut Value, taken: &mut Taken) {
        if let Some((values, names)) = self.both() {
            values.walk(value, Path::default(), taken);
            names.walk(value, Path::default(), taken);
        } else {
            self.walk(value, Path::default(), taken);
        }
    }

    fn walk(&self, value: &mut Value, path: Path<'_>, taken: &mut Taken) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) => self.number(value, path, taken),
            Value::String(text) => {
                if let Some(masked) = self.string(text, path, taken) {
                    *text = masked;
                }
            }
            Value::Array(items) => {
                for item in items.iter_mut() {
                    self.walk(item, path, taken);
                }
                self.siblings(items.iter_mut(), taken);
            }
            Value::Object(members) => {
                self.object(members, path, taken);
                self.siblings(members.values_mut(), taken);
            }
        }
    }

    fn object(&self, members: &mut Map<String, Value>, path: Path<'_>, taken: &mut Taken) {
        // Keys come first: whatever follows must see the keys that will be written.
        self.keys(members, taken);
        let pieces = holds_pieces(members.keys().map(String::as_str));
        for (key, value) in members {
            let harmless = pieces && key == "token";
            self.walk(value, path.below(if harmless { "" } else { key }), taken);
        }
    }

    fn keys(&self, members: &mut Map<String, Value>, taken: &mut Taken) {
        if !self.sees_values() {
            return;
        }
        let dirty = members
            .keys()
            .any(|key| self.find_values(key).iter().any(|s| self.stand_in(s.entity, "").is_some()));
        if !dirty {
            return;
        }
        if self.is_dry() {
            for key in members.keys() {
                self.mask_text(key, taken);
            }
            return;
        }
        for (key, value) in std::mem::take(members) {
            let masked = self.mask_text(&key, taken).into_owned();
            let mut unique = masked.clone();
            let mut copies = 1;
            while members.contains_key(&unique) {
                copies += 1;
                unique = format!("{masked} #{copies}");
            }
            members.insert(unique, value);
        }
    }

    fn string(&self, text: &str, path: Path<'_>, taken: &mut Taken) -> Option<String> {
        let masked = self.rounds(text, taken, |text| self.edits_of_string(text, path, NESTED));
        match masked {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        }
    }

    /// What is to be taken out of a string below these keys.
    fn edits_of_string(&self, text: &str, path: Path<'_>, depth: usize) -> Vec<Edit> {
        if text.is_empty() || placeholder::is_whole(text) {
            return Vec::new();
        }
        if self.sees_values()
            && let Some(span) = self.by_key(text, path)
        {
            return vec![Edit::plain(span)];
        }
        if is_blob(text) || !self.sees_values() && !prose::is_said(text) {
            return Vec::new();
        }
        self.edits(text, path.words(), depth)
    }

    /// The whole string, when the key above it says what it is.
    fn by_key(&self, text: &str, path: Path<'_>) -> Option<Span> {
        let (entity, detector) = match path.hint() {
            Some(Hint::Password | Hint::Credential) => (Entity::ApiKey, "key of the member"),
            _ if path.nearest().is_some_and(names::is_name_key) && names::can_be_name(text) => {
                (Entity::Person, "key of the member")
            }
            _ => return None,
        };
        self.stand_in(entity, "")?;
        Some(Span { start: 0, end: text.len(), entity, score: 0.9, detector })
    }

    fn number(&self, value: &mut Value, path: Path<'_>, taken: &mut Taken) {
        let Value::Number(number) = &*value else { return };
        if !self.sees_values() {
            return;
        }
        // Anything shorter is a count, an amount or a time, and needs no string to be made of it.
        if path.hint() != Some(Hint::Password)
            && number.as_i64().is_some_and(|n| n.unsigned_abs() < 1_000_000)
        {
            return;
        }
        let text = number.to_string();
        let Some(span) = self.of_number(&text, path) else { return };
        let Some(stand_in) = self.take(span.entity, &text, taken) else { return };
        if !self.is_dry() {
            *value = if stand_in.is_empty() { Value::Null } else { Value::String(stand_in) };
        }
    }

    /// What a number is, if the whole of it is a value.
    fn of_number(&self, text: &str, path: Path<'_>) -> Option<Span> {
        if path.hint() == Some(Hint::Password) {
            let (entity, detector) = (Entity::ApiKey, "key of the member");
            return Some(Span { start: 0, end: text.len(), entity, score: 0.9, detector });
        }
        let span = self.find_below(text, path.words()).into_iter().next()?;
        let whole = (span.start, span.end) == (0, text.len());
        let identifier = span.entity == Entity::CreditCard && path.is_identifier();
        (whole && !identifier).then_some(span)
    }
}

/// The log probabilities of a reply name every piece of its text `token`.
fn holds_pieces<'k>(mut keys: impl Iterator<Item = &'k str>) -> bool {
    keys.any(|key| matches!(key, "logprob" | "logProbability"))
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
    let file = match body {
        Some(body) => body.bytes().all(of_file),
        None => mixed && text.bytes().all(of_file),
    };
    file && !crate::decoded::is_text_in_base64(body.unwrap_or(text).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::masker::Masker;
    use crate::policy::{Policy, Settings, Target};
    use serde_json::json;

    fn masked(mut value: Value) -> Value {
        let masker = Masker::new(Policy::default(), [0; 32]);
        masker.mask_json(&mut value, &mut Taken::default());
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
        assert_eq!(out["arguments"], r#"{"to": "[EMAIL]", "n": 1}"#);
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
        let actions = vec![
            (Target::Entity(Entity::ApiKey), Action::Keep),
            (Target::Entity(Entity::Email), Action::Drop),
        ];
        let settings = Settings { actions, ..Settings::default() };
        let masker = Masker::new(Policy::new("p", settings).unwrap(), [0; 32]);
        let mut value = json!({"password": "ada@example.com", "x": "to ada@example.com!"});
        let mut taken = Taken::default();
        masker.mask_json(&mut value, &mut taken);
        assert_eq!(value, json!({"password": "", "x": "to !"}));
        assert_eq!(taken.counts.get(Entity::Email), 2);
    }
}
