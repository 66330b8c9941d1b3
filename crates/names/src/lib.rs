//! Names in text: people, places, addresses, organisations.
//!
//! A small convolutional tagger whose weights are in the binary. It works word by word: [`Tagger::find`] cuts the
//! text into tokens, looks up what is known of each (hashed letters, word vectors, word lists), lets each token see
//! its neighbours in five layers, and reads the best sequence of tags. `train/README.md` says what it learnt from,
//! `weights/NOTICE` whose work that is.
//!
//! No I/O, no clock, no state: the same text gives the same names. Any text is fine, none panics.

mod decode;
mod features;
mod gazetteer;
mod hash;
mod network;
mod tidy;
mod token;
mod weights;

use std::sync::LazyLock;

use network::Room;
use weights::Weights;

/// Which model this is; a new one finds other names.
pub const MODEL: &str = "names/1";

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NameKind {
    /// A person: full name, first name or surname, without title.
    Person,
    /// A city, a region, a country, a postcode alone.
    Location,
    /// A postal address or its street line.
    Address,
    /// A company, an authority, a club.
    Organisation,
}

/// A name in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Name {
    /// Where it starts: a byte offset, on a char boundary.
    pub start: usize,
    /// Where it ends (exclusive): a byte offset, on a char boundary.
    pub end: usize,
    /// What it is of.
    pub kind: NameKind,
    /// How sure the tagger is: the geometric mean of its tokens' probabilities, 0 to 1.
    pub score: f32,
}

/// The model, ready to read.
pub struct Tagger {
    weights: Weights,
}

static SHARED: LazyLock<Tagger> = LazyLock::new(|| Tagger { weights: Weights::built_in() });

impl Tagger {
    /// The one tagger of the process. Its weights are unpacked when it is first asked for.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// The names in `text`, in order, none overlapping another.
    pub fn find(&self, text: &str) -> Vec<Name> {
        let tokens = token::tokens(text);
        let mut words = features::Words::new(&self.weights);
        let mut room = Room::default();
        let mut names = Vec::new();
        for chunk in features::chunks(&tokens) {
            if !features::may_hold_names(chunk) {
                continue;
            }
            let seen = words.read(chunk);
            let scores = network::scores(&self.weights, &words, &seen, &mut room);
            decode::names(&scores, chunk, &mut names);
        }
        tidy::tidy(text, names)
    }
}

#[doc(hidden)]
pub mod reference {
    //! What the test of parity looks at, and nobody else.

    use super::{Tagger, decode, features, network, token};

    /// Tokens, bits and tags of a text, as the training side writes them.
    pub fn tags(tagger: &Tagger, text: &str) -> Vec<(String, u32, &'static str)> {
        let tokens = token::tokens(text);
        let mut words = features::Words::new(&tagger.weights);
        let mut room = network::Room::default();
        let mut out = Vec::new();
        for chunk in features::chunks(&tokens) {
            let seen = words.read(chunk);
            let scores = network::scores(&tagger.weights, &words, &seen, &mut room);
            let path = decode::path(&scores);
            for ((token, seen), tag) in chunk.iter().zip(&seen).zip(path) {
                out.push((
                    token.text.to_string(),
                    seen.bits,
                    decode::TAGS.get(tag).copied().unwrap_or("O"),
                ));
            }
        }
        out
    }
}
