//! Proofs that a record is in the log.

use archive::Name;
use record::{Envelope, RecordId};
use tlog::{Hash, Proof, TilePath, inclusion_proof};

use crate::{QueryError, Store};

/// A proof and what it proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofAnswer {
    /// Whose log.
    pub collector: String,
    /// The leaf, as hexadecimal digits of its 57 bytes.
    pub leaf: Vec<u8>,
    /// The canonical envelope.
    pub envelope: Vec<u8>,
    /// C2SP tlog-proof: index, path and signed checkpoint.
    pub proof: Proof,
    /// The verifier key, as the archive names it.
    pub key: String,
}

impl Store {
    /// The proof of a record, up to the published checkpoint.
    pub fn proof(&self, id: RecordId) -> Result<ProofAnswer, QueryError> {
        let (at, _) = self.find(id)?;
        let collector = self
            .collectors()?
            .into_iter()
            .find(|collector| collector.name == at.collector)
            .ok_or_else(|| {
                QueryError::Storage(format!("collector {} is not described", at.collector))
            })?;
        let (checkpoint, note) = self
            .checkpoint(&collector)?
            .filter(|(checkpoint, _)| at.leaf < checkpoint.size)
            .ok_or_else(|| {
                QueryError::NotFound(format!("{id} under a checkpoint yet; ask again in a second"))
            })?;
        let tile = |path: TilePath| -> Option<Vec<Hash>> {
            let read = |path: TilePath| {
                let name = Name::new(format!("{}/ledger/{path}", collector.name)).ok()?;
                self.archive.get(&name).ok().flatten()
            };
            // A partial tile goes when its full tile is there.
            let bytes = read(path).or_else(|| read(path.full()))?;
            let hashes: Vec<Hash> =
                bytes.chunks_exact(32).filter_map(|h| Some(Hash(h.try_into().ok()?))).collect();
            Some(hashes.get(..usize::from(path.width))?.to_vec())
        };
        let path = inclusion_proof(at.leaf, checkpoint.size, &tile)
            .map_err(|error| QueryError::Storage(error.to_string()))?;
        let envelope = Envelope::from_bytes(&at.envelope)
            .map_err(|error| QueryError::Storage(error.to_string()))?;
        Ok(ProofAnswer {
            collector: at.collector,
            leaf: envelope.leaf(&at.envelope).to_bytes().to_vec(),
            envelope: at.envelope,
            proof: Proof { index: at.leaf, path, checkpoint: note },
            key: collector.key,
        })
    }
}
