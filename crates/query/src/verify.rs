//! Re-checks everything: the log against its checkpoints, every envelope against its leaf, every
//! sealed part against its envelope, every segment's file against the record that names it, and
//! that every admission number ended as a record or in a gap. Where a records file is not the one that
//! was named, its columns are held against its envelopes.
//!
//! No key is needed but the collectors' public ones.

mod collector;
mod gone;
mod history;
mod numbers;
mod records;
mod versions;

use std::collections::BTreeMap;

use record::Timestamp;
use serde::Serialize;
use tlog::{KeyHistory, VerifyingKey};

use crate::{QueryError, Store};

pub use numbers::Numbers;
pub use versions::LockReport;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, relative to the archive or as a path.
    pub file: String,
    /// The record's index in the log, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// What was found for one collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectorReport {
    /// Its name.
    pub collector: String,
    /// The verifier key that its checkpoints were checked with, and from which keys before and
    /// after it were reached.
    pub key: String,
    /// Those keys, as far as the log hands over from one to the other; `None` without one.
    #[serde(skip)]
    pub keys: Option<KeyHistory>,
    /// Size of the log under the published checkpoint.
    pub size: u64,
    /// Root of the log, hexadecimal.
    pub root: String,
    /// Checkpoints whose signature and root were checked.
    pub checkpoints: u64,
    /// Tiles recomputed.
    pub tiles: u64,
    /// Envelopes checked against their leaves.
    pub envelopes: u64,
    /// Parts checked against their envelopes.
    pub parts: u64,
    /// Segment files checked against the records that name them.
    pub files: u64,
    /// Records in the journal that no checkpoint covers yet.
    pub unsealed: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What became of the admission numbers.
    pub numbers: Numbers,
    /// Records whose keys are gone, so that they can no longer be opened; `None` without keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unopenable: Option<u64>,
    /// What the locks are, when they were asked for and the archive has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks: Option<LockReport>,
    /// Things worth knowing that are no fault.
    pub notes: Vec<String>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// What was found for all collectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// What is wrong with the archive as a whole.
    pub findings: Vec<Finding>,
    /// One report each.
    pub collectors: Vec<CollectorReport>,
}

/// How far it is: work done and work in all, in records.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// Verifies every collector of an archive. `keys` are verifier keys that the caller trusts, by
/// origin: each must be that of a collector, now or before its log handed over to another. A
/// collector without one is checked with the key that the archive itself names, and that is noted.
/// With `locks`, the time now, the lock of every object is read back too.
pub fn verify(
    store: &Store,
    keys: &BTreeMap<String, VerifyingKey>,
    locks: Option<Timestamp>,
    progress: Progress<'_>,
) -> Result<VerifyReport, QueryError> {
    let mut reports = Vec::new();
    let mut all_gone = Vec::new();
    for collector in store.collectors()? {
        let (report, gone) = collector::verify_collector(store, &collector, keys, locks, progress)?;
        reports.push(report);
        all_gone.push((collector.name, gone));
    }
    // A forger who signs with a key of his own names another origin, so that no trusted key fits.
    let mut findings: Vec<Finding> = keys
        .values()
        .filter(|key| !reports.iter().any(|report| report.key == key.to_string()))
        .map(|key| Finding {
            file: "custody.json".to_owned(),
            record: None,
            what: format!("no collector has the key that is trusted: {key}"),
        })
        .collect();
    versions::check_description(store.archive.as_ref(), &mut findings)?;
    findings.extend(gone::check(&all_gone, store.keys.as_deref()));
    let ok = !reports.is_empty()
        && findings.is_empty()
        && reports.iter().all(|report| report.findings.is_empty());
    Ok(VerifyReport { ok, findings, collectors: reports })
}
