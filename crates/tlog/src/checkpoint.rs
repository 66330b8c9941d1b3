//! Checkpoints, C2SP tlog-checkpoint.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{Hash, Note, NoteError, SigningKey, VerifyingKey};

/// The head of a log: which log, how large, which root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's unique name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why bytes are not a checkpoint that is believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note is not believed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// It is of another log.
    #[error("the checkpoint is of {found:?}, expected {expected:?}")]
    Origin {
        /// The origin that it names.
        found: String,
        /// The origin that the key names.
        expected: String,
    },
}

impl Checkpoint {
    /// The note's text.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root.0))
    }

    /// Signs it.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        Note::sign(self.to_text(), key).to_bytes()
    }

    /// Signs it with each of these keys, in order.
    pub fn sign_by_all(&self, keys: &[&SigningKey]) -> Vec<u8> {
        let mut keys = keys.iter();
        let first = keys.next().map(|key| Note::sign(self.to_text(), key));
        let note = first.map(|note| keys.fold(note, |note, key| note.and_sign(key)));
        note.map(|note| note.to_bytes()).unwrap_or_default()
    }

    /// Reads a checkpoint, signed by `key`, whose name must be the origin.
    pub fn open(bytes: &[u8], key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Self::parse(note.verify(key)?)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::Origin {
                found: checkpoint.origin,
                expected: key.name().to_owned(),
            });
        }
        Ok(checkpoint)
    }

    /// Reads a checkpoint's text; extension lines are allowed and dropped.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let body = text.strip_suffix('\n').ok_or(malformed("it does not end with a newline"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(malformed("it has not three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(malformed("it has an empty line"));
        }
        let digits = size.bytes().all(|b| b.is_ascii_digit());
        if !digits || size.is_empty() || (size.len() > 1 && size.starts_with('0')) {
            return Err(malformed("the size is not a decimal number"));
        }
        let size: u64 = size.parse().map_err(|_| malformed("the size is over 64 bits"))?;
        let root = BASE64_STANDARD.decode(root).map_err(|_| malformed("the root is not base64"))?;
        let root = root.try_into().map_err(|_| malformed("the root has not 32 bytes"))?;
        Ok(Self { origin: origin.to_owned(), size, root: Hash(root) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_signed() {
        let key = SigningKey::new("custody.local/x/c1", &[9; 32]).unwrap();
        let checkpoint =
            Checkpoint { origin: "custody.local/x/c1".into(), size: 70_000, root: Hash([5; 32]) };
        let bytes = checkpoint.sign(&key);
        assert_eq!(Checkpoint::open(&bytes, &key.verifying_key()).unwrap(), checkpoint);
        let other = SigningKey::new("custody.local/y", &[9; 32]).unwrap();
        let foreign = checkpoint.sign(&other);
        assert!(matches!(
            Checkpoint::open(&foreign, &other.verifying_key()),
            Err(CheckpointError::Origin { .. })
        ));
    }

    #[test]
    fn other_texts_are_refused() {
        let root = BASE64_STANDARD.encode([5; 32]);
        for text in [
            String::new(),
            format!("o\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            "o\n1\nAAAA\n".to_owned(),
            format!("o\n1\n{root}\n\n"),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
        assert!(Checkpoint::parse(&format!("o\n0\n{root}\nextension\n")).is_ok());
    }
}
