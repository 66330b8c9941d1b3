//! JSON with the checks that evidence needs: depth, and keys that stand twice.

use memchr::memchr2;
use serde_json::{Map, Value};

/// Nesting that is still read. The JSON reader itself ends at 128 levels; a skeleton can be some
/// levels deeper than its body and must still be readable.
const MAX_DEPTH: usize = 100;

/// A JSON text that was read.
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Members that are in the text and not in the value, because their key came again.
    pub(crate) lost_members: usize,
}

/// Why a text was not read as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    TooDeep,
    /// The text ends in the middle.
    Cut,
    Invalid,
}

impl Fault {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Empty => "body_empty",
            Self::TooDeep => "json_too_deep",
            Self::Cut | Self::Invalid => "json_invalid",
        }
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Document, Fault> {
    if bytes.trim_ascii().is_empty() {
        return Err(Fault::Empty);
    }
    let shape = shape(bytes);
    if shape.depth > MAX_DEPTH {
        return Err(Fault::TooDeep);
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| if error.is_eof() { Fault::Cut } else { Fault::Invalid })?;
    let lost_members = shape.members.saturating_sub(members(&value));
    Ok(Document { value, lost_members })
}

struct Shape {
    members: usize,
    depth: usize,
}

/// Counts members and levels in the text itself: a colon outside of strings is a member. Compared
/// with the value's members this finds repeated keys without a parser of our own.
fn shape(bytes: &[u8]) -> Shape {
    let mut shape = Shape { members: 0, depth: 0 };
    let mut level = 0_usize;
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'"' => rest = after_string(rest),
            b':' => shape.members += 1,
            b'{' | b'[' => {
                level += 1;
                shape.depth = shape.depth.max(level);
            }
            b'}' | b']' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    shape
}

fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        let skip = if rest.get(at) == Some(&b'"') { 1 } else { 2 };
        let done = skip == 1;
        rest = rest.get(at + skip..).unwrap_or_default();
        if done {
            return rest;
        }
    }
    &[]
}

fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(map) => map.len() + map.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// Levels of a value.
pub(crate) fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The text of a member.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The text of a member, when it is not empty.
pub(crate) fn filled<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    text(value, key).filter(|text| !text.is_empty())
}

/// A member that is there and not null.
pub(crate) fn given<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|member| !member.is_null())
}

/// Whether a member is there and holds anything.
pub(crate) fn holds(value: &Value, key: &str) -> bool {
    match value.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => true,
    }
}

/// The items of a member that is an array; none when it is not.
pub(crate) fn items<'a>(value: &'a mut Value, key: &str) -> &'a mut [Value] {
    match value.get_mut(key) {
        Some(Value::Array(items)) => items,
        _ => &mut [],
    }
}

/// An object of one member.
pub(crate) fn object(key: &str, value: Value) -> Value {
    let mut members = Map::new();
    members.insert(key.to_owned(), value);
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_counted() {
        for (text, lost) in [
            (r#"{"a":1,"b":{"c":":{","d":"\":"}}"#, 0),
            (r#"{"a":1,"a":2}"#, 1),
            (r#"[{"a":{"x":1},"a":{"x":1,"y":2}}]"#, 2),
            (r#"{"a\\":1,"\"":[1.50,2e9]}"#, 0),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().lost_members, lost, "{text}");
        }
    }

    #[test]
    fn faults_are_told_apart() {
        let fault = |text: &str| parse(text.as_bytes()).err();
        assert_eq!(fault(" \n"), Some(Fault::Empty));
        assert_eq!(fault(r#"{"a":"#), Some(Fault::Cut));
        assert_eq!(fault("{]"), Some(Fault::Invalid));
        assert_eq!(fault(&"[".repeat(200)), Some(Fault::TooDeep));
        assert_eq!(fault(&format!("{}{}", "[".repeat(100), "]".repeat(100))), None);
    }
}
