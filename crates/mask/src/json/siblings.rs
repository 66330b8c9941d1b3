//! Values that are split over the members of one array or object: the four groups of a card.

use serde_json::Value;

use crate::entity::Entity;
use crate::pass::Pass;
use crate::taken::Taken;

/// No value has more pieces.
const MOST: usize = 8;
/// No piece is longer, in bytes.
const LONGEST: usize = 12;

/// Whether a text may be a piece of a number.
pub(super) fn is_piece(text: &str) -> bool {
    (2..=LONGEST).contains(&text.len())
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b' ')
}

/// The value that these pieces make together: only one whose check digits hold.
pub(super) fn value(pass: &Pass<'_>, pieces: &[&str]) -> Option<Entity> {
    if !(2..=MOST).contains(&pieces.len()) {
        return None;
    }
    let joined = pieces.join(" ");
    let whole = |entity| {
        let spans = pass.find(&joined);
        let span = spans.into_iter().find(|span| span.entity == entity)?;
        ((span.start, span.end) == (0, joined.len())).then_some(entity)
    };
    whole(Entity::CreditCard).or_else(|| whole(Entity::Iban))
}

impl Pass<'_> {
    /// Takes out what the pieces among these values make together.
    pub(super) fn siblings<'v>(
        &self,
        values: impl ExactSizeIterator<Item = &'v mut Value>,
        taken: &mut Taken,
    ) {
        if !(2..=MOST * 2).contains(&values.len()) {
            return;
        }
        let text = |value: &Value| match value {
            Value::String(text) if is_piece(text) => Some(text.clone()),
            Value::Number(n) => Some(n.to_string()).filter(|text| is_piece(text)),
            _ => None,
        };
        let (mut slots, mut pieces) = (Vec::new(), Vec::new());
        for value in values {
            if let Some(piece) = text(value) {
                slots.push(value);
                pieces.push(piece);
            }
        }
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let Some(entity) = value(self, &pieces) else { return };
        let Some(stand_in) = self.take(entity, &pieces.concat(), taken) else { return };
        if self.is_dry() {
            return;
        }
        for slot in slots {
            *slot = Value::String(stand_in.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Masker, Policy};

    fn masked(mut value: Value) -> Value {
        let masker = Masker::new(Policy::default(), [0; 32]);
        masker.mask_json(&mut value, &mut Taken::default());
        value
    }

    #[test]
    fn pieces_of_one_number() {
        assert_eq!(masked(json!(["4111", "1111", "1111", "1111"]))[3], "[CREDIT_CARD]");
        assert_eq!(masked(json!([4111, 1111, 1111, 1111]))[0], "[CREDIT_CARD]");
        let out = masked(json!({"a": "41111111", "who": "x", "b": "11111111"}));
        assert_eq!(out, json!({"a": "[CREDIT_CARD]", "who": "x", "b": "[CREDIT_CARD]"}));
    }

    #[test]
    fn other_pieces_stay() {
        for value in [
            json!(["4111", "1111", "1111", "1112"]),
            json!([1, 2, 3, 4]),
            json!({"year": "2026", "month": "11"}),
            json!([4111, 1111, 1111, 1111, 7, 4111, 22, 31, 44, 5, 9, 10, 11, 12, 13, 14, 15]),
        ] {
            assert_eq!(masked(value.clone()), value);
        }
    }
}
