//! Credentials that begin in a known way.

use super::shape::{entropy, is_filler};
use super::value::is_published;
use super::wording::reads_like_words;
use super::{Found, span};
use crate::bytes::{Set, before, is_word, run_within, slice};
use crate::entity::Entity;
use crate::rules::Rule;
use crate::words::Scene;

/// Checks the rule whose prefix, in whatever case, stands at `start`.
pub(crate) fn detect(scene: &Scene<'_>, start: usize, rule: &Rule, found: &mut Found) {
    let text = scene.text;
    let open = start + rule.prefix.len();
    if slice(text, start, open) != rule.prefix.as_bytes()
        || !begins_here(text, start, rule)
        || in_blob(text, start)
    {
        return;
    }
    let mut end = run_within(text, open, rule.max + 2, rule.body);
    while end > open && matches!(before(text, end, 1), b'.' | b':') {
        end -= 1;
    }
    let body = slice(text, open, end);
    let fits = (rule.min..=rule.max).contains(&body.len());
    if fits && is_value(body, rule) {
        // `name=` only leads to the value.
        let start = if rule.prefix.ends_with('=') { open } else { start };
        found.push(span((start, end), Entity::ApiKey, 0.95, rule.name));
    }
}

/// A letter over and over is still of the form that only a key has, unless it stands for any sign.
fn is_value(body: &[u8], rule: &Rule) -> bool {
    let same = body.iter().filter(|b| b.is_ascii_alphanumeric()).all(u8::is_ascii_uppercase)
        && entropy(body) < 1.6
        && rule.entropy < 3.0;
    !is_filler(body)
        && !is_published(body)
        && (same || entropy(body) >= rule.entropy && is_jumble(body) && !reads_like_words(body))
}

/// Looks for a client secret of Azure, which holds the `Q~` at `mark` and begins in no known way.
pub(crate) fn azure(scene: &Scene<'_>, mark: usize, found: &mut Found) {
    static BODY: Set = Set::alnum_and(b"-_.~");
    let text = scene.text;
    let Some(start) = mark.checked_sub(4) else {
        return;
    };
    let end = run_within(text, mark + 2, 40, &BODY);
    let value = slice(text, start, end);
    let left = before(text, start, 1);
    let whole = !is_word(left) && !BODY.has(left) && value.iter().all(|b| BODY.has(*b));
    let fits = before(text, mark, 1).is_ascii_digit() && (31..=35).contains(&(end - mark - 2));
    if whole && fits && !is_filler(value) && entropy(value) >= 3.2 {
        found.push(span((start, end), Entity::ApiKey, 0.9, "azure-client"));
    }
}

/// A prefix in the middle of a word is no prefix; after `\n` in a string literal it is one.
fn begins_here(text: &[u8], start: usize, rule: &Rule) -> bool {
    let left = before(text, start, 1);
    let escaped = before(text, start, 2) == b'\\' && matches!(left, b'n' | b't' | b'r');
    let first = rule.prefix.as_bytes().first().copied().unwrap_or(0);
    !is_word(first)
        || escaped
        || !is_word(left) && !matches!(left, b'-' | b'+') && !named_file(text, start)
        || left == b'-' && before(text, start, 2) == b'-'
}

/// `video_box.ico-7a38…`: a name before a dot has an end, and no key.
fn named_file(text: &[u8], start: usize) -> bool {
    before(text, start, 1) == b'.' && before(text, start, 2).is_ascii_lowercase()
}

/// Whether a run of base64 without end is before the place: what looks like a prefix there is chance.
fn in_blob(text: &[u8], start: usize) -> bool {
    static BASE64: Set = Set::alnum_and(b"+/");
    const RUN: usize = 48;
    let window = slice(text, start.saturating_sub(RUN), start);
    window.len() == RUN && window.iter().all(|b| BASE64.has(*b))
}

/// Words joined by hyphens are a name: `sk-fading-circle-delay-animation`.
fn is_jumble(body: &[u8]) -> bool {
    let words = body.split(|b| matches!(b, b'-' | b'_' | b'.'));
    let (mut plain, mut all) = (0, 0);
    for word in words.filter(|word| !word.is_empty()) {
        all += 1;
        let lower = word.iter().all(u8::is_ascii_lowercase);
        plain += usize::from(lower && word.len() < 12);
    }
    let one_case = body.iter().all(u8::is_ascii_lowercase);
    !one_case && (all == 1 || plain * 2 <= all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, values, yes};
    use crate::rules;

    /// A body that satisfies a rule: a jumble of its own letters.
    fn example(rule: &Rule) -> String {
        let letters: Vec<char> = (0..128_u8)
            .filter(|b| rule.body.has(*b) && b.is_ascii_alphanumeric())
            .map(char::from)
            .collect();
        let mut state = 42_usize;
        let jumble = (0..rule.min).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) % letters.len()]
        });
        format!("{}{}", rule.prefix, jumble.collect::<String>())
    }

    #[test]
    fn every_rule_finds_its_example() {
        for rule in rules::all() {
            let value = example(rule);
            let texts =
                [format!("use {value} now"), format!("\"{value}\""), format!("K={value}\n")];
            for text in texts {
                let found = values(&text, Entity::ApiKey);
                assert_eq!(found.len(), 1, "{}: {text}", rule.name);
                assert!(found[0].ends_with(&value[value.len() - 8..]), "{}: {found:?}", rule.name);
            }
        }
    }

    #[test]
    fn a_secret_known_by_its_middle() {
        let value = "bP88Q~rcBcYjzzOhg1Hnn76Wm3jGgakZiZ.8vMgR";
        yes(Entity::ApiKey, &format!("it is {value},"), value);
        no(Entity::ApiKey, "~~~~~~~~~~~8Q~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~");
    }

    #[test]
    fn no_rule_finds_a_dummy() {
        for rule in rules::all() {
            no(Entity::ApiKey, &format!("{}{}", rule.prefix, "x".repeat(rule.min)));
        }
    }

    #[test]
    fn names_are_no_keys() {
        for text in [
            "class=\"sk-fading-circle-delay-animation\"",
            "the desk-4f9a8b7c6d5e4f3a2b1c0d9e holds",
            "TODAYINASIAASACKOFRICEFELLOVER",
            "sk-proj-short",
            "akia4pwg5yk35zzc3xsx",
        ] {
            no(Entity::ApiKey, text);
        }
    }
}
