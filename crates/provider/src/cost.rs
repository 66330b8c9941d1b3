//! What an answer says that it cost, and in which service tier it was made.
//!
//! | who | where | unit |
//! |---|---|---|
//! | `OpenRouter`, Vercel's gateway, Avian | `usage.cost` | dollars |
//! | Perplexity | `usage.cost.total_cost` | dollars |
//! | xAI | `usage.cost_in_usd_ticks` | 10⁻¹⁰ dollars |
//! | Vercel's gateway | `provider_metadata.gateway.cost` | dollars, as text |
//! | Pydantic's gateway | `usage.pydantic_ai_gateway.cost_estimate` | dollars |
//!
//! A number is read as the decimal text that it is: no floating point, rounded half up once.

use serde_json::Value;

use crate::json;
use crate::oddities::Oddities;
use crate::word::is_word;

/// Decimals in which amounts are summed before they are rounded.
const DECIMALS: i32 = 18;
/// One millionth of a dollar in the unit of the sums.
const MICRO: u128 = 1_000_000_000_000;
/// Decimals of xAI's ticks: 2,488,500 of them are the 248.85 µ$ that its price list gives for the
/// same tokens.
const TICK: i32 = 10;
/// The largest integer that canonical JSON holds, in millionths of a dollar.
const MOST: u128 = (1 << 53) - 1;

/// A cost is told, and it is none that can be.
struct Unclear;

/// The cost that an answer tells, in millionths of a US dollar.
pub(crate) fn cost(body: &Value, oddities: &mut Oddities) -> Option<u64> {
    let micro = told(body).and_then(|sum| sum.map(micro).transpose());
    micro.unwrap_or_else(|Unclear| {
        oddities.at("cost_unclear", "usage");
        None
    })
}

/// Rounds half up.
fn micro(sum: u128) -> Result<u64, Unclear> {
    let micro = sum.saturating_add(MICRO / 2) / MICRO;
    if micro > MOST {
        return Err(Unclear);
    }
    u64::try_from(micro).map_err(|_| Unclear)
}

/// What the first place that tells a cost tells.
fn told(body: &Value) -> Result<Option<u128>, Unclear> {
    let usages = [body.get("usage"), body.pointer("/x_groq/usage"), body.get("usageMetadata")];
    for usage in usages.into_iter().flatten() {
        if let Some(cost) = json::given(usage, "cost") {
            let total = if cost.is_object() { cost.get("total_cost") } else { Some(cost) };
            let sum = total.and_then(|total| amount(total, 0)).ok_or(Unclear)?;
            let own = own_key(usage).and_then(|own| sum.checked_add(own));
            return own.map(Some).ok_or(Unclear);
        }
        if let Some(ticks) = json::given(usage, "cost_in_usd_ticks") {
            return amount(ticks, TICK).map(Some).ok_or(Unclear);
        }
    }
    let first = body.pointer("/choices/0/message");
    let metadata = [Some(body), first].into_iter().flatten().find_map(|holder| {
        ["provider_metadata", "providerMetadata"].iter().find_map(|key| holder.get(key))
    });
    let gateway = metadata.and_then(|metadata| json::given(metadata.get("gateway")?, "cost"));
    let estimate = usages
        .into_iter()
        .flatten()
        .find_map(|usage| json::given(usage.get("pydantic_ai_gateway")?, "cost_estimate"));
    let cost = gateway.or(estimate).map(|cost| amount(cost, 0).ok_or(Unclear));
    cost.transpose()
}

/// What the provider behind `OpenRouter` takes when the caller has an account of its own there:
/// `OpenRouter`'s cost is its fee alone then.
fn own_key(usage: &Value) -> Option<u128> {
    let upstream =
        usage.get("cost_details").and_then(|d| json::given(d, "upstream_inference_cost"));
    match upstream {
        Some(upstream) if usage.get("is_byok") == Some(&Value::Bool(true)) => amount(upstream, 0),
        _ => Some(0),
    }
}

/// A number or a decimal text, divided by ten to the power of `decimals`, in the unit of the sums.
fn amount(value: &Value, decimals: i32) -> Option<u128> {
    match value {
        Value::Number(number) => decimal(number.as_str(), decimals),
        Value::String(text) => decimal(text, decimals),
        _ => None,
    }
}

/// Reads `digits[.digits][e[±]digits]`. What is negative, or larger than any cost, is none.
fn decimal(text: &str, decimals: i32) -> Option<u128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(part.bytes());
    if whole.is_empty() || !digits().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let sign = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if sign.is_empty() || !sign.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if digits().all(|b| b == b'0') {
        return Some(0);
    }
    if negative {
        return None;
    }
    // An exponent that no i32 holds is far away from any cost, on the one side or the other.
    let far = if exponent.starts_with('-') { i32::MIN / 2 } else { i32::MAX / 2 };
    let exponent = exponent.parse().unwrap_or(far);
    let length = i32::try_from(whole.len()).ok()?;
    // How many of the digits stand before the unit's point; what is behind it is below any half.
    let kept = length.checked_add(DECIMALS)?.saturating_sub(decimals).saturating_add(exponent);
    let mut sum = 0_u128;
    for digit in digits().chain(std::iter::repeat(b'0')).take(usize::try_from(kept).unwrap_or(0)) {
        sum = sum.checked_mul(10)?.checked_add(u128::from(digit.saturating_sub(b'0')))?;
    }
    Some(sum)
}

/// The service tier that an answer names outside of its usage object, or Bedrock's way to answer
/// faster for more money.
pub(crate) fn service_tier(body: &Value) -> Option<String> {
    let faster = body.pointer("/performanceConfig/latency").and_then(Value::as_str);
    let word = faster
        .filter(|word| *word != "standard")
        .or_else(|| json::text(body, "service_tier"))
        // Bedrock's is an object.
        .or_else(|| body.get("serviceTier").and_then(|t| json::text(t, "type").or(t.as_str())));
    word.filter(|word| is_word(word, 64)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> (Option<u64>, bool) {
        let mut oddities = Oddities::default();
        let cost = cost(&serde_json::from_str(body).unwrap(), &mut oddities);
        let odd = oddities.into_list();
        assert!(odd.iter().all(|oddity| oddity.code == "cost_unclear"));
        (cost, !odd.is_empty())
    }

    fn usage(usage: &str) -> (Option<u64>, bool) {
        of(&format!("{{\"usage\":{usage}}}"))
    }

    /// Amounts as recorded answers have them, and what they are by hand.
    #[test]
    fn each_place_is_read() {
        for (told, micro) in [
            (r#"{"cost":4e-05}"#, 40),
            (r#"{"cost":0.0145476,"cost_details":{"upstream_inference_cost":0.0001776}}"#, 14548),
            (r#"{"cost":0.0076509169000000005}"#, 7651),
            (r#"{"cost":"0.003576"}"#, 3576),
            (r#"{"cost":0}"#, 0),
            (r#"{"cost":0.0,"is_byok":false}"#, 0),
            (r#"{"cost":{"total_cost":0.005,"request_cost":0.005}}"#, 5000),
            // 248.85 µ$, and the half of a millionth.
            (r#"{"cost_in_usd_ticks":2488500}"#, 249),
            (r#"{"cost_in_usd_ticks":5000}"#, 1),
            (r#"{"cost_in_usd_ticks":4999}"#, 0),
            (r#"{"pydantic_ai_gateway":{"cost_estimate":0.00019199999999999998}}"#, 192),
            (r#"{"cost":null,"cost_in_usd_ticks":10000}"#, 1),
        ] {
            assert_eq!(usage(told), (Some(micro), false), "{told}");
        }
        for (body, micro) in [
            (r#"{"usageMetadata":{"pydantic_ai_gateway":{"cost_estimate":1.546e-4}}}"#, 155),
            (
                r#"{"choices":[{"message":{"provider_metadata":{"gateway":{"cost":"0.002"}}}}]}"#,
                2000,
            ),
            (r#"{"providerMetadata":{"gateway":{"cost":"0.002"}}}"#, 2000),
            (r#"{"x_groq":{"usage":{"cost":1}}}"#, 1_000_000),
        ] {
            assert_eq!(of(body), (Some(micro), false), "{body}");
        }
        for none in ["{}", r#"{"cost":null}"#, r#"{"total_tokens":5,"cost_details":{}}"#] {
            assert_eq!(usage(none), (None, false), "{none}");
        }
        assert_eq!(of("{}"), (None, false));
    }

    /// 0.0000005 and 0.0000004 dollars make 0.9 millionths, which one rounding makes 1.
    #[test]
    fn an_own_key_adds_what_the_provider_takes() {
        let own = r#"{"cost":5e-7,"is_byok":true,"cost_details":{"upstream_inference_cost":4e-7}}"#;
        assert_eq!(usage(own), (Some(1), false));
        assert_eq!(usage(&own.replace("4e-7", "3.6e-6")), (Some(4), false));
        assert_eq!(usage(&own.replace("4e-7", "null")), (Some(1), false));
        assert_eq!(usage(&own.replace("4e-7", "-1")), (None, true));
        assert_eq!(usage(&own.replace("true", "false")), (Some(1), false));
    }

    #[test]
    fn what_is_no_cost_is_odd() {
        for told in [
            "-0.5",
            "-1e-30",
            "1e300",
            "1e999999999999",
            "9007199254.740992",
            "\"NaN\"",
            "\"Infinity\"",
            "\"\"",
            "\"1e\"",
            "\"0x10\"",
            "\"1,5\"",
            "\".\"",
            "\" 1\"",
            "true",
            "[]",
            "{}",
            "\"+1\"",
            "\"1.2.3\"",
            "\"1e5e5\"",
            "\"--1\"",
            "\"١\"",
        ] {
            assert_eq!(usage(&format!("{{\"cost\":{told}}}")), (None, true), "{told}");
        }
    }

    #[test]
    fn decimals_are_exact_at_both_ends() {
        for (told, micro) in [
            ("9007199254.740991", 9_007_199_254_740_991),
            ("0.0000005", 1),
            ("0.00000049999999999999999999999999999999999", 0),
            ("5e-7", 1),
            ("0.5E-6", 1),
            ("50000000000000000000000e-29", 1),
            ("1e-999999999999", 0),
            ("0e999999999999", 0),
            ("-0.0", 0),
            ("00.0000010", 1),
            ("1.5e+1", 15_000_000),
        ] {
            // As a text, since JSON takes no leading zeros.
            assert_eq!(usage(&format!("{{\"cost\":\"{told}\"}}")), (Some(micro), false), "{told}");
        }
    }

    #[test]
    fn service_tiers_are_words() {
        let of = |body: &str| service_tier(&serde_json::from_str(body).unwrap());
        assert_eq!(of(r#"{"service_tier":"flex"}"#).as_deref(), Some("flex"));
        assert_eq!(of(r#"{"serviceTier":{"type":"priority"}}"#).as_deref(), Some("priority"));
        assert_eq!(of(r#"{"serviceTier":"default"}"#).as_deref(), Some("default"));
        let faster =
            r#"{"performanceConfig":{"latency":"optimized"},"serviceTier":{"type":"default"}}"#;
        assert_eq!(of(faster).as_deref(), Some("optimized"));
        assert_eq!(of(&faster.replace("optimized", "standard")).as_deref(), Some("default"));
        for none in [r#"{"service_tier":null}"#, r#"{"service_tier":"two words"}"#, "{}"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
