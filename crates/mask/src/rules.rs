//! Credentials that can be told by how they begin: the table, kept as data.
//!
//! The forms are the issuers' published ones; each rule has an example among the tests.

mod cloud;
mod models;
pub(crate) mod pattern;
pub(crate) mod service;
mod services;

use crate::bytes::Set;

/// A form of credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// What it is.
    pub name: &'static str,
    /// How it begins.
    pub prefix: &'static str,
    /// What follows.
    pub body: &'static Set,
    /// The least length of the body.
    pub min: usize,
    /// The greatest length of the body.
    pub max: usize,
    /// How much of a jumble the body must be, in bits per byte.
    pub entropy: f32,
}

/// Letters and digits.
pub(crate) static ALNUM: Set = Set::alnum_and(b"");
/// Letters.
pub(crate) static ALPHA: Set = Set::alpha_and(b"");
/// Letters, digits, `-` and `_`.
pub(crate) static WORD: Set = Set::alnum_and(b"-_");
/// What [`WORD`] has, and the dot.
pub(crate) static DOTTED: Set = Set::alnum_and(b"-_.");
/// What [`WORD`] has, and what base64 and fillers use.
pub(crate) static LOOSE: Set = Set::alnum_and(b"-_.+/=:");
/// Upper-case letters and digits.
pub(crate) static UPPER: Set = Set::only(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
/// Hexadecimal digits.
pub(crate) static HEX: Set = Set::only(b"0123456789abcdefABCDEF");
/// Hexadecimal digits and the hyphen.
pub(crate) static UUID: Set = Set::only(b"0123456789abcdefABCDEF-");

/// A rule whose body is at least an ordinary jumble.
const fn rule(
    name: &'static str,
    prefix: &'static str,
    body: &'static Set,
    min: usize,
    max: usize,
) -> Rule {
    Rule { name, prefix, body, min, max, entropy: 2.5 }
}

/// A rule whose prefix also begins ordinary words, so that the body must be a better jumble.
const fn strict(
    name: &'static str,
    prefix: &'static str,
    body: &'static Set,
    min: usize,
    max: usize,
) -> Rule {
    Rule { name, prefix, body, min, max, entropy: 3.2 }
}

/// Every rule.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    models::RULES.iter().chain(&cloud::RULES).chain(&services::RULES)
}
