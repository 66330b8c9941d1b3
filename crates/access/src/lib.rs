//! Who is asking: access tokens of Custody's own, and OIDC bearer tokens.
//!
//! * `token.rs`: what a token looks like;
//! * `file.rs`: the file of tokens, of which it holds hashes;
//! * `oidc.rs`: JWTs of an issuer, and under `oidc/` its keys;
//! * `access.rs`: what a caller sent, and who that is.
//!
//! **Invariants.** No token and no user id is written, nor stands in any error. A JWT is verified with
//! the algorithm of the issuer's key, never with the one that it names itself.

mod access;
mod error;
mod file;
mod oidc;
mod principal;
#[cfg(test)]
mod signer;
mod token;
mod watched;

pub use access::Access;
pub use error::AccessError;
pub use file::{Naming, TokenFile, TokenRow};
pub use oidc::{KeysAt, OidcConfig};
pub use principal::{Basis, Fault, Grant, Principal};
pub use token::{NewToken, TokenId};
