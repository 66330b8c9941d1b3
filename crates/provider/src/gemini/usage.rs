//! Token counts out of `usageMetadata`. Facts: `WIRE.md` §3.

use record::envelope::{Usage, UsageSource};
use serde_json::Value;

use crate::oddities::Oddities;
use crate::usage::{NORMALISER_VERSION, number, raw};

/// Google's object. Thoughts are not in the candidates' count, and what tools put into the prompt is
/// not in the prompt's. `None` when it counts nothing: Vertex names its kind of traffic in each
/// chunk and the counts in the last.
pub(super) fn read(usage: &Value, oddities: &mut Oddities) -> Option<Usage> {
    let told = |camel, snake| number(usage, &[camel, snake]);
    let prompt = told("/promptTokenCount", "/prompt_token_count");
    let tools = told("/toolUsePromptTokenCount", "/tool_use_prompt_token_count");
    let candidates = told("/candidatesTokenCount", "/candidates_token_count");
    let thoughts = told("/thoughtsTokenCount", "/thoughts_token_count");
    let total = told("/totalTokenCount", "/total_token_count");
    if [prompt, tools, candidates, thoughts, total].iter().all(Option::is_none) {
        return None;
    }
    let reasoning = thoughts.unwrap_or(0);
    let input = prompt.unwrap_or(0).saturating_add(tools.unwrap_or(0));
    let output = candidates.unwrap_or(0).saturating_add(reasoning);
    let sum = input.saturating_add(output);
    if total.is_some_and(|total| total != sum) {
        oddities.at("usage_total_differs", "usageMetadata");
    }
    Some(Usage {
        cache_read: told("/cachedContentTokenCount", "/cached_content_token_count").unwrap_or(0),
        cache_write: 0,
        input,
        normaliser: NORMALISER_VERSION,
        output,
        raw: raw(usage),
        reasoning,
        source: UsageSource::Provider,
        total: total.unwrap_or(sum),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn thoughts_and_what_tools_put_in_are_added() {
        let mut oddities = Oddities::default();
        let usage = read(
            &json!({"promptTokenCount": 427, "toolUsePromptTokenCount": 102, "thoughtsTokenCount": 412,
                "candidatesTokenCount": 41, "cachedContentTokenCount": 400, "totalTokenCount": 982,
                "trafficType": "ON_DEMAND", "promptTokensDetails": [{"modality": "TEXT"}]}),
            &mut oddities,
        )
        .unwrap();
        assert_eq!((usage.input, usage.output, usage.reasoning), (529, 453, 412));
        assert_eq!((usage.cache_read, usage.total), (400, 982));
        assert!(oddities.into_list().is_empty());
    }

    #[test]
    fn a_total_that_does_not_add_up_is_told() {
        let mut oddities = Oddities::default();
        let counts =
            json!({"prompt_token_count": 5, "candidates_token_count": 2, "total_token_count": 9});
        let usage = read(&counts, &mut oddities).unwrap();
        assert_eq!((usage.input, usage.output, usage.total), (5, 2, 9));
        assert_eq!(oddities.into_list().len(), 1);
        assert!(read(&json!({"trafficType": "ON_DEMAND"}), &mut Oddities::default()).is_none());
        assert!(read(&json!(7), &mut Oddities::default()).is_none());
    }
}
