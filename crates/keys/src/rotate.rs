//! Another root key: all that the old one wrapped is wrapped anew, and the old one is destroyed.
//!
//! ```text
//! stage    every wrapped key under the new root key, in a file of its own beside the old one
//! commit   the file `rotation` says which staged file takes which name
//! finish   staged files take their names; the old root key is overwritten and removed
//! ```
//!
//! A crash before the commit leaves the old state, and staged files that the next attempt removes.
//! A crash after it leaves a state that whoever opens the keys next finishes.

use std::io;
use std::path::{Path, PathBuf};

use archive::durable;
use serde::{Deserialize, Serialize};

use crate::disk::{self, Step, beside};
use crate::provider::RootSource;
use crate::wrapped::{self, Wrapped};
use crate::{KeysError, RootKey, signing, store};

/// Ending of a staged file.
const STAGED: &str = ".rotated";
/// Ending of the old root key's file, on its way out.
const OLD: &str = ".old";
/// The file that commits.
const COMMIT: &str = "rotation";

/// Purpose of a store key of version 1, which does not name it.
const STORE_PURPOSE: &str = "custody/store-key/v1";

/// What a rotation of the root key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The provider before.
    pub from: String,
    /// The provider now: what `[keys] root` must say.
    pub to: String,
    /// How many keys were wrapped anew.
    pub rewrapped: usize,
    /// The file of the old root key, where there was one that could be written: it was overwritten
    /// and removed.
    pub destroyed: Option<PathBuf>,
}

/// Members are in alphabetical order.
#[derive(Serialize, Deserialize)]
struct Commit {
    /// The old root key's file, when the new one is elsewhere.
    old: Option<PathBuf>,
    /// The file whose content gives way to its staged one.
    root: Option<PathBuf>,
    v: u32,
    /// Files of wrapped keys.
    wrapped: Vec<PathBuf>,
}

/// Wraps all keys of `from` with a new root key: of the provider `to`, else of the same one. Nothing
/// may use the keys meanwhile: the caller holds the locks of all collectors.
///
/// # Errors
/// Whatever comes back, the keys open with the old root key or with the new one;
/// [`RootKey::open`] tells with which.
pub fn rotate_root(from: &RootSource, to: Option<&RootSource>) -> Result<Rotation, KeysError> {
    rotate_stepwise(from, to, &mut |_, _| Ok(()))
}

pub(crate) fn rotate_stepwise(
    from: &RootSource,
    to: Option<&RootSource>,
    step: Step<'_>,
) -> Result<Rotation, KeysError> {
    let keys = from.keys.as_path();
    let old = RootKey::open(from)?;
    let _lock = disk::lock(keys)?;
    if keys.join(COMMIT).exists() {
        finish(keys, step)?;
    }
    remove_staged(keys, step)?;
    store::destroy_stale(keys)?;

    let to = to.unwrap_or(from);
    let in_place = to.path().is_some() && to.path() == from.path();
    let new = new_root(from, to, &old, in_place, step)?;

    let files = wrapped_files(keys)?;
    for path in &files {
        let bytes = std::fs::read(path).map_err(KeysError::unavailable("read", path))?;
        let purpose = purpose_of(path, &bytes)?;
        let key = old.unwrap(&purpose, path, &bytes)?;
        let again = new.wrap(&purpose, &key)?;
        // What cannot be opened again is not taken: the old root key will be gone.
        if new.unwrap(&purpose, path, &again)? != key {
            return Err(to.refused("it gave back another key than it was given; nothing changed"));
        }
        disk::replace(step, &beside(path, STAGED), &again)?;
    }

    // The commit point. An old root key that is mounted for reading stays where it is.
    let old_path = from.path().filter(|path| !in_place && disk::is_writable(path));
    let commit = Commit {
        old: old_path.clone(),
        root: to.path().filter(|_| in_place),
        v: 1,
        wrapped: files.clone(),
    };
    let marker = keys.join(COMMIT);
    let text = serde_json::to_vec(&commit)
        .map_err(|error| KeysError::damaged(&marker, format!("cannot be written: {error}")))?;
    disk::replace(step, &marker, &text)?;
    finish(keys, step)?;
    Ok(Rotation {
        from: from.provider.to_string(),
        to: to.provider.to_string(),
        rewrapped: files.len(),
        destroyed: if in_place { to.path() } else { old_path },
    })
}

/// The new root key; in a file it is written before anything is wrapped with it.
fn new_root(
    from: &RootSource,
    to: &RootSource,
    old: &RootKey,
    in_place: bool,
    step: Step<'_>,
) -> Result<RootKey, KeysError> {
    let Some(path) = to.path() else {
        let new = RootKey::open(to)?;
        if new.is_same_secret(old) {
            return Err(to.refused(
                "it holds the root key that is in use: put a new secret into another variable, and \
                 rotate --to env:NAME",
            ));
        }
        return Ok(new);
    };
    if in_place {
        if !from.is_like(to) {
            return Err(to.refused("the new root key needs another file than the old one"));
        }
        let staged = beside(&path, STAGED);
        step("write", &staged).map_err(KeysError::unavailable("write", &staged))?;
        return RootKey::create(to, &staged);
    }
    // One that is there is taken: an attempt that ended early made it, or a person did.
    step("write", &path).map_err(KeysError::unavailable("write", &path))?;
    match RootKey::find(to) {
        Err(error) if error.is_not_found() => RootKey::create(to, &path),
        Ok(new) if new.is_same_secret(old) => {
            Err(to.refused("it holds the root key that is in use; name another file"))
        }
        other => other,
    }
}

/// Finishes a rotation that was committed and interrupted. Cheap when there is none.
pub(crate) fn settle(keys: &Path) -> Result<(), KeysError> {
    if !keys.join(COMMIT).exists() {
        return Ok(());
    }
    let _lock = disk::lock(keys)?;
    // Whoever held the lock may have finished it.
    if keys.join(COMMIT).exists() {
        finish(keys, &mut |_, _| Ok(()))?;
    }
    Ok(())
}

/// Every step may have been done before.
fn finish(keys: &Path, step: Step<'_>) -> Result<(), KeysError> {
    let marker = keys.join(COMMIT);
    let text = std::fs::read(&marker).map_err(KeysError::unavailable("read", &marker))?;
    let commit: Commit = serde_json::from_slice(&text)
        .ok()
        .filter(|commit: &Commit| commit.v == 1)
        .ok_or_else(|| KeysError::damaged(&marker, "says nothing that this program knows"))?;
    for path in &commit.wrapped {
        disk::rename(step, &beside(path, STAGED), path)?;
    }
    if let Some(root) = &commit.root {
        let (staged, old) = (beside(root, STAGED), beside(root, OLD));
        if staged.exists() {
            // The old one keeps a name until it is overwritten.
            disk::rename(step, root, &old)?;
            disk::rename(step, &staged, root)?;
        }
        disk::destroy(step, &old)?;
    }
    if let Some(old) = &commit.old {
        disk::wipe(step, old)?;
        match disk::remove(step, old) {
            // A mount point cannot be removed, and holds nothing any more.
            Err(KeysError::Unavailable { source, .. })
                if matches!(
                    source.kind(),
                    io::ErrorKind::ResourceBusy
                        | io::ErrorKind::PermissionDenied
                        | io::ErrorKind::ReadOnlyFilesystem
                ) => {}
            other => other?,
        }
    }
    disk::remove(step, &marker)
}

/// Removes what an attempt left that did not come to its commit, files that a kill cut off too: they
/// may hold a root key.
fn remove_staged(keys: &Path, step: Step<'_>) -> Result<(), KeysError> {
    for path in names(keys)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(STAGED) || name.starts_with(durable::TEMPORARY) {
            disk::destroy(step, &path)?;
        }
    }
    Ok(())
}

/// The files of the folder whose keys the root key wraps, sorted.
pub(crate) fn wrapped_files(keys: &Path) -> Result<Vec<PathBuf>, KeysError> {
    let mut files = Vec::new();
    for path in names(keys)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(STAGED) || name.starts_with('.') {
            continue;
        }
        // Files of version 1 are known by their names alone.
        let known = signing::is_wrapped(&name) || is_store_key(&name);
        if known || names_its_provider(&path)? {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A wrapped key of the folder, and who wrapped it; `None` where there is none.
pub(crate) fn wrapped_by(keys: &Path) -> Result<Option<(PathBuf, String)>, KeysError> {
    let Some(path) = wrapped_files(keys)?.into_iter().next() else { return Ok(None) };
    let bytes = std::fs::read(&path).map_err(KeysError::unavailable("read", &path))?;
    let by = match wrapped::decode(&path, &bytes)? {
        Wrapped::Named { header, .. } => header.wrapped_by(),
        Wrapped::Bare(_) => "a root key in a file".to_owned(),
    };
    Ok(Some((path, by)))
}

fn is_store_key(name: &str) -> bool {
    name.strip_prefix("store-").is_some_and(|rest| rest.strip_suffix(".key").is_some())
}

fn names_its_provider(path: &Path) -> Result<bool, KeysError> {
    use std::io::Read as _;
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(32).read_to_end(&mut head))
        .map_err(KeysError::unavailable("read", path))?;
    Ok(wrapped::is_named(&head))
}

fn names(keys: &Path) -> Result<Vec<PathBuf>, KeysError> {
    let entries = match std::fs::read_dir(keys) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(KeysError::unavailable("list", keys)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(KeysError::unavailable("list", keys))?.path();
        if path.is_file() {
            names.push(path);
        }
    }
    Ok(names)
}

fn purpose_of(path: &Path, bytes: &[u8]) -> Result<String, KeysError> {
    if let Wrapped::Named { header, .. } = wrapped::decode(path, bytes)? {
        return Ok(header.purpose);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let purpose = if is_store_key(&name) { STORE_PURPOSE } else { signing::PURPOSE };
    Ok(purpose.to_owned())
}

#[cfg(test)]
mod tests;
