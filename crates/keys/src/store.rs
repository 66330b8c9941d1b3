//! The rows in memory and on disk.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use archive::durable;
use record::Kid;
use seal::{ScopeKey, Secret};

use crate::row::{Row, RowKind};
use crate::{KeysError, RootKey, random, random_secret};

const STORE_PURPOSE: &str = "custody/store-key/v1";
const EPOCH: u32 = 1;

/// Whose data something is: what the subject's key is found by. None of it is written anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject<'a> {
    /// A user id.
    User(&'a str),
    /// A session, when there is no user id.
    Session(&'a str),
    /// The caller's credential, when there is neither.
    Caller(&'a str),
    /// The installation itself: system prompts and tool definitions.
    Shared,
}

/// The key ids and the derived key of one scope.
#[derive(Clone)]
pub struct ScopeKeys {
    /// The subject's key.
    pub subject: Kid,
    /// The period's key.
    pub period: Kid,
    /// What parts are committed to and sealed with.
    pub key: Arc<ScopeKey>,
}

/// Past this many keys a cache starts anew; deriving one costs microseconds.
const MANY: usize = 100_000;

/// The key store of an installation. Shared between threads; one process at a time writes.
pub struct KeyStore {
    rows_path: PathBuf,
    store_key: Secret,
    lookup: Secret,
    rows: RwLock<Rows>,
    scopes: RwLock<HashMap<(Kid, Kid, String), Arc<ScopeKey>>>,
    /// What [`scope`](KeyStore::scope) gave, by what it was asked: every call asks twice.
    found: RwLock<HashMap<String, ScopeKeys>>,
    /// Length of the rows' file when it was read.
    read: AtomicU64,
    /// The rows file; `None` when the store was opened for reading.
    file: Mutex<Option<Writer>>,
    unsynced: AtomicBool,
}

#[derive(Default)]
struct Rows {
    by_label: HashMap<[u8; 32], Kid>,
    keys: HashMap<Kid, Secret>,
}

struct Writer {
    file: File,
    /// Length of the rows that are whole.
    length: u64,
}

impl KeyStore {
    /// Opens the store in folder `dir` for writing, creating it and its store key.
    pub fn open_or_create(dir: &Path, root: &RootKey) -> Result<Self, KeysError> {
        let key_path = store_key_path(dir);
        if !key_path.exists() {
            let rows = rows_path(dir);
            if rows.metadata().is_ok_and(|meta| meta.len() > 0) {
                return Err(KeysError::damaged(
                    &key_path,
                    "is missing while there are rows; restore it from a copy",
                ));
            }
            let wrapped = root.wrap(STORE_PURPOSE, &random_secret()?)?;
            durable::replace(&key_path, &wrapped, 0o600)
                .map_err(KeysError::unavailable("create", &key_path))?;
        }
        let store = Self::open(dir, root)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&store.rows_path)
            .map_err(KeysError::unavailable("open", &store.rows_path))?;
        let whole = store.whole_length()?;
        // Past the whole rows there is at most a torn one, which no record can refer to: a row is
        // synced before the first record under its key is.
        file.set_len(whole)
            .and_then(|()| file.sync_all())
            .and_then(|()| durable::sync_dir(dir))
            .map_err(KeysError::unavailable("open", &store.rows_path))?;
        *store.file.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Writer { file, length: whole });
        Ok(store)
    }

    /// Opens the store for reading.
    pub fn open(dir: &Path, root: &RootKey) -> Result<Self, KeysError> {
        let key_path = store_key_path(dir);
        let wrapped =
            std::fs::read(&key_path).map_err(KeysError::unavailable("read", &key_path))?;
        let store_key = root.unwrap(STORE_PURPOSE, &key_path, &wrapped)?;
        let store = Self {
            rows_path: rows_path(dir),
            lookup: store_key.derive("custody/lookup/v1"),
            store_key,
            rows: RwLock::default(),
            scopes: RwLock::default(),
            found: RwLock::default(),
            read: AtomicU64::new(0),
            file: Mutex::new(None),
            unsynced: AtomicBool::new(false),
        };
        store.whole_length()?;
        Ok(store)
    }

    /// Reads all rows into memory; gives the length of those that are whole.
    fn whole_length(&self) -> Result<u64, KeysError> {
        let bytes = match std::fs::read(&self.rows_path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(KeysError::unavailable("read", &self.rows_path)(error)),
        };
        self.read.store(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Ordering::Release);
        let mut rest = bytes.as_slice();
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        loop {
            match Row::decode(&self.store_key, rest) {
                Ok(Some((row, after))) => {
                    rows.insert(row);
                    rest = after;
                }
                Ok(None) => break,
                Err(reason) => {
                    let at = bytes.len() - rest.len();
                    return Err(KeysError::damaged(
                        &self.rows_path,
                        format!("{reason}, at byte {at}; restore the file from a copy"),
                    ));
                }
            }
        }
        Ok(u64::try_from(bytes.len() - rest.len()).unwrap_or(0))
    }

    /// The keys under which the parts of `subject` in `period` (`2026-11`) and `class` are sealed,
    /// made where they are new. Call [`sync`](Self::sync) before anything sealed with them counts.
    pub fn scope(
        &self,
        subject: Subject<'_>,
        period: &str,
        tenant: &str,
        class: &str,
    ) -> Result<ScopeKeys, KeysError> {
        let (basis, id) = match subject {
            Subject::User(id) => ("user", id),
            Subject::Session(id) => ("session", id),
            Subject::Caller(id) => ("caller", id),
            Subject::Shared => ("shared", ""),
        };
        // No part of it but the last can hold the sign between them.
        let place = [basis, period, class, tenant, id].join("\0");
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if let Some(keys) = found {
            return Ok(keys);
        }
        let (subject, _) = self.find_or_make(RowKind::Subject, &[tenant, basis, id])?;
        let (period, _) = self.find_or_make(RowKind::Period, &[tenant, class, period])?;
        let key = self
            .scope_key(subject, period, tenant, class)
            .ok_or_else(|| KeysError::damaged(&self.rows_path, "a key that was found is gone"))?;
        let keys = ScopeKeys { subject, period, key };
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MANY {
            found.clear();
        }
        found.insert(place, keys.clone());
        Ok(keys)
    }

    /// The key of a scope by its key ids; `None` when either was destroyed.
    pub fn scope_key(
        &self,
        subject: Kid,
        period: Kid,
        tenant: &str,
        class: &str,
    ) -> Option<Arc<ScopeKey>> {
        let place = (subject, period, format!("{tenant}\0{class}"));
        let cached = |scopes: &HashMap<_, Arc<ScopeKey>>| scopes.get(&place).cloned();
        if let Some(key) = cached(&self.scopes.read().unwrap_or_else(PoisonError::into_inner)) {
            return Some(key);
        }
        if !(self.has(subject) && self.has(period)) {
            return None;
        }
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let (subject, period) = (rows.keys.get(&subject)?, rows.keys.get(&period)?);
        let key = Arc::new(ScopeKey::derive(subject, period, tenant, class)?);
        drop(rows);
        let mut scopes = self.scopes.write().unwrap_or_else(PoisonError::into_inner);
        if scopes.len() >= MANY {
            scopes.clear();
        }
        scopes.insert(place, Arc::clone(&key));
        Some(key)
    }

    /// The installation's key for a purpose (fingerprints, pseudonyms), made where it is new.
    pub fn purpose(&self, purpose: &str) -> Result<Secret, KeysError> {
        Ok(self.find_or_make(RowKind::Purpose, &[purpose])?.1)
    }

    /// The installation's key for a purpose, if it was ever made.
    pub fn find_purpose(&self, purpose: &str) -> Option<Secret> {
        self.find(&self.label(RowKind::Purpose, &[purpose])).map(|(_, key)| key)
    }

    /// A pseudonym of the subject that dies with its key: 16 hexadecimal digits.
    pub fn pseudonym(&self, subject: Kid) -> Option<String> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mac = rows.keys.get(&subject)?.mac(b"custody/pseudonym/v1");
        mac.get(..8).map(|bytes| format!("u_{}", hex::encode(bytes)))
    }

    /// The id of a subject's key, if there is one: for finding a person's records.
    pub fn find_subject(&self, tenant: &str, subject: Subject<'_>) -> Option<Kid> {
        let (basis, id) = match subject {
            Subject::User(id) => ("user", id),
            Subject::Session(id) => ("session", id),
            Subject::Caller(id) => ("caller", id),
            Subject::Shared => ("shared", ""),
        };
        self.find(&self.label(RowKind::Subject, &[tenant, basis, id])).map(|(kid, _)| kid)
    }

    /// Whether a key with this id is in the store.
    pub fn has(&self, kid: Kid) -> bool {
        let known =
            || self.rows.read().unwrap_or_else(PoisonError::into_inner).keys.contains_key(&kid);
        known() || self.refresh() && known()
    }

    /// Reads the rows again if a recorder has added some since: a record may be read a moment
    /// after its key was made, by a store that was opened a moment before. False when there is
    /// nothing new; the writer itself knows all rows.
    fn refresh(&self) -> bool {
        if self.file.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return false;
        }
        let length = self.rows_path.metadata().map_or(0, |meta| meta.len());
        length != self.read.load(Ordering::Acquire) && self.whole_length().is_ok()
    }

    /// Makes all rows so far durable. Cheap when nothing is new.
    ///
    /// After a failed sync the file is given up and written anew under the same name, from memory.
    pub fn sync(&self) -> Result<(), KeysError> {
        if !self.unsynced.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = guard.as_mut() else {
            return Ok(());
        };
        if writer.file.sync_data().is_ok() {
            return Ok(());
        }
        let failed = |source| {
            self.unsynced.store(true, Ordering::Release);
            KeysError::unavailable("sync", &self.rows_path)(source)
        };
        let bytes = std::fs::read(&self.rows_path).map_err(failed)?;
        durable::replace(&self.rows_path, &bytes, 0o600).map_err(failed)?;
        writer.file = OpenOptions::new().append(true).open(&self.rows_path).map_err(failed)?;
        Ok(())
    }

    fn label(&self, kind: RowKind, path: &[&str]) -> [u8; 32] {
        let kind = match kind {
            RowKind::Subject => "subject",
            RowKind::Period => "period",
            RowKind::Purpose => "purpose",
        };
        let mut message = Vec::with_capacity(64);
        for piece in std::iter::once(&kind).chain(path) {
            // Lengths, so that no two paths make the same bytes.
            message.extend_from_slice(&u64::try_from(piece.len()).unwrap_or(0).to_le_bytes());
            message.extend_from_slice(piece.as_bytes());
        }
        self.lookup.mac(&message)
    }

    fn find(&self, label: &[u8; 32]) -> Option<(Kid, Secret)> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let kid = rows.by_label.get(label)?;
        Some((*kid, rows.keys.get(kid)?.clone()))
    }

    fn find_or_make(&self, kind: RowKind, path: &[&str]) -> Result<(Kid, Secret), KeysError> {
        let label = self.label(kind, path);
        if let Some(found) = self.find(&label) {
            return Ok(found);
        }
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made it while this thread waited.
        if let Some(found) = self.find(&label) {
            return Ok(found);
        }
        let writer = guard.as_mut().ok_or_else(|| {
            KeysError::unavailable("write", &self.rows_path)(
                io::ErrorKind::ReadOnlyFilesystem.into(),
            )
        })?;
        let row = Row { kind, kid: Kid(random()?), label, key: random_secret()? };
        let bytes = row.encode(&self.store_key, random()?);
        if let Err(error) = writer.file.write_all(&bytes) {
            // Cut the torn row off; if even that fails, the next start does it.
            if let Err(error) = writer.file.set_len(writer.length) {
                let _ = error;
            }
            return Err(KeysError::unavailable("write", &self.rows_path)(error));
        }
        writer.length += u64::try_from(bytes.len()).unwrap_or(0);
        self.unsynced.store(true, Ordering::Release);
        let made = (row.kid, row.key.clone());
        self.rows.write().unwrap_or_else(PoisonError::into_inner).insert(row);
        Ok(made)
    }
}

impl Rows {
    fn insert(&mut self, row: Row) {
        self.by_label.insert(row.label, row.kid);
        self.keys.insert(row.kid, row.key);
    }
}

fn store_key_path(dir: &Path) -> PathBuf {
    dir.join(format!("store-{EPOCH:04}.key"))
}

fn rows_path(dir: &Path) -> PathBuf {
    dir.join(format!("store-{EPOCH:04}.rows"))
}

#[cfg(test)]
mod tests;
