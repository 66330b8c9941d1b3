//! Hardware addresses: six octets with colons or dashes, or three groups with dots.

use super::{Found, span};
use crate::bytes::{at, before, is_word, slice};
use crate::entity::Entity;
use crate::words::Scene;

const WORDS: [&str; 10] = [
    "mac",
    "hardware",
    "physical",
    "ethernet",
    "bssid",
    "macaddress",
    "hwaddr",
    "wlan",
    "lladdr",
    "ether",
];
/// Six octets and five signs.
const LONG: usize = 17;
/// Three groups of four and two dots.
const SHORT: usize = 14;

/// Looks for the address whose first octet ends at the colon at `colon`.
pub(crate) fn at_colon(scene: &Scene<'_>, colon: usize, found: &mut Found) {
    if at(scene.text, colon + 3) == b':'
        && let Some(start) = colon.checked_sub(2)
    {
        octets(scene, start, b':', found);
    }
}

/// Looks for the address with dashes or dots round the digits at `digits`.
pub(crate) fn at_digits(scene: &Scene<'_>, digits: usize, found: &mut Found) {
    let text = scene.text;
    let start_of = |sign: u8| {
        let window = slice(text, digits.saturating_sub(LONG), digits);
        digits - window.iter().rev().take_while(|b| b.is_ascii_hexdigit() || **b == sign).count()
    };
    let dashed = start_of(b'-');
    if at(text, dashed + 2) == b'-' && at(text, dashed + 5) == b'-' {
        octets(scene, dashed, b'-', found);
        return;
    }
    let dotted_start = start_of(b'.');
    if at(text, dotted_start + 4) == b'.' && at(text, dotted_start + 9) == b'.' {
        dotted(scene, dotted_start, found);
    }
}

/// Looks behind a word such as `mac` for an address that may have no digits.
pub(crate) fn after_word(scene: &Scene<'_>, start: usize, end: usize, found: &mut Found) {
    const REACH: usize = 24;
    if is_word(before(scene.text, start, 1)) || at(scene.text, end).is_ascii_alphanumeric() {
        return;
    }
    for i in end..end + REACH {
        if !is_word(before(scene.text, i, 1)) {
            match (at(scene.text, i + 2), at(scene.text, i + 4)) {
                (sign @ (b':' | b'-'), _) => octets(scene, i, sign, found),
                (_, b'.') => dotted(scene, i, found),
                _ => {}
            }
        }
    }
}

fn octets(scene: &Scene<'_>, start: usize, sign: u8, found: &mut Found) {
    let value = slice(scene.text, start, start + LONG);
    let formed = value.len() == LONG
        && value
            .iter()
            .enumerate()
            .all(|(i, b)| if i % 3 == 2 { *b == sign } else { b.is_ascii_hexdigit() });
    // Dates and numbers have such groups, too.
    let sure = sign == b':' || value.iter().any(u8::is_ascii_alphabetic);
    if formed
        && stands_alone(scene.text, start, start + LONG)
        && names_one(value)
        && (sure || scene.before(start, 30, &WORDS))
    {
        found.push(span((start, start + LONG), Entity::MacAddress, 0.9, "mac"));
    }
}

fn dotted(scene: &Scene<'_>, start: usize, found: &mut Found) {
    let value = slice(scene.text, start, start + SHORT);
    let formed = value.len() == SHORT
        && value
            .iter()
            .enumerate()
            .all(|(i, b)| if i % 5 == 4 { *b == b'.' } else { b.is_ascii_hexdigit() });
    if formed
        && stands_alone(scene.text, start, start + SHORT)
        && names_one(value)
        && scene.before(start, 30, &WORDS)
    {
        found.push(span((start, start + SHORT), Entity::MacAddress, 0.9, "mac"));
    }
}

/// A longer row of octets is a digest or a dump.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let joins = |sign: u8, next: u8| {
        is_word(sign) || matches!(sign, b':' | b'-' | b'.') && next.is_ascii_hexdigit()
    };
    !joins(before(text, start, 1), before(text, start, 2))
        && !joins(at(text, end), at(text, end + 1))
}

/// All zeros and all ones name no machine.
fn names_one(value: &[u8]) -> bool {
    let octets = || value.iter().filter(|b| b.is_ascii_hexdigit());
    !octets().all(|b| *b == b'0') && !octets().all(|b| matches!(b, b'f' | b'F'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn addresses_as_they_are_written() {
        for value in ["01:23:45:67:89:AB", "00-1A-2B-3C-4D-5E", "a0:b1:c2:d3:e4:f5"] {
            yes(Entity::MacAddress, &format!("seen {value}, gone"), value);
        }
        yes(Entity::MacAddress, "My MAC is 0012.3456.789a", "0012.3456.789a");
        yes(Entity::MacAddress, "Physical address is aabb.ccdd.eeff", "aabb.ccdd.eeff");
        yes(Entity::MacAddress, "Hardware address: AA-BB-CC-DD-EE-FF", "AA-BB-CC-DD-EE-FF");
        yes(Entity::MacAddress, "\"mac\":\"01:23:45:67:89:10\"", "01:23:45:67:89:10");
    }

    #[test]
    fn others_are_none() {
        for text in [
            "00:1A:2B:3C:4D",
            "ZZ:ZZ:ZZ:ZZ:ZZ:ZZ",
            "mac FF:FF:FF:FF:FF:FF and 00:00:00:00:00:00",
            "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
            "01-02-03-04-05-06",
            "machine aabb.ccdd.eeff",
            "12:30:45",
            "550e8400-e29b-41d4-a716-446655440000",
        ] {
            no(Entity::MacAddress, text);
        }
    }
}
