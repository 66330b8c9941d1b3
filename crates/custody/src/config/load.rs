//! Reading the file, and what is wrong with it: which line, which key, which one was meant.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Deserialize as _;

use super::Config;
use crate::Failure;

/// The file that is read when none is named.
const DEFAULT: &str = "custody.toml";
/// So alike are a name and its misspelling.
const SLIP: f64 = 0.8;
/// Keys whose default is that they are not there, so that no table of defaults shows them.
const UNSET: [(&str, &str); 2] = [("tiers", "cold"), ("tiers", "storage_class")];
/// Environment variables with our prefix that are no configuration.
const OTHERS: [&str; 4] = ["CUSTODY_LOG", "CUSTODY_SHARED", "CUSTODY_CONFIG", "CUSTODY_PASSPHRASE"];

/// Loads the named file, else `custody.toml` if there is one, else defaults; then the environment.
pub(crate) fn load(path: Option<&Path>) -> Result<Config, Failure> {
    let path = match path {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(DEFAULT)).filter(|path| path.exists()),
    };
    let text = match &path {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))
            .map_err(Failure::Usage)?,
        None => String::new(),
    };
    let name = path.map(|path| path.display().to_string()).unwrap_or_default();
    let environment = std::env::vars().filter(|(name, _)| name.starts_with("CUSTODY_"));
    load_text(&text, &name, environment).map_err(Failure::Usage)
}

/// Reads a configuration from its text and the environment.
pub(crate) fn load_text(
    text: &str,
    name: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Config> {
    // First as it stands, so that an error has its line.
    let config: Config = toml::from_str(text).map_err(|error| explain(name, text, &error))?;
    let mut table = toml::Table::try_from(&config)?;
    let mut changed = false;
    for (variable, value) in environment.filter(|(name, _)| !OTHERS.contains(&name.as_str())) {
        changed |= set(&mut table, &variable, &value)?;
    }
    if !changed {
        return Ok(config);
    }
    Config::deserialize(table)
        .map_err(|error| anyhow!("a CUSTODY_ environment variable is wrong: {}", error.message()))
}

fn explain(name: &str, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let place = error.span().map(|span| place(text, span.start));
    let line =
        place.map_or(String::new(), |(line, column)| format!(", line {line}, column {column}"));
    let message = error.message();
    match unknown(message) {
        Some((key, nearest)) => {
            let hint = nearest.map_or(String::new(), |n| format!("; did you mean {n:?}?"));
            anyhow!("{name}{line}: unknown key {key:?}{hint}")
        }
        None => anyhow!("{name}{line}: {message}"),
    }
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The key of an "unknown field" message and the nearest of those that it names.
fn unknown(message: &str) -> Option<(String, Option<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2);
    Some((key.to_owned(), nearest(key, known)))
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    closest(key, known).filter(|(score, _)| *score > 0.6).map(|(_, known)| known)
}

fn closest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<(f64, String)> {
    known
        .map(|known| (strsim::normalized_damerau_levenshtein(key, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(score, known)| (score, known.to_owned()))
}

/// Sets the key that an environment variable names: `CUSTODY_PROXY_LISTEN` is `proxy.listen`.
fn set(table: &mut toml::Table, variable: &str, value: &str) -> anyhow::Result<bool> {
    let wanted = variable.trim_start_matches("CUSTODY_").to_ascii_lowercase();
    if wanted == "archive" {
        table.insert(wanted, toml::Value::String(value.to_owned()));
        return Ok(true);
    }
    let unset = UNSET.iter().find(|(name, key)| format!("{name}_{key}") == wanted);
    if let Some((name, key)) = unset
        && let Some(toml::Value::Table(inner)) = table.get_mut(*name)
    {
        inner.insert((*key).to_owned(), toml::Value::String(value.to_owned()));
        return Ok(true);
    }
    let mut known = Vec::new();
    for (name, entry) in table.iter_mut() {
        match entry {
            toml::Value::Table(inner) => {
                for (key, entry) in inner.iter_mut() {
                    let path = format!("{name}_{key}");
                    if path == wanted {
                        *entry = like(entry, value).with_context(|| variable.to_owned())?;
                        return Ok(true);
                    }
                    known.push(path);
                }
            }
            other if *name == wanted => {
                *other = like(other, value).with_context(|| variable.to_owned())?;
                return Ok(true);
            }
            _ => known.push(name.clone()),
        }
    }
    // A cluster gives every process the addresses of its services: CUSTODY_SERVICE_HOST for one
    // named custody. Only what looks like a slip of the pen is refused.
    match closest(&wanted, known.iter().map(String::as_str)) {
        Some((score, near)) if score > SLIP => Err(anyhow!(
            "the environment variable {variable} names no key of the configuration; did you mean \
             CUSTODY_{}?",
            near.to_ascii_uppercase()
        )),
        _ => {
            tracing::warn!(variable, "this environment variable names no key of the configuration");
            Ok(false)
        }
    }
}

/// `value` in the type that the key has.
fn like(entry: &toml::Value, value: &str) -> anyhow::Result<toml::Value> {
    Ok(match entry {
        toml::Value::Integer(_) => {
            toml::Value::Integer(value.parse().context("expected a number")?)
        }
        toml::Value::Boolean(_) => {
            toml::Value::Boolean(value.parse().context("expected true or false")?)
        }
        toml::Value::String(_) => toml::Value::String(value.to_owned()),
        _ => return Err(anyhow!("only single values can come from the environment")),
    })
}
