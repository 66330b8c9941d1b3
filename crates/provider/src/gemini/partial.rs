//! Calls whose arguments come in pieces, as Vertex sends them when asked for: each piece tells a path
//! into the arguments and what is new there.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::json;
use crate::merge::extend;
use crate::reader::Notes;

use super::Name;
use super::content::FUNCTION_CALL;

const PARTIAL_ARGS: Name = ("partialArgs", "partial_args");
const WILL_CONTINUE: Name = ("willContinue", "will_continue");

/// Levels of arguments that are built; any reader of JSON must still take the part.
const MAX_DEPTH: usize = 64;

/// A step of a path.
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

/// The spelling that an object uses.
fn spelled(object: &Map<String, Value>, name: Name) -> Option<&'static str> {
    [name.0, name.1].into_iter().find(|key| object.contains_key(*key))
}

fn call_of(part: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    let key = spelled(part, FUNCTION_CALL)?;
    part.get_mut(key)?.as_object_mut()
}

/// Whether a part is a call that is not at its end.
pub(super) fn goes_on(part: &Map<String, Value>) -> bool {
    let call = spelled(part, FUNCTION_CALL).and_then(|key| part.get(key));
    let told = |key: &str| call.and_then(|call| call.get(key)).and_then(Value::as_bool);
    told(WILL_CONTINUE.0).or_else(|| told(WILL_CONTINUE.1)) == Some(true)
}

/// Adds the next piece of a call, and what stood beside it, to the part.
pub(super) fn join(
    part: &mut Map<String, Value>,
    piece: Map<String, Value>,
    beside: Map<String, Value>,
) {
    if let Some(call) = call_of(part) {
        // The last piece says nothing of what follows.
        for key in [WILL_CONTINUE.0, WILL_CONTINUE.1] {
            call.shift_remove(key);
        }
        for (key, value) in piece {
            match value {
                Value::Array(items) if key == PARTIAL_ARGS.0 || key == PARTIAL_ARGS.1 => {
                    extend(call, &key, items);
                }
                value => {
                    call.insert(key, value);
                }
            }
        }
    }
    part.extend(beside);
}

/// Puts the arguments in the place of their pieces, as an answer sent whole has them.
pub(super) fn close(part: &mut Map<String, Value>, place: impl Display, notes: &mut Notes) {
    let Some(call) = call_of(part) else {
        return;
    };
    let Some(key) = spelled(call, PARTIAL_ARGS).filter(|_| !call.contains_key("args")) else {
        return;
    };
    match call.get(key).and_then(Value::as_array).and_then(|pieces| assemble(pieces)) {
        Some(args) => {
            call.shift_remove(key);
            call.insert("args".to_owned(), args);
        }
        None => notes.oddities.at("tool_input_invalid", place),
    }
}

/// The arguments that the pieces make, unless one of them does not say where it belongs.
fn assemble(pieces: &[Value]) -> Option<Value> {
    let mut args = Value::Object(Map::new());
    for piece in pieces {
        let path = json::text(piece, "jsonPath").or_else(|| json::text(piece, "json_path"))?;
        let steps = steps(path)?;
        let slot = reach(&mut args, &steps)?;
        put(slot, piece)?;
    }
    Some(args)
}

fn put(slot: &mut Value, piece: &Value) -> Option<()> {
    const VALUES: [Name; 4] = [
        ("stringValue", "string_value"),
        ("numberValue", "number_value"),
        ("boolValue", "bool_value"),
        ("nullValue", "null_value"),
    ];
    let (at, new) = VALUES.iter().enumerate().find_map(|(at, name)| {
        let value = piece.get(name.0).or_else(|| piece.get(name.1))?;
        Some((at, value))
    })?;
    match (slot, new) {
        (slot, _) if at == 3 => *slot = Value::Null,
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (slot, new) => *slot = new.clone(),
    }
    Some(())
}

/// Reads `$.a.b[0]['c d']`.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == MAX_DEPTH {
            return None;
        }
        let (step, after) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            (Step::Member(name), after)
        } else {
            let inner = rest.strip_prefix('[')?;
            let quote = inner.chars().next().filter(|first| matches!(first, '\'' | '"'));
            if let Some(quote) = quote {
                let (name, after) = inner.get(1..)?.split_once(quote)?;
                (Step::Member(name), after.strip_prefix(']')?)
            } else {
                let (index, after) = inner.split_once(']')?;
                (Step::Item(index.parse().ok()?), after)
            }
        };
        if matches!(step, Step::Member("")) {
            return None;
        }
        steps.push(step);
        rest = after;
    }
    (!steps.is_empty()).then_some(steps)
}

/// The place that a path leads to, made where it is missing.
fn reach<'a>(args: &'a mut Value, steps: &[Step<'_>]) -> Option<&'a mut Value> {
    let mut slot = args;
    for step in steps {
        slot = match step {
            Step::Member(name) => {
                if slot.is_null() {
                    *slot = Value::Object(Map::new());
                }
                slot.as_object_mut()?.entry(*name).or_insert(Value::Null)
            }
            Step::Item(index) => {
                if slot.is_null() {
                    *slot = Value::Array(Vec::new());
                }
                let items = slot.as_array_mut()?;
                // Items come in order; an index beyond the next one is no index.
                if *index == items.len() {
                    items.push(Value::Null);
                }
                items.get_mut(*index)?
            }
        };
    }
    Some(slot)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_make_arguments() {
        let pieces = json!([
            {"jsonPath": "$.city", "stringValue": "New ", "willContinue": true},
            {"jsonPath": "$.city", "stringValue": "York"},
            {"jsonPath": "$.days[0]", "numberValue": 1.50},
            {"jsonPath": "$.days[1]", "numberValue": 2},
            {"jsonPath": "$['a b'].c", "boolValue": true},
            {"jsonPath": "$.none", "nullValue": "NULL_VALUE"},
        ]);
        assert_eq!(
            assemble(pieces.as_array().unwrap()),
            Some(json!({"city": "New York", "days": [1.50, 2], "a b": {"c": true}, "none": null}))
        );
    }

    #[test]
    fn pieces_without_a_place_make_none() {
        let deep = format!("${}", ".a".repeat(65));
        for path in ["", "$", "city", "$.", "$[", "$[x]", "$[9]", "$['a", "$.a[", "$.ü[1", &deep] {
            let piece = json!({"jsonPath": path, "stringValue": "x"});
            assert_eq!(assemble(&[piece]), None, "{path}");
        }
        assert_eq!(assemble(&[json!({"jsonPath": "$.a"})]), None);
        assert_eq!(
            assemble(&[
                json!({"jsonPath": "$.a", "stringValue": "x"}),
                json!({"jsonPath": "$.a.b", "stringValue": "x"})
            ]),
            None
        );
    }
}
