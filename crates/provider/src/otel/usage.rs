//! Token counts under the conventions' names, new and old, without `gen_ai.usage.`.

use record::envelope::{Usage, UsageSource};
use serde_json::Value;

use crate::oddities::Oddities;
use crate::usage::{NORMALISER_VERSION, raw};

const INPUT: &[&str] = &["input_tokens", "prompt_tokens"];
const OUTPUT: &[&str] = &["output_tokens", "completion_tokens"];
const TOTAL: &[&str] = &["total_tokens"];
const CACHE_READ: &[&str] =
    &["cache_read.input_tokens", "cache_read_input_tokens", "prompt_details.cache_read"];
const CACHE_WRITE: &[&str] = &[
    "cache_creation.input_tokens",
    "cache_write.input_tokens",
    "cache_creation_input_tokens",
    "prompt_details.cache_write",
];
const REASONING: &[&str] =
    &["reasoning.output_tokens", "reasoning_tokens", "completion_details.reasoning"];

/// The conventions say that input holds what came from and went to the cache, and output holds
/// reasoning. An exporter that counted them beside is put right, with an oddity.
pub(super) fn read(usage: &Value, oddities: &mut Oddities) -> Option<Usage> {
    let members = usage.as_object()?;
    let told = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_u64());
    let known = [INPUT, OUTPUT, TOTAL, CACHE_READ, CACHE_WRITE, REASONING];
    if !known.iter().any(|names| told(names).is_some()) {
        return None;
    }
    let count = |names: &[&str]| told(names).unwrap_or(0);
    let (cache_read, cache_write) = (count(CACHE_READ), count(CACHE_WRITE));
    let (mut input, mut output, reasoning) = (count(INPUT), count(OUTPUT), count(REASONING));
    if told(INPUT).is_none() {
        // Embeddings are often told by their total alone.
        input = count(TOTAL).saturating_sub(output);
    }
    let cached = cache_read.saturating_add(cache_write);
    if cached > input {
        oddities.at("usage_cache_exceeds_input", "usage");
        input = input.saturating_add(cached);
    }
    if reasoning > output {
        oddities.at("usage_reasoning_exceeds_output", "usage");
        output = reasoning;
    }
    let sum = input.saturating_add(output);
    let total = told(TOTAL).filter(|total| *total >= sum).unwrap_or(sum);
    Some(Usage {
        cache_read,
        cache_write,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(usage),
        reasoning,
        source: UsageSource::Provider,
        total,
    })
}
