//! Values in an encoding: base64 that decodes to text.
//!
//! A value in there cannot be cut out of it, so the whole stretch of base64 goes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::bytes::{Set, at, run, run_back, slice};
use crate::detect::{Found, span};
use crate::pass::Pass;
use crate::words::Scene;

/// How deep encodings are undone.
pub(crate) const DEPTH: usize = 2;
/// Shorter base64 holds no value: an e-mail address of 12 bytes takes 16.
const SHORTEST: usize = 16;
/// Past this many bytes the rest is not decoded: texts in base64 are short, files are long.
const LONGEST: usize = 256 << 10;

const LETTERS: Set = Set::alnum_and(b"+/-_=");

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Looks into every stretch of base64 that is text.
pub(crate) fn find(pass: &Pass<'_>, scene: &Scene<'_>, depth: usize, found: &mut Found) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let text = scene.text;
    let mut next = 0;
    // A stretch of the least length covers one of these places, so most bytes are never looked at.
    while next < text.len() {
        let here = next;
        next += SHORTEST;
        if !LETTERS.has(at(text, here)) {
            continue;
        }
        let start = run_back(
            slice(text, here.saturating_sub(SHORTEST), here),
            here.min(SHORTEST),
            &LETTERS,
        ) + here.saturating_sub(SHORTEST);
        let end = run(text, here, &LETTERS);
        if end - start < SHORTEST {
            continue;
        }
        next = next.max(end);
        let stretch = slice(text, start, end.min(start + LONGEST));
        if let Some((from, inner)) = decode(stretch)
            && let Some(best) = best(pass, &inner, scene.keys, depth)
        {
            found.push(span((start + from, end), best, 0.9, "base64"));
        }
    }
}

/// Whether base64 is text and no file.
pub(crate) fn is_text_in_base64(text: &[u8]) -> bool {
    decode(slice(text, 0, text.len().min(LONGEST))).is_some()
}

/// What the stretch says, and where in it the base64 begins: a name and `=` may lead it.
fn decode(stretch: &[u8]) -> Option<(usize, String)> {
    let named = stretch.iter().rposition(|b| *b == b'=').map_or(0, |i| i + 1);
    let body = stretch.iter().rposition(|b| *b != b'=').map_or(0, |i| i + 1);
    let named = if named < body {
        named
    } else {
        let head = slice(stretch, 0, body);
        head.iter().rposition(|b| *b == b'=').map_or(0, |i| i + 1)
    };
    let value = slice(stretch, named, body);
    if value.len() < SHORTEST || !varied(value) {
        return None;
    }
    // The first bytes tell a file from a text.
    let head = engine(value)?.decode(slice(value, 0, value.len().min(64) / 4 * 4)).ok()?;
    if !is_text(&head) {
        return None;
    }
    let whole = match value.len() % 4 {
        1 => slice(value, 0, value.len() - 1),
        _ => value,
    };
    let bytes = engine(value)?.decode(whole).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    is_text(text.as_bytes()).then_some((named, text))
}

fn engine(value: &[u8]) -> Option<GeneralPurpose> {
    let plus = value.iter().any(|b| matches!(b, b'+' | b'/'));
    let dash = value.iter().any(|b| matches!(b, b'-' | b'_'));
    match (plus, dash) {
        (true, true) => None,
        (_, true) => Some(URL_SAFE),
        _ => Some(STANDARD),
    }
}

/// Words and paths are made of these letters too, but hardly ever of capitals inside and digits.
fn varied(value: &[u8]) -> bool {
    let head = slice(value, 0, value.len().min(256));
    head.iter().any(u8::is_ascii_lowercase)
        && head.iter().skip(1).any(u8::is_ascii_uppercase)
        && head.iter().any(u8::is_ascii_digit)
}

/// Whether bytes are text that somebody wrote: no control characters, and mostly printable.
fn is_text(bytes: &[u8]) -> bool {
    let odd = |b: &u8| b.is_ascii_control() && !matches!(b, b'\n' | b'\r' | b'\t');
    let plain = bytes.iter().filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()).count();
    !bytes.is_empty() && !bytes.iter().any(odd) && plain * 10 >= bytes.len() * 7
}

/// The surest of the values in a text that are taken out here.
fn best(pass: &Pass<'_>, text: &str, keys: &[&str], depth: usize) -> Option<crate::entity::Entity> {
    let spans = pass.values(text, keys, depth);
    let taken = spans.into_iter().filter(|span| pass.stand_in(span.entity, "").is_some());
    let best = taken.max_by(|a, b| {
        let rank = |s: &crate::span::Span| (s.entity.is_credential(), s.score);
        rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    best.map(|span| span.entity)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose as b64;

    use super::*;
    use crate::entity::Entity;
    use crate::{Masker, Policy};

    fn found(text: &str) -> Vec<(String, Entity)> {
        let masker = Masker::new(Policy::default(), [0; 32]);
        let spans = masker.find(text);
        spans.iter().map(|s| (text[s.start..s.end].to_owned(), s.entity)).collect()
    }

    #[test]
    fn values_in_base64() {
        let inner = "write to ada.lovelace@example.com, please 7";
        for encoded in [
            b64::STANDARD.encode(inner),
            b64::STANDARD_NO_PAD.encode(inner),
            b64::URL_SAFE.encode(inner),
            b64::STANDARD.encode(b64::STANDARD.encode(inner)),
        ] {
            let text = format!("payload: {encoded} end");
            assert_eq!(found(&text), [(encoded.clone(), Entity::Email)], "{text}");
            let text = format!("data={encoded}");
            assert_eq!(found(&text), [(encoded.clone(), Entity::Email)], "{text}");
        }
    }

    #[test]
    fn harmless_base64_and_files_stay() {
        for inner in [&b"a harmless text that says nothing, number 7"[..], &[0x89; 60], b"\x00\x01"]
        {
            assert_eq!(found(&format!("x {} y", b64::STANDARD.encode(inner))), []);
        }
        assert_eq!(found("a/path/to/SomeFile/with/Words1/inIt"), []);
    }
}
