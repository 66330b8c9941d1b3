//! Check digits and dates of identifiers. Values come without separators, letters in upper case.

use crate::bytes::{at, slice};
use crate::detect::shape::number;

/// The value of a digit, or of a letter from A = 10 on.
pub(super) fn digit(value: &[u8], i: usize) -> u32 {
    let byte = at(value, i);
    if byte.is_ascii_alphabetic() { u32::from(byte - b'A') + 10 } else { u32::from(byte & 15) }
}

/// The number that the digits `from..to` spell.
pub(super) fn part(value: &[u8], from: usize, to: usize) -> u64 {
    number(slice(value, from, to))
}

/// The sum of the leading digits, each with its weight.
pub(super) fn weighted(value: &[u8], weights: &[u32]) -> u32 {
    weights.iter().enumerate().map(|(i, weight)| digit(value, i) * weight).sum()
}

/// Whether every byte is the same, which is how examples are filled in.
pub(super) fn is_uniform(value: &[u8]) -> bool {
    value.windows(2).all(|pair| at(pair, 0) == at(pair, 1))
}

/// Luhn's check digit, the last one.
pub(in crate::detect) fn luhn(digits: &[u8]) -> bool {
    luhn_sum(digits).is_multiple_of(10)
}

/// The sum of Luhn's scheme, in which the last digit counts once.
pub(super) fn luhn_sum(digits: &[u8]) -> u32 {
    let digits = digits.iter().rev().enumerate();
    digits
        .map(|(i, b)| (i, u32::from(b & 15)))
        .map(|(i, d)| if i % 2 == 0 { d } else { d * 2 % 10 + d / 5 })
        .sum()
}

/// ISO 7064 MOD 11,10 over all digits, the check digit last.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, byte| {
        let sum = (u32::from(byte & 15) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(last & 15)
}

/// ISO 7064 MOD 11-2, the check character last: a digit or X.
pub(super) fn mod_11_2(value: &[u8]) -> bool {
    let Some((last, body)) = value.split_last() else { return false };
    let rest = body.iter().fold(0, |rest, byte| (rest + u32::from(byte & 15)) * 2 % 11);
    let check = (12 - rest) % 11;
    if *last == b'X' { check == 10 } else { last.is_ascii_digit() && check == u32::from(last & 15) }
}

/// The remainder of the number the digits spell.
pub(super) fn modulo(digits: &[u8], divisor: u64) -> u64 {
    digits.iter().fold(0, |rest, byte| (rest * 10 + u64::from(byte & 15)) % divisor)
}

/// Verhoeff's scheme over the dihedral group of ten elements, the check digit last.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const TURN: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (i, byte)| {
        let turned =
            (0..i % 8).fold(byte & 15, |d, _| TURN.get(usize::from(d)).copied().unwrap_or(0));
        dihedral(sum, turned)
    });
    sum == 0
}

/// The product in the group: 0 to 4 turn a pentagon, 5 to 9 turn it over.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// Whether day and month can be; the year is not known to the day's precision, so 29 February is.
pub(super) fn is_day(day: u64, month: u64) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// Whether six digits are day, month and year.
pub(super) fn is_dmy(value: &[u8]) -> bool {
    is_day(part(value, 0, 2), part(value, 2, 4))
}

/// Whether six digits are year, month and day.
pub(super) fn is_ymd(value: &[u8]) -> bool {
    is_day(part(value, 4, 6), part(value, 2, 4))
}

/// Weights that repeat over the digits but the last, which the sum's remainder by ten completes.
pub(super) fn completes_ten(value: &[u8], weights: &[u32]) -> bool {
    let Some((_, body)) = value.split_last() else { return false };
    let sum: u32 = (0..body.len())
        .zip(weights.iter().cycle())
        .map(|(i, weight)| digit(value, i) * weight)
        .sum();
    sum % 10 == digit(value, body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples() {
        assert!(luhn(b"79927398713") && !luhn(b"79927398710"));
        assert!(mod_11_10(b"136695976") && !mod_11_10(b"136695975"));
        assert!(mod_11_2(b"11010519491231002X") && !mod_11_2(b"110105194912310021"));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert!(
            completes_ten(b"L01X00T44", &[7, 3, 1]) && !completes_ten(b"L01X00T47", &[7, 3, 1])
        );
    }

    #[test]
    fn days() {
        assert!(is_dmy(b"290200") && is_ymd(b"991231"));
        assert!(!is_dmy(b"310400") && !is_ymd(b"991301") && !is_dmy(b"000100"));
    }
}
