//! The view of a text in which the detectors look: one byte per visible character.
//!
//! ASCII text is its own view. Escapes of URLs and of JSON are read as what they stand for. In any other text characters that only look like ASCII become
//! ASCII, invisible ones vanish, and the rest becomes [`LETTER`] or [`OTHER`]. A map leads back,
//! so that outside a finding not one byte of the original changes.

mod escape;
mod table;
mod words;

use std::borrow::Cow;

use table::{Folded, fold};

/// Works out the tables ahead of the first text.
pub(crate) fn prepare() {
    table::prepare();
    words::prepare();
}

/// Stands for a letter that looks like no ASCII character.
pub(crate) const LETTER: u8 = 0x80;

/// Stands for anything else: ideographs, symbols, emoji. A value may begin or end beside it.
pub(crate) const OTHER: u8 = 0x81;

/// A text as the detectors see it.
#[derive(Debug)]
pub(crate) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where the view falls behind the text: from `.0` on in the view, `.1` bytes are missing.
    shifts: Vec<(usize, usize)>,
}

impl<'a> View<'a> {
    /// Folds the text unless it is plain ASCII without escapes.
    pub(crate) fn of(text: &'a str) -> Self {
        let escapes = text.as_bytes().contains(&b'%') || text.contains("\\u");
        if text.is_ascii() && !escapes {
            return Self { bytes: Cow::Borrowed(text.as_bytes()), shifts: Vec::new() };
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut shifts = Vec::new();
        let mut rest = text;
        let mut missing = 0;
        let special = |b: u8| !b.is_ascii() || escapes && matches!(b, b'%' | b'\\');
        while let Some(at) = rest.bytes().position(special) {
            let (ascii, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
            bytes.extend_from_slice(ascii.as_bytes());
            if let Some((seen, length)) = words::at(tail) {
                // A place inside of the word leads to its end.
                for (i, byte) in (1..).zip(seen.bytes()) {
                    bytes.push(byte);
                    shifts.push((bytes.len(), missing + length - i));
                }
                missing += length - seen.len();
                rest = tail.get(length..).unwrap_or_default();
                continue;
            }
            let mut chars = tail.chars();
            let Some(c) = chars.next() else { break };
            let (c, length) = match escape::at(tail) {
                Some((escaped, length)) => {
                    chars = tail.get(length..).unwrap_or_default().chars();
                    (escaped, length)
                }
                None => (c, c.len_utf8()),
            };
            rest = chars.as_str();
            let folded = if c.is_ascii() { Folded::Byte(as_byte(c)) } else { fold(c) };
            if let Folded::Byte(byte) = folded {
                bytes.push(byte);
                if length == 1 {
                    continue;
                }
            }
            missing += length - usize::from(matches!(folded, Folded::Byte(_)));
            match shifts.last_mut() {
                Some((from, total)) if *from == bytes.len() => *total = missing,
                _ => shifts.push((bytes.len(), missing)),
            }
        }
        bytes.extend_from_slice(rest.as_bytes());
        Self { bytes: Cow::Owned(bytes), shifts }
    }

    /// The bytes to look at.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place in the text of a place in the view. Always on a character boundary.
    pub(crate) fn origin(&self, at: usize) -> usize {
        let after = self.shifts.partition_point(|(from, _)| *from <= at);
        let missing = after.checked_sub(1).and_then(|i| self.shifts.get(i));
        at + missing.map_or(0, |(_, missing)| *missing)
    }
}

fn as_byte(c: char) -> u8 {
    u8::try_from(c).unwrap_or(OTHER)
}

/// How a character outside ASCII is read.
pub(crate) enum Read {
    /// It is not seen.
    Gone,
    /// As this character of ASCII.
    As(char),
    /// As itself.
    Itself,
}

/// How a character outside ASCII is read.
pub(crate) fn read(c: char) -> Read {
    match fold(c) {
        Folded::Gone => Read::Gone,
        Folded::Byte(byte) if byte.is_ascii() => Read::As(char::from(byte)),
        Folded::Byte(_) => Read::Itself,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<u8> {
        View::of(text).bytes().to_vec()
    }

    #[test]
    fn ascii_is_its_own_view() {
        let view = View::of("a@b.com");
        assert!(matches!(view.bytes, Cow::Borrowed(_)));
        assert_eq!(view.origin(3), 3);
    }

    #[test]
    fn twins_become_ascii() {
        assert_eq!(seen("４１１１"), b"4111");
        assert_eq!(seen("٤٥٥-٩٧"), b"455-97");
        assert_eq!(seen("𝐑𝐢@𝐜𝟗"), b"Ri@c9");
        assert_eq!(seen("АКСр7"), b"AKCp7");
        assert_eq!(seen("60‑56–7"), b"60-56-7");
        assert_eq!(seen("1\u{a0}2"), b"1 2");
        assert_eq!(seen("téléphone"), b"telephone");
    }

    #[test]
    fn the_invisible_vanishes() {
        assert_eq!(seen("4\u{200c}1\u{ad}1\u{feff}"), b"411");
        assert_eq!(seen("7\u{303}8"), b"78");
    }

    #[test]
    fn the_rest_keeps_its_kind() {
        assert_eq!(seen("ж中🙂"), [LETTER, OTHER, OTHER]);
    }

    #[test]
    fn words_of_other_scripts_are_seen_as_what_they_mean() {
        let text = "密码：Abc1 пароль: x";
        let view = View::of(text);
        assert_eq!(view.bytes(), b"pwd:Abc1 password: x");
        let to = |at: usize| text.get(view.origin(at)..).unwrap();
        assert_eq!(to(0), text);
        assert_eq!(to(1), "：Abc1 пароль: x");
        assert_eq!(to(3), "：Abc1 пароль: x");
        assert_eq!(to(4), "Abc1 пароль: x");
        assert_eq!(to(9), "пароль: x");
        assert_eq!(to(12), ": x");
        assert_eq!(to(17), ": x");
        assert_eq!(to(19), "x");
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(seen("ada%40example.com"), b"ada@example.com");
        assert_eq!(seen("ada\\u0040example"), b"ada@example");
        assert_eq!(seen("5%2b5 100% %zz \\d \\u12"), b"5+5 100% %zz \\d \\u12");
        assert_eq!(seen("%e2%82%ac 1"), [OTHER, b' ', b'1']);
        let text = "x %40y \\u0041z";
        let view = View::of(text);
        assert_eq!(view.bytes(), b"x @y Az");
        assert_eq!(&text[view.origin(2)..view.origin(3)], "%40");
        assert_eq!(&text[view.origin(5)..view.origin(7)], "\\u0041z");
    }

    #[test]
    fn places_lead_back() {
        let text = "é\u{200b}４x🙂\u{200c}y";
        let view = View::of(text);
        assert_eq!(view.bytes(), [b'e', b'4', b'x', OTHER, b'y']);
        let back: Vec<_> = (0..=5).map(|i| view.origin(i)).collect();
        for (i, at) in back.iter().enumerate() {
            assert!(text.is_char_boundary(*at), "{i} -> {at}");
        }
        assert_eq!(&text[back[1]..back[2]], "４");
        assert_eq!(&text[back[2]..back[3]], "x");
        assert_eq!(&text[back[4]..], "y");
        assert_eq!(back[5], text.len());
    }
}
