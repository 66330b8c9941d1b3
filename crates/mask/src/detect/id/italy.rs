//! Italy.

use super::check::{luhn, part};
use super::{Alone, Kind, Label, Lone};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::ItFiscalCode,
        forms: &[(Alone, "AAAAAA99A99A999A AAA~AAA~99A99~A999A"), (Lone, "AAAAAA99A99AXXXA")],
        check: fiscal,
        words: "codice fiscale, fiscale, cf, codicefiscale",
    },
    Kind {
        entity: Entity::ItVatCode,
        forms: &[(Lone, "99999999999 it~99999999999"), (Alone, "it99999999999")],
        check: vat,
        words: "partita iva, piva, p iva, iva, vat",
    },
    Kind {
        entity: Entity::ItPassport,
        forms: &[(Label, "AA9999999")],
        check: |_| true,
        words: "passaporto, italian passport",
    },
    Kind {
        entity: Entity::ItIdentityCard,
        forms: &[(Lone, "AA99999AA"), (Label, "AA9999999 AA~9999999")],
        check: |_| true,
        words: "carta identita, identita, cie, documento, identity card",
    },
    Kind {
        entity: Entity::ItDriverLicense,
        forms: &[(Lone, "XXXXXXXXXX")],
        check: licence,
        words: "patente, driving licence, patente guida",
    },
];

/// Agenzia delle Entrate: names, year, letter of the month, day (plus 40 for women), place. The
/// check letter is left out: the rest says enough, and people mistype it.
fn fiscal(value: &[u8]) -> bool {
    let day = part(value, 9, 11);
    let omitted = |i: &usize| {
        let byte = at(value, *i);
        byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte)
    };
    b"ABCDEHLMPRST".contains(&at(value, 8))
        && matches!(day, 1..=31 | 41..=71)
        && (12..15).all(|i| omitted(&i))
}

/// Luhn, and the office that gave it.
fn vat(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"IT").unwrap_or(value);
    luhn(digits)
        && matches!(part(digits, 7, 10), 1..=100 | 120 | 121 | 888 | 999)
        && part(digits, 0, 7) > 0
}

/// The form of since 2013: `U1`, seven letters and digits, a letter; or the older one.
fn licence(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let newer = value.starts_with(b"U1") && digits >= 4;
    at(value, 0).is_ascii_alphabetic()
        && at(value, 9).is_ascii_alphabetic()
        && (newer || at(value, 1).is_ascii_alphabetic() && digits == 7)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::ItFiscalCode, "sono RSSMRA85T10A562S e", "RSSMRA85T10A562S");
        yes(Entity::ItVatCode, "P.IVA 01333550323", "01333550323");
        yes(Entity::ItPassport, "passaporto AA1234567", "AA1234567");
        yes(Entity::ItIdentityCard, "carta d'identità CA12345AB", "CA12345AB");
        yes(Entity::ItDriverLicense, "patente U1H00B000C", "U1H00B000C");
    }

    #[test]
    fn others_are_none() {
        no(Entity::ItFiscalCode, "RSSMRA85Z10A562S RSSMRA85T99A562S");
        no(Entity::ItVatCode, "id 01333550323, partita IVA 01333550324");
        no(Entity::ItPassport, "lotto AA1234567");
        no(Entity::ItDriverLicense, "u1h00b000c is a host");
    }
}
