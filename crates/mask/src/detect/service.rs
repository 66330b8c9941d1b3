//! Keys that only the name of their service gives away: `chartmogul a1b2c3…`, `codaKEY-0f3e…`.

use super::shape::{entropy, is_uuid};
use super::value::stands_for_another;
use super::wording::reads_like_words;
use super::{Found, span};
use crate::bytes::{Set, at, before, run_within, slice};
use crate::entity::Entity;
use crate::words::Scene;

/// What stands between the words of a name, and between it and the value.
const BETWEEN: Set = Set::only(b" \t\n'\"=:>-_.(,");
const WORD: Set = Set::alnum_and(b"");
const VALUE: Set = Set::alnum_and(b"-_.+/=:!");
/// The words that may stand between the name of a service and the key.
const KEYS: [&str; 29] = [
    "key",
    "keys",
    "token",
    "secret",
    "access",
    "private",
    "api",
    "apikey",
    "auth",
    "id",
    "client",
    "app",
    "pat",
    "authtoken",
    "apitoken",
    "secretkey",
    "privatekey",
    "accesstoken",
    "accesskey",
    "secrettoken",
    "authorization",
    "bearer",
    "password",
    "personal",
    "x",
    "user",
    "service",
    "tok",
    "code",
];
/// Of them those that say that a secret follows.
const TELLING: usize = 6;
const WORDS: usize = 4;
const SHORTEST: usize = 15;
const TOLD: usize = 12;
const LONGEST: usize = 1200;

/// Looks for a key after the name of a service at `start..open`; `alone` if no other word is needed.
pub(crate) fn detect(
    scene: &Scene<'_>,
    (start, open): (usize, usize),
    alone: bool,
    found: &mut Found,
) {
    let text = scene.text;
    if before(text, start, 1).is_ascii_alphanumeric() || is_host(text, open) {
        return;
    }
    let mut end = open;
    let (mut telling, mut told) = (alone, false);
    for _ in 0..=WORDS {
        let next = run_within(text, end, 6, &BETWEEN);
        let word = run_within(text, next, LONGEST, &WORD);
        // `codaKEY` is the name and a word, `codap` is another name.
        let known =
            KEYS.iter().position(|k| k.as_bytes().eq_ignore_ascii_case(slice(text, next, word)));
        if let Some(known) = known {
            // An id of an application is none of its secrets.
            let tells = known < TELLING || slice(text, next, word).len() > 6;
            told |= tells;
            telling = tells || telling && KEYS.get(known) != Some(&"id");
            end = word;
            continue;
        }
        // `wandb_v1_…` is a form of its own.
        if next > end && telling && !matches!(slice(text, next, word), b"v1" | b"v2") {
            value(text, next, told, found);
        }
        return;
    }
}

/// `cloudflare.com/`: the service's page.
fn is_host(text: &[u8], open: usize) -> bool {
    const TOPS: [&[u8]; 9] =
        [b"com", b"io", b"org", b"net", b"co", b"ai", b"dev", b"app", b"cloud"];
    let end = run_within(text, open + 1, 6, &WORD);
    at(text, open) == b'.' && TOPS.contains(&slice(text, open + 1, end))
}

/// With a word for a key before it a value need be no more than a jumble.
fn value(text: &[u8], start: usize, told: bool, found: &mut Found) {
    let mut end = run_within(text, start, LONGEST + 1, &VALUE);
    while end > start && matches!(before(text, end, 1), b'.' | b'-' | b'_' | b':' | b'/') {
        end -= 1;
    }
    let value = slice(text, start, end);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let segments = value.split(|b| matches!(b, b'-' | b'_' | b'.' | b'/' | b':'));
    let segment = segments.map(<[u8]>::len).max().unwrap_or(0);
    let shortest = if told { TOLD } else { SHORTEST };
    // Groups of letters and digits, as on the back of a card.
    let groups = told && value.len() >= 24 && digits >= 8 && segment >= 5;
    let long = value.len() >= 30 && digits >= 5 && entropy(value) >= 4.2;
    let mixed = digits >= 3 && letters >= 3
        || is_uuid(value)
        || told && (letters == 0 && digits >= 20 || letters >= 20 && segment == value.len());
    if (shortest..=LONGEST).contains(&value.len())
        && at(text, end) != b'('
        && mixed
        && (segment >= shortest || groups || long || is_uuid(value))
        && entropy(value) >= if told { 2.5 } else { 3.0 }
        && !stands_for_another(value)
        && !reads_like_words(value)
    {
        found.push(span((start, end), Entity::ApiKey, 0.7, "service"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn after_the_name_of_a_service() {
        let key = "a1b2c3d4e5f6071829aabbccddee0f12";
        for lead in [
            "chartmogul ",
            "pixabay = \"",
            "rebrandly-",
            "codacyKEY ",
            "daily token ",
            "front.key.",
        ] {
            yes(Entity::ApiKey, &format!("{lead}{key}\""), key);
        }
    }

    #[test]
    fn a_name_alone_tells_nothing() {
        for text in [
            "the line a1b2c3d4e5f6071829aabbccddee0f12",
            "github a1b2c3d4e5f6071829aabbccddee0f12a1b2c3d4",
            "datadog dashboards are international",
            "twilio-client-1.2.3-beta.4",
            "https://ci.appveyor.com/api/projects/status/lmhkkc4q8cwc65ko",
            "mysentry a1b2c3d4e5f6071829aabbccddee0f12",
        ] {
            no(Entity::ApiKey, text);
        }
    }
}
