//! Bytes of a view, read without a bounds check at every step.

/// A set of bytes.
#[derive(Debug)]
pub(crate) struct Set([bool; 256]);

impl Set {
    /// The ASCII letters and digits, and these.
    pub(crate) const fn alnum_and(more: &[u8]) -> Self {
        Self::fill(true, true, more)
    }

    /// The ASCII letters, and these.
    pub(crate) const fn alpha_and(more: &[u8]) -> Self {
        Self::fill(true, false, more)
    }

    /// These bytes.
    pub(crate) const fn only(these: &[u8]) -> Self {
        Self::fill(false, false, these)
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing,
        reason = "const evaluation knows no `From` and no iterators, and stops on a wrong index"
    )]
    const fn fill(alpha: bool, digit: bool, more: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut i = 0;
        while i < 256 {
            let byte = i as u8;
            set[i] = alpha && byte.is_ascii_alphabetic() || digit && byte.is_ascii_digit();
            i += 1;
        }
        let mut i = 0;
        while i < more.len() {
            set[more[i] as usize] = true;
            i += 1;
        }
        Self(set)
    }

    /// Whether the byte is in the set.
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

/// The byte at a place; NUL beyond the end, which no value holds.
pub(crate) fn at(text: &[u8], i: usize) -> u8 {
    text.get(i).copied().unwrap_or(0)
}

/// The byte `n` places before `i`; NUL before the beginning.
pub(crate) fn before(text: &[u8], i: usize, n: usize) -> u8 {
    i.checked_sub(n).map_or(0, |i| at(text, i))
}

/// The bytes of a range; none if it does not lie in the text.
pub(crate) fn slice(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end).unwrap_or_default()
}

/// Where the run of members that starts at `from` ends.
pub(crate) fn run(text: &[u8], from: usize, set: &Set) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|b| !set.has(*b)).unwrap_or(rest.len())
}

/// As [`run`], but looks at no more than `most` bytes, lest many runs to the end take too long.
pub(crate) fn run_within(text: &[u8], from: usize, most: usize, set: &Set) -> usize {
    run(text.get(..text.len().min(from.saturating_add(most))).unwrap_or(text), from, set)
}

/// Where the run of members that ends at `to` starts.
pub(crate) fn run_back(text: &[u8], to: usize, set: &Set) -> usize {
    let rest = text.get(..to).unwrap_or_default();
    rest.iter().rposition(|b| !set.has(*b)).map_or(0, |i| i + 1)
}

/// Whether the byte is part of a word, in whatever script.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == crate::fold::LETTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_the_set_ends() {
        let set = Set::only(b"ab");
        assert_eq!(run(b"xabay", 1, &set), 4);
        assert_eq!(run_back(b"xabay", 4, &set), 1);
        assert_eq!(run(b"ab", 7, &set), 7);
        assert_eq!(run_back(b"ab", 2, &set), 0);
        assert!(Set::alnum_and(b"-").has(b'-') && !Set::alpha_and(b"").has(b'1'));
    }

    #[test]
    fn outside_there_is_nothing() {
        assert_eq!((at(b"a", 1), before(b"a", 0, 1), before(b"ab", 2, 2)), (0, 0, b'a'));
        assert_eq!(slice(b"abc", 2, 9), b"");
    }
}
