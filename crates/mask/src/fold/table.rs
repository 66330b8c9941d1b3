//! What one character becomes in the view.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

use super::{LETTER, OTHER};

/// The fate of a character.
#[derive(Clone, Copy)]
pub(super) enum Folded {
    /// It is seen as this byte.
    Byte(u8),
    /// It is not seen.
    Gone,
}

/// The fates of the first characters, worked out once: all alphabets, punctuation and signs.
static FIRST: LazyLock<Vec<Folded>> = LazyLock::new(|| ('\0'..'\u{2200}').map(work_out).collect());

/// Works out the table ahead of the first text.
pub(crate) fn prepare() {
    LazyLock::force(&FIRST);
}

/// The fate of a character outside ASCII.
pub(super) fn fold(c: char) -> Folded {
    let place = usize::try_from(u32::from(c)).unwrap_or(usize::MAX);
    match FIRST.get(place) {
        Some(fate) => *fate,
        None if matches!(c, '\u{3041}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
            && c != '\u{3164}' =>
        {
            Folded::Byte(OTHER)
        }
        None => work_out(c),
    }
}

fn work_out(c: char) -> Folded {
    if gone(c) {
        return Folded::Gone;
    }
    let byte = punctuation(c).or_else(|| digit(c)).or_else(|| styled(c)).or_else(|| twin(c));
    let byte = byte.or_else(|| compatible(c)).or_else(|| confusable(c));
    Folded::Byte(byte.unwrap_or(if c.is_alphabetic() && !ideograph(c) { LETTER } else { OTHER }))
}

/// Zero-width, format and combining characters, variation selectors and tags.
fn gone(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}')
}

fn punctuation(c: char) -> Option<u8> {
    Some(match c {
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{58a}'
        | '\u{1806}'
        | '\u{2e3a}'
        | '\u{2e3b}' => b'-',
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            b' '
        }
        '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        '\u{3002}' | '\u{ff61}' | '\u{2024}' | '\u{6d4}' | '\u{fe52}' => b'.',
        '\u{2018}'..='\u{201b}' => b'\'',
        '\u{201c}'..='\u{201f}' => b'"',
        '\u{fe6b}' => b'@',
        '\u{2044}' | '\u{2215}' => b'/',
        '\u{2236}' | '\u{fe55}' | '\u{a789}' => b':',
        '\u{ff01}'..='\u{ff5e}' => offset(c, '\u{ff01}', b'!')?,
        _ => return None,
    })
}

/// Decimal digits of the scripts in use.
fn digit(c: char) -> Option<u8> {
    const ZEROS: [char; 26] = [
        '\u{660}',
        '\u{6f0}',
        '\u{7c0}',
        '\u{966}',
        '\u{9e6}',
        '\u{a66}',
        '\u{ae6}',
        '\u{b66}',
        '\u{be6}',
        '\u{c66}',
        '\u{ce6}',
        '\u{d66}',
        '\u{de6}',
        '\u{e50}',
        '\u{ed0}',
        '\u{f20}',
        '\u{1040}',
        '\u{17e0}',
        '\u{1810}',
        '\u{1d7ce}',
        '\u{1d7d8}',
        '\u{1d7e2}',
        '\u{1d7ec}',
        '\u{1d7f6}',
        '\u{1fbf0}',
        '\u{2080}',
    ];
    match c {
        '\u{2070}' | '\u{2074}'..='\u{2079}' => return offset(c, '\u{2070}', b'0'),
        '\u{b9}' => return Some(b'1'),
        '\u{b2}' | '\u{b3}' => return offset(c, '\u{b2}', b'2'),
        '\u{2460}'..='\u{2468}' => return offset(c, '\u{2460}', b'1'),
        _ => {}
    }
    ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        (value < 10).then_some(())?;
        offset(c, *zero, b'0')
    })
}

/// Letters in the mathematical styles, in circles and in full width.
fn styled(c: char) -> Option<u8> {
    let value = match c {
        '\u{1d400}'..='\u{1d6a3}' => (u32::from(c) - 0x1d400) % 52,
        '\u{24b6}'..='\u{24cf}' => u32::from(c) - 0x24b6,
        '\u{24d0}'..='\u{24e9}' => u32::from(c) - 0x24d0 + 26,
        '\u{1f130}'..='\u{1f149}' => u32::from(c) - 0x1f130,
        _ => return None,
    };
    let value = u8::try_from(value).ok()?;
    Some(if value < 26 { b'A' + value } else { b'a' + value - 26 })
}

/// Letters that are read as an ASCII letter: with accents, Cyrillic, Greek, letterlike.
fn twin(c: char) -> Option<u8> {
    const TWINS: [(&str, u8); 52] = [
        ("ÀÁÂÃÄÅĀĂĄАΑ", b'A'),
        ("ВΒℬ", b'B'),
        ("ÇĆĈĊČСϹℂℭ", b'C'),
        ("ĎĐÐԀ", b'D'),
        ("ÈÉÊËĒĔĖĘĚЕЁΕℰ", b'E'),
        ("Ϝℱ", b'F'),
        ("ĜĞĠĢԌ", b'G'),
        ("ĤĦНΗℋℌℍ", b'H'),
        ("ÌÍÎÏĨĪĬĮİІЇӀΙℐℑ", b'I'),
        ("ĴЈ", b'J'),
        ("ĶКΚK", b'K'),
        ("ĹĻĽĿŁℒ", b'L'),
        ("МΜℳ", b'M'),
        ("ÑŃŅŇΝℕ", b'N'),
        ("ÒÓÔÕÖØŌŎŐОΟ", b'O'),
        ("РΡℙ", b'P'),
        ("Ԛℚ", b'Q'),
        ("ŔŖŘℛℜℝ", b'R'),
        ("ŚŜŞŠȘЅ", b'S'),
        ("ŢŤŦȚТΤ", b'T'),
        ("ÙÚÛÜŨŪŬŮŰŲՍ", b'U'),
        ("Ѵ", b'V'),
        ("ŴԜ", b'W'),
        ("ХΧ", b'X'),
        ("ÝŶŸҮΥУ", b'Y'),
        ("ŹŻŽΖℤℨ", b'Z'),
        ("àáâãäåāăąаαɑ", b'a'),
        ("Ьƅ", b'b'),
        ("çćĉċčсϲ", b'c'),
        ("ďđðԁⅾ", b'd'),
        ("èéêëēĕėęěеёℯ", b'e'),
        ("ƒ", b'f'),
        ("ĝğġģɡℊ", b'g'),
        ("ĥħһհℎ", b'h'),
        ("ìíîïĩīĭįıіїιɩ", b'i'),
        ("ĵјϳ", b'j'),
        ("ķĸкκ", b'k'),
        ("ĺļľŀłӏℓ", b'l'),
        ("ⅿ", b'm'),
        ("ñńņňŉո", b'n'),
        ("òóôõöøōŏőоοօℴ", b'o'),
        ("рρ", b'p'),
        ("ԛ", b'q'),
        ("ŕŗř", b'r'),
        ("śŝşšșѕ", b's'),
        ("ţťŧț", b't'),
        ("ùúûüũūŭůűųυս", b'u'),
        ("ѵν", b'v'),
        ("ŵԝ", b'w'),
        ("хχ", b'x'),
        ("ýÿŷуү", b'y'),
        ("źżž", b'z'),
    ];
    // Most characters outside these blocks have no twin, and most text outside Latin is there.
    if !matches!(c, '\u{c0}'..='\u{58f}' | '\u{2100}'..='\u{217f}') {
        return None;
    }
    TWINS.iter().find(|(twins, _)| twins.contains(c)).map(|(_, byte)| *byte)
}

/// What NFKC makes of it (UAX #15), when that is one character of ASCII.
fn compatible(c: char) -> Option<u8> {
    let mut parts = c.nfkd().filter(|part| !gone(*part));
    let only = parts.next().filter(char::is_ascii_graphic)?;
    parts.next().is_none().then(|| u8::try_from(only).ok()).flatten()
}

/// The letter that Unicode says it is taken for (UTS #39).
fn confusable(c: char) -> Option<u8> {
    if ideograph(c) {
        return None;
    }
    let mut whole = [0; 4];
    let mut parts = skeleton(c.encode_utf8(&mut whole));
    let only = parts.next().filter(char::is_ascii_alphabetic)?;
    parts.next().is_none().then(|| u8::try_from(only).ok()).flatten()
}

/// Scripts that put no space between words: a number may follow directly.
fn ideograph(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{edf}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

fn offset(c: char, from: char, to: u8) -> Option<u8> {
    let value = u8::try_from(u32::from(c).checked_sub(u32::from(from))?).ok()?;
    to.checked_add(value)
}
