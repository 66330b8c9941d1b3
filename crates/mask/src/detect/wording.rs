//! Whether a value reads like words, as names in programs do, or is a jumble, as keys are.

/// The letters that often follow each letter in English words and in names of programs: these pairs
/// make up nine tenths of all pairs there, and a third of the pairs of a jumble.
const FOLLOWS: [&[u8]; 26] = [
    b"bcdgiklmnprstuvwy",
    b"aeilou",
    b"acehiklorstu",
    b"adeilorsu",
    b"acdefglmnpqrstvx",
    b"aefilou",
    b"aehinru",
    b"aeior",
    b"abcdefglmnoprstvz",
    b"",
    b"eis",
    b"adeilostuy",
    b"abeiopsu",
    b"acdeginostuv",
    b"bcdgiklmnoprstuvw",
    b"aehiloprstu",
    b"u",
    b"acdeikmnorstuy",
    b"acehikopstuy",
    b"acehilorstuy",
    b"abceilmnprst",
    b"aei",
    b"aeino",
    b"pt",
    b"p",
    b"e",
];

/// Whether most of the value is words, joined in any of the ways that names join them.
pub(crate) fn reads_like_words(value: &[u8]) -> bool {
    let (mut pairs, mut usual) = (0, 0);
    for pair in value.windows(2) {
        if let [left, right] = pair
            && left.is_ascii_alphabetic()
            && right.is_ascii_alphabetic()
            // `aB` is where a new word begins.
            && (left.is_ascii_uppercase() || right.is_ascii_lowercase())
        {
            pairs += 1;
            usual += usize::from(follows(*left, *right));
        }
    }
    let hex = value.len() >= 16 && value.iter().all(u8::is_ascii_hexdigit);
    !hex && value.len() >= 6 && pairs * 5 >= (value.len() - 1) * 3 && usual * 3 >= pairs * 2
}

fn follows(left: u8, right: u8) -> bool {
    let row = usize::from(left.to_ascii_lowercase().wrapping_sub(b'a'));
    FOLLOWS.get(row).is_some_and(|next| next.contains(&right.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_words() {
        for name in [
            "settings.DATABASE_PASSWORD",
            "getSecretFromVault",
            "your-very-long-key-goes-here",
            "international",
            "AuthenticationTokenProvider",
        ] {
            assert!(reads_like_words(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn keys_do_not() {
        for key in [
            "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "xqzjvkwpgbhfmdlc",
            "DjayBenyJrtpvydFCzAphcqc",
        ] {
            assert!(!reads_like_words(key.as_bytes()), "{key}");
        }
    }
}
