//! The keys on the way to a value.

use crate::keys::{Hint, hint};

/// How many of the nearest keys count as words before a value.
const NEAR: usize = 3;

/// The keys on the way to a value, the nearest first.
#[derive(Clone, Copy, Default)]
pub(super) struct Path<'a> {
    near: [&'a str; NEAR],
    length: usize,
}

impl<'a> Path<'a> {
    /// Below these keys, the nearest first.
    pub(super) fn of(keys: &[&'a str]) -> Self {
        keys.iter().rev().fold(Self::default(), |path, key| path.below(key))
    }

    pub(super) fn below(&self, key: &'a str) -> Self {
        let [first, second, _] = self.near;
        Self { near: [key, first, second], length: NEAR.min(self.length + 1) }
    }

    pub(super) fn words(&self) -> &[&'a str] {
        self.near.get(..self.length).unwrap_or_default()
    }

    pub(super) fn nearest(&self) -> Option<&'a str> {
        self.words().first().copied()
    }

    pub(super) fn hint(&self) -> Option<Hint> {
        self.nearest().and_then(|key| hint(key.as_bytes()))
    }

    /// Whether the nearest key says that a number names a thing or a time.
    pub(super) fn is_identifier(&self) -> bool {
        const WORDS: [&str; 14] = [
            "id",
            "ids",
            "uid",
            "uuid",
            "ts",
            "time",
            "timestamp",
            "seed",
            "hash",
            "trace",
            "span",
            "at",
            "created",
            "nonce",
        ];
        self.nearest().is_some_and(|key| {
            crate::words::parts(key.as_bytes())
                .any(|part| WORDS.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(part)))
        })
    }
}
