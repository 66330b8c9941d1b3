//! Shapes that look like a value and are none: identifiers of machines, dates, placeholders.

use crate::bytes::{Set, at, before, run_back, run_within, slice};

const TOKEN: Set = Set::alnum_and(b"-_");

/// Whether the range lies in a UUID, a hash, a trace id or the like.
///
/// The mark of such a token is a segment of letters mixed with digits, or the layout of a UUID.
pub(crate) fn in_opaque_token(text: &[u8], start: usize, end: usize) -> bool {
    // No such token is longer, and a list of numbers may be.
    let reach = start.saturating_sub(64);
    let from = reach + run_back(slice(text, reach, start), start - reach, &TOKEN);
    let to = run_within(text, end, 64, &TOKEN);
    if from == start && to == end {
        return is_uuid(slice(text, start, end));
    }
    let inside = slice(text, start, end);
    let token = slice(text, from, to);
    is_uuid(token)
        || token.split(|b| matches!(b, b'-' | b'_')).any(|segment| {
            segment.iter().any(u8::is_ascii_digit)
                && segment.iter().any(u8::is_ascii_alphabetic)
                && segment != inside
        })
}

/// Whether the token has the layout of a UUID.
pub(crate) fn is_uuid(token: &[u8]) -> bool {
    token.len() == 36
        && token.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Whether a number is glued to a word, as in `pkg-1.2.3` or `id_555`.
pub(crate) fn glued(text: &[u8], start: usize, end: usize) -> bool {
    let left = before(text, start, 1);
    let left = left == b'_'
        || matches!(left, b'-' | b'.' | b'/') && before(text, start, 2).is_ascii_alphanumeric();
    let right = at(text, end);
    let right = right == b'_' || matches!(right, b'-' | b'/') && is_name(at(text, end + 1));
    left || right
}

/// Whether three groups of digits are a date in one of the usual orders.
pub(crate) fn is_date(a: &[u8], b: &[u8], c: &[u8]) -> bool {
    let day_or_month = |g: &[u8]| g.len() <= 2 && (1..=31).contains(&number(g));
    let year = |g: &[u8]| g.len() == 4 && (1800..=2200).contains(&number(g));
    year(a) && day_or_month(b) && day_or_month(c)
        || day_or_month(a)
            && day_or_month(b)
            && (number(a) <= 12 || number(b) <= 12)
            && (year(c) || c.len() == 2)
}

/// The value of a short group of digits.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n: u64, b| n.wrapping_mul(10).wrapping_add(u64::from(b & 15)))
}

/// Shannon entropy in bits per byte.
pub(crate) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = f32::from(u16::try_from(value.len()).unwrap_or(u16::MAX));
    let shares = counts.iter().filter(|n| **n > 0).map(|n| f32::from(*n) / total);
    shares.map(|share| -share * share.log2()).sum()
}

/// Whether a value only marks the place of one.
pub(crate) fn is_dummy(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 11] = [
        b"your",
        b"example",
        b"placeholder",
        b"redacted",
        b"changeme",
        b"replace",
        b"dummy",
        b"insert",
        b"_here",
        b"0000000000",
        b"abcdefghijklmnopqrstuvwxyz",
    ];
    is_filler(value) || holds(value, &MARKS)
}

/// Whether a value is filled up with signs that stand for any sign.
pub(crate) fn is_filler(value: &[u8]) -> bool {
    holds(value, &[b"xxxx", b"****", b"...."])
}

fn holds(value: &[u8], marks: &[&[u8]]) -> bool {
    let stands = |at: usize, mark: &[u8]| {
        value.get(at..at + mark.len()).is_some_and(|part| part.eq_ignore_ascii_case(mark))
    };
    (0..value.len()).any(|at| marks.iter().any(|mark| stands(at, mark)))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_identifiers_are_opaque() {
        let uuid = b"550e8400-e29b-41d4-a716-446655440000";
        assert!(is_uuid(uuid));
        assert!(in_opaque_token(uuid, 24, 36));
        assert!(in_opaque_token(b"00-4bf92f3577b34da6-00f067aa0ba902b7-01", 0, 2));
        assert!(!in_opaque_token(b"card-4111111111111111", 5, 21));
        assert!(!in_opaque_token(b"555-123-4567", 0, 12));
    }

    #[test]
    fn dates_in_the_usual_orders() {
        assert!(is_date(b"2024", b"01", b"31") && is_date(b"31", b"12", b"2024"));
        assert!(is_date(b"12", b"31", b"24"));
        assert!(!is_date(b"555", b"123", b"4567") && !is_date(b"31", b"31", b"2024"));
    }

    #[test]
    fn entropy_tells_noise_from_filler() {
        assert!(entropy(b"xxxxxxxxxxxxxxxx") < 0.1);
        assert!(entropy(b"4vuiyvj4htjeq1q2smreodbx6xy99v") > 3.5);
    }

    #[test]
    fn dummies() {
        assert!(is_dummy(b"hf_xxxxxxxx") && is_dummy(b"YOUR_API_KEY") && !is_dummy(b"4vuiyvj4h"));
    }
}
