//! A price table as TOML: `builtin.toml` beside the manifest shows every key.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use crate::rates::{Level, Price, Rates};

/// The text of the table that comes with Custody.
pub const BUILT_IN: &str = include_str!("../builtin.toml");

/// A price table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its date, `YYYY-MM-DD`, which stands in each record whose cost it gave.
    pub date: String,
    /// All entries, in the table's order.
    pub entries: Vec<Arc<Entry>>,
    /// Entries by provider, then model.
    index: HashMap<String, HashMap<String, Arc<Entry>>>,
}

/// What one table says of one model of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The provider's name, as records and upstreams have it.
    pub provider: String,
    /// The model's name; ids with a version after it are meant too.
    pub model: String,
    /// Where the prices come from: an address, or words.
    pub source: String,
    /// What the model's tokens cost.
    pub level: Level,
    /// What they cost in other service tiers, by the provider's word in lower case.
    pub tiers: BTreeMap<String, Level>,
}

/// What is wrong with a price table: the one who keeps it must mend that place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct TableError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableToml {
    date: Date,
    #[serde(default)]
    currency: Currency,
    provider: Vec<ProviderToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderToml {
    names: Vec<Spanned<Name>>,
    source: String,
    model: Vec<ModelToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelToml {
    names: Vec<Spanned<Name>>,
    input: Price,
    cached_input: Option<Price>,
    cache_write: Option<Price>,
    cache_write_1h: Option<Price>,
    output: Option<Price>,
    #[serde(default)]
    above: Vec<AboveToml>,
    #[serde(default)]
    tier: BTreeMap<String, TierToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierToml {
    input: Price,
    cached_input: Option<Price>,
    cache_write: Option<Price>,
    cache_write_1h: Option<Price>,
    output: Option<Price>,
    #[serde(default)]
    above: Vec<AboveToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AboveToml {
    input_tokens: Spanned<u64>,
    input: Price,
    cached_input: Option<Price>,
    cache_write: Option<Price>,
    cache_write_1h: Option<Price>,
    output: Option<Price>,
}

/// The one currency: records hold dollars.
#[derive(Default)]
struct Currency;

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "USD" => Ok(Self),
            other => Err(de::Error::custom(format!(
                "currency {other:?}: costs are recorded in USD, and no rate of exchange is known"
            ))),
        }
    }
}

struct Date(String);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut fields = text.split('-').map(|field| {
            let digits = field.bytes().all(|b| b.is_ascii_digit());
            (field.len(), field.parse::<u16>().ok().filter(|_| digits).unwrap_or(0))
        });
        let good = matches!(fields.next(), Some((4, 1..)))
            && matches!(fields.next(), Some((2, 1..=12)))
            && matches!(fields.next(), Some((2, 1..=31)))
            && fields.next().is_none();
        if good {
            Ok(Self(text))
        } else {
            Err(de::Error::custom(format!("date {text:?}: a date is \"YYYY-MM-DD\"")))
        }
    }
}

/// A name that stands in no table by accident: not empty, no white space.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(de::Error::custom(format!("{text:?} is no name")));
        }
        Ok(Self(text))
    }
}

impl Table {
    /// The table that comes with Custody.
    pub fn built_in() -> Result<Self, TableError> {
        Self::parse(BUILT_IN)
    }

    /// Reads a table.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let read: TableToml = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            TableError::at(text, at, error.message())
        })?;
        let Currency = read.currency;
        let mut table = Self { date: read.date.0, entries: Vec::new(), index: HashMap::new() };
        for provider in read.provider {
            for model in &provider.model {
                table.take(&provider, model, text)?;
            }
        }
        Ok(table)
    }

    /// The entry of exactly this name.
    pub(crate) fn get(&self, provider: &str, model: &str) -> Option<&Arc<Entry>> {
        self.index.get(provider)?.get(model)
    }

    /// Whether the table knows the provider.
    pub(crate) fn knows(&self, provider: &str) -> bool {
        self.index.contains_key(provider)
    }

    fn take(
        &mut self,
        provider: &ProviderToml,
        model: &ModelToml,
        text: &str,
    ) -> Result<(), TableError> {
        let level = Level { base: model.rates(), above: above(&model.above, text)? };
        let mut tiers = BTreeMap::new();
        for (word, tier) in &model.tier {
            let level = Level { base: tier.rates(), above: above(&tier.above, text)? };
            tiers.insert(word.to_ascii_lowercase(), level);
        }
        for of in &provider.names {
            for named in &model.names {
                let (provider_name, name) = (&of.get_ref().0, &named.get_ref().0);
                let entry = Arc::new(Entry {
                    provider: provider_name.clone(),
                    model: name.clone(),
                    source: provider.source.clone(),
                    level: level.clone(),
                    tiers: tiers.clone(),
                });
                let models = self.index.entry(provider_name.clone()).or_default();
                if models.insert(name.clone(), Arc::clone(&entry)).is_some() {
                    let what = format!("{name:?} of {provider_name:?} stands here a second time");
                    return Err(TableError::at(text, named.span().start, &what));
                }
                self.entries.push(entry);
            }
        }
        Ok(())
    }
}

/// The five prices of a table's part, whichever it is.
macro_rules! rates_of {
    ($($of:ty),*) => {$(
        impl $of {
            fn rates(&self) -> Rates {
                Rates {
                    input: self.input,
                    cached_input: self.cached_input,
                    cache_write: self.cache_write,
                    cache_write_1h: self.cache_write_1h,
                    output: self.output,
                }
            }
        }
    )*};
}

rates_of!(ModelToml, TierToml, AboveToml);

fn above(read: &[AboveToml], text: &str) -> Result<Vec<(u64, Rates)>, TableError> {
    let mut levels: Vec<(u64, Rates)> = Vec::new();
    for level in read {
        let limit = *level.input_tokens.get_ref();
        if levels.last().is_some_and(|(before, _)| *before >= limit) {
            let at = level.input_tokens.span().start;
            return Err(TableError::at(text, at, "input_tokens ascend from one level to the next"));
        }
        levels.push((limit, level.rates()));
    }
    Ok(levels)
}

impl TableError {
    fn at(text: &str, offset: usize, what: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
            what: what.to_owned(),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"date = "2026-11-01"
currency = "USD"

[[provider]]
names = ["acme", "acme-eu"]
source = "the contract"
model = [
    { names = ["small-1", "small-2"], input = 1, cached_input = 0.1, output = 5,
      above = [{ input_tokens = 1000, input = 2, output = 10 }],
      tier = { Batch = { input = 0.5, output = 2.5 } } },
]
"#;

    #[test]
    fn a_table_is_read() {
        let table = Table::parse(GOOD).unwrap();
        assert_eq!((table.date.as_str(), table.entries.len()), ("2026-11-01", 4));
        let entry = table.get("acme-eu", "small-2").unwrap();
        assert_eq!(entry.source, "the contract");
        assert_eq!(entry.level.base.cached_input, Some(Price::from_micro_usd(100_000)));
        assert_eq!(entry.level.rates(1001).input, Price::from_micro_usd(2_000_000));
        assert_eq!(entry.tiers["batch"].base.input, Price::from_micro_usd(500_000));
        assert!(table.get("acme", "small-3").is_none());
    }

    #[test]
    fn an_error_names_its_place() {
        for (from, to, line, said) in [
            ("input = 1,", "input = -1,", 8, "dollars per million tokens"),
            ("input = 1,", "input = 1.0000001,", 8, "at most six decimals"),
            ("input = 1,", "input = inf,", 8, "dollars per million tokens"),
            ("input = 1,", "input = 1000000,", 8, "at most 100000"),
            ("input = 1,", "", 8, "missing field `input`"),
            ("output = 5,", "outptu = 5,", 8, "unknown field `outptu`"),
            ("2026-11-01", "2026-13-01", 1, "YYYY-MM-DD"),
            ("2026-11-01", "1 November", 1, "YYYY-MM-DD"),
            ("USD", "EUR", 2, "recorded in USD"),
            ("\"small-2\"", "\"small-1\"", 8, "a second time"),
            ("\"small-2\"", "\"small 2\"", 8, "is no name"),
            ("\"small-2\"", "\"\"", 8, "is no name"),
            ("{ input_tokens = 1000,", "{ input_tokens = -5,", 9, "invalid value"),
            ("source = \"the contract\"", "", 4, "missing field `source`"),
            ("[[provider]]", "[[provider]", 4, ""),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{from}");
            let error = Table::parse(&text).unwrap_err();
            assert_eq!(error.line, line, "{to}: {error}");
            assert!(error.what.contains(said), "{to}: {error}");
        }
        let again =
            "above = [{ input_tokens = 1000, input = 2 }, { input_tokens = 1000, input = 3 }],";
        let text =
            GOOD.replace("above = [{ input_tokens = 1000, input = 2, output = 10 }],", again);
        assert!(Table::parse(&text).unwrap_err().what.contains("ascend"));
        assert!(Table::parse("").is_err());
    }

    /// Nobody pays more for what is cached than for what is not, nor less for a longer call.
    #[test]
    fn the_built_in_table_is_sound() {
        let table = Table::built_in().unwrap();
        assert!(table.entries.len() > 100);
        for entry in &table.entries {
            assert!(entry.source.starts_with("https://"), "{entry}");
            for level in std::iter::once(&entry.level).chain(entry.tiers.values()) {
                let all = std::iter::once(&level.base).chain(level.above.iter().map(|(_, r)| r));
                for rates in all {
                    let write = rates.cache_write.unwrap_or(rates.input);
                    assert!(rates.input > Price::from_micro_usd(0), "{entry}");
                    assert!(rates.cached_input.unwrap_or(rates.input) <= rates.input, "{entry}");
                    assert!(write >= rates.input, "{entry}");
                    assert!(rates.cache_write_1h.unwrap_or(write) >= write, "{entry}");
                    assert!(rates.output.is_none_or(|output| output >= rates.input), "{entry}");
                    assert!(rates.input >= level.base.input, "{entry}");
                    assert_eq!(
                        rates.output.is_some(),
                        entry.level.base.output.is_some(),
                        "{entry}"
                    );
                    assert_eq!(
                        rates.cached_input.is_some(),
                        level.base.cached_input.is_some(),
                        "{entry}"
                    );
                }
            }
        }
    }
}
