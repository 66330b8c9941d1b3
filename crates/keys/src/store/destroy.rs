//! Destroying keys: the store is written anew without them under a fresh store key, and the old one
//! is destroyed, so that old copies of the rows die with it. A copy of the rows *and* the wrapped
//! store key lives as long as the root key that wrapped it.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use archive::durable;
use record::Kid;

use super::epoch::{Epoch, rows_path};
use super::{HeldScope, HoldRow, KeyStore, LOOKUP, Writer, holds};
use crate::row::{Row, RowKind};
use crate::{KeysError, random, random_secret};

impl KeyStore {
    /// Destroys keys for good and gives the epoch that no longer holds them. Keys that are not
    /// there are no error: calling again after a crash is always right.
    ///
    /// A crash before the new epoch counts leaves the old one as it was; a crash after it leaves
    /// files of the old one, which the next start destroys.
    pub fn destroy(&self, keys: &[Kid]) -> Result<u32, KeysError> {
        self.rewrite(&keys.iter().copied().collect(), None)
    }

    /// Seals all that is there under a fresh store key and destroys the old one; gives the epoch.
    /// Crashes as in [`destroy`](Self::destroy).
    pub fn rotate(&self) -> Result<u32, KeysError> {
        self.rewrite(&HashSet::new(), None)
    }

    /// Places a hold: keeps the keys of its scopes apart, wherever they are still there. Gives how
    /// many scopes were wrapped. A hold of that name that is there gets the scopes added.
    pub fn place_hold(&self, mut hold: HoldRow) -> Result<usize, KeysError> {
        let writer = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.must_write(writer.is_some())?;
        let mut all = self.holds();
        let mut wrapped = 0;
        {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            hold.scopes.retain_mut(|scope| {
                let key = |kid| rows.by_kid.get(&kid).map(|row: &Row| &row.key);
                // What only another hold keeps open is kept by this one too, and outlives that one.
                let kept = scope.wrap(key(scope.subject), key(scope.period))
                    || scope.wrap_like(all.iter().flat_map(|hold| &hold.scopes));
                wrapped += usize::from(kept);
                kept
            });
        }
        match all.iter_mut().find(|there| there.hold == hold.hold) {
            Some(there) => {
                let new = std::mem::take(&mut hold.scopes);
                let known = |scope: &HeldScope| {
                    there.scopes.iter().any(|other| {
                        other.is(scope.subject, scope.period, &scope.tenant, &scope.class)
                    })
                };
                let new: Vec<_> = new.into_iter().filter(|scope| !known(scope)).collect();
                there.scopes.extend(new);
            }
            None => all.push(hold),
        }
        holds::write(&self.dir, &self.epoch(), &all)?;
        *self.holds.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(wrapped)
    }

    /// Lifts a hold; false when there is none of that name. What only the hold kept open is
    /// destroyed with it.
    pub fn lift_hold(&self, name: &str) -> Result<bool, KeysError> {
        if !self.holds().iter().any(|hold| hold.hold == name) {
            return Ok(false);
        }
        self.rewrite(&HashSet::new(), Some(name))?;
        Ok(true)
    }

    fn must_write(&self, writes: bool) -> Result<(), KeysError> {
        if writes {
            return Ok(());
        }
        let read_only = std::io::ErrorKind::ReadOnlyFilesystem.into();
        Err(KeysError::unavailable("write", &self.rows_path())(read_only))
    }

    fn rewrite(&self, without: &HashSet<Kid>, lifted: Option<&str>) -> Result<u32, KeysError> {
        // Nobody adds a row or a hold meanwhile: both are made under this lock.
        let mut writer = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.must_write(writer.is_some())?;
        let old = self.epoch();
        let new = Epoch { number: old.number + 1, key: random_secret()? };
        let mut bytes = Vec::new();
        {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            if !rows.by_label.contains_key(&LOOKUP) {
                // So far it was derived from the store key, which ends now.
                let (kid, key) = (Kid(random()?), self.lookup.clone());
                let row = Row { kind: RowKind::Purpose, kid, label: LOOKUP, key };
                bytes.extend(row.encode(&new.key, random()?));
            }
            for row in rows.by_kid.values().filter(|row| !without.contains(&row.kid)) {
                bytes.extend(row.encode(&new.key, random()?));
            }
        }
        let path = rows_path(&self.dir, new.number);
        let unavailable = || KeysError::unavailable("write", &path);
        durable::replace(&path, &bytes, 0o600).map_err(unavailable())?;
        let mut holds_now = self.holds();
        holds_now.retain(|hold| Some(hold.hold.as_str()) != lifted);
        if !holds_now.is_empty() {
            holds::write(&self.dir, &new, &holds_now)?;
        }
        let file = OpenOptions::new().append(true).open(&path).map_err(unavailable())?;
        new.commit(&self.dir, &self.root)?;

        let length = u64::try_from(bytes.len()).unwrap_or(0);
        *writer = Some(Writer { file, length });
        self.read.store(length, Ordering::Release);
        self.unsynced.store(false, Ordering::Release);
        *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
        {
            // All at once: no call may be sealed with a key that is in no row.
            let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
            let mut scopes = self.scopes.write().unwrap_or_else(PoisonError::into_inner);
            let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
            rows.by_kid.retain(|kid, _| !without.contains(kid));
            rows.by_label.retain(|_, kid| !without.contains(kid));
            scopes.clear();
            found.clear();
        }
        *self.holds.write().unwrap_or_else(PoisonError::into_inner) = holds_now;
        new.destroy_others(&self.dir)?;
        Ok(new.number)
    }
}
