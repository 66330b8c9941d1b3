//! The root key: the one secret that everything hangs on.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use archive::durable;
use seal::Secret;
use zeroize::Zeroizing;

use crate::{KeysError, random};

/// Wraps the store key and the signing keys. Held in memory while the program runs.
#[derive(Clone)]
pub struct RootKey(Secret);

impl RootKey {
    /// Reads the file, or makes one that its owner alone can read (0600).
    pub fn load_or_create(path: &Path) -> Result<Self, KeysError> {
        match Self::load(path) {
            Err(KeysError::Unavailable { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                let secret = random::<32>()?;
                let text = Zeroizing::new(format!("{}\n", hex::encode(secret)));
                durable::replace(path, text.as_bytes(), 0o600)
                    .map_err(KeysError::unavailable("create", path))?;
                Ok(Self(Secret::new(secret)))
            }
            other => other,
        }
    }

    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let meta = std::fs::metadata(path).map_err(KeysError::unavailable("read", path))?;
        let mode = meta.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeysError::damaged(
                path,
                format!("others can read the root key (mode {mode:o}); run chmod 600 on it"),
            ));
        }
        let text = Zeroizing::new(
            std::fs::read_to_string(path).map_err(KeysError::unavailable("read", path))?,
        );
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| {
            KeysError::damaged(
                path,
                "the root key is not 64 hexadecimal digits; restore it from a copy",
            )
        })?;
        Ok(Self(Secret::new(bytes)))
    }

    pub(crate) fn wrap(&self, purpose: &str, key: &Secret) -> Result<Vec<u8>, KeysError> {
        Ok(seal::wrap(&self.0, purpose, random()?, key.expose()))
    }

    pub(crate) fn unwrap(
        &self,
        purpose: &str,
        path: &Path,
        wrapped: &[u8],
    ) -> Result<Secret, KeysError> {
        let opened = seal::unwrap(&self.0, purpose, wrapped);
        opened.ok().and_then(|bytes| Secret::from_slice(&bytes)).ok_or_else(|| {
            KeysError::damaged(
                path,
                "does not open with this root key; is it another installation's?",
            )
        })
    }
}
