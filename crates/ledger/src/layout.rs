//! Names of a collector's objects in the archive. `spec/archive.md`.

use archive::{ArchiveError, Name};
use record::CollectorName;
use tlog::TilePath;

/// The folder of one collector.
#[derive(Debug, Clone)]
pub struct Layout {
    collector: CollectorName,
}

impl Layout {
    /// Of this collector.
    pub fn new(collector: CollectorName) -> Self {
        Self { collector }
    }

    /// The published checkpoint, the one object that changes.
    pub fn checkpoint(&self) -> Result<Name, ArchiveError> {
        Name::new(format!("{}/ledger/checkpoint", self.collector))
    }

    /// Whose folder this is; put once, so that two collectors cannot share a name.
    pub fn owner(&self) -> Result<Name, ArchiveError> {
        Name::new(format!("{}/collector.json", self.collector))
    }

    /// The checkpoint of one size, kept for good.
    pub fn checkpoint_of(&self, size: u64) -> Result<Name, ArchiveError> {
        // The path of a bundle of that number, so that no folder grows past 1,000 names.
        let path = TilePath { level: None, index: size, width: 256 }.to_string();
        let number = path.trim_start_matches("tile/entries/");
        Name::new(format!("{}/ledger/checkpoints/{number}", self.collector))
    }

    /// A tile or an entry bundle.
    pub fn tile(&self, path: TilePath) -> Result<Name, ArchiveError> {
        Name::new(format!("{}/ledger/{path}", self.collector))
    }

    /// A segment's records.
    pub fn records(
        &self,
        class: &str,
        day: &str,
        first: u64,
        last: u64,
    ) -> Result<Name, ArchiveError> {
        self.segment("records", class, day, first, last)
    }

    /// A segment's parts.
    pub fn parts(
        &self,
        class: &str,
        day: &str,
        first: u64,
        last: u64,
    ) -> Result<Name, ArchiveError> {
        self.segment("parts", class, day, first, last)
    }

    fn segment(
        &self,
        folder: &str,
        class: &str,
        day: &str,
        first: u64,
        last: u64,
    ) -> Result<Name, ArchiveError> {
        Name::new(format!(
            "{}/{folder}/class={class}/date={day}/{first:012}-{last:012}.parquet",
            self.collector
        ))
    }
}
