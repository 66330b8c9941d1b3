//! `custody keys rotate`.

use std::fs::File;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use keys::{KeyStore, RootKey, rotate_root, stage_signing_key};
use record::CollectorName;
use serde_json::json;

use crate::access_log::{lock, lock_keys};
use crate::cli::{RotateCommand, Where};
use crate::output::{NAME, paint};
use crate::place::{Place, origin};
use crate::{Failure, Outcome, config, output};

/// How long a recorder that is just stopping is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn run(command: &RotateCommand) -> Result<Outcome, Failure> {
    match command {
        RotateCommand::Root { to, place, json } => root(to.as_deref(), place, *json),
        RotateCommand::Store { place, json } => store(place, *json),
        RotateCommand::Signing { collector, place, json } => {
            signing(collector.as_deref(), place, *json)
        }
    }
}

fn root(to: Option<&str>, args: &Where, json: bool) -> Result<Outcome, Failure> {
    let place = Place::named(args)?;
    let from = place.root_source().map_err(Failure::Usage)?;
    let to = match to {
        Some(provider) => Some(keys::RootSource {
            provider: provider.parse().context("--to").map_err(Failure::Usage)?,
            ..from.clone()
        }),
        None => None,
    };
    if !place.keys.is_dir() {
        return Err(anyhow!("there are no keys in {}", place.keys.display()).into());
    }
    // A recorder that runs has the old root key in memory, and would wrap with it.
    let _locks = lock_all(&place)?;
    let rotation = rotate_root(&from, to.as_ref())?;
    if json {
        output::json(&json!({
            "from": rotation.from, "to": rotation.to, "rewrapped": rotation.rewrapped,
            "destroyed": rotation.destroyed,
        }))?;
        return Ok(Outcome::Done);
    }
    output::line(format!(
        "{} keys are wrapped with a new root key of {}",
        rotation.rewrapped,
        paint(NAME, &rotation.to)
    ))?;
    if let Some(path) = &rotation.destroyed {
        output::line(format!("the old root key in {} was destroyed", path.display()))?;
    } else {
        output::line(format!(
            "the old root key is still with {}: destroy it there, once nothing else needs it",
            rotation.from
        ))?;
    }
    if rotation.from != rotation.to {
        output::line(format!(
            "now set {} in the configuration: nothing opens with the old one any more",
            paint(NAME, format!("[keys] root = {:?}", rotation.to))
        ))?;
    }
    Ok(Outcome::Done)
}

fn store(args: &Where, json: bool) -> Result<Outcome, Failure> {
    let place = Place::named(args)?;
    if !place.keys.is_dir() {
        return Err(anyhow!("there are no keys in {}", place.keys.display()).into());
    }
    // A recorder that runs has the old store key in memory, and would go on writing under it.
    let _locks = lock_all(&place)?;
    let root = place.root_key()?;
    // Opened for reading first: where there is no store, none is made.
    drop(KeyStore::open(&place.keys, &root)?);
    let epoch = KeyStore::open_or_create(&place.keys, &root)?.rotate()?;
    if json {
        output::json(&json!({ "epoch": epoch }))?;
        return Ok(Outcome::Done);
    }
    output::line(format!("the key store is sealed with a new store key, epoch {epoch}"))?;
    output::line(
        "the old store key was destroyed: copies of the old store open nothing any more, \
                  unless somebody kept that key and the root key too",
    )?;
    Ok(Outcome::Done)
}

fn signing(collector: Option<&str>, args: &Where, json: bool) -> Result<Outcome, Failure> {
    let place = Place::named(args)?;
    let name = match collector {
        Some(name) => name.to_owned(),
        None => config::load(args.config.as_deref())?.collector,
    };
    let collector = CollectorName::new(name.clone())
        .with_context(|| format!("collector {name:?}"))
        .map_err(Failure::Usage)?;
    let folder = place.collectors().join(collector.as_str());
    if !folder.is_dir() {
        return Err(anyhow!(
            "there is no collector {collector} in {}; --collector names another",
            place.data.display()
        )
        .into());
    }
    let _lock = lock(&folder.join(".lock"), PATIENCE)?;
    let root = RootKey::open(&place.root_source().map_err(Failure::Usage)?)?;
    let origin = origin(&place.keys, &collector)?;
    let old = keys::load_signing_key(&place.keys, &root, &collector, &origin)?.verifying_key();
    let new = stage_signing_key(&place.keys, &root, &collector, &origin)?.verifying_key();
    if json {
        output::json(&json!({
            "collector": collector.as_str(), "old": old.to_string(), "new": new.to_string(),
        }))?;
        return Ok(Outcome::Done);
    }
    output::line(format!("{} signs from its next start on with", paint(NAME, &collector)))?;
    output::line(format!("  new    {new}"))?;
    output::line(format!("  old    {old}"))?;
    output::line("Whoever trusts the old key goes on verifying with it: the log hands over.")?;
    output::line("Witnesses need the new key beside the old one: custody witness serve --log")?;
    Ok(Outcome::Done)
}

/// The locks of all collectors that keep their keys here.
fn lock_all(place: &Place) -> anyhow::Result<Vec<File>> {
    let folder = place.collectors();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(anyhow!("cannot list {}: {error}", folder.display())),
    };
    let mut locks = vec![lock_keys(&place.keys, PATIENCE)?];
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        if path.is_dir() {
            locks.push(lock(&path.join(".lock"), PATIENCE)?);
        }
    }
    Ok(locks)
}
