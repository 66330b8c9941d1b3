//! The leaf: the 57 bytes that the Merkle log hashes. `spec/leaf.md`.

use crate::{Digest, RecordId, Timestamp};

/// Length of a leaf in bytes.
pub const LEAF_LEN: usize = 57;
const VERSION: u8 = 1;

/// A record's commitment: `version(1) ‖ record id(16) ‖ time(8, µs big-endian) ‖
/// SHA-256(envelope)(32)`.
///
/// It holds no subject and no hash of content, so after an erasure it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The record.
    pub id: RecordId,
    /// When the record was closed; the envelope's `recorded`.
    pub time: Timestamp,
    /// SHA-256 of the envelope's canonical bytes.
    pub envelope: Digest,
}

/// Why bytes are not a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeafError {
    /// A leaf is 57 bytes.
    #[error("a leaf is {LEAF_LEN} bytes, this has {0}")]
    Length(usize),
    /// Written by a version that this program does not know.
    #[error("leaf version {0} is not known to this program")]
    Version(u8),
}

impl Leaf {
    /// The bytes of the entry.
    pub fn to_bytes(self) -> [u8; LEAF_LEN] {
        let mut bytes = [VERSION; LEAF_LEN];
        let (head, envelope) = bytes.split_at_mut(25);
        envelope.copy_from_slice(self.envelope.as_bytes());
        let (head, time) = head.split_at_mut(17);
        time.copy_from_slice(&self.time.0.to_be_bytes());
        if let Some(id) = head.get_mut(1..) {
            id.copy_from_slice(self.id.as_bytes());
        }
        bytes
    }

    /// Reads an entry.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let bytes: &[u8; LEAF_LEN] =
            bytes.try_into().map_err(|_| LeafError::Length(bytes.len()))?;
        let (&version, rest) = bytes.split_first().ok_or(LeafError::Length(0))?;
        if version != VERSION {
            return Err(LeafError::Version(version));
        }
        let (id, rest) = rest.split_at(16);
        let (time, envelope) = rest.split_at(8);
        let length = |_| LeafError::Length(bytes.len());
        Ok(Self {
            id: RecordId::from_bytes(id.try_into().map_err(length)?),
            time: Timestamp(i64::from_be_bytes(time.try_into().map_err(length)?)),
            envelope: Digest(envelope.try_into().map_err(length)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_bytes_of_the_specification() {
        let leaf = Leaf {
            id: "0199a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b".parse().unwrap(),
            time: Timestamp(1_795_435_200_123_456),
            envelope: Digest::of(b"{}"),
        };
        assert_eq!(
            hex::encode(leaf.to_bytes()),
            "010199a1b2c3d47e5f8a6b0c1d2e3f4a5b000660f05552124044136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(Leaf::from_bytes(&leaf.to_bytes()).unwrap(), leaf);
    }

    #[test]
    fn refuses_what_is_not_a_leaf() {
        assert_eq!(Leaf::from_bytes(&[1; 56]), Err(LeafError::Length(56)));
        assert_eq!(Leaf::from_bytes(&[2; 57]), Err(LeafError::Version(2)));
    }
}
