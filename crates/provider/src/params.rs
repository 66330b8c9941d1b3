//! Parameters of a request that are safe in the clear.

use record::envelope::{Params, param_number};
use serde_json::Value;

use crate::word::is_word;

/// Numbers and booleans that are told: parameters that providers document. A number under any other
/// name may be anybody's, and stays in the sealed skeleton.
const KNOWN: &[&str] = &[
    "background",
    "best_of",
    "candidate_count",
    "dimensions",
    "echo",
    "enable_thinking",
    "force_single_step",
    "frequency_penalty",
    "include_reasoning",
    "k",
    "logprobs",
    "main_gpu",
    "max_chunks_per_doc",
    "max_completion_tokens",
    "max_input_tokens",
    "max_new_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tokens_per_doc",
    "max_tokens_to_sample",
    "max_tool_calls",
    "min_p",
    "min_tokens",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "n",
    "num_batch",
    "num_ctx",
    "num_generations",
    "num_gpu",
    "num_keep",
    "num_predict",
    "num_thread",
    "output_dimension",
    "p",
    "parallel_tool_calls",
    "penalize_newline",
    "presence_penalty",
    "priority",
    "prompt_truncate_len",
    "random_seed",
    "raw",
    "raw_prompting",
    "repeat_last_n",
    "repeat_penalty",
    "repetition_penalty",
    "return_documents",
    "safe_prompt",
    "search_queries_only",
    "seed",
    "store",
    "strict_tools",
    "temperature",
    "tfs_z",
    "thinking_budget",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_n",
    "top_p",
    "typical_p",
    "use_mmap",
];

/// Keys whose words come from a closed vocabulary.
const WORDS: &[&str] = &[
    "citation_quality",
    "encoding_format",
    "format",
    "function_call",
    "inference_geo",
    "input_type",
    "keep_alive",
    "output_dtype",
    "prompt_cache_retention",
    "prompt_mode",
    "prompt_truncation",
    "reasoning_effort",
    "reasoning_format",
    "response_format",
    "safety_mode",
    "search_context_size",
    "search_mode",
    "service_tier",
    "speed",
    "think",
    "tool_choice",
    "truncate",
    "truncation",
    "verbosity",
];

/// Members of nested objects and the names under which they are told.
const NESTED: &[(&str, &str, &str)] = &[
    ("citation_options", "mode", "citation_mode"),
    ("reasoning", "effort", "reasoning_effort"),
    ("reasoning", "summary", "reasoning_summary"),
    ("reasoning", "enabled", "reasoning_enabled"),
    ("reasoning", "exclude", "reasoning_exclude"),
    ("reasoning", "max_tokens", "reasoning_max_tokens"),
    ("response_format", "type", "response_format"),
    ("stream_options", "include_usage", "include_usage"),
    ("text", "verbosity", "verbosity"),
    ("thinking", "budget_tokens", "thinking_budget_tokens"),
    ("thinking", "token_budget", "thinking_budget_tokens"),
    ("thinking", "display", "thinking_display"),
    ("thinking", "type", "thinking_type"),
    ("tool_choice", "type", "tool_choice"),
    ("tool_choice", "disable_parallel_tool_use", "disable_parallel_tool_use"),
    ("output_config", "effort", "reasoning_effort"),
];

/// Lists of words, told as one text joined by colons.
const LISTS: &[&str] = &["embedding_types", "include", "modalities"];

/// Takes the clear-safe scalars of a request's body.
pub(crate) fn read(body: &Value) -> Params {
    let mut params = Params::default();
    let Value::Object(members) = body else {
        return params;
    };
    let mut put = |key: &str, value: &Value, word_ok: bool| {
        let told = match value {
            Value::Bool(_) => value.clone(),
            Value::Number(number) => param_number(number),
            Value::String(text) if word_ok && is_word(text, 32) => value.clone(),
            _ => return,
        };
        params.0.insert(key.to_owned(), told);
    };
    for (key, value) in members {
        let word_ok = WORDS.contains(&key.as_str());
        if word_ok || KNOWN.contains(&key.as_str()) {
            put(key, value, word_ok);
        }
    }
    for (outer, inner, name) in NESTED {
        if let Some(value) = members.get(*outer).and_then(|object| object.get(*inner)) {
            put(name, value, true);
        }
    }
    let format = members.get("text").and_then(|text| text.get("format"));
    if let Some(value) = format.and_then(|format| format.get("type")) {
        put("response_format", value, true);
    }
    for key in LISTS {
        if let Some(Value::Array(items)) = members.get(*key) {
            let words: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            if !words.is_empty() && words.len() == items.len() {
                put(key, &Value::from(words.join(":")), true);
            }
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_in_the_clear() {
        let body = serde_json::json!({
            "model": "m", "temperature": 0.20, "n": 1, "store": false, "stop": "Alice",
            "user": 12345, "metadata": {"a": 1}, "prompt_cache_key": "alice", "seed": 7,
            "reasoning_effort": "high", "service_tier": "my free text", "tool_choice": "auto",
            "reasoning": {"effort": "low", "summary": "auto"}, "modalities": ["text", "audio"],
            "response_format": {"type": "json_schema", "json_schema": {"name": "secret"}},
            "text": {"format": {"type": "text"}, "verbosity": "low"},
            "custom": "word", "a key with spaces": 1, "customer": 4711,
            "tool_choice_extra": {"type": "x"}, "stream": true,
        });
        assert_eq!(
            serde_json::to_string(&read(&body)).unwrap(),
            concat!(
                r#"{"modalities":"text:audio","n":1,"reasoning_effort":"low","#,
                r#""reasoning_summary":"auto","response_format":"text","seed":7,"store":false,"#,
                r#""temperature":0.2,"tool_choice":"auto","verbosity":"low"}"#
            )
        );
    }
}
