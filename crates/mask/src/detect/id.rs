//! Identifiers that states, banks and insurers give: forms, check digits and the words that name
//! them.
//!
//! A [`Kind`] is data: the forms it is written in, a check, and words. How far a form can be
//! trusted decides what else must speak for it: nothing, a text that holds nothing else, a word
//! near by, or a label right before it.

mod africa;
mod americas;
mod asia;
mod britain;
mod candidate;
mod central;
mod check;
mod china;
mod germany;
mod health;
mod iberia;
mod india;
mod italy;
mod korea;
mod labelled;
mod look;
mod nordic;
mod oceania;
mod south_east;
mod states;
mod table;
mod west;

use std::sync::LazyLock;

pub(super) use check::luhn;
pub(crate) use look::{digits, mixed};

use crate::context::Topics;
use crate::entity::Entity;

/// What must speak for a value of a form, beside its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    /// Nothing: hardly any other text passes.
    Alone,
    /// A telling word near by, or that the text is nothing but this value.
    Lone,
    /// A telling word near by.
    Word,
    /// A telling word right before it, with no other value between: the form says next to nothing.
    Label,
}

use Trust::{Alone, Label, Lone, Word};

/// An identifier.
struct Kind {
    entity: Entity,
    /// How it is written, with blanks between the forms. `9` is a digit, `A` a letter, `X` either,
    /// `~` a separator; lower-case letters and other signs stand for themselves. Letters of a value
    /// may have either case.
    forms: &'static [(Trust, &'static str)],
    /// Whether a value of such a form, without separators and in upper case, is one.
    check: fn(&[u8]) -> bool,
    /// Words and phrases of two words that speak of it, in the languages where it is used.
    words: &'static str,
}

/// Words of other things: a label behind them belongs to what they name.
const OTHER: &str = "order, orders, invoice, amount, price, total, tracking, sku, version, \
    port, timestamp, epoch, page, line, build, commit, hash, uuid, isbn, ean, upc, expiry, \
    expires, expiration, count, size, bytes, phone, tel, fax, mobile, ticket, issue, date, \
    seed, offset, duration, latency, cost, quantity, part, model, token, tokens, session, \
    trace, span, request, article, product, item, rechnung, bestellung, commande, facture, \
    pedido, factura, ordine, fattura, created, updated, rows, width, height, length";
/// The bit of [`OTHER`].
const STOP: Topics = 1 << 127;

/// The greatest length of a value without its separators.
const LONGEST: usize = 20;

fn families() -> impl Iterator<Item = &'static Kind> {
    let families: [&'static [Kind]; 18] = [
        &states::KINDS,
        &health::KINDS,
        &britain::KINDS,
        &germany::KINDS,
        &west::KINDS,
        &iberia::KINDS,
        &italy::KINDS,
        &central::KINDS,
        &south_east::KINDS,
        &nordic::KINDS,
        &americas::KINDS,
        &africa::KINDS,
        &oceania::KINDS,
        &asia::KINDS,
        &china::KINDS,
        &korea::KINDS,
        &india::KINDS,
        &labelled::KINDS,
    ];
    families.into_iter().flatten()
}

/// Every telling word with the bits of its kinds.
pub(crate) fn phrases() -> impl Iterator<Item = (&'static str, Topics)> {
    let named = families().enumerate().map(|(i, kind)| (kind.words, 1 << i));
    let lists = named.chain([(OTHER, STOP)]);
    lists.flat_map(|(words, topics)| words.split(", ").map(move |word| (word, topics)))
}

/// Builds what is built once.
pub(crate) fn prepare() {
    LazyLock::force(&table::TABLE);
}
