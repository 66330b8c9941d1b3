//! The key that a collector signs with, and the one that it hands over to.

use keys::{KeysError, RootKey, load_next_signing_key, load_or_create_signing_key};
use ledger::Handover;
use record::CollectorName;
use tlog::SigningKey;

use crate::place::{Place, origin};

/// Loads the signing key, or makes one. Where another one waits to follow it, the ledger is told
/// to hand over.
pub(crate) fn load(
    place: &Place,
    root: &RootKey,
    collector: &CollectorName,
) -> anyhow::Result<(SigningKey, Option<Handover>)> {
    let origin = origin(&place.keys, collector)?;
    let key = load_or_create_signing_key(&place.keys, root, collector, &origin)?;
    let next = load_next_signing_key(&place.keys, root, collector, &origin)?;
    let handover = next.map(|next| {
        let (keys, collector) = (place.keys.clone(), collector.clone());
        let install = move |new: &tlog::VerifyingKey| {
            keys::install_next_signing_key(&keys, &collector, new)
                .map_err(|error: KeysError| error.to_string())
        };
        Handover { next, install: Box::new(install) }
    });
    Ok((key, handover))
}
