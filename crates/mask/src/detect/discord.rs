//! Tokens of Discord's bots: the number of a bot in base64, a time, a signature, joined by dots.

use super::{Found, span};
use crate::bytes::{Set, at, before, is_word, run_within, slice};
use crate::detect::shape::entropy;
use crate::entity::Entity;
use crate::words::Scene;

const BASE64_URL: Set = Set::alnum_and(b"-_");

/// How such tokens begin, for all a word says nothing: two digits and a half of one in base64.
pub(crate) fn heads() -> impl Iterator<Item = String> {
    let firsts = ["MD", "MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"];
    let thirds = ["A", "E", "I", "M", "Q", "U", "Y", "c", "g", "k"];
    firsts.into_iter().flat_map(move |first| thirds.map(|third| format!("{first}{third}")))
}

/// Looks for the token that begins at `start`.
pub(crate) fn detect(scene: &Scene<'_>, start: usize, found: &mut Found) {
    let text = scene.text;
    let left = before(text, start, 1);
    if !matches!(at(text, start), b'M'..=b'O') || is_word(left) || BASE64_URL.has(left) {
        return;
    }
    let number = run_within(text, start, 29, &BASE64_URL);
    if at(text, number) != b'.' || !(23..=28).contains(&(number - start)) {
        return;
    }
    let time = run_within(text, number + 1, 8, &BASE64_URL);
    let end = run_within(text, time + 1, 43, &BASE64_URL);
    let fits = at(text, time) == b'.' && (5..=7).contains(&(time - number - 1));
    if fits && (27..=42).contains(&(end - time - 1)) && entropy(slice(text, start, end)) >= 3.5 {
        found.push(span((start, end), Entity::ApiKey, 0.95, "discord"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn tokens_of_bots() {
        let value = "Nzk5MjgxNDk0NDc2NDU1OTg3.YABS5g.2lmzECVlZv3vv6miVnUaKPQi2wI";
        yes(Entity::ApiKey, &format!("it is {value}!"), value);
        no(Entity::ApiKey, "MTA.YABS5g.2lmzECVlZv3vv6miVnUaKPQi2wI");
        no(Entity::ApiKey, &value.replace('N', "aN"));
        no(Entity::ApiKey, &value.to_lowercase());
    }
}
