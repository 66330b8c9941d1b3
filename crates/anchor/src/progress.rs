//! How far each anchor has come, so that a restart goes on from there.
//!
//! Losing the file costs work and nothing else: a witness says itself where it is, objects that are
//! there are not put again, SIEM lines are sent again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use archive::durable;
use record::Timestamp;
use serde::{Deserialize, Serialize};

use crate::AnchorError;

/// How far an anchor has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reached {
    /// The largest tree that was brought to it.
    pub(crate) size: u64,
    /// When.
    pub(crate) at: Timestamp,
}

/// The file, and what it says: anchors by their labels.
#[derive(Debug)]
pub(crate) struct Progress {
    path: PathBuf,
    reached: BTreeMap<String, Reached>,
}

impl Progress {
    /// Reads the file; none is no progress.
    pub(crate) fn load(path: &Path) -> Result<Self, AnchorError> {
        let refused = |why: &dyn std::fmt::Display| {
            AnchorError::Refused(format!(
                "{}: {why}; remove the file to have everything brought to all anchors anew (SIEM \
                 lines are sent again)",
                path.display()
            ))
        };
        let reached = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| refused(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(refused(&error)),
        };
        Ok(Self { path: path.to_owned(), reached })
    }

    pub(crate) fn of(&self, label: &str) -> Reached {
        self.reached.get(label).copied().unwrap_or_default()
    }

    /// Notes how far an anchor has come; true when that is news.
    pub(crate) fn set(&mut self, label: &str, reached: Reached) -> bool {
        self.reached.insert(label.to_owned(), reached) != Some(reached)
    }

    /// Writes the file. A crash before it leaves the old one: what came since is done again.
    pub(crate) fn save(&self) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.reached)?;
        durable::replace(&self.path, &bytes, 0o600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_damage_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("anchors/c1.json");
        let mut progress = Progress::load(&path).unwrap();
        assert_eq!(progress.of("witness:w1"), Reached::default());
        let reached = Reached { size: 70_000, at: Timestamp(5) };
        assert!(progress.set("witness:w1", reached));
        assert!(!progress.set("witness:w1", reached));
        progress.save().unwrap();
        assert_eq!(Progress::load(&path).unwrap().of("witness:w1"), reached);
        durable::replace(&path, b"{\"witness:w1\":{", 0o600).unwrap();
        let error = Progress::load(&path).unwrap_err().to_string();
        assert!(error.contains("c1.json") && error.contains("remove the file"), "{error}");
    }
}
