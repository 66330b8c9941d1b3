//! E-mail addresses.

use super::{Found, span};
use crate::bytes::{Set, at, before, run, run_back, slice};
use crate::entity::Entity;
use crate::fold::LETTER;
use crate::words::Scene;

const LOCAL: Set = Set::alnum_and(&[b'.', b'_', b'%', b'+', b'-', b'\'', b'&', b'=', LETTER]);
const BLANK: Set = Set::only(b" ");
const DOMAIN: Set = Set::alnum_and(&[b'.', b'-', LETTER]);

/// What follows the last dot of a file name, not of a domain: `logo@2x.png`.
const FILES: [&str; 22] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "tsx", "jsx", "css", "json", "html",
    "xml", "yaml", "yml", "toml", "lock", "tgz", "gz", "zip", "rb",
];

/// Ends of domains that are no words: `at home dot com`.
const TOPS: [&str; 27] = [
    "com", "org", "net", "edu", "gov", "io", "co", "uk", "de", "fr", "es", "nl", "eu", "ch",
    "info", "dev", "app", "ai", "au", "ca", "jp", "br", "pl", "ru", "cn", "biz", "se",
];

/// Looks for the address round the `@` at `sign`.
pub(crate) fn detect(scene: &Scene<'_>, sign: usize, found: &mut Found) {
    let text = scene.text;
    let mut start = run_back(text, sign, &LOCAL);
    // What looks like a value after a name is one: `to=ada@example.com`.
    if let Some(equals) = slice(text, start, sign).iter().rposition(|b| matches!(b, b'=' | b'&')) {
        start += equals + 1;
    }
    while matches!(at(text, start), b'.' | b'\'' | b'-' | b'%' | b'+') && start < sign {
        start += 1;
    }
    let mut end = run(text, sign + 1, &DOMAIN);
    while end > sign && matches!(before(text, end, 1), b'.' | b'-') {
        end -= 1;
    }
    let local = slice(text, start, sign);
    let well_formed = !local.is_empty()
        && local.len() <= 64
        && before(text, sign, 1) != b'.'
        && !local.windows(2).any(|pair| pair == b"..")
        && is_domain(slice(text, sign + 1, end));
    if well_formed && local != b"git" && !is_userinfo(text, start) {
        found.push(span((start, end), Entity::Email, 0.95, "email"));
    }
}

/// Looks for the address that is spelt round an `[at]`, which stands from `at_start` to `at_end`.
pub(crate) fn spelt(scene: &Scene<'_>, at_start: usize, at_end: usize, found: &mut Found) {
    let text = scene.text;
    let left = run_back(text, at_start, &BLANK);
    let start = run_back(text, left, &LOCAL);
    let local = slice(text, start, left);
    let mut end = run(text, at_end, &BLANK);
    let mut domain = Vec::new();
    loop {
        let label = run(text, end, &DOMAIN);
        domain.extend_from_slice(slice(text, end, label));
        let next = dot_end(text, label);
        if label == end || domain.len() > 253 {
            return;
        }
        end = label;
        let Some(next) = next.filter(|next| at(text, *next).is_ascii_alphanumeric()) else {
            break;
        };
        domain.push(b'.');
        end = next;
    }
    while matches!(domain.last(), Some(b'.' | b'-')) {
        domain.pop();
        end -= 1;
    }
    let spoken = at(text, at_start) == b' ';
    let top = domain.rsplit(|b| *b == b'.').next().unwrap_or_default();
    if spoken && !TOPS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(top)) {
        return;
    }
    let near = left + 3 > at_start && run(text, at_end, &BLANK) < at_end + 3;
    if near && (1..=64).contains(&local.len()) && is_domain(&domain) {
        found.push(span((start, end), Entity::Email, 0.8, "email-spelt"));
    }
}

/// Looks for the address that has ` at ` before the label before this dot.
pub(crate) fn before_dot(scene: &Scene<'_>, dot: usize, found: &mut Found) {
    let text = scene.text;
    let label = run_back(text, dot, &DOMAIN);
    for sign in [" at ", " @ ", "@", "(@)", "[@]"] {
        if slice(text, 0, label).ends_with(sign.as_bytes()) {
            spelt(scene, label - sign.len(), label, found);
        }
    }
}

/// Where a dot that is spelt here ends.
fn dot_end(text: &[u8], from: usize) -> Option<usize> {
    const DOTS: [&str; 8] =
        [" dot ", " [dot] ", "[dot]", " (dot) ", "(dot)", "{dot}", "[.]", "(.)"];
    DOTS.iter()
        .map(|dot| (dot.len(), slice(text, from, from + dot.len()), dot.as_bytes()))
        .find(|(_, there, dot)| there.eq_ignore_ascii_case(dot))
        .map(|(length, ..)| from + length)
}

fn is_domain(domain: &[u8]) -> bool {
    let mut labels = domain.rsplit(|b| *b == b'.');
    let top = labels.next().unwrap_or_default();
    let mut more = labels.peekable();
    domain.len() <= 253
        && is_top(top)
        && more.peek().is_some()
        && more.all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.first() != Some(&b'-')
                && label.last() != Some(&b'-')
        })
}

fn is_top(top: &[u8]) -> bool {
    let punycode = top.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"));
    let letters = top.iter().all(|b| b.is_ascii_alphabetic() || *b == LETTER);
    (punycode || letters)
        && (2..=24).contains(&top.len())
        && !FILES.iter().any(|file| file.as_bytes().eq_ignore_ascii_case(top))
}

/// In `scheme://user:password@host` the sign belongs to the URL; another detector looks there.
fn is_userinfo(text: &[u8], start: usize) -> bool {
    const WITHIN: Set = Set::alnum_and(b".-_~%!$&'*+,;=:");
    if before(text, start, 1) == b'@' {
        return true;
    }
    if before(text, start, 1) != b':' {
        return before(text, start, 1) == b'/' && before(text, start, 2) == b'/';
    }
    let open = run_back(text, start, &WITHIN);
    before(text, open, 1) == b'/' && before(text, open, 2) == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn addresses_as_they_are_written() {
        for value in [
            "ada@example.com",
            "Ada.Lovelace+log@mail.example.co.uk",
            "o'neill@example.ie",
            "user@xn--80ak6aa92e.com",
            "josé@example.com",
            "дима@почта.рф",
        ] {
            yes(Entity::Email, &format!("<{value}>, please."), value);
        }
        yes(Entity::Email, "mailto:ada@example.com?subject=x", "ada@example.com");
        yes(Entity::Email, "https://x.org/?to=ada@example.com", "ada@example.com");
        yes(Entity::Email, "'ada@example.com'.", "ada@example.com");
    }

    #[test]
    fn addresses_as_they_are_spelt() {
        for value in [
            "ada.lovelace (at) example.com",
            "ada [at] example [dot] com",
            "ada(at)mail(dot)example(dot)org",
            "ada at example dot com",
            "ada@example dot com",
            "ada[at]example.co.uk",
        ] {
            yes(Entity::Email, &format!("mail {value}, please."), value);
        }
        for text in [
            "look at the dot on the screen",
            "meet me at noon dot",
            "x[at] = y.z",
            "array (at) position",
            "at dot com",
        ] {
            no(Entity::Email, text);
        }
    }

    #[test]
    fn other_uses_of_the_sign() {
        for text in [
            "lodash@4.17.21",
            "logo@2x.png",
            "@decorator.route",
            "me @ home.com",
            "git@github.com:org/repo",
            "user@localhost",
            "https://user:pass@host.example.com/",
            "a..b@example.com",
            "a@-example.com",
        ] {
            no(Entity::Email, text);
        }
    }
}
