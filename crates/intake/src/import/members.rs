//! The members of a record, taken one by one: what nobody took stays with the record.

use std::collections::BTreeMap;

use record::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Refusal;

/// Members by name, each as the text that it has. Of a name that stands twice the last counts.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Reads one object.
    pub(super) fn of(raw: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(raw).map(Self).map_err(|error| Refusal {
            pointer: String::new(),
            message: format!("expected a JSON object: {error}"),
        })
    }

    /// Takes a member out. `null` is as good as none.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.0.remove(name).filter(|value| value.get() != "null")
    }

    /// Takes out the first of these names that is there.
    pub(super) fn take_any(&mut self, names: &[&str]) -> Option<&'a RawValue> {
        names.iter().find_map(|name| self.take(name))
    }

    /// The first of these names that is there; it stays with the rest.
    pub(super) fn get(&self, names: &[&str]) -> Option<&'a RawValue> {
        let found = names.iter().filter_map(|name| self.0.get(*name));
        found.copied().find(|value| value.get() != "null")
    }

    /// A text that is not empty; a number as it is written.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        match value(self.get(names)?) {
            Value::String(text) => Some(text).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A number.
    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        match value(self.get(names)?) {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number| number.is_finite())
    }

    /// A point in time.
    pub(super) fn time(&self, names: &[&str]) -> Option<Timestamp> {
        match value(self.get(names)?) {
            Value::Number(number) => epoch(number.as_f64()?),
            Value::String(text) => moment(&text),
            _ => None,
        }
    }

    /// An object's members.
    pub(super) fn object(&self, names: &[&str]) -> Self {
        self.get(names).and_then(|raw| Self::of(raw.get().as_bytes()).ok()).unwrap_or_default()
    }

    /// A list's texts.
    pub(super) fn texts(&self, names: &[&str]) -> Vec<String> {
        let list = self.get(names).map(value);
        let items = match list {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// The members in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// What nobody took, as JSON.
    pub(super) fn rest(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// The value of a text that is known to be JSON; nested too deep to be one, it is a text.
pub(super) fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::String(raw.get().to_owned()))
}

/// The value, or the JSON that stands in it as a text: some exports write content twice.
pub(super) fn opened(raw: &RawValue) -> Value {
    match value(raw) {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        other => other,
    }
}

/// An object's members, of what may be one or the text of one.
pub(super) fn map(raw: Option<&RawValue>) -> Map<String, Value> {
    match raw.map(opened) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// RFC 3339, or the same without a zone, which is UTC then.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    at.map(|at| Timestamp(at.as_microsecond())).or_else(|| epoch(text.parse().ok()?))
}

/// Seconds since 1970; milliseconds and microseconds are known by their size.
#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "bounded above, and a float holds it"
)]
fn epoch(number: f64) -> Option<Timestamp> {
    // The year 9999 in seconds.
    const LAST: f64 = 253_402_300_800.0;
    let us = match number {
        n if !n.is_finite() || n <= 0.0 => return None,
        n if n < LAST => n * 1e6,
        n if n < LAST * 1e3 => n * 1e3,
        n if n < LAST * 1e6 => n,
        _ => return None,
    };
    Some(Timestamp(us.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_exports_write_them() {
        let record = br#"{"a":"2024-05-29T13:46:19.963Z","b":"2024-05-29 13:46:19.963000",
            "c":1716990379.963,"d":1716990379963,"e":"2024-05-29T15:46:19.963+02:00","f":"soon",
            "g":-1,"h":1e300}"#;
        let members = Members::of(record).unwrap();
        for name in ["a", "b", "c", "d", "e"] {
            assert_eq!(members.time(&[name]), Some(Timestamp(1_716_990_379_963_000)), "{name}");
        }
        assert!(["f", "g", "h"].iter().all(|name| members.time(&[name]).is_none()));
    }

    #[test]
    fn the_rest_is_what_nobody_took() {
        let mut members =
            Members::of(br#"{"a":1,"b":null,"c":1.50,"a":{"n":12345678901234567890123}}"#).unwrap();
        assert_eq!(members.rest(), r#"{"a":{"n":12345678901234567890123},"b":null,"c":1.50}"#);
        assert!(members.take("b").is_none());
        assert_eq!(members.take_any(&["x", "c"]).unwrap().get(), "1.50");
        assert_eq!(members.rest(), r#"{"a":{"n":12345678901234567890123}}"#);
        assert!(Members::of(b"[1]").is_err());
    }
}
