//! The keys of a collector's log: the one that is trusted, and those that it handed over to.

use std::collections::BTreeMap;

use record::{Body, Digest, Envelope};
use tlog::{Checkpoint, KeyChange, KeyHistory, Note, VerifyingKey};

use super::Finding;
use crate::{QueryError, Store};

/// A `key_change` record as its envelope lies beside the log.
pub(super) struct Change {
    pub(super) file: String,
    pub(super) index: u64,
    pub(super) envelope: Digest,
    keys: Option<(VerifyingKey, VerifyingKey)>,
}

/// Signed checkpoints by the name of their file.
pub(super) type Notes = BTreeMap<String, Vec<u8>>;

/// All checkpoints that were ever published.
pub(super) fn kept_notes(store: &Store, prefix: &str) -> Result<Notes, QueryError> {
    let mut notes = Notes::new();
    for name in store.archive.list(&format!("{prefix}checkpoints/"))? {
        if let Some(note) = store.archive.get(&name)? {
            notes.insert(name.to_string(), note);
        }
    }
    Ok(notes)
}

/// The changes of key that the published checkpoint covers. Call it after that one was read: what
/// a new key alone signed comes after them.
pub(super) fn changes(
    store: &Store,
    prefix: &str,
    published: Option<&[u8]>,
) -> Result<Vec<Change>, QueryError> {
    let text = published.and_then(|note| Note::parse(note).ok());
    let size = text.and_then(|note| Checkpoint::parse(note.unverified_text()).ok());
    let size = size.map_or(0, |checkpoint| checkpoint.size);
    let folder = format!("{prefix}key-changes/");
    let mut changes = Vec::new();
    for name in store.archive.list(&folder)? {
        let Some(bytes) = store.archive.get(&name)? else { continue };
        let number: String = name
            .as_str()
            .trim_start_matches(&folder)
            .chars()
            .filter(|c| *c != '/' && *c != 'x')
            .collect();
        let Ok(index) = number.parse() else { continue };
        if index < size {
            let keys = match Envelope::from_bytes(&bytes).map(|envelope| envelope.body) {
                Ok(Body::KeyChange(change)) => change.old.parse().ok().zip(change.new.parse().ok()),
                _ => None,
            };
            let envelope = Digest::of(&bytes);
            changes.push(Change { file: name.to_string(), index, envelope, keys });
        }
    }
    Ok(changes)
}

/// The history that `trusted` is part of. What does not hold is a finding.
pub(super) fn history(
    store: &Store,
    prefix: &str,
    trusted: &VerifyingKey,
    changes: &[Change],
    published: Option<&[u8]>,
    findings: &mut Vec<Finding>,
) -> Result<KeyHistory, QueryError> {
    if changes.is_empty() {
        return Ok(KeyHistory::of(trusted.clone()));
    }
    let finding =
        |file: &str, record, what: String| Finding { file: file.to_owned(), record, what };
    let mut named = Vec::new();
    for change in changes {
        let index = change.index;
        if let Some((old, new)) = change.keys.clone() {
            named.push(KeyChange { index, old, new });
        } else {
            let what = "it is no record of a change of key".to_owned();
            findings.push(finding(&change.file, Some(index), what));
        }
    }
    // Read again: the checkpoint that both keys signed may be younger than the first list.
    let notes = kept_notes(store, prefix)?;
    let notes: Vec<&[u8]> = notes.values().map(Vec::as_slice).chain(published).collect();
    let (history, loose) = KeyHistory::reaching(trusted, named, &notes);
    for change in loose {
        let file = changes.iter().find(|c| c.index == change.index);
        findings.push(finding(
            file.map_or(prefix, |change| &change.file),
            Some(change.index),
            format!(
                "no checkpoint hands over from {} to {}: none that covers the record is signed by \
                 both, or neither is the key that is trusted",
                change.old, change.new
            ),
        ));
    }
    Ok(history)
}

/// Each change against the entry of the log: `leaf` gives the digest that an index has there.
pub(super) fn check_entries(
    changes: &[Change],
    leaf: impl Fn(u64) -> Option<[u8; 32]>,
    findings: &mut Vec<Finding>,
) {
    for change in changes {
        if leaf(change.index) != Some(change.envelope.0) {
            findings.push(Finding {
                file: change.file.clone(),
                record: Some(change.index),
                what: "the change of key is not the record that was logged".to_owned(),
            });
        }
    }
}
