//! Groups of digits that belong together: what a card, a phone or a social security number is.

use crate::bytes::{at, before, is_word, slice};

/// No number people write has more groups.
const MOST: usize = 19;

/// Groups of digits with nothing but separators between them.
#[derive(Debug)]
pub(crate) struct Number {
    groups: [(usize, usize); MOST],
    length: usize,
    /// Where it starts, with a leading `+` or `(`.
    pub start: usize,
    /// Where its last group ends.
    pub end: usize,
    /// How many digits it has.
    pub digits: usize,
    /// Whether a `+` leads it.
    pub plus: bool,
}

impl Number {
    /// Reads the number whose first group starts at `from`; `None` if a word leads into it.
    pub(crate) fn read(text: &[u8], from: usize) -> Option<Self> {
        Self::read_by(text, from, next_group)
    }

    /// As [`Number::read`], over the end of one line, and over two blanks.
    pub(crate) fn read_loosely(text: &[u8], from: usize) -> Option<Self> {
        let mut lines = 1;
        Self::read_by(text, from, |text, close| {
            next_group(text, close).or_else(|| {
                let gap = match (at(text, close), at(text, close + 1)) {
                    (b'\r' | b' ' | b'-', b'\n') | (b'\n' | b' ', b' ') => 2,
                    (b'\n', _) => 1,
                    _ => return None,
                };
                let line = usize::from(slice(text, close, close + gap).contains(&b'\n'));
                let more = lines >= line && at(text, close + gap).is_ascii_digit();
                lines -= if more { line } else { 0 };
                more.then_some(close + gap)
            })
        })
    }

    fn read_by(
        text: &[u8],
        from: usize,
        mut next_group: impl FnMut(&[u8], usize) -> Option<usize>,
    ) -> Option<Self> {
        let mut start = from;
        if before(text, start, 1) == b'(' {
            start -= 1;
        }
        let plus = before(text, start, 1) == b'+';
        start -= usize::from(plus);
        if is_word(before(text, start, 1)) && start == from {
            return None;
        }
        let mut number =
            Self { groups: [(0, 0); MOST], length: 0, start, end: from, digits: 0, plus };
        let mut next = Some(from);
        while let Some(open) = next {
            let close = end_of_digits(text, open);
            let Some(slot) = number.groups.get_mut(number.length) else {
                break;
            };
            if is_word(at(text, close)) && !is_extension(text, close) {
                break;
            }
            *slot = (open, close);
            number.length += 1;
            number.digits += close - open;
            number.end = close;
            next = next_group(text, close);
        }
        (number.length > 0).then_some(number)
    }

    /// The places of its groups.
    pub(crate) fn groups(&self) -> &[(usize, usize)] {
        self.groups.get(..self.length).unwrap_or_default()
    }

    /// The digits of one group.
    pub(crate) fn group<'a>(&self, text: &'a [u8], i: usize) -> &'a [u8] {
        self.groups().get(i).map_or(&[], |(open, close)| slice(text, *open, *close))
    }

    /// What stands between a group and the next.
    pub(crate) fn separator<'a>(&self, text: &'a [u8], i: usize) -> &'a [u8] {
        match (self.groups().get(i), self.groups().get(i + 1)) {
            (Some((_, close)), Some((open, _))) => slice(text, *close, *open),
            _ => &[],
        }
    }
}

/// Where the run of digits that starts at `open` ends.
pub(crate) fn end_of_digits(text: &[u8], open: usize) -> usize {
    let rest = text.get(open..).unwrap_or_default();
    open + rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len())
}

/// Whether an extension follows, as in `x123`.
fn is_extension(text: &[u8], at_: usize) -> bool {
    matches!(at(text, at_), b'x' | b'X') && at(text, at_ + 1).is_ascii_digit()
}

/// Up to three separators may stand between two groups, and no two spaces.
fn next_group(text: &[u8], from: usize) -> Option<usize> {
    let mut i = from;
    while i < from + 3 && matches!(at(text, i), b' ' | b'-' | b'.' | b'/' | b'(' | b')') {
        if i > from && at(text, i) == b' ' && before(text, i, 1) == b' ' {
            return None;
        }
        i += 1;
    }
    (i > from && at(text, i).is_ascii_digit()).then_some(i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, usize)> {
        let from = text.bytes().position(|b| b.is_ascii_digit()).unwrap();
        let number = Number::read(text.as_bytes(), from)?;
        Some((text[number.start..number.end].to_owned(), number.groups().len()))
    }

    #[test]
    fn groups_hang_together() {
        assert_eq!(read("call (555) 123-4567 now"), Some(("(555) 123-4567".into(), 3)));
        assert_eq!(read("+46 (0)8 928 571 38 fax"), Some(("+46 (0)8 928 571 38".into(), 6)));
        assert_eq!(read("12  34"), Some(("12".into(), 1)));
        assert_eq!(read("12\n34"), Some(("12".into(), 1)));
        let over = Number::read_loosely(b"12\n34\n56", 0).unwrap();
        assert_eq!((over.end, over.digits), (5, 4));
    }

    #[test]
    fn words_cut_it() {
        assert_eq!(read("a1234"), None);
        assert_eq!(read("555 12ab"), Some(("555".into(), 1)));
        assert_eq!(read("555-123x77"), Some(("555-123".into(), 2)));
    }
}
