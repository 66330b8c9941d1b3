//! The four states: tapped, parsed, masked, sealed. Each is consumed by the next, so the compiler
//! holds that nothing is sealed that was not masked, and the ledger takes nothing that is not
//! sealed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use keys::ScopeKeys;
use ledger::SealedPart;
use mask::{Counts, Taken, Tier};
use record::envelope::PartRef;
use record::{Content, Kid, Oddity, Part, PartKind, Role, Scope};
use serde_json::Value;

use crate::engine::Shared;
use crate::held::{Held, HeldParts, Slot, seal_vault};
use crate::masking::{Trouble, Whereabouts, has_prose, mask};
use crate::met::{MetKey, MetPart, Print};
use crate::status::count;

/// Bytes as they came off the wire. Never written anywhere.
pub(crate) struct Tapped<T>(pub(crate) T);

/// What a reader understood. Still in the clear, still only in memory.
pub(crate) struct Parsed<F> {
    pub(crate) fields: F,
    pub(crate) parts: Vec<Part>,
    pub(crate) skeleton: Option<Value>,
    /// Keys of parts that have one of their own, by index; these parts are shared.
    pub(crate) own: BTreeMap<usize, ScopeKeys>,
}

/// Parts with sensitive values taken out, or met before.
pub(crate) struct Masked<F> {
    fields: F,
    parts: Vec<Item>,
    runs: BTreeMap<usize, Option<Print>>,
    skeleton: Option<Item>,
    counts: Counts,
    oddities: Vec<Oddity>,
}

/// Parts sealed, and how the envelope names them.
pub(crate) struct SealedSide<F> {
    pub(crate) fields: F,
    /// The parts in order; vaults stand behind them.
    pub(crate) refs: Vec<PartRef>,
    /// Digests of the parts' raw contents, as they came; neighbouring texts of one speaker count as
    /// one text, whose digest the first of them has.
    pub(crate) prints: Vec<Option<Print>>,
    pub(crate) skeleton: Option<PartRef>,
    pub(crate) parts: Vec<Arc<SealedPart>>,
    /// Those of them whose names tier is still to come.
    pub(crate) held: HeldParts,
    pub(crate) counts: Counts,
    pub(crate) oddities: Vec<Oddity>,
    /// Whether a part was sealed under the shared key.
    pub(crate) uses_shared: bool,
}

/// The keys of a call: the subject's scope, the shared one, and that of parts which wait.
pub(crate) struct Scopes {
    pub(crate) subject: ScopeKeys,
    pub(crate) shared: ScopeKeys,
    /// `None` when there is no names tier, or when it is run at once.
    pub(crate) held: Option<ScopeKeys>,
}

/// When the names tier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// After the gates, on another thread.
    Later,
    /// At once: nobody's answer waits for it.
    Now,
}

impl Scopes {
    fn of(&self, scope: Scope) -> &ScopeKeys {
        if scope == Scope::Shared { &self.shared } else { &self.subject }
    }
}

struct Item {
    role: Role,
    kind: PartKind,
    scope: Scope,
    own: Option<ScopeKeys>,
    print: Option<Print>,
    state: ItemState,
}

enum ItemState {
    Met(MetPart),
    Fresh { key: Option<MetKey>, content: Vec<u8>, taken: Taken, trouble: Option<Trouble> },
    Held(Arc<Held>, Vec<u8>),
}

/// What masking a part needs to know.
struct Masking<'a> {
    shared: &'a Shared,
    scopes: &'a Scopes,
    place: &'a Arc<Whereabouts>,
    names: Names,
}

impl<F> Parsed<F> {
    /// Takes sensitive values out of every part and of the skeleton.
    pub(crate) fn mask(
        self,
        shared: &Shared,
        scopes: &Scopes,
        place: &Arc<Whereabouts>,
        names: Names,
    ) -> Masked<F> {
        let masking = Masking { shared, scopes, place, names };
        let mut counts = Counts::default();
        let mut oddities = Vec::new();
        let runs = runs(shared, &self.parts);
        let mut own = self.own;
        let mut take = |part: Part, own: Option<ScopeKeys>, at: &dyn Fn() -> String| {
            let item = masking.part(part, own);
            let trouble = match &item.state {
                ItemState::Met(met) => {
                    if let Some(found) = &met.counts {
                        counts.merge(found);
                    }
                    met.trouble
                }
                ItemState::Fresh { taken, trouble, .. } => {
                    counts.merge(&taken.counts);
                    *trouble
                }
                ItemState::Held(held, _) => {
                    held.counted(&mut counts);
                    None
                }
            };
            oddities.extend(trouble.map(|trouble| Oddity::at(trouble.code(), at())));
            item
        };
        let parts = self
            .parts
            .into_iter()
            .enumerate()
            .map(|(i, part)| take(part, own.remove(&i), &|| format!("part {i}")))
            .collect();
        let skeleton = self.skeleton.map(|value| {
            let (role, kind) = (Role::User, PartKind::Skeleton);
            let part = Part { role, kind, content: Content::Json(value) };
            take(part, None, &|| "skeleton".to_owned())
        });
        Masked { fields: self.fields, parts, runs, skeleton, counts, oddities }
    }
}

/// System prompts and tool definitions are the installation's; everything else is the subject's.
fn scope_of(part: &Part) -> Scope {
    match (part.kind, part.role) {
        (PartKind::ToolDefinition, _) | (PartKind::Text, Role::System | Role::Developer) => {
            Scope::Shared
        }
        _ => Scope::Subject,
    }
}

/// The digests of texts that stand beside others of the same speaker: one for the whole run, at its
/// first part. Some clients send an answer back as the pieces in which it was streamed.
fn runs(shared: &Shared, parts: &[Part]) -> BTreeMap<usize, Option<Print>> {
    let text = |part: &Part| match (&part.content, part.kind) {
        (Content::Text(_), PartKind::Text) => Some(part.role),
        _ => None,
    };
    let mut prints = BTreeMap::new();
    let mut start = 0;
    for run in parts.chunk_by(|a, b| text(a).zip(text(b)).is_some_and(|(a, b)| a == b)) {
        if run.len() > 1 {
            let whole: String = run.iter().filter_map(|part| part.content.as_text()).collect();
            let print = shared.met.print(PartKind::Text, &Content::Text(whole).encode());
            prints.insert(start, print);
            prints.extend((start + 1..start + run.len()).map(|index| (index, None)));
        }
        start += run.len();
    }
    prints
}

impl Masking<'_> {
    fn part(&self, part: Part, own: Option<ScopeKeys>) -> Item {
        let Self { shared, scopes, place, names } = *self;
        let scope = if own.is_some() { Scope::Shared } else { scope_of(&part) };
        let keys = own.as_ref().unwrap_or_else(|| scopes.of(scope));
        let (role, kind) = (part.role, part.kind);
        let raw = part.content.encode();
        let at = place.place(role, kind);
        // Skeletons differ in every call; looking them up would only push parts out.
        let print = (kind != PartKind::Skeleton).then(|| shared.met.print(kind, &raw)).flatten();
        let variant = shared.masker.at(&at).variant();
        let key = print.map(|print| (print, keys.subject, keys.period, variant));
        if let Some(met) = key.as_ref().and_then(|key| shared.met.get(key)) {
            count(&shared.counters.parts_met, 1);
            return Item { role, kind, scope, own, print, state: ItemState::Met(met) };
        }
        count(&shared.counters.parts_new, 1);
        let length = raw.len();
        let fresh = |content, taken, trouble| ItemState::Fresh { key, content, taken, trouble };
        // A detector that fails must not cost the record: the part is sealed as it is and never
        // opened. A half-masked content is neither.
        let masked = mask(&shared.masker, &at, Tier::Values, part.content, length);
        let state = match masked {
            Err(trouble) => fresh(raw, Taken::default(), Some(trouble)),
            Ok((content, taken)) => {
                let bytes = if taken.is_empty() { raw } else { content.encode() };
                let wanted = shared.masker.names().is_some() && has_prose(kind, &content);
                match (wanted, names, &scopes.held) {
                    (false, _, _) => fresh(bytes, taken, None),
                    (true, Names::Later, Some(held)) => {
                        let now = shared.clock.now();
                        match shared.backlog.enter(length, held.subject, now) {
                            None => fresh(bytes, taken, Some(Trouble::Overload)),
                            Some(waiting) => {
                                let held = Held {
                                    role,
                                    kind,
                                    scope,
                                    keys: keys.clone(),
                                    place: Arc::clone(place),
                                    met: key,
                                    content: Mutex::new(Some((content, taken))),
                                    vault: OnceLock::new(),
                                    length,
                                    named: OnceLock::new(),
                                    waiting,
                                };
                                ItemState::Held(Arc::new(held), bytes)
                            }
                        }
                    }
                    (true, _, _) => match mask(&shared.masker, &at, Tier::Names, content, length) {
                        Err(trouble) => fresh(bytes, taken, Some(trouble)),
                        Ok((_, more)) if more.is_empty() => fresh(bytes, taken, None),
                        Ok((content, more)) => {
                            let mut taken = taken;
                            taken.counts.merge(&more.counts);
                            taken.vaulted.extend(more.vaulted);
                            fresh(content.encode(), taken, None)
                        }
                    },
                }
            }
        };
        if let ItemState::Fresh { trouble: Some(_), .. } = &state {
            count(&shared.counters.mask_failures, 1);
        }
        Item { role, kind, scope, own, print, state }
    }
}

impl<F> Masked<F> {
    /// Commits to and seals every part that was not met before.
    pub(crate) fn seal(self, shared: &Shared, scopes: &Scopes) -> SealedSide<F> {
        let mut sealing = Sealing::new(shared, scopes);
        let mut refs: Vec<PartRef> = Vec::with_capacity(self.parts.len());
        for (index, item) in self.parts.into_iter().enumerate() {
            refs.push(sealing.seal(item, Slot::Part(index)));
        }
        let skeleton = self.skeleton.map(|item| sealing.seal(item, Slot::Skeleton));
        let Sealing { mut prints, parts, held, vaults, uses_shared, .. } = sealing;
        for (index, print) in self.runs {
            if let Some(slot) = prints.get_mut(index) {
                *slot = print;
            }
        }
        refs.extend(vaults);
        SealedSide {
            fields: self.fields,
            refs,
            prints,
            skeleton,
            parts,
            held,
            counts: self.counts,
            oddities: self.oddities,
            uses_shared,
        }
    }
}

/// What comes of sealing one side.
struct Sealing<'a> {
    shared: &'a Shared,
    scopes: &'a Scopes,
    prints: Vec<Option<Print>>,
    parts: Vec<Arc<SealedPart>>,
    held: HeldParts,
    vaults: Vec<PartRef>,
    uses_shared: bool,
}

impl<'a> Sealing<'a> {
    fn new(shared: &'a Shared, scopes: &'a Scopes) -> Self {
        Self {
            shared,
            scopes,
            prints: Vec::new(),
            parts: Vec::new(),
            held: Vec::new(),
            vaults: Vec::new(),
            uses_shared: false,
        }
    }

    fn seal(&mut self, item: Item, slot: Slot) -> PartRef {
        let (shared, scopes) = (self.shared, self.scopes);
        let Item { role, kind, scope, own, print, state } = item;
        self.uses_shared |= scope == Scope::Shared && own.is_none();
        self.prints.push(print);
        let own_key = own.as_ref().map(|own| own.subject);
        let (part, vaults, trouble) = match state {
            ItemState::Met(met) => (met.part, met.vaults, met.trouble),
            ItemState::Held(held, content) => {
                // Closed, and under the hour's key: it stands in the journal alone.
                let keys = scopes.held.as_ref().unwrap_or_else(|| scopes.of(scope));
                let part = Arc::new(SealedPart::seal(keys, kind, &content));
                let mut reference = part.reference(role, kind, scope);
                reference.withheld = true;
                reference.key = Some(keys.subject);
                self.parts.push(part);
                if let Some(vault) = held.seal_vault() {
                    self.keep(&vault, role, scope, None);
                }
                self.held.push((slot, held));
                return reference;
            }
            ItemState::Fresh { key, content, taken, trouble } => {
                let Taken { counts, vaulted } = taken;
                count(&shared.counters.masked_values, counts.iter().map(|(_, n)| n).sum());
                let keys = own.as_ref().unwrap_or_else(|| scopes.of(scope));
                let part = Arc::new(SealedPart::seal(keys, kind, &content));
                let vaults: Vec<_> = seal_vault(keys, &vaulted).into_iter().collect();
                if let Some(key) = key
                    && trouble.is_none_or(Trouble::stays)
                {
                    let counts = (!counts.is_empty()).then(|| Arc::new(counts));
                    let (part, vaults) = (Arc::clone(&part), vaults.clone());
                    shared.met.put(key, MetPart { part, vaults, counts, trouble });
                }
                (part, vaults, trouble)
            }
        };
        for vault in &vaults {
            self.keep(vault, role, scope, own_key);
        }
        let mut reference = part.reference(role, kind, scope);
        reference.withheld = trouble.is_some();
        reference.key = own_key;
        self.parts.push(part);
        reference
    }

    fn keep(&mut self, vault: &Arc<SealedPart>, role: Role, scope: Scope, key: Option<Kid>) {
        let mut reference = vault.reference(role, PartKind::Vault, scope);
        reference.key = key;
        self.vaults.push(reference);
        self.parts.push(Arc::clone(vault));
    }
}
