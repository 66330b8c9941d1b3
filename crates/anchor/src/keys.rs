//! The keys of the log that is anchored: those that it handed over from and to, as its archive shows.

use archive::{Archive, ArchiveError};
use record::{Body, Envelope};
use tlog::{Checkpoint, CheckpointError, KeyChange, KeyHistory, VerifyingKey};

use crate::{AnchorError, Layout};

/// The history of a key that is known. It is read again when a checkpoint does not open with it:
/// the log may have handed over meanwhile.
pub(crate) struct Keys {
    known: VerifyingKey,
    history: KeyHistory,
}

impl Keys {
    pub(crate) fn of(known: VerifyingKey) -> Self {
        let history = KeyHistory::of(known.clone());
        Self { known, history }
    }

    pub(crate) fn history(&self) -> &KeyHistory {
        &self.history
    }

    /// Opens the published checkpoint.
    pub(crate) fn open(
        &mut self,
        archive: &dyn Archive,
        layout: &Layout,
        note: &[u8],
    ) -> Result<Result<Checkpoint, CheckpointError>, AnchorError> {
        let opened = self.history.open(note);
        if opened.is_ok() {
            return Ok(opened);
        }
        let read = history(archive, layout, &self.known, note);
        self.history = read.map_err(|error| AnchorError::archive(&error))?;
        Ok(self.history.open(note))
    }
}

/// The history that `known` is part of: a change counts when both keys signed a checkpoint over it.
fn history(
    archive: &dyn Archive,
    layout: &Layout,
    known: &VerifyingKey,
    published: &[u8],
) -> Result<KeyHistory, ArchiveError> {
    let mut changes = Vec::new();
    let mut notes = vec![published.to_vec()];
    for name in archive.list(&layout.key_changes())? {
        let number = name.as_str().strip_prefix(&layout.key_changes());
        let Some(index) = number.and_then(Layout::size) else { continue };
        let envelope = archive.get(&name)?.and_then(|bytes| Envelope::from_bytes(&bytes).ok());
        let Some(Body::KeyChange(change)) = envelope.map(|envelope| envelope.body) else {
            continue;
        };
        if let (Ok(old), Ok(new)) = (change.old.parse(), change.new.parse()) {
            changes.push(KeyChange { index, old, new });
            // The first checkpoint that covers the record is one that both keys signed.
            if let Some(first) = layout.first_kept(archive, index)? {
                notes.extend(archive.get(&first)?);
            }
        }
    }
    let notes: Vec<&[u8]> = notes.iter().map(Vec::as_slice).collect();
    Ok(KeyHistory::reaching(known, changes, &notes).0)
}
