//! Words, whole ones only: in the text round a finding and in the keys above it.

use crate::bytes::{at, before};
use crate::placeholder;

/// A text to look at and the words that stand above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    /// The view of the text.
    pub text: &'a [u8],
    /// JSON keys on the way to the text: as good as a word right before it.
    pub keys: &'a [&'a str],
}

impl Scene<'_> {
    /// Whether one of the words stands within `reach` bytes before `at`, or in the keys.
    pub(crate) fn before(&self, at: usize, reach: usize, words: &[&str]) -> bool {
        self.keys.iter().any(|key| parts(key.as_bytes()).any(|part| listed(part, words)))
            || self.before_in_text(at, reach, words)
    }

    /// As [`Scene::before`], for words that as keys say nothing: `text`, `message`.
    pub(crate) fn before_in_text(&self, at: usize, reach: usize, words: &[&str]) -> bool {
        Backwards { text: self.text, at, limit: at.saturating_sub(reach) }
            .any(|word| listed(word, words))
    }

    /// Whether one of the words stands within `reach` bytes after `end`.
    pub(crate) fn after(&self, end: usize, reach: usize, words: &[&str]) -> bool {
        let stop = self.text.len().min(end + reach);
        let window = self.text.get(end..stop).unwrap_or_default();
        window.split(|b| !b.is_ascii_alphabetic()).any(|word| listed(word, words))
    }
}

fn listed(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(word))
}

/// Words of a text from `at` to the left, as far as they begin after `limit`.
struct Backwards<'a> {
    text: &'a [u8],
    at: usize,
    limit: usize,
}

impl<'a> Iterator for Backwards<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.at > self.limit {
            let end = self.at;
            let mut start = end;
            while start > self.limit && before(self.text, start, 1).is_ascii_alphabetic() {
                start -= 1;
            }
            if start == end {
                self.at -= 1;
                continue;
            }
            self.at = start;
            let cut = before(self.text, start, 1).is_ascii_alphabetic();
            let ours = placeholder::first_in(self.text, start, end).is_some();
            if !cut && !ours {
                return self.text.get(start..end);
            }
        }
        None
    }
}

/// The words of an identifier: `apiKey`, `API_KEY`, `x-api-key` and `APIKey` all have two.
pub(crate) fn parts(name: &[u8]) -> Parts<'_> {
    Parts { name, at: 0 }
}

/// Iterator of [`parts`].
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a> {
    name: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let first = *self.name.get(self.at)?;
            if let Some(length) = placeholder::length_at(self.name, self.at) {
                self.at += length;
            } else if first.is_ascii_alphanumeric() {
                break;
            } else {
                self.at += 1;
            }
        }
        let start = self.at;
        self.at += 1;
        while at(self.name, self.at).is_ascii_alphanumeric() && !self.new_word_here() {
            self.at += 1;
        }
        self.name.get(start..self.at)
    }
}

impl Parts<'_> {
    fn new_word_here(&self) -> bool {
        let here = at(self.name, self.at);
        let last = before(self.name, self.at, 1);
        let next = at(self.name, self.at + 1);
        here.is_ascii_uppercase()
            && (!last.is_ascii_uppercase()
                || last.is_ascii_uppercase() && next.is_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(name: &str) -> Vec<String> {
        parts(name.as_bytes()).map(|p| String::from_utf8_lossy(p).to_lowercase()).collect()
    }

    #[test]
    fn identifiers_fall_into_words() {
        for name in ["apiKey", "API_KEY", "x.api-key", "APIKey", "ApiKEY"] {
            let words = split(name);
            assert_eq!(&words[words.len() - 2..], ["api", "key"], "{name}");
        }
        assert_eq!(split("oauth2Token"), ["oauth2", "token"]);
        assert_eq!(split("[API_KEY] phone"), ["phone"]);
    }

    #[test]
    fn only_whole_words_count() {
        let scene = Scene { text: b"in public Phone: 555", keys: &[] };
        assert!(scene.before(17, 12, &["phone"]));
        assert!(!scene.before(17, 30, &["lic", "pub"]));
        assert!(!scene.before(17, 4, &["phone", "one"]));
        assert!(scene.after(3, 10, &["public"]));
    }

    #[test]
    fn keys_count_and_placeholders_do_not() {
        let scene = Scene { text: b"[PHONE] 555", keys: &["homePhone"] };
        assert!(scene.before(8, 20, &["phone"]));
        let bare = Scene { keys: &[], ..scene };
        assert!(!bare.before(8, 20, &["phone"]));
    }
}
