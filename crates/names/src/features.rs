//! What the tagger knows of a token before it looks round. `train/features.py` does the same: change both.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::hash;
use crate::network::multiply;
use crate::token::{Kind, Token, letter};
use crate::weights::{GRAM_WIDTH, PIECES, WIDTH, Weights};

/// Bits of a word that the lists give it.
pub(crate) mod bit {
    pub(crate) const FIRST: u32 = 1;
    pub(crate) const LAST: u32 = 1 << 1;
    pub(crate) const CITY: u32 = 1 << 2;
    pub(crate) const COUNTRY: u32 = 1 << 3;
    pub(crate) const REGION: u32 = 1 << 4;
    pub(crate) const COMMON: u32 = 1 << 10;
    pub(crate) const STREET_END: u32 = 1 << 16;
    pub(crate) const NAME_STEM: u32 = 1 << 17;
    pub(crate) const PLACE_STEM: u32 = 1 << 18;
    pub(crate) const OPAQUE: u32 = 1 << 19;
    pub(crate) const MIXED: u32 = 1 << 20;
    pub(crate) const TITLED: u32 = 1 << 21;
    pub(crate) const CAPITALS: u32 = 1 << 22;
    pub(crate) const SPACE: u32 = 1 << 23;
    pub(crate) const LINE_START: u32 = 1 << 24;
    pub(crate) const LINE_END: u32 = 1 << 25;
    pub(crate) const NO_CAPITALS: u32 = 1 << 26;
    pub(crate) const ALL_CAPITALS: u32 = 1 << 27;
    pub(crate) const PHRASE_CITY: u32 = 1 << 28;
    pub(crate) const PHRASE_LAND: u32 = 1 << 29;
    pub(crate) const PHRASE_START: u32 = 1 << 30;
    pub(crate) const GLUED: u32 = 1 << 31;
}
use bit::{
    ALL_CAPITALS, CAPITALS, CITY, COMMON, COUNTRY, FIRST, GLUED, LAST, LINE_END, LINE_START, MIXED,
    NAME_STEM, NO_CAPITALS, OPAQUE, PHRASE_CITY, PHRASE_LAND, PHRASE_START, PLACE_STEM, REGION,
    SPACE, STREET_END, TITLED,
};

/// Tokens of a chunk, at most.
pub(crate) const CHUNK: usize = 256;
/// Words of a place's name in the list, at most.
const PHRASE: usize = 5;
/// Seeds of the hashes of spaCy's four tables.
const SEEDS: [u32; 4] = [8, 9, 10, 11];
/// Seed of the hash of the first letter group; the others follow.
const GRAM_SEED: u64 = 100;

/// How names of streets end.
const ROADS: [&str; 28] = [
    "straße", "strasse", "str.", "gasse", "allee", "platz", "damm", "ufer", "straat", "laan",
    "gracht", "singel", "gatan", "vägen", "gränd", "katu", "kuja", "polku", "vej", "vegen",
    "veien", "gade", "stræde", "weg", "plein", "stien", "utca", "tie",
];

/// A token as the network sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Which of [`Words`] it is.
    pub(crate) word: usize,
    /// What the lists say of it and where it stands.
    pub(crate) bits: u32,
}

/// The different words of a text, each looked up once.
pub(crate) struct Words<'w, 't> {
    weights: &'w Weights,
    known: HashMap<(Cow<'t, str>, Kind), Seen>,
    /// One after the other: what the first layer makes of a word alone, before it takes the highest pieces.
    sums: Vec<f32>,
    /// Of the words that are new in this chunk, what goes into those sums: one product for all is faster.
    features: Vec<f32>,
    grams: Vec<f32>,
}

impl<'w, 't> Words<'w, 't> {
    pub(crate) fn new(weights: &'w Weights) -> Self {
        Self {
            weights,
            known: HashMap::new(),
            sums: Vec::new(),
            features: Vec::new(),
            grams: Vec::new(),
        }
    }

    /// The first layer's sum for a word.
    pub(crate) fn sum(&self, word: usize) -> &[f32] {
        self.sums.get(word * PIECES * WIDTH..(word + 1) * PIECES * WIDTH).unwrap_or_default()
    }

    /// The tokens of a chunk as the network sees them.
    pub(crate) fn read(&mut self, chunk: &[Token<'t>]) -> Vec<Seen> {
        let mut seen: Vec<Seen> = chunk.iter().map(|token| self.word(token)).collect();
        self.add_up();
        let around = capitals(chunk);
        for (i, token) in chunk.iter().enumerate() {
            let Some(Seen { bits, .. }) = seen.get_mut(i) else { continue };
            *bits |= around;
            if token.kind == Kind::Line {
                continue;
            }
            let line = |other: Option<&Token<'_>>| other.is_none_or(|t| t.kind == Kind::Line);
            if token.space {
                *bits |= SPACE;
            }
            if line(i.checked_sub(1).and_then(|before| chunk.get(before))) {
                *bits |= LINE_START;
            }
            let next = chunk.get(i + 1);
            if line(next) {
                *bits |= LINE_END;
            } else if next.is_some_and(|next| !next.space) {
                *bits |= GLUED;
            }
        }
        self.phrases(chunk, &mut seen);
        seen
    }

    /// Makes the sums of the words that are new.
    fn add_up(&mut self) {
        let mix = &self.weights.mix;
        let at = self.sums.len();
        for _ in self.grams.chunks_exact(GRAM_WIDTH) {
            self.sums.extend(&mix.bias);
        }
        if let Some(sums) = self.sums.get_mut(at..) {
            multiply(&self.features, 5 * WIDTH, &mix.weights, sums);
            multiply(&self.grams, GRAM_WIDTH, &self.weights.gram, sums);
        }
        self.features.clear();
        self.grams.clear();
    }

    /// Marks the longest names of places that are more than one token.
    fn phrases(&self, chunk: &[Token<'t>], seen: &mut [Seen]) {
        let low: Vec<String> = chunk.iter().map(|token| token.text.to_lowercase()).collect();
        let mut i = 0;
        while let Some(token) = chunk.get(i) {
            let mut step = 1;
            if matches!(token.kind, Kind::Word | Kind::Ideograph) {
                for size in (2..=PHRASE.min(chunk.len() - i)).rev() {
                    let Some(words) = low.get(i..i + size) else { continue };
                    let Some(what) = self.weights.phrases.get(hash::key(&words.join(" "))) else {
                        continue;
                    };
                    let mark = if u32::from(what) & CITY != 0 { PHRASE_CITY } else { PHRASE_LAND };
                    for (at, inside) in seen.iter_mut().skip(i).take(size).enumerate() {
                        inside.bits |= mark | if at == 0 { PHRASE_START } else { 0 };
                    }
                    step = size;
                    break;
                }
            }
            i += step;
        }
    }

    fn word(&mut self, token: &Token<'t>) -> Seen {
        let key = (token.text.clone(), token.kind);
        if let Some(seen) = self.known.get(&key) {
            return *seen;
        }
        let text = token.text.as_ref();
        let opaque = match token.kind {
            Kind::Url => Some("<url>"),
            Kind::Mail => Some("<mail>"),
            _ => None,
        };
        let norm = opaque.map_or_else(|| text.to_lowercase(), str::to_owned);
        let bits = self.bits(text, &norm, token.kind);
        let body = opaque.unwrap_or(text);
        let form = opaque.map_or_else(|| shape(text), str::to_owned);
        let mut features = [0.0; 5 * WIDTH];
        let values = [norm.as_str(), first(body, 1), last(body, 3), form.as_str()];
        let places = features.chunks_exact_mut(WIDTH);
        for (((value, table), seed), place) in
            values.iter().zip(&self.weights.tables).zip(SEEDS).zip(places)
        {
            for number in hash::four(hash::word(value), seed) {
                table.add(within(u64::from(number), table.rows()), place);
            }
        }
        if opaque.is_none()
            && let Some(row) = self.vector(text)
            && let Some(place) = features.get_mut(4 * WIDTH..)
        {
            self.weights.vectors.add(usize::from(row) + 1, place);
        }
        let mut grams = [0.0; GRAM_WIDTH];
        let plain: String = norm.chars().map(|c| if c.is_numeric() { '0' } else { c }).collect();
        let groups = [
            plain.as_str(),
            first(&plain, 2),
            first(&plain, 3),
            first(&plain, 4),
            last(&plain, 2),
            last(&plain, 3),
            last(&plain, 4),
        ];
        for (group, seed) in groups.iter().zip(GRAM_SEED..) {
            let table = &self.weights.grams;
            table.add(within(hash::murmur64(group.as_bytes(), seed), table.rows()), &mut grams);
        }
        self.features.extend(features);
        self.grams.extend(grams);
        let seen = Seen { word: self.known.len(), bits };
        self.known.insert(key, seen);
        seen
    }

    /// The row of the word's vector: as it is written, else in small letters, else with a capital.
    fn vector(&self, text: &str) -> Option<u16> {
        let of = |form: &str| self.weights.vector_of.get(hash::key(form));
        of(text).or_else(|| of(&text.to_lowercase())).or_else(|| {
            let head = first(text, 1);
            let tail = text.get(head.len()..).unwrap_or_default();
            of(&(head.to_uppercase() + &tail.to_lowercase()))
        })
    }

    fn listed(&self, word: &str) -> u32 {
        self.weights.words.get(hash::key(word)).map_or(0, u32::from)
    }

    fn bits(&self, text: &str, norm: &str, kind: Kind) -> u32 {
        match kind {
            Kind::Url | Kind::Mail => return OPAQUE,
            Kind::Mark | Kind::Line => return 0,
            Kind::Word | Kind::Number | Kind::Ideograph => {}
        }
        let mut bits = self.listed(norm);
        if kind == Kind::Word {
            let letters = norm.chars().count();
            if letters > 4 && ROADS.iter().any(|road| norm.ends_with(road)) {
                bits |= STREET_END;
            }
            if letters > 4 && bits & (FIRST | LAST | CITY | COUNTRY | REGION | COMMON) == 0 {
                bits |= self.stem(norm);
            }
            if text.starts_with(char::is_uppercase) {
                let rest = text.get(first(text, 1).len()..).unwrap_or_default();
                if !rest.is_empty() && rest == rest.to_lowercase() {
                    bits |= TITLED;
                } else if !rest.is_empty() && text == text.to_uppercase() {
                    bits |= CAPITALS;
                }
            }
        }
        if text.contains(char::is_numeric) && text.contains(char::is_alphabetic) {
            bits |= MIXED;
        }
        bits
    }

    /// A name in a case of its language: what it is without its last letter, or two.
    fn stem(&self, norm: &str) -> u32 {
        let mut bits = 0;
        let mut ends = norm.char_indices().rev().map(|(at, _)| at);
        for at in ends.by_ref().take(2) {
            let stem = self.listed(norm.get(..at).unwrap_or_default());
            if stem & COMMON == 0 {
                if stem & (FIRST | LAST) != 0 {
                    bits |= NAME_STEM;
                }
                if stem & (CITY | COUNTRY | REGION) != 0 {
                    bits |= PLACE_STEM;
                }
            }
        }
        bits
    }
}

fn within(number: u64, rows: usize) -> usize {
    u64::try_from(rows)
        .ok()
        .and_then(|rows| number.checked_rem(rows))
        .map_or(0, |row| usize::try_from(row).unwrap_or_default())
}

fn first(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

fn last(text: &str, chars: usize) -> &str {
    let start = text.char_indices().rev().nth(chars - 1).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// `Xxxx` for `Maria`, `dddd` for any long number: runs are cut at four.
fn shape(text: &str) -> String {
    if text.chars().count() >= 100 {
        return "LONG".to_owned();
    }
    let mut out = String::new();
    let (mut before, mut run) = (None, 0);
    for c in text.chars() {
        let sign = if c.is_alphabetic() {
            if c.is_uppercase() { 'X' } else { 'x' }
        } else if c.is_numeric() {
            'd'
        } else {
            c
        };
        run = if before == Some(sign) { run + 1 } else { 0 };
        before = Some(sign);
        if run < 4 {
            out.push(sign);
        }
    }
    out
}

/// Whether a chunk is all small letters or all capitals: there, capitals tell nothing.
fn capitals(chunk: &[Token<'_>]) -> u32 {
    let mut words = 0usize;
    let (mut long, mut high) = (0usize, 0usize);
    let mut any = false;
    for token in chunk.iter().filter(|token| token.kind == Kind::Word) {
        words += 1;
        any |= token.text.contains(char::is_uppercase);
        if token.text.chars().nth(1).is_some() {
            long += 1;
            high += usize::from(token.text == token.text.to_uppercase());
        }
    }
    if words < 4 {
        0
    } else if !any {
        NO_CAPITALS
    } else if long >= 4 && high * 5 >= long * 4 {
        ALL_CAPITALS
    } else {
        0
    }
}

/// A chunk without a word holds no name.
pub(crate) fn may_hold_names(chunk: &[Token<'_>]) -> bool {
    chunk.iter().any(|token| token.text.contains(letter) || token.kind == Kind::Ideograph)
}

/// Cuts the tokens of a text where a cut hurts least.
pub(crate) fn chunks<'a, 't>(mut tokens: &'a [Token<'t>]) -> impl Iterator<Item = &'a [Token<'t>]> {
    std::iter::from_fn(move || {
        let end = if tokens.len() > CHUNK { cut(tokens) } else { tokens.len() };
        let (chunk, rest) = tokens.split_at_checked(end)?;
        tokens = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn cut(tokens: &[Token<'_>]) -> usize {
    let places: [fn(&Token<'_>) -> bool; 3] = [
        |token| token.kind == Kind::Line && token.text == "\n\n",
        |token| token.kind == Kind::Line,
        |token| matches!(token.text.as_ref(), "." | "!" | "?" | "。" | ";"),
    ];
    let window = tokens.get(CHUNK / 2..CHUNK).unwrap_or_default();
    let found = places.iter().find_map(|good| window.iter().rposition(good));
    found.map_or(CHUNK, |at| CHUNK / 2 + at + 1)
}
