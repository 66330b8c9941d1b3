//! Cosignatures of witnesses, C2SP tlog-cosignature, the Ed25519 type (`cosignature/v1`).
//!
//! A cosignature says: at this time, this was the largest tree of the log that I had seen, and it
//! contains every tree of it that I had seen before.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;

use crate::KeyError;
use crate::key::{COSIGNATURE, check_name, key_id, read, write_key};

/// `timestamped_signature`: time(8, big endian) ‖ Ed25519 signature(64).
const LENGTH: usize = 72;

/// The public half of a witness's key: whose cosignatures are believed.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignatureKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl CosignatureKey {
    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of RFC 8032.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The first four bytes of `SHA-256(name ‖ '\n' ‖ 0x04 ‖ public key)`.
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, COSIGNATURE, self.key.as_bytes())
    }

    /// When `text` was cosigned, in seconds since 1970, if `signature` (72 bytes) is this key's
    /// over it. Strict: no key or point of small order, no time past 2^63 − 1.
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> Option<u64> {
        let signature: &[u8; LENGTH] = signature.try_into().ok()?;
        let (time, signature) = signature.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        i64::try_from(time).ok()?;
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        self.key.verify_strict(&message(text, time), &signature).ok()?;
        Some(time)
    }
}

impl fmt::Display for CosignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, COSIGNATURE, self.key.as_bytes())
    }
}

impl fmt::Debug for CosignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignatureKey({self})")
    }
}

impl FromStr for CosignatureKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, key) = read(text, |kind| match kind {
            COSIGNATURE => None,
            1 => Some("the key is a log's (type 1), not a witness's (type 4)"),
            6 => Some("the key is an ML-DSA-44 key (type 6), which this program cannot check"),
            _ => Some("the key is not a witness's (type 4)"),
        })?;
        let key = Self { name, key };
        if key.id() == id { Ok(key) } else { Err(KeyError("the hash does not fit name and key")) }
    }
}

/// The private half: a witness cosigns with it. One key is for one witness: what is signed does not
/// hold the witness's name.
pub struct CosigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl CosigningKey {
    /// The key with these 32 secret bytes (RFC 8032 §5.1.5) and this name.
    pub fn new(name: impl Into<String>, secret: &[u8; 32]) -> Result<Self, KeyError> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self { name, key: ed25519_dalek::SigningKey::from_bytes(secret) })
    }

    /// The public half.
    pub fn cosignature_key(&self) -> CosignatureKey {
        CosignatureKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Cosigns a note's text at `time`, seconds since 1970: time(8) ‖ signature(64).
    pub fn cosign(&self, text: &[u8], time: u64) -> [u8; LENGTH] {
        let signature = self.key.sign(&message(text, time)).to_bytes();
        let mut out = [0; LENGTH];
        let bytes = time.to_be_bytes().into_iter().chain(signature);
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        out
    }
}

impl fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosigningKey({})", self.name)
    }
}

fn message(text: &[u8], time: u64) -> Vec<u8> {
    let mut message = format!("cosignature/v1\ntime {time}\n").into_bytes();
    message.extend_from_slice(text);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Note, NoteError, SigningKey, VerifyingKey};

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn cosigner() -> CosigningKey {
        CosigningKey::new("witness.example/w1", &[5; 32]).unwrap()
    }

    fn note() -> Note {
        Note::sign(TEXT.into(), &SigningKey::new("example.com/behind-the-sofa", &[7; 32]).unwrap())
    }

    /// A public witness's key, so that both sides agree on the key's id.
    #[test]
    fn reads_a_public_witnesss_key() {
        let text = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
        let key: CosignatureKey = text.parse().unwrap();
        assert_eq!((key.name(), key.to_string().as_str()), ("remora.n621.de", text));
        let error = text.parse::<VerifyingKey>().unwrap_err().to_string();
        assert!(error.contains("type 4"), "{error}");
        let log = SigningKey::new("example.com/log", &[1; 32]).unwrap().verifying_key();
        let error = log.to_string().parse::<CosignatureKey>().unwrap_err().to_string();
        assert!(error.contains("type 1"), "{error}");
    }

    #[test]
    fn the_signed_message_is_that_of_the_specification() {
        let expected = format!("cosignature/v1\ntime 1679315147\n{TEXT}");
        assert_eq!(message(TEXT.as_bytes(), 1_679_315_147), expected.as_bytes());
    }

    #[test]
    fn a_cosignature_is_bound_to_text_time_and_key() {
        let (cosigner, mut note) = (cosigner(), note());
        let key = cosigner.cosignature_key();
        assert_eq!(note.cosigned(&key), Err(NoteError::NotSigned(key.name().into())));
        note.cosign(&cosigner, 1_679_315_147);
        let note = Note::parse(&note.to_bytes()).unwrap();
        assert_eq!(note.cosigned(&key), Ok(1_679_315_147));
        let mut signature = cosigner.cosign(TEXT.as_bytes(), 1_679_315_147);
        assert_eq!(key.verify(TEXT.as_bytes(), &signature), Some(1_679_315_147));
        assert_eq!(key.verify(b"another text\n", &signature), None);
        assert_eq!(key.verify(TEXT.as_bytes(), &signature[8..]), None);
        signature[7] ^= 1;
        assert_eq!(key.verify(TEXT.as_bytes(), &signature), None);
        let far = cosigner.cosign(TEXT.as_bytes(), 1 << 63);
        assert_eq!(key.verify(TEXT.as_bytes(), &far), None);
        let other = CosigningKey::new("witness.example/w1", &[6; 32]).unwrap().cosignature_key();
        assert!(matches!(note.cosigned(&other), Err(NoteError::NotSigned(_))));
    }

    #[test]
    fn a_log_cannot_cosign_itself() {
        // The same secret as log key and as witness key: neither signature passes for the other.
        let log = SigningKey::new("w", &[5; 32]).unwrap();
        let witness = CosigningKey::new("w", &[5; 32]).unwrap();
        let note = Note::sign(TEXT.into(), &log);
        assert!(note.cosigned(&witness.cosignature_key()).is_err());
        let mut cosigned = note.clone();
        cosigned.cosign(&witness, 1);
        assert!(cosigned.verify(&log.verifying_key()).is_ok());
    }

    #[test]
    fn only_the_cosignature_of_the_key_is_adopted() {
        let (cosigner, plain) = (cosigner(), note());
        let key = cosigner.cosignature_key();
        let stranger = CosigningKey::new("stranger", &[9; 32]).unwrap();
        let mut answer = plain.clone();
        answer.cosign(&stranger, 5);
        answer.cosign(&cosigner, 6);
        let mut kept = plain.clone();
        assert_eq!(kept.adopt(&answer, &key), Ok(6));
        assert_eq!(kept.adopt(&answer, &key), Ok(6));
        let mut expected = plain.clone();
        expected.cosign(&cosigner, 6);
        assert_eq!(kept, expected);
        assert!(kept.cosignature_lines(&key).starts_with("— witness.example/w1 "));
        assert_eq!(kept.cosignature_lines(&key).lines().count(), 1);
        let other = Note::sign("other\n1\n".into(), &SigningKey::new("o", &[1; 32]).unwrap());
        assert_eq!(kept.adopt(&other, &key), Err(NoteError::OtherText));
    }
}
