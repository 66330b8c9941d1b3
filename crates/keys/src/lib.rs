//! The key store. `spec/keys.md`.
//!
//! ```text
//! root key (a file that its owner alone can read)
//!   └─ store key of the epoch ──seals──► rows: kid → K_S | K_E | a purpose's key
//!   └─ signing key of a collector
//! ```
//!
//! All keys are random and none is derived from another row, so that destroying a row destroys it.
//! Looking a subject up needs the store key too: a row's label is keyed, and says nothing alone.

mod error;
mod root;
mod row;
mod signing;
mod store;

pub use error::KeysError;
pub use root::RootKey;
pub use signing::{load_or_create_signing_key, load_signing_key, verifying_key_path};
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
