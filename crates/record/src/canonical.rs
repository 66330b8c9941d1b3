//! Canonical JSON (RFC 8785, JCS): the bytes that are hashed.

use serde::Serialize;
use serde_json::{Map, Number, Value};

/// The largest integer that a JSON number keeps exactly everywhere (2⁵³ − 1).
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
#[error("no canonical JSON form: {0}")]
pub struct CanonicalError(String);

/// The RFC 8785 bytes of anything that serialises to JSON.
///
/// Integers past 2⁵³ − 1 are written as strings, since a JSON number cannot hold them everywhere;
/// other numbers are written as ECMAScript writes the nearest double.
pub fn canonical_bytes(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value).map_err(|e| CanonicalError(e.to_string()))?;
    let mut out = Vec::with_capacity(1024);
    write_value(&mut out, &value)?;
    Ok(out)
}

/// [`canonical_bytes`] as text.
pub fn canonical_string(value: &impl Serialize) -> Result<String, CanonicalError> {
    String::from_utf8(canonical_bytes(value)?).map_err(|e| CanonicalError(e.to_string()))
}

fn write_value(out: &mut Vec<u8>, value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number)?,
        Value::String(text) => write_string(out, text)?,
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(out, item)?;
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(out, members)?,
    }
    Ok(())
}

fn write_object(out: &mut Vec<u8>, members: &Map<String, Value>) -> Result<(), CanonicalError> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    // RFC 8785 §3.2.3 sorts by UTF-16 code units; for ASCII keys that is byte order.
    if members.keys().all(|key| key.is_ascii()) {
        sorted.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    } else {
        sorted.sort_unstable_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    }
    out.push(b'{');
    for (i, (key, item)) in sorted.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_string(out, key)?;
        out.push(b':');
        write_value(out, item)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_string(out: &mut Vec<u8>, text: &str) -> Result<(), CanonicalError> {
    // serde_json escapes exactly what RFC 8785 §3.2.2.2 escapes, with the same short forms and
    // lower-case hexadecimal.
    serde_json::to_writer(out, text).map_err(|e| CanonicalError(e.to_string()))
}

fn write_number(out: &mut Vec<u8>, number: &Number) -> Result<(), CanonicalError> {
    if let Some(n) = number.as_u64() {
        if n > MAX_SAFE {
            return write_string(out, &n.to_string());
        }
        out.extend_from_slice(n.to_string().as_bytes());
        return Ok(());
    }
    if let Some(n) = number.as_i64() {
        if n.unsigned_abs() > MAX_SAFE {
            return write_string(out, &n.to_string());
        }
        out.extend_from_slice(n.to_string().as_bytes());
        return Ok(());
    }
    let text = number.to_string();
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        // An integer past 64 bits.
        return write_string(out, &text);
    }
    match number.as_f64().filter(|n| n.is_finite()) {
        Some(n) => {
            let mut buffer = ryu_js::Buffer::new();
            let text = buffer.format_finite(n);
            // Up to 1e21 ECMAScript shows a double without a point; such a one reads as an integer,
            // and the form must not depend on how the number was written.
            if text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
                && n.abs() >= 9_007_199_254_740_992.0
            {
                return write_string(out, text);
            }
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        None => write_string(out, &text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(source: &str) -> String {
        canonical_string(&serde_json::from_str::<Value>(source).unwrap()).unwrap()
    }

    #[test]
    fn follows_the_examples_of_rfc_8785() {
        assert_eq!(
            canonical(
                r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                    "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                    "literals":[null,true,false]}"#
            ),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        assert_eq!(
            canonical(
                r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#
            ),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn integers_that_a_double_cannot_hold_become_strings() {
        assert_eq!(
            canonical(
                "[9007199254740991,9007199254740992,-9007199254740993,123456789012345678901234567890]"
            ),
            r#"[9007199254740991,"9007199254740992","-9007199254740993","123456789012345678901234567890"]"#
        );
    }
}
