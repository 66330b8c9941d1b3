//! A text as the tagger of names reads it: without what is invisible, and with look-alikes made
//! plain inside words of another script.

use std::borrow::Cow;

use crate::fold::{self, Read};

/// A cleaned text with the way back.
pub(crate) struct Clean<'a> {
    text: Cow<'a, str>,
    /// From `.0` on in the clean text, the original is at `.1`.
    marks: Vec<(usize, usize)>,
}

impl<'a> Clean<'a> {
    /// Cleans a text; nearly every text is clean.
    pub(crate) fn of(text: &'a str) -> Self {
        if text.is_ascii() || !text.chars().any(|c| !c.is_ascii() && !is_usual(c)) {
            return Self { text: Cow::Borrowed(text), marks: Vec::new() };
        }
        let mut clean = String::with_capacity(text.len());
        let mut marks = Vec::new();
        let mut latin = false;
        for (at, c) in text.char_indices() {
            if clean.len() != at || !marks.is_empty() {
                marks.push((clean.len(), at));
            }
            if c.is_ascii() {
                latin = c.is_ascii_alphabetic() || latin && c.is_ascii_alphanumeric();
                clean.push(c);
                continue;
            }
            if is_usual(c) {
                latin = latin && c.is_alphabetic();
                clean.push(c);
                continue;
            }
            match fold::read(c) {
                Read::Gone => {}
                // A Cyrillic letter in a Cyrillic word is what it is.
                Read::As(plain)
                    if is_styled(c) || latin || starts_latin(text, at + c.len_utf8()) =>
                {
                    clean.push(plain);
                }
                Read::As(_) | Read::Itself => clean.push(c),
            }
        }
        marks.push((clean.len(), text.len()));
        Self { text: Cow::Owned(clean), marks }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The place in the original of a place in the clean text.
    pub(crate) fn origin(&self, at: usize) -> usize {
        let after = self.marks.partition_point(|(from, _)| *from <= at);
        let mark = after.checked_sub(1).and_then(|i| self.marks.get(i));
        mark.map_or(at, |(from, origin)| origin + (at - from))
    }
}

/// Letters with marks, and what typesetting uses: read as they are.
fn is_usual(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2013}' | '\u{2014}'
        | '\u{2018}'..='\u{201f}' | '\u{2026}' | '\u{a0}' | '\u{a3}' | '\u{ab}' | '\u{bb}'
        | '\u{20ac}' | '\u{3041}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Full-width and mathematical letters, which no language writes with.
fn is_styled(c: char) -> bool {
    matches!(c, '\u{ff00}'..='\u{ffef}' | '\u{1d400}'..='\u{1d7ff}' | '\u{2100}'..='\u{214f}'
        | '\u{2460}'..='\u{24ff}')
}

/// Whether the word goes on with an ASCII letter.
fn starts_latin(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let mut word = rest.chars().take_while(|c| c.is_alphabetic());
    word.any(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        Clean::of(text).text().to_owned()
    }

    #[test]
    fn tricks_are_undone_and_languages_are_not() {
        assert_eq!(clean("J\u{43e}hn Sm\u{200b}ith"), "John Smith");
        assert_eq!(clean("Ｊｏｈｎ"), "John");
        for text in ["Иван Петров", "José Müller", "李雷 met Ana", "Ελένη"] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn places_lead_back() {
        let text = "a\u{200b}b Ｊo \u{43e}x";
        let clean = Clean::of(text);
        assert_eq!(clean.text(), "ab Jo ox");
        for (i, c) in clean.text().char_indices() {
            assert!(text.is_char_boundary(clean.origin(i)), "{i} {c}");
        }
        assert_eq!(text.get(clean.origin(3)..clean.origin(5)), Some("Ｊo"));
        assert_eq!(clean.origin(clean.text().len()), text.len());
    }
}
