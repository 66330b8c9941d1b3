use std::collections::HashMap;

use super::*;
use crate::{leaf_hash, push_entry};

#[derive(Clone)]
struct Memory {
    files: HashMap<TilePath, Vec<u8>>,
    checkpoint: Checkpoint,
}

impl LogSource for Memory {
    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(&path).cloned())
    }
}

fn entry(index: u64) -> Vec<u8> {
    index.to_be_bytes().repeat(7)
}

fn log(size: u64) -> Memory {
    let mut files: HashMap<TilePath, Vec<u8>> = HashMap::new();
    let mut tree = Tree::new();
    let flat = |hashes: &[Hash]| hashes.iter().flat_map(|h| h.0).collect::<Vec<u8>>();
    for index in 0..size {
        let bundle = files.entry(TilePath::bundle_covering(index, size)).or_default();
        assert!(push_entry(bundle, &entry(index)));
        let mut full = Vec::new();
        tree.push(leaf_hash(&entry(index)), |path, hashes| full.push((path, flat(hashes))));
        files.extend(full);
    }
    files.extend(tree.partials().map(|(path, hashes)| (path, flat(hashes))));
    Memory { files, checkpoint: Checkpoint { origin: "t".into(), size, root: tree.root() } }
}

fn findings(log: &Memory) -> Vec<Finding> {
    audit(&log.checkpoint, log, |_, _| {}, |_| {}).unwrap().findings
}

#[test]
fn a_whole_log_has_no_findings_and_gives_every_entry() {
    for size in [0, 1, 255, 256, 257, 66_000] {
        let log = log(size);
        let mut next = 0;
        let report = audit(
            &log.checkpoint,
            &log,
            |index, bytes| {
                assert_eq!((index, bytes.to_vec()), (next, entry(index)));
                next += 1;
            },
            |_| {},
        )
        .unwrap();
        assert_eq!((report.findings, report.entries, next), (vec![], size, size));
    }
}

/// The forgery that other verifiers accept: an entry and its hash in the tile changed together.
#[test]
fn an_entry_changed_with_its_tile_hash_is_rejected() {
    for size in [300, 66_000, 70_000, 100_000] {
        let good = log(size);
        for index in [0, 255, 256, size / 2, 65_536.min(size - 1), size - 1] {
            let mut forged = good.clone();
            let bundle = TilePath::bundle_covering(index, size);
            let tile = TilePath::covering(0, index, size);
            let place = usize::try_from(index % 256).unwrap();
            let bytes = forged.files.get_mut(&bundle).unwrap();
            bytes[place * 58 + 2] ^= 1;
            let changed = leaf_hash(&bytes[place * 58 + 2..place * 58 + 58]);
            forged.files.get_mut(&tile).unwrap()[place * 32..place * 32 + 32]
                .copy_from_slice(&changed.0);
            let found = findings(&forged);
            assert!(
                found.iter().any(|f| matches!(f, Finding::Root { .. })),
                "size {size}, entry {index}: {found:?}"
            );
        }
    }
}

/// The same with every tile above recomputed: only the signed root tells.
#[test]
fn a_log_forged_throughout_is_rejected_by_its_root() {
    let good = log(70_000);
    let mut forged = good.clone();
    let bundle = TilePath::bundle_covering(69_999, 70_000);
    forged.files.get_mut(&bundle).unwrap().iter_mut().last().map(|b| *b ^= 1).unwrap();
    let mut tree = Tree::new();
    let flat = |hashes: &[Hash]| hashes.iter().flat_map(|h| h.0).collect::<Vec<u8>>();
    for path in TilePath::all(70_000).filter(|p| p.level.is_none()) {
        for bytes in read_bundle(&forged.files[&path]).unwrap() {
            tree.push(leaf_hash(bytes), |_, _| {});
        }
    }
    let partials: Vec<_> = tree.partials().map(|(p, h)| (p, flat(h))).collect();
    forged.files.extend(partials);
    let found = findings(&forged);
    assert_eq!(found, [Finding::Root { computed: tree.root(), signed: good.checkpoint.root }]);
}

#[test]
fn a_changed_entry_or_tile_is_named() {
    let good = log(70_000);
    let mut bad = good.clone();
    let bundle = TilePath::bundle_covering(300, 70_000);
    bad.files.get_mut(&bundle).unwrap()[44 * 58 + 9] ^= 1;
    assert_eq!(findings(&bad), [Finding::Entry { path: bundle, index: 300 }]);

    for (level, index) in [(0, 300), (1, 3), (2, 0)] {
        let mut bad = good.clone();
        let tile = TilePath::covering(level, index, 70_000);
        bad.files.get_mut(&tile).unwrap()[3] ^= 1;
        assert_eq!(findings(&bad), [Finding::TileHash { path: tile, at: 0 }], "level {level}");
    }
}

#[test]
fn missing_and_short_files_are_named() {
    let good = log(600);
    for path in good.files.keys() {
        let mut bad = good.clone();
        bad.files.remove(path);
        assert!(findings(&bad).contains(&Finding::Missing(*path)), "{path}");
        let mut bad = good.clone();
        bad.files.get_mut(path).unwrap().pop();
        assert!(
            findings(&bad).iter().any(|f| matches!(f, Finding::Malformed(p, _) if p == path)),
            "{path}"
        );
    }
}
