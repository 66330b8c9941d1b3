//! A collector's signing key.

use std::io;
use std::path::{Path, PathBuf};

use archive::durable;
use record::CollectorName;
use tlog::SigningKey;

use crate::{KeysError, RootKey, random_secret};

const PURPOSE: &str = "custody/signing-key/v1";

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
    match load_signing_key(keys, root, collector, origin) {
        Err(KeysError::Unavailable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let secret = random_secret()?;
            let wrapped = root.wrap(PURPOSE, &secret)?;
            durable::replace(&path, &wrapped, 0o600)
                .map_err(KeysError::unavailable("create", &path))?;
            named(&path, origin, secret.expose()).and_then(|key| {
                let public = verifying_key_path(keys, collector);
                let text = format!("{}\n", key.verifying_key());
                durable::replace(&public, text.as_bytes(), 0o644)
                    .map_err(KeysError::unavailable("create", &public))?;
                Ok(key)
            })
        }
        other => other,
    }
}

/// Loads the collector's signing key.
pub fn load_signing_key(
    keys: &Path,
    root: &RootKey,
    collector: &CollectorName,
    origin: &str,
) -> Result<SigningKey, KeysError> {
    let path = secret_path(keys, collector);
    let wrapped = std::fs::read(&path).map_err(KeysError::unavailable("read", &path))?;
    let secret = root.unwrap(PURPOSE, &path, &wrapped)?;
    named(&path, origin, secret.expose())
}

fn secret_path(keys: &Path, collector: &CollectorName) -> PathBuf {
    keys.join(format!("{collector}.signing"))
}

fn named(path: &Path, origin: &str, secret: &[u8; 32]) -> Result<SigningKey, KeysError> {
    SigningKey::new(origin, secret)
        .map_err(|e| KeysError::damaged(path, format!("the origin {origin:?} names no key: {e}")))
}
