//! Parts whose names tier is still to come.
//!
//! The detectors that are always on have seen them; that is what the gates wait for. Until a tagger
//! has read them too they stand in the journal sealed under a key of their own, and closed. Then
//! they are sealed as what they have become, the record is written, and an hour's key is destroyed
//! when nothing waits under it any more.
//!
//! A crash in between leaves the call open with all that is known of it: the next start reads the
//! held parts with that key and finishes them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keys::{ScopeKeys, Subject};
use ledger::SealedPart;
use mask::{Counts, Taken, Tier, Vaulted};
use record::envelope::{Interaction, PartRef};
use record::{Content, Kid, Oddity, PartKind, Role, Scope, Timestamp};
use serde_json::{Map, Value, json};

use crate::engine::Shared;
use crate::masking::{Trouble, Whereabouts, mask};
use crate::met::{MetKey, MetPart};
use crate::status::count;

const HOUR_US: i64 = 3_600_000_000;

/// A part on its way through the names tier.
pub(crate) struct Held {
    pub(crate) role: Role,
    pub(crate) kind: PartKind,
    pub(crate) scope: Scope,
    /// What it will be sealed under.
    pub(crate) keys: ScopeKeys,
    pub(crate) place: Arc<Whereabouts>,
    pub(crate) met: Option<MetKey>,
    /// Gone when the tagger has read it.
    pub(crate) content: Mutex<Option<(Content, Taken)>>,
    /// Values that were kept apart before: they are sealed with the part, lest a crash lose them.
    pub(crate) vault: OnceLock<Arc<SealedPart>>,
    pub(crate) length: usize,
    pub(crate) named: OnceLock<Named>,
    /// Counts as waiting under the hour's key, and among the bytes that wait.
    pub(crate) waiting: Waiting,
}

/// A part after the names tier.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) part: Arc<SealedPart>,
    /// Names that are kept apart.
    pub(crate) vaults: Vec<Arc<SealedPart>>,
    /// Of names alone; what was found before is counted already.
    pub(crate) counts: Counts,
    pub(crate) trouble: Option<Trouble>,
}

/// Where a part stands in an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Part(usize),
    Skeleton,
}

/// The parts of one side that are held.
pub(crate) type HeldParts = Vec<(Slot, Arc<Held>)>;

impl Held {
    /// Runs the names tier, unless another thread has done so or is at it.
    pub(crate) fn named(&self, shared: &Shared) -> &Named {
        self.named.get_or_init(|| {
            let taken = self.content.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (content, before) = taken.unwrap_or((Content::Bytes(Vec::new()), Taken::default()));
            let named = self.name(shared, content, before);
            self.waiting.done();
            named
        })
    }

    fn name(&self, shared: &Shared, content: Content, before: Taken) -> Named {
        // Another call may have brought the same content meanwhile.
        if let Some(met) = self.met.as_ref().and_then(|key| shared.met.get(key)) {
            let mut counts = Counts::default();
            for (entity, n) in met.counts.iter().flat_map(|all| all.iter()) {
                counts.add(entity, n.saturating_sub(before.counts.get(entity)));
            }
            let here = self.vault.get().map(|vault| vault.pid());
            let vaults = met.vaults.into_iter().filter(|vault| Some(vault.pid()) != here).collect();
            return Named { part: met.part, vaults, counts, trouble: met.trouble };
        }
        let raw = content.encode();
        let place = self.place.place(self.role, self.kind);
        let masked = mask(&shared.masker, &place, Tier::Names, content, self.length);
        let (bytes, after, trouble) = match masked {
            Ok((content, after)) => (content.encode(), after, None),
            Err(trouble) => {
                count(&shared.counters.mask_failures, 1);
                (raw, Taken::default(), Some(trouble))
            }
        };
        count(&shared.counters.masked_values, after.counts.iter().map(|(_, n)| n).sum());
        let part = Arc::new(SealedPart::seal(&self.keys, self.kind, &bytes));
        let vaults: Vec<_> = seal_vault(&self.keys, &after.vaulted).into_iter().collect();
        if let Some(key) = self.met
            && trouble.is_none_or(Trouble::stays)
        {
            let mut all = before.counts;
            all.merge(&after.counts);
            let counts = (!all.is_empty()).then(|| Arc::new(all));
            let vaults = self.vault.get().into_iter().chain(&vaults).cloned().collect();
            shared.met.put(key, MetPart { part: Arc::clone(&part), vaults, counts, trouble });
        }
        Named { part, vaults, counts: after.counts, trouble }
    }

    /// Seals the values that were kept apart so far.
    pub(crate) fn seal_vault(&self) -> Option<Arc<SealedPart>> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let vaulted = content.as_mut().map(|(_, taken)| std::mem::take(&mut taken.vaulted))?;
        let vault = seal_vault(&self.keys, &vaulted)?;
        Some(Arc::clone(self.vault.get_or_init(|| vault)))
    }

    /// Adds what was found in it so far.
    pub(crate) fn counted(&self, counts: &mut Counts) {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, taken)) = content.as_ref() {
            counts.merge(&taken.counts);
        }
    }

    /// How the envelope names what it has become.
    pub(crate) fn reference(&self, named: &Named) -> PartRef {
        let mut reference = named.part.reference(self.role, self.kind, self.scope);
        reference.withheld = named.trouble.is_some();
        reference
    }
}

/// The values that a policy keeps apart, sealed as a part of their own. `spec/record.md`, "Vault".
pub(crate) fn seal_vault(keys: &ScopeKeys, vaulted: &[Vaulted]) -> Option<Arc<SealedPart>> {
    if vaulted.is_empty() {
        return None;
    }
    let members: Map<String, Value> = vaulted
        .iter()
        .map(|value| {
            let told = json!({ "entity": value.entity.as_str(), "value": value.value });
            (value.placeholder.clone(), told)
        })
        .collect();
    let content = Content::Fields(members).encode();
    Some(Arc::new(SealedPart::seal(keys, PartKind::Vault, &content)))
}

/// Puts what held parts have become into an interaction and among its parts.
pub(crate) fn settle(
    shared: &Shared,
    interaction: &mut Interaction,
    parts: &mut Vec<Arc<SealedPart>>,
    (request, response): (&HeldParts, &HeldParts),
) {
    let mut gone = record::PidSet::default();
    for (held, answer) in [(request, false), (response, true)] {
        for (slot, held) in held {
            let named = held.named(shared);
            let reference = held.reference(named);
            parts.extend(named.vaults.iter().cloned());
            let vaults = named.vaults.iter();
            let vaults = vaults.map(|v| v.reference(held.role, PartKind::Vault, held.scope));
            parts.push(Arc::clone(&named.part));
            let (refs, skeleton) = if answer {
                let side = &mut interaction.response;
                (&mut side.parts, &mut side.skeleton)
            } else {
                let side = &mut interaction.request;
                (&mut side.parts, &mut side.skeleton)
            };
            let place = match *slot {
                Slot::Part(index) => refs.get_mut(index),
                Slot::Skeleton => skeleton.as_mut(),
            };
            if let Some(place) = place {
                gone.insert(place.pid);
                *place = reference;
            }
            refs.extend(vaults);
            for (entity, n) in named.counts.iter() {
                let counts = &mut interaction.masking.counts;
                *counts.entry(entity.as_str().to_owned()).or_default() += n;
            }
            if let Some(trouble) = named.trouble {
                let place = match slot {
                    Slot::Part(index) => format!("part {index}"),
                    Slot::Skeleton => "skeleton".to_owned(),
                };
                interaction.oddities.push(Oddity::at(trouble.code(), place));
            }
        }
    }
    parts.retain(|part| !gone.contains(&part.pid()));
}

/// What waits for the names tier: how many bytes, and under which hours' keys.
pub(crate) struct Backlog {
    limit: usize,
    used: Arc<AtomicUsize>,
    hours: Mutex<Vec<Hour>>,
}

struct Hour {
    kid: Kid,
    /// When something was last sealed under it, in hours.
    last: i64,
    waiting: Arc<()>,
}

/// One part's place in the backlog.
pub(crate) struct Waiting {
    bytes: usize,
    used: Arc<AtomicUsize>,
    hour: Mutex<Option<Arc<()>>>,
}

impl Waiting {
    /// Of a part that a start found: nothing is counted any more.
    pub(crate) fn none() -> Self {
        Self { bytes: 0, used: Arc::default(), hour: Mutex::default() }
    }

    fn done(&self) {
        if self.hour.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.used.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.done();
    }
}

impl Backlog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: Arc::default(), hours: Mutex::default() }
    }

    /// Bytes that wait.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// A place for a part that is sealed under the key `kid`; `None` when too much waits.
    pub(crate) fn enter(&self, bytes: usize, kid: Kid, now: Timestamp) -> Option<Waiting> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > self.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        let last = hours_of(now);
        let mut hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = if let Some(hour) = hours.iter_mut().find(|hour| hour.kid == kid) {
            hour.last = last;
            Arc::clone(&hour.waiting)
        } else {
            let waiting = Arc::new(());
            hours.push(Hour { kid, last, waiting: Arc::clone(&waiting) });
            waiting
        };
        drop(hours);
        Some(Waiting { bytes, used: Arc::clone(&self.used), hour: Mutex::new(Some(waiting)) })
    }

    /// The keys of hours that are over and under which nothing waits any more.
    pub(crate) fn over(&self, now: Timestamp) -> Vec<Kid> {
        let current = hours_of(now);
        let mut hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        let done = |hour: &Hour| hour.last != current && Arc::strong_count(&hour.waiting) == 1;
        let kids = hours.iter().filter(|hour| done(hour)).map(|hour| hour.kid).collect();
        hours.retain(|hour| !done(hour));
        kids
    }
}

/// The hour that held parts are sealed for: its key is a key of its own.
pub(crate) fn hour_of(now: Timestamp) -> String {
    format!("names-{}", hours_of(now))
}

fn hours_of(now: Timestamp) -> i64 {
    now.0.div_euclid(HOUR_US)
}

/// Destroys the keys of past hours that a former run left, once nothing needs them.
pub(crate) fn destroy_past(shared: &Shared) {
    /// A run that ended longer ago has left nothing that could still be finished.
    const HOURS: i64 = 24 * 31;
    let now = shared.clock.now();
    let current = hour_of(now);
    let past = (0..HOURS).filter_map(|back| {
        let name = hour_of(now.plus_us(-back * HOUR_US));
        let kid = shared.keys.find_subject(&shared.config.tenant, Subject::Held(&name))?;
        (name != current).then_some(kid)
    });
    destroy(shared, &past.collect::<Vec<_>>());
}

/// Destroys keys of hours; a failure leaves them for the next start.
pub(crate) fn destroy(shared: &Shared, kids: &[Kid]) {
    if kids.is_empty() {
        return;
    }
    if let Err(error) = shared.keys.destroy(kids) {
        tracing::warn!(%error, "the key of parts that waited for names is destroyed later");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = HOUR_US;

    #[test]
    fn an_hours_key_goes_when_nothing_waits_under_it() {
        let backlog = Backlog::new(100);
        let (one, two) = (Kid([1; 16]), Kid([2; 16]));
        let first = backlog.enter(60, one, Timestamp(0)).unwrap();
        assert!(backlog.enter(60, one, Timestamp(0)).is_none(), "over the limit");
        let second = backlog.enter(40, two, Timestamp(HOUR)).unwrap();
        assert_eq!(backlog.over(Timestamp(HOUR)), []);
        drop(first);
        assert_eq!(backlog.used(), 40);
        assert_eq!(backlog.over(Timestamp(HOUR)), [one]);
        second.done();
        drop(second);
        assert_eq!(backlog.used(), 0);
        assert_eq!(backlog.over(Timestamp(HOUR)), [], "its hour goes on");
        assert_eq!(backlog.over(Timestamp(2 * HOUR)), [two]);
        assert_eq!(backlog.over(Timestamp(2 * HOUR)), []);
    }
}
