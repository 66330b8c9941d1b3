//! Bodies of chat completions, built where a system kept something that is like them.

use capture::{Answer, ResponseStart};
use provider::HeaderTokens;
use record::Timestamp;
use serde_json::{Map, Value, json};

/// A request's body: `messages` of what was asked, and parameters beside.
pub(super) fn request(model: Option<&str>, input: Value, params: Map<String, Value>) -> Vec<u8> {
    let mut body = Map::new();
    if let Some(model) = model {
        body.insert("model".to_owned(), Value::from(model));
    }
    match input {
        Value::Object(mut members) if members.get("messages").is_some_and(are_messages) => {
            body.extend(std::mem::take(&mut members));
        }
        input if are_messages(&input) => {
            body.insert("messages".to_owned(), input);
        }
        Value::Null => {
            body.insert("messages".to_owned(), Value::Array(Vec::new()));
        }
        input => {
            body.insert("messages".to_owned(), json!([{ "role": "user", "content": text(input) }]));
        }
    }
    for (name, value) in params {
        // What was sent counts more than what a system says of it.
        body.entry(name).or_insert(value);
    }
    Value::Object(body).to_string().into_bytes()
}

/// An answer's body, with the member `usage` if it has none.
pub(super) fn answer(model: Option<&str>, output: Value, usage: Option<Value>) -> Vec<u8> {
    let mut body = match output {
        Value::Object(members) if is_answer(&members) => members,
        output => {
            let messages = match output {
                Value::Array(items) if items.iter().all(is_message) && !items.is_empty() => items,
                message if is_message(&message) => vec![message],
                other => vec![json!({ "role": "assistant", "content": text(other) })],
            };
            let choice = |(index, message)| json!({ "index": index, "message": message });
            let choices: Vec<Value> = messages.into_iter().enumerate().map(choice).collect();
            let mut body = Map::new();
            if let Some(model) = model {
                body.insert("model".to_owned(), Value::from(model));
            }
            body.insert("choices".to_owned(), Value::Array(choices));
            body
        }
    };
    if let Some(usage) = usage
        && !body.get("usage").is_some_and(Value::is_object)
    {
        body.insert("usage".to_owned(), usage);
    }
    Value::Object(body).to_string().into_bytes()
}

/// Whether these are the members of an answer in a form that readers of `OpenAI`'s know.
fn is_answer(members: &Map<String, Value>) -> bool {
    members.get("choices").or_else(|| members.get("data")).is_some_and(Value::is_array)
        || members.get("error").is_some_and(Value::is_object)
}

fn is_message(value: &Value) -> bool {
    value.get("role").is_some_and(Value::is_string)
}

fn are_messages(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_message))
}

/// Text as it is, anything else as JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// An answer that a system kept, with its times.
pub(super) fn kept(status: u16, body: Vec<u8>, times: Times) -> Answer {
    let since = |at: Option<Timestamp>| Some(at?.since_us(times.began?)).filter(|us| *us > 0);
    Answer {
        start: ResponseStart {
            status,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            provider_request_id: None,
            tokens: HeaderTokens::default(),
        },
        body,
        complete: true,
        first_byte_us: None,
        first_token_us: since(times.first_token),
        total_us: since(times.ended),
    }
}

/// When a call did what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) began: Option<Timestamp>,
    pub(super) first_token: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(input: Value) -> Value {
        serde_json::from_slice(&request(Some("m"), input, Map::new())).unwrap()
    }

    fn said(output: Value) -> Value {
        serde_json::from_slice(&answer(None, output, Some(json!({ "n": 1 })))).unwrap()
    }

    #[test]
    fn whatever_was_asked_becomes_messages() {
        let messages = json!([{ "role": "user", "content": "hi" }]);
        assert_eq!(asked(messages.clone())["messages"], messages);
        let with_tools = asked(json!({ "messages": messages, "tools": [1] }));
        assert_eq!((&with_tools["messages"], &with_tools["tools"]), (&messages, &json!([1])));
        assert_eq!(asked(json!("hi"))["messages"], messages);
        assert_eq!(asked(json!({ "q": 1 }))["messages"][0]["content"], "{\"q\":1}");
        assert_eq!(asked(Value::Null)["messages"], json!([]));
    }

    #[test]
    fn whatever_was_said_becomes_choices() {
        let whole = json!({ "choices": [], "usage": { "n": 2 } });
        assert_eq!(said(whole.clone()), whole);
        let message = json!({ "role": "assistant", "content": null, "tool_calls": [] });
        assert_eq!(said(message.clone())["choices"][0]["message"], message);
        assert_eq!(said(json!("yes"))["choices"][0]["message"]["content"], "yes");
        assert_eq!(said(json!([1]))["choices"][0]["message"]["content"], "[1]");
        assert_eq!(said(json!("yes"))["usage"]["n"], 1);
    }
}
