//! What a caller sent, and who that is.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use record::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::file::{self, Table};
use crate::oidc::{self, Keys, OidcConfig, Window};
use crate::watched::Watched;
use crate::{AccessError, Fault, Principal, token};

/// No token is longer, in bytes: JWTs with many groups come to some thousand.
const LONGEST: usize = 16 << 10;
/// How many good tokens are remembered.
const REMEMBERED: usize = 4096;

/// Tells who is asking.
pub struct Access {
    tokens: Watched<Table>,
    oidc: Option<(OidcConfig, Keys)>,
    /// Good tokens by their SHA-256, so that a signature is verified once. Bad ones are not
    /// remembered: whoever sends many of them would push the good ones out.
    known: Mutex<LruCache<[u8; 32], Known>>,
}

struct Known {
    principal: Arc<Principal>,
    window: Window,
    /// Of the tokens or the keys that told so.
    generation: u64,
}

impl Access {
    /// Reads tokens out of this file, which need not be there yet, and JWTs of this issuer. Waits a
    /// few seconds for the issuer's keys, and goes on without them. Must not be called within an
    /// asynchronous runtime.
    pub fn start(tokens: PathBuf, oidc: Option<OidcConfig>) -> Result<Self, AccessError> {
        let oidc = match oidc {
            Some(config) => {
                let keys = Keys::start(&config)?;
                Some((config, keys))
            }
            None => None,
        };
        let size = NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            tokens: Watched::new(tokens, file::table),
            oidc,
            known: Mutex::new(LruCache::new(size)),
        })
    }

    /// Who sent this at this time: an access token or a JWT, as bare text or behind `Bearer`.
    pub fn resolve(&self, sent: &[u8], at: Timestamp) -> Result<Arc<Principal>, Fault> {
        if sent.len() > LONGEST {
            return Err(Fault::Invalid);
        }
        let text = std::str::from_utf8(sent).map_err(|_| Fault::Invalid)?;
        let text = bare(text);
        if token::is_one(text) {
            let presented = token::parse(text).ok_or(Fault::Invalid)?;
            let (table, generation) = self.tokens.current().ok_or(Fault::Unchecked)?;
            self.remembered(text, generation, at, || {
                let (principal, expires) = table.find(&presented, at)?;
                let until = expires.unwrap_or(Timestamp(i64::MAX));
                Ok((principal, Window { from: Timestamp(i64::MIN), until }))
            })
        } else if text.split('.').count() == 3 {
            let (config, keys) = self.oidc.as_ref().ok_or(Fault::Unknown)?;
            let (set, generation) = keys.current().ok_or(Fault::Unchecked)?;
            let found = self.remembered(text, generation, at, || oidc::verify(config, &set, text));
            if matches!(found, Err(Fault::Unknown)) {
                keys.missed();
            }
            found
        } else {
            Err(Fault::Invalid)
        }
    }

    /// What was found before, while what told so is the same; the time is looked at each time.
    fn remembered(
        &self,
        text: &str,
        generation: u64,
        at: Timestamp,
        find: impl FnOnce() -> Result<(Principal, Window), Fault>,
    ) -> Result<Arc<Principal>, Fault> {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&hash).filter(|known| known.generation == generation) {
            return known.window.check(at).map(|()| Arc::clone(&known.principal));
        }
        let (principal, window) = find()?;
        let principal = Arc::new(principal);
        lock().put(hash, Known { principal: Arc::clone(&principal), window, generation });
        window.check(at).map(|()| principal)
    }
}

/// Without the scheme that some clients cannot leave out.
fn bare(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => text,
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("oidc", &self.oidc.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
