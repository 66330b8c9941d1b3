//! Sweden, Finland, Denmark and Norway.

use super::check::{is_day, is_dmy, luhn, part, weighted};
use super::{Alone, Kind, Lone, Word};
use crate::bytes::{at, slice};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::SePersonnummer,
        forms: &[(Lone, "999999~9999 9999999999 999999999999"), (Alone, "99999999~9999")],
        check: swedish,
        words: "personnummer, pnr, personnr, samordningsnummer, swedish id, personal identity",
    },
    Kind {
        entity: Entity::SeOrganisationsnummer,
        forms: &[(Word, "999999~9999 9999999999")],
        check: |value| part(value, 2, 4) >= 20 && luhn(value),
        words: "organisationsnummer, orgnr, orgnummer, foretag, company identity, bolag",
    },
    Kind {
        entity: Entity::FiPersonalIdentityCode,
        forms: &[(Alone, "999999A999X 999999-999X 999999+999X")],
        check: finnish,
        words: "hetu, henkilotunnus, personal identity, finnish id, personbeteckning",
    },
    Kind {
        entity: Entity::DkCpr,
        forms: &[(Word, "999999~9999 9999999999")],
        check: is_dmy,
        words: "cpr, cprnummer, cprnr, personnummer, cpr nummer",
    },
    Kind {
        entity: Entity::NoFodselsnummer,
        forms: &[(Alone, "99999999999 999999~99999")],
        check: norwegian,
        words: "fodselsnummer, personnummer, fnr, dnummer, fodselsnr",
    },
];

/// Birthday (plus 60 for who is not registered), number, Luhn over the last ten digits.
fn swedish(value: &[u8]) -> bool {
    let long = value.len() == 12;
    if long && !matches!(part(value, 0, 2), 18..=20) {
        return false;
    }
    let digits = if long { slice(value, 2, 12) } else { value };
    // Twelve digits are also a time to the minute, and ten a time in seconds.
    let time = long && part(value, 8, 10) < 24 && part(value, 10, 12) < 60;
    let epoch = !long && matches!(part(value, 0, 2), 14..=18);
    let day = part(digits, 4, 6);
    luhn(digits)
        && is_day(if day > 60 { day - 60 } else { day }, part(digits, 2, 4))
        && !time
        && !epoch
}

/// Birthday, sign of the century, number, and the remainder of 31 as a sign.
fn finnish(value: &[u8]) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let century = at(value, 6);
    let (signed, body) = if century.is_ascii_alphabetic() {
        (b"ABCDEFYXWVU".contains(&century), slice(value, 7, 11))
    } else {
        (true, slice(value, 6, 10))
    };
    let number = part(value, 0, 6) * 1000 + part(body, 0, 3);
    let sign = at(SIGNS, usize::try_from(number % 31).unwrap_or_default());
    signed && is_dmy(value) && part(body, 0, 3) >= 2 && at(body, 3) == sign && body.len() == 4
}

/// Birthday (plus 40 in the day for who is not registered), number, two check digits modulo 11.
fn norwegian(value: &[u8]) -> bool {
    let first = weighted(value, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11);
    let second = weighted(value, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    let day = part(value, 0, 2);
    first && second && is_day(if day > 40 { day - 40 } else { day }, part(value, 2, 4))
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::SePersonnummer, "19910924-2397 är mitt pnr.", "19910924-2397");
        yes(Entity::SePersonnummer, "personnummer 871220-2384", "871220-2384");
        yes(Entity::SeOrganisationsnummer, "556703-7485 är vårt orgnummer.", "556703-7485");
        yes(Entity::FiPersonalIdentityCode, "tunnus 131052-308T on", "131052-308T");
        yes(Entity::FiPersonalIdentityCode, "Here's my henkilötunnus 020594X902N.", "020594X902N");
        yes(Entity::DkCpr, "CPR-nummer 211062-5629", "211062-5629");
        yes(Entity::NoFodselsnummer, "hun er 15108695088", "15108695088");
    }

    #[test]
    fn others_are_none() {
        no(Entity::SePersonnummer, "personnummer 871220-2385, 19001309-2393");
        no(Entity::SeOrganisationsnummer, "del 556703-7485");
        no(Entity::FiPersonalIdentityCode, "311190-1111 010324A110G 131052/308");
        no(Entity::DkCpr, "case 211062-5629");
        no(Entity::NoFodselsnummer, "15108695089");
    }
}
