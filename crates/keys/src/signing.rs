//! A collector's signing key, and the one that is to follow it.
//!
//! A new key waits in `<collector>.signing.next` until a checkpoint that both keys signed is
//! published. Then it takes the place of the old one.

use std::path::{Path, PathBuf};

use archive::durable;
use record::CollectorName;
use tlog::SigningKey;

use crate::disk::{self, beside};
use crate::{KeysError, RootKey, random_secret};

pub(crate) const PURPOSE: &str = "custody/signing-key/v1";
const SECRET: &str = ".signing";
const NEXT: &str = ".next";

/// Where the public half lies as text, for handing out.
pub fn verifying_key_path(keys: &Path, collector: &CollectorName) -> PathBuf {
    keys.join(format!("{collector}.vkey"))
}

/// Loads the collector's signing key, or makes one; its name is the log's origin.
pub fn load_or_create_signing_key(
    keys: &Path,
    root: &RootKey,
    collector: &CollectorName,
    origin: &str,
) -> Result<SigningKey, KeysError> {
    let path = secret_path(keys, collector);
    let key = match load_signing_key(keys, root, collector, origin) {
        Err(error) if error.is_not_found() => {
            let secret = random_secret()?;
            let wrapped = root.wrap(PURPOSE, &secret)?;
            durable::replace(&path, &wrapped, 0o600)
                .map_err(KeysError::unavailable("create", &path))?;
            named(&path, origin, secret.expose())?
        }
        other => other?,
    };
    // A crash between the two halves leaves the public one missing or old.
    write_public(keys, collector, &key)?;
    Ok(key)
}

/// Loads the collector's signing key.
pub fn load_signing_key(
    keys: &Path,
    root: &RootKey,
    collector: &CollectorName,
    origin: &str,
) -> Result<SigningKey, KeysError> {
    load(root, &secret_path(keys, collector), origin)
}

/// Makes the signing key that is to follow the present one, and gives its public half. One that
/// waits already is given again, so that calling twice makes one key.
///
/// # Errors
/// [`KeysError::Unavailable`] when the collector has no key yet, and so nothing to follow.
pub fn stage_signing_key(
    keys: &Path,
    root: &RootKey,
    collector: &CollectorName,
    origin: &str,
) -> Result<SigningKey, KeysError> {
    load_signing_key(keys, root, collector, origin)?;
    if let Some(waiting) = load_next_signing_key(keys, root, collector, origin)? {
        return Ok(waiting);
    }
    let path = beside(&secret_path(keys, collector), NEXT);
    let secret = random_secret()?;
    let wrapped = root.wrap(PURPOSE, &secret)?;
    durable::replace(&path, &wrapped, 0o600).map_err(KeysError::unavailable("create", &path))?;
    named(&path, origin, secret.expose())
}

/// The signing key that waits to follow the present one; `None` when none does.
pub fn load_next_signing_key(
    keys: &Path,
    root: &RootKey,
    collector: &CollectorName,
    origin: &str,
) -> Result<Option<SigningKey>, KeysError> {
    match load(root, &beside(&secret_path(keys, collector), NEXT), origin) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts the key that waits in the place of the present one, for good: a checkpoint that both signed
/// is published. Calling it again changes nothing.
pub fn install_next_signing_key(
    keys: &Path,
    collector: &CollectorName,
    new: &tlog::VerifyingKey,
) -> Result<(), KeysError> {
    install_stepwise(keys, collector, new, &mut |_, _| Ok(()))
}

pub(crate) fn install_stepwise(
    keys: &Path,
    collector: &CollectorName,
    new: &tlog::VerifyingKey,
    step: disk::Step<'_>,
) -> Result<(), KeysError> {
    let path = secret_path(keys, collector);
    // In one step, so that there is never a moment without a key. The old one was wrapped, and its
    // bytes are worth nothing without the root key.
    disk::rename(step, &beside(&path, NEXT), &path)?;
    let public = verifying_key_path(keys, collector);
    step("write", &public)
        .and_then(|()| durable::replace(&public, format!("{new}\n").as_bytes(), 0o644))
        .map_err(KeysError::unavailable("write", &public))
}

/// Whether a file of this name is a wrapped signing key.
pub(crate) fn is_wrapped(name: &str) -> bool {
    name.strip_suffix(NEXT).unwrap_or(name).ends_with(SECRET)
}

fn write_public(keys: &Path, collector: &CollectorName, key: &SigningKey) -> Result<(), KeysError> {
    let public = verifying_key_path(keys, collector);
    let text = format!("{}\n", key.verifying_key());
    if std::fs::read(&public).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    durable::replace(&public, text.as_bytes(), 0o644)
        .map_err(KeysError::unavailable("create", &public))
}

fn load(root: &RootKey, path: &Path, origin: &str) -> Result<SigningKey, KeysError> {
    let wrapped = std::fs::read(path).map_err(KeysError::unavailable("read", path))?;
    let secret = root.unwrap(PURPOSE, path, &wrapped)?;
    named(path, origin, secret.expose())
}

fn secret_path(keys: &Path, collector: &CollectorName) -> PathBuf {
    keys.join(format!("{collector}{SECRET}"))
}

fn named(path: &Path, origin: &str, secret: &[u8; 32]) -> Result<SigningKey, KeysError> {
    SigningKey::new(origin, secret)
        .map_err(|e| KeysError::damaged(path, format!("the origin {origin:?} names no key: {e}")))
}
