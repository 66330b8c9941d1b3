//! Events, as applications post them: JSON in, what is to be recorded out.

mod build;
mod check;

use capture::CallHead;
use record::Timestamp;
use serde_json::Value;

use crate::{Refusal, Taken};

pub use check::{Schema, SchemaError};

/// The JSON Schema of what is taken, as it is published.
pub const SCHEMA: &str = include_str!("events/schema.json");
/// No more problems are told of one request.
const TOLD: usize = 20;

/// Reads the body of a request. All of it is taken or nothing.
///
/// `head` is what the request's own headers tell: each event may say otherwise of itself.
pub fn read(
    schema: &Schema,
    body: &[u8],
    head: &CallHead,
    now: Timestamp,
) -> Result<Vec<Taken>, Vec<Refusal>> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let message = format!("not JSON: {error}");
        vec![Refusal { pointer: String::new(), message }]
    })?;
    let (events, many) = match value {
        Value::Array(events) => (events, true),
        event => (vec![event], false),
    };
    if events.is_empty() {
        let message = "an empty array: there is nothing to record".to_owned();
        return Err(vec![Refusal { pointer: String::new(), message }]);
    }
    let mut taken = Vec::with_capacity(events.len());
    let mut refusals = Vec::new();
    for (index, event) in events.into_iter().enumerate() {
        let place = if many { format!("/{index}") } else { String::new() };
        let read = schema.check(&event, &place).and_then(|kind| {
            build::event(kind, event, head, now).map_err(|refusal| {
                vec![Refusal { pointer: format!("{place}{}", refusal.pointer), ..refusal }]
            })
        });
        match read {
            Ok(event) => taken.push(event),
            Err(wrong) => refusals.extend(wrong),
        }
        if refusals.len() >= TOLD {
            break;
        }
    }
    if refusals.is_empty() { Ok(taken) } else { Err(refusals) }
}

#[cfg(test)]
mod tests;
