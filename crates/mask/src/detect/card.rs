//! Payment card numbers: the ranges of the issuers, the length, the check digit.

use super::id::luhn;
use super::number::Number;
use super::shape::in_opaque_token;
use super::{Found, span};
use crate::bytes::{at, before, slice};
use crate::entity::Entity;
use crate::words::Scene;

const WORDS: [&str; 22] = [
    "card",
    "cards",
    "credit",
    "debit",
    "cc",
    "visa",
    "mastercard",
    "amex",
    "maestro",
    "discover",
    "diners",
    "jcb",
    "unionpay",
    "pan",
    "payment",
    "creditcard",
    "cardnumber",
    "kreditkarte",
    "karte",
    "carte",
    "tarjeta",
    "carta",
];

/// How the digits of a card are printed.
const LAYOUTS: [&[usize]; 8] = [
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4, 2],
    &[4, 4, 5],
    &[8, 8],
    &[4, 4, 4],
];

/// Looks for card numbers among the groups of a number.
pub(crate) fn detect(scene: &Scene<'_>, number: &Number, found: &mut Found) {
    let mut first = 0;
    while first < number.groups().len() {
        match card_from(scene, number, first) {
            Some(last) => {
                let start = number.groups().get(first).map_or(0, |g| g.0);
                let end = number.groups().get(last).map_or(0, |g| g.1);
                found.push(span((start, end), Entity::CreditCard, 0.95, "card"));
                first = last + 1;
            }
            None => first += 1,
        }
    }
}

/// Looks for a card number that is broken over two lines, in a usual layout only. Where two blanks
/// stand between its groups, as in a table, it needs a word.
pub(crate) fn broken(scene: &Scene<'_>, number: &Number, found: &mut Found) {
    const BROKEN: [&[usize]; 3] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 4, 4, 4, 3]];
    let mut digits = [0_u8; 19];
    let mut layout = [0_usize; 5];
    let groups = number.groups().len();
    let (Some(slots), Some(value)) = (layout.get_mut(..groups), digits.get_mut(..number.digits))
    else {
        return;
    };
    let mut length = 0;
    for (i, slot) in slots.iter_mut().enumerate() {
        let group = number.group(scene.text, i);
        *slot = group.len();
        for (to, from) in value.iter_mut().skip(length).zip(group) {
            *to = *from;
        }
        length += group.len();
    }
    let range = (number.start, number.end);
    let table = slice(scene.text, range.0, range.1).windows(2).any(|pair| pair == b"  ");
    if BROKEN.contains(&&*slots)
        && is_card(value)
        && !matches!(before(scene.text, range.0, 1), b',' | b';' | b'|' | b'\t')
        && !matches!(at(scene.text, range.1), b',' | b';' | b'|' | b'\t')
        && (!table || scene.before(range.0, 60, &WORDS))
        && !in_opaque_token(scene.text, range.0, range.1)
    {
        found.push(span(range, Entity::CreditCard, 0.9, "card"));
    }
}

/// The last group of the card number that starts at group `first`.
fn card_from(scene: &Scene<'_>, number: &Number, first: usize) -> Option<usize> {
    let mut digits = [0_u8; 19];
    let mut layout = [0_usize; 19];
    let mut length = 0;
    let mut best = None;
    for (used, i) in (first..number.groups().len()).enumerate() {
        if used > 0
            && !matches!(number.separator(scene.text, i - 1), b" " | b"-" | b"." | b"/" | b" - ")
        {
            break;
        }
        let group = number.group(scene.text, i);
        let Some(slots) = digits.get_mut(length..length + group.len()) else {
            break;
        };
        slots.copy_from_slice(group);
        length += group.len();
        let Some(slot) = layout.get_mut(used) else {
            break;
        };
        *slot = group.len();
        let shape = layout.get(..=used).unwrap_or_default();
        let value = digits.get(..length).unwrap_or_default();
        if length >= 12 && is_card(value) && fits(scene, number, (first, i), shape, value) {
            best = Some(i);
        }
    }
    best
}

/// Short and oddly grouped numbers pass the check digit by chance, so they need a word.
fn fits(
    scene: &Scene<'_>,
    number: &Number,
    groups: (usize, usize),
    shape: &[usize],
    value: &[u8],
) -> bool {
    let start = number.groups().get(groups.0).map_or(0, |g| g.0);
    let end = number.groups().get(groups.1).map_or(0, |g| g.1);
    if in_opaque_token(scene.text, start, end) {
        return false;
    }
    // The decimals of a number, and identifiers of seventeen digits and more that count time.
    let decimals = groups.0 > 0 && number.separator(scene.text, groups.0 - 1) == b".";
    let single = shape.len() == 1 && is_common(value) && !decimals;
    let usual = value.len() >= 15 && (single || LAYOUTS.contains(&shape))
        || shape.len() > 1 && LAYOUTS.contains(&shape) && value.len() == 14;
    usual || scene.before(start, 60, &WORDS) || scene.after(end, 24, &WORDS)
}

/// Whether the digits are a card number of a known issuer.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    issued(digits) && luhn(digits)
}

/// Whether the length is the network's usual one, and the range one that it gives out widely.
fn is_common(digits: &[u8]) -> bool {
    let head = super::shape::number(slice(digits, 0, 4));
    match digits.len() {
        15 => matches!(head, 3400..=3499 | 3700..=3799 | 1800 | 2131),
        16 => !matches!(head, 3600..=3999 | 5000..=5017 | 5021..=5037 | 5039..=5099 | 5600..=5892
            | 5894..=5999 | 6100..=6199 | 6305..=6439 | 6600..=6758 | 6764..=6999),
        _ => false,
    }
}

fn issued(digits: &[u8]) -> bool {
    let head = |n: usize| super::shape::number(slice(digits, 0, n));
    let length = digits.len();
    match head(4) {
        4000..=4999 => matches!(length, 13 | 16 | 19),
        3400..=3499 | 3700..=3799 | 1800 | 2131 => length == 15,
        2221..=2720 | 5100..=5599 | 8100..=8299 | 9792 => length == 16,
        2200..=2204 | 3500..=3599 => (16..=19).contains(&length),
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        5000..=5099 | 5600..=5999 | 6000..=6999 => (12..=19).contains(&length),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn cards_of_every_issuer() {
        for value in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "3530111333300000",
            "180016070420458",
            "2131-641260-86955",
        ] {
            yes(Entity::CreditCard, &format!("it is {value}, thanks"), value);
        }
    }

    #[test]
    fn separators_and_lines_hide_none() {
        for value in [
            "4111/1111/1111/1111",
            "4111.1111.1111.1111",
            "4111 - 1111 - 1111 - 1111",
            "4111\n1111 1111 1111",
            "4111 1111\r\n1111 1111",
        ] {
            yes(Entity::CreditCard, &format!("it is {value} thanks"), value);
        }
        yes(Entity::CreditCard, "card 41 11 11 11 11 11 11 11", "41 11 11 11 11 11 11 11");
        yes(
            Entity::CreditCard,
            "card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        );
        yes(Entity::CreditCard, "cc: 4111  1111  1111  1111", "4111  1111  1111  1111");
        no(Entity::CreditCard, "4111\n1111\n1111\n1111");
        no(Entity::CreditCard, "7,4111 1111\n1111 1111,8");
        no(Entity::CreditCard, "rows 4111  1111  1111  1111");
    }

    #[test]
    fn short_ones_need_a_word() {
        yes(Entity::CreditCard, "my card 630427373398 is lost", "630427373398");
        yes(Entity::CreditCard, "billed for cc 4047737215142 on", "4047737215142");
        no(Entity::CreditCard, "the ean 630427373398 is new");
    }

    #[test]
    fn a_card_stands_among_other_numbers() {
        yes(Entity::CreditCard, "12 4111 1111 1111 1111 123", "4111 1111 1111 1111");
        yes(Entity::CreditCard, "4111111111111111 12/27 123", "4111111111111111");
        yes(Entity::CreditCard, "card-4111111111111111", "4111111111111111");
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "4111111111111112",
            "7.4429434958487288",
            "snowflake 5029875928683246316",
            "at 1712345678901234 us",
            "at 1712345678901 ms",
            "1712345678901234567",
            "id 9999999999999995",
            "41111111-1111-1111-1111-111111111111",
            "a4111111111111111",
            "41111111111111110000000000000000000000",
        ] {
            no(Entity::CreditCard, text);
        }
    }
}
