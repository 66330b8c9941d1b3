//! Puts the pieces of a stream together without losing any.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Earlier values of members that changed from event to event, by path.
#[derive(Debug, Default)]
pub(crate) struct Series(BTreeMap<String, Vec<Value>>);

/// Where a member stands; written out only when a value changes.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, u64),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Path::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

impl Series {
    /// Keeps a value that is about to be replaced, or that comes after the one that is kept.
    pub(crate) fn keep(&mut self, path: Path<'_>, value: Value) {
        let values = self.0.entry(path.to_string()).or_default();
        if values.last() != Some(&value) {
            values.push(value);
        }
    }

    /// Adds them to a body as its member `series`.
    pub(crate) fn put(self, body: &mut Map<String, Value>) {
        if !self.0.is_empty() {
            let series = self.0.into_iter().map(|(k, v)| (k, Value::Array(v)));
            body.insert("series".to_owned(), Value::Object(series.collect()));
        }
    }
}

/// Sets a member; the last value wins, earlier different ones go to the series. Null and empty
/// texts replace nothing and objects are merged.
pub(crate) fn absorb(
    series: &mut Series,
    at: Path<'_>,
    target: &mut Map<String, Value>,
    key: String,
    new: Value,
) {
    let path = Path::Key(&at, &key);
    let Some(old) = target.get_mut(&key) else {
        target.insert(key, new);
        return;
    };
    match (&mut *old, new) {
        (_, Value::Null) => {}
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                absorb(series, path, old, key, value);
            }
        }
        (old, new) if *old == new => {}
        (Value::String(_), Value::String(new)) if new.is_empty() => {}
        (old, new) => {
            let earlier = std::mem::replace(old, new);
            if !is_nothing(&earlier) {
                series.keep(path, earlier);
            }
        }
    }
}

/// Sets a member that should not change: the first value wins, later ones go to the series.
pub(crate) fn absorb_first(
    series: &mut Series,
    at: Path<'_>,
    target: &mut Map<String, Value>,
    key: String,
    new: Value,
) {
    match target.get_mut(&key) {
        Some(old) if *old == new || is_nothing(&new) => {}
        Some(old) if is_nothing(old) => *old = new,
        Some(_) => series.keep(Path::Key(&at, &key), new),
        None => {
            target.insert(key, new);
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Appends text to a member.
pub(crate) fn append(target: &mut Map<String, Value>, key: &str, text: &str) {
    match target.get_mut(key) {
        Some(Value::String(whole)) => whole.push_str(text),
        Some(Value::Array(blocks)) => append_block(blocks, text),
        Some(other) => *other = Value::from(text),
        None => {
            target.insert(key.to_owned(), Value::from(text));
        }
    }
}

/// Appends text to a list of content blocks.
fn append_block(blocks: &mut Vec<Value>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Value::Object(last)) = blocks.last_mut()
        && last.get("type").and_then(Value::as_str) == Some("text")
    {
        append(last, "text", text);
        return;
    }
    let mut block = Map::new();
    block.insert("type".to_owned(), Value::from("text"));
    block.insert("text".to_owned(), Value::from(text));
    blocks.push(Value::Object(block));
}

/// Appends the items of a list to a list.
pub(crate) fn extend(target: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    match target.get_mut(key) {
        Some(Value::Array(list)) => list.extend(items),
        Some(Value::Null) | None => {
            target.insert(key.to_owned(), Value::Array(items));
        }
        Some(other) => {
            let first = other.take();
            let mut list = vec![first];
            list.extend(items);
            *other = Value::Array(list);
        }
    }
}
