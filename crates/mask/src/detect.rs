//! The detectors, one kind of value each.

pub(crate) mod assign;
pub(crate) mod auth;
pub(crate) mod birth;
pub(crate) mod card;
pub(crate) mod crypto;
pub(crate) mod discord;
pub(crate) mod email;
pub(crate) mod geo;
pub(crate) mod iban;
pub(crate) mod id;
pub(crate) mod ip;
pub(crate) mod jwt;
pub(crate) mod mac;
pub(crate) mod manifest;
pub(crate) mod number;
pub(crate) mod pattern;
pub(crate) mod pem;
pub(crate) mod phone;
pub(crate) mod secret;
pub(crate) mod service;
pub(crate) mod shape;
pub(crate) mod ssn;
pub(crate) mod swift;
pub(crate) mod value;
pub(crate) mod wording;

use crate::entity::Entity;
use crate::span::Span;

/// Where the detectors put what they find.
pub(crate) type Found = Vec<Span>;

/// A finding in the view.
pub(crate) fn span(
    range: (usize, usize),
    entity: Entity,
    score: f32,
    detector: &'static str,
) -> Span {
    Span { start: range.0, end: range.1, entity, score, detector }
}

#[cfg(test)]
pub(crate) mod testing {
    use crate::{Entity, Masker, Policy};

    /// The values of one kind that the whole crate finds in a text.
    pub(crate) fn values(text: &str, entity: Entity) -> Vec<String> {
        let masker = Masker::new(Policy::default(), [0; 32]);
        let spans = masker.find(text);
        let ours = spans.iter().filter(|s| s.entity == entity);
        ours.map(|s| text[s.start..s.end].to_owned()).collect()
    }

    /// Asserts that a text holds exactly this value of this kind.
    pub(crate) fn yes(entity: Entity, text: &str, value: &str) {
        assert_eq!(values(text, entity), [value], "in {text:?}");
    }

    /// Asserts that a text holds no value of this kind.
    pub(crate) fn no(entity: Entity, text: &str) {
        assert_eq!(values(text, entity), Vec::<String>::new(), "in {text:?}");
    }
}
