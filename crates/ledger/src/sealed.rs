//! What may be appended: nothing that is not sealed.

use std::sync::Arc;

use keys::ScopeKeys;
use record::{
    AdmissionNumber, CollectorName, Digest, Envelope, EnvelopeError, Interaction, Leaf, PartKind,
    Pid, RecordId, Role, Scope, Timestamp,
    envelope::{PartRef, WrittenRequest},
};
use tokio::sync::oneshot;

/// A sealed part. There is no way to make one but to seal.
#[derive(Debug, PartialEq, Eq)]
pub struct SealedPart {
    pid: Pid,
    sha256: Digest,
    length: u64,
    sealed: Vec<u8>,
}

impl SealedPart {
    /// Commits to and seals `content`, which the caller has masked.
    pub fn seal(scope: &ScopeKeys, kind: PartKind, content: &[u8]) -> Self {
        let sealed = scope.key.seal(content);
        Self {
            pid: Pid(scope.key.commit(kind.as_str(), content)),
            sha256: Digest::of(&sealed),
            length: u64::try_from(content.len()).unwrap_or(u64::MAX),
            sealed,
        }
    }

    /// A part that was sealed before, as the journal holds it.
    pub(crate) fn recovered(reference: &PartRef, sealed: Vec<u8>) -> Self {
        Self { pid: reference.pid, sha256: reference.sha256, length: reference.length, sealed }
    }

    /// Its commitment.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its sealed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.sealed
    }

    /// How an envelope names it.
    pub fn reference(&self, role: Role, kind: PartKind, scope: Scope) -> PartRef {
        PartRef {
            key: None,
            kind,
            length: self.length,
            pid: self.pid,
            role,
            scope,
            sha256: self.sha256,
            withheld: false,
        }
    }
}

/// A record ready to be appended: an envelope, which holds no content, and sealed parts.
#[derive(Debug)]
pub struct Sealed {
    pub(crate) leaf: Leaf,
    pub(crate) envelope: Vec<u8>,
    pub(crate) parts: Vec<Arc<SealedPart>>,
}

impl Sealed {
    /// Writes the envelope's canonical bytes and commits to them.
    pub fn new(envelope: &Envelope, parts: Vec<Arc<SealedPart>>) -> Result<Self, EnvelopeError> {
        let bytes = envelope.to_bytes()?;
        Ok(Self { leaf: envelope.leaf(&bytes), envelope: bytes, parts })
    }

    /// The same for an interaction whose request was written before.
    pub fn interaction(
        id: RecordId,
        collector: &CollectorName,
        recorded: Timestamp,
        interaction: &Interaction,
        request: &WrittenRequest,
        parts: Vec<Arc<SealedPart>>,
    ) -> Result<Self, EnvelopeError> {
        let Admission { envelope, parts } =
            Admission::new(id, collector, recorded, interaction, request, parts)?;
        let leaf = Leaf { id, time: recorded, envelope: Digest::of(&envelope) };
        Ok(Self { leaf, envelope, parts })
    }

    /// The record's id.
    pub fn id(&self) -> RecordId {
        self.leaf.id
    }

    /// About how many bytes it takes in memory.
    pub fn size(&self) -> usize {
        self.envelope.len() + 64
    }
}

/// An interaction at its admission: what its record is if nothing more comes. It is no entry of the
/// log yet, so nothing commits to it.
#[derive(Debug)]
pub struct Admission {
    pub(crate) envelope: Vec<u8>,
    pub(crate) parts: Vec<Arc<SealedPart>>,
}

impl Admission {
    /// Writes the envelope's canonical bytes.
    pub fn new(
        id: RecordId,
        collector: &CollectorName,
        recorded: Timestamp,
        interaction: &Interaction,
        request: &WrittenRequest,
        parts: Vec<Arc<SealedPart>>,
    ) -> Result<Self, EnvelopeError> {
        let envelope = interaction.to_bytes_with(request, id, collector, recorded)?;
        Ok(Self { envelope, parts })
    }
}

impl From<Sealed> for Admission {
    fn from(sealed: Sealed) -> Self {
        Self { envelope: sealed.envelope, parts: sealed.parts }
    }
}

/// Who wants to know when an entry is safe.
#[derive(Debug, Default)]
pub struct Tickets {
    /// Told when the entry survives the death of the process.
    pub written: Option<oneshot::Sender<()>>,
    /// Told when the entry survives a loss of power.
    pub synced: Option<oneshot::Sender<()>>,
}

/// One entry of the journal.
#[derive(Debug)]
#[non_exhaustive]
pub enum Append {
    /// A call was let through; the envelope is what it would be if nothing more came.
    Admitted {
        /// Its number.
        number: AdmissionNumber,
        /// The record so far.
        admission: Admission,
        /// Who waits.
        tickets: Tickets,
    },
    /// A stretch of a long answer, sealed for recovery.
    Piece {
        /// The call's number.
        number: AdmissionNumber,
        /// Sealed bytes.
        sealed: Vec<u8>,
    },
    /// A finished record.
    Record {
        /// The number of the call that it ends; `None` for other records.
        number: Option<AdmissionNumber>,
        /// The record.
        sealed: Sealed,
        /// Who waits.
        tickets: Tickets,
    },
}
