//! Parameters, under the names that other providers have for them.

use record::envelope::Params;
use serde_json::{Map, Value};

use crate::json;
use crate::word::is_word;

/// Names of Bedrock and its models, and what they are called elsewhere.
const RENAMED: &[(&str, &str)] = &[
    ("k", "top_k"),
    ("maxTokenCount", "max_tokens"),
    ("maxTokens", "max_tokens"),
    ("max_gen_len", "max_tokens"),
    ("numResults", "n"),
    ("num_generations", "n"),
    ("numberOfImages", "n"),
    ("output_dimension", "dimensions"),
    ("p", "top_p"),
    ("topK", "top_k"),
    ("topP", "top_p"),
];

/// Members that hold parameters.
const PLACES: &[&[&str]] = &[
    &[],
    &["inferenceConfig"],
    &["textGenerationConfig"],
    &["imageGenerationConfig"],
    &["additionalModelRequestFields"],
    &["additionalModelRequestFields", "inferenceConfig"],
];

/// Takes the clear-safe scalars of a request's body.
pub(super) fn read(body: &Value) -> Params {
    let mut plain = Map::new();
    for path in PLACES {
        let place = path.iter().try_fold(body, |value, key| value.get(key));
        for (key, value) in place.and_then(Value::as_object).into_iter().flatten() {
            let name = RENAMED.iter().find(|(from, _)| from == key).map_or(key.as_str(), |r| r.1);
            if let Some(value) = small(value) {
                plain.insert(name.to_owned(), value);
            }
        }
    }
    let mut word = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            plain.insert(name.to_owned(), Value::from(value));
        }
    };
    let at = |path: &[&str]| path.iter().try_fold(body, |value, key| value.get(*key));
    // A choice is named by the member that it has.
    let choice = at(&["toolConfig", "toolChoice"]).and_then(Value::as_object);
    word("tool_choice", choice.and_then(|choice| choice.keys().next()).map(String::as_str));
    word("service_tier", at(&["serviceTier", "type"]).and_then(Value::as_str));
    word("response_format", at(&["outputConfig", "textFormat", "type"]).and_then(Value::as_str));
    // Nova's word, and that of models which have no other.
    let own = at(&["additionalModelRequestFields", "reasoningConfig"]).or(at(&["reasoningConfig"]));
    word("reasoning_effort", own.and_then(|own| json::text(own, "maxReasoningEffort")));
    let own = at(&["additionalModelRequestFields", "reasoning_config"]);
    word("reasoning_effort", own.and_then(Value::as_str));
    crate::params::read(&Value::Object(plain))
}

/// Scalars, and objects of nothing but scalars; texts only when they are words.
fn small(value: &Value) -> Option<Value> {
    let scalar = |value: &Value| match value {
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => is_word(text, 32),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            let few = members.iter().filter(|(_, member)| scalar(member)).take(16);
            Some(Value::Object(few.map(|(k, v)| (k.clone(), v.clone())).collect()))
        }
        other => scalar(other).then(|| other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(body: &Value) -> String {
        serde_json::to_string(&read(body)).unwrap()
    }

    #[test]
    fn names_are_those_of_others() {
        assert_eq!(
            told(&json!({
                "inferenceConfig": {"maxTokens": 10, "topP": 0.5, "temperature": 0.20,
                    "stopSequences": ["Alice"]},
                "additionalModelRequestFields": {"top_k": 7, "customer": 4711,
                    "thinking": {"type": "enabled", "budget_tokens": 1024}},
                "toolConfig": {"toolChoice": {"tool": {"name": "secret"}}},
                "serviceTier": {"type": "flex"},
                "outputConfig": {"textFormat": {"type": "json_schema"}},
            })),
            concat!(
                r#"{"max_tokens":10,"response_format":"json_schema","service_tier":"flex","#,
                r#""temperature":0.2,"thinking_budget_tokens":1024,"thinking_type":"enabled","#,
                r#""tool_choice":"tool","top_k":7,"top_p":0.5}"#
            )
        );
        assert_eq!(
            told(&json!({"inputText": "x", "textGenerationConfig": {"maxTokenCount": 5}})),
            r#"{"max_tokens":5}"#
        );
        assert_eq!(
            told(&json!({"prompt": "x", "max_gen_len": 5, "p": 1})),
            r#"{"max_tokens":5,"top_p":1}"#
        );
    }
}
