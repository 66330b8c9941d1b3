//! France, Belgium, the Netherlands and Switzerland.

use super::check::{digit, is_day, is_uniform, modulo, part, weighted};
use super::{Alone, Kind, Lone, Word};
use crate::bytes::{at, slice};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 4] = [
    Kind {
        entity: Entity::FrNir,
        forms: &[(
            Alone,
            "999999999999999 9~99~99~99~999~999~99 999999A99999999 \
                9~99~99~9A~999~999~99 9999999999999~99",
        )],
        check: french,
        words: "nir, insee, securite sociale, secu, carte vitale, numero ss",
    },
    Kind {
        entity: Entity::BeNationalNumber,
        forms: &[(Lone, "99999999999 999999~999~99"), (Alone, "99~99~99~999~99")],
        check: belgian,
        words: "rijksregister, rijksregisternummer, registre national, nationaal nummer, \
            niss, insz, national number",
    },
    Kind {
        entity: Entity::NlBsn,
        forms: &[(Word, "999999999 9999~99~999 999~999~999")],
        check: dutch,
        words: "bsn, burgerservicenummer, sofinummer, sofi, citizen service",
    },
    Kind {
        entity: Entity::ChAhv,
        forms: &[(Alone, "999~9999~9999~99"), (Lone, "9999999999999")],
        check: swiss,
        words: "ahv, avs, ahvn, ahvnummer, sozialversicherungsnummer, assicurazione sociale, \
            navs",
    },
];

/// INSEE: sex, year, month, department or `2A` and `2B`, and 97 less the remainder.
fn french(value: &[u8]) -> bool {
    let mut digits = [0_u8; 13];
    digits.copy_from_slice(slice(value, 0, 13).first_chunk::<13>().unwrap_or(&[b'0'; 13]));
    let (islands, less) = match at(value, 6) {
        b'A' => (true, 1_000_000),
        b'B' => (true, 2_000_000),
        b'0'..=b'9' => (false, 0),
        _ => return false,
    };
    if islands {
        if at(value, 5) != b'2' {
            return false;
        }
        if let Some(slot) = digits.get_mut(6) {
            *slot = b'0';
        }
    }
    let number = part(&digits, 0, 13) - less;
    let month = part(value, 3, 5);
    matches!(at(value, 0), b'1'..=b'4' | b'7' | b'8')
        && matches!(month, 1..=12 | 20 | 30..=42 | 50..=99)
        && 97 - number % 97 == part(value, 13, 15)
}

/// Birthday and serial number; a 2 is put before them for who was born after 1999.
fn belgian(value: &[u8]) -> bool {
    let check = part(value, 9, 11);
    let number = part(value, 0, 9);
    let month = part(value, 2, 4) % 20;
    (month == 0 || is_day(part(value, 4, 6).max(1), month))
        && (97 - number % 97 == check || 97 - (number + 2_000_000_000) % 97 == check)
}

/// The eleven test: weights 9 to 2 and −1.
fn dutch(value: &[u8]) -> bool {
    let sum = weighted(value, &[9, 8, 7, 6, 5, 4, 3, 2]);
    (sum + 110 - digit(value, 8)).is_multiple_of(11) && !is_uniform(value) && part(value, 0, 2) > 0
}

/// The country code 756, and the check digit of an EAN.
fn swiss(value: &[u8]) -> bool {
    value.starts_with(b"756")
        && weighted(value, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
        && modulo(value, 1000) > 0
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::FrNir, "le 1 84 12 76 451 089 46 est", "1 84 12 76 451 089 46");
        yes(Entity::FrNir, "184127645108946", "184127645108946");
        yes(Entity::BeNationalNumber, "nr 85.07.30-033.28", "85.07.30-033.28");
        yes(Entity::BeNationalNumber, "rijksregisternummer 85073003328", "85073003328");
        yes(Entity::NlBsn, "BSN: 111222333", "111222333");
        yes(Entity::ChAhv, "die 756.9217.0769.85 ist", "756.9217.0769.85");
    }

    #[test]
    fn others_are_none() {
        no(Entity::FrNir, "1 84 12 76 451 089 47");
        no(Entity::BeNationalNumber, "85.07.30-033.29");
        no(Entity::NlBsn, "row 111222333, BSN 111222334");
        no(Entity::ChAhv, "756.9217.0769.84 and ean 7569217076985");
    }
}
