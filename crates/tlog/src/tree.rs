//! A growing tree: only its right edge is kept.

use crate::hash::perfect_root;
use crate::{Hash, TILE_WIDTH, TilePath, empty_root, node_hash};

/// The right edge of a Merkle tree: at each tile level the hashes of the tile that is not full.
///
/// Memory does not grow with the size: at most 255 hashes a level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    /// `edge[l]` holds the hashes of the partial tile of level `l`.
    edge: Vec<Vec<Hash>>,
}

impl Tree {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` whose partial tiles `tile` gives, or `None` when one is missing or has
    /// another width. Nothing is believed yet: compare [`root`](Self::root) with a checkpoint.
    pub fn from_partials(
        size: u64,
        mut tile: impl FnMut(TilePath) -> Option<Vec<Hash>>,
    ) -> Option<Self> {
        let mut edge = Vec::new();
        for level in 0..8_u8 {
            let at_level = size >> (u32::from(level) * 8);
            if at_level == 0 {
                break;
            }
            let width = at_level % 256;
            if width == 0 {
                edge.push(Vec::new());
                continue;
            }
            let path = TilePath::covering(level, at_level, size);
            let hashes = tile(path)?;
            if u64::try_from(hashes.len()).ok() != Some(width) {
                return None;
            }
            edge.push(hashes);
        }
        Some(Self { size, edge })
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash; `full` gets each tile that this completes, lowest level first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(TilePath, &[Hash])) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..8_u8 {
            let depth = usize::from(level);
            if self.edge.len() == depth {
                self.edge.push(Vec::with_capacity(TILE_WIDTH));
            }
            let Some(tile) = self.edge.get_mut(depth) else {
                return;
            };
            tile.push(hash);
            if tile.len() < TILE_WIDTH {
                return;
            }
            let index = (self.size >> (u32::from(level + 1) * 8)) - 1;
            full(TilePath { level: Some(level), index, width: 256 }, tile);
            let Some(root) = perfect_root(tile) else {
                return;
            };
            tile.clear();
            hash = root;
        }
    }

    /// The partial tiles, lowest level first.
    pub fn partials(&self) -> impl Iterator<Item = (TilePath, &[Hash])> {
        (0_u8..).zip(&self.edge).filter(|(_, tile)| !tile.is_empty()).map(|(level, tile)| {
            let at_level = self.size >> (u32::from(level) * 8);
            let width = u16::try_from(tile.len()).unwrap_or(u16::MAX);
            (TilePath { level: Some(level), index: at_level / 256, width }, tile.as_slice())
        })
    }

    /// The root, RFC 6962 §2.1: perfect subtrees from the largest to the smallest, folded from the
    /// right.
    pub fn root(&self) -> Hash {
        let mut acc: Option<Hash> = None;
        for tile in &self.edge {
            // Within a level the smallest perfect subtree stands last.
            let mut end = tile.len();
            while end > 0 {
                let take = 1 << end.trailing_zeros();
                let Some(left) = tile.get(end - take..end).and_then(perfect_root) else {
                    break;
                };
                acc = Some(acc.map_or(left, |right| node_hash(&left, &right)));
                end -= take;
            }
        }
        acc.unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::leaf_hash;

    /// RFC 6962 §2.1, written as the RFC writes it.
    pub(crate) fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let k = many.len().next_power_of_two() / 2;
                node_hash(&mth(&many[..k]), &mth(&many[k..]))
            }
        }
    }

    pub(crate) fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn the_root_is_that_of_rfc_6962() {
        let all = leaves(1500);
        let mut tree = Tree::new();
        assert_eq!(tree.root(), empty_root());
        for (i, leaf) in all.iter().enumerate() {
            tree.push(*leaf, |_, _| {});
            if i < 600 || i % 97 == 0 || i > 1490 {
                assert_eq!(tree.root(), mth(&all[..=i]), "size {}", i + 1);
            }
        }
    }

    #[test]
    fn comes_back_from_its_partial_tiles() {
        for size in [0, 1, 255, 256, 257, 511, 512, 66_000, 65_536, 70_000] {
            let mut tree = Tree::new();
            for leaf in leaves(size) {
                tree.push(leaf, |_, _| {});
            }
            let partials: std::collections::HashMap<_, _> =
                tree.partials().map(|(p, h)| (p, h.to_vec())).collect();
            let back = Tree::from_partials(size, |path| partials.get(&path).cloned()).unwrap();
            assert_eq!(back.root(), tree.root(), "size {size}");
            assert_eq!(back.size(), size);
        }
    }

    #[test]
    fn gives_out_exactly_the_tiles_that_the_tree_has() {
        let mut tree = Tree::new();
        let mut given = Vec::new();
        for leaf in leaves(70_000) {
            tree.push(leaf, |path, hashes| {
                assert_eq!(hashes.len(), 256);
                given.push(path);
            });
        }
        given.extend(tree.partials().map(|(path, _)| path));
        given.sort();
        let expected: Vec<_> = TilePath::all(70_000).filter(|path| path.level.is_some()).collect();
        assert_eq!(given, expected);
    }
}
