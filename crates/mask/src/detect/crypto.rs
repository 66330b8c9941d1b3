//! Addresses of cryptocurrencies, by their checksums: base 58 with a check, Bech32, EIP-55 and
//! that of Monero.

use sha2::{Digest, Sha256};
use sha3::Keccak256;

use super::{Found, span};
use crate::bytes::{Set, at, before, is_word, run_within, slice};
use crate::entity::Entity;
use crate::words::Scene;

const TOKEN: Set = Set::alnum_and(b"");
const SHORTEST: usize = 25;
const LONGEST: usize = 110;
const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
const WORDS: [&str; 16] = [
    "wallet",
    "wallets",
    "eth",
    "ethereum",
    "address",
    "crypto",
    "erc20",
    "metamask",
    "usdt",
    "token",
    "solana",
    "sol",
    "btc",
    "deposit",
    "recipient",
    "payout",
];
const SOLANA: [&str; 3] = ["solana", "sol", "phantom"];
/// What Bech32 addresses begin with: Bitcoin, Litecoin, Cardano, the Cosmos and others.
const PARTS: [&[u8]; 12] = [
    b"bc",
    b"tb",
    b"ltc",
    b"addr",
    b"stake",
    b"cosmos",
    b"osmo",
    b"terra",
    b"inj",
    b"bnb",
    b"erd",
    b"celestia",
];

/// Looks at the word that holds the digits at `digits`; tells where it ends.
///
/// Every digit of a long word would lead to it, so the caller skips those before the end.
pub(crate) fn detect(scene: &Scene<'_>, digits: usize, found: &mut Found) -> usize {
    let text = scene.text;
    let reach = digits.saturating_sub(LONGEST);
    let lead = slice(text, reach, digits).iter().rev().take_while(|b| TOKEN.has(**b)).count();
    let start = digits - lead;
    let end = run_within(text, digits, LONGEST, &TOKEN);
    let value = slice(text, start, end);
    if value.len() < SHORTEST
        || value.len() > LONGEST
        || is_word(before(text, start, 1))
        || is_word(at(text, end))
    {
        return end;
    }
    let named = |words: &[&str]| scene.before(start, 48, words) || scene.after(end, 24, words);
    let score = match value.len() {
        25..=36 if is_base58check(value) => 0.95,
        42 if value.starts_with(b"0x") => match is_ethereum(slice(value, 2, 42)) {
            Some(true) => 0.95,
            None if named(&WORDS) => 0.85,
            _ => return end,
        },
        95 | 106 if is_monero(value) => 0.95,
        _ if is_bech32(value) => 0.95,
        32..=44 if is_base58(value) && is_mixed(value) && named(&SOLANA) => 0.8,
        _ => return end,
    };
    found.push(span((start, end), Entity::Crypto, score, "crypto"));
    end
}

fn is_base58(value: &[u8]) -> bool {
    value.iter().all(|b| BITCOIN.contains(b))
}

fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_digit)
}

/// A version, twenty bytes of a hash, and the head of the double digest of both.
///
/// The first letters are those of Bitcoin, Litecoin, Dogecoin, Dash, Tron, Zcash and Ripple.
fn is_base58check(value: &[u8]) -> bool {
    let alphabet = match at(value, 0) {
        b'r' => RIPPLE,
        b'1' | b'3' | b'2' | b'm' | b'n' | b'L' | b'M' | b'D' | b'A' | b'9' | b'X' | b'T'
        | b't' => BITCOIN,
        _ => return false,
    };
    let Some((bytes, length)) = decode(value, alphabet) else { return false };
    let Some((body, check)) =
        bytes.get(bytes.len() - length..).and_then(|b| b.split_last_chunk::<4>())
    else {
        return false;
    };
    matches!(length, 25 | 26)
        && Sha256::digest(Sha256::digest(body)).first_chunk::<4>() == Some(check)
}

/// The bytes that the digits of base 58 spell, at the end of the array, and how many they are.
fn decode(value: &[u8], alphabet: &[u8; 58]) -> Option<([u8; 32], usize)> {
    let mut bytes = [0_u8; 32];
    for sign in value {
        let mut carry = u32::try_from(alphabet.iter().position(|b| b == sign)?).ok()?;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    let zeros = value.iter().take_while(|b| **b == at(alphabet, 0)).count();
    let used = bytes.len() - bytes.iter().take_while(|b| **b == 0).count();
    Some((bytes, (used + zeros).min(32)))
}

/// BIP 173 and BIP 350.
fn is_bech32(value: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = !value.iter().any(u8::is_ascii_uppercase);
    let upper = !value.iter().any(u8::is_ascii_lowercase);
    let Some(one) = value.iter().rposition(|b| *b == b'1') else { return false };
    let (part, data) = (slice(value, 0, one), slice(value, one + 1, value.len()));
    if !(lower || upper) || !PARTS.iter().any(|p| p.eq_ignore_ascii_case(part)) || data.len() < 8 {
        return false;
    }
    let step = |sum: u32, value: u32| {
        const TURNS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let next = (sum & 0x01ff_ffff) << 5 ^ value;
        TURNS
            .iter()
            .enumerate()
            .fold(next, |next, (i, turn)| if sum >> (25 + i) & 1 == 1 { next ^ turn } else { next })
    };
    let letter = |b: &u8| u32::from(b.to_ascii_lowercase());
    let head =
        part.iter().map(|b| letter(b) >> 5).chain([0]).chain(part.iter().map(|b| letter(b) & 31));
    let mut sum = head.fold(1, step);
    for byte in data {
        let Some(place) = ALPHABET.iter().position(|b| *b == byte.to_ascii_lowercase()) else {
            return false;
        };
        sum = step(sum, u32::try_from(place).unwrap_or_default());
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

/// EIP-55: the case of the letters is a checksum. `None` if they have but one case.
fn is_ethereum(digits: &[u8]) -> Option<bool> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Some(false);
    }
    let upper = digits.iter().any(u8::is_ascii_uppercase);
    let lower = digits.iter().any(u8::is_ascii_lowercase);
    if !(upper && lower) {
        return None;
    }
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    let nibble = |i: usize| {
        let byte = at(&hash, i / 2);
        if i.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
    };
    let right = |(i, b): (usize, &u8)| {
        !b.is_ascii_alphabetic() || b.is_ascii_uppercase() == (nibble(i) >= 8)
    };
    Some(digits.iter().enumerate().all(right))
}

/// Base 58 in blocks of eleven digits for eight bytes; the head of a digest of the others is last.
fn is_monero(value: &[u8]) -> bool {
    if !matches!(at(value, 0), b'4' | b'8') || !is_base58(value) {
        return false;
    }
    let mut bytes = Vec::with_capacity(80);
    for block in value.chunks(11) {
        let width = match block.len() {
            11 => 8,
            7 => 5,
            _ => return false,
        };
        let Some((decoded, _)) = decode(block, BITCOIN) else { return false };
        let Some(tail) = decoded.get(decoded.len() - width..) else { return false };
        bytes.extend_from_slice(tail);
    }
    let Some((body, check)) = bytes.split_last_chunk::<4>() else { return false };
    Keccak256::digest(body).first_chunk::<4>() == Some(check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn addresses_of_many_chains() {
        for value in [
            "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
        ] {
            yes(Entity::Crypto, &format!("pay to {value}, please"), value);
        }
        yes(
            Entity::Crypto,
            "my wallet 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        );
    }

    #[test]
    fn digests_and_wrong_ones_are_none() {
        for text in [
            "8f953371d3e85eddb89b05ed6b9e680791055315c73e1025ab5dba7bb2aee189",
            "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyY",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdw",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "chatcmpl-9f8e7d6c5b4a3f2e1d0cchatcmpl9f8e",
            "wallet da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            no(Entity::Crypto, text);
        }
    }
}
