//! Germany and Austria.

use super::check::{completes_ten, digit, is_day, is_uniform, mod_11_10, part};
use super::{Alone, Kind, Label, Lone, Word};
use crate::bytes::{at, slice};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 11] = [
    Kind {
        entity: Entity::DeTaxId,
        forms: &[(Lone, "99999999999 99~999~999~999")],
        check: tax,
        words: "steuer, steuerid, idnr, identifikationsnummer, steueridentifikationsnummer, \
            steuernummer, tin, tax id, tax number, steuerliche",
    },
    Kind {
        // Examples break the rule of the repeated digit; beside a word the check digit is enough.
        entity: Entity::DeTaxId,
        forms: &[(Word, "99999999999")],
        check: |value| mod_11_10(value) && !is_uniform(value),
        words: "steuer, steuerid, idnr, identifikationsnummer, steueridentifikationsnummer",
    },
    Kind {
        entity: Entity::DeIdCard,
        forms: &[(Lone, "XXXXXXXXX")],
        check: id_card,
        words: "personalausweis, ausweis, ausweisnummer, identity card, id card, perso",
    },
    Kind {
        entity: Entity::DeIdCard,
        forms: &[(Word, "A99999999")],
        check: old_card,
        words: "personalausweis, ausweis, ausweisnummer, identity card, id card, perso",
    },
    Kind {
        entity: Entity::DePassport,
        forms: &[(Word, "XXXXXXXXX")],
        check: passport,
        words: "reisepass, pass, passnummer, reisepassnummer, german passport",
    },
    Kind {
        entity: Entity::DeSocialSecurity,
        forms: &[(Alone, "99999999A999 99~999999~A~999 99~99~99~99~A~999")],
        check: pension,
        words: "rvnr, sozialversicherung, sozialversicherungsnummer, rentenversicherung, \
            rentenversicherungsnummer, versicherungsnummer, sv nummer, svnr",
    },
    Kind {
        entity: Entity::DeHealthInsurance,
        forms: &[(Lone, "A999999999")],
        check: health,
        words: "kvnr, krankenkasse, krankenversichertennummer, krankenversicherung, \
            versichertennummer, gesundheitskarte, egk",
    },
    Kind {
        entity: Entity::DeVatId,
        forms: &[(Lone, "de999999999 de~999999999 de~999~999~999 de~99~99~99~999")],
        check: vat,
        words: "ust, ustid, ustidnr, umsatzsteuer, vat, vatid, \
            umsatzsteueridentifikationsnummer, mwst",
    },
    Kind {
        entity: Entity::DeLanr,
        forms: &[(Word, "999999999")],
        check: physician,
        words: "lanr, arztnummer, arzt, lebenslange arztnummer",
    },
    Kind {
        entity: Entity::DeBsnr,
        forms: &[(Label, "999999999")],
        check: practice,
        words: "bsnr, betriebsstattennummer, betriebsstatte, praxis",
    },
    Kind {
        entity: Entity::AtSvnr,
        forms: &[(Lone, "9999999999 9999~999999 999~9~999999")],
        check: austrian,
        words: "svnr, sozialversicherung, sozialversicherungsnummer, versicherungsnummer, \
            sv nummer",
    },
];

/// The tax office: one digit of the first ten occurs twice or three times, and all others once at most.
fn tax(value: &[u8]) -> bool {
    let mut counts = [0_u8; 10];
    for byte in slice(value, 0, 10) {
        if let Some(count) = counts.get_mut(usize::from(byte & 15)) {
            *count += 1;
        }
    }
    let many = counts.iter().filter(|n| **n > 1).count();
    at(value, 0) != b'0' && many == 1 && counts.iter().all(|n| *n <= 3) && mod_11_10(value)
}

/// The letters that serial numbers of documents use.
fn is_document(value: &[u8], heads: &[u8]) -> bool {
    let used = |b: &u8| b.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(b);
    heads.contains(&at(value, 0))
        && value.iter().all(used)
        && at(value, 8).is_ascii_digit()
        && completes_ten(value, &[7, 3, 1])
}

fn id_card(value: &[u8]) -> bool {
    is_document(value, b"CFGHJKLMNPRTVWXYZ")
}

/// The cards until 2010 count `T` and eight digits, the last of which checks nothing.
fn old_card(value: &[u8]) -> bool {
    at(value, 0) == b'T'
}

fn passport(value: &[u8]) -> bool {
    is_document(value, b"CFGHJK")
}

/// VKVV §2: area, birthday, letter, serial number, and digit sums with weights 1 and 2.
fn pension(value: &[u8]) -> bool {
    const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let letter = digit(value, 8) - 9;
    let d = |i: usize| match i {
        0..=7 => digit(value, i),
        8 => letter / 10,
        9 => letter % 10,
        _ => digit(value, i - 1),
    };
    let sum: u32 =
        WEIGHTS.iter().enumerate().map(|(i, weight)| d(i) * weight).map(|n| n / 10 + n % 10).sum();
    // Who shares a birthday's numbers with too many others has 50 more in the day.
    let day = part(value, 2, 4);
    is_day(if day > 50 { day - 50 } else { day }, part(value, 4, 6)) && sum % 10 == digit(value, 11)
}

/// GKV: the letter as two digits, weights 1 and 2 with digit sums.
fn health(value: &[u8]) -> bool {
    let letter = digit(value, 0) - 9;
    let d = |i: usize| match i {
        0 => letter / 10,
        1 => letter % 10,
        _ => digit(value, i - 1),
    };
    let sum: u32 =
        (0..10_u32).zip(0..).map(|(even, i)| d(i) * (1 + even % 2)).map(|n| n / 10 + n % 10).sum();
    sum % 10 == digit(value, 9)
}

fn vat(value: &[u8]) -> bool {
    let digits = slice(value, 2, 11);
    at(digits, 0) != b'0' && mod_11_10(digits)
}

/// KBV: weights 4 and 9 over six digits, the check digit, two digits for the field.
fn physician(value: &[u8]) -> bool {
    let sum: u32 = (0..6).map(|i| digit(value, i) * if i % 2 == 0 { 4 } else { 9 }).sum();
    (10 - sum % 10) % 10 == digit(value, 6)
}

fn practice(value: &[u8]) -> bool {
    part(value, 0, 2) > 0
}

/// Serial number, check digit, birthday.
fn austrian(value: &[u8]) -> bool {
    let sum = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]
        .iter()
        .enumerate()
        .map(|(i, w)| digit(value, i) * w)
        .sum::<u32>();
    at(value, 0) != b'0'
        && sum % 11 == digit(value, 3)
        && (is_day(part(value, 4, 6), part(value, 6, 8)) || part(value, 6, 8) == 13)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::DeTaxId, "Meine Steuer-ID ist 86 095 742 719.", "86 095 742 719");
        yes(Entity::DeTaxId, "IdNr. 98765432106 liegt vor.", "98765432106");
        yes(Entity::DeIdCard, "Personalausweis: L01X00T44.", "L01X00T44");
        yes(Entity::DePassport, "Reisepass C01234565 von", "C01234565");
        yes(Entity::DeSocialSecurity, "unter 15070649C103 geführt", "15070649C103");
        yes(Entity::DeSocialSecurity, "15 070649 C 103", "15 070649 C 103");
        yes(Entity::DeHealthInsurance, "Krankenkasse KVNR: A123456780", "A123456780");
        yes(Entity::DeVatId, "USt-IdNr.: DE136695976", "DE136695976");
        yes(Entity::DeLanr, "LANR: 123456601", "123456601");
        yes(Entity::DeBsnr, "BSNR 711234567 der Praxis.", "711234567");
        yes(Entity::AtSvnr, "SVNR 1237 010180", "1237 010180");
    }

    #[test]
    fn others_are_none() {
        no(Entity::DeTaxId, "Auftrag 98765432106");
        no(Entity::DeTaxId, "Steuer-ID 98765432107");
        no(Entity::DeIdCard, "part L01X00T44, Personalausweis L01X00T47");
        no(Entity::DeSocialSecurity, "15070649C100 15070049C103");
        no(Entity::DeHealthInsurance, "KVNR A123456787");
        no(Entity::DeVatId, "vat DE136695975");
        no(Entity::DeLanr, "row 123456601");
    }
}
