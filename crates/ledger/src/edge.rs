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
