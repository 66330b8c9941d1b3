//! China, Taiwan and Hong Kong.

use super::check::{digit, is_day, mod_11_2, part};
use super::{Alone, Kind, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 3] = [
    Kind {
        entity: Entity::CnResidentId,
        forms: &[(
            Alone,
            "999999999999999999 99999999999999999A 999999~99999999~9999 \
                999999~99999999~999A",
        )],
        check: chinese,
        words: "resident id, identity card, shenfenzheng, citizen id",
    },
    Kind {
        entity: Entity::TwNationalId,
        forms: &[(Word, "A999999999")],
        check: taiwanese,
        words: "taiwan, taiwan id, national id, arc",
    },
    Kind {
        entity: Entity::HkId,
        forms: &[(Alone, "A999999(9) A999999(A) AA999999(9) AA999999(A)")],
        check: hong_kong,
        words: "hkid, hong kong, identity card",
    },
];

/// GB 11643: province, birthday, number, ISO 7064 MOD 11-2.
fn chinese(value: &[u8]) -> bool {
    matches!(part(value, 0, 2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
        && (1850..=2100).contains(&part(value, 6, 10))
        && is_day(part(value, 12, 14), part(value, 10, 12))
        && mod_11_2(value)
}

/// The letter as two digits, weights 1 and 9 to 1.
fn taiwanese(value: &[u8]) -> bool {
    const LETTERS: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(place) = LETTERS.iter().position(|b| *b == at(value, 0)) else { return false };
    let letter = u32::try_from(place).unwrap_or_default() + 10;
    let tail: u32 = (1..9).zip((1..9).rev()).map(|(i, weight)| digit(value, i) * weight).sum();
    matches!(at(value, 1), b'1' | b'2' | b'8' | b'9')
        && (letter / 10 + letter % 10 * 9 + tail + digit(value, 9)).is_multiple_of(10)
}

/// Weights 9 to 1 over letters and digits, a blank as 36 for the letter that is not there.
fn hong_kong(value: &[u8]) -> bool {
    let blank = if value.len() == 8 { 36 * 9 } else { 0 };
    let skip = 9 - value.len();
    let sum: u32 = (0..value.len())
        .map(|i| {
            (i, if i + 1 == value.len() && at(value, i) == b'A' { 10 } else { digit(value, i) })
        })
        .zip((1..=9).rev().skip(skip))
        .map(|((_, d), weight)| d * weight)
        .sum();
    (sum + blank).is_multiple_of(11)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::CnResidentId, "身份证号11010519491231002X。", "11010519491231002X");
        yes(Entity::CnResidentId, "id 440524188001010014", "440524188001010014");
        yes(Entity::TwNationalId, "Taiwan ID A123456789", "A123456789");
        yes(Entity::HkId, "HKID G123456(A)", "G123456(A)");
    }

    #[test]
    fn others_are_none() {
        no(Entity::CnResidentId, "110105194912310021 1712345678901234567");
        no(Entity::TwNationalId, "part A123456789, taiwan A123456780");
        no(Entity::HkId, "f123456(1)");
    }
}
