//! What a tagger takes for a name and is none: a hash, an id, an order number in a sentence.

use std::ops::Range;

use crate::entity::Entity;
use crate::span::Span;

/// Shorter mixtures of letters and digits may be postcodes.
const MIXED: usize = 7;
/// Mixtures without small letters may be postcodes written in one.
const CAPITALS: usize = 9;

/// What is left of a name once the tokens in it are taken away, where that can be a name.
pub(super) fn without(name: &Span, text: &str) -> Vec<Span> {
    let mut left = Vec::new();
    let mut start = name.start;
    for run in runs(text, name.start..name.end) {
        if text.get(run.clone()).is_some_and(is_token) {
            left.extend(trimmed(text, start..run.start));
            start = run.end;
        }
    }
    if start == name.start {
        left.push(name.start..name.end);
    } else {
        left.extend(trimmed(text, start..name.end));
    }
    let can_be = |piece: &Range<usize>| {
        name.entity != Entity::Address || !text.get(piece.clone()).is_some_and(is_number)
    };
    let spans = left.into_iter().filter(can_be);
    spans.map(|piece| Span { start: piece.start, end: piece.end, ..name.clone() }).collect()
}

/// The runs of letters, digits, `-` and `_` of ASCII that touch the range, from end to end.
fn runs(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let in_run = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let mut at = bytes.get(..range.start).unwrap_or_default().iter().rposition(|b| !in_run(b));
    at = Some(at.map_or(0, |gap| gap + 1));
    std::iter::from_fn(move || {
        let rest = bytes.get(at?..)?;
        let start = at? + rest.iter().position(in_run)?;
        let length = bytes.get(start..)?.iter().take_while(|b| in_run(b)).count();
        at = Some(start + length);
        (start < range.end).then_some(start..start + length)
    })
}

/// Whether a run is made by a machine: a part of it mixes letters and digits, or a mark in capitals
/// has a number after it.
fn is_token(run: &str) -> bool {
    is_numbered(run) || has_mixture(run)
}

/// `NW-20833`; not `CH-8001` or `D-10115`, which are postcodes.
fn is_numbered(run: &str) -> bool {
    const COUNTRIES: [&str; 21] = [
        "A", "B", "CH", "CZ", "D", "DE", "DK", "E", "F", "FI", "FIN", "FL", "FR", "I", "L", "LT",
        "LV", "N", "NL", "S", "SE",
    ];
    run.rsplit_once(['-', '_']).is_some_and(|(mark, number)| {
        number.len() >= 4
            && number.bytes().all(|b| b.is_ascii_digit())
            && mark.bytes().any(|b| b.is_ascii_uppercase())
            && mark.bytes().all(|b| b.is_ascii_uppercase() || b == b'-' || b.is_ascii_digit())
            && !COUNTRIES.contains(&mark)
    })
}

fn has_mixture(run: &str) -> bool {
    run.split(['-', '_']).any(|part| {
        let any = |is: fn(&u8) -> bool| part.bytes().any(|b| is(&b));
        let shortest = if any(u8::is_ascii_lowercase) { MIXED } else { CAPITALS };
        part.len() >= shortest && any(u8::is_ascii_digit) && any(u8::is_ascii_alphabetic)
    })
}

/// A range without blanks and signs at its edges, if more than two letters are left.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = text.get(range.clone())?;
    let begin = piece.find(char::is_alphanumeric)?;
    let (last, c) = piece.char_indices().rev().find(|(_, c)| c.is_alphanumeric())?;
    let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
    (letters > 2).then(|| range.start + begin..range.start + last + c.len_utf8())
}

/// Whether a piece of an address is the number of a part or an order: letters that are no word,
/// and a long number. A number alone may be a house or a postcode.
fn is_number(piece: &str) -> bool {
    let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
    let digits = piece.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    letters >= 2 && digits >= 4 && !has_word(piece)
}

fn has_word(piece: &str) -> bool {
    piece.split(|c: char| !c.is_alphabetic()).any(|word| {
        let letters = word.chars().count();
        !word.is_ascii() && letters > 0
            || letters >= 4
            || letters == 3 && word.chars().any(char::is_lowercase)
            || matches!(word, "APO" | "FPO" | "DPO" | "BOX" | "AVE" | "Av" | "St" | "Rd" | "Dr")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str, entity: Entity) -> Vec<&str> {
        let name = Span { start: 0, end: text.len(), entity, score: 0.9, detector: "test" };
        let spans = without(&name, text);
        spans.into_iter().map(|span| text.get(span.start..span.end).unwrap_or_default()).collect()
    }

    #[test]
    fn tokens_are_no_names() {
        for text in [
            "829d4c60-36d7-4c02-ab8d-d3a33334153a",
            "7a8d8ed90ec05c56d5bf12f9d51c4b2d",
            "e768c0b",
            "req_01HZX4M7Q2V8",
            "NW-20833",
            "INC-2024-00017",
        ] {
            assert_eq!(left(text, Entity::Person), [""; 0], "{text}");
            assert_eq!(left(text, Entity::Location), [""; 0], "{text}");
        }
        for text in ["SKU-65502-YZA", "PN 6377-9233"] {
            assert_eq!(left(text, Entity::Address), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_beside_a_token_stays() {
        assert_eq!(left("Ada Lovelace e768c0b12", Entity::Person), ["Ada Lovelace"]);
        assert_eq!(left("e768c0b12, Bob Bo", Entity::Person), ["Bob Bo"]);
    }

    #[test]
    fn names_and_addresses_stay() {
        for text in [
            "Jean-Luc Picard",
            "李雷",
            "María",
            "SW1A 1AA",
            "SW1A1AA",
            "1234 AB",
            "K1A 0B1",
            "CH-8001",
        ] {
            assert_eq!(left(text, Entity::Location), [text]);
        }
        for text in [
            "12 High St",
            "742 EVERGREEN TERRACE",
            "Hauptstr. 5",
            "中山路12号",
            "1 A St",
            "66298",
            "5b",
        ] {
            assert_eq!(left(text, Entity::Address), [text]);
        }
    }

    #[test]
    fn part_of_a_token_is_no_name() {
        let text = "at 829d4c60-36d7-4c02 now";
        let name =
            Span { start: 12, end: 16, entity: Entity::Person, score: 0.9, detector: "test" };
        assert_eq!(without(&name, text), []);
    }
}
