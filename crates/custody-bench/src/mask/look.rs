//! The masker as `custody mask` has it, and what it finds, in code points.

use std::sync::Arc;

use mask::{Action, Entity, FindNames, Group, Masker, Pass, Policy, Span, Tier};
use names::{NameKind, Tagger};
use serde::Deserialize;

/// Something that was found in a text. Offsets are code points.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Found {
    /// Its first code point.
    pub(crate) start: usize,
    /// The first code point after it.
    pub(crate) end: usize,
    /// What it is taken for.
    pub(crate) label: String,
}

/// The tagger that is built in, as the recorder brings it along.
struct BuiltIn;

impl FindNames for BuiltIn {
    fn find(&self, text: &str) -> Vec<Span> {
        let names = Tagger::shared().find(text);
        let spans = names.into_iter().map(|name| {
            let (entity, detector) = match name.kind {
                NameKind::Location => (Entity::Location, "place"),
                NameKind::Address => (Entity::Address, "address"),
                NameKind::Organisation => (Entity::Organisation, "organisation"),
                _ => (Entity::Person, "person"),
            };
            Span { start: name.start, end: name.end, entity, score: name.score, detector }
        });
        spans.collect()
    }

    fn version(&self) -> &str {
        names::MODEL
    }
}

/// The names tier.
pub(crate) fn names() -> Arc<dyn FindNames> {
    Arc::new(BuiltIn)
}

/// A masker of the default policy with both tiers.
pub(crate) fn masker() -> Masker {
    Masker::with_names(Policy::default(), [0; 32], Some(names()))
}

/// What both tiers take out of a text; what the policy keeps is left out.
pub(crate) fn find(masker: &Masker, text: &str) -> Vec<Found> {
    taken_out(&masker.anywhere().tier(Tier::All), text)
}

/// What these detectors take out of a text.
pub(crate) fn taken_out(pass: &Pass<'_>, text: &str) -> Vec<Found> {
    let mut points = CodePoints { text, bytes: 0, points: 0 };
    let spans = pass.find(text).into_iter().filter(|span| pass.action(span.entity) != Action::Keep);
    let found = spans.map(|span| {
        let (start, end) = (points.of(span.start), points.of(span.end));
        // Annotated texts call every credential so.
        let label = if span.entity.is_credential() { "SECRET" } else { span.entity.as_str() };
        Found { start, end, label: label.to_owned() }
    });
    found.collect()
}

/// Whether only the names tier finds such a thing.
pub(super) fn is_name(label: &str) -> bool {
    label.parse::<Entity>().is_ok_and(|entity| entity.group() == Group::Name)
}

/// Byte offsets, asked for in ascending order, as code points.
struct CodePoints<'a> {
    text: &'a str,
    bytes: usize,
    points: usize,
}

impl CodePoints<'_> {
    fn of(&mut self, byte: usize) -> usize {
        let between = self.text.get(self.bytes..byte).unwrap_or_default();
        self.points += between.chars().count();
        self.bytes = byte;
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, find, masker};

    #[test]
    fn offsets_are_code_points_and_credentials_have_one_label() {
        let found = find(&masker(), "né: ada@example.com, password=Tr0ub4dor&3xyz");
        let labels: Vec<_> = found.iter().map(|f| (f.start, f.label.as_str())).collect();
        assert_eq!(labels, [(4, "EMAIL"), (30, "SECRET")]);
        let kept = find(&masker(), "She works for Siemens Energy.");
        assert!(!kept.iter().any(|Found { label, .. }| label == "ORG"), "{kept:?}");
    }
}
