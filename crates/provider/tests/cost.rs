//! Costs that recorded answers tell.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "test helpers")]

mod common;

use std::collections::BTreeMap;

use common::{rows, text, whole};

/// Who tells, and what they call it; counted by hand in the recordings.
#[test]
fn every_recorded_cost_is_read() {
    let Some(rows) = rows("full.jsonl.gz") else {
        return;
    };
    let mut told: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for row in &rows {
        let read = whole(row);
        assert!(read.oddities.iter().all(|oddity| oddity.code != "cost_unclear"));
        // The names of the members that hold costs, in the text itself: nothing is read where
        // there are none, and nothing is passed by.
        let body = text(row, "response_body");
        let named = ["\"cost\":", "\"cost\" :", "\"cost_in_usd_ticks\":", "\"cost_estimate\":"]
            .into_iter()
            .find(|name| body.contains(name));
        match (read.cost_micro_usd, named) {
            (Some(_), Some(name)) => {
                *told.entry((text(row, "provider").to_owned(), name)).or_default() += 1;
            }
            (Some(cost), None) => panic!("{}: {cost}, out of nothing", text(row, "id")),
            // Content may speak of costs, and some formats are not read yet.
            (None, Some(name)) => {
                let usage = read.usage.is_some_and(|usage| usage.raw.to_string().contains(name));
                assert!(!usage, "{}: {name} in its usage", text(row, "id"));
            }
            (None, None) => {}
        }
    }
    println!("{told:#?}");
    let count = |provider: &str| -> u32 {
        told.iter().filter(|((of, _), _)| of == provider).map(|(_, count)| count).sum()
    };
    assert_eq!(count("openrouter"), 134);
    assert_eq!(count("vercel_gateway"), 66);
    assert_eq!(count("xai"), 32);
    assert_eq!(count("avian"), 7);
    assert_eq!(count("perplexity"), 1);
    assert_eq!(count("pydantic_gateway"), 2);
}

/// `grok-4-fast` cost 0.20, 0.05 (cached) and 0.50 dollars a million tokens when it was recorded, by
/// its public prices; ticks of 10⁻¹⁰ dollars are what makes the two agree.
#[test]
fn ticks_are_what_the_tokens_cost() {
    let Some(rows) = rows("full.jsonl.gz") else {
        return;
    };
    let mut checked = 0;
    for row in rows.iter().filter(|row| text(row, "provider") == "xai") {
        let read = whole(row);
        let (Some(told), Some(usage)) = (read.cost_micro_usd, &read.usage) else { continue };
        if read.model.as_deref() != Some("grok-4-fast-reasoning") {
            continue;
        }
        checked += 1;
        let plain = usage.input - usage.cache_read;
        let nano = plain * 200 + usage.cache_read * 50 + usage.output * 500;
        assert_eq!(told, (nano + 500) / 1000, "{}", text(row, "id"));
    }
    println!("{checked} checked");
    assert!(checked > 10);
}
