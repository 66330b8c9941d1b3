//! International bank account numbers: the length of the country and the check digits.

use super::{Found, span};
use crate::bytes::{at, before, is_word, slice};
use crate::entity::Entity;
use crate::words::Scene;

const LONGEST: usize = 34;

/// The length in each country that issues them.
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 \
    CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 \
    HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 \
    ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 \
    SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Looks for an IBAN whose check digits are the two digits at `at`.
pub(crate) fn detect(scene: &Scene<'_>, digits: usize, found: &mut Found) {
    // `DE 89 3704 …`: in capitals only, for many a word of two letters stands before a number.
    let parted = usize::from(before(scene.text, digits, 1) == b' ');
    let Some(start) = digits.checked_sub(2 + parted) else {
        return;
    };
    let country = slice(scene.text, start, start + 2);
    let letters = if parted == 1 { u8::is_ascii_uppercase } else { u8::is_ascii_alphabetic };
    let next = digits + 2 + gap_at(scene.text, digits + 2);
    if !country.iter().all(letters)
        || is_word(before(scene.text, start, 1))
        || !at(scene.text, next).is_ascii_alphanumeric()
    {
        return;
    }
    let Some(length) = length_in(country) else {
        return;
    };
    if let Some(end) = end_of(scene.text, start, length) {
        found.push(span((start, end), Entity::Iban, 1.0, "iban"));
    }
}

fn length_in(country: &[u8]) -> Option<usize> {
    LENGTHS.split(' ').map(str::as_bytes).find_map(|entry| {
        let (name, length) = entry.split_at_checked(2)?;
        name.eq_ignore_ascii_case(country).then_some(())?;
        usize::try_from(super::shape::number(length)).ok()
    })
}

/// Where the account number of this length ends, if its check digits are right.
fn end_of(text: &[u8], start: usize, length: usize) -> Option<usize> {
    let mut value = [0_u8; LONGEST];
    let mut i = start;
    let mut read = 0;
    let mut loose = false;
    while read < length {
        let byte = at(text, i);
        if byte.is_ascii_alphanumeric() {
            *value.get_mut(read)? = byte.to_ascii_uppercase();
            read += 1;
            i += 1;
        } else {
            let gap = gap_at(text, i);
            if gap == 0 || !at(text, i + gap).is_ascii_alphanumeric() {
                return None;
            }
            // Blanks stand behind every fourth sign; anything else may be a sentence.
            loose |= read % 4 > 0 || byte != b' ';
            i += gap;
        }
    }
    let value = value.get(..length)?;
    let letters = value.iter().skip(4).filter(|b| b.is_ascii_alphabetic()).count();
    let spoilt = is_word(at(text, i)) || loose && letters > 4;
    (!spoilt && mod_97(value) == 1).then_some(i)
}

/// The length of what may stand between two signs: one separator, or the end of a line.
fn gap_at(text: &[u8], i: usize) -> usize {
    match (at(text, i), at(text, i + 1)) {
        (b'\r' | b' ', b'\n') | (b'\n', b' ') => 2,
        (b' ' | b'-' | b'.' | b'/' | b'_' | b'\n', _) => 1,
        _ => 0,
    }
}

/// The remainder of the number that the value spells with its head moved to the end.
fn mod_97(value: &[u8]) -> u32 {
    let (head, tail) = value.split_at_checked(4).unwrap_or((value, &[]));
    tail.iter().chain(head).fold(0, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte & 15)) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn accounts_of_many_countries() {
        for value in [
            "GB33BUKB20201555555555",
            "GB33 BUKB 2020 1555 5555 55",
            "DE89370400440532013000",
            "de89 3704 0044 0532 0130 00",
            "DE89-3704-0044-0532-0130-00",
            "DE89.3704.0044.0532.0130.00",
            "DE89 3704 0044\n0532 0130 00",
            "DE 89 3704 0044 0532 0130 00",
            "FR1420041010050500013M02606",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            yes(Entity::Iban, &format!("pay to {value}."), value);
        }
    }

    #[test]
    fn wrong_ones_are_none() {
        for text in [
            "GB34BUKB20201555555555",
            "no 93 people of the 86 in 011117 days and 947",
            "GB33BUKB2020155555555",
            "GB33BUKB202015555555551",
            "ZZ33BUKB20201555555555",
            "xGB33BUKB20201555555555",
        ] {
            no(Entity::Iban, text);
        }
    }
}
