//! A log's tiles, read from the archive.

use std::cell::RefCell;

use archive::{Archive, ArchiveError};
use tlog::{Hash, TilePath, TileReader};

use crate::Layout;

/// Reads tiles as [`tlog::consistency_proof`] and [`tlog::root_at`] want them.
///
/// What the archive gives is believed: a wrong tile makes a proof that its reader refuses.
pub struct ArchiveTiles<'a> {
    archive: &'a dyn Archive,
    layout: &'a Layout,
    failed: RefCell<Option<ArchiveError>>,
}

impl<'a> ArchiveTiles<'a> {
    /// The tiles of one collector's log.
    pub fn new(archive: &'a dyn Archive, layout: &'a Layout) -> Self {
        Self { archive, layout, failed: RefCell::new(None) }
    }

    /// Why a tile was not given, when it was not for want of it.
    pub fn take_error(&self) -> Option<ArchiveError> {
        self.failed.borrow_mut().take()
    }

    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.archive.get(&self.layout.tile(path)?)
    }
}

impl TileReader for ArchiveTiles<'_> {
    fn tile(&self, path: TilePath) -> Option<Vec<Hash>> {
        // A partial tile goes when its full tile is there; that one begins with it.
        let read = match self.read(path) {
            Ok(None) if !path.is_full() => self.read(path.full()),
            other => other,
        };
        match read {
            Ok(bytes) => {
                let mut hashes: Vec<Hash> = bytes?
                    .chunks_exact(32)
                    .filter_map(|h| Some(Hash(h.try_into().ok()?)))
                    .collect();
                hashes.truncate(usize::from(path.width));
                Some(hashes)
            }
            Err(error) => {
                self.failed.replace(Some(error));
                None
            }
        }
    }
}
