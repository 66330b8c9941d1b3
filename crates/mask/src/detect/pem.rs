//! Private keys in PEM form, whole or cut off.

use super::{Found, span};
use crate::bytes::{Set, run, slice};
use crate::entity::Entity;
use crate::words::Scene;

/// Base64 with what stands between its lines, escaped line ends and header fields too.
const BODY: Set = Set::alnum_and(b"+/=\r\n\t \\:,-.*#|>");

/// A header line is never longer than this.
const HEADER: usize = 80;

/// Looks for the key that begins with the `-----BEGIN` at `start`; tells where it ends.
pub(crate) fn detect(scene: &Scene<'_>, start: usize, found: &mut Found) -> usize {
    let text = scene.text;
    let head = start + "-----BEGIN".len();
    let window = slice(text, head, text.len().min(head + HEADER));
    let Some(title) = position(window, b"-----") else {
        return head;
    };
    if position(slice(window, 0, title), b"PRIVATE KEY").is_none() {
        return head;
    }
    let body = head + title + 5;
    let rest = text.get(body..).unwrap_or_default();
    let next = position(rest, b"-----BEGIN").map(|i| body + i);
    let own = slice(text, body, next.unwrap_or(text.len()));
    let close = position(own, b"-----END").map(|i| body + i);
    let end = match close {
        Some(close) => {
            let tail = close + "-----END".len();
            let window = slice(text, tail, text.len().min(tail + HEADER));
            position(window, b"-----").map_or(close, |i| tail + i + 5)
        }
        // Cut off: what still looks like the key belongs to it.
        None => body + run(own, 0, &BODY),
    };
    let letters = slice(text, body, close.unwrap_or(end).min(end));
    let title = slice(window, 0, title);
    let strict = [&b"OPENSSH"[..], b"PGP"].iter().any(|kind| position(title, kind).is_some());
    if is_body(letters, close.is_some(), strict) {
        found.push(span((start, end), Entity::PrivateKey, 1.0, "pem"));
        return end;
    }
    head
}

/// Whether base64 stands between the two lines, and enough of it for a key.
///
/// Keys of OpenSSH and PGP begin in one way; of the other kinds encrypted ones do not.
fn is_body(body: &[u8], whole: bool, strict: bool) -> bool {
    const BASE64: Set = Set::alnum_and(b"+/=");
    // What whole keys of every kind begin with: a sequence of ASN.1, OpenSSH's mark, a packet of PGP.
    const HEADS: [&[u8]; 9] =
        [b"M", b"b3BlbnNz", b"lQ", b"lI", b"lF", b"x", b"Proc-", b"Version", b"Comment"];
    const SHORTEST: usize = 12;
    const WHOLE: usize = 40;
    let runs = body.split(|b| !BASE64.has(*b));
    let (longest, all) =
        runs.fold((0, 0), |(most, all), run| (run.len().max(most), all + run.len()));
    let first = body.iter().position(|b| BASE64.has(*b)).unwrap_or(0);
    let head = slice(body, first, body.len());
    let head =
        if matches!(head.first(), Some(b'n' | b'r')) { slice(head, 1, head.len()) } else { head };
    longest >= SHORTEST
        && (!whole || all >= WHOLE && !strict || HEADS.iter().any(|known| head.starts_with(known)))
}

fn position(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    const KEY: &str =
        "-----BEGIN EC PRIVATE KEY-----\nMIGlAgEBBDEA1yi+kzpV\n-----END EC PRIVATE KEY-----";

    #[test]
    fn keys_of_every_kind() {
        yes(Entity::PrivateKey, &format!("key:\n{KEY}\nend"), KEY);
        let escaped = KEY.replace('\n', "\\n");
        yes(Entity::PrivateKey, &format!("\"{escaped}\""), &escaped);
        let pgp = KEY.replace("EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK");
        yes(Entity::PrivateKey, &pgp, &pgp);
    }

    #[test]
    fn a_key_cut_off_is_one() {
        let cut = &KEY[..45];
        yes(Entity::PrivateKey, cut, cut);
    }

    #[test]
    fn what_is_public_or_empty_is_none() {
        no(Entity::PrivateKey, &KEY.replace("PRIVATE", "PUBLIC"));
        no(Entity::PrivateKey, "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----");
        no(
            Entity::PrivateKey,
            "-----BEGIN CERTIFICATE-----\nMIGlAgEBBDEA1yi\n-----END CERTIFICATE-----",
        );
    }
}
