//! C2SP chunked-encryption with AES-256-GCM and HKDF-SHA256-Expand.
//!
//! `salt(24) ‖ commitment(32) ‖ chunks`, each chunk 16 KiB of plain text and a 16-byte tag, the
//! last one always shorter. The commitment makes a sealed text openable to one plain text only.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::Secret;

/// Length of the salt in bytes.
pub const SALT_LEN: usize = 24;
/// Bytes that sealing adds to a text of less than one chunk.
pub const OVERHEAD: usize = SALT_LEN + COMMITMENT + TAG;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
const CHUNK: usize = 16 * 1024;

/// Why sealed bytes do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The bytes are too short or of an impossible length.
    #[error("the sealed bytes are cut short")]
    Truncated,
    /// Sealed under another key.
    #[error("the sealed bytes are under another key")]
    WrongKey,
    /// The bytes were changed.
    #[error("the sealed bytes were changed")]
    Changed,
    /// The opened bytes are not what was sealed.
    #[error("the opened bytes do not decompress")]
    Compression,
}

/// What one message is sealed with.
pub(crate) struct MessageKey {
    pub(crate) key: Secret,
    pub(crate) nonce: [u8; 12],
    pub(crate) commitment: [u8; COMMITMENT],
}

impl MessageKey {
    pub(crate) fn derive(input: &Secret, salt: &[u8], context: &[u8]) -> Self {
        let mut okm = [0_u8; 32 + 12 + COMMITMENT];
        let info: [&[u8]; 4] =
            [b"c2sp.org/chunked-encryption@v1+", b"AEAD_AES_256_GCM\0", salt, context];
        // Fails only for keys under 32 bytes or output over 255 × 32 bytes; neither can be here.
        let expanded = Hkdf::<Sha256>::from_prk(input.expose())
            .map(|hkdf| hkdf.expand_multi_info(&info, &mut okm));
        debug_assert!(matches!(expanded, Ok(Ok(()))), "the lengths are constants");
        let (mut key, mut nonce, mut commitment) = ([0; 32], [0; 12], [0; COMMITMENT]);
        let (key_bytes, rest) = okm.split_at(32);
        let (nonce_bytes, commitment_bytes) = rest.split_at(12);
        key.copy_from_slice(key_bytes);
        nonce.copy_from_slice(nonce_bytes);
        commitment.copy_from_slice(commitment_bytes);
        Self { key: Secret::new(key), nonce, commitment }
    }

    fn nonce_of(&self, chunk: u64) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = self.nonce;
        nonce.iter_mut().rev().zip(chunk.to_le_bytes()).for_each(|(n, c)| *n ^= c);
        nonce.into()
    }
}

pub(crate) fn seal(input: &Secret, context: &[u8], salt: &[u8; SALT_LEN], plain: &[u8]) -> Vec<u8> {
    let message = MessageKey::derive(input, salt, context);
    let cipher = Aes256Gcm::new(message.key.expose().into());
    let chunks = plain.len() / CHUNK + 1;
    let mut out = Vec::with_capacity(SALT_LEN + COMMITMENT + plain.len() + chunks * TAG);
    out.extend_from_slice(salt);
    out.extend_from_slice(&message.commitment);
    let mut rest = plain;
    for number in 0_u64.. {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        let start = out.len();
        out.extend_from_slice(chunk);
        let Some(body) = out.get_mut(start..) else {
            break;
        };
        // Fails only for chunks over 64 GiB.
        let tag = cipher.encrypt_inout_detached(&message.nonce_of(number), b"", body.into());
        out.extend_from_slice(&tag.unwrap_or_default());
        rest = after;
        if chunk.len() < CHUNK {
            break;
        }
    }
    out
}

pub(crate) fn open(input: &Secret, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (salt, _) = sealed.split_first_chunk::<SALT_LEN>().ok_or(OpenError::Truncated)?;
    open_with(&MessageKey::derive(input, salt, context), sealed)
}

pub(crate) fn open_with(message: &MessageKey, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let body = sealed.get(SALT_LEN..).ok_or(OpenError::Truncated)?;
    let (commitment, mut rest) = body.split_at_checked(COMMITMENT).ok_or(OpenError::Truncated)?;
    let differs = commitment
        .iter()
        .zip(message.commitment)
        .fold(0, |acc, (left, right)| acc | (left ^ right));
    if differs != 0 {
        return Err(OpenError::WrongKey);
    }
    let cipher = Aes256Gcm::new(message.key.expose().into());
    let mut out = Vec::with_capacity(rest.len());
    for number in 0_u64.. {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let split = chunk.len().checked_sub(TAG).ok_or(OpenError::Truncated)?;
        let (chunk, tag) = chunk.split_at(split);
        let tag = Tag::try_from(tag).map_err(|_| OpenError::Truncated)?;
        let start = out.len();
        out.extend_from_slice(chunk);
        let body = out.get_mut(start..).ok_or(OpenError::Truncated)?;
        cipher
            .decrypt_inout_detached(&message.nonce_of(number), b"", body.into(), &tag)
            .map_err(|_| OpenError::Changed)?;
        rest = after;
        if chunk.len() < CHUNK {
            break;
        }
    }
    if rest.is_empty() { Ok(out) } else { Err(OpenError::Changed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Secret {
        Secret::new([byte; 32])
    }

    #[test]
    fn opens_at_every_length_round_a_chunk() {
        for length in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5] {
            let plain: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let sealed = seal(&key(1), b"ctx", &[9; 24], &plain);
            assert_eq!(sealed.len(), 56 + plain.len() + (plain.len() / CHUNK + 1) * 16);
            assert_eq!(open(&key(1), b"ctx", &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn every_change_is_refused() {
        let sealed = seal(&key(1), b"ctx", &[9; 24], &vec![5; CHUNK + 10]);
        assert_eq!(open(&key(2), b"ctx", &sealed), Err(OpenError::WrongKey));
        assert_eq!(open(&key(1), b"other", &sealed), Err(OpenError::WrongKey));
        for at in (0..sealed.len()).step_by(97).chain([sealed.len() - 1]) {
            let mut bad = sealed.clone();
            bad[at] ^= 0x80;
            assert!(open(&key(1), b"ctx", &bad).is_err(), "byte {at}");
        }
        for cut in (0..sealed.len()).step_by(89).chain([sealed.len() - 1, CHUNK + 16 + 56]) {
            assert!(open(&key(1), b"ctx", &sealed[..cut]).is_err(), "cut at {cut}");
        }
        let mut long = sealed.clone();
        long.push(0);
        assert!(open(&key(1), b"ctx", &long).is_err());
    }
}
