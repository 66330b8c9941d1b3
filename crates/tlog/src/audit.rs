//! The full audit of a log: every tile is recomputed from the entries.
//!
//! Verifiers that take a partial tile's hash from the tile above it, or the other way round,
//! accept logs in which an entry and its tile hash were changed together (CVE-2026-56865, at sizes
//! such as 66,000 and 70,000). Here the root is computed from the entries alone and must be the
//! checkpoint's; stored tiles are only ever compared.

use std::fmt;

use crate::{Checkpoint, Hash, TilePath, Tree, leaf_hash, read_bundle};

/// Where a log's files come from.
pub trait LogSource {
    /// The bytes of a tile or bundle, `None` when there is none.
    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError>;
}

/// The storage could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {reason}")]
pub struct SourceError {
    /// Which file.
    pub path: String,
    /// What the storage said.
    pub reason: String,
}

/// Something in the log that is not as the checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Finding {
    /// A file is not there.
    Missing(TilePath),
    /// A file cannot be read as what it should be.
    Malformed(TilePath, String),
    /// An entry's bytes are not those that were logged.
    Entry {
        /// The bundle.
        path: TilePath,
        /// The entry's index in the log.
        index: u64,
    },
    /// A tile's hash is not that of the entries.
    TileHash {
        /// The tile.
        path: TilePath,
        /// Which of its hashes, from 0.
        at: usize,
    },
    /// The entries do not give the checkpoint's root, and nothing narrower explains it.
    Root {
        /// Root over the entries.
        computed: Hash,
        /// Root that was signed.
        signed: Hash,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{path}: missing"),
            Self::Malformed(path, why) => write!(f, "{path}: {why}"),
            Self::Entry { path, index } => {
                write!(f, "{path}: entry {index} is not the one that was logged")
            }
            Self::TileHash { path, at } => {
                write!(f, "{path}: hash {at} is not that of the entries")
            }
            Self::Root { computed, signed } => write!(
                f,
                "checkpoint: the entries give root {computed}, the signed root is {signed}"
            ),
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    /// Everything that is wrong; empty means that the log is as signed.
    pub findings: Vec<Finding>,
    /// Entries read.
    pub entries: u64,
    /// Tiles compared.
    pub tiles: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// Audits the log up to `checkpoint`, whose signature the caller has verified.
///
/// `each` gets every entry with its index, in order; `progress` gets the number of entries read.
pub fn audit(
    checkpoint: &Checkpoint,
    source: &impl LogSource,
    mut each: impl FnMut(u64, &[u8]),
    mut progress: impl FnMut(u64),
) -> Result<AuditReport, SourceError> {
    let size = checkpoint.size;
    let mut report = AuditReport::default();
    // `truth` grows from the entries; `stored` from the stored level-0 hashes. Whichever gives the
    // signed root tells whether an entry or a tile was changed.
    let (mut truth, mut stored) = (Tree::new(), Tree::new());
    let mut expected = Vec::new();
    let mut expected_stored = Vec::new();
    let mut suspects = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        let path = TilePath::bundle_covering(bundle * 256, size);
        let tile = TilePath::covering(0, bundle * 256, size);
        let entries = source.read(path)?;
        let hashes = source.read(tile)?;
        report.bytes += length(entries.as_ref()) + length(hashes.as_ref());
        let computed = entry_hashes(path, bundle * 256, entries.as_deref(), &mut report, &mut each);
        let kept = tile_hashes(tile, hashes.as_deref(), &mut report);
        for place in 0..usize::from(path.width) {
            let index = bundle * 256 + u64::try_from(place).unwrap_or(0);
            let ours = computed.get(place).copied();
            let theirs = kept.get(place).copied();
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && ours != theirs
            {
                suspects.push((path, tile, index, place));
            }
            let filler = Hash([0; 32]);
            truth.push(ours.or(theirs).unwrap_or(filler), |p, h| expected.push((p, h.to_vec())));
            stored.push(theirs.or(ours).unwrap_or(filler), |p, h| {
                expected_stored.push((p, h.to_vec()));
            });
        }
        report.entries += u64::from(path.width);
        progress(report.entries);
        check_upper(&mut expected, &mut expected_stored, source, &mut report, &mut Vec::new())?;
    }
    expected.extend(truth.partials().map(|(p, h)| (p, h.to_vec())));
    expected_stored.extend(stored.partials().map(|(p, h)| (p, h.to_vec())));
    check_upper(&mut expected, &mut expected_stored, source, &mut report, &mut Vec::new())?;

    if truth.root() == checkpoint.root {
        report.findings.extend(
            suspects.iter().map(|(_, path, _, at)| Finding::TileHash { path: *path, at: *at }),
        );
    } else if stored.root() == checkpoint.root {
        report.findings.extend(
            suspects
                .iter()
                .map(|(path, _, index, _)| Finding::Entry { path: *path, index: *index }),
        );
    } else {
        report.findings.extend(
            suspects
                .iter()
                .map(|(path, _, index, _)| Finding::Entry { path: *path, index: *index }),
        );
        report.findings.push(Finding::Root { computed: truth.root(), signed: checkpoint.root });
    }
    Ok(report)
}

fn length(bytes: Option<&Vec<u8>>) -> u64 {
    bytes.map_or(0, |b| u64::try_from(b.len()).unwrap_or(u64::MAX))
}

fn entry_hashes(
    path: TilePath,
    first: u64,
    bundle: Option<&[u8]>,
    report: &mut AuditReport,
    each: &mut impl FnMut(u64, &[u8]),
) -> Vec<Hash> {
    let Some(bundle) = bundle else {
        report.findings.push(Finding::Missing(path));
        return Vec::new();
    };
    let entries = match read_bundle(bundle) {
        Ok(entries) if entries.len() == usize::from(path.width) => entries,
        Ok(entries) => {
            let why = format!("holds {} entries instead of {}", entries.len(), path.width);
            report.findings.push(Finding::Malformed(path, why));
            return Vec::new();
        }
        Err(error) => {
            report.findings.push(Finding::Malformed(path, error.to_string()));
            return Vec::new();
        }
    };
    (first..)
        .zip(entries)
        .map(|(index, entry)| {
            each(index, entry);
            leaf_hash(entry)
        })
        .collect()
}

fn tile_hashes(path: TilePath, tile: Option<&[u8]>, report: &mut AuditReport) -> Vec<Hash> {
    report.tiles += 1;
    let Some(tile) = tile else {
        report.findings.push(Finding::Missing(path));
        return Vec::new();
    };
    if tile.len() != usize::from(path.width) * 32 {
        let why = format!("is {} bytes instead of {}", tile.len(), usize::from(path.width) * 32);
        report.findings.push(Finding::Malformed(path, why));
        return Vec::new();
    }
    tile.chunks_exact(32).filter_map(|hash| Some(Hash(hash.try_into().ok()?))).collect()
}

type Tile = (TilePath, Vec<Hash>);

/// Compares the stored tiles above level 0; a hash counts as right when it is that of the entries
/// or that of the stored hashes below it, so that one changed entry is not told once per level.
fn check_upper(
    expected: &mut Vec<Tile>,
    expected_stored: &mut Vec<Tile>,
    source: &impl LogSource,
    report: &mut AuditReport,
    buffer: &mut Vec<Finding>,
) -> Result<(), SourceError> {
    for ((path, truth), (_, below)) in expected.drain(..).zip(expected_stored.drain(..)) {
        if path.level == Some(0) {
            continue;
        }
        let bytes = source.read(path)?;
        report.bytes += length(bytes.as_ref());
        let kept = tile_hashes(path, bytes.as_deref(), report);
        for (at, hash) in kept.iter().enumerate() {
            if truth.get(at) != Some(hash) && below.get(at) != Some(hash) {
                buffer.push(Finding::TileHash { path, at });
            }
        }
    }
    report.findings.append(buffer);
    Ok(())
}

#[cfg(test)]
mod tests;
