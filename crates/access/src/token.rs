//! An access token: `ctk_<id>_<secret>`, 16 and 64 hexadecimal digits.
//!
//! The secret is 256 random bits, so one SHA-256 of it is enough to keep: slow hashes are for
//! passwords, which can be guessed. The beginning is fixed, so that scanners for secrets find it.

use std::fmt;
use std::str::FromStr;

use seal::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::AccessError;

const START: &str = "ctk_";
const ID: usize = 8;
const SECRET: usize = 32;

/// What names an access token in records and lists: `t_` and 16 hexadecimal digits. No secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenId([u8; ID]);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t_{}", hex::encode(self.0))
    }
}

impl FromStr for TokenId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = text.strip_prefix("t_").and_then(exactly);
        bytes.map(Self).ok_or_else(|| "expected t_ and 16 hexadecimal digits".to_owned())
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for TokenId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A token that was just made: the only moment that its text is known.
pub struct NewToken {
    /// Its name in records.
    pub id: TokenId,
    /// What the caller sends.
    pub text: Zeroizing<String>,
}

/// A token taken apart.
pub(crate) struct Presented {
    pub(crate) id: TokenId,
    pub(crate) secret: Secret,
}

/// Whether a text says that it is an access token, a good one or not.
pub(crate) fn is_one(text: &str) -> bool {
    text.starts_with(START)
}

/// Takes a token apart; `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<Presented> {
    let (id, secret) = text.strip_prefix(START)?.split_once('_')?;
    let secret: Zeroizing<[u8; SECRET]> = Zeroizing::new(exactly(secret)?);
    Some(Presented { id: TokenId(exactly(id)?), secret: Secret::new(*secret) })
}

/// Makes a token.
pub(crate) fn make() -> Result<(NewToken, Presented), AccessError> {
    let mut id = [0; ID];
    let mut secret = Zeroizing::new([0; SECRET]);
    random(&mut id)?;
    random(secret.as_mut_slice())?;
    let digits = Zeroizing::new(hex::encode(secret.as_slice()));
    let text = Zeroizing::new(format!("{START}{}_{}", hex::encode(id), digits.as_str()));
    let id = TokenId(id);
    Ok((NewToken { id, text }, Presented { id, secret: Secret::new(*secret) }))
}

/// What is kept of a secret, in hexadecimal.
pub(crate) fn hash(secret: &Secret) -> String {
    hex::encode(Sha256::digest(secret.expose()))
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), AccessError> {
    getrandom::fill(bytes).map_err(|error| AccessError::System(error.to_string()))
}

/// Lower-case digits only: a token has one form.
fn exactly<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lower && hex::decode_to_slice(digits, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_made() {
        let (token, made) = make().unwrap();
        let (text, id) = (&token.text, token.id);
        assert_eq!(text.len(), 4 + 16 + 1 + 64);
        let read = parse(text).unwrap();
        assert_eq!((read.id, hash(&read.secret)), (made.id, hash(&made.secret)));
        assert_eq!(id.to_string().parse(), Ok(id));
        let (other, _) = make().unwrap();
        assert_ne!(*other.text, **text);
        for wrong in [
            text.to_uppercase(),
            text.replace("ctk_", "ctk"),
            format!("{}0", text.as_str()),
            text.get(..80).unwrap().to_owned(),
            format!("{START}_"),
            String::new(),
        ] {
            assert!(parse(&wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(ctk_)?.*") {
            prop_assert!(parse(&text).is_none_or(|_| is_one(&text)));
        }
    }
}
