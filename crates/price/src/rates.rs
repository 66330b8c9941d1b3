//! Prices of tokens, and what tokens come to.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A price in millionths of a US dollar per million tokens (a token's price in 10⁻¹² dollars).
/// In a table it stands as dollars per million tokens, with at most six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

/// Dollars per million tokens that no model comes near: more is a slip of the pen.
const DEAREST: u64 = 100_000;
/// Millionths.
const MICRO: u64 = 1_000_000;

impl Price {
    /// From millionths of a dollar per million tokens.
    pub const fn from_micro_usd(micro_usd: u64) -> Self {
        Self(micro_usd)
    }

    /// Millionths of a dollar per million tokens.
    pub const fn micro_usd(self) -> u64 {
        self.0
    }

    /// Reads dollars as decimal text.
    fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "a price is dollars per million tokens, as 0.25";
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) {
            return Err(SHAPE);
        }
        if part.trim_end_matches('0').len() > 6 {
            return Err("a price has at most six decimals");
        }
        let whole: u64 = whole.parse().unwrap_or(u64::MAX);
        if whole > DEAREST {
            return Err("a price is at most 100000 dollars per million tokens");
        }
        let micro = part.bytes().chain(std::iter::repeat(b'0')).take(6);
        let micro = micro.fold(0, |sum, b| sum * 10 + u64::from(b.saturating_sub(b'0')));
        Ok(Self(whole * MICRO + micro))
    }
}

/// Dollars per million tokens, with two decimals or as many as it has.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.0 % MICRO);
        let text = format!("{}.{:0<2}", self.0 / MICRO, decimals.trim_end_matches('0'));
        f.pad(&text)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PriceVisitor;

        impl Visitor<'_> for PriceVisitor {
            type Value = Price;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("dollars per million tokens")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Price, E> {
                self.visit_str(&value.to_string())
            }

            /// The shortest text of a double is the decimal that was written, up to 15 digits.
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Price, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Price, E> {
                Price::parse(value).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(PriceVisitor)
    }
}

/// Prices of one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Input that is not of a cache.
    pub input: Price,
    /// Input read from a cache; `None`: as [`input`](Self::input).
    pub cached_input: Option<Price>,
    /// Input written to a cache; `None`: as [`input`](Self::input).
    pub cache_write: Option<Price>,
    /// Input written to a cache for an hour; `None`: as [`cache_write`](Self::cache_write).
    pub cache_write_1h: Option<Price>,
    /// Output; `None` for models that have none.
    pub output: Option<Price>,
}

/// Prices, and those that are in force instead above some number of input tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Prices of a call of any length.
    pub base: Rates,
    /// Prices of the whole call when it has more input tokens than this, ascending.
    pub above: Vec<(u64, Rates)>,
}

impl Level {
    /// The prices of a call with so many input tokens.
    pub fn rates(&self, input: u64) -> &Rates {
        let longest = self.above.iter().rev().find(|(limit, _)| input > *limit);
        longest.map_or(&self.base, |(_, rates)| rates)
    }
}

/// Token counts of one call that have prices of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// All input, the cache's included.
    pub input: u64,
    /// Of these, read from a cache.
    pub cache_read: u64,
    /// Of these, written to a cache.
    pub cache_write: u64,
    /// Of those written, written for an hour.
    pub cache_write_1h: u64,
    /// All output, reasoning included.
    pub output: u64,
}

/// The largest integer that canonical JSON holds.
const MOST: u128 = (1 << 53) - 1;

impl Rates {
    /// What tokens come to, in millionths of a dollar, rounded half up once. `None` when the
    /// counts contradict each other, when a price is missing, or when no number holds it.
    pub fn cost(&self, tokens: &Tokens) -> Option<u64> {
        let cache = tokens.cache_read.checked_add(tokens.cache_write)?;
        let plain = tokens.input.checked_sub(cache)?;
        let written = tokens.cache_write.checked_sub(tokens.cache_write_1h)?;
        let write = self.cache_write.unwrap_or(self.input);
        let output = match self.output {
            Some(price) => price,
            None if tokens.output == 0 => Price(0),
            None => return None,
        };
        let sum: u128 = [
            (plain, self.input),
            (tokens.cache_read, self.cached_input.unwrap_or(self.input)),
            (written, write),
            (tokens.cache_write_1h, self.cache_write_1h.unwrap_or(write)),
            (tokens.output, output),
        ]
        .iter()
        .map(|(count, price)| u128::from(*count) * u128::from(price.0))
        .sum();
        let micro = (sum + u128::from(MICRO / 2)) / u128::from(MICRO);
        (micro <= MOST).then(|| u64::try_from(micro).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    fn rates(input: &str, output: &str) -> Rates {
        Rates {
            input: price(input),
            cached_input: None,
            cache_write: None,
            cache_write_1h: None,
            output: Some(price(output)),
        }
    }

    #[test]
    fn prices_are_read_and_written_exactly() {
        for (text, micro, shown) in [
            ("2.5", 2_500_000, "2.50"),
            ("0.018750", 18_750, "0.01875"),
            ("0.00875", 8_750, "0.00875"),
            ("15", 15_000_000, "15.00"),
            ("0.000001", 1, "0.000001"),
            ("0", 0, "0.00"),
        ] {
            assert_eq!(price(text).0, micro, "{text}");
            assert_eq!(price(text).to_string(), shown, "{text}");
        }
        for bad in [
            "",
            "-1",
            ".5",
            "1e3",
            "0.0000001",
            "100001",
            "1,5",
            "inf",
            "NaN",
            "99999999999999999999999",
        ] {
            assert!(Price::parse(bad).is_err(), "{bad}");
        }
    }

    /// Doubles as TOML gives them: the text that was written comes back.
    #[test]
    fn a_double_keeps_the_decimals_that_were_written() {
        #[derive(serde::Deserialize)]
        struct One {
            p: Price,
        }
        for text in
            ["0.1", "0.3", "1.1", "0.015", "18.75", "0.00875", "3.4375", "2", "\"0.07\"", "1e-3"]
        {
            let one: One = toml::from_str(&format!("p = {text}")).unwrap();
            let plain = if text == "1e-3" { "0.001" } else { text.trim_matches('"') };
            assert_eq!(one.p, price(plain), "{text}");
        }
    }

    #[test]
    fn worked_by_hand() {
        // 25 × 2.50 + 8 × 10.00 = 62.5 + 80 = 142.5 µ$: the half goes up.
        let tokens = Tokens { input: 25, output: 8, ..Tokens::default() };
        assert_eq!(rates("2.5", "10").cost(&tokens), Some(143));
        // 24 × 2.50 + 8 × 10.00 = 140 µ$.
        let tokens = Tokens { input: 24, output: 8, ..Tokens::default() };
        assert_eq!(rates("2.5", "10").cost(&tokens), Some(140));
        // 1 × 0.10 = 0.1 µ$ goes down, 4 × 0.10 too, 5 × 0.10 = 0.5 goes up.
        for (input, cost) in [(1, 0), (4, 0), (5, 1)] {
            let tokens = Tokens { input, ..Tokens::default() };
            assert_eq!(rates("0.1", "1").cost(&tokens), Some(cost));
        }
    }

    #[test]
    fn the_cache_has_its_prices() {
        let rates = Rates {
            cached_input: Some(price("0.30")),
            cache_write: Some(price("3.75")),
            cache_write_1h: Some(price("6")),
            ..rates("3", "15")
        };
        // 100 × 3 + 2000 × 0.30 + 400 × 3.75 + 100 × 6 + 50 × 15
        //   = 300 + 600 + 1500 + 600 + 750 = 3750 µ$.
        let tokens = Tokens {
            input: 2600,
            cache_read: 2000,
            cache_write: 500,
            cache_write_1h: 100,
            output: 50,
        };
        assert_eq!(rates.cost(&tokens), Some(3750));
        // Without prices of its own the cache costs what other input costs.
        assert_eq!(tests::rates("3", "15").cost(&tokens), Some(2600 * 3 + 750));
    }

    #[test]
    fn what_cannot_be_has_no_cost() {
        let plain = rates("1", "1");
        let torn = Tokens { input: 5, cache_read: 6, ..Tokens::default() };
        assert_eq!(plain.cost(&torn), None);
        let torn = Tokens { input: 5, cache_write: 1, cache_write_1h: 2, ..Tokens::default() };
        assert_eq!(plain.cost(&torn), None);
        let huge = Tokens { input: u64::MAX, output: u64::MAX, ..Tokens::default() };
        assert_eq!(plain.cost(&huge), None);
        let silent = Rates { output: None, ..plain };
        let spoke = Tokens { input: 5, output: 1, ..Tokens::default() };
        assert_eq!(silent.cost(&spoke), None);
        assert_eq!(silent.cost(&Tokens { input: 5, ..Tokens::default() }), Some(5));
    }

    #[test]
    fn a_long_call_has_the_long_price_as_a_whole() {
        let level = Level {
            base: rates("1", "5"),
            above: vec![(100, rates("2", "10")), (200, rates("4", "20"))],
        };
        for (input, expected) in [(100, "1"), (101, "2"), (200, "2"), (201, "4")] {
            assert_eq!(level.rates(input).input, price(expected), "{input}");
        }
    }
}
