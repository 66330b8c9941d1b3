//! Text in unlimited supply: sentences drawn from a word list by a seeded generator.
//!
//! Composing text word by word would cost the load generator more than the proxy spends on it. So
//! a few megabytes of sentences are composed once, and a text is a window into them behind a tag
//! of words that no other text has. Load generator and upstream compose the same pool, so a number
//! is enough for either to know what the other sends.

use crate::num;
use crate::words::WORDS;

/// Size of the pool: large enough for variety, small enough for a core's cache.
const POOL: usize = 1 << 20;

/// Texts start and end at the sentence that follows a multiple of this.
const BLOCK: usize = 64;

/// Longest text that may be asked for.
const LONGEST: usize = 64 << 10;

/// Words in the tag before a text; each carries eight bits of the text's number.
const TAG_WORDS: u32 = 5;

/// A small seeded generator (`splitmix64`); the quality of the randomness hardly matters here.
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator of its own sequence for each seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        scale(self.next(), bound)
    }
}

/// The pool of sentences. The bytes are ready to stand inside a JSON string.
pub(crate) struct Text {
    pool: Vec<u8>,
    /// For each block, where the first sentence after its begin starts. Cutting elsewhere could
    /// split an escape or a character.
    starts: Vec<usize>,
    words: Vec<&'static str>,
}

impl Text {
    /// The pool; the same in every process.
    pub(crate) fn new() -> Self {
        let words: Vec<_> = WORDS.split_whitespace().collect();
        let mut rng = Rng::new(0x5eed);
        let mut pool = Vec::with_capacity(POOL + 512);
        let mut starts = Vec::new();
        while pool.len() < POOL {
            starts.resize(pool.len().div_ceil(BLOCK), pool.len());
            sentence(&words, &mut rng, &mut pool);
        }
        Self { pool, starts, words }
    }

    /// Appends text number `number`, about `length` bytes long. Texts with different numbers below
    /// 2^40 differ in their first words.
    pub(crate) fn write(&self, number: u64, length: usize, out: &mut Vec<u8>) {
        let before = out.len();
        for place in 0..TAG_WORDS {
            let word = num::index(number >> (8 * place)) & 0xff;
            out.extend_from_slice(self.words.get(word).copied().unwrap_or_default().as_bytes());
            out.push(if place + 1 == TAG_WORDS { b':' } else { b' ' });
        }
        let left = length.min(LONGEST).saturating_sub(out.len() - before);
        let from = self.boundary(scale(mix(number), POOL - LONGEST));
        let to = self.boundary(from + left);
        out.extend_from_slice(self.pool.get(from..to).unwrap_or_default());
    }

    /// The first start of a sentence after `position`, or nearly so.
    fn boundary(&self, position: usize) -> usize {
        self.starts.get(position / BLOCK).copied().unwrap_or(self.pool.len())
    }
}

/// One sentence as people write to models: mostly words, now and then a figure, a name, an address,
/// a quotation, a new paragraph, a letter outside ASCII.
fn sentence(words: &[&str], rng: &mut Rng, out: &mut Vec<u8>) {
    let length = 4 + rng.below(9);
    for place in 0..length {
        out.push(b' ');
        let first = place == 0;
        match rng.below(240) {
            0..=5 if !first => {
                out.extend_from_slice((10 + rng.below(9_990)).to_string().as_bytes());
            }
            6..=7 if !first => out.extend_from_slice("Zoë".as_bytes()),
            8 if !first => {
                let name = word(words, rng);
                out.extend_from_slice(format!("{name}.{}@example.com", rng.below(90)).as_bytes());
            }
            9..=10 if !first => {
                out.extend_from_slice(b"\\\"");
                out.extend_from_slice(word(words, rng).as_bytes());
                out.extend_from_slice(b"\\\"");
            }
            _ => {
                let text = word(words, rng).as_bytes();
                let (head, tail) = text.split_at(text.len().min(1));
                out.extend(head.iter().map(|c| if first { c.to_ascii_uppercase() } else { *c }));
                out.extend_from_slice(tail);
            }
        }
        if !first && place + 1 < length && rng.below(11) == 0 {
            out.push(b',');
        }
    }
    out.extend_from_slice(match rng.below(12) {
        0 => b"?".as_slice(),
        1 => b".\\n\\n".as_slice(),
        _ => b".".as_slice(),
    });
}

/// The square of a uniform draw favours the front of the list.
fn word<'a>(words: &[&'a str], rng: &mut Rng) -> &'a str {
    let limit = 1 + rng.below(words.len());
    words.get(rng.below(limit)).copied().unwrap_or_default()
}

/// The finaliser of `splitmix64`: spreads neighbouring numbers over the whole range.
fn mix(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Maps a number of 64 bits to `0..bound`.
fn scale(number: u64, bound: usize) -> usize {
    let product = u128::from(number) * u128::from(num::count(bound));
    usize::try_from(product >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn texts_are_distinct_valid_json_of_about_the_length() {
        let text = Text::new();
        let mut seen = std::collections::HashSet::new();
        for number in 0..5_000 {
            let mut out = vec![b'"'];
            text.write(number, 400, &mut out);
            out.push(b'"');
            assert!((320..560).contains(&out.len()), "{}", out.len());
            let decoded: String = serde_json::from_slice(&out).unwrap();
            assert!(seen.insert(decoded));
        }
    }

    #[test]
    fn the_same_number_is_the_same_text() {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        Text::new().write(77, 2_000, &mut one);
        Text::new().write(77, 2_000, &mut two);
        assert_eq!(one, two);
    }
}
