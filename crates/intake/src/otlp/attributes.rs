//! Attributes by name, taken one by one; what nobody takes is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use serde_json::{Map, Value};

/// Segments of a flattened name that are still unfolded.
const MAX_SEGMENTS: usize = 16;

/// Levels of JSON in a text that is unfolded; a deeper one stays a text, so that what holds it can
/// still be read.
const MAX_DEPTH: usize = 60;

/// Attributes that nobody has taken yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(Map<String, Value>);

impl Attributes {
    pub(super) fn new(list: Vec<KeyValue>) -> Self {
        Self(object(list))
    }

    /// The members of a log record's body.
    pub(super) fn of(members: Map<String, Value>) -> Self {
        Self(members)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn any_starts(&self, prefixes: &[&str]) -> bool {
        self.0.keys().any(|key| prefixes.iter().any(|prefix| key.starts_with(prefix)))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// The first of the names that is a text with something in it.
    pub(super) fn take_text(&mut self, names: &[&str]) -> Option<String> {
        let name = names.iter().find(|name| self.text(name).is_some())?;
        match self.0.remove(*name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it is true; what is no truth value stays.
    pub(super) fn take_truth(&mut self, name: &str) -> bool {
        let truth = self.0.get(name).and_then(Value::as_bool);
        if truth.is_some() {
            self.0.remove(name);
        }
        truth.unwrap_or(false)
    }

    /// A value that may be JSON in a text.
    pub(super) fn take_json(&mut self, name: &str) -> Option<Value> {
        self.take(name).map(unfold_text)
    }

    /// The attributes below a prefix, with the rest of their names.
    pub(super) fn take_below(&mut self, prefix: &str) -> Vec<(String, Value)> {
        let all = std::mem::take(&mut self.0);
        let mut below = Vec::new();
        for (key, value) in all {
            match key.strip_prefix(prefix) {
                Some(rest) => below.push((rest.to_owned(), value)),
                None => {
                    self.0.insert(key, value);
                }
            }
        }
        below
    }

    /// A list that stands flattened: `prefix.0.role`, `prefix.0.content`, `prefix.1.role`, …
    pub(super) fn take_list(&mut self, prefix: &str) -> Vec<Value> {
        let dotted = format!("{prefix}.");
        if !self.any_starts(&[&dotted]) {
            return Vec::new();
        }
        let mut tree = Map::new();
        for (rest, value) in self.take_below(&dotted) {
            let mut segments = rest.split('.');
            let numbered = segments.next().is_some_and(is_index);
            if numbered && rest.split('.').count() <= MAX_SEGMENTS {
                if let Some(left) = insert(&mut tree, &rest, value) {
                    self.0.insert(format!("{dotted}{rest}"), left);
                }
            } else {
                self.0.insert(format!("{dotted}{rest}"), value);
            }
        }
        match listed(Value::Object(tree)) {
            Value::Array(items) => items,
            _ => Vec::new(),
        }
    }

    /// Puts one back that was taken.
    pub(super) fn put(&mut self, name: String, value: Value) {
        self.0.insert(name, value);
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// Puts in what is not there.
    pub(super) fn add(&mut self, other: Self) {
        for (key, value) in other.0 {
            self.0.entry(key).or_insert(value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What nobody took.
    pub(super) fn into_rest(self) -> Value {
        Value::Object(self.0)
    }
}

fn is_index(segment: &str) -> bool {
    (1..=9).contains(&segment.len()) && segment.bytes().all(|b| b.is_ascii_digit())
}

/// Gives the value back when something else stands in its way.
fn insert(tree: &mut Map<String, Value>, path: &str, value: Value) -> Option<Value> {
    let Some((first, rest)) = path.split_once('.') else {
        if tree.contains_key(path) {
            return Some(value);
        }
        tree.insert(path.to_owned(), value);
        return None;
    };
    let inner = tree.entry(first).or_insert_with(|| Value::Object(Map::new()));
    match inner {
        Value::Object(members) => insert(members, rest, value),
        _ => Some(value),
    }
}

/// Objects whose names are all numbers are lists, by those numbers.
fn listed(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    if !members.is_empty() && members.keys().all(|key| is_index(key)) {
        let mut items: Vec<(u32, Value)> = members
            .into_iter()
            .map(|(key, item)| (key.parse().unwrap_or(u32::MAX), listed(item)))
            .collect();
        items.sort_by_key(|(index, _)| *index);
        return items.into_iter().map(|(_, item)| item).collect();
    }
    Value::Object(members.into_iter().map(|(key, item)| (key, listed(item))).collect())
}

/// JSON that stands in a text; any other value stays as it is.
pub(super) fn unfold_text(value: Value) -> Value {
    match &value {
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            match serde_json::from_str(text) {
                Ok(inner) if shallow(&inner, MAX_DEPTH) => inner,
                _ => value,
            }
        }
        _ => value,
    }
}

fn shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| shallow(item, levels - 1)),
        Value::Object(members) => {
            levels > 0 && members.values().all(|item| shallow(item, levels - 1))
        }
        _ => true,
    }
}

/// The object that a list of attributes is; of a name that stands twice the last.
pub(super) fn object(list: Vec<KeyValue>) -> Map<String, Value> {
    let told = |value: Option<AnyValue>| value.map_or(Value::Null, plain);
    list.into_iter().map(|item| (item.key, told(item.value))).collect()
}

/// The JSON of a value. Bytes become base64, numbers that JSON has not become texts.
pub(super) fn plain(value: AnyValue) -> Value {
    use any_value::Value as Any;
    match value.value {
        Some(Any::StringValue(text)) => Value::String(text),
        Some(Any::BoolValue(truth)) => Value::Bool(truth),
        Some(Any::IntValue(number)) => Value::from(number),
        Some(Any::DoubleValue(number)) if number.is_finite() => Value::from(number),
        Some(Any::DoubleValue(number)) => Value::String(number.to_string()),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(plain).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(object(list.values)),
        Some(Any::BytesValue(bytes)) => Value::String(STANDARD.encode(bytes)),
        _ => Value::Null,
    }
}
