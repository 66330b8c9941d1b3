//! Token counts out of a provider's usage object. Facts: `WIRE.md` §3.

use std::collections::BTreeMap;

use record::envelope::{Usage, UsageSource, param_number};
use serde_json::Value;

use crate::HeaderTokens;
use crate::oddities::Oddities;
use crate::word::is_word;

/// Version of the rules in this file; it stands in every record that used them.
pub const NORMALISER_VERSION: u16 = 2;

/// OpenAI's objects, of chat (`prompt_tokens`) and of Responses (`input_tokens`), and those of
/// compatible providers.
pub(crate) fn openai(usage: &Value, oddities: &mut Oddities) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let input = number(usage, &["/prompt_tokens", "/input_tokens"]);
    let mut output = number(usage, &["/completion_tokens", "/output_tokens"]);
    let cache_read = number(
        usage,
        &[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/prompt_token_details/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cached_tokens",
            "/num_cached_tokens",
        ],
    );
    let cache_write = number(
        usage,
        &[
            "/prompt_tokens_details/cache_write_tokens",
            "/input_tokens_details/cache_write_tokens",
            "/cache_creation_input_tokens",
        ],
    );
    let reasoning = number(
        usage,
        &[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/completion_token_details/reasoning_tokens",
            "/reasoning_tokens",
        ],
    );
    let told = number(usage, &["/total_tokens"]);
    let mut total = told.unwrap_or(0);
    let (input, reasoning) = (input.unwrap_or(0), reasoning.unwrap_or(0));
    let plain = output.unwrap_or(0);
    if reasoning > 0 && told == Some(input.saturating_add(plain).saturating_add(reasoning)) {
        // xAI counts reasoning beside the completion; OpenAI inside.
        output = Some(plain.saturating_add(reasoning));
    } else if reasoning > plain {
        // Gateways that took the completion's count from one place and reasoning from another.
        oddities.at("usage_reasoning_exceeds_output", "usage");
        output = Some(reasoning);
    }
    let output = output.unwrap_or(0);
    if told.is_none() {
        total = input.saturating_add(output);
    }
    Some(Usage {
        cache_read: cache_read.unwrap_or(0),
        cache_write: cache_write.unwrap_or(0),
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(usage),
        reasoning,
        source: UsageSource::Provider,
        total,
    })
}

/// Anthropic's object, whose `input_tokens` leave out what came from or went to the cache.
pub(crate) fn anthropic(usage: &Value) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let count = |path| number(usage, &[path]).unwrap_or(0);
    let cache_read = count("/cache_read_input_tokens");
    let cache_write = count("/cache_creation_input_tokens");
    let input = count("/input_tokens").saturating_add(cache_read).saturating_add(cache_write);
    let output = count("/output_tokens");
    Some(Usage {
        cache_read,
        cache_write,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(usage),
        reasoning: count("/output_tokens_details/thinking_tokens"),
        source: UsageSource::Provider,
        total: input.saturating_add(output),
    })
}

/// Cohere's object of chat, version 2. `tokens` are what the model read and wrote; `billed_units`
/// leave out what Cohere's own prompt adds, and stand in `raw` for the cost.
pub(crate) fn cohere(usage: &Value) -> Option<Usage> {
    let count = |paths: &[&str]| number(usage, paths);
    let billed = || {
        let units = ["/billed_units/input_tokens", "/billed_units/image_tokens"];
        let mut told = units.iter().filter_map(|path| count(&[path])).peekable();
        told.peek().is_some().then(|| told.sum::<u64>())
    };
    let input = count(&["/tokens/input_tokens", "/token_count/prompt_tokens"]).or_else(billed);
    let output = count(&[
        "/tokens/output_tokens",
        "/token_count/response_tokens",
        "/billed_units/output_tokens",
    ]);
    let units = ["/billed_units/search_units", "/billed_units/classifications"];
    if input.is_none() && output.is_none() && count(&units).is_none() {
        return None;
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    Some(Usage {
        cache_read: count(&["/cached_tokens"]).unwrap_or(0),
        cache_write: 0,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(usage),
        reasoning: 0,
        source: UsageSource::Provider,
        total: input.saturating_add(output),
    })
}

/// What Cohere's other answers tell: `meta`, and `token_count` of older ones.
pub(crate) fn cohere_v1(body: &Value) -> Option<Usage> {
    let mut counts = serde_json::Map::new();
    for key in ["tokens", "billed_units", "cached_tokens"] {
        if let Some(told) = body.get("meta").and_then(|meta| meta.get(key)) {
            counts.insert(key.to_owned(), told.clone());
        }
    }
    if let Some(told) = body.get("token_count") {
        counts.insert("token_count".to_owned(), told.clone());
    }
    cohere(&Value::Object(counts))
}

/// Ollama's counts, which stand in the answer itself. `prompt_eval_count` is absent when the
/// prompt came from the cache. Durations, in nanoseconds, are kept in `raw`.
pub(crate) fn ollama(body: &Value) -> Option<Usage> {
    let (input, output) = (number(body, &["/prompt_eval_count"]), number(body, &["/eval_count"]));
    if input.is_none() && output.is_none() {
        return None;
    }
    let told = [
        "eval_count",
        "eval_duration",
        "load_duration",
        "prompt_eval_count",
        "prompt_eval_duration",
        "total_duration",
    ];
    let counts: serde_json::Map<String, Value> =
        told.iter().filter_map(|key| Some(((*key).to_owned(), body.get(*key)?.clone()))).collect();
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    Some(Usage {
        cache_read: 0,
        cache_write: 0,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(&Value::Object(counts)),
        reasoning: 0,
        source: UsageSource::Provider,
        total: input.saturating_add(output),
    })
}

/// The counts that an answer's headers tell, when its body tells none.
pub(crate) fn of_headers(tokens: &HeaderTokens) -> Option<Usage> {
    if *tokens == HeaderTokens::default() {
        return None;
    }
    let count = |told: Option<u64>| told.unwrap_or(0);
    let (cache_read, cache_write) = (count(tokens.cache_read), count(tokens.cache_write));
    let input = count(tokens.input).saturating_add(cache_read).saturating_add(cache_write);
    let output = count(tokens.output);
    Some(Usage {
        cache_read,
        cache_write,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(&serde_json::json!({
            "cache_read_header": tokens.cache_read,
            "cache_write_header": tokens.cache_write,
            "input_header": tokens.input,
            "output_header": tokens.output,
        })),
        reasoning: 0,
        source: UsageSource::Provider,
        total: input.saturating_add(output),
    })
}

/// The first of the paths, each `/member/member`, that leads to a count.
pub(crate) fn number(usage: &Value, paths: &[&str]) -> Option<u64> {
    // `Value::pointer` unescapes each step into a string of its own; ours have nothing to unescape.
    let at = |path: &str| path.split('/').skip(1).try_fold(usage, |value, key| value.get(key));
    paths.iter().find_map(|path| at(path).and_then(Value::as_u64))
}

/// The object's numbers, booleans and identifier-like words, with sorted keys: it stands in the
/// envelope, whose plain serialisation is the canonical form.
pub(crate) fn raw(value: &Value) -> Value {
    match value {
        Value::Number(number) => param_number(number),
        Value::Array(items) => items.iter().filter(|item| is_clear(item)).map(raw).collect(),
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members
                .iter()
                .filter(|(key, member)| is_word(key, 64) && is_clear(member))
                .map(|(key, member)| (key.clone(), raw(member)))
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        other => other.clone(),
    }
}

fn is_clear(value: &Value) -> bool {
    match value {
        Value::String(text) => is_word(text, 64),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(usage: &Value) -> (u64, u64, u64, u64) {
        let usage = openai(usage, &mut Oddities::default()).unwrap();
        (usage.input, usage.output, usage.reasoning, usage.total)
    }

    #[test]
    fn reasoning_beside_the_completion_is_added() {
        let details = json!({"reasoning_tokens": 30});
        assert_eq!(
            of(&json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45,
                       "completion_tokens_details": details})),
            (10, 35, 30, 45)
        );
        assert_eq!(
            of(&json!({"prompt_tokens": 10, "completion_tokens": 35, "total_tokens": 45,
                       "completion_tokens_details": details})),
            (10, 35, 30, 45)
        );
        assert_eq!(
            of(&json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
                       "completion_tokens_details": details})),
            (10, 30, 30, 15)
        );
    }

    #[test]
    fn anthropic_input_takes_the_cache_in() {
        let usage = anthropic(&json!({"input_tokens": 3, "cache_read_input_tokens": 40,
            "cache_creation_input_tokens": 5, "output_tokens": 7}))
        .unwrap();
        assert_eq!((usage.input, usage.output, usage.total), (48, 7, 55));
    }

    #[test]
    fn raw_is_clear_and_canonical() {
        let source = r#"{"z":1.50,"a":{"y":true,"b":"tier one","c":"tier_1","n":null},
            "big":123456789012345678901234567890,"key with space":1,"l":["free text","w",2]}"#;
        let filtered = raw(&serde_json::from_str(source).unwrap());
        let plain = serde_json::to_string(&filtered).unwrap();
        assert_eq!(plain, record::canonical_string(&filtered).unwrap());
        assert!(!plain.contains("tier one") && !plain.contains("free text"), "{plain}");
        assert!(plain.contains(r#""c":"tier_1""#), "{plain}");
    }
}
