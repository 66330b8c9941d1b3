//! Dates of birth: any date beside a word that says so.

use super::number::end_of_digits;
use super::shape::{is_date, number};
use super::{Found, span};
use crate::bytes::{at, before, is_word, slice};
use crate::entity::Entity;
use crate::words::Scene;

const WORDS: [&str; 33] = [
    "dob",
    "birth",
    "born",
    "birthday",
    "birthdate",
    "dateofbirth",
    "bday",
    "geburtsdatum",
    "geboren",
    "geburtstag",
    "naissance",
    "nacimiento",
    "nacido",
    "nacida",
    "nascita",
    "nascimento",
    "nascido",
    "nascida",
    "geboortedatum",
    "geboortedag",
    "urodzenia",
    "urodzony",
    "urodzona",
    "fodelsedatum",
    "fodd",
    "fodselsdato",
    "fodt",
    "syntymaaika",
    "syntynyt",
    "dogum",
    "narozeni",
    "narozen",
    "birthyear",
];
/// Words that say it only right before the date.
const SHORT: [&str; 3] = ["ne", "nee", "geb"];
/// How far before the date the word may stand.
const REACH: usize = 32;

/// Looks for a date that begins with the digits `start..end`, or with a month's name before them.
pub(crate) fn detect(scene: &Scene<'_>, start: usize, end: usize, found: &mut Found) {
    let text = scene.text;
    let range = match end - start {
        1 | 2 => numeric(text, start)
            .or_else(|| is_day(slice(text, start, end)).then(|| named(text, end)).flatten())
            .map(|stop| (start, stop))
            .or_else(|| month_first(text, start, end)),
        4 => numeric(text, start).map(|stop| (start, stop)),
        8 => compact(slice(text, start, end)).then_some((start, end)),
        _ => None,
    };
    if let Some((from, to)) = range
        && !is_word(before(text, from, 1))
        && !is_word(at(text, to))
        && !(at(text, to) == b'.' && at(text, to + 1).is_ascii_digit())
        && (scene.before(from, REACH, &WORDS) || scene.before_in_text(from, 9, &SHORT))
    {
        found.push(span((from, to), Entity::DateOfBirth, 0.93, "birth"));
    }
}

/// Three groups of digits with the same sign between them.
fn numeric(text: &[u8], start: usize) -> Option<usize> {
    let first = end_of_digits(text, start);
    let sign = at(text, first);
    if !matches!(sign, b'-' | b'/' | b'.' | b' ') {
        return None;
    }
    // `1. 2. 1990`
    let wide = usize::from(sign == b'.' && at(text, first + 1) == b' ');
    let second = first + 1 + wide;
    let second_end = end_of_digits(text, second);
    let third = second_end + 1 + wide;
    let third_end = end_of_digits(text, third);
    let date = is_date(
        slice(text, start, first),
        slice(text, second, second_end),
        slice(text, third, third_end),
    );
    (at(text, second_end) == sign && date).then_some(third_end)
}

/// `12 March 1980`, `12. März 1980`, `12-Mar-80`, `12 de marzo de 1980`
fn named(text: &[u8], day_end: usize) -> Option<usize> {
    let mut i = day_end + ordinal(text, day_end);
    i = blanks(text, i);
    i = skip_of(text, i);
    let month = word(text, i);
    if !(3..=12).contains(&(month - i)) {
        return None;
    }
    i = skip_of(text, blanks(text, month));
    let end = end_of_digits(text, i);
    is_year(slice(text, i, end)).then_some(end)
}

/// `March 12, 1980`
fn month_first(text: &[u8], day: usize, day_end: usize) -> Option<(usize, usize)> {
    if before(text, day, 1) != b' ' {
        return None;
    }
    let mut open = day - 1;
    while before(text, open, 1).is_ascii_alphabetic() {
        open -= 1;
    }
    let after = day_end + ordinal(text, day_end);
    let year = blanks(text, after);
    let end = end_of_digits(text, year);
    let month = (3..=9).contains(&(day - 1 - open)) && at(text, open).is_ascii_uppercase();
    (month && year > after && is_year(slice(text, year, end)) && end == year + 4)
        .then_some((open, end))
}

fn is_day(digits: &[u8]) -> bool {
    (1..=31).contains(&number(digits))
}

fn ordinal(text: &[u8], i: usize) -> usize {
    let suffix = slice(text, i, i + 2);
    let known = [b"st", b"nd", b"rd", b"th"].iter().any(|s| suffix.eq_ignore_ascii_case(*s));
    if known { 2 } else { 0 }
}

fn blanks(text: &[u8], i: usize) -> usize {
    i + slice(text, i, i + 3)
        .iter()
        .take_while(|b| matches!(b, b' ' | b'.' | b',' | b'-' | b'/'))
        .count()
}

fn skip_of(text: &[u8], i: usize) -> usize {
    let of = slice(text, i, i + 3);
    if of.eq_ignore_ascii_case(b"de ") || of.eq_ignore_ascii_case(b"of ") { i + 3 } else { i }
}

fn word(text: &[u8], from: usize) -> usize {
    let mut i = from;
    while i < from + 13 && (at(text, i).is_ascii_alphabetic() || at(text, i) == crate::fold::LETTER)
    {
        i += 1;
    }
    i
}

fn is_year(digits: &[u8]) -> bool {
    match digits.len() {
        2 => true,
        4 => (1880..=2100).contains(&number(digits)),
        _ => false,
    }
}

/// `19800312`
fn compact(digits: &[u8]) -> bool {
    is_date(slice(digits, 0, 4), slice(digits, 4, 6), slice(digits, 6, 8))
        && (1880..=2100).contains(&number(slice(digits, 0, 4)))
        && number(slice(digits, 4, 6)) <= 12
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn dates_beside_their_word() {
        for value in [
            "3/23/1940",
            "1980-03-12",
            "12.03.1980",
            "12 March 1980",
            "12. März 1980",
            "12-Mar-80",
            "March 12, 1980",
            "March 3rd, 1980",
            "12 de marzo de 1980",
            "1. 2. 1990",
        ] {
            yes(Entity::DateOfBirth, &format!("date of birth: {value}, male"), value);
        }
        yes(Entity::DateOfBirth, "né le 12/03/1980 à Lyon", "12/03/1980");
        yes(Entity::DateOfBirth, "geb. am 12.03.1980", "12.03.1980");
        yes(Entity::DateOfBirth, "\"dob\": \"19800312\"", "19800312");
        yes(Entity::DateOfBirth, "She was born on 12 March 1980", "12 March 1980");
    }

    #[test]
    fn other_dates_stay() {
        for text in [
            "created 1980-03-12",
            "released March 12, 1980",
            "born in 1980",
            "dob 1.2.3",
            "born 12 times in 2020",
            "birthplace 12.03.1980",
        ] {
            no(Entity::DateOfBirth, text);
        }
    }
}
