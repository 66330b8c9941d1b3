//! Erasures that wait for approval or are under way, as files: `<folder>/<id>.json`. They name keys
//! and never a person.

use std::path::{Path, PathBuf};

use archive::durable;
use record::envelope::Approval;
use record::{Kid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::LifecycleError;

/// An erasure that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its name.
    pub erasure: String,
    /// Who agreed.
    pub approvals: Vec<Approval>,
    /// The legal basis.
    pub basis: String,
    /// The keys that are to go.
    pub keys: Vec<Kid>,
    /// How many records they sealed when it was asked.
    pub records: u64,
    /// When it was asked.
    pub requested: Timestamp,
    /// By whom.
    pub requested_by: String,
    /// Set before the first key is destroyed: from then on it is finished, whatever happens.
    pub begun: bool,
}

/// The folder of pending erasures.
pub(crate) struct Files<'a>(pub(crate) &'a Path);

impl Files<'_> {
    fn path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    pub(crate) fn write(&self, pending: &Pending) -> Result<(), LifecycleError> {
        let path = self.path(&pending.erasure);
        let failed = |source| LifecycleError::Disk { action: "write", path: path.clone(), source };
        let bytes = serde_json::to_vec_pretty(pending).map_err(|e| failed(e.into()))?;
        durable::replace(&path, &bytes, 0o600).map_err(failed)
    }

    pub(crate) fn read(&self, id: &str) -> Result<Pending, LifecycleError> {
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
        let missing = || LifecycleError::Question(format!("there is no erasure {id:?} that waits"));
        if !plain {
            return Err(missing());
        }
        let path = self.path(id);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| LifecycleError::Disk {
                action: "read",
                path,
                source: e.into(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing()),
            Err(source) => Err(LifecycleError::Disk { action: "read", path, source }),
        }
    }

    pub(crate) fn all(&self) -> Result<Vec<Pending>, LifecycleError> {
        let failed =
            |source| LifecycleError::Disk { action: "list", path: self.0.to_owned(), source };
        let entries = match std::fs::read_dir(self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
                all.push(self.read(id)?);
            }
        }
        all.sort_by(|a, b| (a.requested, &a.erasure).cmp(&(b.requested, &b.erasure)));
        Ok(all)
    }

    pub(crate) fn remove(&self, id: &str) -> Result<(), LifecycleError> {
        let path = self.path(id);
        let removed = std::fs::remove_file(&path).and_then(|()| durable::sync_dir(self.0));
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LifecycleError::Disk { action: "remove", path, source: error })
            }
            _ => Ok(()),
        }
    }
}
