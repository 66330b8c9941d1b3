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
mod nordic;
mod oceania;
mod south_east;
mod states;
mod west;

use std::sync::LazyLock;

pub(super) use check::luhn;

use super::number::Number;
use super::shape::in_opaque_token;
use super::{Found, span};
use crate::bytes::{at, before, is_word, slice};
use crate::context::{Context, LEXICON, Relation, Topics};
use crate::entity::Entity;
use crate::words::Scene;

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

/// One form of one kind, made ready.
struct Form {
    kind: &'static Kind,
    topic: Topics,
    pattern: &'static [u8],
    trust: Trust,
    /// The lengths of its groups of digits, if it has nothing else.
    groups: Vec<usize>,
    /// What stands before the letters that lead to its first digits: `M-` in `M-AB 1234`.
    lead: usize,
}

/// The forms by what is known of a text at a first glance.
struct Table {
    /// Forms of digits only, by how many they are.
    digits: Vec<Vec<Form>>,
    /// Forms with letters, by the letters before the first digits, whether a separator follows
    /// them, and the length of the first run of digits.
    mixed: Vec<Vec<Form>>,
    /// Forms of letters and digits at any place, by length.
    tokens: Vec<Vec<Form>>,
}

/// As many letters as stand before the first digit of any form, and one.
const LETTERS: usize = 7;
/// Longer runs of digits begin no form that has letters.
const RUN: usize = 20;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let empty = |n: usize| (0..n).map(|_| Vec::new()).collect::<Vec<Vec<Form>>>();
    let (mut digits, mut mixed, mut tokens) =
        (empty(LONGEST + 1), empty(LETTERS * RUN * 2), empty(LONGEST + 1));
    for (i, kind) in families().enumerate() {
        let forms =
            kind.forms.iter().flat_map(|(trust, forms)| forms.split(' ').map(move |f| (f, trust)));
        for (pattern, trust) in forms {
            let pattern = pattern.as_bytes();
            let length = pattern.iter().filter(|b| b.is_ascii_alphanumeric()).count();
            let groups = pattern.split(|b| *b == b'~').map(<[u8]>::len).collect();
            let first = pattern.iter().position(|b| *b == b'9').unwrap_or(pattern.len());
            let parted = first > 0 && at(pattern, first - 1) == b'~';
            let letters_end = first - usize::from(parted);
            let lead = slice(pattern, 0, letters_end)
                .iter()
                .rposition(|b| *b == b'~')
                .map_or(0, |i| i + 1);
            let run = pattern.iter().skip(first).take_while(|b| **b == b'9').count();
            let form = Form { kind, topic: 1 << i, pattern, trust: *trust, groups, lead };
            let slot = if pattern.iter().all(|b| matches!(b, b'9' | b'~')) {
                digits.get_mut(length)
            } else if at(pattern, 0) == b'X' {
                tokens.get_mut(length)
            } else {
                place(letters_end - lead, parted, run).and_then(|place| mixed.get_mut(place))
            };
            if let Some(slot) = slot {
                slot.push(form);
            }
        }
    }
    Table { digits, mixed, tokens }
});

fn place(letters: usize, parted: bool, run: usize) -> Option<usize> {
    (letters < LETTERS && run < RUN).then_some((letters * RUN + run) * 2 + usize::from(parted))
}

/// Builds what is built once.
pub(crate) fn prepare() {
    LazyLock::force(&TABLE);
    LazyLock::force(&LEXICON);
}

/// A place that some forms fit, and what is known of it.
struct Candidate<'a> {
    scene: &'a Scene<'a>,
    start: usize,
    end: usize,
    context: Option<Context>,
    best: Option<(Entity, f32, &'static str)>,
}

impl<'a> Candidate<'a> {
    fn new(scene: &'a Scene<'a>, start: usize, end: usize) -> Self {
        Self { scene, start, end, context: None, best: None }
    }

    /// Takes note of a form whose check has passed.
    fn weigh(&mut self, form: &Form, trust: Trust) {
        let (scene, start, end) = (self.scene, self.start, self.end);
        let context = self.context.get_or_insert_with(|| LEXICON.context(scene, start, end));
        let relation = context.relation(form.topic, STOP);
        let named = relation.filter(|relation| match trust {
            Alone | Lone | Word => !relation.stopped,
            Label => relation.label || relation.after && !relation.stopped && self.has_letters(),
        });
        let (score, detector) = match (named, trust) {
            (Some(Relation { distance, .. }), _) => {
                let far = f32::from(u16::try_from(distance).unwrap_or(u16::MAX)) / 1000.0;
                let most = match (trust, form.kind.entity) {
                    // What has an entity of its own goes before what has none.
                    (_, Entity::Passport | Entity::DriverLicense) => 0.87,
                    (Label, _) => 0.90,
                    _ => 0.94,
                };
                (most - far, if trust == Label { "id, label" } else { "id, word" })
            }
            (None, Alone) => (0.85, "id"),
            (None, Lone) if self.is_lone() => (0.65, "id, alone"),
            _ => return,
        };
        if self.best.is_none_or(|(_, best, _)| score > best) {
            self.best = Some((form.kind.entity, score, detector));
        }
    }

    fn has_letters(&self) -> bool {
        slice(self.scene.text, self.start, self.end).iter().any(u8::is_ascii_alphabetic)
    }

    /// Whether the text holds nothing else, as the answer to a question may.
    fn is_lone(&self) -> bool {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'.' | b'!' | b'"' | b'\'');
        let text = self.scene.text;
        self.scene.keys.is_empty()
            && text.len() < self.end - self.start + 8
            && slice(text, 0, self.start).iter().all(blank)
            && slice(text, self.end, text.len()).iter().all(blank)
    }

    fn settle(self, found: &mut Found) {
        if let Some((entity, score, detector)) = self.best {
            found.push(span((self.start, self.end), entity, score, detector));
        }
    }
}

/// Looks for identifiers of digits only among the groups of a number.
pub(crate) fn digits(scene: &Scene<'_>, number: &Number, found: &mut Found) {
    let text = scene.text;
    let groups = number.groups();
    for first in 0..groups.len() {
        let mut value = [0_u8; LONGEST];
        let mut length = 0;
        // Within a longer number only a blank sets one off.
        if first > 0 && number.separator(text, first - 1) != b" " {
            continue;
        }
        for (last, (_, end)) in groups.iter().enumerate().skip(first) {
            if last > first && !is_separator(number.separator(text, last - 1)) {
                break;
            }
            // Two groups with a dot are a fraction.
            if last == first + 1
                && number.separator(text, first) == b"."
                && groups.len() == last + 1
            {
                break;
            }
            let group = number.group(text, last);
            let Some(slots) = value.get_mut(length..length + group.len()) else {
                break;
            };
            slots.copy_from_slice(group);
            length += group.len();
            if !matches!(number.separator(text, last), b"" | b" ") {
                continue;
            }
            let forms = TABLE.digits.get(length).map_or([].as_slice(), Vec::as_slice);
            if forms.is_empty() {
                continue;
            }
            let start = groups.get(first).map_or(0, |group| group.0);
            let whole = first == 0 && last + 1 == groups.len();
            let value = value.get(..length).unwrap_or_default();
            let lengths = groups.get(first..=last).unwrap_or_default();
            look(scene, (start, *end), (value, lengths, whole && !number.plus), forms, found);
        }
    }
}

fn look(
    scene: &Scene<'_>,
    (start, end): (usize, usize),
    (value, groups, whole): (&[u8], &[(usize, usize)], bool),
    forms: &[Form],
    found: &mut Found,
) {
    let mut candidate = Candidate::new(scene, start, end);
    let mut free = None;
    for form in forms {
        let fits = form.groups.len() == groups.len()
            && form
                .groups
                .iter()
                .zip(groups)
                .all(|(length, (open, close))| *length == close - open);
        // Any other grouping of the whole number will do for what a word names.
        let loose = whole && groups.len() > 1 && form.groups.len() == 1 && form.trust != Label;
        if !(fits || loose) || !(form.kind.check)(value) {
            continue;
        }
        if !*free.get_or_insert_with(|| stands_free(scene.text, start, end)) {
            return;
        }
        candidate.weigh(form, if fits { form.trust } else { Word });
    }
    candidate.settle(found);
}

/// Looks for identifiers with letters whose first run of digits is `start..end`.
pub(crate) fn mixed(scene: &Scene<'_>, start: usize, end: usize, found: &mut Found) {
    let text = scene.text;
    let letters = letters_before(text, start);
    let open = start - letters;
    if letters < LETTERS && !is_word(before(text, open, 1)) {
        if letters == 0 && matches!(before(text, start, 1), b' ' | b'-') {
            let parted = letters_before(text, start - 1);
            let from = start - 1 - parted;
            if parted > 0 && parted < LETTERS && !is_word(before(text, from, 1)) {
                try_forms(scene, from, place(parted, true, end - start), found);
            }
        }
        if letters > 0 || is_alphanumeric_or_separator(at(text, end)) {
            try_forms(scene, open, place(letters, false, end - start), found);
        }
        token(scene, open, end, found);
    }
}

/// Tries the forms of letters and digits at any place on the word at `open`.
fn token(scene: &Scene<'_>, open: usize, end: usize, found: &mut Found) {
    let text = scene.text;
    let rest = slice(text, end, text.len().min(open + LONGEST + 1).max(end));
    let length =
        end - open + rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let forms = TABLE.tokens.get(length).map_or([].as_slice(), Vec::as_slice);
    if forms.is_empty() || !stands_free(text, open, open + length) {
        return;
    }
    let mut value = [0_u8; LONGEST];
    let Some(slots) = value.get_mut(..length) else { return };
    slots.copy_from_slice(slice(text, open, open + length));
    slots.make_ascii_uppercase();
    let mut candidate = Candidate::new(scene, open, open + length);
    for form in forms {
        if (form.kind.check)(slots) {
            candidate.weigh(form, form.trust);
        }
    }
    candidate.settle(found);
}

fn try_forms(scene: &Scene<'_>, open: usize, place: Option<usize>, found: &mut Found) {
    let forms = place.and_then(|place| TABLE.mixed.get(place)).map_or([].as_slice(), Vec::as_slice);
    for form in forms {
        let mut value = [0_u8; LONGEST];
        let Some(open) = open.checked_sub(form.lead) else { continue };
        let Some((end, length, plain)) = read(scene.text, open, form.pattern, &mut value) else {
            continue;
        };
        let value = value.get(..length).unwrap_or_default();
        if (form.kind.check)(value) && stands_free(scene.text, open, end) {
            let mut candidate = Candidate::new(scene, open, end);
            // In lower case it is too much like a name in code.
            let trust = if plain { form.trust } else { form.trust.max(Lone) };
            candidate.weigh(form, trust);
            candidate.settle(found);
        }
    }
}

/// Reads a value of this form: where it ends, its length, and whether its letters are upper-case.
fn read(
    text: &[u8],
    open: usize,
    pattern: &[u8],
    value: &mut [u8; LONGEST],
) -> Option<(usize, usize, bool)> {
    let mut length = 0;
    let mut upper = true;
    for (i, sign) in pattern.iter().enumerate() {
        let byte = at(text, open + i);
        let fits = match sign {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            b'X' => byte.is_ascii_alphanumeric(),
            b'~' => is_separator(&[byte]),
            _ => byte.eq_ignore_ascii_case(sign),
        };
        if !fits {
            return None;
        }
        if byte.is_ascii_alphanumeric() {
            *value.get_mut(length)? = byte.to_ascii_uppercase();
            upper &= !byte.is_ascii_lowercase();
            length += 1;
        }
    }
    Some((open + pattern.len(), length, upper))
}

fn letters_before(text: &[u8], end: usize) -> usize {
    let window = slice(text, end.saturating_sub(LETTERS), end);
    window.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count()
}

fn is_separator(between: &[u8]) -> bool {
    matches!(between, b" " | b"-" | b"." | b"/" | b"+" | b":")
}

fn is_alphanumeric_or_separator(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'+' | b' ' | b'.' | b'/')
}

/// Whether neither a word nor another number, an amount or a path goes on beside the range.
fn stands_free(text: &[u8], start: usize, end: usize) -> bool {
    let (left, left_far) = (before(text, start, 1), before(text, start, 2));
    let (right, right_far) = (at(text, end), at(text, end + 1));
    let joined_left = is_word(left)
        || matches!(left, b'-' | b'.' | b'/' | b'\\' | b'+' | b'~' | b'@')
            && left_far.is_ascii_alphanumeric()
        || matches!(left, b',' | b':') && left_far.is_ascii_digit()
        || matches!(left, b'$' | b'+' | b'~' | b'^' | b'@');
    let joined_right = is_word(right)
        || matches!(right, b'-' | b'.' | b'/' | b'\\' | b':' | b'@' | b'+')
            && right_far.is_ascii_alphanumeric()
        || right == b',' && right_far.is_ascii_digit()
        || matches!(right, b'%' | b'$' | b'@' | b'(');
    !joined_left && !joined_right && !in_opaque_token(text, start, end)
}
