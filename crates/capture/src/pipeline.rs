//! The four states: tapped, parsed, masked, sealed. Each is consumed by the next, so the compiler
//! holds that nothing is sealed that was not masked, and the ledger takes nothing that is not
//! sealed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use keys::ScopeKeys;
use ledger::SealedPart;
use mask::Counts;
use record::envelope::PartRef;
use record::{Content, Oddity, Part, PartKind, Role, Scope};
use serde_json::Value;

use crate::engine::Shared;
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
    pub(crate) refs: Vec<PartRef>,
    /// Digests of the parts' raw contents, as they came; neighbouring texts of one speaker count as
    /// one text, whose digest the first of them has.
    pub(crate) prints: Vec<Option<Print>>,
    pub(crate) skeleton: Option<PartRef>,
    pub(crate) parts: Vec<Arc<SealedPart>>,
    pub(crate) counts: Counts,
    pub(crate) oddities: Vec<Oddity>,
    /// Whether a part was sealed under the shared key.
    pub(crate) uses_shared: bool,
}

/// The keys of a call: the subject's scope, and the shared one.
pub(crate) struct Scopes {
    pub(crate) subject: ScopeKeys,
    pub(crate) shared: ScopeKeys,
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
    Fresh { key: Option<MetKey>, content: Vec<u8>, counts: Counts, withheld: bool },
}

impl<F> Parsed<F> {
    /// Takes sensitive values out of every part and of the skeleton.
    pub(crate) fn mask(self, shared: &Shared, scopes: &Scopes) -> Masked<F> {
        let mut counts = Counts::default();
        let mut oddities = Vec::new();
        let runs = runs(shared, &self.parts);
        let mut own = self.own;
        let mut take = |part: Part, own: Option<ScopeKeys>, place: &dyn Fn() -> String| {
            let item = mask_part(shared, scopes, part, own);
            match &item.state {
                ItemState::Met(met) => {
                    if let Some(found) = &met.counts {
                        counts.merge(found);
                    }
                    if met.withheld {
                        oddities.push(Oddity::at("mask_failed", place()));
                    }
                }
                ItemState::Fresh { counts: found, withheld, .. } => {
                    counts.merge(found);
                    if *withheld {
                        oddities.push(Oddity::at("mask_failed", place()));
                    }
                }
            }
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

fn mask_part(shared: &Shared, scopes: &Scopes, part: Part, own: Option<ScopeKeys>) -> Item {
    let scope = if own.is_some() { Scope::Shared } else { scope_of(&part) };
    let keys = own.as_ref().unwrap_or_else(|| scopes.of(scope));
    let (role, kind) = (part.role, part.kind);
    let raw = part.content.encode();
    // Skeletons differ in every call; looking them up would only push parts out.
    let print = (kind != PartKind::Skeleton).then(|| shared.met.print(kind, &raw)).flatten();
    let key = print.map(|print| (print, keys.subject, keys.period));
    if let Some(met) = key.as_ref().and_then(|key| shared.met.get(key)) {
        count(&shared.counters.parts_met, 1);
        return Item { role, kind, scope, own, print, state: ItemState::Met(met) };
    }
    count(&shared.counters.parts_new, 1);
    let mut counts = Counts::default();
    // A detector that fails must not cost the record: the part is sealed as it is and never
    // opened. A half-masked content is neither.
    let masked = catch_unwind(AssertUnwindSafe(|| mask_content(shared, part.content, &mut counts)));
    let (content, withheld) = match masked {
        Ok(masked) if counts.is_empty() => {
            debug_assert!(masked.encode() == raw, "what changed is counted");
            (raw, false)
        }
        Ok(masked) => (masked.encode(), false),
        Err(_) => {
            count(&shared.counters.mask_failures, 1);
            counts = Counts::default();
            (raw, true)
        }
    };
    let state = ItemState::Fresh { key, content, counts, withheld };
    Item { role, kind, scope, own, print, state }
}

fn mask_content(shared: &Shared, content: Content, counts: &mut Counts) -> Content {
    let masker = &shared.masker;
    match content {
        Content::Text(text) => match masker.mask_text(&text, counts) {
            std::borrow::Cow::Borrowed(_) => Content::Text(text),
            std::borrow::Cow::Owned(masked) => Content::Text(masked),
        },
        Content::Fields(fields) => {
            let mut value = Value::Object(fields);
            masker.mask_json(&mut value, counts);
            match value {
                Value::Object(fields) => Content::Fields(fields),
                other => Content::Json(other),
            }
        }
        Content::Json(mut value) => {
            masker.mask_json(&mut value, counts);
            Content::Json(value)
        }
        // Bytes that are no text hold no text that a detector could find.
        Content::Bytes(bytes) => Content::Bytes(bytes),
    }
}

impl<F> Masked<F> {
    /// Commits to and seals every part that was not met before.
    pub(crate) fn seal(self, shared: &Shared, scopes: &Scopes) -> SealedSide<F> {
        let mut parts = Vec::with_capacity(self.parts.len() + 1);
        let mut prints = Vec::with_capacity(self.parts.len());
        let mut uses_shared = false;
        let mut seal = |item: Item| {
            uses_shared |= item.scope == Scope::Shared && item.own.is_none();
            prints.push(item.print);
            let (part, withheld) = match item.state {
                ItemState::Met(met) => (met.part, met.withheld),
                ItemState::Fresh { key, content, counts, withheld } => {
                    count(&shared.counters.masked_values, counts.iter().map(|(_, n)| n).sum());
                    let scope = item.own.as_ref().unwrap_or_else(|| scopes.of(item.scope));
                    let part = Arc::new(SealedPart::seal(scope, item.kind, &content));
                    if let Some(key) = key {
                        let counts = (!counts.is_empty()).then(|| Arc::new(counts));
                        shared.met.put(key, MetPart { part: Arc::clone(&part), counts, withheld });
                    }
                    (part, withheld)
                }
            };
            let mut reference = part.reference(item.role, item.kind, item.scope);
            reference.withheld = withheld;
            reference.key = item.own.map(|own| own.subject);
            parts.push(part);
            reference
        };
        let refs = self.parts.into_iter().map(&mut seal).collect();
        let skeleton = self.skeleton.map(&mut seal);
        for (index, print) in self.runs {
            if let Some(slot) = prints.get_mut(index) {
                *slot = print;
            }
        }
        SealedSide {
            fields: self.fields,
            refs,
            prints,
            skeleton,
            parts,
            counts: self.counts,
            oddities: self.oddities,
            uses_shared,
        }
    }
}
