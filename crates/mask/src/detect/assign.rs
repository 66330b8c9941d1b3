//! Values given to a name that says they are secret: `api_key = "…"`, `password: …`.

use super::value::{LONGEST, Lead, Manner, is_secret};
use super::{Found, span};
use crate::bytes::{Set, at, before, run, run_back, run_within, slice};
use crate::entity::Entity;
use crate::keys::{Hint, hint};
use crate::words::Scene;

const NAME: Set = Set::alnum_and(b"_-.");
const BARE: Set = Set::alnum_and(b"_-./+=~!@#$%^*|:");
/// What people say between a name and its value.
const SPOKEN: [&[u8]; 14] = [
    b"is ", b"was ", b"ist ", b"lautet ", b"est ", b"es ", b"e ", b"jest ", b"ar ", b"er ", b"on ",
    b"je ", b"to ", b"is: ",
];
const SPACE: Set = Set::only(b" \t");
const BLANK: Set = Set::only(b" \t\r\n");
/// No jumble that is glued to a name is shorter.
const GLUED: usize = 15;

/// Looks for the value of the name that holds the word at `word`; tells where the name ends.
pub(crate) fn detect(scene: &Scene<'_>, word: usize, found: &mut Found) -> usize {
    let text = scene.text;
    let mut start = run_back(text, word, &NAME);
    let name_end = run(text, word, &NAME);
    if name_end - start > LONGEST {
        return name_end;
    }
    if let Some(place) = glued(slice(text, start, name_end)) {
        found.push(span((start + place.0, start + place.1), Entity::ApiKey, 0.7, "assignment"));
        return name_end;
    }
    let alone = start;
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
    let loud = is_loud(slice(text, alone, name_end), alone > start);
    if let Some((open, lead)) = value_after(text, name_end, loud) {
        let value = Value::read(text, open);
        if value.is_secret(text, hint, lead, loud) {
            let score = if hint == Hint::Key { 0.6 } else { 0.8 };
            found.push(span((value.start, value.end), Entity::ApiKey, score, "assignment"));
        } else if hint == Hint::Password
            && let Some(end) = passphrase_end(text, &value, lead)
        {
            found.push(span((value.start, end), Entity::ApiKey, 0.6, "passphrase"));
        }
    }
    name_end
}

/// Whether the last word of a name is in capitals, and what is before it is not: `simfinKEY`.
fn is_loud(name: &[u8], led: bool) -> bool {
    let capitals = name.iter().rev().take_while(|b| b.is_ascii_uppercase() || **b == b'_').count();
    let rest = slice(name, 0, name.len() - capitals);
    let glued = rest.iter().any(u8::is_ascii_lowercase)
        && rest.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    capitals >= 3 && (glued || rest.is_empty() && led)
}

/// The jumble that hangs on a name without any sign: `toggl-KEY-0f3e…`, `dd_secret_key-3c0c…`.
fn glued(name: &[u8]) -> Option<(usize, usize)> {
    let joint = |b: u8| matches!(b, b'-' | b'_' | b'.');
    let mut end = name.len();
    while end > 0 && joint(before(name, end, 1)) {
        end -= 1;
    }
    let joints = name.iter().enumerate().filter(|(_, b)| joint(**b)).map(|(i, _)| i);
    for at in joints {
        let (head, rest) = (slice(name, 0, at), slice(name, at + 1, end));
        if rest.len() < GLUED {
            return None;
        }
        let hex = rest.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
        let whole = hex || rest.iter().all(u8::is_ascii_alphanumeric);
        let Some(hint) = hint(head) else {
            continue;
        };
        let loud = is_loud(head, false);
        let groups = loud && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        let digits = rest.iter().filter(|b| b.is_ascii_digit()).count();
        let tells = loud || matches!(hint, Hint::Credential | Hint::Password);
        let manner = Manner { lead: Lead::Blank, quoted: false, loud: true };
        if (whole || groups) && tells && digits > 3 && is_secret(rest, Hint::Credential, manner) {
            return Some((at + 1, end));
        }
    }
    None
}

/// Where the value of a name begins, and what stands between them.
fn value_after(text: &[u8], name_end: usize, loud: bool) -> Option<(usize, Lead)> {
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
    let sign = slice(text, from, signs).iter().any(|b| matches!(b, b'=' | b':' | b'>'));
    let tag = before(text, signs, 1) == b'>' && signs > from;
    let spoken = SPOKEN.iter().any(|word| slice(text, from, from + word.len()) == *word);
    i = if comma { signs + 1 } else { signs };
    if spoken {
        i = from + slice(text, from, from + 8).iter().position(|b| *b == b' ').unwrap_or(0);
    }
    // A line may break after a tag or a comma, not after a sign: there the value is empty.
    let next = run(text, i, if comma || tag { &BLANK } else { &SPACE });
    let capitals = before(text, name_end, 1).is_ascii_uppercase();
    let lead = match () {
        () if comma => Lead::Comma,
        () if sign && tag => Lead::Tag,
        () if sign && capitals && next == name_end + 1 && at(text, name_end) == b'=' => {
            Lead::Variable
        }
        () if sign => Lead::Sign,
        () if spoken => Lead::Verb,
        () => Lead::Blank,
    };
    let near = signs == from && next > name_end && next < name_end + if loud { 9 } else { 3 };
    ((lead != Lead::Blank || near) && next < i + 24).then_some((next, lead))
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

    fn is_secret(&self, text: &[u8], hint: Hint, lead: Lead, loud: bool) -> bool {
        let value = slice(text, self.start, self.end);
        let closed =
            !self.quoted || matches!(at(text, self.end), b'"' | b'\'' | b'`' | b'\\' | 0 | b'\n');
        let next = at(text, self.end);
        let call = matches!(next, b'(' | b'[' | b'{') || next == b'<' && lead != Lead::Tag;
        // What goes on in dots was cut off by whoever wrote it.
        let cut = slice(text, self.end, self.end + 2) == b"..";
        let manner = Manner { lead, quoted: self.quoted, loud };
        // `password v2`: only a verb or a shape that is no word's makes it a value.
        let bare = hint == Hint::Password && lead == Lead::Blank && !self.quoted;
        let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
        let reference =
            matches!(at(value, 0), b'$' | b'%' | b'*' | b'#' | b'/' | b'.' | b'=' | b'&' | b'@');
        let said = lead == Lead::Verb && digits > 0;
        if !closed || cut || bare && (value.len() < 8 || digits < 2) {
            return false;
        }
        if !self.quoted && (call || at(value, 0) == b'@' || !said && is_path(value)) {
            return false;
        }
        (hint == Hint::Password || !reference) && is_secret(value, hint, manner)
    }
}

/// Where several words between quotes end, if they can be a password: labels and messages of a form
/// have words of their own.
fn passphrase_end(text: &[u8], value: &Value, lead: Lead) -> Option<usize> {
    const LONGEST: usize = 80;
    const SAID: [&str; 40] = [
        "a",
        "and",
        "are",
        "at",
        "be",
        "below",
        "bytes",
        "cannot",
        "change",
        "characters",
        "choose",
        "confirm",
        "do",
        "does",
        "enter",
        "failed",
        "field",
        "for",
        "forgot",
        "incorrect",
        "invalid",
        "is",
        "least",
        "login",
        "match",
        "must",
        "new",
        "not",
        "of",
        "or",
        "password",
        "please",
        "repeat",
        "required",
        "reset",
        "the",
        "to",
        "wrong",
        "you",
        "your",
    ];
    if !value.quoted || at(text, value.end) != b' ' || matches!(lead, Lead::Blank | Lead::Comma) {
        return None;
    }
    let quote = before(text, value.start, 1);
    let rest = slice(text, value.start, text.len().min(value.start + LONGEST));
    let length = rest.iter().position(|b| matches!(*b, b'\n' | b'\\') || *b == quote)?;
    let phrase = slice(rest, 0, length);
    let words = || phrase.split(|b| *b == b' ');
    let plain = |word: &[u8]| {
        word.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'$' | b'{' | b'<' | b'%' | b'['))
            && !word.is_empty()
            && !SAID.iter().any(|said| word.eq_ignore_ascii_case(said.as_bytes()))
    };
    let ends = matches!(phrase.last(), Some(b'.' | b'!' | b'?' | b':'));
    (at(rest, length) == quote && (2..=8).contains(&words().count()) && words().all(plain) && !ends)
        .then_some(value.start + length)
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
        let phrase = "correct horse battery staple";
        yes(Entity::ApiKey, &format!("password: \"{phrase}\""), phrase);
        yes(Entity::ApiKey, &format!("the passphrase is '{phrase}'."), phrase);
    }

    #[test]
    fn names_and_code_do_not() {
        for text in [
            "token = parser.next_token()",
            "{\"token\":\"'t\",\"logprob\":-0.000057530575,\"bytes\":[39,116]}",
            "the token is important to us",
            "password = settings.password1",
            "password: string",
            "password: \"Enter your password\"",
            "password: 'at least 8 characters'",
            "password = \"%s of %s\"",
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
