//! The keyed digest that stands for a value, so that equal values stay linkable.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::entity::{Entity, Group};
use crate::fold::View;
use crate::placeholder::DIGITS;

/// The placeholder `[ENTITY:digits]` for a value.
///
/// An unkeyed hash would let anybody who guesses a value confirm the guess.
pub(crate) fn placeholder(key: &[u8; 32], entity: Entity, value: &str) -> String {
    // HMAC pads a short key with zeros to the block size; doing so here cannot fail.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(entity.as_str().as_bytes());
    mac.update(&[0]);
    mac.update(&normal(entity, value));
    let mut digits = hex::encode(mac.finalize().into_bytes());
    digits.truncate(DIGITS);
    format!("[{entity}:{digits}]")
}

/// Spellings of one value become one: case, separators, look-alikes.
fn normal(entity: Entity, value: &str) -> Vec<u8> {
    match entity.group() {
        Group::Credential => value.as_bytes().to_vec(),
        Group::Name => name(value),
        _ if matches!(entity, Entity::Email | Entity::IpAddress) => {
            plain(value).to_ascii_lowercase()
        }
        _ if matches!(entity, Entity::CreditCard | Entity::Phone | Entity::UsSsn) => {
            plain(value).into_iter().filter(u8::is_ascii_digit).collect()
        }
        _ => plain(value)
            .into_iter()
            .filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii())
            .map(|b| b.to_ascii_uppercase())
            .collect(),
    }
}

/// Case, and how words are parted, are no part of a name.
fn name(value: &str) -> Vec<u8> {
    let words: Vec<_> = value.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").into_bytes()
}

/// Letters without an ASCII twin fold to one byte, so then only the text itself tells them apart.
fn plain(value: &str) -> Vec<u8> {
    let view = View::of(value);
    if view.bytes().is_ascii() { view.bytes().to_vec() } else { value.to_lowercase().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_agree() {
        let of = |entity, value| placeholder(&[7; 32], entity, value);
        assert_eq!(of(Entity::Email, "A@b.com"), of(Entity::Email, "a@B.COM"));
        assert_eq!(of(Entity::Email, "a@b.com"), of(Entity::Email, "ａ@b.com"));
        assert_eq!(of(Entity::CreditCard, "4111 1111"), of(Entity::CreditCard, "4111-1111"));
        assert_eq!(of(Entity::Iban, "gb33 bukb"), of(Entity::Iban, "GB33BUKB"));
        assert_ne!(of(Entity::ApiKey, "abc"), of(Entity::ApiKey, "ABC"));
    }

    #[test]
    fn kinds_and_keys_are_kept_apart() {
        let phone = placeholder(&[7; 32], Entity::Phone, "123");
        assert_ne!(phone.get(7..), placeholder(&[7; 32], Entity::UsSsn, "123").get(8..));
        assert_ne!(phone, placeholder(&[8; 32], Entity::Phone, "123"));
        assert!(crate::placeholder::is_whole(&phone));
    }

    #[test]
    fn letters_without_a_twin_stay_apart() {
        let of = |value| placeholder(&[7; 32], Entity::Email, value);
        assert_ne!(of("дима@b.com"), of("лиза@b.com"));
    }
}
