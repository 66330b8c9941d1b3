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
        Name::new(format!("{}{}", self.checkpoints(), spread(size)))
    }

    /// What the names of kept checkpoints begin with.
    pub fn checkpoints(&self) -> String {
        format!("{}/ledger/checkpoints/", self.collector)
    }

    /// The envelope of the `key_change` record with this index.
    pub fn key_change(&self, index: u64) -> Result<Name, ArchiveError> {
        Name::new(format!("{}{}", self.key_changes(), spread(index)))
    }

    /// What the names of `key_change` records' envelopes begin with.
    pub fn key_changes(&self) -> String {
        format!("{}/ledger/key-changes/", self.collector)
    }

    /// The index of the record whose envelope has this name; `None` for any other name.
    pub(crate) fn index_of(&self, name: &Name) -> Option<u64> {
        let number = name.as_str().strip_prefix(&self.key_changes())?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let index = digits.parse().ok()?;
        (spread(index) == number).then_some(index)
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

/// A number as the path of a bundle of that number, so that no folder grows past 1,000 names.
fn spread(number: u64) -> String {
    let path = TilePath { level: None, index: number, width: 256 }.to_string();
    path.trim_start_matches("tile/entries/").to_owned()
}
