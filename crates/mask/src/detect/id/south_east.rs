//! Romania, Bulgaria, Greece and Turkey.

use super::check::{digit, is_day, is_dmy, is_uniform, luhn, part, weighted};
use super::{Kind, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::RoCnp,
        forms: &[(Word, "9999999999999")],
        check: romanian,
        words: "cnp, numeric personal, cod numeric",
    },
    Kind {
        entity: Entity::BgEgn,
        forms: &[(Word, "9999999999")],
        check: bulgarian,
        words: "egn, егн, edinen grazhdanski",
    },
    Kind {
        entity: Entity::GrAmka,
        forms: &[(Word, "99999999999")],
        check: |value| is_dmy(value) && luhn(value),
        words: "amka, αμκα",
    },
    Kind {
        entity: Entity::GrAfm,
        forms: &[(Word, "999999999")],
        check: greek,
        words: "afm, αφμ, vat, tax id",
    },
    Kind {
        entity: Entity::TrNationalId,
        forms: &[(Lone, "99999999999")],
        check: turkish,
        words: "tckn, kimlik, tc, tc kimlik, kisi, vatandaslik, turkish id, kimlik numarasi",
    },
];

/// Sex and century, birthday, county, number, weights 279146358279.
fn romanian(value: &[u8]) -> bool {
    let rest = weighted(value, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    at(value, 0) != b'0'
        && is_day(part(value, 5, 7), part(value, 3, 5))
        && matches!(part(value, 7, 9), 1..=52 | 70 | 80..=83)
        && (if rest == 10 { 1 } else { rest }) == digit(value, 12)
}

/// Birthday, with 20 or 40 added to the month, weights 2 to 6 in powers of two.
fn bulgarian(value: &[u8]) -> bool {
    let rest = weighted(value, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11;
    is_day(part(value, 4, 6), part(value, 2, 4) % 20) && rest % 10 == digit(value, 9)
}

/// Powers of two from 256 down.
fn greek(value: &[u8]) -> bool {
    let sum = weighted(value, &[256, 128, 64, 32, 16, 8, 4, 2]);
    sum % 11 % 10 == digit(value, 8) && !is_uniform(value)
}

/// Two check digits: of the odd and even places, and of the whole sum.
fn turkish(value: &[u8]) -> bool {
    let odd: u32 = (0..9).step_by(2).map(|i| digit(value, i)).sum();
    let even: u32 = (1..9).step_by(2).map(|i| digit(value, i)).sum();
    let tenth = (odd * 7 + 90 - even) % 10;
    at(value, 0) != b'0'
        && tenth == digit(value, 9)
        && (odd + even + tenth) % 10 == digit(value, 10)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::RoCnp, "CNP: 1630615123457", "1630615123457");
        yes(Entity::BgEgn, "ЕГН 7523169263", "7523169263");
        yes(Entity::GrAmka, "ΑΜΚΑ 01013099997", "01013099997");
        yes(Entity::GrAfm, "ΑΦΜ: 094259216", "094259216");
        yes(Entity::TrNationalId, "Türk kimlik numarası 36493665440", "36493665440");
        yes(Entity::TrNationalId, "TCKN numarası 10000000146 olarak", "10000000146");
    }

    #[test]
    fn others_are_none() {
        no(Entity::RoCnp, "at 1630615123457 or CNP 1630615123458");
        no(Entity::BgEgn, "at 7523169263");
        no(Entity::GrAfm, "row 094259216");
        no(Entity::TrNationalId, "id 36493665440, TCKN 10000000145");
    }
}
