//! What is no longer there, and whether a record accounts for it: destroyed keys, removed files.

use std::collections::{BTreeMap, BTreeSet};

use keys::KeyStore;
use record::envelope::{Expiry, Tier};
use record::{Kid, RangeSet};

use super::Finding;

/// What receipts say, and what was found to be gone.
#[derive(Default)]
pub(crate) struct Gone {
    /// Keys that receipts name.
    receipts: BTreeSet<Kid>,
    /// Files that receipts name.
    files: BTreeSet<String>,
    /// Files that moved to the cold tier and may be gone.
    moved: BTreeSet<String>,
    /// Records that can be opened.
    pub(crate) openable: u64,
    /// Indexes of records in files that are gone.
    pub(crate) leaves: RangeSet,
    /// Admission numbers of records in files that are gone.
    pub(crate) numbers: RangeSet,
    /// Records that cannot be opened: by missing keys, how many and the first of them.
    unopenable: BTreeMap<Vec<Kid>, (u64, u64)>,
}

impl Gone {
    pub(crate) fn destroyed(&mut self, keys: &[Kid]) {
        self.receipts.extend(keys);
    }

    pub(crate) fn expired(&mut self, expiry: &Expiry) {
        self.receipts.extend(&expiry.keys);
        self.files.extend(expiry.files.iter().cloned());
        for (start, end) in expiry.leaves.iter() {
            self.leaves.insert(start, end);
        }
        for (start, end) in expiry.numbers.iter() {
            self.numbers.insert(start, end);
        }
    }

    pub(crate) fn moved(&mut self, tier: &Tier) {
        self.moved.extend(tier.from.iter().cloned());
    }

    pub(crate) fn unopenable(&mut self, leaf: u64, missing: Vec<Kid>) {
        self.unopenable.entry(missing).or_insert((0, leaf)).0 += 1;
    }

    /// Whether a record accounts for a file that is not there.
    pub(crate) fn accounts_for(&self, file: &str) -> bool {
        self.files.contains(file) || self.moved.contains(file)
    }
}

/// Records that cannot be opened are exactly those whose keys a receipt names, in whichever
/// collector's log it stands; and what a receipt names is gone.
pub(crate) fn check(all: &[(String, Gone)], keys: Option<&KeyStore>) -> Vec<Finding> {
    let receipts: BTreeSet<Kid> =
        all.iter().flat_map(|(_, gone)| &gone.receipts).copied().collect();
    let mut findings = Vec::new();
    let unaccounted = all.iter().flat_map(|(_, gone)| &gone.unopenable);
    let unaccounted: u64 = unaccounted
        .filter(|(missing, _)| !missing.iter().any(|kid| receipts.contains(kid)))
        .map(|(_, (count, _))| count)
        .sum();
    if unaccounted > 1 && all.iter().all(|(_, gone)| gone.openable == 0) {
        return vec![Finding {
            file: "the key store".to_owned(),
            record: None,
            what: format!(
                "it opens none of the archive's records, {unaccounted} of which no receipt \
                 accounts for: it is another installation's, or keys are lost; --keys names another"
            ),
        }];
    }
    for (collector, gone) in all {
        for (missing, (count, first)) in &gone.unopenable {
            if !missing.iter().any(|kid| receipts.contains(kid)) {
                let kids: Vec<String> = missing.iter().map(ToString::to_string).collect();
                findings.push(Finding {
                    file: collector.clone(),
                    record: Some(*first),
                    what: format!(
                        "{count} records cannot be opened, this one first, and no receipt names \
                         their keys ({})",
                        kids.join(", ")
                    ),
                });
            }
        }
    }
    let there = receipts.iter().filter(|kid| keys.is_some_and(|keys| keys.has(**kid)));
    findings.extend(there.map(|kid| Finding {
        file: "the key store".to_owned(),
        record: None,
        what: format!("a receipt says that key {kid} was destroyed, and it is there"),
    }));
    findings
}
