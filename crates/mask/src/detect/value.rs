//! What may be the value of a name that says it is secret.

use super::shape::{entropy, is_filler, is_uuid};
use super::wording::reads_like_words;
use crate::bytes::{at, slice};
use crate::keys::Hint;

/// No value that is assigned to a name is longer.
pub(crate) const LONGEST: usize = 512;

/// Ends of keys that stand in the issuers' own documents and pages, and so open nothing.
const PUBLISHED: [&[u8]; 24] = [
    b"IOSFODNN7EXAMPLE",
    b"IOSFODNN7SECRETS",
    b"EXAMPLEKEY",
    b"SECRETSKEY",
    b"0123456789ABCDEF",
    b"6912E7710c838347Ae178B4a",
    b"xyz1234567",
    b"oX-oo6YyIs",
    b"rUEke8agEM",
    b"CgHIAODrlU",
    b"ZRR_znhrh0",
    b"YefhixbX4A",
    b"di_UUPwX7c",
    b"9CKctWmLd4",
    b"PjjaXeDQgY",
    b"Jv_a_p4wtM",
    b"1sjmdnP5sQ",
    b"hhrOq1cS7g",
    b"2AFnzAvvuU",
    b"4MJmprNXsw",
    b"cxaOi4FmqE",
    b"srVL_n0nvY",
    b"exampleexample",
    b"aaaaaaaaaaaaaaaa",
];

/// Whether a key is one that its issuer shows to everybody, or is filled up with one letter.
pub(crate) fn is_published(key: &[u8]) -> bool {
    PUBLISHED.iter().any(|end| key.ends_with(end)) || has_run(key)
}

/// Whether one small letter or zero stands eight times in a row, and others do too.
fn has_run(key: &[u8]) -> bool {
    const RUN: usize = 8;
    let same = |run: &[u8]| {
        let first = at(run, 0);
        (first.is_ascii_lowercase() || first == b'0') && run.iter().all(|b| *b == first)
    };
    !same(key) && key.windows(RUN).any(same)
}

/// What stands between a name and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// Nothing but blanks.
    Blank,
    /// A verb: `is`.
    Verb,
    /// A sign: `=`, `:`.
    Sign,
    /// `=` alone, after a name in capitals: a variable of the environment.
    Variable,
    /// The end of a tag of XML.
    Tag,
    /// A comma, as before the next word of a list.
    Comma,
}

impl Lead {
    /// Whether it is a sign of any kind.
    fn is_sign(self) -> bool {
        !matches!(self, Self::Blank | Self::Verb)
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// What it comes after.
    pub lead: Lead,
    /// Between quotes.
    pub quoted: bool,
    /// After a name that shouts: `simfinKEY`, `clockify ACCESS`.
    pub loud: bool,
}

/// What is written where a password belongs, and is none.
const NO_PASSWORDS: [&str; 44] = [
    "password",
    "passwords",
    "passwort",
    "passwd",
    "required",
    "optional",
    "string",
    "hidden",
    "disabled",
    "enabled",
    "undefined",
    "invalid",
    "incorrect",
    "username",
    "textfield",
    "textbox",
    "integer",
    "boolean",
    "default",
    "unknown",
    "missing",
    "nothing",
    "confirm",
    "confirmation",
    "description",
    "validation",
    "changeit",
    "change_me",
    "change-me",
    "secret",
    "mypassword",
    "yourpassword",
    "userpassword",
    "newpassword",
    "oldpassword",
    "the_password",
    "new-password",
    "current-password",
    "prompt",
    "generated",
    "external",
    "encrypted",
    "function",
    "object",
];

/// Heads of values that are not the secret itself: where it is kept, or how it was encrypted.
const ELSEWHERE: [&[u8]; 15] = [
    b"ENC(",
    b"ENC[",
    b"{cipher}",
    b"vault:",
    b"arn:",
    b"kms:",
    b"ref+",
    b"op://",
    b"ssm:",
    b"sm://",
    b"file:",
    b"env:",
    b"secretref:",
    b"os.environ",
    b"process.env",
];

/// Marks of a value that stands for another one.
const MARKS: [&[u8]; 21] = [
    b"your",
    b"example",
    b"placeholder",
    b"redacted",
    b"changeme",
    b"replace",
    b"dummy",
    b"insert",
    b"_here",
    b"-here",
    b"00000000",
    b"sample",
    b"fake",
    b"todo",
    b"aws4_request",
    // `changeme` and `12345` in base64, wherever they fall.
    b"Y2hhbmdlbW",
    b"NoYW5nZW1l",
    b"jaGFuZ2VtZ",
    b"MTIzNDU",
    b"EyMzQ1",
    b"AbCdEfGhIjKlMnOp",
];

/// Whether the value of such a name is a secret.
pub(crate) fn is_secret(value: &[u8], hint: Hint, manner: Manner) -> bool {
    if value.len() > LONGEST || stands_for_another(value) {
        return false;
    }
    match hint {
        Hint::Password => is_password(value, manner),
        _ if reads_like_words(value) => false,
        Hint::Credential => is_credential(value, manner),
        Hint::Key if manner.loud => is_credential(value, manner),
        Hint::Key => is_key(value, manner),
    }
}

/// The letters and digits in their order are the table of an encoder.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Whether the value only says where the secret is or that one belongs here.
pub(crate) fn stands_for_another(value: &[u8]) -> bool {
    let head = |head: &&[u8]| slice(value, 0, head.len()).eq_ignore_ascii_case(head);
    is_filler(value)
        || ELSEWHERE.iter().any(head)
        || value.windows(3).any(|w| w == b"://")
        || matches!(at(value, 0), b'<' | b'{' | b'[')
        || slice(value, 0, 2) == b"${"
        || MARKS.iter().any(|mark| holds(value, mark))
        || holds(value, ALPHABET)
        || is_published(value)
}

/// A mark with capitals is one of base64, where case counts.
fn holds(value: &[u8], mark: &[u8]) -> bool {
    let exact = mark.iter().any(u8::is_ascii_uppercase);
    let same = |part: &[u8]| if exact { part == mark } else { part.eq_ignore_ascii_case(mark) };
    value.windows(mark.len()).any(same)
}

/// Passwords are chosen by people, so that any value may be one that is no word of the language of
/// forms and no reference.
fn is_password(value: &[u8], manner: Manner) -> bool {
    let count = Count::of(value);
    // `DB_PASSWORD=butterfly`, as in files of the environment, is as good as quoted.
    let quoted = manner.quoted || manner.lead == Lead::Variable;
    let lead = matches!(at(value, 0), b'$' | b'%' | b'*' | b'&') && count.digits == 0;
    if lead
        || entropy(value) < 1.8
        || NO_PASSWORDS.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(value))
    {
        return false;
    }
    let mixed = count.digits > 0 && (count.letters > 0 || value.len() >= 6) || count.signs > 0;
    if !manner.lead.is_sign() {
        return value.len() >= 6 && mixed && count.letters > 0 && !is_version(value);
    }
    value.len() >= 6 && mixed && !(is_word_of_code(value) && count.digits < 2)
        || value.len() >= 4 && quoted && mixed && count.letters > 0
        || value.len() >= 6
            && quoted
            && manner.lead != Lead::Comma
            && value.iter().all(u8::is_ascii_lowercase)
}

fn is_credential(value: &[u8], manner: Manner) -> bool {
    let count = Count::of(value);
    let jumble = entropy(value);
    if !manner.lead.is_sign() {
        let short = if manner.loud { 15 } else { 20 };
        return value.len() >= short
            && jumble >= 2.8
            && !is_named(value)
            && (count.digits > 1 && count.letters > 0
                || manner.loud && (is_letter_jumble(value, jumble) || count.digits >= 16));
    }
    value.len() >= 10
        && !is_named(value)
        && (count.digits > 1 && count.letters > 0 && jumble >= 2.7
            || count.digits == value.len() && count.digits >= 16 && jumble >= 2.0
            || value.len() >= 15 && jumble >= 3.3 && count.digits > 0
            || is_letter_jumble(value, jumble))
}

/// Perhaps a key of a map: the value must be a good jumble.
fn is_key(value: &[u8], manner: Manner) -> bool {
    let count = Count::of(value);
    manner.lead.is_sign()
        && value.len() >= 16
        && (count.digits > 2 && count.letters > 2 || is_letter_jumble(value, entropy(value)))
        && entropy(value) >= 3.0
        && !is_uuid(value)
        && !is_named(value)
        && !value.contains(&b'.')
}

struct Count {
    digits: usize,
    letters: usize,
    /// Signs that no name has.
    signs: usize,
}

impl Count {
    fn of(value: &[u8]) -> Self {
        let count = |test: fn(&u8) -> bool| value.iter().filter(|b| test(b)).count();
        Self {
            digits: count(u8::is_ascii_digit),
            letters: count(u8::is_ascii_alphabetic),
            signs: count(|b| b.is_ascii_punctuation() && !b"_-.:/,".contains(b)),
        }
    }
}

/// `v7.5.4`, `1.2.0-beta3`.
fn is_version(value: &[u8]) -> bool {
    value.split(|b| *b == b'.').count() > 2
}

/// `getpass()`, `args.password1`, `self._secret!`.
fn is_word_of_code(value: &[u8]) -> bool {
    const JOINTS: &[u8] = b"_.()[]:%";
    value.iter().any(|b| JOINTS.contains(b))
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || JOINTS.contains(b) || b"!?,;".contains(b))
        && reads_like_words(value)
}

/// Words and counters joined by hyphens: `prod-key-2`, `SalesResults-1.2`, `src1337-login`.
fn is_named(value: &[u8]) -> bool {
    let joint = |b: &u8| matches!(b, b'-' | b'_' | b'.');
    let several = value.iter().any(joint) && !is_uuid(value);
    (several || value.len() < 16) && value.split(joint).all(is_plain)
}

/// A word, a number, or a word with a number after it.
fn is_plain(part: &[u8]) -> bool {
    let word = part.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(part.len());
    let number = part.len() - word;
    slice(part, word, part.len()).iter().all(u8::is_ascii_digit)
        && (word == part.len() && word < 13
            || word > 0 && part.len() < 11 && number < 6
            || word == 0 && number < 12)
}

/// Letters in no order of a name: short runs of one case, or none of the usual pairs.
fn is_letter_jumble(value: &[u8], jumble: f32) -> bool {
    let turns = value
        .windows(2)
        .filter(|pair| at(pair, 0).is_ascii_lowercase() != at(pair, 1).is_ascii_lowercase())
        .count();
    let plain = value.iter().all(u8::is_ascii_alphanumeric);
    plain && value.len() >= 20 && jumble >= 3.5 && (turns == 0 || turns * 5 >= value.len())
        || value.len() >= 40 && jumble >= 4.0 && turns * 4 >= value.len()
        || value.len() >= 18
            && jumble >= 3.6
            && turns * 3 >= value.len()
            && value.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Manner = Manner { lead: Lead::Sign, quoted: true, loud: false };

    #[test]
    fn passwords_are_whatever_people_choose() {
        for value in ["hunter2", "P@5w", "goodspec", "tr0ub4dor&3", "super$ecret"] {
            assert!(is_secret(value.as_bytes(), Hint::Password, SURE), "{value}");
        }
        for value in ["required", "${PASS}", "<password>", "changeme1", "ENC(1a2b3c)", "xxxxxxxx"] {
            assert!(!is_secret(value.as_bytes(), Hint::Password, SURE), "{value}");
        }
    }

    #[test]
    fn names_are_no_credentials() {
        for value in ["prod-key-2", "src1337-login", "cmp2-qat-1208358310", "MEMBER_CLUSTER_TK01"] {
            assert!(!is_secret(value.as_bytes(), Hint::Credential, SURE), "{value}");
        }
        for value in ["lkdmy34cq7gv8yql", "743b294a-cd03-11ec-9d64-0242ac120002"] {
            assert!(is_secret(value.as_bytes(), Hint::Credential, SURE), "{value}");
        }
    }
}
