//! Singapore, Thailand and Japan.

use super::check::{digit, is_uniform, part, weighted};
use super::{Alone, Kind, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 4] = [
    Kind {
        entity: Entity::SgNricFin,
        forms: &[(Alone, "A9999999A")],
        check: singaporean,
        words: "nric, fin, singapore id",
    },
    Kind {
        entity: Entity::SgUen,
        forms: &[(Lone, "99999999A 999999999A"), (Alone, "A99AA9999A")],
        check: entity_number,
        words: "uen, unique entity, acra",
    },
    Kind {
        entity: Entity::ThTnin,
        forms: &[(Alone, "9~9999~99999~99~9"), (Word, "9999999999999")],
        check: thai,
        words: "tnin, thai national, thai id, national id, บัตรประชาชน",
    },
    Kind {
        entity: Entity::JpMyNumber,
        forms: &[(Word, "999999999999 9999~9999~9999")],
        check: japanese,
        words: "my number, mynumber, kojin bango, individual number",
    },
];

/// Weights 2, 7, 6, 5, 4, 3, 2, an offset by the first letter, a letter by the remainder of 11.
fn singaporean(value: &[u8]) -> bool {
    let (offset, letters): (u32, &[u8; 11]) = match at(value, 0) {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"KLJNPQRTUWX"),
        _ => return false,
    };
    let sum: u32 =
        [2, 7, 6, 5, 4, 3, 2].iter().enumerate().map(|(i, w)| digit(value, i + 1) * w).sum();
    let rest = (sum + offset) % 11;
    let rest = if at(value, 0) == b'M' { 10 - rest } else { rest };
    at(letters, usize::try_from(rest).unwrap_or_default()) == at(value, 8)
}

/// ACRA's three forms: businesses, local companies, all others.
fn entity_number(value: &[u8]) -> bool {
    const OTHERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";
    match (value.len(), at(value, 0).is_ascii_digit()) {
        (9, true) => {
            let rest = weighted(value, &[10, 4, 9, 3, 8, 2, 7, 1]) % 11;
            at(b"XMKECAWLJDB", usize::try_from(rest).unwrap_or_default()) == at(value, 8)
        }
        (10, true) => {
            let rest = weighted(value, &[10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11;
            (1960..=2099).contains(&part(value, 0, 4))
                && at(b"ZKCMDNERGWH", usize::try_from(rest).unwrap_or_default()) == at(value, 9)
        }
        (10, false) => {
            let place = |i: usize| OTHERS.iter().position(|b| *b == at(value, i)).unwrap_or(0);
            let sum: usize =
                [4, 3, 5, 3, 10, 2, 2, 5, 7].iter().enumerate().map(|(i, w)| place(i) * w).sum();
            b"RST".contains(&at(value, 0))
                && OTHERS.get((sum + 11 * 11 - 5) % 11) == Some(&at(value, 9))
        }
        _ => false,
    }
}

/// Kind of person, province, weights 13 to 2.
fn thai(value: &[u8]) -> bool {
    let sum = weighted(value, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let province = matches!(part(value, 1, 3), 10..=27 | 30..=49 | 50..=58 | 60..=67 | 70..=77 | 80..=86 | 90..=96);
    matches!(at(value, 0), b'1'..=b'8')
        && province
        && (11 - sum % 11) % 10 == digit(value, 12)
        && !is_uniform(value)
}

/// Weights 6 to 2 and 7 to 2, modulo 11.
fn japanese(value: &[u8]) -> bool {
    let rest = weighted(value, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == digit(value, 11) && !is_uniform(value)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::SgNricFin, "NRIC S2740116C was processed", "S2740116C");
        yes(Entity::SgUen, "UEN 53125226D was", "53125226D");
        yes(Entity::SgUen, "of T16RF0037C.", "T16RF0037C");
        yes(Entity::ThTnin, "TNIN: 2345678901234", "2345678901234");
        yes(Entity::ThTnin, "at 1-2345-67890-12-1", "1-2345-67890-12-1");
        yes(Entity::JpMyNumber, "My Number 1234 5678 9018", "1234 5678 9018");
    }

    #[test]
    fn others_are_none() {
        no(Entity::SgNricFin, "S2740116D PA12348L");
        no(Entity::SgUen, "code 53125226D");
        no(Entity::ThTnin, "ean 2345678901234, TNIN 2345678901235");
        no(Entity::JpMyNumber, "row 123456789018");
    }
}
