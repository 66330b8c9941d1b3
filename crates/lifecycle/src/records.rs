//! Which records a key seals, and which scopes records have.

use std::collections::{BTreeMap, HashSet};

use query::Filter;
use record::envelope::Summary;
use record::{Kid, RecordId};

use crate::{Lifecycle, LifecycleError};

/// The scopes of some records: `(subject, period, class)`, and how many records have each.
pub(crate) type Scopes = BTreeMap<(Kid, Kid, String), u64>;

impl Lifecycle {
    /// How many records a subject's keys seal.
    pub(crate) fn count_of(&self, subjects: &[Kid]) -> Result<u64, LifecycleError> {
        let wanted: HashSet<Kid> = subjects.iter().copied().collect();
        let mut found: HashSet<RecordId> = HashSet::new();
        self.store.each_record(&mut |at| {
            if let Ok(record) = Summary::from_bytes(&at.envelope)
                && record.keys.as_ref().is_some_and(|keys| wanted.contains(&keys.subject))
            {
                found.insert(record.id);
            }
        })?;
        Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
    }

    /// The scopes of the records that are chosen. The scope of what they share is among them.
    pub(crate) fn scopes_of(
        &self,
        subject: Option<Kid>,
        filter: Option<&Filter>,
        ids: &[RecordId],
    ) -> Result<Scopes, LifecycleError> {
        let mut seen = HashSet::new();
        let mut scopes = Scopes::new();
        self.store.each_record(&mut |at| {
            let Ok(record) = Summary::from_bytes(&at.envelope) else { return };
            let Some(keys) = record.keys.as_ref() else { return };
            let chosen = subject.is_none_or(|subject| keys.subject == subject)
                && (ids.is_empty() || ids.contains(&record.id))
                && filter.is_none_or(|filter| filter.matches(&query::view(&at, true)));
            if chosen && seen.insert(record.id) {
                let class = record.retention.class.as_deref().unwrap_or_default().to_owned();
                *scopes.entry((keys.subject, keys.period, class.clone())).or_default() += 1;
                let own = record.parts().filter_map(|part| part.key);
                for shared in keys.shared.into_iter().chain(own) {
                    scopes.entry((shared, keys.period, class.clone())).or_default();
                }
            }
        })?;
        Ok(scopes)
    }
}
