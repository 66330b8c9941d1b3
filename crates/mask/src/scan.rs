//! The pass over a text: finds anchors and sends a detector to each.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, MatchKind, StartKind};

use crate::bytes::{at, before};
use crate::context::{self, Surroundings};
use crate::detect::number::{Number, end_of_digits};
use crate::detect::{
    Found, assign, auth, birth, card, crypto, discord, email, geo, iban, id, ip, jwt, mac,
    manifest, pattern, pem, phone, secret, service, ssn, swift,
};
use crate::pass::Overdue;
use crate::rules::pattern::{self as patterns, Pattern};
use crate::rules::{self, Rule, service as services};
use crate::words::Scene;

/// What stands at a word that is an anchor.
#[derive(Clone, Copy)]
enum Anchor {
    Rule(&'static Rule),
    Pattern(&'static Pattern),
    Service(bool),
    Manifest,
    Discord,
    Name,
    Scheme,
    Url,
    Option,
    Pem,
    Jwt,
    Azure,
    Bank,
    Hardware,
    At,
    Dot,
}

const WORDS: [(&str, Anchor); 64] = [
    ("(at)", Anchor::At),
    ("[at]", Anchor::At),
    ("{at}", Anchor::At),
    (" dot ", Anchor::Dot),
    ("[dot]", Anchor::Dot),
    ("(dot)", Anchor::Dot),
    ("{dot}", Anchor::Dot),
    ("key", Anchor::Name),
    ("token", Anchor::Name),
    ("secret", Anchor::Name),
    ("passw", Anchor::Name),
    ("passphrase", Anchor::Name),
    ("passcode", Anchor::Name),
    ("_pass", Anchor::Name),
    ("pass=", Anchor::Name),
    ("pwd", Anchor::Name),
    ("psw", Anchor::Name),
    ("kennwort", Anchor::Name),
    ("contrasena", Anchor::Name),
    ("senha", Anchor::Name),
    ("passe", Anchor::Name),
    ("motdepasse", Anchor::Name),
    ("mdp", Anchor::Name),
    ("wachtwoord", Anchor::Name),
    ("haslo", Anchor::Name),
    ("losenord", Anchor::Name),
    ("adgangskode", Anchor::Name),
    ("passord", Anchor::Name),
    ("salasana", Anchor::Name),
    ("heslo", Anchor::Name),
    ("jelszo", Anchor::Name),
    ("parola", Anchor::Name),
    ("sifre", Anchor::Name),
    ("lozinka", Anchor::Name),
    ("access", Anchor::Name),
    ("private", Anchor::Name),
    ("credential", Anchor::Name),
    ("auth=", Anchor::Name),
    ("_auth", Anchor::Name),
    ("auth:", Anchor::Name),
    ("login", Anchor::Name),
    ("authorization", Anchor::Name),
    ("cookie", Anchor::Name),
    ("_pat", Anchor::Name),
    ("jwt", Anchor::Name),
    ("bearer ", Anchor::Scheme),
    ("basic ", Anchor::Scheme),
    ("ssws ", Anchor::Scheme),
    ("://", Anchor::Url),
    ("-u ", Anchor::Option),
    ("-user ", Anchor::Option),
    ("-user=", Anchor::Option),
    ("-----BEGIN", Anchor::Pem),
    ("eyJ", Anchor::Jwt),
    ("eyA", Anchor::Jwt),
    ("ewog", Anchor::Jwt),
    ("Q~", Anchor::Azure),
    ("flyv1 ", Anchor::Scheme),
    ("swift", Anchor::Bank),
    ("bic", Anchor::Bank),
    ("mac", Anchor::Hardware),
    ("hardware address", Anchor::Hardware),
    ("physical address", Anchor::Hardware),
    ("kind:", Anchor::Manifest),
];

struct Scanner {
    words: AhoCorasick,
    anchors: Vec<Anchor>,
}

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    let rules = rules::all().map(|rule| (rule.prefix, Anchor::Rule(rule)));
    let patterns = patterns::all().iter().flat_map(|pattern| {
        pattern.keys.iter().map(move |key| (key.as_str(), Anchor::Pattern(pattern)))
    });
    let services = services::all().map(|(name, alone)| (name, Anchor::Service(alone)));
    let all = WORDS.into_iter().chain(rules).chain(patterns).chain(services);
    let all = all.map(|(word, anchor)| (word.to_owned(), anchor));
    let bots = discord::heads().map(|head| (head, Anchor::Discord));
    let (words, anchors): (Vec<_>, Vec<_>) = all.chain(bots).unzip();
    Scanner { words: automaton(&words), anchors }
});

#[expect(clippy::expect_used, reason = "the words are constants, and a test builds them")]
fn automaton(words: &[String]) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .start_kind(StartKind::Unanchored)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
        .expect("some thousand short words fit an automaton")
}

/// Builds what is built once.
pub(crate) fn prepare() {
    LazyLock::force(&SCANNER);
    crate::fold::prepare();
    id::prepare();
    context::prepare();
}

/// Whether a text is so short and plain that nothing can be in it: most strings of a request are
/// keys, roles and types.
///
/// Numbers need digits, addresses need `@`, `:` or digits, assignments need a sign between name and
/// value, and the shortest token is longer than this. Codes of banks are in capitals.
pub(crate) fn is_plain(text: &str) -> bool {
    const SHORT: usize = 12;
    text.len() <= SHORT
        && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
        && !(matches!(text.len(), 8 | 11) && text.bytes().all(|b| b.is_ascii_uppercase()))
}

/// Everything any detector finds, in no order, overlaps and all.
pub(crate) fn scan(scene: &Scene<'_>, overdue: Overdue<'_>) -> Found {
    let mut found = Found::new();
    words(scene, overdue, &mut found);
    signs(scene, overdue, &mut found);
    if scene.text.len() <= 11 && !scene.keys.is_empty() {
        swift::below_key(scene, &mut found);
    }
    found
}

/// Asks whether it takes too long, once in so many anchors.
const ASK: usize = 256;

fn words(scene: &Scene<'_>, overdue: Overdue<'_>, found: &mut Found) {
    let scanner = &*SCANNER;
    let mut name_end = 0;
    let mut pem_end = 0;
    let mut jwt_end = 0;
    let mut manifest_end = 0;
    let mut last: Option<(&'static Pattern, usize)> = None;
    let input = aho_corasick::Input::new(scene.text).anchored(Anchored::No);
    for (count, hit) in scanner.words.find_overlapping_iter(input).enumerate() {
        if count % ASK == ASK - 1 && overdue() {
            break;
        }
        let Some(anchor) = scanner.anchors.get(hit.pattern().as_usize()) else {
            continue;
        };
        match anchor {
            Anchor::Rule(rule) => secret::detect(scene, hit.start(), rule, found),
            // Inside of what a rule has found it has nothing more to find.
            Anchor::Pattern(rule) if !within(last, rule, hit.start()) => {
                let end = pattern::detect(scene, (hit.start(), hit.end()), rule, found);
                last = end.map(|end| (*rule, end)).or(last);
            }
            Anchor::Manifest if hit.start() >= manifest_end => {
                manifest_end = manifest::detect(scene, (hit.start(), hit.end()), found);
            }
            Anchor::Discord => discord::detect(scene, hit.start(), found),
            Anchor::Service(alone) => {
                service::detect(scene, (hit.start(), hit.end()), *alone, found);
            }
            Anchor::Name if hit.start() >= name_end => {
                name_end = assign::detect(scene, hit.start(), found);
            }
            Anchor::Scheme => auth::after_scheme(scene, hit.start(), hit.end(), found),
            Anchor::Url => auth::in_url(scene, hit.end(), found),
            Anchor::Option => auth::after_option(scene, hit.start(), hit.end(), found),
            Anchor::Pem if hit.start() >= pem_end => {
                pem_end = pem::detect(scene, hit.start(), found);
            }
            Anchor::Jwt if hit.start() >= jwt_end => {
                jwt_end = jwt::detect(scene, hit.start(), found);
            }
            Anchor::Name | Anchor::Pem | Anchor::Jwt | Anchor::Manifest | Anchor::Pattern(_) => {}
            Anchor::Azure => secret::azure(scene, hit.start(), found),
            Anchor::Bank => swift::after_word(scene, hit.start(), hit.end(), found),
            Anchor::At => email::spelt(scene, hit.start(), hit.end(), found),
            Anchor::Dot => email::before_dot(scene, hit.start(), found),
            Anchor::Hardware => mac::after_word(scene, hit.start(), hit.end(), found),
        }
    }
}

/// Whether the place lies in the last thing that this rule found.
fn within(last: Option<(&'static Pattern, usize)>, rule: &'static Pattern, start: usize) -> bool {
    last.is_some_and(|(other, end)| std::ptr::eq(other, rule) && start < end)
}

/// Digits, `@` and `:` are anchors of their own. Most stretches of prose have none of them.
fn signs(scene: &Scene<'_>, overdue: Overdue<'_>, found: &mut Found) {
    const STRETCH: usize = 32;
    let text = scene.text;
    let mut i = 0;
    let mut reached = Reached::default();
    let mut colon_end = 0;
    let mut count = 0;
    while let Some(rest) = text.get(i..) {
        if let Some(stretch) = rest.first_chunk::<STRETCH>()
            && !stretch.iter().fold(false, |any, b| any | is_sign(*b))
        {
            i += STRETCH;
            continue;
        }
        let Some(step) = rest.iter().position(|b| is_sign(*b)) else {
            break;
        };
        i += step;
        count += 1;
        if count % ASK == 0 && overdue() {
            break;
        }
        match at(text, i) {
            b'@' => email::detect(scene, i, found),
            b':' => {
                if i >= colon_end && looks_hexadecimal(text, i) {
                    mac::at_colon(scene, i, found);
                    colon_end = ip::detect_v6(scene, i, found);
                }
            }
            _ => {
                let end = end_of_digits(text, i);
                digits(scene, i, end, &mut reached, found);
                i = end;
                continue;
            }
        }
        i += 1;
    }
}

/// How far what later digits belong to was looked at already.
#[derive(Default)]
struct Reached {
    number: usize,
    word: usize,
    near: Surroundings,
}

fn digits(scene: &Scene<'_>, start: usize, end: usize, reached: &mut Reached, found: &mut Found) {
    let text = scene.text;
    if end - start >= 2 {
        iban::detect(scene, start, found);
    }
    if at(text, end) == b'.' && end - start <= 3 {
        ip::detect_v4(scene, start, found);
    }
    // In a word only the first digits lead to it.
    if start >= reached.word {
        id::mixed(scene, start, end, &mut reached.near, found);
        geo::detect(scene, start, end, found);
        birth::detect(scene, start, end, found);
        reached.word = end;
        if at(text, end).is_ascii_alphabetic() || before(text, start, 1).is_ascii_alphabetic() {
            reached.word = crypto::detect(scene, start, found);
        }
        if end - start <= 4 {
            mac::at_digits(scene, start, found);
        }
    }
    if start < reached.number {
        return;
    }
    let Some(number) = Number::read(text, start) else {
        return;
    };
    reached.number = number.end;
    let next = (at(text, number.end), at(text, number.end + 1));
    let broken = matches!(next, (b'\n', _) | (_, b'\n') | (b' ', b' '));
    if broken
        && number.digits < 16
        && let Some(broken) = Number::read_loosely(text, start)
        && (15..=19).contains(&broken.digits)
    {
        card::broken(scene, &broken, found);
    }
    if number.digits >= 12 {
        card::detect(scene, &number, found);
    }
    if number.digits >= 9 {
        ssn::detect(scene, &number, found);
    }
    if number.digits >= 6 {
        id::digits(scene, &number, &mut reached.near, found);
    }
    phone::detect(scene, &number, &mut reached.near, found);
}

fn is_sign(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'@' || byte == b':'
}

/// Nearly every colon in prose and code has a blank or a word beside it.
fn looks_hexadecimal(text: &[u8], colon: usize) -> bool {
    let next = at(text, colon + 1);
    next == b':' || next.is_ascii_hexdigit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_build() {
        prepare();
        assert_eq!(SCANNER.anchors.len(), SCANNER.words.patterns_len());
    }

    #[test]
    fn nothing_is_found_in_what_is_plain() {
        let words = WORDS.iter().map(|(word, _)| *word).chain(rules::all().map(|rule| rule.prefix));
        for word in words.chain(["", "a"]) {
            for fill in ["a", "Zq", "xYwVuT", "_", "abcdefghijkl"] {
                let text: String = word.chars().chain(fill.chars().cycle()).take(12).collect();
                if is_plain(&text) {
                    for keys in [[].as_slice(), &["api_key"], &["password", "x"]] {
                        let scene = Scene { text: text.as_bytes(), keys };
                        assert_eq!(scan(&scene, &|| false), [], "{text} below {keys:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn anchors_at_the_edges() {
        for text in
            ["", "@", ":", "1", "1@", "::", "key", "key=", "://", "-----BEGIN", "eyJ", "sk-"]
        {
            assert_eq!(scan(&Scene { text: text.as_bytes(), keys: &[] }, &|| false), [], "{text}");
        }
    }
}
