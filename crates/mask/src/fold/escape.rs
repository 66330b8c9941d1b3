//! Escapes that stand in a text: `%40` as URLs have it, `\\u0040` as JSON and code have it.

/// The character that is escaped at the beginning, and how many bytes the escape takes.
pub(super) fn at(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'%' => percent(bytes),
        b'\\' => {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            let value = hex(digits.as_bytes())?;
            Some((char::from_u32(value)?, 6))
        }
        _ => None,
    }
}

/// One byte, or the bytes of one character in UTF-8.
fn percent(bytes: &[u8]) -> Option<(char, usize)> {
    let byte = |i: usize| {
        let escape = bytes.get(i * 3..i * 3 + 3)?;
        let (sign, digits) = escape.split_first()?;
        (*sign == b'%').then(|| hex(digits)).flatten().and_then(|value| u8::try_from(value).ok())
    };
    let first = byte(0)?;
    let length = match first {
        // A control character is no part of a value.
        0x20..0x7f | b'\n' | b'\r' | b'\t' => return Some((char::from(first), 3)),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let mut whole = [0; 4];
    for (i, slot) in whole.iter_mut().take(length).enumerate() {
        *slot = byte(i)?;
    }
    let text = std::str::from_utf8(whole.get(..length)?).ok()?;
    Some((text.chars().next()?, length * 3))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}
