//! Token counts of Bedrock and of the models' own formats. Facts: `WIRE.md` §3.

use record::envelope::{Usage, UsageSource};
use serde_json::{Map, Value};

use crate::usage::{NORMALISER_VERSION, raw};

/// The measurements that Bedrock adds to the last piece of a stream.
pub(super) const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// Members that Bedrock adds to the last piece alone. A guardrail that blocks a request leaves no
/// measurements, but its trace.
pub(super) const LAST: [&str; 2] = [METRICS, "amazon-bedrock-trace"];

/// Converse's object, and Nova's: `inputTokens` leave out what came from or went to the cache.
pub(super) fn converse(usage: &Value) -> Option<Usage> {
    let read = ["cacheReadInputTokens", "cacheReadInputTokenCount"];
    let write = ["cacheWriteInputTokens", "cacheWriteInputTokenCount"];
    let told = first(usage, &["totalTokens"]);
    counts(usage, &["inputTokens"], &["outputTokens"], &read, &write, told)
}

/// Bedrock's own measurements, where the model tells nothing.
pub(super) fn metrics(metrics: &Value) -> Option<Usage> {
    let read = ["cacheReadInputTokenCount"];
    let write = ["cacheWriteInputTokenCount"];
    counts(metrics, &["inputTokenCount"], &["outputTokenCount"], &read, &write, None)
}

/// What Titan and Llama tell beside their output.
pub(super) fn own(body: &Value) -> Option<Usage> {
    let mut told = Map::new();
    for key in ["inputTextTokenCount", "prompt_token_count", "generation_token_count"] {
        if let Some(count) = body.get(key).and_then(count) {
            told.insert(key.to_owned(), Value::from(count));
        }
    }
    let results = body.get("results").and_then(Value::as_array);
    let tokens = |result: &Value| result.get("tokenCount").and_then(count);
    let written: Vec<u64> = results.into_iter().flatten().filter_map(tokens).collect();
    if !written.is_empty() {
        let sum = written.into_iter().fold(0, u64::saturating_add);
        told.insert("tokenCount".to_owned(), Value::from(sum));
    }
    if told.is_empty() {
        return None;
    }
    let input = ["inputTextTokenCount", "prompt_token_count"];
    let output = ["tokenCount", "generation_token_count"];
    counts(&Value::Object(told), &input, &output, &[], &[], None)
}

fn counts(
    usage: &Value,
    input: &[&str],
    output: &[&str],
    read: &[&str],
    write: &[&str],
    told: Option<u64>,
) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let first = |keys| first(usage, keys).unwrap_or(0);
    let (plain, output) = (first(input), first(output));
    let (cache_read, cache_write) = (first(read), first(write));
    let cached = cache_read.saturating_add(cache_write);
    // Where the total has no place for the cache, the input has it in it.
    let inside = cached <= plain && told == Some(plain.saturating_add(output));
    let input = if inside { plain } else { plain.saturating_add(cached) };
    let sum = input.saturating_add(output);
    Some(Usage {
        cache_read,
        cache_write,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(usage),
        reasoning: 0,
        source: UsageSource::Provider,
        total: told.unwrap_or(sum),
    })
}

fn first(usage: &Value, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| usage.get(*key).and_then(count))
}

/// A count; behind a guardrail, Titan writes `28.0`.
fn count(value: &Value) -> Option<u64> {
    let text = value.as_number()?.to_string();
    let digits = text.split_once('.').map_or(text.as_str(), |(digits, zeros)| {
        if zeros.bytes().all(|byte| byte == b'0') { digits } else { "" }
    });
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(usage: Option<Usage>) -> (u64, u64, u64) {
        let usage = usage.unwrap();
        (usage.input, usage.output, usage.total)
    }

    #[test]
    fn the_cache_is_beside_the_input_unless_the_total_says_otherwise() {
        let beside = json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 48,
            "cacheReadInputTokens": 30, "cacheWriteInputTokens": 10});
        assert_eq!(told(converse(&beside)), (43, 5, 48));
        let inside = json!({"inputTokens": 43, "outputTokens": 5, "totalTokens": 48,
            "cacheReadInputTokenCount": 40});
        assert_eq!(told(converse(&inside)), (43, 5, 48));
        let untold = json!({"inputTokens": 3, "outputTokens": 5, "cacheReadInputTokenCount": 40});
        assert_eq!(told(converse(&untold)), (43, 5, 48));
    }

    #[test]
    fn counts_of_models_and_of_bedrock() {
        let titan =
            r#"{"inputTextTokenCount":28.0,"results":[{"tokenCount":2.0},{"tokenCount":3}]}"#;
        assert_eq!(told(own(&serde_json::from_str(titan).unwrap())), (28, 5, 33));
        let llama = json!({"prompt_token_count": 9, "generation_token_count": 26});
        assert_eq!(told(own(&llama)), (9, 26, 35));
        assert_eq!(own(&json!({"outputs": []})), None);
        let measured = json!({"inputTokenCount": 4, "outputTokenCount": 2, "invocationLatency": 9});
        assert_eq!(told(metrics(&measured)), (4, 2, 6));
    }
}
