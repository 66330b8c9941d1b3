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

mod destroy;
mod epoch;
mod holds;

pub(crate) use epoch::destroy_stale;
use epoch::{Epoch, rows_path};
pub use holds::{HeldScope, HoldRow};

/// The label of the row with the key that labels are made with.
const LOOKUP: [u8; 32] = [0; 32];

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
    /// A document by its id, wherever it is retrieved.
    Document(&'a str),
    /// Parts that wait for the names tier of masking, by the hour in which they came: nobody's, and
    /// destroyed when none waits any more.
    Held(&'a str),
}

impl<'a> Subject<'a> {
    /// What kind of subject it is, and its id there.
    fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::User(id) => ("user", id),
            Self::Session(id) => ("session", id),
            Self::Caller(id) => ("caller", id),
            Self::Shared => ("shared", ""),
            Self::Document(id) => ("document", id),
            Self::Held(hour) => ("held", hour),
        }
    }
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
    dir: PathBuf,
    root: RootKey,
    epoch: RwLock<Epoch>,
    lookup: Secret,
    rows: RwLock<Rows>,
    holds: RwLock<Vec<HoldRow>>,
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
    by_kid: HashMap<Kid, Row>,
}

/// An epoch as it is on disk.
struct Loaded {
    epoch: Epoch,
    rows: Rows,
    holds: Vec<HoldRow>,
    /// Length of the rows' file, and of the rows in it that are whole.
    read: u64,
    whole: u64,
}

struct Writer {
    file: File,
    /// Length of the rows that are whole.
    length: u64,
}

impl KeyStore {
    /// Opens the store in folder `dir` for writing, creating it and its store key. What a crash
    /// left of epochs that do not count is destroyed.
    pub fn open_or_create(dir: &Path, root: &RootKey) -> Result<Self, KeysError> {
        if Epoch::current(dir, root)?.is_none() {
            if let Some(number) = epoch::numbers(dir, "rows")?.pop()
                && rows_path(dir, number).metadata().is_ok_and(|meta| meta.len() > 0)
            {
                return Err(KeysError::damaged(
                    &epoch::key_path(dir, number),
                    "is missing while there are rows; restore it from a copy",
                ));
            }
            Epoch { number: 1, key: random_secret()? }.commit(dir, root)?;
        }
        let (store, whole) = Self::load(dir, root)?;
        let epoch = store.epoch();
        epoch.destroy_others(dir)?;
        let path = store.rows_path();
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(KeysError::unavailable("open", &path))?;
        // Past the whole rows there is at most a torn one, which no record can refer to: a row is
        // synced before the first record under its key is.
        file.set_len(whole)
            .and_then(|()| file.sync_all())
            .and_then(|()| durable::sync_dir(dir))
            .map_err(KeysError::unavailable("open", &path))?;
        *store.file.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Writer { file, length: whole });
        Ok(store)
    }

    /// Opens the store for reading.
    pub fn open(dir: &Path, root: &RootKey) -> Result<Self, KeysError> {
        Ok(Self::load(dir, root)?.0)
    }

    fn load(dir: &Path, root: &RootKey) -> Result<(Self, u64), KeysError> {
        let loaded = load(dir, root)?;
        let lookup = loaded.rows.by_label.get(&LOOKUP).and_then(|kid| loaded.rows.by_kid.get(kid));
        let lookup = match lookup {
            Some(row) => row.key.clone(),
            None => loaded.epoch.key.derive("custody/lookup/v1"),
        };
        let store = Self {
            dir: dir.to_owned(),
            root: root.clone(),
            epoch: RwLock::new(loaded.epoch),
            lookup,
            rows: RwLock::new(loaded.rows),
            holds: RwLock::new(loaded.holds),
            scopes: RwLock::default(),
            found: RwLock::default(),
            read: AtomicU64::new(loaded.read),
            file: Mutex::new(None),
            unsynced: AtomicBool::new(false),
        };
        Ok((store, loaded.whole))
    }

    fn epoch(&self) -> Epoch {
        self.epoch.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rows_path(&self) -> PathBuf {
        rows_path(&self.dir, self.epoch().number)
    }

    /// All holds.
    pub fn holds(&self) -> Vec<HoldRow> {
        self.holds.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name of the hold that keeps a scope, if one does.
    pub fn hold_of(&self, subject: Kid, period: Kid) -> Option<String> {
        let holds = self.holds.read().unwrap_or_else(PoisonError::into_inner);
        let keeps = |scope: &HeldScope| scope.subject == subject && scope.period == period;
        holds.iter().find(|hold| hold.scopes.iter().any(keeps)).map(|hold| hold.hold.clone())
    }

    /// The names of the holds that keep anything of a subject.
    pub fn holds_of_subject(&self, subject: Kid) -> Vec<String> {
        let holds = self.holds.read().unwrap_or_else(PoisonError::into_inner);
        let keeps = |hold: &&HoldRow| hold.scopes.iter().any(|scope| scope.subject == subject);
        holds.iter().filter(keeps).map(|hold| hold.hold.clone()).collect()
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
        let (basis, id) = subject.parts();
        // No part of it but the last can hold the sign between them.
        let place = [basis, period, class, tenant, id].join("\0");
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if let Some(keys) = found {
            return Ok(keys);
        }
        loop {
            let (subject, _) = self.find_or_make(RowKind::Subject, &[tenant, basis, id])?;
            let (period, _) = self.find_or_make(RowKind::Period, &[tenant, class, period])?;
            let Some(key) = self.scope_key(subject, period, tenant, class) else { continue };
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            if !(rows.by_kid.contains_key(&subject) && rows.by_kid.contains_key(&period)) {
                // Destroyed between: what comes now is sealed with new keys.
                continue;
            }
            let keys = ScopeKeys { subject, period, key };
            let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
            if found.len() >= MANY {
                found.clear();
            }
            found.insert(place, keys.clone());
            return Ok(keys);
        }
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
        // The lock is held until the key is cached: a key that is destroyed meanwhile clears the
        // cache after this.
        let there = self.has(subject) && self.has(period);
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let derived = match (rows.by_kid.get(&subject), rows.by_kid.get(&period)) {
            (Some(subject), Some(period)) if there => {
                ScopeKey::derive(&subject.key, &period.key, tenant, class)
            }
            _ => self.held_key(subject, period, tenant, class),
        };
        let key = Arc::new(derived?);
        let mut scopes = self.scopes.write().unwrap_or_else(PoisonError::into_inner);
        if scopes.len() >= MANY {
            scopes.clear();
        }
        scopes.insert(place, Arc::clone(&key));
        Some(key)
    }

    fn held_key(&self, subject: Kid, period: Kid, tenant: &str, class: &str) -> Option<ScopeKey> {
        let holds = self.holds.read().unwrap_or_else(PoisonError::into_inner);
        let mut scopes = holds.iter().flat_map(|hold| &hold.scopes);
        scopes.find(|scope| scope.is(subject, period, tenant, class))?.scope_key()
    }

    /// Whether the parts of a scope can be opened.
    pub fn opens(&self, subject: Kid, period: Kid) -> bool {
        self.has(subject) && self.has(period) || self.hold_of(subject, period).is_some()
    }

    /// The period keys: their ids and the labels by which [`period_label`](Self::period_label)
    /// tells which period they are of.
    pub fn periods(&self) -> Vec<(Kid, [u8; 32])> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let periods = rows.by_kid.values().filter(|row| row.kind == RowKind::Period);
        periods.map(|row| (row.kid, row.label)).collect()
    }

    /// The label of a period's key.
    pub fn period_label(&self, tenant: &str, class: &str, period: &str) -> [u8; 32] {
        self.label(RowKind::Period, &[tenant, class, period])
    }

    /// The subject with this pseudonym (`u_…`).
    pub fn find_pseudonym(&self, pseudonym: &str) -> Option<Kid> {
        self.refresh();
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let kids: Vec<Kid> = rows
            .by_kid
            .values()
            .filter(|row| row.kind == RowKind::Subject)
            .map(|row| row.kid)
            .collect();
        drop(rows);
        kids.into_iter().find(|kid| self.pseudonym(*kid).as_deref() == Some(pseudonym))
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
        let mac = rows.by_kid.get(&subject)?.key.mac(b"custody/pseudonym/v1");
        mac.get(..8).map(|bytes| format!("u_{}", hex::encode(bytes)))
    }

    /// The id of a subject's key, if there is one: for finding a person's records.
    pub fn find_subject(&self, tenant: &str, subject: Subject<'_>) -> Option<Kid> {
        let (basis, id) = subject.parts();
        self.refresh();
        self.find(&self.label(RowKind::Subject, &[tenant, basis, id])).map(|(kid, _)| kid)
    }

    /// Whether a key with this id is in the store.
    pub fn has(&self, kid: Kid) -> bool {
        let known =
            || self.rows.read().unwrap_or_else(PoisonError::into_inner).by_kid.contains_key(&kid);
        known() || self.refresh() && known()
    }

    /// Reads the rows again if a recorder has added some since: a record may be read a moment
    /// after its key was made, by a store that was opened a moment before. False when there is
    /// nothing new; the writer itself knows all rows.
    fn refresh(&self) -> bool {
        if self.file.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return false;
        }
        let length = self.rows_path().metadata().map_or(0, |meta| meta.len());
        if length != 0 && length == self.read.load(Ordering::Acquire) {
            return false;
        }
        // Longer, or gone because another epoch has begun.
        let Ok(loaded) = load(&self.dir, &self.root) else { return false };
        self.read.store(loaded.read, Ordering::Release);
        *self.epoch.write().unwrap_or_else(PoisonError::into_inner) = loaded.epoch;
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = loaded.rows;
        *self.holds.write().unwrap_or_else(PoisonError::into_inner) = loaded.holds;
        self.scopes.write().unwrap_or_else(PoisonError::into_inner).clear();
        true
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
        let path = self.rows_path();
        let failed = |source| {
            self.unsynced.store(true, Ordering::Release);
            KeysError::unavailable("sync", &path)(source)
        };
        let bytes = std::fs::read(&path).map_err(failed)?;
        durable::replace(&path, &bytes, 0o600).map_err(failed)?;
        writer.file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
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
        Some((*kid, rows.by_kid.get(kid)?.key.clone()))
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
            KeysError::unavailable("write", &self.rows_path())(
                io::ErrorKind::ReadOnlyFilesystem.into(),
            )
        })?;
        let row = Row { kind, kid: Kid(random()?), label, key: random_secret()? };
        let bytes = row.encode(&self.epoch().key, random()?);
        if let Err(error) = writer.file.write_all(&bytes) {
            // Cut the torn row off; if even that fails, the next start does it.
            if let Err(error) = writer.file.set_len(writer.length) {
                let _ = error;
            }
            return Err(KeysError::unavailable("write", &self.rows_path())(error));
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
        self.by_kid.insert(row.kid, row);
    }
}

/// Reads the epoch that counts.
fn load(dir: &Path, root: &RootKey) -> Result<Loaded, KeysError> {
    // Another process may begin a new epoch between two of these steps: then it is read again.
    let mut patience = 3;
    loop {
        let epoch = Epoch::current(dir, root)?.ok_or_else(|| {
            let missing = io::ErrorKind::NotFound.into();
            KeysError::unavailable("read", &epoch::key_path(dir, 1))(missing)
        })?;
        let path = rows_path(dir, epoch.number);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(KeysError::unavailable("read", &path)(error)),
        };
        let holds = holds::read(dir, &epoch)?;
        let still = epoch::key_path(dir, epoch.number).exists();
        patience -= 1;
        if still || patience == 0 {
            return parse(&path, epoch, &bytes, holds);
        }
    }
}

fn parse(
    path: &Path,
    epoch: Epoch,
    bytes: &[u8],
    holds: Vec<HoldRow>,
) -> Result<Loaded, KeysError> {
    let mut rows = Rows::default();
    let mut rest = bytes;
    loop {
        match Row::decode(&epoch.key, rest) {
            Ok(Some((row, after))) => {
                rows.insert(row);
                rest = after;
            }
            Ok(None) => break,
            Err(reason) => {
                let at = bytes.len() - rest.len();
                let reason = format!("{reason}, at byte {at}; restore the file from a copy");
                return Err(KeysError::damaged(path, reason));
            }
        }
    }
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let whole = read - u64::try_from(rest.len()).unwrap_or(0);
    Ok(Loaded { epoch, rows, holds, read, whole })
}

#[cfg(test)]
mod tests;
