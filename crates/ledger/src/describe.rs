//! The archive's description of its collectors: `custody.json`, which collectors there are and their
//! keys, and an object of each collector's own. `spec/archive.md`.

use std::collections::BTreeMap;

use archive::{Archive, ArchiveError, Lock, Name};
use record::CollectorName;
use serde::{Deserialize, Serialize};
use tlog::{KeyChange, VerifyingKey};

use crate::{Layout, LedgerError, handover};

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    collectors: BTreeMap<String, Described>,
}

#[derive(Serialize, Deserialize)]
struct Described {
    origin: String,
    key: String,
    /// Keys before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Earlier>,
}

#[derive(Serialize, Deserialize)]
struct Earlier {
    key: String,
    /// Index of the record that names its successor.
    until: u64,
}

/// Names this collector: in `custody.json`, for readers, and in an object of its own that is put
/// once, so that of two collectors with one name only the first goes on. One that is there under
/// another key is refused, unless that key is `next`, or gave way to this one in the log.
pub(crate) fn describe(
    archive: &dyn Archive,
    collector: &CollectorName,
    key: &VerifyingKey,
    next: Option<&VerifyingKey>,
    lock: Lock,
) -> Result<(), LedgerError> {
    let mut description = read(archive)?;
    let Some(there) = description.collectors.get_mut(collector.as_str()) else {
        claim(archive, collector, key, lock)?;
        let (origin, key) = (key.name().to_owned(), key.to_string());
        let described = Described { origin, key, earlier: Vec::new() };
        description.collectors.insert(collector.to_string(), described);
        return write(archive, &description, lock);
    };
    if there.key == key.to_string() && there.origin == key.name() {
        claim(archive, collector, key, lock)?;
        // What somebody put over it is replaced by what it was.
        let latest = archive.get(&name()?).map_err(LedgerError::archive)?;
        let intact = latest.as_deref().is_none_or(is_readable);
        return if intact { Ok(()) } else { write(archive, &description, lock) };
    }
    let named: Option<VerifyingKey> = there.key.parse().ok();
    // A crash came between naming the new key here and installing it.
    if named.is_some() && named.as_ref() == next {
        return Ok(());
    }
    let layout = Layout::new(collector.clone());
    let chain = match &named {
        Some(named) => handover::proven(archive, &layout, named, key)?,
        None => None,
    };
    let Some(chain) = chain else {
        return Err(LedgerError::Refused {
            what: archive.location(),
            reason: format!(
                "it knows collector {collector} by another key ({}), and no record and \
                 checkpoint of its log hand over from that one to this; choose another name \
                 (collector = …)",
                there.key
            ),
        });
    };
    for change in &chain {
        there.change(change);
    }
    write(archive, &description, lock)
}

/// Names the key that follows. Calling it again changes nothing.
pub(crate) fn changed(
    archive: &dyn Archive,
    collector: &CollectorName,
    change: &KeyChange,
    lock: Lock,
) -> Result<(), LedgerError> {
    let mut description = read(archive)?;
    let there = description.collectors.get_mut(collector.as_str()).ok_or_else(|| {
        LedgerError::Fatal(format!("{FILE} no longer names collector {collector}"))
    })?;
    if there.key == change.new.to_string() {
        return Ok(());
    }
    there.change(change);
    write(archive, &description, lock)
}

impl Described {
    fn change(&mut self, change: &KeyChange) {
        self.earlier.push(Earlier { key: change.old.to_string(), until: change.index });
        self.key = change.new.to_string();
    }
}

const FILE: &str = "custody.json";

fn name() -> Result<Name, LedgerError> {
    Name::new(FILE).map_err(LedgerError::archive)
}

fn is_readable(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Description>(bytes).is_ok()
}

fn read(archive: &dyn Archive) -> Result<Description, LedgerError> {
    let name = name()?;
    let accepted = archive.get_accepted(&name, &is_readable).map_err(LedgerError::archive)?;
    let description = match accepted {
        None => Description { format: 1, collectors: BTreeMap::new() },
        Some(bytes) => serde_json::from_slice::<Description>(&bytes).map_err(|error| {
            LedgerError::Fatal(format!("{name} in {}: {error}", archive.location()))
        })?,
    };
    if description.format != 1 {
        return Err(LedgerError::Fatal(format!(
            "{} has format {}, this program knows 1",
            archive.location(),
            description.format
        )));
    }
    Ok(description)
}

fn write(archive: &dyn Archive, description: &Description, lock: Lock) -> Result<(), LedgerError> {
    let name = Name::new(FILE).map_err(LedgerError::archive)?;
    let bytes = serde_json::to_vec_pretty(description)
        .map_err(|error| LedgerError::Fatal(error.to_string()))?;
    archive.replace(&name, &bytes, lock).map_err(LedgerError::archive)
}

/// Puts the collector's own object. The first origin that is there stays, whoever else comes.
fn claim(
    archive: &dyn Archive,
    collector: &CollectorName,
    key: &VerifyingKey,
    lock: Lock,
) -> Result<(), LedgerError> {
    #[derive(Serialize)]
    struct Owner<'a> {
        origin: &'a str,
    }
    let name = Layout::new(collector.clone()).owner().map_err(LedgerError::archive)?;
    let bytes = serde_json::to_vec(&Owner { origin: key.name() })
        .map_err(|error| LedgerError::Fatal(error.to_string()))?;
    if archive.get(&name).map_err(LedgerError::archive)?.is_some_and(|there| there == bytes) {
        return Ok(());
    }
    match archive.put_all(&[(name, bytes.as_slice())], lock) {
        Ok(_) => Ok(()),
        Err(ArchiveError::Conflict(name)) => Err(LedgerError::Refused {
            what: archive.location(),
            reason: format!(
                "{name} is of another installation: two collectors may not have one name; choose \
                 another name (collector = …)"
            ),
        }),
        Err(error) => Err(LedgerError::archive(error)),
    }
}
