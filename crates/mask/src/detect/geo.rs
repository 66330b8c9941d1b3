//! Places by latitude and longitude.

use super::number::end_of_digits;
use super::{Found, span};
use crate::bytes::{at, before, is_word, slice};
use crate::detect::shape::number;
use crate::entity::Entity;
use crate::fold::OTHER;
use crate::words::Scene;

/// Words right before one of the two numbers.
const ONE: [&str; 8] =
    ["lat", "latitude", "lon", "lng", "longitude", "breitengrad", "latitud", "longitud"];
/// Words before both.
const BOTH: [&str; 14] = [
    "coordinates",
    "coordinate",
    "coords",
    "gps",
    "geo",
    "geolocation",
    "location",
    "latlng",
    "latlong",
    "koordinaten",
    "coordonnees",
    "coordenadas",
    "coordinate",
    "maps",
];
/// With fewer decimals a number names a town at best.
const DECIMALS: usize = 3;

/// Looks for coordinates whose first number begins with the digits `start..end`.
pub(crate) fn detect(scene: &Scene<'_>, start: usize, end: usize, found: &mut Found) {
    let text = scene.text;
    if end - start > 3 {
        return;
    }
    match at(text, end) {
        b'.' if at(text, end + DECIMALS).is_ascii_digit() => decimal(scene, start, found),
        OTHER | b' ' => degrees(text, start, found),
        _ => {}
    }
}

fn decimal(scene: &Scene<'_>, start: usize, found: &mut Found) {
    let text = scene.text;
    let Some((first, stop, _)) = number_at(text, start) else { return };
    let open = start - usize::from(before(text, start, 1) == b'-');
    if is_word(before(text, open, 1)) || before(text, open, 1) == b'.' || is_word(at(text, stop)) {
        return;
    }
    let gap = stop
        + slice(text, stop, stop + 4)
            .iter()
            .take_while(|b| matches!(b, b',' | b' ' | b';'))
            .count();
    let second = gap + usize::from(at(text, gap) == b'-');
    let pair = (gap > stop).then(|| number_at(text, second)).flatten();
    if let Some((other, pair_end, decimals)) = pair
        && first <= 90
        && other <= 180
        && decimals >= DECIMALS
        && !is_word(at(text, pair_end))
        && (scene.before(open, 36, &BOTH) || scene.before(open, 14, &ONE))
    {
        found.push(span((open, pair_end), Entity::Geo, 0.9, "geo"));
    } else if first <= 180 && scene.before(open, 14, &ONE) {
        found.push(span((open, stop), Entity::Geo, 0.9, "geo"));
    }
}

/// The whole part of the number at `from`, where it ends, and how many decimals it has.
fn number_at(text: &[u8], from: usize) -> Option<(u64, usize, usize)> {
    let dot = end_of_digits(text, from);
    if dot == from || dot > from + 3 || at(text, dot) != b'.' {
        return None;
    }
    let end = end_of_digits(text, dot + 1);
    let decimals = end - dot - 1;
    (DECIMALS..=15).contains(&decimals).then_some((number(slice(text, from, dot)), end, decimals))
}

/// `48°51'24"N 2°21'03"E`
fn degrees(text: &[u8], start: usize, found: &mut Found) {
    let Some(middle) = angle(text, start, b"NS", 90) else { return };
    let gap = middle
        + slice(text, middle, middle + 2).iter().take_while(|b| matches!(b, b',' | b' ')).count();
    if !is_word(before(text, start, 1))
        && let Some(end) = angle(text, gap, b"EWO", 180)
        && !is_word(at(text, end))
    {
        found.push(span((start, end), Entity::Geo, 0.95, "geo"));
    }
}

/// Degrees, minutes and seconds, as far as they are given, and the letter of the side.
fn angle(text: &[u8], from: usize, sides: &[u8], most: u64) -> Option<usize> {
    let mut i = from;
    for (n, limit) in [most, 59, 59].into_iter().enumerate() {
        let end = end_of_digits(text, i);
        if end == i {
            break;
        }
        if end > i + 3 || number(slice(text, i, end)) > limit {
            return None;
        }
        i = end;
        if at(text, i) == b'.' {
            i = end_of_digits(text, i + 1);
        }
        let marks = slice(text, i, i + 3)
            .iter()
            .take_while(|b| matches!(**b, OTHER | b' ' | b'\'' | b'"'))
            .count();
        if n == 0 && !slice(text, i, i + marks).contains(&OTHER) {
            return None;
        }
        i += marks;
    }
    (i > from && sides.contains(&at(text, i).to_ascii_uppercase())).then_some(i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn places_as_they_are_written() {
        yes(Entity::Geo, "coordinates: 48.85661, 2.35222.", "48.85661, 2.35222");
        yes(Entity::Geo, "lat=-33.8688&lon=151.2093".split('&').next().unwrap(), "-33.8688");
        yes(Entity::Geo, "GPS -33.8688,151.2093", "-33.8688,151.2093");
        yes(Entity::Geo, "48°51'24\"N 2°21'03\"E is", "48°51'24\"N 2°21'03\"E");
        yes(Entity::Geo, "at 48° 51' 24.1\" N, 2° 21' 3\" E", "48° 51' 24.1\" N, 2° 21' 3\" E");
        let masker = crate::Masker::new(crate::Policy::default(), [0; 32]);
        assert_eq!(masker.anywhere().find_below("48.85661", &["lat"]).len(), 1);
    }

    #[test]
    fn drawings_and_vectors_are_none() {
        for text in [
            "M 12.3456,45.6789 L 13.1234,46.2345",
            "points=\"12.3456, 45.6789\"",
            "[0.012345, -0.234567, 0.345678]",
            "latency 12.3456 ms, 45.6789 ms",
            "coordinates 312.3456, 245.6789",
            "v48.85661",
            "30° 15'",
        ] {
            no(Entity::Geo, text);
        }
    }
}
