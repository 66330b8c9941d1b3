//! Part commitments, key derivation and key-committing encryption. Pure: no I/O, no randomness of
//! its own.
//!
//! ```text
//! K_S, K_E ──HKDF-SHA512──► ScopeKey ┬─ commit: pid = HMAC(k_dedup, kind ‖ 0 ‖ content)
//!                                    └─ seal:   compress ─► C2SP chunked-encryption
//! ```
//!
//! `spec/part.md` is the authority. Where this departs from C2SP chunked-encryption, the salt is
//! derived from the bytes that are sealed instead of drawn at random, so that sealing the same
//! content twice gives the same bytes.

mod chunked;
mod compress;
mod scope;
mod secret;
mod wrap;

pub use chunked::{OVERHEAD, OpenError, SALT_LEN};
pub use compress::{Compressor, MAX_CONTENT};
pub use scope::{PartKey, ScopeKey};
pub use secret::Secret;
pub use wrap::{unwrap, wrap};
