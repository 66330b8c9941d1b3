//! Parts that were met before: neither masked nor sealed again.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use ledger::SealedPart;
use lru::LruCache;
use mask::Counts;
use record::{Kid, PartKind};
use seal::Secret;
use sha2::Sha256;

use crate::masking::Trouble;

/// The keyed digest of a part's raw content, whoever's it is.
pub(crate) type Print = [u8; 32];

/// A content within a scope: its print, the subject's key and the period's, and which exceptions of
/// the policy hold where it stands.
pub(crate) type MetKey = (Print, Kid, Kid, u64);

/// What became of a part when it was first met.
#[derive(Clone)]
pub(crate) struct MetPart {
    pub(crate) part: Arc<SealedPart>,
    /// Values of it that are kept apart.
    pub(crate) vaults: Vec<Arc<SealedPart>>,
    /// What was masked in it.
    pub(crate) counts: Option<Arc<Counts>>,
    /// Why it is withheld.
    pub(crate) trouble: Option<Trouble>,
}

impl MetPart {
    fn size(&self) -> usize {
        let vaults: usize = self.vaults.iter().map(|vault| vault.bytes().len()).sum();
        self.part.bytes().len() + vaults + ENTRY
    }
}

/// A cache bounded by bytes. The key is the process's own and dies with it, so nothing can be
/// confirmed by guessing; the policy is fixed for the life of a process.
pub(crate) struct Met {
    key: Option<Hmac<Sha256>>,
    limit: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    parts: LruCache<MetKey, MetPart>,
    bytes: usize,
}

/// About what an entry costs beside the sealed bytes.
const ENTRY: usize = 200;

impl Met {
    pub(crate) fn new(limit: usize, key: &Secret) -> Self {
        let entries = NonZeroUsize::new(limit / ENTRY).unwrap_or(NonZeroUsize::MIN);
        Self {
            key: Hmac::new_from_slice(key.expose()).ok(),
            limit,
            inner: Mutex::new(Inner { parts: LruCache::new(entries), bytes: 0 }),
        }
    }

    /// The digest of an encoded content.
    pub(crate) fn print(&self, kind: PartKind, content: &[u8]) -> Option<Print> {
        let mac = self.key.clone()?.chain_update(kind.as_str()).chain_update([0]);
        Some(mac.chain_update(content).finalize().into_bytes().into())
    }

    pub(crate) fn get(&self, key: &MetKey) -> Option<MetPart> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.parts.get(key).cloned()
    }

    pub(crate) fn put(&self, key: MetKey, part: MetPart) {
        let size = part.size();
        if size > self.limit / 4 {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += size;
        if let Some((_, old)) = inner.parts.push(key, part) {
            inner.bytes -= old.size();
        }
        while inner.bytes > self.limit {
            let Some((_, old)) = inner.parts.pop_lru() else { break };
            inner.bytes -= old.size();
        }
    }
}
