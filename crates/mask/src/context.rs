//! What the words round a value say it is: the words of every identifier, looked up in one walk.

use std::sync::LazyLock;

use crate::bytes::{at, before, slice};
use crate::detect::{id, phone};
use crate::fold::{LETTER, View};
use crate::placeholder;
use crate::words::{Scene, parts};

/// A set of topics, one bit each.
pub(crate) type Topics = u128;

/// How far before a value its words may stand, in bytes.
const BEFORE: usize = 56;
/// How far after a value its words may stand, in bytes.
const AFTER: usize = 32;
/// A telling word after the value counts as if it stood this far before it.
const LATER: usize = 40;
/// How far away the words of each key above the first one count.
const KEY_STEP: usize = 12;
/// So many digits in a row are a value of their own.
const OTHER_VALUE: usize = 4;
/// No value has more telling words round it that matter.
const MOST: usize = 12;

/// Words that say which topics a value near them has.
#[derive(Debug)]
struct Lexicon {
    /// Sorted by hash.
    words: Vec<(u64, Topics)>,
    /// Which low halves of hashes occur at all.
    seen: [u64; 64],
}

/// A telling word near a value.
#[derive(Clone, Copy, Debug, Default)]
struct Near {
    topics: Topics,
    distance: usize,
    /// Another value stands between them, and the word may be its label.
    crossed: bool,
    side: Side,
}

/// Where a telling word stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Side {
    /// In the text before the value.
    #[default]
    Before,
    /// In the text after it.
    After,
    /// In a key above the text.
    Key,
}

/// The telling words round a value, the nearest first.
#[derive(Debug, Default)]
pub(crate) struct Context {
    near: [Near; MOST],
    length: usize,
}

/// The telling words round the place that was asked about last: several detectors ask about one.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    start: Option<usize>,
    end: Option<usize>,
    /// How many of the words stand in keys or before the value.
    before: usize,
    context: Context,
}

/// How a topic stands to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    /// How far away its word is, in bytes or what counts as such.
    pub distance: usize,
    /// Whether its word is the label of this value: before it, with no other value between.
    pub label: bool,
    /// Where its word stands.
    pub side: Side,
    /// Whether a word that names something else is nearer.
    pub stopped: bool,
}

impl Lexicon {
    /// A lexicon of words and of phrases of two words, in any script.
    fn new<'a>(phrases: impl Iterator<Item = (&'a str, Topics)>) -> Self {
        let mut words: Vec<(u64, Topics)> = Vec::new();
        for (phrase, topics) in phrases {
            words.push((hash_phrase(phrase), topics));
            // In other alphabets the view of a capital is not the capital of the view.
            if !phrase.is_ascii() {
                let upper = phrase.to_uppercase();
                let head: String = upper.chars().take(1).chain(phrase.chars().skip(1)).collect();
                words.extend([upper, head].map(|phrase| (hash_phrase(&phrase), topics)));
            }
        }
        words.sort_unstable_by_key(|word| word.0);
        words.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 |= if same { next.1 } else { 0 };
            same
        });
        let mut seen = [0; 64];
        for (hash, _) in &words {
            if let Some(slot) = seen.get_mut(low(*hash) / 64) {
                *slot |= 1 << (low(*hash) % 64);
            }
        }
        Self { words, seen }
    }

    fn topics(&self, hash: u64) -> Topics {
        let slot = self.seen.get(low(hash) / 64).copied().unwrap_or_default();
        if slot >> (low(hash) % 64) & 1 == 0 {
            return 0;
        }
        let place = self.words.binary_search_by_key(&hash, |word| word.0);
        place.ok().and_then(|i| self.words.get(i)).map_or(0, |word| word.1)
    }

    fn in_keys(&self, scene: &Scene<'_>, context: &mut Context) {
        for (i, key) in scene.keys.iter().enumerate() {
            let mut previous = None;
            for part in parts(key.as_bytes()) {
                let word = hash(part);
                let both = previous.map_or(0, |previous| self.topics(pair(previous, word)));
                let topics = self.topics(word) | both;
                let key =
                    Near { topics, distance: i * KEY_STEP, side: Side::Key, ..Near::default() };
                context.add(key);
                previous = Some(word);
            }
        }
    }

    fn in_text_before(&self, text: &[u8], start: usize, context: &mut Context) {
        let limit = start.saturating_sub(BEFORE);
        let mut i = start;
        let mut crossed = false;
        let mut digits = 0;
        let mut next: Option<u64> = None;
        while i > limit {
            let byte = before(text, i, 1);
            if byte == b']'
                && let Some((open, _)) = placeholder::first_in(text, i - 1, i)
            {
                // The value that stood there had the words before it.
                crossed = true;
                next = None;
                i = open;
                continue;
            }
            if byte == b'\n' && before(text, i, 2) == b'\n' {
                break;
            }
            if !is_letter(byte) {
                digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
                crossed |= digits >= OTHER_VALUE;
                i -= 1;
                continue;
            }
            digits = 0;
            let mut open = i - 1;
            while open > limit && is_letter(before(text, open, 1)) {
                open -= 1;
            }
            let cut = is_letter(before(text, open, 1));
            let word = slice(text, open, i);
            i = open;
            // The `s` of `driver's` is no word, and `dl` in `dl.acm.org` is no label.
            if cut
                || is_host(text, open + word.len())
                || word.len() == 1 && before(text, open, 1) == b'\''
            {
                continue;
            }
            let hash = hash(word);
            let both = next.map_or(0, |next| self.topics(pair(hash, next)));
            let topics = self.topics(hash) | both;
            context.add(Near { topics, distance: start - open, crossed, ..Near::default() });
            next = Some(hash);
        }
    }

    fn in_text_after(&self, text: &[u8], end: usize, context: &mut Context) {
        let limit = text.len().min(end + AFTER);
        let mut i = end;
        let mut previous: Option<u64> = None;
        let known = context.length;
        while i < limit {
            let byte = at(text, i);
            // Before another value the words are that one's.
            if byte.is_ascii_digit() || byte == b'[' {
                context.length = known;
                break;
            }
            if matches!(byte, b'\n' | b',' | b';' | b'|') || byte == b'.' && at(text, i + 1) == b' '
            {
                break;
            }
            if !is_letter(byte) {
                i += 1;
                continue;
            }
            let open = i;
            while is_letter(at(text, i)) {
                i += 1;
            }
            if at(text, i) == b':' {
                context.length = known;
                break;
            }
            let hash = hash(slice(text, open, i));
            let both = previous.map_or(0, |previous| self.topics(pair(previous, hash)));
            let topics = self.topics(hash) | both;
            let distance = LATER + open - end;
            context.add(Near { topics, distance, side: Side::After, ..Near::default() });
            previous = Some(hash);
        }
    }
}

impl Surroundings {
    /// The telling words round `start..end` and in the keys above it.
    pub(crate) fn of(&mut self, scene: &Scene<'_>, start: usize, end: usize) -> &Context {
        self.with(&LEXICON, scene, start, end)
    }

    fn with(&mut self, lexicon: &Lexicon, scene: &Scene<'_>, start: usize, end: usize) -> &Context {
        if self.start != Some(start) {
            self.context.length = 0;
            lexicon.in_keys(scene, &mut self.context);
            lexicon.in_text_before(scene.text, start, &mut self.context);
            (self.start, self.before, self.end) = (Some(start), self.context.length, None);
        }
        if self.end != Some(end) {
            self.context.length = self.before;
            lexicon.in_text_after(scene.text, end, &mut self.context);
            self.end = Some(end);
        }
        &self.context
    }
}

impl Context {
    fn add(&mut self, near: Near) {
        if near.topics != 0
            && let Some(slot) = self.near.get_mut(self.length)
        {
            *slot = near;
            self.length += 1;
        }
    }

    /// How one of these topics stands to the value; `None` if no word speaks of it.
    ///
    /// A word of `stop` that is nearer takes the label away: the value is something else.
    pub(crate) fn relation(&self, topics: Topics, stop: Topics) -> Option<Relation> {
        let mut stopped = false;
        for near in self.near.get(..self.length).unwrap_or_default() {
            if near.topics & topics != 0 {
                let Near { distance, side, .. } = *near;
                let label = !(near.crossed || side == Side::After || stopped);
                return Some(Relation { distance, label, side, stopped });
            }
            stopped |= near.topics & stop != 0;
        }
        None
    }
}

/// Whether a name goes on with a dot, and then with another dot or a path.
fn is_host(text: &[u8], end: usize) -> bool {
    let rest = slice(text, end + 1, text.len().min(end + 32));
    let label = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(0);
    at(text, end) == b'.' && label > 0 && matches!(at(rest, label), b'.' | b'/')
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == LETTER
}

fn hash_phrase(phrase: &str) -> u64 {
    let view = View::of(phrase);
    let mut hashes = view.bytes().split(|b| *b == b' ').map(hash);
    let first = hashes.next().unwrap_or_default();
    hashes.next().map_or(first, |second| pair(first, second))
}

/// FNV-1a of the word in lower case.
fn hash(word: &[u8]) -> u64 {
    word.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

fn pair(first: u64, second: u64) -> u64 {
    first.rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second
}

fn low(hash: u64) -> usize {
    usize::try_from(hash >> 20 & 0xfff).unwrap_or_default()
}

/// The lexicon of every detector that looks words up here.
static LEXICON: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::new(id::phrases().chain(phone::phrases())));

/// Builds what is built once.
pub(crate) fn prepare() {
    LazyLock::force(&LEXICON);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        let phrases = [("passport", 1), ("tax id", 2), ("паспорт", 1), ("order", 4)];
        Lexicon::new(phrases.into_iter())
    }

    fn relation(text: &str, topics: Topics) -> Option<Relation> {
        let view = View::of(text);
        let from = view.bytes().iter().position(|b| *b == b'#').unwrap();
        let keys: &[&str] = &[];
        let scene = Scene { text: view.bytes(), keys };
        let mut surroundings = Surroundings::default();
        surroundings.with(&lexicon(), &scene, from, from + 1).relation(topics, 4)
    }

    fn label(text: &str, topics: Topics) -> Option<bool> {
        relation(text, topics).map(|relation| relation.label)
    }

    #[test]
    fn words_and_phrases_before_and_after() {
        assert_eq!(label("my Passport no. #", 1), Some(true));
        assert_eq!(label("паспорт: #", 1), Some(true));
        assert_eq!(label("TAX-ID #", 2), Some(true));
        assert_eq!(label("the tax on my id #", 2), None);
        assert_eq!(label("passports #", 1), None);
        assert_eq!(label("# is my passport", 1), Some(false));
        assert_eq!(label("#, passport X", 1), None);
        assert_eq!(label("# passport: X", 1), None);
    }

    #[test]
    fn a_label_belongs_to_one_value() {
        assert_eq!(label("passport 12345, #", 1), Some(false));
        assert_eq!(label("[US_PASSPORT] passport [EMAIL], #", 1), Some(false));
        assert_eq!(label("[PASSPORT] #", 1), None);
        assert_eq!(label("passport of order #", 1), Some(false));
        assert_eq!(label("passport\n\n#", 1), None);
    }

    #[test]
    fn keys_are_the_nearest_words() {
        let scene = Scene { text: b"#", keys: &["value", "taxId"] };
        let mut surroundings = Surroundings::default();
        let context = surroundings.with(&lexicon(), &scene, 0, 1);
        assert_eq!(context.relation(2, 0).map(|r| r.distance), Some(KEY_STEP));
    }
}
