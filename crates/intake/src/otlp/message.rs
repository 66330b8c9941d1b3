//! Messages of every convention, in the shape of OpenTelemetry's: `{"role","parts":[…]}`.
//!
//! Members that are not known stay beside the parts, so nothing is lost.

use serde_json::{Map, Value, json};

/// A message: of the conventions already, or as OpenInference, OpenLLMetry, the old per-message
/// events and providers themselves write it. `speaker` is who speaks where no role is told.
pub(super) fn message(value: Value, speaker: &str) -> Value {
    let mut members = match value {
        // OpenInference puts each message into a member of its own.
        Value::Object(mut outer) if outer.len() == 1 && outer.contains_key("message") => {
            match outer.remove("message") {
                Some(Value::Object(inner)) => inner,
                other => return of_content(other.unwrap_or_default(), speaker),
            }
        }
        Value::Object(members) => members,
        other => return of_content(other, speaker),
    };
    let named = members.get("role").is_some_and(filled_text);
    if !named {
        members.insert("role".to_owned(), Value::from(speaker));
    }
    if members.get("parts").is_some_and(Value::is_array) {
        return Value::Object(members);
    }
    let mut parts = Vec::new();
    for key in ["reasoning_content", "reasoning", "thinking"] {
        if members.get(key).is_some_and(filled_text) {
            parts.extend(members.remove(key).map(|content| part("reasoning", content)));
        }
    }
    let tool = matches!(members.get("role").and_then(Value::as_str), Some("tool" | "function"));
    let call_id = ["tool_call_id", "id"].into_iter().find(|key| tool && members.contains_key(*key));
    if tool {
        let id = call_id.and_then(|key| members.remove(key));
        let content = members.remove("content").or_else(|| members.remove("contents"));
        let response = content.unwrap_or_default();
        parts.push(json!({ "type": "tool_call_response", "id": id, "response": response }));
    } else {
        for key in ["content", "contents"] {
            if let Some(content) = members.remove(key) {
                push_content(&mut parts, content);
            }
        }
    }
    if members.get("refusal").is_some_and(filled_text) {
        parts.extend(members.remove("refusal").map(|content| part("refusal", content)));
    }
    if let Some(calls) = members.remove("tool_calls") {
        match calls {
            Value::Array(calls) => parts.extend(calls.into_iter().map(tool_call)),
            Value::Null => {}
            other => parts.push(tool_call(other)),
        }
    }
    for (name, arguments) in
        [("function_call_name", "function_call_arguments_json"), ("function_call", "")]
    {
        match members.remove(name) {
            Some(Value::Object(call)) => parts.push(tool_call(Value::Object(call))),
            Some(name @ Value::String(_)) => {
                let arguments = members.remove(arguments);
                parts.push(json!({ "type": "tool_call", "name": name, "arguments": arguments }));
            }
            _ => {}
        }
    }
    members.insert("parts".to_owned(), Value::Array(parts));
    Value::Object(members)
}

/// A message that is nothing but its content.
pub(super) fn of_content(content: Value, role: &str) -> Value {
    let mut parts = Vec::new();
    push_content(&mut parts, content);
    json!({ "role": role, "parts": parts })
}

/// Messages of a value that should be a list of them, and may be one, or a text.
pub(super) fn messages(value: Value, speaker: &str) -> Vec<Value> {
    match value {
        Value::Array(items) => items.into_iter().map(|item| message(item, speaker)).collect(),
        Value::Null => Vec::new(),
        Value::Object(mut members) if members.get("messages").is_some_and(Value::is_array) => {
            messages(members.remove("messages").unwrap_or_default(), speaker)
        }
        other => vec![message(other, speaker)],
    }
}

/// Parts of system instructions: parts, messages with parts, or a text.
pub(super) fn instructions(value: Value) -> Vec<Value> {
    let items = match value {
        Value::Array(items) => items,
        Value::Null => return Vec::new(),
        other => vec![other],
    };
    let mut parts = Vec::new();
    for item in items {
        match item {
            Value::Object(members) if !members.contains_key("type") => {
                let mut inner = message(Value::Object(members), "system");
                match inner.get_mut("parts").map(Value::take) {
                    Some(Value::Array(inner)) => parts.extend(inner),
                    _ => parts.push(inner),
                }
            }
            other => push_content(&mut parts, other),
        }
    }
    parts
}

fn filled_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn part(kind: &str, content: Value) -> Value {
    let members = [("type", Value::from(kind)), ("content", content)];
    Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
}

fn push_content(parts: &mut Vec<Value>, content: Value) {
    match content {
        Value::Null => {}
        Value::Array(blocks) => parts.extend(blocks.into_iter().map(block)),
        Value::Object(members) => parts.push(block(Value::Object(members))),
        Value::String(text) if text.is_empty() => {}
        text @ Value::String(_) => parts.push(part("text", text)),
        other => parts.push(part("text", Value::String(other.to_string()))),
    }
}

/// A block of content, as OpenAI, Anthropic and OpenInference write it; one of the conventions and
/// one that is not known stay as they are.
fn block(value: Value) -> Value {
    let mut members = match value {
        Value::Object(mut outer) if outer.len() == 1 && outer.contains_key("message_content") => {
            match outer.remove("message_content") {
                Some(Value::Object(inner)) => inner,
                other => return block(other.unwrap_or_default()),
            }
        }
        Value::Object(members) => members,
        text @ Value::String(_) => return part("text", text),
        other => return json!({ "type": "generic", "value": other }),
    };
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let has = |key: &str| members.get(key).is_some_and(|value| !value.is_null());
    match kind.as_str() {
        "" | "text" | "input_text" | "output_text" if has("text") => {
            rename(&mut members, "text", "content");
            retype(members, "text")
        }
        "reasoning" | "thinking" | "redacted_thinking" if has("text") || has("thinking") => {
            rename(&mut members, "text", "content");
            rename(&mut members, "thinking", "content");
            retype(members, "reasoning")
        }
        "refusal" if has("refusal") => {
            rename(&mut members, "refusal", "content");
            retype(members, "refusal")
        }
        "image_url" | "input_image" | "image" if link(&members).is_some() => {
            let (url, holder) = link(&members).unwrap_or_default();
            members.remove(holder);
            image(members, &url)
        }
        "tool_use" => {
            rename(&mut members, "input", "arguments");
            retype(members, "tool_call")
        }
        "tool_result" => {
            rename(&mut members, "tool_use_id", "id");
            rename(&mut members, "content", "response");
            retype(members, "tool_call_response")
        }
        "" => {
            members.insert("type".to_owned(), Value::from("generic"));
            Value::Object(members)
        }
        _ => Value::Object(members),
    }
}

/// The link of an image, and the member that holds it.
fn link(members: &Map<String, Value>) -> Option<(String, &'static str)> {
    let at = |pointer: &[&str]| {
        let first = members.get(*pointer.first()?)?;
        pointer.iter().skip(1).try_fold(first, |value, key| value.get(*key))?.as_str()
    };
    let paths: [(&[&str], &str); 3] = [
        (&["image_url", "url"], "image_url"),
        (&["image_url"], "image_url"),
        (&["image", "image", "url"], "image"),
    ];
    paths.into_iter().find_map(|(path, holder)| Some((at(path)?.to_owned(), holder)))
}

/// A data URL (RFC 2397) in base64 is the image itself, any other a link to it.
fn image(mut members: Map<String, Value>, url: &str) -> Value {
    members.insert("modality".to_owned(), Value::from("image"));
    let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    if let Some((media_type, data)) = data {
        members.insert("mime_type".to_owned(), Value::from(media_type));
        members.insert("content".to_owned(), Value::from(data));
        retype(members, "blob")
    } else {
        members.insert("uri".to_owned(), Value::from(url));
        retype(members, "uri")
    }
}

/// A call of a tool: OpenAI's with its `function`, OpenInference's in a `tool_call`, or flat.
fn tool_call(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return json!({ "type": "tool_call", "arguments": value });
    };
    if let Some(Value::Object(inner)) = members.remove("tool_call") {
        members.extend(inner);
    }
    if let Some(Value::Object(function)) = members.remove("function") {
        members.extend(function);
    }
    retype(members, "tool_call")
}

fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.to_owned(), value);
    }
}

fn retype(mut members: Map<String, Value>, kind: &str) -> Value {
    members.insert("type".to_owned(), Value::from(kind));
    Value::Object(members)
}
