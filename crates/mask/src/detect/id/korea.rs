//! South Korea.

use super::check::{digit, is_ymd, part, weighted};
use super::{Alone, Kind, Label, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 7] = [
    Kind {
        entity: Entity::KrRrn,
        forms: &[(Alone, "999999~9999999"), (Lone, "9999999999999")],
        check: |value| is_resident(value, b"12340") && resident_sum(value) == digit(value, 12),
        words: "rrn, resident registration, jumin, 주민등록번호, korean id",
    },
    Kind {
        // Since October 2020 the last digits are drawn at random.
        entity: Entity::KrRrn,
        forms: &[(Lone, "999999~9999999")],
        check: |value| is_resident(value, b"1234"),
        words: "rrn, resident registration, jumin, korean id",
    },
    Kind {
        entity: Entity::KrFrn,
        forms: &[(Lone, "999999~9999999 9999999999999")],
        check: foreigner,
        words: "frn, foreigner registration, alien registration, korean frn",
    },
    Kind {
        entity: Entity::KrFrn,
        forms: &[(Lone, "999999~9999999")],
        check: |value| is_resident(value, b"5678"),
        words: "frn, foreigner registration, alien registration, korean frn",
    },
    Kind {
        entity: Entity::KrBrn,
        forms: &[(Lone, "999~99~99999"), (Word, "9999999999")],
        check: business,
        words: "brn, business registration",
    },
    Kind {
        entity: Entity::KrPassport,
        forms: &[(Lone, "A999A9999"), (Label, "A99999999")],
        check: |value| b"MSROD".contains(&at(value, 0)),
        words: "korean passport, passport",
    },
    Kind {
        entity: Entity::KrDriverLicense,
        forms: &[(Lone, "99~99~999999~99"), (Label, "999999999999")],
        check: |value| matches!(part(value, 0, 2), 11..=26 | 28),
        words: "driver license, drivers license, korean driver, driving license",
    },
];

fn is_resident(value: &[u8], kinds: &[u8]) -> bool {
    is_ymd(value) && kinds.contains(&at(value, 6))
}

fn resident_sum(value: &[u8]) -> u32 {
    (11 - weighted(value, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10
}

fn foreigner(value: &[u8]) -> bool {
    is_resident(value, b"5678") && (resident_sum(value) + 2) % 10 == digit(value, 12)
}

/// Weights 1, 3, 7, 1, 3, 7, 1, 3, 5, and the tens of the last product.
fn business(value: &[u8]) -> bool {
    let sum = weighted(value, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + digit(value, 8) * 5 / 10;
    (10 - sum % 10) % 10 == digit(value, 9)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::KrRrn, "RRN 960121-1234567", "960121-1234567");
        yes(Entity::KrFrn, "His Korean FRN is 911124-5678901", "911124-5678901");
        yes(Entity::KrBrn, "My BRN is 1048656659", "1048656659");
        yes(Entity::KrPassport, "Korean passport: M456B7890", "M456B7890");
        yes(Entity::KrDriverLicense, "driver license 11-22-123456-12", "11-22-123456-12");
    }

    #[test]
    fn others_are_none() {
        no(Entity::KrRrn, "RRN 001332-1234567, part 961321-1234567");
        no(Entity::KrFrn, "FRN 001332-5678901");
        no(Entity::KrBrn, "BRN 104-86-56658");
        no(Entity::KrBrn, "row 1048656659");
        no(Entity::KrPassport, "model M456B7890");
        no(Entity::KrDriverLicense, "slot 11-22-123456-12");
    }
}
