//! The words that stand where a value was: `[EMAIL]`, `[EMAIL:7f3a91c04d5e]`.
//!
//! They are never found again, whatever stands round them. That is what makes masking a masked
//! text change nothing.

use crate::entity::{Entity, LONGEST_NAME};

/// Hex digits of a pseudonym.
pub(crate) const DIGITS: usize = 12;

/// No placeholder is longer: brackets, colon, the longest name, the digits.
const LONGEST: usize = 3 + LONGEST_NAME + DIGITS;

/// The length of the placeholder that opens at `at`, if one does.
pub(crate) fn length_at(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?.strip_prefix(b"[")?;
    let word = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let name = rest.iter().take(LONGEST_NAME + 1).position(|b| !word(b))?;
    let (name, tail) = rest.split_at_checked(name)?;
    Entity::named(name)?;
    match tail.split_first()? {
        (b']', _) => Some(name.len() + 2),
        (b':', digits) => {
            let (digits, end) = digits.split_at_checked(DIGITS)?;
            let hex = digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            (hex && end.first() == Some(&b']')).then_some(name.len() + DIGITS + 3)
        }
        _ => None,
    }
}

/// Whether the whole text is one placeholder.
pub(crate) fn is_whole(text: &str) -> bool {
    length_at(text.as_bytes(), 0) == Some(text.len())
}

/// The first placeholder that covers any byte of `start..end`.
pub(crate) fn first_in(text: &[u8], start: usize, end: usize) -> Option<(usize, usize)> {
    let from = start.saturating_sub(LONGEST);
    let window = text.get(from..end.min(text.len()))?;
    window.iter().enumerate().filter(|(_, b)| **b == b'[').find_map(|(i, _)| {
        let open = from + i;
        let close = open + length_at(text, open)?;
        (close > start).then_some((open, close))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_words_count() {
        for whole in ["[EMAIL]", "[CREDIT_CARD]", "[PRIVATE_KEY:0123456789ab]"] {
            assert!(is_whole(whole), "{whole}");
        }
        for other in ["[EMAIL", "[email]", "[MAIL]", "[EMAIL:012]", "[EMAIL:0123456789aX]", "EMAIL"]
        {
            assert_eq!(length_at(other.as_bytes(), 0), None, "{other}");
        }
    }

    #[test]
    fn no_name_is_too_long() {
        assert!(Entity::ALL.iter().all(|entity| entity.as_str().len() <= LONGEST_NAME));
    }

    #[test]
    fn finds_the_one_that_reaches_in() {
        let text = b"a [PHONE:0123456789ab] b";
        assert_eq!(first_in(text, 10, 12), Some((2, 22)));
        assert_eq!(first_in(text, 22, 24), None);
        assert_eq!(first_in(text, 0, 2), None);
        assert_eq!(first_in(text, 0, 3), Some((2, 22)));
    }
}
