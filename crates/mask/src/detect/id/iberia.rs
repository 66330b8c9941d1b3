//! Spain and Portugal.

use super::check::{digit, is_day, is_uniform, part, weighted};
use super::{Alone, Kind, Label, Lone, Word};
use crate::bytes::{at, slice};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::EsNif,
        forms: &[(Alone, "99999999A 99999999~A 99~999~999~A"), (Lone, "9999999A")],
        check: nif,
        words: "nif, dni, identidad, documento nacional",
    },
    Kind {
        entity: Entity::EsNie,
        forms: &[(Alone, "A9999999A A9999999~A A~9999999~A")],
        check: nie,
        words: "nie, extranjero, identidad",
    },
    Kind {
        entity: Entity::EsNif,
        forms: &[(Word, "A99999999 A9999999A A~99999999")],
        check: cif,
        words: "cif, nif",
    },
    Kind {
        entity: Entity::EsPassport,
        forms: &[(Label, "AAA999999")],
        check: |_| true,
        words: "pasaporte, passport, spanish passport",
    },
    Kind {
        entity: Entity::PtNif,
        forms: &[(Word, "999999999 999~999~999")],
        check: portuguese,
        words: "nif, contribuinte, nipc, identificacao fiscal",
    },
];

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn letter(number: u64) -> u8 {
    at(LETTERS, usize::try_from(number % 23).unwrap_or_default())
}

/// A letter by the remainder of 23. A date with `Z` behind it is a time.
fn nif(value: &[u8]) -> bool {
    let digits = value.len() - 1;
    let time = at(value, digits) == b'Z'
        && digits == 8
        && matches!(part(value, 0, 4), 1900..=2100)
        && is_day(part(value, 6, 8), part(value, 4, 6));
    letter(part(value, 0, digits)) == at(value, digits) && !time && part(value, 0, digits) > 0
}

/// X, Y and Z count as 0, 1 and 2.
fn nie(value: &[u8]) -> bool {
    let head = match at(value, 0) {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    letter(head * 10_000_000 + part(value, 1, 8)) == at(value, 8)
}

/// Firms: a letter for the kind, seven digits, a digit or letter that completes Luhn's sum.
fn cif(value: &[u8]) -> bool {
    let sum: u32 = (1..8)
        .map(|i| (i, digit(value, i)))
        .map(|(i, d)| if i % 2 == 1 { d * 2 % 10 + d / 5 } else { d })
        .sum();
    let check = (10 - sum % 10) % 10;
    let last = at(value, 8);
    let letters = b"JABCDEFGHI";
    b"ABCDEFGHJKLMNPQRSUVW".contains(&at(value, 0))
        && (digit(value, 8) == check
            || at(letters, usize::try_from(check).unwrap_or_default()) == last)
}

/// Weights 9 to 2, modulo 11; the first digit says who it is.
fn portuguese(value: &[u8]) -> bool {
    let rest = weighted(value, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    b"1235689".contains(&at(value, 0))
        && check == digit(value, 8)
        && !is_uniform(slice(value, 0, 9))
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::EsNif, "soy Ana, 12345678Z, de", "12345678Z");
        yes(Entity::EsNif, "DNI 12.345.678-Z", "12.345.678-Z");
        yes(Entity::EsNie, "Mi NIE es X9613851N", "X9613851N");
        yes(Entity::EsNif, "CIF: A58818501", "A58818501");
        yes(Entity::EsPassport, "Mi pasaporte es AAA123456", "AAA123456");
        yes(Entity::EsPassport, "AaA123456 es mi número de pasaporte", "AaA123456");
        yes(Entity::PtNif, "NIF 123456789", "123456789");
    }

    #[test]
    fn others_are_none() {
        no(Entity::EsNif, "12345678A 20240109Z 0x12345678Z");
        no(Entity::EsNie, "Y8063915Q W8063915Q");
        no(Entity::EsPassport, "model AAA123456");
        no(Entity::PtNif, "id 123456789");
    }
}
