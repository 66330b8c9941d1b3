//! Key material.

use std::fmt;

use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// 32 secret bytes: wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, if there are 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for use as a key only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another secret for another purpose: `HMAC-SHA256(self, purpose)`.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self(self.mac(purpose.as_bytes()))
    }

    /// `HMAC-SHA256(self, message)`, a keyed fingerprint.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        use hmac::{KeyInit as _, Mac as _};
        // HMAC takes keys of any length, so the error has no way to happen; an all-zero answer
        // would never verify.
        hmac::Hmac::<sha2::Sha256>::new_from_slice(&self.0)
            .map_or([0; 32], |mac| mac.chain_update(message).finalize().into_bytes().into())
    }

    /// Wipes the bytes now.
    pub fn wipe(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
