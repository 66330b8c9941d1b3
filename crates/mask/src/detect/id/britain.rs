//! The United Kingdom and Ireland.

use super::check::{digit, is_day, is_uniform, part, weighted};
use super::{Alone, Kind, Label, Lone, Word};
use crate::bytes::{at, slice};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 6] = [
    Kind {
        entity: Entity::UkNhs,
        forms: &[(Word, "9999999999 999~999~9999")],
        check: nhs,
        words: "nhs, nhsnumber, health service, patient, chi",
    },
    Kind {
        entity: Entity::UkNino,
        forms: &[(Alone, "AA~99~99~99~A"), (Lone, "AA999999A AA~999999~A AA~999999A AA99~99~99~A")],
        check: nino,
        words: "nino, national insurance, ni number, insurance number, ni no, \
            nationalinsurance",
    },
    Kind {
        entity: Entity::UkDrivingLicence,
        forms: &[(
            Alone,
            "AAAAA999999AX9AA AAAAA999999AX9XX AAAA9999999AX9AA AAA99999999AX9AA \
                AA999999999AX9AA",
        )],
        check: driver,
        words: "driving licence, dvla, driver number, licence number, driving license",
    },
    Kind {
        entity: Entity::UkPassport,
        forms: &[(Label, "AA9999999 999999999")],
        check: not_uniform,
        words: "passport, passports, passportnumber, uk passport, british passport",
    },
    Kind {
        entity: Entity::UkPostcode,
        forms: &[
            (Lone, "A9~9AA A999AA AA99AA AA999AA A9A9AA AA9A9AA"),
            (Alone, "A99~9AA AA9~9AA AA99~9AA A9A~9AA AA9A~9AA"),
            (Word, "A99AA AAA9AA"),
        ],
        check: postcode,
        words: "postcode, post code, postal code, postalcode, address, postcodes, zip code",
    },
    Kind {
        entity: Entity::IePps,
        forms: &[(Lone, "9999999A 9999999AA")],
        check: pps,
        words: "pps, ppsn, pps number, public service",
    },
];

fn not_uniform(value: &[u8]) -> bool {
    !is_uniform(value)
}

/// NHS Digital: weights 10 to 2, modulo 11.
fn nhs(value: &[u8]) -> bool {
    weighted(value, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && !is_uniform(value)
}

/// HMRC's manual NIM39110: letters and prefixes that are never given.
fn nino(value: &[u8]) -> bool {
    let (first, second) = (at(value, 0), at(value, 1));
    let never: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    !b"DFIQUV".contains(&first)
        && !b"DFIOQUV".contains(&second)
        && !never.contains(&slice(value, 0, 2))
        && (b'A'..=b'D').contains(&at(value, 8))
}

/// DVLA: surname filled up with nines, decade, month (plus 50 for women), day, year, initials.
fn driver(value: &[u8]) -> bool {
    let month = part(value, 6, 8);
    let filled = slice(value, 0, 5).iter().skip_while(|b| b.is_ascii_alphabetic());
    let second = at(value, 12);
    filled.clone().all(|b| *b == b'9')
        && is_day(part(value, 8, 10), if month > 50 { month - 50 } else { month })
        && (second.is_ascii_alphabetic() || second == b'9')
}

/// Royal Mail: the areas there are, and the letters that never follow them.
fn postcode(value: &[u8]) -> bool {
    const AREAS: &str = " AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA \
        DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV \
        JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO \
        PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC \
        WD WF WN WR WS WV YO ZE ";
    let Some(inward) = value.len().checked_sub(2) else { return false };
    let ending = slice(value, inward, value.len());
    if value == b"GIR0AA" {
        return true;
    }
    let letters = value.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let area = slice(value, 0, letters);
    let known = AREAS.split(' ').any(|name| !name.is_empty() && name.as_bytes() == area);
    known && !ending.iter().any(|b| b"CIKMOV".contains(b))
}

/// Weights 8 to 2 and 9 for the second letter, modulo 23.
fn pps(value: &[u8]) -> bool {
    let second = if value.len() == 9 { (digit(value, 8).wrapping_sub(9)) * 9 } else { 0 };
    let sum = weighted(value, &[8, 7, 6, 5, 4, 3, 2]) + second;
    let check = u8::try_from(sum % 23).unwrap_or_default();
    at(value, 7) == if check == 0 { b'W' } else { b'A' - 1 + check }
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::UkNhs, "NHS number 943 476 5919", "943 476 5919");
        yes(Entity::UkNino, "it is AB 12 34 56 C.", "AB 12 34 56 C");
        yes(Entity::UkNino, "nino: PR 123612C", "PR 123612C");
        yes(Entity::UkDrivingLicence, "licence MORGA657054SM9IJ", "MORGA657054SM9IJ");
        yes(Entity::UkPassport, "my passport AB1234567", "AB1234567");
        yes(Entity::UkPostcode, "London SW1A 1AA, UK", "SW1A 1AA");
        yes(Entity::UkPostcode, "postcode ec1a1bb", "ec1a1bb");
        yes(Entity::IePps, "PPS: 1234567T", "1234567T");
    }

    #[test]
    fn others_are_none() {
        no(Entity::UkNhs, "call 943 476 5919");
        no(Entity::UkNhs, "NHS number 943 476 5918");
        no(Entity::UkNino, "part AB123456C");
        no(Entity::UkNino, "AA 12 34 56 H, FQ 00 00 00 C");
        no(Entity::UkDrivingLicence, "MORGA697054SM9IJ");
        no(Entity::UkPostcode, "M1 1CA, XA1 1AA, VA1 1AA, a b1 2cd and e10 2ab");
        no(Entity::IePps, "id 1234567T");
    }
}
