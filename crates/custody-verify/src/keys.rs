//! The keys of a log: those that are trusted, and those that they handed over to.

use std::path::Path;

use record::{Body, Digest, Envelope, Leaf};
use tlog::{Checkpoint, KeyChange, KeyHistory, Note, VerifyingKey};

use crate::ledger::{files, kept};

/// The history that a trusted key is part of.
pub(crate) struct History {
    pub(crate) keys: KeyHistory,
    /// The records that the changes stand in: index and digest of the envelope.
    records: Vec<(u64, Digest)>,
    /// Changes that do not hold.
    pub(crate) findings: Vec<String>,
}

/// The history of each key that is trusted, from the changes that the published checkpoint covers.
pub(crate) fn of(
    folder: &Path,
    published: &[u8],
    trusted: &[VerifyingKey],
) -> anyhow::Result<Vec<History>> {
    let text = Note::parse(published).ok();
    let size = text.and_then(|note| Checkpoint::parse(note.unverified_text()).ok());
    let size = size.map_or(0, |checkpoint| checkpoint.size);
    let mut records = Vec::new();
    let mut changes = Vec::new();
    let mut findings = Vec::new();
    for (name, bytes) in files(folder, "key-changes")? {
        let number = name.trim_start_matches("key-changes").replace(['/', 'x'], "");
        let Some(index) = number.parse().ok().filter(|index| *index < size) else { continue };
        records.push((index, Digest::of(&bytes)));
        let body = Envelope::from_bytes(&bytes).map(|envelope| envelope.body);
        let keys = match body {
            Ok(Body::KeyChange(change)) => change.old.parse().ok().zip(change.new.parse().ok()),
            _ => None,
        };
        match keys {
            Some((old, new)) => changes.push(KeyChange { index, old, new }),
            None => findings.push(format!("{name}: it is no record of a change of key")),
        }
    }
    // Read again: the checkpoint that both keys signed may be younger than the first list.
    let notes = if changes.is_empty() { Vec::new() } else { kept(folder)? };
    let notes: Vec<&[u8]> =
        notes.iter().map(|(_, note)| note.as_slice()).chain([published]).collect();
    let histories = trusted.iter().map(|key| {
        let (keys, loose) = KeyHistory::reaching(key, changes.clone(), &notes);
        let loose = loose.into_iter().map(|KeyChange { index, old, new }| {
            format!(
                "record {index}: no checkpoint hands over from {old} to {new}: none that covers it \
                 is signed by both, or neither is the key that is trusted"
            )
        });
        let findings = findings.iter().cloned().chain(loose).collect();
        History { keys, records: records.clone(), findings }
    });
    Ok(histories.collect())
}

impl History {
    /// What is wrong with the entry at `index`, when a change of key stands in it.
    pub(crate) fn differs(&self, index: u64, leaf: &Leaf) -> Option<String> {
        let (_, digest) = self.records.iter().find(|(record, _)| *record == index)?;
        (*digest != leaf.envelope)
            .then(|| format!("record {index}: the change of key is not the one that was logged"))
    }
}

/// The log that a note is of, believed or not.
pub(crate) fn origin(note: &[u8]) -> Result<String, String> {
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    Ok(note.unverified_text().lines().next().unwrap_or_default().to_owned())
}
