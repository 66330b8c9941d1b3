//! Where identifiers may stand: groups of digits, letters and digits, whole words.

use super::candidate::Candidate;
use super::table::{Form, LETTERS, TABLE, place};
use super::{LONGEST, Label, Lone, Word};
use crate::bytes::{at, before, is_word, slice};
use crate::context::Surroundings;
use crate::detect::Found;
use crate::detect::number::Number;
use crate::detect::shape::in_opaque_token;
use crate::words::Scene;

/// No layout has more groups.
const MOST_GROUPS: usize = 7;

/// Looks for identifiers of digits only among the groups of a number.
pub(crate) fn digits(
    scene: &Scene<'_>,
    number: &Number,
    near: &mut Surroundings,
    found: &mut Found,
) {
    let text = scene.text;
    let groups = number.groups();
    for first in 0..groups.len() {
        let mut value = [0_u8; LONGEST];
        let mut length = 0;
        // Within a longer number only a blank sets one off.
        if first > 0 && number.separator(text, first - 1) != b" " {
            continue;
        }
        for (last, (_, end)) in groups.iter().enumerate().skip(first) {
            let parts = last > first && !is_separator(number.separator(text, last - 1));
            // The longest layout; more groups are single digits of the whole number, or a list.
            if parts || first > 0 && last - first > MOST_GROUPS {
                break;
            }
            // Two groups with a dot are a fraction.
            if last == first + 1
                && number.separator(text, first) == b"."
                && groups.len() == last + 1
            {
                break;
            }
            let group = number.group(text, last);
            let Some(slots) = value.get_mut(length..length + group.len()) else {
                break;
            };
            slots.copy_from_slice(group);
            length += group.len();
            if !matches!(number.separator(text, last), b"" | b" ") {
                continue;
            }
            let whole = first == 0 && last + 1 == groups.len();
            let counts = TABLE.counts.get(length).copied().unwrap_or_default();
            if counts >> (last - first + 1) & 1 == 0 && (!whole || counts == 0) {
                continue;
            }
            let forms = TABLE.digits.get(length).map_or([].as_slice(), Vec::as_slice);
            let start = groups.get(first).map_or(0, |group| group.0);
            let value = value.get(..length).unwrap_or_default();
            let lengths = groups.get(first..=last).unwrap_or_default();
            look(scene, (start, *end), (value, lengths, whole && !number.plus), forms, near, found);
        }
    }
}

fn look(
    scene: &Scene<'_>,
    (start, end): (usize, usize),
    (value, groups, whole): (&[u8], &[(usize, usize)], bool),
    forms: &[Form],
    near: &mut Surroundings,
    found: &mut Found,
) {
    let mut candidate = Candidate::new(scene, start, end);
    let mut free = None;
    for form in forms {
        let fits = form.groups.len() == groups.len()
            && form
                .groups
                .iter()
                .zip(groups)
                .all(|(length, (open, close))| *length == close - open);
        // Any other grouping of the whole number will do for what a word names.
        let loose = whole && groups.len() > 1 && form.groups.len() == 1 && form.trust != Label;
        if !(fits || loose) || !(form.kind.check)(value) {
            continue;
        }
        if !*free.get_or_insert_with(|| stands_free(scene.text, start, end)) {
            return;
        }
        // Out of a row of numbers with blanks between them, any few have some layout.
        let listed = !whole && slice(scene.text, start, end).contains(&b' ');
        let trust = if listed || !fits { form.trust.max(Word) } else { form.trust };
        candidate.weigh(form, trust, near);
    }
    candidate.settle(found);
}

/// Looks for identifiers with letters whose first run of digits is `start..end`.
pub(crate) fn mixed(
    scene: &Scene<'_>,
    start: usize,
    end: usize,
    near: &mut Surroundings,
    found: &mut Found,
) {
    let text = scene.text;
    let letters = letters_before(text, start);
    let open = start - letters;
    if letters < LETTERS && !is_word(before(text, open, 1)) {
        if letters == 0 && matches!(before(text, start, 1), b' ' | b'-') {
            let parted = letters_before(text, start - 1);
            let from = start - 1 - parted;
            if parted > 0 && parted < LETTERS && !is_word(before(text, from, 1)) {
                try_forms(scene, from, place(parted, true, end - start), near, found);
            }
        }
        if letters > 0 || goes_on(text, end) {
            try_forms(scene, open, place(letters, false, end - start), near, found);
        }
        token(scene, open, end, near, found);
    }
}

/// Tries the forms of letters and digits at any place on the word at `open`.
fn token(scene: &Scene<'_>, open: usize, end: usize, near: &mut Surroundings, found: &mut Found) {
    let text = scene.text;
    let rest = slice(text, end, text.len().min(open + LONGEST + 1).max(end));
    let length =
        end - open + rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let forms = TABLE.tokens.get(length).map_or([].as_slice(), Vec::as_slice);
    if forms.is_empty() || !stands_free(text, open, open + length) {
        return;
    }
    let mut value = [0_u8; LONGEST];
    let Some(slots) = value.get_mut(..length) else { return };
    slots.copy_from_slice(slice(text, open, open + length));
    slots.make_ascii_uppercase();
    let mut candidate = Candidate::new(scene, open, open + length);
    for form in forms {
        if (form.kind.check)(slots) {
            candidate.weigh(form, form.trust, near);
        }
    }
    candidate.settle(found);
}

fn try_forms(
    scene: &Scene<'_>,
    open: usize,
    place: Option<usize>,
    near: &mut Surroundings,
    found: &mut Found,
) {
    let forms = place.and_then(|place| TABLE.mixed.get(place)).map_or([].as_slice(), Vec::as_slice);
    for form in forms {
        let mut value = [0_u8; LONGEST];
        let Some(open) = open.checked_sub(form.lead) else { continue };
        let Some((end, length, plain)) = read(scene.text, open, form.pattern, &mut value) else {
            continue;
        };
        let value = value.get(..length).unwrap_or_default();
        if (form.kind.check)(value) && stands_free(scene.text, open, end) {
            let mut candidate = Candidate::new(scene, open, end);
            // In lower case it is too much like a name in code.
            let trust = if plain { form.trust } else { form.trust.max(Lone) };
            candidate.weigh(form, trust, near);
            candidate.settle(found);
        }
    }
}

/// Reads a value of this form: where it ends, its length, and whether its letters are upper-case.
fn read(
    text: &[u8],
    open: usize,
    pattern: &[u8],
    value: &mut [u8; LONGEST],
) -> Option<(usize, usize, bool)> {
    let mut length = 0;
    let mut upper = true;
    for (i, sign) in pattern.iter().enumerate() {
        let byte = at(text, open + i);
        let fits = match sign {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            b'X' => byte.is_ascii_alphanumeric(),
            b'~' => is_separator(&[byte]),
            _ => byte.eq_ignore_ascii_case(sign),
        };
        if !fits {
            return None;
        }
        if byte.is_ascii_alphanumeric() {
            *value.get_mut(length)? = byte.to_ascii_uppercase();
            upper &= !byte.is_ascii_lowercase();
            length += 1;
        }
    }
    Some((open + pattern.len(), length, upper))
}

fn letters_before(text: &[u8], end: usize) -> usize {
    let window = slice(text, end.saturating_sub(LETTERS), end);
    window.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count()
}

fn is_separator(between: &[u8]) -> bool {
    matches!(between, b" " | b"-" | b"." | b"/" | b"+" | b":")
}

/// Whether a value that begins with these digits may go on.
fn goes_on(text: &[u8], end: usize) -> bool {
    let (sign, next) = (at(text, end), at(text, end + 1));
    sign.is_ascii_alphabetic() || is_separator(&[sign]) && next.is_ascii_alphanumeric()
}

/// Whether neither a word nor another number, an amount or a path goes on beside the range.
fn stands_free(text: &[u8], start: usize, end: usize) -> bool {
    let (left, left_far) = (before(text, start, 1), before(text, start, 2));
    let (right, right_far) = (at(text, end), at(text, end + 1));
    let joined_left = is_word(left)
        || matches!(left, b'-' | b'.' | b'/' | b'\\' | b'+' | b'~' | b'@')
            && left_far.is_ascii_alphanumeric()
        || matches!(left, b',' | b':') && left_far.is_ascii_digit()
        || matches!(left, b'$' | b'+' | b'~' | b'^' | b'@');
    let joined_right = is_word(right)
        || matches!(right, b'-' | b'.' | b'/' | b'\\' | b':' | b'@' | b'+')
            && right_far.is_ascii_alphanumeric()
        || right == b',' && right_far.is_ascii_digit()
        || matches!(right, b'%' | b'$' | b'@' | b'(');
    !joined_left && !joined_right && !in_opaque_token(text, start, end)
}
