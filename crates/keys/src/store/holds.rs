//! Legal holds: the keys of held records, kept apart from the rows that retention destroys.
//!
//! A hold keeps the derived key of a scope (one subject in one period and class), so it opens what
//! it holds and nothing else of that person or that day.

use std::path::Path;

use archive::durable;
use record::{Kid, Timestamp};
use seal::{ScopeKey, Secret};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::epoch::{Epoch, holds_path};
use crate::{KeysError, random};

const PURPOSE: &str = "custody/holds/v1";

/// A legal hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HoldRow {
    /// Its name: a case number.
    pub hold: String,
    /// When it was placed.
    pub placed: Timestamp,
    /// Why.
    pub reason: String,
    /// What it keeps.
    pub scopes: Vec<HeldScope>,
    /// Who placed it.
    pub who: String,
}

/// A scope that a hold keeps open.
#[derive(Clone, Serialize, Deserialize)]
pub struct HeldScope {
    /// The subject's key id.
    pub subject: Kid,
    /// The period's key id.
    pub period: Kid,
    /// The tenant.
    pub tenant: String,
    /// The retention class.
    pub class: String,
    /// Hexadecimal key material; empty until it is wrapped.
    #[serde(default)]
    key: String,
}

impl std::fmt::Debug for HeldScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldScope({} {} {})", self.subject, self.period, self.class)
    }
}

impl Drop for HeldScope {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl HeldScope {
    /// A scope that is to be held.
    pub fn new(subject: Kid, period: Kid, tenant: &str, class: &str) -> Self {
        let (tenant, class) = (tenant.to_owned(), class.to_owned());
        Self { subject, period, tenant, class, key: String::new() }
    }

    pub(super) fn is(&self, subject: Kid, period: Kid, tenant: &str, class: &str) -> bool {
        self.subject == subject
            && self.period == period
            && self.tenant == tenant
            && self.class == class
    }

    /// Keeps the key; false when there is none to keep.
    pub(super) fn wrap(&mut self, subject: Option<&Secret>, period: Option<&Secret>) -> bool {
        let (Some(subject), Some(period)) = (subject, period) else { return false };
        let material = ScopeKey::material(subject, period, &self.tenant, &self.class);
        let Some(material) = material else { return false };
        self.key = hex::encode(material.as_slice());
        true
    }

    /// Keeps the key that one of these keeps for the same scope; false when none does.
    pub(super) fn wrap_like<'a>(&mut self, mut others: impl Iterator<Item = &'a Self>) -> bool {
        let same = |other: &&Self| other.is(self.subject, self.period, &self.tenant, &self.class);
        let Some(other) = others.find(same) else { return false };
        self.key.clone_from(&other.key);
        true
    }

    pub(super) fn scope_key(&self) -> Option<ScopeKey> {
        let mut material = Zeroizing::new([0; 96]);
        hex::decode_to_slice(&self.key, material.as_mut_slice()).ok()?;
        ScopeKey::from_material(&material)
    }
}

pub(super) fn read(dir: &Path, epoch: &Epoch) -> Result<Vec<HoldRow>, KeysError> {
    let path = holds_path(dir, epoch.number);
    let sealed = match std::fs::read(&path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(KeysError::unavailable("read", &path)(error)),
    };
    let damaged = |what: &str| KeysError::damaged(&path, format!("{what}; restore it from a copy"));
    let plain = seal::unwrap(&epoch.key, PURPOSE, &sealed)
        .map(Zeroizing::new)
        .map_err(|_| damaged("the holds do not open with the store key"))?;
    serde_json::from_slice(&plain).map_err(|_| damaged("the holds cannot be read"))
}

/// Replaces the holds of an epoch, whole or not at all.
pub(super) fn write(dir: &Path, epoch: &Epoch, holds: &[HoldRow]) -> Result<(), KeysError> {
    let path = holds_path(dir, epoch.number);
    let plain = serde_json::to_vec(holds)
        .map(Zeroizing::new)
        .map_err(|error| KeysError::damaged(&path, error.to_string()))?;
    let sealed = seal::wrap(&epoch.key, PURPOSE, random()?, &plain);
    durable::replace(&path, &sealed, 0o600).map_err(KeysError::unavailable("write", &path))
}
