//! The root key: the one secret that everything hangs on, and whoever holds it.

mod aged;
mod file;
mod kms;
mod remote;
mod vault;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::durable;
use seal::Secret;

use crate::provider::{Provider, RootSource};
use crate::wrapped::{self, Header, Wrapped};
use crate::{KeysError, installation, random, rotate};

use aged::Passphrase;

/// Wraps the store key and the signing keys. A root secret is held in memory while the program
/// runs; a service is asked each time.
#[derive(Clone)]
pub struct RootKey {
    held: Held,
    /// As `[keys] root` names it.
    name: String,
    /// Folder of the keys.
    keys: PathBuf,
}

#[derive(Clone)]
enum Held {
    Secret { kind: &'static str, id: String, secret: Secret },
    Vault(Arc<vault::Vault>),
    Kms(Arc<kms::Kms>),
}

impl RootKey {
    /// Reads the file, or makes one that its owner alone can read (0600).
    pub fn load_or_create(path: &Path) -> Result<Self, KeysError> {
        match Self::load(path) {
            Err(error) if error.is_not_found() => {
                let secret = Secret::new(random()?);
                file::write(path, &secret)?;
                Ok(Self::of_file(path, secret))
            }
            other => other,
        }
    }

    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        Ok(Self::of_file(path, file::read(path)?))
    }

    fn of_file(path: &Path, secret: Secret) -> Self {
        let source = RootSource::file(path.parent().unwrap_or(Path::new("")));
        Self::of_secret(&source, "file", secret)
    }

    /// The root key of an installation that is there. A rotation that was interrupted is finished
    /// first.
    ///
    /// # Errors
    /// [`KeysError::Away`] after four tries where a service does not answer.
    pub fn open(source: &RootSource) -> Result<Self, KeysError> {
        rotate::settle(&source.keys)?;
        match Self::find(source) {
            // A new root key would open none of them.
            Err(error) if error.is_not_found() => Err(rotate::wrapped_by(&source.keys)?
                .map(|(file, by)| {
                    let reason = format!(
                        "there is no root key here, and {} was wrapped by {by}: restore it from a \
                         copy, or set [keys] root to the provider that has it",
                        file.display()
                    );
                    KeysError::damaged(&source.path().unwrap_or_default(), reason)
                })
                .unwrap_or(error)),
            other => other,
        }
    }

    /// The root key of an installation, or of one that is about to be: then a provider that is a
    /// file makes it.
    pub fn open_or_create(source: &RootSource) -> Result<Self, KeysError> {
        match (Self::open(source), source.path()) {
            (Err(error), Some(path)) if error.is_not_found() => Self::create(source, &path),
            (other, _) => other,
        }
    }

    /// Asks the provider, whatever it wrapped.
    pub(crate) fn find(source: &RootSource) -> Result<Self, KeysError> {
        match &source.provider {
            Provider::DefaultFile | Provider::File(_) => {
                let path = source.path().unwrap_or_default();
                Ok(Self::of_secret(source, "file", file::read(&path)?))
            }
            Provider::Age(path) => Ok(Self::of_secret(source, "age", aged::read(source, path)?)),
            Provider::Environment(name) => {
                let text = source.environment.get(name).ok_or_else(|| {
                    source.refused("the variable is not set; set it to the 64 hexadecimal digits")
                })?;
                let secret = file::parse(&text).ok_or_else(|| {
                    source.refused("the variable does not hold 64 hexadecimal digits")
                })?;
                Ok(Self::of_secret(source, "env", secret))
            }
            Provider::Vault(key) => {
                let vault = Arc::new(vault::Vault::new(source, key)?);
                Ok(Self::of_service(source, Held::Vault(vault)))
            }
            Provider::AwsKms(key) => {
                let kms = Arc::new(kms::Kms::new(source, key)?);
                Ok(Self::of_service(source, Held::Kms(kms)))
            }
        }
    }

    /// Makes a new root secret in the provider's file, under the name `path`.
    pub(crate) fn create(source: &RootSource, path: &Path) -> Result<Self, KeysError> {
        let secret = Secret::new(random()?);
        match &source.provider {
            Provider::DefaultFile | Provider::File(_) => {
                file::write(path, &secret)?;
                Ok(Self::of_secret(source, "file", secret))
            }
            Provider::Age(_) => {
                let passphrase = Passphrase::of_new(source)?;
                aged::write(path, &secret, &passphrase)?;
                Ok(Self::of_secret(source, "age", secret))
            }
            _ => Err(source.refused("this provider makes no root secret")),
        }
    }

    fn of_secret(source: &RootSource, kind: &'static str, secret: Secret) -> Self {
        // A keyed fingerprint: it tells two root keys apart and says nothing about either.
        let id = secret.mac(b"custody/root-id/v1");
        let id = hex::encode(id.get(..8).unwrap_or_default());
        Self::of_service(source, Held::Secret { kind, id, secret })
    }

    fn of_service(source: &RootSource, held: Held) -> Self {
        Self { held, name: source.provider.to_string(), keys: source.keys.clone() }
    }

    /// The provider, as `[keys] root` names it.
    pub fn provider(&self) -> &str {
        &self.name
    }

    /// Whether both are the same secret in memory; services never are.
    pub(crate) fn is_same_secret(&self, other: &Self) -> bool {
        match (&self.held, &other.held) {
            (Held::Secret { secret, .. }, Held::Secret { secret: other, .. }) => secret == other,
            _ => false,
        }
    }

    pub(crate) fn wrap(&self, purpose: &str, key: &Secret) -> Result<Vec<u8>, KeysError> {
        let header = |installation, key, provider: &str| Header {
            installation,
            key,
            provider: provider.to_owned(),
            purpose: purpose.to_owned(),
        };
        match &self.held {
            Held::Secret { kind, id, secret } => {
                wrapped::seal_with(secret, &header(None, id.clone(), kind), key)
            }
            Held::Vault(vault) => {
                let installation = installation(&self.keys)?;
                let bytes = vault.wrap(purpose, &installation, key)?;
                let header = header(Some(installation), vault.key(), "vault");
                Ok(wrapped::encode(&header.line(), &bytes))
            }
            Held::Kms(kms) => {
                let installation = installation(&self.keys)?;
                let (key, bytes) = kms.wrap(purpose, &installation, key)?;
                let header = header(Some(installation), key, "aws-kms");
                Ok(wrapped::encode(&header.line(), &bytes))
            }
        }
    }

    pub(crate) fn unwrap(
        &self,
        purpose: &str,
        path: &Path,
        file: &[u8],
    ) -> Result<Secret, KeysError> {
        let (header, line, bytes) = match wrapped::decode(path, file)? {
            Wrapped::Named { header, line, bytes } => (header, line, bytes),
            Wrapped::Bare(bytes) => return self.unwrap_bare(purpose, path, bytes),
        };
        if header.purpose != purpose {
            let reason = format!("holds a key for {:?}, not for {purpose:?}", header.purpose);
            return Err(KeysError::damaged(path, reason));
        }
        match &self.held {
            Held::Secret { id, secret, .. } => {
                // The same secret may have moved from a file into a variable by hand.
                if header.key != *id {
                    return Err(self.mismatch(path, &header));
                }
                wrapped::open_with(secret, purpose, line, bytes)
                    .ok_or_else(|| KeysError::damaged(path, "was changed; restore it from a copy"))
            }
            Held::Vault(vault) => {
                if header.provider != "vault" || header.key != vault.key() {
                    return Err(self.mismatch(path, &header));
                }
                vault.unwrap(purpose, &self.installation_of(path, &header)?, path, bytes)
            }
            Held::Kms(kms) => {
                if header.provider != "aws-kms" {
                    return Err(self.mismatch(path, &header));
                }
                let installation = self.installation_of(path, &header)?;
                kms.unwrap(purpose, &installation, path, &header.key, bytes)
            }
        }
    }

    fn unwrap_bare(&self, purpose: &str, path: &Path, bytes: &[u8]) -> Result<Secret, KeysError> {
        let Held::Secret { secret, .. } = &self.held else {
            return Err(KeysError::Mismatch {
                path: path.to_owned(),
                wrapped_by: "a root key in a file (format version 1)".to_owned(),
                configured: self.name.clone(),
            });
        };
        let opened = seal::unwrap(secret, purpose, bytes);
        opened.ok().and_then(|bytes| Secret::from_slice(&bytes)).ok_or_else(|| {
            KeysError::damaged(
                path,
                "does not open with this root key; is it another installation's?",
            )
        })
    }

    fn mismatch(&self, path: &Path, header: &Header) -> KeysError {
        let configured = match &self.held {
            Held::Secret { id, .. } => format!("{} (root key {id})", self.name),
            _ => self.name.clone(),
        };
        let wrapped_by = header.wrapped_by();
        KeysError::Mismatch { path: path.to_owned(), wrapped_by, configured }
    }

    /// The installation that a key was wrapped for, which must be this one.
    fn installation_of(&self, path: &Path, header: &Header) -> Result<String, KeysError> {
        let named = header.installation.clone().unwrap_or_default();
        match std::fs::read_to_string(self.keys.join(crate::INSTALLATION)) {
            Ok(ours) if ours.trim() != named => Err(KeysError::damaged(
                path,
                format!("is of installation {named:?}, and this is {:?}", ours.trim()),
            )),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(KeysError::unavailable("read", &self.keys.join(crate::INSTALLATION))(error))
            }
            _ => Ok(named),
        }
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.name)
    }
}

/// Writes a small secret file that its owner alone can read.
fn write_secret(path: &Path, text: &[u8]) -> Result<(), KeysError> {
    durable::replace(path, text, 0o600).map_err(KeysError::unavailable("create", path))
}

#[cfg(test)]
mod tests;
