//! An archive that keeps versions: the first version of a name is the object. A later one, or a
//! delete marker, is somebody's attempt to put something else in its place or to hide it. Locks
//! protect versions, so that is all that can be attempted while they hold.

use std::collections::BTreeMap;

use archive::{Archive, Stored};
use record::Timestamp;
use record::envelope::SegmentFile;
use serde::Serialize;

use super::Finding;
use crate::QueryError;
use crate::store::Description;

/// What the locks of a collector's objects are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LockReport {
    /// Objects whose lock was read back.
    pub objects: u64,
    /// Those that are locked, in COMPLIANCE mode, now.
    pub locked: u64,
    /// Those with a legal hold.
    pub legal_holds: u64,
    /// When the first lock ends.
    pub earliest: Option<String>,
    /// Objects that lie in a class without a lock of its own, or whose lock has ended.
    pub unlocked: u64,
}

const UNLOCKED: &str = "it is not locked";

/// What records say of an object.
pub(crate) struct Named<'a> {
    pub(crate) files: &'a BTreeMap<String, SegmentFile>,
    pub(crate) ledger: &'a BTreeMap<String, String>,
}

/// Shadows, delete markers, and versions that are not the ones that were logged.
pub(crate) fn check_versions(
    archive: &dyn Archive,
    prefix: &str,
    named: &Named<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(), QueryError> {
    let Some(stored) = archive.versions(prefix)? else { return Ok(()) };
    for versions in stored.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = versions.iter().find(|stored| !stored.marker) else { continue };
        let file = first.name.to_string();
        if let Some(marker) = versions.iter().find(|stored| stored.marker) {
            findings.push(Finding {
                file: file.clone(),
                record: None,
                what: format!("a delete marker hides it (version {})", marker.version),
            });
        }
        if first.name.changes() {
            continue;
        }
        for later in versions.iter().filter(|stored| !stored.marker).skip(1) {
            if !same_bytes(archive, first, later)? {
                findings.push(Finding {
                    file: file.clone(),
                    record: None,
                    what: format!(
                        "version {} shadows it; what was logged is version {}",
                        later.version, first.version
                    ),
                });
            }
        }
        let logged = named.files.get(&file).and_then(|named| named.version.as_ref());
        let logged = logged.or_else(|| named.ledger.get(&file));
        if logged.is_some_and(|logged| *logged != first.version.0) {
            findings.push(Finding {
                file,
                record: None,
                what: "its first version is not the one that a record names".to_owned(),
            });
        }
    }
    Ok(())
}

/// `custody.json` changes, and only grows: every version before names collectors that the latest one
/// still names.
pub(crate) fn check_description(
    archive: &dyn Archive,
    findings: &mut Vec<Finding>,
) -> Result<(), QueryError> {
    const FILE: &str = "custody.json";
    let Some(mut stored) = archive.versions(FILE)? else { return Ok(()) };
    stored.retain(|stored| stored.name.as_str() == FILE);
    let mut finding = |what: String| {
        findings.push(Finding { file: FILE.to_owned(), record: None, what });
    };
    if let Some(marker) = stored.iter().find(|stored| stored.marker) {
        finding(format!("a delete marker hides it (version {})", marker.version));
    }
    stored.retain(|stored| !stored.marker);
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for version in &stored {
        let bytes = archive.get_version(&version.name, &version.version)?.unwrap_or_default();
        let Ok(description) = serde_json::from_slice::<Description>(&bytes) else {
            finding(format!("version {} cannot be read", version.version));
            continue;
        };
        for (collector, origin) in &named {
            match description.collectors.get(collector).map(|described| &described.origin) {
                Some(there) if there == origin => {}
                Some(_) => finding(format!(
                    "version {} names another log for collector {collector} than the one before",
                    version.version
                )),
                None => finding(format!(
                    "version {} no longer names collector {collector}",
                    version.version
                )),
            }
        }
        let origins = description.collectors.into_iter().map(|(name, is)| (name, is.origin));
        named.extend(origins);
    }
    Ok(())
}

/// A put that was sent twice leaves the same bytes twice.
fn same_bytes(archive: &dyn Archive, first: &Stored, later: &Stored) -> Result<bool, QueryError> {
    if first.bytes != later.bytes {
        return Ok(false);
    }
    let bytes = archive.get_version(&first.name, &first.version)?;
    Ok(bytes.is_some() && bytes == archive.get_version(&later.name, &later.version)?)
}

/// Reads the lock of every object back.
pub(crate) fn check_locks(
    archive: &dyn Archive,
    prefix: &str,
    named: &Named<'_>,
    now: Timestamp,
    findings: &mut Vec<Finding>,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Option<LockReport>, QueryError> {
    let Some(stored) = archive.versions(prefix)? else { return Ok(None) };
    let mut report = LockReport::default();
    let mut earliest: Option<Timestamp> = None;
    let all = u64::try_from(stored.len()).unwrap_or(0);
    for versions in stored.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = versions.iter().find(|stored| !stored.marker) else { continue };
        let lock = archive.lock_of(&first.name, &first.version)?;
        report.objects += 1;
        progress("locks", report.objects, all);
        report.legal_holds += u64::from(lock.legal_hold);
        let file = first.name.to_string();
        let holds = lock.mode.as_deref() == Some("COMPLIANCE") && lock.until > Some(now);
        report.locked += u64::from(holds);
        report.unlocked += u64::from(!holds);
        if holds {
            earliest = earliest.min(lock.until).or(lock.until);
        }
        let logged = named.files.get(&file).and_then(|named| named.locked_until);
        let mut finding = |what: String| {
            findings.push(Finding { file: file.clone(), record: None, what });
        };
        if let Some(mode) = lock.mode.as_deref().filter(|mode| *mode != "COMPLIANCE") {
            finding(format!("its lock is of mode {mode}: whoever may bypass it can remove it"));
        }
        match (logged, lock.until) {
            (Some(logged), until) if logged > now && until.is_none_or(|until| until < logged) => {
                finding(match until {
                    Some(until) => format!("its lock ends {until}, and {logged} was logged"),
                    None => format!("it is not locked, and a lock until {logged} was logged"),
                });
            }
            // The log's own objects are locked as long as anything.
            (None, None) if file.contains("/ledger/") => finding(UNLOCKED.to_owned()),
            _ => {}
        }
    }
    if report.objects > 0 && report.locked == 0 {
        findings.retain(|finding| finding.what != UNLOCKED);
        findings.push(Finding {
            file: archive.location(),
            record: None,
            what: "no object is locked: whoever may write here can change and delete".to_owned(),
        });
    }
    report.earliest = earliest.map(|time| time.to_string());
    Ok(Some(report))
}
