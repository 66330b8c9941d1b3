//! The signing key gives way to another one, and the log tells of it.
//!
//! ```text
//! record       `key_change`, with both verifier keys, goes into the journal
//! checkpoint   those that cover the record are signed by both keys
//! publish      such a checkpoint is where others see it: from here on there is no way back
//! tell         the record's envelope and the history of keys go into the archive
//! install      the new key takes the place of the old one; later checkpoints carry it alone
//! ```
//!
//! A crash at any point is gone on from at the next start: the record is found in the journal, which
//! becomes no segment before all is done, and every other step can be done again.

use archive::{Archive, Name};
use record::envelope::KeyChange as KeyChangeBody;
use record::{Body, Envelope, RecordId};
use tlog::{
    Checkpoint, Hash, KeyChange, KeyHistory, SigningKey, TilePath, VerifyingKey, inclusion_proof,
    leaf_hash, verify_inclusion,
};

use crate::sealed::{Append, Sealed, Tickets};
use crate::sealer::Sealer;
use crate::{Layout, LedgerError};

/// The key that is to follow the one that a ledger signs with.
pub struct Handover {
    /// The new key; its name is the log's origin, as the old one's.
    pub next: SigningKey,
    /// Puts the new key in the place of the old one, for the next start. Called when the hand-over
    /// can no longer be undone, and again until it succeeds.
    pub install: Box<Install>,
}

/// What puts a key in the place of another; an error says why it could not.
pub type Install = dyn FnMut(&VerifyingKey) -> Result<(), String> + Send;

/// A hand-over on its way.
pub(crate) struct Pending {
    handover: Handover,
    /// Index and envelope of the record, once it is in the journal.
    record: Option<(u64, Vec<u8>)>,
}

impl Pending {
    /// `records`: the `key_change` records that are in the journal.
    pub(crate) fn new(handover: Handover, records: Vec<(u64, Vec<u8>)>) -> Self {
        let new = handover.next.verifying_key().to_string();
        let record = records.into_iter().find(|(_, bytes)| {
            matches!(
                Envelope::from_bytes(bytes),
                Ok(Envelope { body: Body::KeyChange(change), .. }) if change.new == new
            )
        });
        Self { handover, record }
    }

    /// The key that is to follow.
    pub(crate) fn next(&self) -> VerifyingKey {
        self.handover.next.verifying_key()
    }
}

impl Sealer {
    /// Writes the record of the hand-over, if there is one to come. Nothing is signed in between.
    pub(crate) fn begin_handover(&mut self) {
        let Some(pending) = self.handover.as_mut().filter(|pending| pending.record.is_none())
        else {
            return;
        };
        let change = KeyChangeBody {
            new: pending.handover.next.verifying_key().to_string(),
            old: self.key.verifying_key().to_string(),
        };
        let written = (|| {
            let recorded = self.shared.now();
            let id = RecordId::new(recorded.unix_ms(), keys::random().map_err(text)?);
            let collector = self.shared.collector.clone();
            let envelope = Envelope { id, collector, recorded, body: Body::KeyChange(change) };
            let sealed = Sealed::new(&envelope, Vec::new()).map_err(text)?;
            let bytes = sealed.envelope.clone();
            let record = Append::Record { number: None, sealed, tickets: Tickets::default() };
            self.shared.append(vec![record]).map_err(text)?;
            // This thread alone takes records out of what is pending.
            let state = self.shared.lock();
            let index = state.pending.iter().find(|(_, (leaf, _))| leaf.id == id);
            index.map(|(index, _)| (*index, bytes)).ok_or_else(|| "it is not pending".to_owned())
        })();
        match written {
            Ok(record) => pending.record = Some(record),
            Err(error) => tracing::debug!(%error, "the hand-over to the new key waits"),
        }
    }

    /// Signs a checkpoint: with both keys when it covers the record of a hand-over.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> Vec<u8> {
        match &self.handover {
            Some(Pending { handover, record: Some((index, _)) }) if *index < checkpoint.size => {
                checkpoint.sign_by_all(&[&self.key, &handover.next])
            }
            _ => checkpoint.sign(&self.key),
        }
    }

    /// Ends the hand-over once a checkpoint with both signatures is published. Calling it again
    /// changes nothing.
    pub(crate) fn finish_handover(&mut self) -> Result<(), LedgerError> {
        let old = self.key.verifying_key();
        let Some(Pending { handover, record: Some((index, envelope)) }) = &mut self.handover else {
            return Ok(());
        };
        let new = handover.next.verifying_key();
        let change = KeyChange { index: *index, old: old.clone(), new: new.clone() };
        if !self.head.published || !change.is_signed_by_both(&self.head.note) {
            return Ok(());
        }
        let name = self.layout.key_change(*index).map_err(LedgerError::archive)?;
        let lock = self.locks.log(self.shared.now());
        self.archive.put_all(&[(name, envelope.as_slice())], lock).map_err(LedgerError::archive)?;
        crate::describe::changed(self.archive.as_ref(), &self.shared.collector, &change, lock)?;
        (handover.install)(&new).map_err(|reason| LedgerError::Unavailable {
            action: "install",
            what: "the new signing key".to_owned(),
            reason,
        })?;
        tracing::info!(%old, %new, record = index, "the signing key was changed");
        if let Some(pending) = self.handover.take() {
            self.key = pending.handover.next;
        }
        Ok(())
    }
}

/// The changes of key that lead from `old` to `new`: each is in the log, under a checkpoint that
/// both keys signed. `None` when there is no such chain.
pub(crate) fn proven(
    archive: &dyn Archive,
    layout: &Layout,
    old: &VerifyingKey,
    new: &VerifyingKey,
) -> Result<Option<Vec<KeyChange>>, LedgerError> {
    let get = |name: &Name| archive.get(name).map_err(LedgerError::archive);
    let mut changes = Vec::new();
    let mut envelopes = Vec::new();
    for name in archive.list(&layout.key_changes()).map_err(LedgerError::archive)? {
        let Some(bytes) = get(&name)? else { continue };
        let (Some(index), Some((from, to))) = (layout.index_of(&name), change_of(&bytes)) else {
            continue;
        };
        changes.push(KeyChange { index, old: from, new: to });
        envelopes.push((index, bytes));
    }
    if changes.is_empty() {
        return Ok(None);
    }
    let mut notes = Vec::new();
    for name in archive.list(&layout.checkpoints()).map_err(LedgerError::archive)? {
        notes.extend(get(&name)?);
    }
    notes.extend(get(&layout.checkpoint().map_err(LedgerError::archive)?)?);
    let notes: Vec<&[u8]> = notes.iter().map(Vec::as_slice).collect();
    let (history, _) = KeyHistory::reaching(old, changes, &notes);
    let from = history.changes().iter().position(|change| change.old == *old);
    let to = history.changes().iter().position(|change| change.new == *new);
    let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
    let chain = history.changes().get(from..=to).unwrap_or_default().to_vec();
    let tile = |path: TilePath| -> Option<Vec<Hash>> {
        let read = |path| archive.get(&layout.tile(path).ok()?).ok().flatten();
        // A partial tile goes when its full tile is there.
        let bytes = read(path).or_else(|| read(path.full()))?;
        let hashes = bytes.chunks_exact(32).filter_map(|h| Some(Hash(h.try_into().ok()?)));
        Some(hashes.take(usize::from(path.width)).collect())
    };
    let holds = chain.iter().all(|change| {
        let envelope = envelopes.iter().find(|(index, _)| *index == change.index);
        let signed = notes.iter().find(|note| change.is_signed_by_both(note));
        let (Some((_, bytes)), Some(note)) = (envelope, signed) else { return false };
        let (Ok(checkpoint), Ok(envelope)) =
            (Checkpoint::open(note, &change.old), Envelope::from_bytes(bytes))
        else {
            return false;
        };
        let leaf = leaf_hash(&envelope.leaf(bytes).to_bytes());
        inclusion_proof(change.index, checkpoint.size, &tile).is_ok_and(|proof| {
            verify_inclusion(leaf, change.index, checkpoint.size, &proof, checkpoint.root).is_ok()
        })
    });
    Ok((holds && !chain.is_empty()).then_some(chain))
}

/// The keys of a `key_change` record's envelope: old and new.
fn change_of(bytes: &[u8]) -> Option<(VerifyingKey, VerifyingKey)> {
    match Envelope::from_bytes(bytes).ok()?.body {
        Body::KeyChange(change) => Some((change.old.parse().ok()?, change.new.parse().ok()?)),
        _ => None,
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
