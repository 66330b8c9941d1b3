//! Values given to a name that says they are secret: `api_key = "…"`, `password: …`.

use super::shape::{entropy, is_dummy, is_uuid};
use super::{Found, span};
use crate::bytes::{Set, at, before, run, run_back, run_within, slice};
use crate::entity::Entity;
use crate::keys::{Hint, hint};
use crate::words::Scene;

const NAME: Set = Set::alnum_and(b"_-.");
const BARE: Set = Set::alnum_and(b"_-./+=~!@#$%^*|:");
const SPACE: Set = Set::only(b" \t");
const BLANK: Set = Set::only(b" \t\r\n");
const LONGEST: usize = 512;

/// Looks for the value of the name that holds the word at `word`; tells where the name ends.
pub(crate) fn detect(scene: &Scene<'_>, word: usize, found: &mut Found) -> usize {
    let text = scene.text;
    let mut start = run_back(text, word, &NAME);
    let name_end = run(text, word, &NAME);
    // `API key` is one name of two words.
    if before(text, start, 1) == b' ' && before(text, start, 2).is_ascii_alphabetic() {
        start = run_back(text, start - 1, &NAME);
    }
    let name = slice(text, start, name_end);
    if name.len() > 80 {
        return name_end;
    }
    let Some(hint) = hint(name) else {
        return name_end;
    };
    if let Some((open, sure)) = value_after(text, name_end) {
        let value = Value::read(text, open);
        if value.is_secret(text, hint, sure) {
            let score = if hint == Hint::Key { 0.6 } else { 0.8 };
            found.push(span((value.start, value.end), Entity::ApiKey, score, "assignment"));
        }
    }
    name_end
}

/// Where the value of a name begins, and whether more than blanks stand between them.
fn value_after(text: &[u8], name_end: usize) -> Option<(usize, bool)> {
    let mut i = name_end;
    let quoted = skip(text, &mut i, b"\\\"'`");
    skip(text, &mut i, b")]");
    let blank = run(text, i, &SPACE);
    let mut signs = blank;
    // Go and the like put the type between the name and the sign.
    if slice(text, blank, blank + 7) == b"string " {
        signs += 7;
    }
    let from = signs;
    while signs < from + 5 && matches!(at(text, signs), b'=' | b':' | b'>' | b'.' | b'?' | b'|') {
        signs += 1;
    }
    let comma = quoted && signs == from && at(text, signs) == b',';
    let spoken = slice(text, from, from + 3) == b"is " || slice(text, from, from + 4) == b"was ";
    let sure = slice(text, from, signs).iter().any(|b| matches!(b, b'=' | b':' | b'>')) || comma;
    i = if comma { signs + 1 } else { signs };
    if spoken {
        i = from + slice(text, from, from + 4).iter().position(|b| *b == b' ').unwrap_or(0);
    }
    // A line may break after a tag or a comma, not after a sign: there the value is empty.
    let breaks = comma || before(text, signs, 1) == b'>' && signs > from;
    let next = run(text, i, if breaks { &BLANK } else { &SPACE });
    let reached = sure || spoken || signs == from && next > name_end && next < name_end + 3;
    (reached && next < i + 24).then_some((next, sure))
}

fn skip(text: &[u8], i: &mut usize, these: &[u8]) -> bool {
    let from = *i;
    while *i < from + 3 && these.contains(&at(text, *i)) && at(text, *i) != 0 {
        *i += 1;
    }
    *i > from
}

/// The value a name is given.
struct Value {
    start: usize,
    end: usize,
    quoted: bool,
}

impl Value {
    fn read(text: &[u8], open: usize) -> Self {
        let mut start = open;
        skip(text, &mut start, b"\\");
        // One quote opens a value; another is its first letter.
        let quoted = matches!(at(text, start), b'"' | b'\'' | b'`');
        start += usize::from(quoted);
        let mut end = start;
        if quoted {
            let quote = before(text, start, 1);
            while end < start + LONGEST && !matches!(at(text, end), 0 | b'\n' | b'\\' | b' ') {
                if at(text, end) == quote {
                    break;
                }
                end += 1;
            }
        } else {
            end = run_within(text, start, LONGEST + 1, &BARE);
            while end > start && matches!(before(text, end, 1), b'.' | b':' | b'!') {
                end -= 1;
            }
        }
        Self { start, end, quoted }
    }

    fn is_secret(&self, text: &[u8], hint: Hint, sure: bool) -> bool {
        let value = slice(text, self.start, self.end);
        let closed =
            !self.quoted || matches!(at(text, self.end), b'"' | b'\'' | b'`' | b'\\' | 0 | b'\n');
        let call = !self.quoted && matches!(at(text, self.end), b'(' | b'[' | b'{' | b'<');
        let reference =
            matches!(at(value, 0), b'$' | b'%' | b'*' | b'#' | b'/' | b'.' | b'=' | b'&');
        if !closed
            || call
            || reference && hint != Hint::Password
            || value.len() > LONGEST
            || value.windows(3).any(|w| w == b"://")
            || is_dummy(value)
            || !self.quoted && is_path(value)
        {
            return false;
        }
        let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
        let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
        let jumble = entropy(value);
        match hint {
            Hint::Password => {
                let signs = value.iter().any(|b| b.is_ascii_punctuation() && !b"_-.:/".contains(b));
                let lead = matches!(at(value, 0), b'$' | b'%' | b'*' | b'{' | b'<');
                sure && value.len() >= 6 && (digits > 0 || signs) && !lead && jumble >= 1.8
            }
            Hint::Credential if !sure => {
                value.len() >= 20 && digits > 2 && letters > 0 && jumble >= 3.0
            }
            Hint::Credential => {
                value.len() >= 10
                    && (digits > 1 && letters > 0 && jumble >= 2.7 && !is_named(value)
                        || digits == value.len() && digits >= 16 && jumble >= 2.0
                        || value.len() >= 15 && jumble >= 3.3 && digits > 0 && !is_named(value)
                        || is_letter_jumble(value, jumble))
            }
            Hint::Key => {
                sure && value.len() >= 16
                    && digits > 2
                    && letters > 2
                    && jumble >= 3.0
                    && !is_uuid(value)
                    && !is_named(value)
                    && !value.contains(&b'.')
            }
        }
    }
}

/// Attributes and modules: `settings.password1`, `std::env::var`.
fn is_path(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let mut segments = value.split(|b| matches!(b, b'.' | b':'));
    let several = value.iter().any(|b| matches!(b, b'.' | b':'));
    several
        && digits < 4
        && segments.all(|s| {
            s.is_empty()
                || s.first().is_some_and(u8::is_ascii_alphabetic)
                    && s.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        })
}

/// Words and counters joined by hyphens: `prod-key-2`, `SalesResults-1.2`.
fn is_named(value: &[u8]) -> bool {
    value.iter().any(|b| matches!(b, b'-' | b'_' | b'.'))
        && value.split(|b| matches!(b, b'-' | b'_' | b'.')).all(|part| {
            let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
            part.len() < 13 && (digits <= 1 || digits == part.len() && digits < 5)
        })
}

/// Letters in no order of a name: short runs of one case.
fn is_letter_jumble(value: &[u8], jumble: f32) -> bool {
    let turns = value
        .windows(2)
        .filter(|pair| at(pair, 0).is_ascii_lowercase() != at(pair, 1).is_ascii_lowercase())
        .count();
    let plain = value.iter().all(u8::is_ascii_alphanumeric);
    plain && (value.len() >= 20 && jumble >= 3.8 && turns * 3 >= value.len())
        || value.len() >= 40 && jumble >= 4.0 && turns * 4 >= value.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn names_give_secrets_away() {
        for text in [
            "api_key=Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB&x=1",
            "genericToken := \"Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB\"",
            "var apiToken string = \"Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB\"",
            "set(\"X_TOKEN\", \"Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB\")",
            "<t.secret>\n    Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB\n</t>",
            "$clientSecret .= 'Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB'",
            "{\\\"secret\\\": \\\"Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB\\\"}",
            "my API key is Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB.",
        ] {
            yes(Entity::ApiKey, text, "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB");
        }
        yes(Entity::ApiKey, "password: hunter2", "hunter2");
        yes(Entity::ApiKey, "DB_PASSWORD='P@ssw0rd$1'", "P@ssw0rd$1");
    }

    #[test]
    fn names_and_code_do_not() {
        for text in [
            "token = parser.next_token()",
            "{\"token\":\"'t\",\"logprob\":-0.000057530575,\"bytes\":[39,116]}",
            "the token is important to us",
            "password = settings.password1",
            "password: string",
            "api_key=${API_KEY}",
            "api_key = \"your-api-key-goes-1234\"",
            "\"bucket_key\": \"SalesResults-1.2\"",
            "kms_key_id: 555ea4a3-d53a-4412-9c66-3a7cb667b0d6",
            "max_tokens: 1234567890123456",
            "cache_key = 550e8400-e29b-41d4-a716-446655440000",
            "LLM_SECRET = \"NEXUS-GPT4-API-KEY\"",
            "secret_key = \"https://example.com/a1b2c3d4e5\"",
        ] {
            no(Entity::ApiKey, text);
        }
    }
}
