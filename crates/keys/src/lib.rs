//! The key store. `spec/keys.md`.
//!
//! ```text
//! root key (a file, a variable, Vault, AWS KMS)
//!   └─ store key of the epoch ──seals──► rows: kid → K_S | K_E | a purpose's key
//!   └─ signing key of a collector
//! ```
//!
//! All keys are random and none is derived from another row, so that destroying a row destroys it.
//! Looking a subject up needs the store key too: a row's label is keyed, and says nothing alone.

mod aws;
mod disk;
mod error;
mod provider;
mod root;
mod rotate;
mod row;
mod signing;
mod store;
mod wrapped;

use std::io;
use std::path::Path;

use archive::durable;

pub use aws::{AwsChain, AwsKeys, NoAwsKeys};
pub use error::KeysError;
pub use provider::{Environment, Options, Provider, RootSource, UnknownProvider};
pub use root::RootKey;
pub use rotate::{Rotation, rotate_root};
pub use signing::{
    install_next_signing_key, load_next_signing_key, load_or_create_signing_key, load_signing_key,
    stage_signing_key, verifying_key_path,
};
pub use store::{HeldScope, HoldRow, KeyStore, ScopeKeys, Subject};

use seal::Secret;

/// 32 fresh random bytes.
pub fn random_secret() -> Result<Secret, KeysError> {
    Ok(Secret::new(random()?))
}

/// Fresh random bytes, for salts and ids.
pub fn random<const N: usize>() -> Result<[u8; N], KeysError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| KeysError::Random(e.to_string()))?;
    Ok(bytes)
}

/// Name of the file with the installation's id.
const INSTALLATION: &str = "installation";

/// The installation's id, 8 hexadecimal digits, made once. It stands in the origins of new logs,
/// and in what services are told of the keys that they wrap.
pub fn installation(keys: &Path) -> Result<String, KeysError> {
    let path = keys.join(INSTALLATION);
    match std::fs::read_to_string(&path) {
        Ok(id) => Ok(id.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = format!("{:08x}", u32::from_be_bytes(random()?));
            durable::replace(&path, format!("{id}\n").as_bytes(), 0o600)
                .map_err(KeysError::unavailable("write", &path))?;
            Ok(id)
        }
        Err(error) => Err(KeysError::unavailable("read", &path)(error)),
    }
}
