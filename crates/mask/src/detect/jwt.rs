//! JSON web tokens.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{Found, span};
use crate::bytes::{Set, at, before, run, slice};
use crate::entity::Entity;
use crate::words::Scene;

const BASE64_URL: Set = Set::alnum_and(b"-_");
/// No method that is called on a string in base64 has a longer name.
const OPAQUE: usize = 40;

/// Looks for the token whose header starts at `start`; tells where the header ends.
pub(crate) fn detect(scene: &Scene<'_>, start: usize, found: &mut Found) -> usize {
    let text = scene.text;
    // `eyJ` opens `{"` in base64, and `eyA` and `ewog` do with a blank; both parts are objects.
    if !matches!(slice(text, start, start + 3), b"eyJ" | b"eyA" | b"ewo") {
        return start;
    }
    let header = run(text, start, &BASE64_URL);
    let payload = run(text, header + 1, &BASE64_URL);
    let joined = before(text, start, 1).is_ascii_alphanumeric() && !after_escape(text, start);
    if joined || at(text, header) != b'.' || header - start < 12 || payload - header < 9 {
        return header;
    }
    let told = is_header(slice(text, start, header));
    // A payload may be compressed, and a signature may stand without one.
    let object = slice(text, header + 1, header + 3) == b"ey"
        || slice(text, header + 1, header + 3) == b"ew"
        || told && payload - header > OPAQUE
        || encrypted(text, header);
    if !object {
        return header;
    }
    if !told
        && !scene.before(start, 24, &["jwt", "token", "jwttoken", "bearer", "authorization", "key"])
    {
        return header;
    }
    let mut end = payload;
    // A signature, or the other three parts of an encrypted token.
    for _ in 0..3 {
        let next = run(text, end + 1, &BASE64_URL);
        if at(text, end) != b'.' || next == end + 1 {
            break;
        }
        end = next;
    }
    end += usize::from(end == payload && at(text, end) == b'.');
    found.push(span((start, end), Entity::Jwt, 1.0, "jwt"));
    header
}

/// Whether the first part is a header: a JSON object with one of the members that headers have.
fn is_header(part: &[u8]) -> bool {
    let Ok(json) = BASE64_URL_SAFE_NO_PAD.decode(part) else {
        return false;
    };
    let members: [&[u8]; 4] = [b"\"alg\"", b"\"typ\"", b"\"enc\"", b"\"kid\""];
    json.trim_ascii_end().ends_with(b"}")
        && members.iter().any(|member| json.windows(member.len()).any(|w| w == *member))
}

/// `\n` before a token is no letter of it.
fn after_escape(text: &[u8], start: usize) -> bool {
    before(text, start, 2) == b'\\' && matches!(before(text, start, 1), b'n' | b't' | b'r')
}

/// An encrypted token has five parts and no object in the second.
fn encrypted(text: &[u8], header: usize) -> bool {
    let mut end = header;
    for _ in 0..4 {
        if at(text, end) != b'.' {
            return false;
        }
        end = run(text, end + 1, &BASE64_URL);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4";

    #[test]
    fn tokens_as_they_travel() {
        yes(Entity::Jwt, &format!("x: {TOKEN},"), TOKEN);
        let unsigned = TOKEN.rsplit_once('.').unwrap().0;
        yes(Entity::Jwt, unsigned, unsigned);
        let encrypted =
            "eyJhbGciOiJSU0EifQ.OKOawDo13gRp2ojaHV7.48V1_ALb6US04U3b.5eym8TW_c8.XFBoMYUZ";
        yes(Entity::Jwt, encrypted, encrypted);
        let opaque = "eyJhbGciOiJIUzI1NiJ9.AO9gWJy6UnMceCzA4Lig0VV4wwUjIf6N5NIbwh2eLvEu2djH";
        yes(Entity::Jwt, opaque, opaque);
    }

    #[test]
    fn other_base64_is_none() {
        no(Entity::Jwt, "eyJhbGciOiJIUzI1NiJ9");
        no(Entity::Jwt, "eyJBB.eyJCC.eyJDDDD");
        no(Entity::Jwt, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ.eyJzdWIiOiIxMjM0In0.SflKxwRJ");
        no(Entity::Jwt, "bm90X3ZhbGlk.bm90X3ZhbGlk.SflKxw");
    }
}
