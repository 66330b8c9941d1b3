//! Identifier codes of banks (ISO 9362), beside the word that names them.

use super::{Found, span};
use crate::bytes::{at, before, is_word, slice};
use crate::entity::Entity;
use crate::words::{Scene, parts};

/// ISO 3166 codes of the countries that have banks.
const COUNTRIES: &str = " AD AE AF AG AI AL AM AO AR AS AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR \
    BS BT BW BY BZ CA CD CF CG CH CI CK CL CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER \
    ES ET FI FJ FK FM FO FR GA GB GD GE GG GH GI GL GM GN GQ GR GT GU GW GY HK HN HR HT HU ID IE IL \
    IM IN IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MG MH MK ML MM MN MO MR MS MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA \
    PE PF PG PH PK PL PR PS PT PW PY QA RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV \
    SX SY SZ TC TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VN VU WS XK YE ZA \
    ZM ZW ";
/// Words between the label and the code, in capitals as codes are.
const REACH: usize = 28;

/// Looks behind the word at `start..end` for the code that it names.
pub(crate) fn after_word(scene: &Scene<'_>, start: usize, end: usize, found: &mut Found) {
    let text = scene.text;
    if is_word(before(text, start, 1)) || is_word(at(text, end)) {
        return;
    }
    let mut i = end;
    while i < end + REACH {
        let length = word_at(text, i);
        let code = slice(text, i, i + length);
        // A word in capitals may follow, too.
        let between = slice(text, end, i);
        let telling = code.iter().any(u8::is_ascii_digit)
            || code.ends_with(b"XXX")
            || between.iter().any(|b| matches!(b, b':' | b'=' | b'#' | b'"'))
            || [&b"code"[..], b"is", b"bic"].iter().any(|word| {
                between.split(|b| *b == b' ' || *b == b'/').any(|w| w.eq_ignore_ascii_case(word))
            });
        if telling && is_code(code) {
            found.push(span((i, i + length), Entity::Swift, 0.9, "swift"));
            return;
        }
        i += length.max(1);
    }
}

/// Looks at a text that is nothing but a code, below a key that names it.
pub(crate) fn below_key(scene: &Scene<'_>, found: &mut Found) {
    let named = |part: &[u8]| {
        [&b"swift"[..], b"bic", b"bicswift", b"swiftcode"]
            .iter()
            .any(|w| w.eq_ignore_ascii_case(part))
    };
    if scene.keys.iter().any(|key| parts(key.as_bytes()).any(named)) && is_code(scene.text) {
        found.push(span((0, scene.text.len()), Entity::Swift, 0.9, "swift"));
    }
}

fn word_at(text: &[u8], from: usize) -> usize {
    let rest = slice(text, from, text.len().min(from + 12));
    rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len())
}

/// Four letters of the bank, the country, two of the place, three of the branch or none.
fn is_code(value: &[u8]) -> bool {
    let country = slice(value, 4, 6);
    matches!(value.len(), 8 | 11)
        && value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && slice(value, 0, 6).iter().all(u8::is_ascii_uppercase)
        && COUNTRIES.split(' ').any(|c| c.as_bytes() == country && !c.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn codes_behind_their_word() {
        yes(Entity::Swift, "SWIFT: DEUTDEFF500.", "DEUTDEFF500");
        yes(Entity::Swift, "SWIFT/BIC code is BNPAFRPP", "BNPAFRPP");
        yes(Entity::Swift, "\"bic\": \"COBADEFFXXX\"", "COBADEFFXXX");
        let masker = crate::Masker::new(crate::Policy::default(), [0; 32]);
        assert_eq!(masker.anywhere().find_below("COBADEFF", &["bic"]).len(), 1);
    }

    #[test]
    fn other_words_are_none() {
        for text in [
            "SWIFT COMPILER DEUTSCHE",
            "DEUTDEFF",
            "cubic DEUTDEFF",
            "swift deutdeff",
            "SWIFT LANGUAGE",
        ] {
            no(Entity::Swift, text);
        }
    }
}
