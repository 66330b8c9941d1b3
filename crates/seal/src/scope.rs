//! The key of a scope: what a subject's parts of one period are committed to and sealed with.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use crate::Secret;
use crate::chunked::{MessageKey, OpenError, SALT_LEN, open_with, seal};
use crate::compress::{compress, decompress};

const CONTEXT: &[u8] = b"custody/part/v1";

/// Commits to and seals parts. Derived from the subject's key *and* the period's key, so that
/// destroying either one ends every part.
pub struct ScopeKey {
    /// Keyed and ready; cloned for each use, so the key schedule is paid once.
    dedup: Hmac<Sha256>,
    salt: Hmac<Sha256>,
    seal: Secret,
}

/// The key of one part, which opens that part and no other: for disclosure.
pub struct PartKey(MessageKey);

impl ScopeKey {
    /// `HKDF-SHA512(K_S ‖ K_E, "custody/scope/v1" ‖ 0 ‖ tenant ‖ 0 ‖ class)`, 96 bytes: the keys
    /// for commitments, salts and sealing.
    ///
    /// `None` never happens: the lengths are constants.
    pub fn derive(subject: &Secret, period: &Secret, tenant: &str, class: &str) -> Option<Self> {
        let material = Self::material(subject, period, tenant, class)?;
        Self::from_material(&material)
    }

    /// The 96 bytes that [`derive`](Self::derive) makes a key of: what a legal hold keeps, so that
    /// it opens this scope and no other when the keys that it comes from are gone.
    pub fn material(
        subject: &Secret,
        period: &Secret,
        tenant: &str,
        class: &str,
    ) -> Option<Zeroizing<[u8; 96]>> {
        let mut input = [0_u8; 64];
        input.iter_mut().zip(subject.expose().iter().chain(period.expose())).for_each(
            |(to, from)| {
                *to = *from;
            },
        );
        let mut okm = Zeroizing::new([0_u8; 96]);
        let info: [&[u8]; 5] =
            [b"custody/scope/v1", b"\0", tenant.as_bytes(), b"\0", class.as_bytes()];
        let expanded =
            Hkdf::<Sha512>::new(None, &input).expand_multi_info(&info, okm.as_mut_slice());
        input.zeroize();
        expanded.ok().map(|()| okm)
    }

    /// The key of this material.
    pub fn from_material(okm: &[u8; 96]) -> Option<Self> {
        let (dedup, rest) = okm.split_at(32);
        let (salt, sealing) = rest.split_at(32);
        Some(Self {
            dedup: Hmac::new_from_slice(dedup).ok()?,
            salt: Hmac::new_from_slice(salt).ok()?,
            seal: Secret::from_slice(sealing)?,
        })
    }

    /// `HMAC-SHA256(k_dedup, kind ‖ 0 ‖ content)`: equal for equal content, and confirms no guess
    /// without the key.
    pub fn commit(&self, kind: &str, content: &[u8]) -> [u8; 32] {
        let mac = self.dedup.clone().chain_update(kind).chain_update([0]).chain_update(content);
        mac.finalize().into_bytes().into()
    }

    /// Compresses and seals.
    ///
    /// The salt is `HMAC-SHA256(k_salt, compressed bytes)[..24]`: a salt made from the content
    /// before compression would be used twice for different bytes when the compressor changes, and
    /// that breaks AES-GCM.
    pub fn seal(&self, content: &[u8]) -> Vec<u8> {
        let compressed = compress(content);
        let mac = self.salt.clone().chain_update(&compressed).finalize().into_bytes();
        let mut salt = [0; SALT_LEN];
        salt.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        seal(&self.seal, CONTEXT, &salt, &compressed)
    }

    /// Opens what [`seal`](Self::seal) sealed.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.part_key(sealed)?.open(sealed)
    }

    /// The key of this part alone.
    pub fn part_key(&self, sealed: &[u8]) -> Result<PartKey, OpenError> {
        let (salt, _) = sealed.split_first_chunk::<SALT_LEN>().ok_or(OpenError::Truncated)?;
        Ok(PartKey(MessageKey::derive(&self.seal, salt, CONTEXT)))
    }
}

impl PartKey {
    /// Opens the part.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        decompress(&open_with(&self.0, sealed)?)
    }

    /// `key(32) ‖ base nonce(12) ‖ commitment(32)`, for an evidence bundle.
    pub fn to_bytes(&self) -> [u8; 76] {
        let mut out = [0; 76];
        let bytes = self.0.key.expose().iter().chain(&self.0.nonce).chain(&self.0.commitment);
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        out
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    pub fn from_bytes(bytes: &[u8; 76]) -> Self {
        let (mut key, mut nonce, mut commitment) = ([0; 32], [0; 12], [0; 32]);
        let to = key.iter_mut().chain(&mut nonce).chain(&mut commitment);
        to.zip(bytes).for_each(|(to, from)| *to = *from);
        Self(MessageKey { key: Secret::new(key), nonce, commitment })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(subject: u8, period: u8, class: &str) -> ScopeKey {
        let (subject, period) = (Secret::new([subject; 32]), Secret::new([period; 32]));
        ScopeKey::derive(&subject, &period, "default", class).unwrap()
    }

    #[test]
    fn same_content_same_scope_same_bytes() {
        let (one, again) = (scope(1, 2, "standard"), scope(1, 2, "standard"));
        assert_eq!(one.commit("text", b"hello"), again.commit("text", b"hello"));
        assert_eq!(one.seal(b"hello"), again.seal(b"hello"));
        assert_ne!(one.commit("text", b"hello"), one.commit("refusal", b"hello"));
        assert_ne!(one.commit("text", b"hello"), one.commit("text", b"hello!"));
    }

    #[test]
    fn either_key_and_the_class_make_another_scope() {
        let here = scope(1, 2, "standard");
        let sealed = here.seal(b"secret");
        for other in [scope(3, 2, "standard"), scope(1, 3, "standard"), scope(1, 2, "hipaa")] {
            assert_ne!(here.commit("text", b"x"), other.commit("text", b"x"));
            assert_eq!(other.open(&sealed), Err(OpenError::WrongKey));
        }
        assert_eq!(here.open(&sealed).unwrap(), b"secret");
    }

    #[test]
    fn a_part_key_opens_its_part_and_no_other() {
        let scope = scope(1, 2, "standard");
        let (one, two) = (scope.seal(b"one"), scope.seal(b"two"));
        let key = PartKey::from_bytes(&scope.part_key(&one).unwrap().to_bytes());
        assert_eq!(key.open(&one).unwrap(), b"one");
        assert!(key.open(&two).is_err());
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let scope = scope(1, 2, "standard");
        assert_eq!(
            scope.commit("text", b"thello").map(|b| format!("{b:02x}")).concat(),
            include_str!("../../../spec/vectors/pid.txt").trim()
        );
        let hex =
            |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(
            hex(&scope.seal(b"thello")),
            include_str!("../../../spec/vectors/sealed.txt").trim()
        );
    }
}
