//! The tables in force: a company's own before the built-in one.

use std::sync::Arc;

use crate::model::{self, Step};
use crate::table::{Entry, Table};

/// Longer than any model's id.
const LONGEST: usize = 256;

/// The price tables in force.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    own: Option<Table>,
    built_in: Option<Table>,
}

/// Which of the tables an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The company's own.
    Own,
    /// The one that comes with Custody.
    BuiltIn,
}

impl Origin {
    /// The word for people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::BuiltIn => "built-in",
        }
    }
}

/// What of a call decides its prices.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The upstream's name in the configuration. Many providers speak another's format, so where a
    /// table knows a provider of this name, it is the one who asks for money.
    pub upstream: &'a str,
    /// The provider as the record names it.
    pub provider: &'a str,
    /// The model that was asked for.
    pub requested: Option<&'a str>,
    /// The model that answered.
    pub answered: Option<&'a str>,
    /// The models that served parts of the answer, when there were several.
    pub served: &'a [String],
    /// The service tier that the answer names.
    pub service_tier: Option<&'a str>,
}

/// An entry, and how a model came to it.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The entry.
    pub entry: &'a Arc<Entry>,
    /// The table that it stands in.
    pub origin: Origin,
    /// That table's date.
    pub date: &'a str,
    /// What was taken away from the model's id.
    pub steps: Vec<Step>,
}

impl Prices {
    /// The tables in force; entries of `own` win.
    pub fn new(own: Option<Table>, built_in: Option<Table>) -> Self {
        Self { own, built_in }
    }

    /// The tables in the order in which they are asked.
    pub fn tables(&self) -> impl Iterator<Item = (Origin, &Table)> {
        let own = self.own.iter().map(|table| (Origin::Own, table));
        own.chain(self.built_in.iter().map(|table| (Origin::BuiltIn, table)))
    }

    /// The entry of a model's id. A few look-ups by hash, whatever their length.
    pub fn find(&self, provider: &str, id: &str) -> Option<Found<'_>> {
        if id.len() > LONGEST {
            return None;
        }
        self.tables().filter(|(_, table)| table.knows(provider)).find_map(|(origin, table)| {
            model::forms(id).find_map(|(form, steps)| {
                let entry = table.get(provider, form)?;
                Some(Found { entry, origin, date: &table.date, steps })
            })
        })
    }

    /// The entry of a call: by the model that answered, which is the real one where a deployment's
    /// name was asked for. Bedrock asks money for the id that was asked for, whose region counts,
    /// and the answers there name the maker's model or none.
    pub(crate) fn of_call(&self, call: &Call<'_>) -> Option<Found<'_>> {
        let by_upstream = self.tables().any(|(_, table)| table.knows(call.upstream));
        let provider = if by_upstream { call.upstream } else { call.provider };
        let found = if provider == "bedrock" {
            call.requested.and_then(|id| self.find(provider, id))
        } else {
            call.answered.or(call.requested).and_then(|id| self.find(provider, id))
        }?;
        // The counts of several models stand in one sum.
        let same = call.served.iter().all(|id| {
            self.find(provider, id).is_some_and(|other| other.entry.level == found.entry.level)
        });
        same.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(date: &str, provider: &str, models: &str) -> Table {
        Table::parse(&format!(
            "date = {date:?}\n[[provider]]\nnames = [{provider:?}]\nsource = \"a test\"\nmodel = [{models}]"
        ))
        .unwrap()
    }

    fn call<'a>(upstream: &'a str, provider: &'a str, answered: &'a str) -> Call<'a> {
        Call {
            upstream,
            provider,
            requested: None,
            answered: Some(answered),
            served: &[],
            service_tier: None,
        }
    }

    #[test]
    fn the_own_table_wins_even_with_a_shorter_name() {
        let built_in =
            table("2026-01-01", "acme", r#"{ names = ["m-2024-08-06", "other"], input = 1 }"#);
        let own = table("2026-02-02", "acme", r#"{ names = ["m"], input = 2 }"#);
        let prices = Prices::new(Some(own), Some(built_in.clone()));
        let found = prices.find("acme", "m-2024-08-06").unwrap();
        assert_eq!((found.origin, found.date), (Origin::Own, "2026-02-02"));
        assert_eq!(found.steps, [Step::Version]);
        let found = prices.find("acme", "other").unwrap();
        assert_eq!((found.origin, found.date), (Origin::BuiltIn, "2026-01-01"));
        assert!(prices.find("acme", "third").is_none());
        assert!(prices.find("nobody", "m").is_none());
        assert!(Prices::default().find("acme", "m").is_none());
        let alone = Prices::new(None, Some(built_in));
        assert!(alone.find("acme", "m").is_none(), "a version's entry is for that version alone");
    }

    #[test]
    fn of_two_entries_the_longer_is_meant() {
        let models = r#"{ names = ["m"], input = 1 }, { names = ["m-2024-05-13"], input = 2 }"#;
        let prices = Prices::new(None, Some(table("2026-01-01", "acme", models)));
        for (id, entry) in
            [("m", "m"), ("m-2024-05-13", "m-2024-05-13"), ("m-2024-08-06", "m"), ("m-latest", "m")]
        {
            assert_eq!(prices.find("acme", id).unwrap().entry.model, entry, "{id}");
        }
        assert!(prices.find("acme", &format!("m{}", "-001".repeat(100))).is_none());
    }

    #[test]
    fn who_asks_for_money_is_told_by_the_upstream() {
        let both = format!(
            "{}\n[[provider]]\nnames = [\"groq\"]\nsource = \"s\"\nmodel = [{{ names = [\"m\"], input = 2 }}]",
            "date = \"2026-01-01\"\n[[provider]]\nnames = [\"openai\"]\nsource = \"s\"\nmodel = [{ names = [\"m\"], input = 1 }]"
        );
        let prices = Prices::new(None, Some(Table::parse(&both).unwrap()));
        let of = |upstream| {
            prices.of_call(&call(upstream, "openai", "m")).unwrap().entry.provider.clone()
        };
        assert_eq!(of("groq"), "groq");
        assert_eq!(of("our-gateway"), "openai");
    }

    #[test]
    fn bedrock_goes_by_what_was_asked_for_all_others_by_what_answered() {
        let models = r#"{ names = ["us.anthropic.big"], input = 2 }, { names = ["anthropic.big", "big"], input = 1 }"#;
        let prices = Prices::new(None, Some(table("2026-01-01", "bedrock", models)));
        let with = |requested, answered| Call {
            requested: Some(requested),
            answered: Some(answered),
            ..call("bedrock", "bedrock", "")
        };
        let found = prices.of_call(&with("us.anthropic.big-v1:0", "big")).unwrap();
        assert_eq!(found.entry.model, "us.anthropic.big");
        let found = prices.of_call(&with("eu.anthropic.big-v1:0", "big")).unwrap();
        assert_eq!(found.entry.model, "anthropic.big");
        assert!(
            prices
                .of_call(&with("arn:aws:bedrock:x:1:application-inference-profile/ab12", "big"))
                .is_none()
        );
        // Azure answers with the model behind the deployment.
        let prices = Prices::new(
            None,
            Some(table("2026-01-01", "azure", r#"{ names = ["gpt-4o"], input = 1 }"#)),
        );
        let deployed = Call {
            requested: Some("our-deployment"),
            ..call("azure", "azure", "gpt-4o-2024-11-20")
        };
        assert_eq!(prices.of_call(&deployed).unwrap().entry.model, "gpt-4o");
        let silent = Call { requested: Some("gpt-4o"), answered: None, ..deployed };
        assert!(prices.of_call(&silent).is_some());
    }

    #[test]
    fn one_sum_of_two_models_with_two_prices_has_no_price() {
        let models = r#"{ names = ["a", "b"], input = 1 }, { names = ["c"], input = 2 }"#;
        let prices = Prices::new(None, Some(table("2026-01-01", "acme", models)));
        let served = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (names, known) in
            [(vec!["a", "b"], true), (vec!["a", "c"], false), (vec!["a", "x"], false)]
        {
            let served = served(&names);
            let call = Call { served: &served, ..call("acme", "acme", "a") };
            assert_eq!(prices.of_call(&call).is_some(), known, "{names:?}");
        }
    }
}
