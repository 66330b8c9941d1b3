//! Names of a collector's checkpoints and anchors in the archive. `spec/archive.md`,
//! `spec/anchors.md`.

use archive::{Archive, ArchiveError, Name};
use record::CollectorName;
use tlog::{CosignatureKey, TilePath};

/// Sizes that share a folder.
const FOLDER: u64 = 1000;

/// The folder of one collector.
#[derive(Debug, Clone)]
pub struct Layout {
    collector: CollectorName,
}

/// Kept checkpoints, and how far they were looked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Ascending by size.
    pub(crate) found: Vec<(u64, Name)>,
    /// All of this size and below are among `found`.
    pub(crate) until: u64,
}

impl Layout {
    /// Of this collector.
    pub fn new(collector: CollectorName) -> Self {
        Self { collector }
    }

    /// Whose folder it is.
    pub fn collector(&self) -> &CollectorName {
        &self.collector
    }

    /// The published checkpoint.
    pub fn checkpoint(&self) -> Result<Name, ArchiveError> {
        Name::new(format!("{}/ledger/checkpoint", self.collector))
    }

    /// The checkpoint of one size, kept for good.
    pub fn checkpoint_of(&self, size: u64) -> Result<Name, ArchiveError> {
        Name::new(format!("{}/ledger/checkpoints/{}", self.collector, spread(size)))
    }

    /// A tile.
    pub fn tile(&self, path: TilePath) -> Result<Name, ArchiveError> {
        Name::new(format!("{}/ledger/{path}", self.collector))
    }

    /// Where all anchors lie.
    pub fn anchors(&self) -> String {
        format!("{}/ledger/anchors/", self.collector)
    }

    /// The checkpoint of one size with the cosignature of one witness.
    pub fn cosigned(&self, size: u64, key: &CosignatureKey) -> Result<Name, ArchiveError> {
        let id = hex::encode(key.id());
        Name::new(format!("{}{}/witness-{id}.note", self.anchors(), spread(size)))
    }

    /// The answer of the timestamp authority over the checkpoint of one size.
    pub fn timestamp(&self, size: u64) -> Result<Name, ArchiveError> {
        Name::new(format!("{}{}/timestamp.tsr", self.anchors(), spread(size)))
    }

    /// Where the records of changed keys lie.
    pub(crate) fn key_changes(&self) -> String {
        format!("{}/ledger/key-changes/", self.collector)
    }

    /// The smallest kept checkpoint of more than `size` entries, among those of its folder and of
    /// the next one; `None` when there is none yet.
    pub(crate) fn first_kept(
        &self,
        archive: &dyn Archive,
        size: u64,
    ) -> Result<Option<Name>, ArchiveError> {
        let until = (size / FOLDER + 2).saturating_mul(FOLDER) - 1;
        Ok(self.kept(archive, size, until)?.found.into_iter().next().map(|(_, name)| name))
    }

    /// The size that a folder of anchors is named after.
    pub(crate) fn size(number: &str) -> Option<u64> {
        gathered(number)
    }

    /// The kept checkpoints of sizes past `after` and up to `until`: some thousands at a time, so
    /// that a long outage is caught up with in pieces.
    pub(crate) fn kept(
        &self,
        archive: &dyn Archive,
        after: u64,
        until: u64,
    ) -> Result<Kept, ArchiveError> {
        const ENOUGH: usize = 1000;
        const FOLDERS: u64 = 2000;
        let folder = format!("{}/ledger/checkpoints/", self.collector);
        let (first, last) = (after.saturating_add(1) / FOLDER, until / FOLDER);
        let mut kept = Kept { found: Vec::new(), until: after };
        for block in first..=last.min(first + FOLDERS) {
            if kept.found.len() >= ENOUGH {
                break;
            }
            // The folder of the first size in it; that of sizes below a thousand has no name.
            let first = spread(block * FOLDER);
            let within = first.rsplit_once('/').map_or("", |(within, _)| within);
            let prefix =
                if within.is_empty() { folder.clone() } else { format!("{folder}{within}/") };
            for name in archive.list(&prefix)? {
                let size = name.as_str().strip_prefix(&folder).and_then(gathered);
                let wanted =
                    |size: &u64| *size > after && *size <= until && *size / FOLDER == block;
                if let Some(size) = size.filter(wanted) {
                    kept.found.push((size, name));
                }
            }
            kept.until = until.min(block * FOLDER + (FOLDER - 1));
        }
        kept.found.sort();
        Ok(kept)
    }
}

/// A number as the `<N>` of a tile, so that no folder grows past 1,000 names: `x070/000`.
fn spread(number: u64) -> String {
    let path = TilePath { level: None, index: number, width: 256 }.to_string();
    path.trim_start_matches("tile/entries/").to_owned()
}

/// The number that [`spread`] wrote; anything else is none.
fn gathered(text: &str) -> Option<u64> {
    let path: TilePath = format!("tile/entries/{text}").parse().ok()?;
    path.is_full().then_some(path.index)
}

#[cfg(test)]
mod tests {
    use archive::{LocalArchive, Lock};
    use tlog::CosigningKey;

    use super::*;

    fn layout() -> Layout {
        Layout::new(CollectorName::new("c1").unwrap())
    }

    #[test]
    fn names_are_those_of_the_specification() {
        let key = CosigningKey::new("witness.example/w1", &[9; 32]).unwrap().cosignature_key();
        let id = hex::encode(key.id());
        assert_eq!(
            layout().cosigned(70_000, &key).unwrap().as_str(),
            format!("c1/ledger/anchors/x070/000/witness-{id}.note")
        );
        assert_eq!(layout().timestamp(7).unwrap().as_str(), "c1/ledger/anchors/007/timestamp.tsr");
    }

    #[test]
    fn kept_checkpoints_are_found_in_order_and_in_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let archive = LocalArchive::create(dir.path(), false).unwrap();
        let sizes = [1, 7, 999, 1000, 1500, 70_000, 70_001, 1_234_067];
        for size in sizes {
            let object = (layout().checkpoint_of(size).unwrap(), &b"x"[..]);
            archive.put_all(&[object], Lock::NONE).unwrap();
        }
        let found = |after, until| {
            let kept = layout().kept(&archive, after, until).unwrap();
            (kept.found.iter().map(|(size, _)| *size).collect::<Vec<_>>(), kept.until)
        };
        assert_eq!(found(0, 1_234_067), (sizes.to_vec(), 1_234_067));
        assert_eq!(found(7, 70_000), (vec![999, 1000, 1500, 70_000], 70_000));
        assert_eq!(found(70_001, 70_500), (vec![], 70_500));
        assert_eq!(found(5, 5), (vec![], 5));
        // A log of 3 billion is walked in pieces.
        let (none, until) = found(1_234_067, 3_000_000_000);
        assert!(none.is_empty() && until > 3_000_000 && until < 3_000_000_000, "{until}");
    }
}
