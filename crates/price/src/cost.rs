//! From a call's token counts to its cost.

use record::envelope::{Cost, Usage};
use serde_json::Value;

use crate::prices::{Call, Prices};
use crate::rates::{Level, Tokens};
use crate::table::Entry;

/// Words of service tiers, speeds and places that mean the price of the table, in lower case. What
/// is not here has a price of its own, or none that is known.
const ORDINARY: [&str; 8] =
    ["", "auto", "default", "global", "not_available", "on_demand", "standard", "unspecified"];

impl Prices {
    /// What a call's tokens cost, by the first table that knows the model; `None` where that cannot
    /// be told for certain.
    pub fn cost(&self, call: &Call<'_>, usage: &Usage) -> Option<Cost> {
        let found = self.of_call(call)?;
        if beside_text(&usage.raw) {
            return None;
        }
        let level = level(found.entry, call.service_tier, &usage.raw)?;
        let tokens = tokens(usage);
        Some(Cost {
            micro_usd: level.rates(tokens.input).cost(&tokens)?,
            source: "price-table".to_owned(),
            table: Some(found.date.to_owned()),
        })
    }
}

/// The prices of the service tier that the call had. Two things out of the ordinary at once have a
/// price that no table tells.
fn level<'a>(entry: &'a Entry, service_tier: Option<&str>, raw: &Value) -> Option<&'a Level> {
    let members =
        ["service_tier", "serviceTier", "trafficType", "traffic_type", "speed", "inference_geo"];
    let told = members.iter().filter_map(|member| raw.get(member)?.as_str());
    let mut words: Vec<String> = service_tier
        .into_iter()
        .chain(told)
        .map(str::to_ascii_lowercase)
        // Google's words: `ON_DEMAND_FLEX`, `TRAFFIC_TYPE_UNSPECIFIED`.
        .map(|word| word.trim_start_matches("traffic_type_").to_owned())
        .filter(|word| !ORDINARY.contains(&word.as_str()))
        .map(|word| word.strip_prefix("on_demand_").map(str::to_owned).unwrap_or(word))
        .collect();
    words.sort_unstable();
    words.dedup();
    match words.as_slice() {
        [] => Some(&entry.level),
        [word] => entry.tiers.get(word),
        _ => None,
    }
}

/// Whether some of the tokens are of sound, or of pictures that were made: those have prices of
/// their own.
fn beside_text(raw: &Value) -> bool {
    let some = |count: &Value| count.as_u64().is_some_and(|count| count > 0);
    let counts = [
        "/prompt_tokens_details/audio_tokens",
        "/input_tokens_details/audio_tokens",
        "/completion_tokens_details/audio_tokens",
        "/output_tokens_details/audio_tokens",
        "/completion_tokens_details/image_tokens",
        "/output_tokens_details/image_tokens",
        // Cohere's pictures for embeddings.
        "/billed_units/image_tokens",
    ];
    // Google's lists, by its words or the numbers that it has for them.
    let google = |members: [&str; 2], of_text: fn(&Value) -> bool| {
        let parts = members.iter().find_map(|member| raw.get(member)?.as_array());
        parts.into_iter().flatten().any(|part| {
            let amount = part.get("tokenCount").or_else(|| part.get("token_count"));
            amount.is_some_and(some) && !part.get("modality").is_none_or(of_text)
        })
    };
    let read = |modality: &Value| modality != "AUDIO" && modality.as_u64() != Some(4);
    let made = |modality: &Value| {
        modality.as_str().map_or(modality.as_u64() == Some(1), |word| word == "TEXT")
    };
    counts.iter().any(|path| raw.pointer(path).is_some_and(some))
        || google(["promptTokensDetails", "prompt_tokens_details"], read)
        || google(["candidatesTokensDetails", "candidates_tokens_details"], made)
}

/// The counts that have prices: those that are billed, where the provider tells them apart.
fn tokens(usage: &Usage) -> Tokens {
    let raw = &usage.raw;
    let count = |path: &str| raw.pointer(path).and_then(Value::as_u64);
    // Cohere adds tokens of its own to a prompt, which it does not ask money for.
    if let Some(input) = count("/billed_units/input_tokens") {
        let output = count("/billed_units/output_tokens").unwrap_or(0);
        return Tokens { input, output, ..Tokens::default() };
    }
    // Anthropic's name, and Bedrock's.
    let for_an_hour = count("/cache_creation/ephemeral_1h_input_tokens").unwrap_or_else(|| {
        let details = raw.get("cacheDetails").and_then(Value::as_array);
        let hours = details
            .into_iter()
            .flatten()
            .filter(|detail| detail.get("ttl").and_then(Value::as_str) == Some("1h"));
        hours.filter_map(|detail| detail.get("inputTokens")?.as_u64()).fold(0, u64::saturating_add)
    });
    Tokens {
        input: usage.input,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
        cache_write_1h: for_an_hour,
        output: usage.output,
    }
}

#[cfg(test)]
mod tests {
    use record::envelope::UsageSource;
    use serde_json::json;

    use super::*;
    use crate::table::Table;

    const LIST: &str = r#"date = "2026-11-01"
[[provider]]
names = ["acme"]
source = "a test"
model = [
    { names = ["m"], input = 3, cached_input = 0.3, cache_write = 3.75, cache_write_1h = 6, output = 15,
      tier = { batch = { input = 1.5, output = 7.5 }, flex = { input = 1, output = 5 } } },
]
"#;

    fn usage(input: u64, output: u64, raw: Value) -> Usage {
        Usage {
            cache_read: 0,
            cache_write: 0,
            input,
            normaliser: 1,
            output,
            raw,
            reasoning: 0,
            source: UsageSource::Provider,
            total: input + output,
        }
    }

    fn cost(tier: Option<&str>, usage: &Usage) -> Option<u64> {
        let prices = Prices::new(Some(Table::parse(LIST).unwrap()), None);
        let call = Call {
            upstream: "acme",
            provider: "acme",
            requested: None,
            answered: Some("m"),
            served: &[],
            service_tier: tier,
        };
        let cost = prices.cost(&call, usage)?;
        assert_eq!(
            (cost.source.as_str(), cost.table.as_deref()),
            ("price-table", Some("2026-11-01"))
        );
        Some(cost.micro_usd)
    }

    #[test]
    fn tiers_have_their_prices_and_unknown_ones_none() {
        // 100 × 3 + 10 × 15 = 450; half of it in a batch; 100 × 1 + 10 × 5 = 150 for flex.
        let of = |tier, raw| cost(tier, &usage(100, 10, raw));
        assert_eq!(of(None, json!({})), Some(450));
        for word in ["default", "standard", "auto", "on_demand", "DEFAULT"] {
            assert_eq!(of(Some(word), json!({})), Some(450), "{word}");
        }
        assert_eq!(of(None, json!({"service_tier": "batch"})), Some(225));
        assert_eq!(of(Some("flex"), json!({})), Some(150));
        assert_eq!(of(None, json!({"trafficType": "ON_DEMAND_FLEX"})), Some(150));
        assert_eq!(of(None, json!({"trafficType": "ON_DEMAND"})), Some(450));
        assert_eq!(of(Some("priority"), json!({})), None);
        assert_eq!(of(None, json!({"speed": "fast"})), None);
        assert_eq!(of(None, json!({"speed": "standard", "inference_geo": "global"})), Some(450));
        assert_eq!(of(None, json!({"inference_geo": "us"})), None);
        assert_eq!(of(Some("flex"), json!({"service_tier": "batch"})), None);
    }

    #[test]
    fn the_cache_of_an_hour_is_told_apart() {
        // 100 × 3 + 400 × 3.75 + 100 × 6 = 300 + 1500 + 600 = 2400.
        let mut written = usage(
            600,
            0,
            json!({"cache_creation":
            {"ephemeral_1h_input_tokens": 100, "ephemeral_5m_input_tokens": 400}}),
        );
        written.cache_write = 500;
        assert_eq!(cost(None, &written), Some(2400));
        written.raw = json!({"cacheDetails": [
            {"inputTokens": 400, "ttl": "5m"}, {"inputTokens": 100, "ttl": "1h"}]});
        assert_eq!(cost(None, &written), Some(2400));
        // More for an hour than was written at all: somebody is wrong.
        written.raw = json!({"cache_creation": {"ephemeral_1h_input_tokens": 501}});
        assert_eq!(cost(None, &written), None);
    }

    #[test]
    fn billed_units_are_what_is_billed() {
        // 7 × 3 + 88 × 15 = 1341, not the 500 tokens that the model saw.
        let raw = json!({"billed_units": {"input_tokens": 7, "output_tokens": 88},
            "tokens": {"input_tokens": 500, "output_tokens": 90}});
        assert_eq!(cost(None, &usage(500, 90, raw)), Some(1341));
    }

    #[test]
    fn sound_and_made_pictures_have_no_price_here() {
        for raw in [
            json!({"prompt_tokens_details": {"audio_tokens": 3}}),
            json!({"completion_tokens_details": {"audio_tokens": 3}}),
            json!({"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}]}),
            json!({"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}]}),
            json!({"prompt_tokens_details": [{"modality": 4, "token_count": 3}]}),
            json!({"candidatesTokensDetails": [{"modality": 2, "tokenCount": 3}]}),
        ] {
            assert_eq!(cost(None, &usage(100, 10, raw.clone())), None, "{raw}");
        }
        for raw in [
            json!({"prompt_tokens_details": {"audio_tokens": 0}}),
            json!({"promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}]}),
            json!({"candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 3}]}),
            json!({"candidatesTokensDetails": [{"modality": 1, "tokenCount": 3}, {}]}),
            json!({"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 0}]}),
            json!([1, "x", null]),
        ] {
            assert_eq!(cost(None, &usage(100, 10, raw.clone())), Some(450), "{raw}");
        }
    }

    #[test]
    fn counts_that_are_part_of_others_are_not_paid_twice() {
        let mut reasoned = usage(100, 10, json!({}));
        reasoned.reasoning = 9;
        assert_eq!(cost(None, &reasoned), Some(450));
        // 20 × 3 + 80 × 0.3 + 10 × 15 = 60 + 24 + 150.
        reasoned.cache_read = 80;
        assert_eq!(cost(None, &reasoned), Some(234));
    }
}
