//! The keys of a log, one after the other.
//!
//! A log's entry says that a key gave way to another one. The change holds when a checkpoint that
//! covers the entry is signed by both: the old key vouches for the new one, and the new one takes
//! over what the old one signed. From the entry on only the new key counts.

use crate::{Checkpoint, CheckpointError, Note, VerifyingKey};

/// That a key gave way to another, as an entry of the log says it. Nobody has vouched for it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// Index of the entry.
    pub index: u64,
    /// The key that signs checkpoints of at most this size.
    pub old: VerifyingKey,
    /// The key that signs larger ones.
    pub new: VerifyingKey,
}

/// Which key signs checkpoints of which size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    first: VerifyingKey,
    /// By index, ascending.
    changes: Vec<KeyChange>,
}

impl KeyHistory {
    /// The history of a log whose key never changed.
    pub fn of(key: VerifyingKey) -> Self {
        Self { first: key, changes: Vec::new() }
    }

    /// The history that `trusted` is part of: its successors, and its predecessors, for whom it
    /// vouches since it signs a log that names them. `notes` are signed checkpoints of the log;
    /// changes of which none is signed by both keys come back beside it.
    ///
    /// That the entries are what `changes` says is for the caller to check against the log.
    pub fn reaching(
        trusted: &VerifyingKey,
        mut changes: Vec<KeyChange>,
        notes: &[&[u8]],
    ) -> (Self, Vec<KeyChange>) {
        changes.sort_by_key(|change| change.index);
        let (held, mut loose): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| notes.iter().any(|note| change.is_signed_by_both(note)));
        let mut history = Self::of(trusted.clone());
        let mut before: Vec<KeyChange> = Vec::new();
        for change in held {
            if *history.last() == change.old && !history.knows(&change.new) {
                history.changes.push(change);
            } else {
                before.push(change);
            }
        }
        while let Some(change) = before.pop() {
            let earlier = history.changes.first().is_none_or(|next| change.index < next.index);
            if earlier && history.first == change.new && !history.knows(&change.old) {
                history.first = change.old.clone();
                history.changes.insert(0, change);
            } else {
                loose.push(change);
            }
        }
        (history, loose)
    }

    /// Reads a checkpoint, signed by the key that counts at its size.
    pub fn open(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        // Whatever size it says: the key for that size must have signed it.
        let size = Checkpoint::parse(Note::parse(note)?.unverified_text())?.size;
        Checkpoint::open(note, self.at(size))
    }

    /// The key that signs checkpoints of this size.
    pub fn at(&self, size: u64) -> &VerifyingKey {
        let passed = self.changes.iter().rev().find(|change| change.index < size);
        passed.map_or(&self.first, |change| &change.new)
    }

    /// The key that signs now.
    pub fn last(&self) -> &VerifyingKey {
        self.changes.last().map_or(&self.first, |change| &change.new)
    }

    /// Whether a key is one of them.
    pub fn knows(&self, key: &VerifyingKey) -> bool {
        self.first == *key || self.changes.iter().any(|change| change.new == *key)
    }

    /// The changes that hold, in order.
    pub fn changes(&self) -> &[KeyChange] {
        &self.changes
    }
}

impl KeyChange {
    /// Whether both keys signed this checkpoint, and it covers the entry.
    pub fn is_signed_by_both(&self, note: &[u8]) -> bool {
        // Of the many checkpoints before the change the new key signed none, which is quickly seen.
        let Ok(by_new) = Checkpoint::open(note, &self.new) else { return false };
        self.old != self.new
            && by_new.size > self.index
            && Checkpoint::open(note, &self.old).is_ok_and(|by_old| by_old == by_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hash, SigningKey};

    const ORIGIN: &str = "custody.local/x/c1";

    fn key(n: u8) -> SigningKey {
        SigningKey::new(ORIGIN, &[n; 32]).unwrap()
    }

    fn note(size: u64, keys: &[u8]) -> Vec<u8> {
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: Hash([5; 32]) };
        let keys: Vec<SigningKey> = keys.iter().map(|n| key(*n)).collect();
        let keys: Vec<&SigningKey> = keys.iter().collect();
        checkpoint.sign_by_all(&keys)
    }

    fn change(index: u64, old: u8, new: u8) -> KeyChange {
        KeyChange { index, old: key(old).verifying_key(), new: key(new).verifying_key() }
    }

    fn history(trusted: u8, changes: &[KeyChange], notes: &[Vec<u8>]) -> (KeyHistory, usize) {
        let trusted = key(trusted).verifying_key();
        let notes: Vec<&[u8]> = notes.iter().map(Vec::as_slice).collect();
        let (history, loose) = KeyHistory::reaching(&trusted, changes.to_vec(), &notes);
        (history, loose.len())
    }

    #[test]
    fn a_chain_holds_from_each_of_its_keys() {
        let changes = [change(20, 2, 3), change(10, 1, 2)];
        let notes = [note(12, &[1, 2]), note(22, &[2, 3]), note(30, &[3])];
        for trusted in [1, 2, 3] {
            let (history, loose) = history(trusted, &changes, &notes);
            assert_eq!((history.changes().len(), loose), (2, 0), "from {trusted}");
            for (size, signer) in [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3), (500, 3)] {
                assert_eq!(*history.at(size), key(signer).verifying_key(), "size {size}");
                assert_eq!(history.open(&note(size, &[signer])).unwrap().size, size);
                for other in (1..=3).filter(|other| *other != signer) {
                    assert!(history.open(&note(size, &[other])).is_err(), "{size} by {other}");
                }
            }
            assert_eq!(*history.last(), key(3).verifying_key());
        }
    }

    #[test]
    fn a_change_that_both_did_not_sign_does_not_hold() {
        let changes = [change(10, 1, 2)];
        for notes in [
            vec![],
            vec![note(12, &[1]), note(12, &[2])],
            // It does not cover the entry.
            vec![note(10, &[1, 2])],
            vec![note(12, &[1, 3])],
        ] {
            for trusted in [1, 2] {
                let (history, loose) = history(trusted, &changes, &notes);
                assert_eq!((history.changes().len(), loose), (0, 1));
                assert_eq!(*history.last(), key(trusted).verifying_key());
            }
        }
        // Another log's key, and one that is there already.
        let notes = [note(12, &[1, 2]), note(22, &[2, 1])];
        let (history, loose) = history(1, &[change(10, 1, 2), change(20, 2, 1)], &notes);
        assert_eq!((history.changes().len(), loose), (1, 1));
    }

    #[test]
    fn a_torn_second_signature_is_none() {
        let both = note(12, &[1, 2]);
        let change = change(10, 1, 2);
        assert!(change.is_signed_by_both(&both));
        let text = String::from_utf8(both).unwrap();
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        assert!(!change.is_signed_by_both(&text.as_bytes()[..last]));
    }
}
