//! Inclusion and consistency proofs, RFC 6962 §2.1.1 and §2.1.2, and C2SP tlog-proof.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::hash::perfect_root;
use crate::{
    Checkpoint, CheckpointError, Hash, TilePath, VerifyingKey, empty_root, leaf_hash, node_hash,
};

/// Gives the hashes of a tile, exactly `path.width` of them.
pub trait TileReader {
    /// The tile's hashes, or `None` when there is no such tile.
    fn tile(&self, path: TilePath) -> Option<Vec<Hash>>;
}

impl<F: Fn(TilePath) -> Option<Vec<Hash>>> TileReader for F {
    fn tile(&self, path: TilePath) -> Option<Vec<Hash>> {
        self(path)
    }
}

/// Why there is no proof, or why one does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The entry is not in a tree of that size, or the sizes are the wrong way round.
    #[error("entry or size {0} is not within a tree of {1}")]
    OutOfRange(u64, u64),
    /// A tile that the proof needs is missing or has another width.
    #[error("{0} is missing or has another width")]
    MissingTile(TilePath),
    /// The proof does not lead to the root.
    #[error("the proof does not lead to the root")]
    Wrong,
    /// The text is no proof.
    #[error("not a proof: {0}")]
    Malformed(&'static str),
    /// The checkpoint in the proof is not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// The sibling hashes from leaf `index` up to the root of the tree of `size`.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    tiles: &impl TileReader,
) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange(index, size));
    }
    let (mut lo, mut hi) = (0, size);
    let mut proof = Vec::new();
    while hi - lo > 1 {
        let mid = lo + split(hi - lo);
        if index < mid {
            proof.push(subtree(mid, hi, size, tiles)?);
            hi = mid;
        } else {
            proof.push(subtree(lo, mid, size, tiles)?);
            lo = mid;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that prove the tree of `old` to be a prefix of the tree of `new`.
pub fn consistency_proof(
    old: u64,
    new: u64,
    tiles: &impl TileReader,
) -> Result<Vec<Hash>, ProofError> {
    if old > new {
        return Err(ProofError::OutOfRange(old, new));
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    // RFC 6962 §2.1.2, SUBPROOF, unrolled: the hash that the recursion ends with comes first.
    let (mut lo, mut hi, mut whole) = (0, new, true);
    let mut proof = Vec::new();
    while old != hi {
        let mid = lo + split(hi - lo);
        if old <= mid {
            proof.push(subtree(mid, hi, new, tiles)?);
            hi = mid;
        } else {
            proof.push(subtree(lo, mid, new, tiles)?);
            lo = mid;
            whole = false;
        }
    }
    if !whole {
        proof.push(subtree(lo, hi, new, tiles)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root that a log has at `size`, read from its tiles; what they hold is believed.
pub fn root_at(size: u64, tiles: &impl TileReader) -> Result<Hash, ProofError> {
    if size == 0 { Ok(empty_root()) } else { subtree(0, size, size, tiles) }
}

/// Checks that `leaf` is entry `index` of the tree of `size` with this `root` (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange(index, size));
    }
    let (mut fnode, mut snode, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if snode == 0 {
            return Err(ProofError::Wrong);
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(sibling, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode == 0 && hash == root { Ok(()) } else { Err(ProofError::Wrong) }
}

/// Checks that the tree of `old` is a prefix of the tree of `new` (RFC 9162 §2.1.4.2).
pub fn verify_consistency(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::OutOfRange(old, new));
    }
    if old == new || old == 0 {
        let same = old == 0 || old_root == new_root;
        return if proof.is_empty() && same { Ok(()) } else { Err(ProofError::Wrong) };
    }
    let mut rest = proof.iter();
    let first = if old.is_power_of_two() { Some(&old_root) } else { rest.next() };
    let Some(first) = first else {
        return Err(ProofError::Wrong);
    };
    let (mut fnode, mut snode) = (old - 1, new - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    let (mut fhash, mut shash) = (*first, *first);
    for sibling in rest {
        if snode == 0 {
            return Err(ProofError::Wrong);
        }
        if fnode & 1 == 1 || fnode == snode {
            fhash = node_hash(sibling, &fhash);
            shash = node_hash(sibling, &shash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            shash = node_hash(&shash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    let holds = snode == 0 && fhash == old_root && shash == new_root;
    if holds { Ok(()) } else { Err(ProofError::Wrong) }
}

/// The largest power of two below `n`, for `n > 1`.
fn split(n: u64) -> u64 {
    1 << (u64::BITS - 1 - (n - 1).leading_zeros())
}

/// The Merkle tree hash of leaves `lo..hi` of a tree of `size`; `lo` is aligned to the subtree.
fn subtree(lo: u64, hi: u64, size: u64, tiles: &impl TileReader) -> Result<Hash, ProofError> {
    let n = hi - lo;
    if !n.is_power_of_two() {
        let mid = lo + split(n);
        let left = subtree(lo, mid, size, tiles)?;
        return Ok(node_hash(&left, &subtree(mid, hi, size, tiles)?));
    }
    let height = n.trailing_zeros();
    let level = height / 8;
    let path = TilePath::covering(u8::try_from(level).unwrap_or(u8::MAX), lo >> (level * 8), size);
    let missing = || ProofError::MissingTile(path);
    let hashes = tiles.tile(path).ok_or_else(missing)?;
    if hashes.len() != usize::from(path.width) {
        return Err(missing());
    }
    let start = usize::try_from((lo >> (level * 8)) % 256).map_err(|_| missing())?;
    hashes.get(start..start + (1 << (height % 8))).and_then(perfect_root).ok_or_else(missing)
}

/// A proof that stands alone: the checkpoint and the way from the entry to its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's index.
    pub index: u64,
    /// Sibling hashes from the leaf up.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: Vec<u8>,
}

impl Proof {
    /// C2SP tlog-proof text.
    pub fn to_text(&self) -> String {
        let mut out = format!("c2sp.org/tlog-proof@v1\nindex {}\n", self.index);
        for hash in &self.path {
            let _infallible = writeln!(out, "{}", BASE64_STANDARD.encode(hash.0));
        }
        out.push('\n');
        out.push_str(&String::from_utf8_lossy(&self.checkpoint));
        out
    }

    /// Reads C2SP tlog-proof text; extra data is allowed and dropped.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let malformed = ProofError::Malformed;
        let rest = text
            .strip_prefix("c2sp.org/tlog-proof@v1\n")
            .ok_or(malformed("the first line is not c2sp.org/tlog-proof@v1"))?;
        let (head, checkpoint) =
            rest.split_once("\n\n").ok_or(malformed("it has no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .filter(|n| *n == "0" || !n.starts_with(['0', '+']))
            .and_then(|n| n.parse().ok())
            .ok_or(malformed("it has no index"))?;
        let path = lines
            .map(|line| {
                let bytes = BASE64_STANDARD.decode(line).ok()?;
                Some(Hash(bytes.try_into().ok()?))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or(malformed("a hash is not 32 bytes of base64"))?;
        Ok(Self { index, path, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// Checks that `entry` is in the log of `key`, and gives the checkpoint that says so.
    pub fn verify(&self, entry: &[u8], key: &VerifyingKey) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let leaf = leaf_hash(entry);
        verify_inclusion(leaf, self.index, checkpoint.size, &self.path, checkpoint.root)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::tree::tests::{leaves, mth};
    use crate::{SigningKey, Tree};

    fn tiles(size: u64) -> HashMap<TilePath, Vec<Hash>> {
        let mut tree = Tree::new();
        let mut all = HashMap::new();
        for leaf in leaves(size) {
            tree.push(leaf, |path, hashes| {
                all.insert(path, hashes.to_vec());
            });
        }
        all.extend(tree.partials().map(|(path, hashes)| (path, hashes.to_vec())));
        all
    }

    #[test]
    fn every_entry_of_every_small_tree_is_proven() {
        for size in (1..70).chain([255, 256, 257, 520]) {
            let tiles = tiles(size);
            let reader = |path| tiles.get(&path).cloned();
            let all = leaves(size);
            let root = mth(&all);
            for (index, leaf) in (0..).zip(&all) {
                let proof = inclusion_proof(index, size, &reader).unwrap();
                verify_inclusion(*leaf, index, size, &proof, root).unwrap();
                let mut wrong = proof.clone();
                wrong.push(root);
                assert!(verify_inclusion(*leaf, index, size, &wrong, root).is_err());
                assert!(verify_inclusion(root, index, size, &proof, root).is_err() || size == 1);
                if size > 1 {
                    let other = (index + 1) % size;
                    assert!(verify_inclusion(*leaf, other, size, &proof, root).is_err());
                }
            }
        }
    }

    #[test]
    fn every_pair_of_small_trees_is_consistent() {
        let all = leaves(300);
        for new in (1..40).chain([256, 257, 300]) {
            let tiles = tiles(new);
            let reader = |path| tiles.get(&path).cloned();
            let n = usize::try_from(new).unwrap();
            for old in 0..=new {
                let o = usize::try_from(old).unwrap();
                let proof = consistency_proof(old, new, &reader).unwrap();
                let (old_root, new_root) = (mth(&all[..o]), mth(&all[..n]));
                verify_consistency((old, old_root), (new, new_root), &proof).unwrap();
                if old > 0 && old < new {
                    let wrong = Hash([1; 32]);
                    assert!(verify_consistency((old, wrong), (new, new_root), &proof).is_err());
                    assert!(verify_consistency((old, old_root), (new, wrong), &proof).is_err());
                }
            }
        }
    }

    #[test]
    fn large_sizes_use_upper_tiles() {
        for size in [66_000, 70_000, 100_000] {
            let tiles = tiles(size);
            let reader = |path| tiles.get(&path).cloned();
            let all = leaves(size);
            let root = mth(&all);
            for index in [0, 65_535, 65_536, size - 1] {
                let proof = inclusion_proof(index, size, &reader).unwrap();
                let leaf = all[usize::try_from(index).unwrap()];
                verify_inclusion(leaf, index, size, &proof, root).unwrap();
            }
        }
    }

    #[test]
    fn a_proof_stands_alone() {
        let tiles = tiles(70);
        let reader = |path| tiles.get(&path).cloned();
        let key = SigningKey::new("example.com/log", &[3; 32]).unwrap();
        let checkpoint =
            Checkpoint { origin: "example.com/log".into(), size: 70, root: mth(&leaves(70)) };
        let proof = Proof {
            index: 9,
            path: inclusion_proof(9, 70, &reader).unwrap(),
            checkpoint: checkpoint.sign(&key),
        };
        let back = Proof::parse(&proof.to_text()).unwrap();
        assert_eq!(back, proof);
        let entry = 9_u64.to_be_bytes();
        assert_eq!(back.verify(&entry, &key.verifying_key()).unwrap(), checkpoint);
        assert_eq!(back.verify(b"other", &key.verifying_key()), Err(ProofError::Wrong));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let none = |_: TilePath| None;
        assert_eq!(inclusion_proof(5, 5, &none), Err(ProofError::OutOfRange(5, 5)));
        assert!(matches!(inclusion_proof(1, 5, &none), Err(ProofError::MissingTile(_))));
        assert_eq!(consistency_proof(6, 5, &none), Err(ProofError::OutOfRange(6, 5)));
    }
}
