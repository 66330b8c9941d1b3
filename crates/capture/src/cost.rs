//! What a call cost: by the answer itself, else by the price tables.

use price::{Call, Prices};
use provider::ReadResponse;
use record::envelope::{Cost, Interaction};

/// The cost of an interaction whose model and usage are filled in.
pub(crate) fn cost(prices: &Prices, call: &Interaction, read: &ReadResponse) -> Option<Cost> {
    if let Some(micro_usd) = read.cost_micro_usd {
        return Some(Cost { micro_usd, source: "provider".to_owned(), table: None });
    }
    let model = &call.model;
    let of = Call {
        upstream: &call.upstream,
        provider: &model.provider,
        requested: model.requested.as_deref(),
        answered: model.answered.as_deref(),
        served: &model.served,
        service_tier: read.service_tier.as_deref(),
    };
    prices.cost(&of, call.usage.as_ref()?)
}
