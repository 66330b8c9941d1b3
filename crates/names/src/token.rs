//! Cuts text into tokens. `train/tokens.py` does the same, token for token: change both.

use std::borrow::Cow;

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Letters, with digits and apostrophes inside.
    Word,
    /// A number, with what hangs on it (`3rd`).
    Number,
    /// One ideograph.
    Ideograph,
    /// One mark, however often it is repeated.
    Mark,
    /// White space with a line break in it.
    Line,
    /// A URL.
    Url,
    /// An e-mail address.
    Mail,
}

/// A piece of text.
#[derive(Clone, Debug)]
pub(crate) struct Token<'t> {
    /// Byte offsets.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// As it stands there, but with a plain apostrophe, one mark for many, `\n` or `\n\n` for a line break.
    pub(crate) text: Cow<'t, str>,
    pub(crate) kind: Kind,
    /// White space stands before it, or nothing.
    pub(crate) space: bool,
}

/// What stands behind an apostrophe and is a token of its own.
const CLITICS: [&str; 7] = ["s", "t", "re", "ve", "ll", "d", "m"];

/// What stands before an apostrophe and is a token of its own.
const ELISIONS: [&str; 21] = [
    "l", "d", "j", "m", "t", "s", "c", "n", "qu", "dell", "all", "nell", "sull", "dall", "un",
    "quest", "jusqu", "lorsqu", "puisqu", "coll", "degl",
];

/// Words whose full stop belongs to them.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "inc", "ltd", "co", "corp", "vs", "rev",
    "gen", "col", "lt", "sgt", "capt", "hon", "gov", "sen", "rep", "pres", "ave", "blvd", "rd",
    "apt", "ste", "no", "nr", "str", "tel", "fig", "approx", "dept", "est", "mt", "ft", "ph",
    "bros", "hr", "fr", "sra", "dra", "dott", "ing", "avv", "mme", "mlle", "av", "pl", "bd", "ul",
    "al", "os", "ул", "г", "д", "кв", "пр", "обл", "им",
];

/// The longest of them, in bytes.
const LONGEST: usize = 8;

/// How far back from its `@` an e-mail address can start, in bytes; a label of its domain is one shorter.
const LOCAL: usize = 64;

pub(crate) fn ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{309f}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

pub(crate) fn letter(c: char) -> bool {
    c.is_ascii_alphabetic()
        || !c.is_ascii()
            && (c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c))
            && !ideograph(c)
}

fn inner(c: char) -> bool {
    letter(c) || c.is_numeric() && !ideograph(c)
}

fn apostrophe(c: char) -> bool {
    c == '\'' || c == '’'
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || "\"'<>()[]{}|\\^`".contains(c)
}

/// All tokens of a text.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut cut = Cutter { text, tokens: Vec::with_capacity(text.len() / 5), space: true };
    let mut at = 0;
    while let Some(first) = cut.char_at(at) {
        at = cut.next(at, first);
    }
    cut.tokens
}

struct Cutter<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    space: bool,
}

impl<'t> Cutter<'t> {
    fn rest(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or_default()
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.rest(at).chars().next()
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn push(&mut self, start: usize, end: usize, text: Cow<'t, str>, kind: Kind) {
        self.tokens.push(Token { start, end, text, kind, space: self.space });
        self.space = false;
    }

    /// Takes what starts at `at` and says where it ends.
    fn next(&mut self, at: usize, first: char) -> usize {
        if first.is_whitespace() {
            return self.blank(at);
        }
        if first.is_ascii() {
            if let Some(end) = self.url(at) {
                self.push(at, end, Cow::Borrowed(self.slice(at, end)), Kind::Url);
                return end;
            }
            if let Some(end) = self.mail(at) {
                self.push(at, end, Cow::Borrowed(self.slice(at, end)), Kind::Mail);
                return end;
            }
        }
        if ideograph(first) {
            let end = at + first.len_utf8();
            self.push(at, end, Cow::Borrowed(self.slice(at, end)), Kind::Ideograph);
            return end;
        }
        if letter(first) {
            let end =
                self.run(at, |c, after| inner(c) || apostrophe(c) && after.is_some_and(letter));
            return self.word(at, end);
        }
        if first.is_numeric() {
            let end = self.number(at);
            self.push(at, end, Cow::Borrowed(self.slice(at, end)), Kind::Number);
            return end;
        }
        let end = self.run(at, |c, _| c == first);
        let one = self.slice(at, at + first.len_utf8());
        self.push(at, end, Cow::Borrowed(one), Kind::Mark);
        end
    }

    /// The end of the run from `at` of chars that `belongs` takes; it sees the char after too.
    fn run(&self, at: usize, belongs: impl Fn(char, Option<char>) -> bool) -> usize {
        let mut chars = self.rest(at).char_indices().peekable();
        while let Some((offset, c)) = chars.next() {
            if !belongs(c, chars.peek().map(|(_, after)| *after)) {
                return at + offset;
            }
        }
        self.text.len()
    }

    fn blank(&mut self, at: usize) -> usize {
        let end = self.run(at, |c, _| c.is_whitespace());
        let run = self.slice(at, end);
        self.space = true;
        let feeds = run.bytes().filter(|byte| *byte == b'\n').count();
        let breaks =
            if feeds > 0 { feeds } else { run.bytes().filter(|byte| *byte == b'\r').count() };
        if breaks > 0 {
            let text = if breaks == 1 { "\n" } else { "\n\n" };
            self.push(at, end, Cow::Borrowed(text), Kind::Line);
            self.space = true;
        }
        end
    }

    /// Digits, with letters among them and points and commas before further digits.
    fn number(&self, at: usize) -> usize {
        self.run(at, |c, after| {
            inner(c) || (c == '.' || c == ',') && after.is_some_and(char::is_numeric)
        })
    }

    fn url(&self, at: usize) -> Option<usize> {
        let rest = self.rest(at);
        let bytes = rest.as_bytes();
        let head = if bytes.first()?.is_ascii_alphabetic() {
            let scheme = bytes
                .iter()
                .take(17)
                .take_while(|b| b.is_ascii_alphanumeric() || b"+.-".contains(b))
                .count();
            if scheme <= 16 && rest.get(scheme..).is_some_and(|tail| tail.starts_with("://")) {
                scheme + 3
            } else if rest.starts_with("www.") {
                4
            } else {
                return None;
            }
        } else {
            return None;
        };
        let end = self.run(at + head, |c, _| !ends_url(c));
        if end == at + head {
            return None;
        }
        let body = self.slice(at, end).trim_end_matches(['.', ',', ';', ':', '!', '?']);
        Some(at + body.len())
    }

    fn mail(&self, at: usize) -> Option<usize> {
        let bytes = self.rest(at).as_bytes();
        let local = bytes
            .iter()
            .take(LOCAL + 1)
            .take_while(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(b))
            .count();
        if local == 0 || local > LOCAL || bytes.get(local) != Some(&b'@') {
            return None;
        }
        let label = |from: usize| {
            let run = bytes.iter().skip(from).take(LOCAL);
            run.take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count().min(LOCAL - 1)
        };
        let mut end = local + 1 + label(local + 1);
        if end == local + 1 {
            return None;
        }
        let mut dots = 0;
        while bytes.get(end) == Some(&b'.') {
            let more = label(end + 1);
            if more == 0 {
                break;
            }
            end += 1 + more;
            dots += 1;
        }
        (dots > 0).then_some(at + end)
    }

    /// A word, from which what is elided before it and what hangs on behind is cut off.
    fn word(&mut self, mut at: usize, end: usize) -> usize {
        let first = self.slice(at, end).find(apostrophe);
        if let Some(first) = first.filter(|first| *first > 0) {
            let mark = self.char_at(at + first).map_or(1, char::len_utf8);
            let head = self.slice(at, at + first).to_lowercase();
            if ELISIONS.contains(&head.as_str()) && at + first + mark < end {
                let cut = at + first + mark;
                self.push(at, cut, plain(self.slice(at, cut)), Kind::Word);
                at = cut;
            }
            let body = self.slice(at, end);
            if let Some(last) = body.rfind(apostrophe).filter(|last| *last > 0) {
                let tail = body.get(last..).unwrap_or_default();
                let tail = tail.trim_start_matches(apostrophe).to_lowercase();
                if CLITICS.contains(&tail.as_str()) {
                    let before = body.get(..last).unwrap_or_default();
                    let not =
                        tail == "t" && before.ends_with(['n', 'N']) && before.chars().count() >= 2;
                    let cut = at + last - usize::from(not);
                    self.push(at, cut, plain(self.slice(at, cut)), Kind::Word);
                    self.push(cut, end, plain(self.slice(cut, end)), Kind::Word);
                    return end;
                }
            }
        }
        let end = self.stop(at, end);
        self.push(at, end, plain(self.slice(at, end)), Kind::Word);
        end
    }

    /// The end of a word with the full stop that belongs to it.
    fn stop(&self, at: usize, mut end: usize) -> usize {
        if self.char_at(end) != Some('.') {
            return end;
        }
        let body = self.slice(at, end);
        let mut chars = body.chars();
        if let (Some(one), None) = (chars.next(), chars.next())
            && one.is_uppercase()
        {
            // "J." and "U.S.": each further letter needs its full stop.
            end += 1;
            while let Some(c) = self.char_at(end)
                && c.is_uppercase()
                && self.char_at(end + c.len_utf8()) == Some('.')
            {
                end += c.len_utf8() + 1;
            }
        } else if body.len() <= LONGEST && ABBREVIATIONS.contains(&body.to_lowercase().as_str()) {
            end += 1;
        }
        end
    }
}

fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('’') { Cow::Owned(text.replace('’', "'")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text.into_owned()).collect()
    }

    #[test]
    fn apostrophes_part_what_is_two_words() {
        assert_eq!(cut("John’s isn't I'll"), ["John", "'s", "is", "n't", "I", "'ll"]);
        assert_eq!(
            cut("l'Allemagne dell'Arte D'Angelo"),
            ["l'", "Allemagne", "dell'", "Arte", "D'", "Angelo"]
        );
        assert_eq!(cut("O'Neil's 'quoted'"), ["O'Neil", "'s", "'", "quoted", "'"]);
    }

    #[test]
    fn full_stops_stay_with_initials_and_abbreviations() {
        assert_eq!(
            cut("Mr. J.R. Smith, U.S. end."),
            ["Mr.", "J.R.", "Smith", ",", "U.S.", "end", "."]
        );
    }

    #[test]
    fn numbers_marks_and_lines() {
        assert_eq!(cut("12b 12,345.67 3rd."), ["12b", "12,345.67", "3rd", "."]);
        assert_eq!(cut("a -----\r\nb\n \nc"), ["a", "-", "\n", "b", "\n\n", "c"]);
    }

    #[test]
    fn addresses_of_the_net_are_one_token() {
        assert_eq!(
            cut("<a.b@c.de>, (https://d.org/x?y=1)."),
            ["<", "a.b@c.de", ">", ",", "(", "https://d.org/x?y=1", ")", "."]
        );
        assert_eq!(cut("a@b c://"), ["a", "@", "b", "c", ":", "/"]);
    }

    #[test]
    fn ideographs_stand_alone() {
        assert_eq!(cut("我叫Anna吗"), ["我", "叫", "Anna", "吗"]);
    }

    #[test]
    fn offsets_and_white_space_are_of_the_text() {
        let text = "é  x’s\n";
        let found: Vec<_> = tokens(text).iter().map(|t| (t.start, t.end, t.space)).collect();
        assert_eq!(found, [(0, 2, true), (4, 5, true), (5, 9, false), (9, 10, true)]);
    }
}
