//! Sealing of key material and of stretches of an answer: the same cipher with a random salt.

use crate::Secret;
use crate::chunked::{self, OpenError, SALT_LEN};

/// Seals `plain` under `key` for one purpose, with 24 fresh random bytes from the caller.
pub fn wrap(key: &Secret, purpose: &str, salt: [u8; SALT_LEN], plain: &[u8]) -> Vec<u8> {
    chunked::seal(key, purpose.as_bytes(), &salt, plain)
}

/// Opens what [`wrap`] sealed for the same purpose.
pub fn unwrap(key: &Secret, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    chunked::open(key, purpose.as_bytes(), sealed)
}
