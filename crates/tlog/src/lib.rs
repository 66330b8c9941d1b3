//! A transparency log's mathematics and wire forms, without I/O.
//!
//! * [`Tree`] grows a Merkle tree (RFC 6962 §2.1) and gives out its tiles (C2SP tlog-tiles);
//! * [`TilePath`] names tiles and entry bundles;
//! * [`Note`], [`SigningKey`] and [`VerifyingKey`] are C2SP signed notes with Ed25519;
//! * [`CosignatureKey`] and [`CosigningKey`] are C2SP tlog-cosignature, [`Policy`] is C2SP tlog-policy;
//! * [`Checkpoint`] is C2SP tlog-checkpoint, [`Proof`] is C2SP tlog-proof;
//! * [`inclusion_proof`] and [`consistency_proof`] are RFC 6962 §2.1.1 and §2.1.2, read from tiles;
//! * [`audit`] recomputes every tile from the entries and believes none that it has not recomputed.

mod audit;
mod checkpoint;
mod cosignature;
mod entries;
mod hash;
mod key;
mod note;
mod policy;
mod proof;
mod tile;
mod tree;

pub use audit::{AuditReport, Finding, LogSource, SourceError, audit};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{CosignatureKey, CosigningKey};
pub use entries::{BundleError, push_entry, read_bundle};
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use key::{KeyError, SigningKey, VerifyingKey};
pub use note::{Note, NoteError};
pub use policy::{
    Anchored, AnchoredLog, CosignedBy, Grouped, Policy, PolicyError, Verdict, Witnessed,
};
pub use proof::{
    Proof, ProofError, TileReader, consistency_proof, inclusion_proof, root_at, verify_consistency,
    verify_inclusion,
};
pub use tile::{TILE_WIDTH, TileError, TilePath};
pub use tree::Tree;
