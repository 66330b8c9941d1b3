//! The right edge of the log's tree, kept beside the signed state when the archive is elsewhere: so
//! that a recorder can start, and sign on, while the archive is away.

use tlog::{Checkpoint, Hash, TilePath, Tree, leaf_hash, read_bundle};

use crate::Disk;
use crate::sequence::Head;

const PREFIX: &str = "edge-";

fn name(size: u64) -> String {
    format!("{PREFIX}{size:012}")
}

/// Writes the edge of a head. A crash after it leaves an edge beside that of the state that counts.
pub(crate) fn store(disk: &dyn Disk, head: &Head) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let partials: Vec<_> = head.tree.partials().collect();
    bytes.push(u8::try_from(partials.len()).unwrap_or(u8::MAX));
    for (path, hashes) in partials {
        bytes.push(path.level.unwrap_or(0));
        bytes.extend_from_slice(&u16::try_from(hashes.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(hashes.iter().flat_map(|hash| hash.0));
    }
    bytes.extend_from_slice(&head.bundle);
    disk.replace(&name(head.tree.size()), &bytes)
}

/// Removes the edges of other sizes; those that stay are overwritten or do no harm.
pub(crate) fn tidy(disk: &dyn Disk, size: u64) {
    let Ok(names) = disk.list() else { return };
    for old in names.iter().filter(|n| n.starts_with(PREFIX) && **n != name(size)) {
        if let Err(error) = disk.remove(old) {
            tracing::debug!(%error, old, "an old edge stays");
        }
    }
}

/// The head of a signed state from its edge; `None` when there is none that fits.
pub(crate) fn load(disk: &dyn Disk, checkpoint: Option<Checkpoint>, note: Vec<u8>) -> Option<Head> {
    let Some(checkpoint) = checkpoint else { return Some(Head::empty()) };
    let bytes = disk.read(&name(checkpoint.size)).ok()?;
    let (partials, bundle) = parse(&bytes)?;
    let tree = Tree::from_partials(checkpoint.size, |path: TilePath| {
        let level = path.level.unwrap_or(0);
        let found = partials.iter().find(|(at, _)| *at == level)?;
        Some(found.1.clone())
    })?;
    if tree.root() != checkpoint.root {
        return None;
    }
    let logged = tree.partials().find(|(path, _)| path.level == Some(0)).map(|(_, hashes)| hashes);
    let same = read_bundle(bundle).ok()?.into_iter().map(leaf_hash);
    if !same.eq(logged.unwrap_or_default().iter().copied()) {
        return None;
    }
    Some(Head { tree, bundle: bundle.to_vec(), note, published: false })
}

type Partials = Vec<(u8, Vec<Hash>)>;

fn parse(bytes: &[u8]) -> Option<(Partials, &[u8])> {
    let (&count, mut rest) = bytes.split_first()?;
    let mut partials = Vec::new();
    for _ in 0..count {
        let (&level, after) = rest.split_first()?;
        let (width, after) = after.split_first_chunk::<2>()?;
        let (hashes, after) =
            after.split_at_checked(usize::from(u16::from_be_bytes(*width)) * 32)?;
        let hashes = hashes.chunks_exact(32).filter_map(|hash| Some(Hash(hash.try_into().ok()?)));
        partials.push((level, hashes.collect()));
        rest = after;
    }
    Some((partials, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealDisk;

    const JOURNAL: &str = include_str!("../../../spec/vectors/journal.txt");
    const LEAF: &str = include_str!("../../../spec/vectors/leaf.txt");

    fn bytes(file: &str, name: &str) -> Vec<u8> {
        let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        found.unwrap().as_bytes().chunks(2).map(pair).collect()
    }

    #[test]
    fn the_edge_of_the_specification_is_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::create(dir.path()).unwrap();
        let bundle = bytes(LEAF, "bundle");
        let mut tree = Tree::new();
        for entry in read_bundle(&bundle).unwrap() {
            tree.push(leaf_hash(entry), |_, _| {});
        }
        let checkpoint = Checkpoint { origin: "o".to_owned(), size: 2, root: tree.root() };
        store(&disk, &Head { tree, bundle, note: Vec::new(), published: true }).unwrap();
        assert_eq!(disk.read("edge-000000000002").unwrap(), bytes(JOURNAL, "edge"));
        let head = load(&disk, Some(checkpoint.clone()), b"note".to_vec()).unwrap();
        assert_eq!((head.tree.root(), head.note.as_slice()), (checkpoint.root, &b"note"[..]));

        // One that does not give the signed root, by a hash or by an entry, counts for nothing.
        let good = bytes(JOURNAL, "edge");
        for at in [4, 4 + 64 + 2, good.len() - 1] {
            let mut other = good.clone();
            other[at] ^= 1;
            disk.replace("edge-000000000002", &other).unwrap();
            assert!(load(&disk, Some(checkpoint.clone()), Vec::new()).is_none(), "byte {at}");
        }
        tidy(&disk, 3);
        assert!(disk.read("edge-000000000002").is_err());
    }
}
