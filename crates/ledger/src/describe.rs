//! The archive's description of its collectors. `spec/archive.md`.

use std::collections::BTreeMap;

use archive::{Archive, ArchiveError, Lock, Name};
use record::CollectorName;
use serde::{Deserialize, Serialize};
use tlog::SigningKey;

use crate::{Layout, LedgerError};

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    collectors: BTreeMap<String, Described>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Described {
    origin: String,
    key: String,
}

/// Names this collector in the archive: in its `custody.json`, for readers, and in an object of its
/// own that is put once, so that of two collectors with one name only the first goes on.
pub(crate) fn describe(
    archive: &dyn Archive,
    collector: &CollectorName,
    key: &SigningKey,
    lock: Lock,
) -> Result<(), LedgerError> {
    claim(archive, collector, key, lock)?;
    let name = Name::new("custody.json").map_err(LedgerError::archive)?;
    let key = key.verifying_key();
    let mine = Described { origin: key.name().to_owned(), key: key.to_string() };
    let there = archive.get(&name).map_err(LedgerError::archive)?;
    let mut description = match there {
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
    match description.collectors.get(collector.as_str()) {
        Some(there) if *there == mine => return Ok(()),
        Some(there) => {
            return Err(LedgerError::Fatal(format!(
                "the archive knows collector {} by another key ({}); choose another name",
                collector, there.key
            )));
        }
        None => {}
    }
    description.collectors.insert(collector.to_string(), mine);
    let bytes = serde_json::to_vec_pretty(&description)
        .map_err(|error| LedgerError::Fatal(error.to_string()))?;
    archive.replace(&name, &bytes, lock).map_err(LedgerError::archive)
}

/// Puts the collector's own object. The first origin that is there stays, whoever else comes.
fn claim(
    archive: &dyn Archive,
    collector: &CollectorName,
    key: &SigningKey,
    lock: Lock,
) -> Result<(), LedgerError> {
    #[derive(Serialize)]
    struct Owner<'a> {
        origin: &'a str,
    }
    let name = Layout::new(collector.clone()).owner().map_err(LedgerError::archive)?;
    let key = key.verifying_key();
    let bytes = serde_json::to_vec(&Owner { origin: key.name() })
        .map_err(|error| LedgerError::Fatal(error.to_string()))?;
    if archive.get(&name).map_err(LedgerError::archive)?.is_some_and(|there| there == bytes) {
        return Ok(());
    }
    match archive.put_all(&[(name, bytes.as_slice())], lock) {
        Ok(_) => Ok(()),
        Err(ArchiveError::Conflict(name)) => Err(LedgerError::Fatal(format!(
            "{name} in {} is of another installation: two collectors may not have one name; \
             choose another one (collector = …)",
            archive.location()
        ))),
        Err(error) => Err(LedgerError::archive(error)),
    }
}
