//! `custody prices`: what tokens cost by the tables in force.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use price::{Entry, Found, Level, Price, Prices, Rates, Step};
use serde_json::{Map, Value, json};

use crate::cli::PricesArgs;
use crate::output::{DIM, HEAD, NAME, paint};
use crate::{Failure, Outcome, config, output};

/// The members of [`Rates`], by their name in a table.
const KINDS: [&str; 5] = ["input", "cached_input", "cache_write", "cache_write_1h", "output"];

pub(crate) fn run(args: &PricesArgs) -> Result<Outcome, Failure> {
    if let Some(path) = &args.write {
        write(path)?;
        return Ok(Outcome::Done);
    }
    let config = config::load(args.config.as_deref())?;
    let prices = config.prices.read().map_err(Failure::Usage)?;
    match &args.model {
        Some(model) => one(&prices, model, args),
        None => all(&prices, args),
    }
}

/// Writes the built-in table; a file that is there is somebody's prices and stays.
fn write(path: &std::path::Path) -> Result<(), Failure> {
    let place = || format!("cannot write {}", path.display());
    let mut file = match std::fs::File::create_new(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::Usage(anyhow!("{} is there already", path.display())));
        }
        opened => opened.with_context(place)?,
    };
    file.write_all(price::BUILT_IN.as_bytes()).with_context(place)?;
    output::remark(&format!(
        "written; `[prices] table = \"{}\"` puts it in force: keep what is yours, with your date",
        path.display()
    ));
    Ok(())
}

fn all(prices: &Prices, args: &PricesArgs) -> Result<Outcome, Failure> {
    // An entry of the own table stands in the place of the built-in one of the same name.
    let mut shown: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (origin, table) in prices.tables() {
        let wanted = |entry: &&std::sync::Arc<Entry>| {
            args.provider.as_ref().is_none_or(|provider| *provider == entry.provider)
        };
        let mut source = None;
        if !args.json {
            let head = format!("{} table of {}", origin.as_str(), table.date);
            output::line(paint(HEAD, head))?;
            columns()?;
        }
        for entry in table.entries.iter().filter(wanted) {
            if !shown.insert((&entry.provider, &entry.model)) {
                continue;
            }
            if args.json {
                output::json(&Value::Object(entry_json(entry, origin.as_str(), &table.date)))?;
                continue;
            }
            let place = (&entry.provider, &entry.source);
            if source != Some(place) {
                output::line(format!(
                    "{}  {}",
                    paint(NAME, &entry.provider),
                    paint(DIM, output::safe(&entry.source, 200))
                ))?;
                source = Some(place);
            }
            print_entry(entry)?;
        }
    }
    if shown.is_empty() {
        output::remark("no prices: calls whose answers tell no cost get none");
        return Ok(Outcome::Found);
    }
    Ok(Outcome::Done)
}

fn columns() -> anyhow::Result<()> {
    let columns = format!(
        "  {:<44} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "dollars per million tokens", "input", "cached", "write", "write 1h", "output"
    );
    output::line(paint(DIM, columns))
}

fn print_entry(entry: &Entry) -> anyhow::Result<()> {
    print_level(&output::safe(&entry.model, 200), &entry.level)?;
    for (tier, level) in &entry.tiers {
        print_level(&format!("  in tier {}", output::safe(tier, 40)), level)?;
    }
    Ok(())
}

fn print_level(name: &str, level: &Level) -> anyhow::Result<()> {
    print_rates(name, &level.base)?;
    for (limit, rates) in &level.above {
        print_rates(&format!("  above {limit} input tokens"), rates)?;
    }
    Ok(())
}

fn print_rates(name: &str, rates: &Rates) -> anyhow::Result<()> {
    let shown = prices_of(rates).map(|price| price.map_or("-".to_owned(), |p| p.to_string()));
    let [input, cached, write, hour, out] = shown;
    output::line(format!("  {name:<44} {input:>9} {cached:>9} {write:>9} {hour:>9} {out:>9}"))
}

fn one(prices: &Prices, model: &str, args: &PricesArgs) -> Result<Outcome, Failure> {
    let providers: BTreeSet<&str> = match &args.provider {
        Some(provider) => BTreeSet::from([provider.as_str()]),
        None => prices
            .tables()
            .flat_map(|(_, table)| table.entries.iter().map(|entry| entry.provider.as_str()))
            .collect(),
    };
    let mut any = false;
    for found in providers.iter().filter_map(|provider| prices.find(provider, model)) {
        if args.json {
            let mut object = entry_json(found.entry, found.origin.as_str(), found.date);
            object.insert("asked".to_owned(), json!(model));
            object.insert("because".to_owned(), json!(because(&found)));
            output::json(&Value::Object(object))?;
        } else {
            if !any {
                columns()?;
            }
            print_found(&found)?;
        }
        any = true;
    }
    if !any {
        let asked = output::safe(model, 200);
        output::remark(&format!("no entry for {asked}: its calls get no cost"));
    }
    Ok(if any { Outcome::Done } else { Outcome::Found })
}

fn print_found(found: &Found<'_>) -> anyhow::Result<()> {
    output::line(paint(NAME, &found.entry.provider))?;
    print_entry(found.entry)?;
    let source = output::safe(&found.entry.source, 200);
    output::line(paint(
        DIM,
        format!(
            "    {}; {} table of {}; {source}",
            because(found),
            found.origin.as_str(),
            found.date
        ),
    ))
}

/// Why a model gets an entry.
fn because(found: &Found<'_>) -> String {
    if found.steps.is_empty() {
        return "by its name".to_owned();
    }
    let steps: Vec<&str> = found.steps.iter().map(|step: &Step| step.as_str()).collect();
    format!("by its name {}", steps.join(" and "))
}

fn entry_json(entry: &Entry, origin: &str, date: &str) -> Map<String, Value> {
    let head = [
        ("provider", json!(entry.provider)),
        ("model", json!(entry.model)),
        ("origin", json!(origin)),
        ("date", json!(date)),
        ("source", json!(entry.source)),
        ("currency", json!("USD")),
        ("per_tokens", json!(1_000_000)),
    ];
    let tiers: Map<String, Value> = entry
        .tiers
        .iter()
        .map(|(tier, level)| (tier.clone(), Value::Object(level_json(level))))
        .collect();
    let mut object: Map<String, Value> =
        head.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    object.extend(level_json(&entry.level));
    object.insert("tiers".to_owned(), Value::Object(tiers));
    object
}

/// Prices as decimal text: a JSON number would be read as a double.
fn level_json(level: &Level) -> Map<String, Value> {
    let mut object = rates_json(&level.base);
    let above = level.above.iter().map(|(limit, rates)| {
        let mut object = rates_json(rates);
        object.insert("input_tokens".to_owned(), json!(limit));
        Value::Object(object)
    });
    object.insert("above".to_owned(), above.collect());
    object
}

fn rates_json(rates: &Rates) -> Map<String, Value> {
    let members = KINDS.iter().zip(prices_of(rates)).map(|(kind, price)| {
        ((*kind).to_owned(), price.map_or(Value::Null, |price| json!(price.to_string())))
    });
    members.collect()
}

/// In the order of [`KINDS`].
fn prices_of(rates: &Rates) -> [Option<Price>; 5] {
    [Some(rates.input), rates.cached_input, rates.cache_write, rates.cache_write_1h, rates.output]
}
