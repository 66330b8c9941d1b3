//! India.

use super::check::{part, verhoeff};
use super::{Alone, Kind, Label, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::InAadhaar,
        forms: &[(Lone, "9999~9999~9999"), (Word, "999999999999")],
        check: |value| at(value, 0) >= b'2' && verhoeff(value),
        words: "aadhaar, aadhar, adhaar, uidai, aadhaarnumber",
    },
    Kind {
        entity: Entity::InPan,
        forms: &[(Lone, "AAAAA9999A")],
        check: |value| b"ABCFGHJLPTK".contains(&at(value, 3)),
        words: "pan, permanent account, pannumber, income tax, pancard",
    },
    Kind {
        entity: Entity::InVoter,
        forms: &[(Word, "AAA9999999")],
        check: |_| true,
        words: "epic, voter, vote, elector, election card",
    },
    Kind {
        entity: Entity::InPassport,
        forms: &[(Label, "A9999999")],
        check: |value| at(value, 1) != b'0',
        words: "passport, passports, passportnumber, indian passport",
    },
    Kind {
        entity: Entity::InGstin,
        forms: &[(Alone, "99AAAAA9999A9AX 99AAAAA9999AAAX")],
        check: |value| matches!(part(value, 0, 2), 1..=38 | 97) && at(value, 13) == b'Z',
        words: "gstin, gst, gst number",
    },
];

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::InAadhaar, "Aadhaar 3123 4567 8909", "3123 4567 8909");
        yes(Entity::InAadhaar, "aadhaar no: 312345678909", "312345678909");
        yes(Entity::InPan, "My PAN number is ABBPM4567S with", "ABBPM4567S");
        yes(Entity::InVoter, "You can vote with your CPJ4467918 number", "CPJ4467918");
        yes(Entity::InPassport, "passport number: J6932157", "J6932157");
        yes(Entity::InGstin, "for 27ABCDE1234F1Z5 it", "27ABCDE1234F1Z5");
    }

    #[test]
    fn others_are_none() {
        no(Entity::InAadhaar, "order 312345678909, aadhaar 312345678908");
        no(Entity::InPan, "part ABBPM4567S");
        no(Entity::InVoter, "model CPJ4467918");
        no(Entity::InPassport, "bus J6932157, passport B0097650");
        no(Entity::InGstin, "99ABCDE1234F1Z5");
    }
}
