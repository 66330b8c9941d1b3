//! A place that some forms fit: what its words say, and which kind it is.

use super::Trust::{Alone, Label, Lone, Word};
use super::table::Form;
use super::{STOP, Trust};
use crate::bytes::slice;
use crate::context::{Relation, Side, Surroundings};
use crate::detect::{Found, span};
use crate::entity::Entity;
use crate::words::Scene;

/// A place that some forms fit, and what is known of it.
pub(super) struct Candidate<'a> {
    scene: &'a Scene<'a>,
    start: usize,
    end: usize,
    best: Option<(Entity, f32, &'static str)>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, start: usize, end: usize) -> Self {
        Self { scene, start, end, best: None }
    }

    /// Takes note of a form whose check has passed.
    pub(super) fn weigh(&mut self, form: &Form, trust: Trust, near: &mut Surroundings) {
        let context = near.of(self.scene, self.start, self.end);
        let relation = context.relation(form.topic, STOP);
        let named = relation.filter(|relation| match trust {
            Alone | Lone | Word => !relation.stopped,
            Label => {
                relation.label
                    || relation.side == Side::After && !relation.stopped && self.has_letters()
            }
        });
        let (score, detector) = match (named, trust) {
            (Some(Relation { distance, .. }), _) => {
                let far = f32::from(u16::try_from(distance).unwrap_or(u16::MAX)) / 1000.0;
                let most = match (trust, form.kind.entity) {
                    // What has an entity of its own goes before what has none.
                    (_, Entity::Passport | Entity::DriverLicense) => 0.87,
                    (Label, _) => 0.90,
                    _ => 0.94,
                };
                (most - far, if trust == Label { "id, label" } else { "id, word" })
            }
            (None, Alone) => (0.85, "id"),
            (None, Lone) if self.is_lone() => (0.65, "id, alone"),
            _ => return,
        };
        if self.best.is_none_or(|(_, best, _)| score > best) {
            self.best = Some((form.kind.entity, score, detector));
        }
    }

    fn has_letters(&self) -> bool {
        slice(self.scene.text, self.start, self.end).iter().any(u8::is_ascii_alphabetic)
    }

    /// Whether the text holds nothing but this value and others like it, as an answer may.
    fn is_lone(&self) -> bool {
        const LONGEST: usize = 96;
        const SHORTEST: usize = 6;
        let text = self.scene.text;
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let mut words = [slice(text, 0, self.start), slice(text, self.end, text.len())]
            .into_iter()
            .flat_map(|rest| rest.split(|byte| !part(byte)));
        self.scene.keys.is_empty()
            && text.len() <= LONGEST
            && words.all(|word| {
                let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
                digits >= SHORTEST - 2 && word.len() >= SHORTEST
                    || matches!(word, b"" | b"." | b"-" | b"and")
            })
    }

    pub(super) fn settle(self, found: &mut Found) {
        if let Some((entity, score, detector)) = self.best {
            found.push(span((self.start, self.end), entity, score, detector));
        }
    }
}
