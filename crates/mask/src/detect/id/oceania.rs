//! Australia.

use super::check::{digit, is_uniform, weighted};
use super::{Alone, Kind, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 4] = [
    Kind {
        entity: Entity::AuTfn,
        forms: &[(Lone, "999~999~999"), (Word, "999999999 99999999")],
        check: tax_file,
        words: "tfn, tax file",
    },
    Kind {
        entity: Entity::AuMedicare,
        forms: &[(Lone, "9999~99999~9 9999~99999~9~9"), (Word, "9999999999 99999999999")],
        check: medicare,
        words: "medicare, medicare number",
    },
    Kind {
        entity: Entity::AuAbn,
        forms: &[(Alone, "99~999~999~999"), (Lone, "99999999999")],
        check: business,
        words: "abn, business number",
    },
    Kind {
        entity: Entity::AuAcn,
        forms: &[(Lone, "999~999~999"), (Word, "999999999")],
        check: company,
        words: "acn, company number",
    },
];

fn tax_file(value: &[u8]) -> bool {
    let weights: &[u32] =
        if value.len() == 9 { &[1, 4, 3, 7, 5, 8, 6, 9, 10] } else { &[10, 7, 8, 4, 6, 3, 5, 1] };
    weighted(value, weights).is_multiple_of(11) && !is_uniform(value)
}

/// Weights 1, 3, 7, 9; the ninth digit is the check digit, the tenth counts the cards.
fn medicare(value: &[u8]) -> bool {
    (b'2'..=b'6').contains(&at(value, 0))
        && weighted(value, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(value, 8)
}

/// The first digit less one, odd weights, and a sum that 89 divides.
fn business(value: &[u8]) -> bool {
    at(value, 0) != b'0'
        && (weighted(value, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10).is_multiple_of(89)
}

fn company(value: &[u8]) -> bool {
    let sum = weighted(value, &[8, 7, 6, 5, 4, 3, 2, 1]);
    (10 - sum % 10) % 10 == digit(value, 8) && !is_uniform(value)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::AuTfn, "TFN 876 543 210", "876 543 210");
        yes(Entity::AuMedicare, "Medicare 2123 45670 1", "2123 45670 1");
        yes(Entity::AuAbn, "of 51 824 753 556.", "51 824 753 556");
        yes(Entity::AuAcn, "ACN 005 499 981", "005 499 981");
    }

    #[test]
    fn others_are_none() {
        no(Entity::AuTfn, "876 543 210 rows, TFN 876 543 211");
        no(Entity::AuMedicare, "2123 25870 1 and Medicare 2123258701");
        no(Entity::AuAbn, "51 824 753 557");
        no(Entity::AuAcn, "row 005499981");
    }
}
