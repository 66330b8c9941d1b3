//! Health care: Medicare, providers and prescribers of the United States, patients' records.

use super::check::{digit, luhn_sum, part};
use super::{Alone, Kind, Label, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::UsMbi,
        forms: &[(Alone, "9AX9~AX9~AA99 9A99~AX9~AA99"), (Lone, "9AX9AX9AA99 9A99AX9AA99")],
        check: beneficiary,
        words: "mbi, medicare, beneficiary",
    },
    Kind {
        entity: Entity::UsNpi,
        forms: &[(Word, "9999999999")],
        check: provider,
        words: "npi, npis, national provider, provider number, prescriber",
    },
    Kind {
        entity: Entity::MedicalLicense,
        forms: &[(Lone, "AA9999999 A99999999")],
        check: prescriber,
        words: "dea, prescriber, medical license, medical licence, controlled substance",
    },
    Kind {
        entity: Entity::MedicalRecord,
        forms: &[(
            Label,
            "99999 999999 9999999 99999999 999999999 9999999999 999~999~999 99~99~99 \
                999~9999 999~99~99 AAA~9999 AAA~99999 AAA~999999 AAA~9999999 AAA~99999999 \
                XXXXX XXXXXX XXXXXXX XXXXXXXX XXXXXXXXX XXXXXXXXXX XXXXXXXXXXX",
        )],
        check: many_digits,
        words: "mrn, mrns, medical record, patient id, patient number, patient no, \
            chart number, chart no, health record, hospital number, patientid, \
            patientennummer, dossier patient, historia clinica, cartella clinica, \
            patientnummer, prontuario, fallnummer, numero paciente",
    },
    Kind {
        entity: Entity::HealthPlan,
        forms: &[(
            Label,
            "99999999 999999999 9999999999 XXXXXXXX XXXXXXXXX XXXXXXXXXX XXXXXXXXXXX \
                XXXXXXXXXXXX",
        )],
        check: many_digits,
        words: "health plan, health insurance, medicaid, insurance member, subscriber id, \
            insurance id, hicn, insured id, beneficiary id, plan member",
    },
];

/// At least four digits: a word, or a word with a counter, has fewer.
pub(super) fn many_digits(value: &[u8]) -> bool {
    value.iter().filter(|b| b.is_ascii_digit()).count() >= 4
}

/// CMS: the letters S, L, O, I, B and Z never occur.
fn beneficiary(value: &[u8]) -> bool {
    let never = |b: &u8| matches!(b, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z');
    at(value, 0) != b'0' && !value.iter().any(never)
}

/// CMS: Luhn over the number with 80840 before it, which adds 24.
fn provider(value: &[u8]) -> bool {
    matches!(at(value, 0), b'1' | b'2') && (luhn_sum(value) + 24).is_multiple_of(10)
}

/// DEA: the odd digits, twice the even ones, and the last digit of the sum.
fn prescriber(value: &[u8]) -> bool {
    let registrant = b"ABCDEFGHJKLMPRSTUX".contains(&at(value, 0));
    let d = |i: usize| digit(value, i + 2);
    let sum = d(0) + d(2) + d(4) + 2 * (d(1) + d(3) + d(5));
    let second = at(value, 1);
    registrant
        && (second.is_ascii_uppercase() || second == b'9')
        && sum % 10 == d(6)
        && part(value, 2, 9) > 0
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::UsMbi, "card 1EG4-TE5-MK73 of", "1EG4-TE5-MK73");
        yes(Entity::UsMbi, "The MBI is 4EF6GH8JK12 for this patient", "4EF6GH8JK12");
        yes(Entity::UsNpi, "NPI 1234567893.", "1234567893");
        yes(Entity::MedicalLicense, "DEA number: GL0285191", "GL0285191");
        yes(Entity::MedicalRecord, "MRN: 00482913", "00482913");
        yes(Entity::HealthPlan, "health plan no. XJB829104412", "XJB829104412");
    }

    #[test]
    fn others_are_none() {
        no(Entity::UsMbi, "1SG4-TE5-MK73 12G4-TE5-MK73");
        no(Entity::UsNpi, "at 1234567893 or NPI 1234567890");
        no(Entity::MedicalLicense, "part GL0285191");
        no(Entity::MedicalRecord, "patient 12, 48 years; 1234567 patients");
        no(Entity::HealthPlan, "the plan has 12345678 rows");
    }
}
