//! Credentials that an expression describes.

use regex_automata::{Anchored, Input};

use super::shape::{entropy, is_filler};
use super::value::is_published;
use super::wording::reads_like_words;
use super::{Found, span};
use crate::bytes::{Set, at, before, is_word, run_within, slice};
use crate::entity::Entity;
use crate::rules::pattern::Pattern;
use crate::words::Scene;

/// How far before its keyword a match may begin.
const BEFORE: usize = 200;
/// What may stand between a keyword and the sign that assigns a value, and how much of it.
const NAME: Set = Set::alnum_and(b"_-. \t\r\n'\"");
const NAME_LENGTH: usize = 64;
/// What may stand between that sign and the value.
const LEAD: Set = Set::only(b"=>:|?,'\"` \t\r\n\\");
const VALUE: Set = Set::alnum_and(b"-_.+/=~!@#$%^&*|:");
/// No secret of these rules is shorter.
const SHORTEST: usize = 8;

/// Tries the rule whose keyword stands at `start..open`; tells where what it looked at ends.
pub(crate) fn detect(
    scene: &Scene<'_>,
    (start, open): (usize, usize),
    rule: &'static Pattern,
    found: &mut Found,
) -> Option<usize> {
    let text = scene.text;
    if rule.is_assigned() && !leads_to_value(text, open) {
        return None;
    }
    let regex = rule.regex()?;
    let window = if rule.first { start } else { start.saturating_sub(BEFORE) };
    let end = text.len().min(start + rule.reach);
    let anchored = if rule.first { Anchored::Yes } else { Anchored::No };
    let input = Input::new(text).span(window..end).anchored(anchored);
    // The whole match first: it needs no slots, and hardly any window has one.
    regex.search_half(&input)?;
    let mut slots = regex.create_captures();
    regex.search_captures(&input, &mut slots);
    let group = match rule.group {
        Some(group) => slots.get_group(group),
        None => (1..slots.group_len()).find_map(|i| slots.get_group(i)),
    };
    let place = group.or_else(|| slots.get_match().map(|m| m.span()))?;
    let secret = slice(text, place.start, place.end);
    let digits = secret.iter().filter(|b| b.is_ascii_digit()).count();
    if entropy(secret) >= rule.entropy
        && digits >= rule.digits
        && (rule.words || !reads_like_words(secret))
        && !is_filler(secret)
        && !is_mark(secret)
        && !is_published(secret)
        && !goes_on(text, place.end)
    {
        found.push(span((place.start, place.end), Entity::ApiKey, 0.9, &rule.id));
        return Some(place.end);
    }
    // Whatever was wrong with a long match is wrong with those that begin inside of it.
    rule.first.then_some(place.end)
}

/// Whether a sign follows the rest of the name, and something that is long enough follows the sign.
///
/// Most names of services in prose and code lead to nothing, and this is cheaper than any automaton.
fn leads_to_value(text: &[u8], open: usize) -> bool {
    let sign = run_within(text, open, NAME_LENGTH, &NAME);
    if !matches!(at(text, sign), b'=' | b':' | b'>' | b'|' | b'?' | b',') {
        return false;
    }
    let value = run_within(text, sign, 12, &LEAD);
    run_within(text, value, SHORTEST, &VALUE) >= value + SHORTEST
}

/// Whether the run of letters and digits that the match ends in goes on: then it has another form.
fn goes_on(text: &[u8], end: usize) -> bool {
    is_word(at(text, end)) && before(text, end, 1).is_ascii_alphanumeric()
}

/// Whether the secret only says that one belongs here.
fn is_mark(secret: &[u8]) -> bool {
    let first = secret.first().copied().unwrap_or(0);
    matches!(first, b'<' | b'{')
        || secret.starts_with(b"${")
        || [&b"YOUR_"[..], b"your-", b"REPLACE_"].iter().any(|mark| secret.starts_with(mark))
}
