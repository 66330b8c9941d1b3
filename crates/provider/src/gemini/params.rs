//! Parameters of a request that are safe in the clear, under the names that they have elsewhere.

use record::envelope::{Params, param_number};
use serde_json::Value;

use crate::word::is_word;

use super::{Name, get};

/// Members of `generationConfig` and the names under which they are told.
const CONFIG: &[(Name, &str)] = &[
    (("audioTimestamp", "audio_timestamp"), "audio_timestamp"),
    (("candidateCount", "candidate_count"), "candidate_count"),
    (("frequencyPenalty", "frequency_penalty"), "frequency_penalty"),
    (("logprobs", "logprobs"), "top_logprobs"),
    (("maxOutputTokens", "max_output_tokens"), "max_output_tokens"),
    (("mediaResolution", "media_resolution"), "media_resolution"),
    (("presencePenalty", "presence_penalty"), "presence_penalty"),
    (("responseLogprobs", "response_logprobs"), "logprobs"),
    (("seed", "seed"), "seed"),
    (("temperature", "temperature"), "temperature"),
    (("topK", "top_k"), "top_k"),
    (("topP", "top_p"), "top_p"),
];

const THINKING: &[(Name, &str)] = &[
    (("includeThoughts", "include_thoughts"), "include_reasoning"),
    (("thinkingBudget", "thinking_budget"), "thinking_budget"),
    (("thinkingLevel", "thinking_level"), "reasoning_effort"),
];

const TOP: &[(Name, &str)] = &[
    (("outputDimensionality", "output_dimensionality"), "dimensions"),
    (("serviceTier", "service_tier"), "service_tier"),
    (("store", "store"), "store"),
    (("taskType", "task_type"), "task_type"),
];

/// Members whose values are words of a closed vocabulary, by the name under which they are told.
const WORDS: &[&str] = &[
    "media_resolution",
    "modalities",
    "reasoning_effort",
    "service_tier",
    "task_type",
    "tool_choice",
];

/// Categories of `safetySettings` and the names under which their thresholds are told.
const SAFETY: &[(&str, &str)] = &[
    ("HARM_CATEGORY_CIVIC_INTEGRITY", "safety_civic_integrity"),
    ("HARM_CATEGORY_DANGEROUS_CONTENT", "safety_dangerous_content"),
    ("HARM_CATEGORY_HARASSMENT", "safety_harassment"),
    ("HARM_CATEGORY_HATE_SPEECH", "safety_hate_speech"),
    ("HARM_CATEGORY_JAILBREAK", "safety_jailbreak"),
    ("HARM_CATEGORY_SEXUALLY_EXPLICIT", "safety_sexually_explicit"),
];

/// `HarmBlockThreshold` by number.
const THRESHOLDS: [&str; 6] = [
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];

/// `HarmCategory` by number; Gemini's numbers and Vertex's do not meet.
const CATEGORIES: [(u64, &str); 10] = [
    (1, "HARM_CATEGORY_HATE_SPEECH"),
    (2, "HARM_CATEGORY_DANGEROUS_CONTENT"),
    (3, "HARM_CATEGORY_HARASSMENT"),
    (4, "HARM_CATEGORY_SEXUALLY_EXPLICIT"),
    (5, "HARM_CATEGORY_CIVIC_INTEGRITY"),
    (7, "HARM_CATEGORY_HARASSMENT"),
    (8, "HARM_CATEGORY_HATE_SPEECH"),
    (9, "HARM_CATEGORY_SEXUALLY_EXPLICIT"),
    (10, "HARM_CATEGORY_DANGEROUS_CONTENT"),
    (11, "HARM_CATEGORY_CIVIC_INTEGRITY"),
];

/// Takes the clear-safe scalars of a request's body.
pub(super) fn read(body: &Value) -> Params {
    let mut params = Params::default();
    let config = get(body, ("generationConfig", "generation_config"));
    let thinking = config.and_then(|config| get(config, ("thinkingConfig", "thinking_config")));
    for (object, members) in [(Some(body), TOP), (config, CONFIG), (thinking, THINKING)] {
        let Some(object) = object else {
            continue;
        };
        for (name, told_as) in members {
            if let Some(value) = get(object, *name) {
                put(&mut params, told_as, value);
            }
        }
    }
    if let Some(config) = config {
        modalities(&mut params, config);
        if let Some(format) = response_format(config) {
            put_word(&mut params, "response_format", format);
        }
    }
    let tools = get(body, ("toolConfig", "tool_config"))
        .and_then(|tools| get(tools, ("functionCallingConfig", "function_calling_config")));
    if let Some(mode) = tools.and_then(|tools| tools.get("mode")) {
        put(&mut params, "tool_choice", mode);
    }
    safety(&mut params, body);
    params
}

/// Takes the parameters of embeddings: each request of a batch and each instance of Vertex's predict
/// has its own; the first are told.
pub(super) fn read_embed(body: &Value) -> Params {
    let mut params = read(body);
    let first = |key: &str| body.get(key).and_then(|list| list.get(0));
    for object in
        [first("requests"), first("instances"), body.get("parameters")].into_iter().flatten()
    {
        for (name, told_as) in TOP {
            if let Some(value) = get(object, *name) {
                put(&mut params, told_as, value);
            }
        }
    }
    params
}

fn put(params: &mut Params, name: &str, value: &Value) {
    let told = match value {
        Value::Bool(_) => value.clone(),
        Value::Number(number) => param_number(number),
        Value::String(word) if WORDS.contains(&name) => return put_word(params, name, word),
        _ => return,
    };
    params.0.insert(name.to_owned(), told);
}

fn put_word(params: &mut Params, name: &str, word: &str) {
    if is_word(word, 32) {
        params.0.insert(name.to_owned(), Value::from(word));
    }
}

/// Lists of words are told as one text joined by colons.
fn modalities(params: &mut Params, config: &Value) {
    let list = get(config, ("responseModalities", "response_modalities"));
    let Some(items) = list.and_then(Value::as_array) else {
        return;
    };
    let words: Vec<_> = items.iter().filter_map(Value::as_str).collect();
    if !words.is_empty() && words.len() == items.len() {
        put_word(params, "modalities", &words.join(":"));
    }
}

/// The format of the answer in OpenAI's words: media types are no words.
fn response_format(config: &Value) -> Option<&'static str> {
    const SCHEMAS: [Name; 3] = [
        ("responseSchema", "response_schema"),
        ("responseJsonSchema", "response_json_schema"),
        ("_responseJsonSchema", "_response_json_schema"),
    ];
    let told = get(config, ("responseMimeType", "response_mime_type")).and_then(Value::as_str)?;
    match told {
        "application/json" if SCHEMAS.iter().any(|name| get(config, *name).is_some()) => {
            Some("json_schema")
        }
        "application/json" => Some("json_object"),
        "text/plain" => Some("text"),
        "text/x.enum" => Some("enum"),
        _ => None,
    }
}

fn safety(params: &mut Params, body: &Value) {
    let settings = get(body, ("safetySettings", "safety_settings")).and_then(Value::as_array);
    for setting in settings.into_iter().flatten() {
        let category = match setting.get("category") {
            Some(Value::String(word)) => Some(word.as_str()),
            Some(Value::Number(number)) => CATEGORIES
                .iter()
                .find(|(value, _)| number.as_u64() == Some(*value))
                .map(|(_, word)| *word),
            _ => None,
        };
        let threshold = match setting.get("threshold") {
            Some(Value::String(word)) => Some(word.as_str()),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|value| usize::try_from(value).ok())
                .and_then(|value| THRESHOLDS.get(value).copied()),
            _ => None,
        };
        let name = SAFETY.iter().find(|(word, _)| category == Some(*word)).map(|(_, name)| *name);
        if let (Some(name), Some(threshold)) = (name, threshold)
            && THRESHOLDS.contains(&threshold)
        {
            put_word(params, name, threshold);
        }
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
    fn both_spellings_are_told_under_one_name() {
        let camel = json!({"generationConfig": {"topP": 0.50, "maxOutputTokens": 9,
            "thinkingConfig": {"thinkingBudget": 0, "includeThoughts": true}}});
        let snake = json!({"generation_config": {"top_p": 0.5, "max_output_tokens": 9,
            "thinking_config": {"thinking_budget": 0, "include_thoughts": true}}});
        let expected =
            r#"{"include_reasoning":true,"max_output_tokens":9,"thinking_budget":0,"top_p":0.5}"#;
        assert_eq!(told(&camel), expected);
        assert_eq!(told(&snake), expected);
    }

    #[test]
    fn only_what_is_safe_in_the_clear() {
        let body = json!({
            "generationConfig": {"stopSequences": ["Alice"], "responseMimeType": "application/json",
                "responseSchema": {"title": "secret"}, "responseModalities": ["TEXT", "AUDIO"],
                "speechConfig": {"voiceConfig": {"name": "Bob"}}, "seed": 3, "customer": 4711,
                "mediaResolution": "my free text", "thinkingConfig": {"thinkingLevel": "HIGH"}},
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
            "safetySettings": [
                {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
                {"category": 8, "threshold": 4},
                {"category": "Alice", "threshold": "OFF"},
                {"category": "HARM_CATEGORY_JAILBREAK", "threshold": "Alice"}],
            "labels": {"user": "alice"}, "cachedContent": "cachedContents/1",
        });
        assert_eq!(
            told(&body),
            concat!(
                r#"{"modalities":"TEXT:AUDIO","reasoning_effort":"HIGH","#,
                r#""response_format":"json_schema","safety_harassment":"BLOCK_NONE","#,
                r#""safety_hate_speech":"BLOCK_NONE","seed":3,"tool_choice":"ANY"}"#
            )
        );
    }
}
