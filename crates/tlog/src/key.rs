//! Ed25519 keys of signed notes, C2SP signed-note.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

const ED25519: u8 = 1;
pub(crate) const COSIGNATURE: u8 = 4;

/// Why a text is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a verifier key (name+hash+base64): {0}")]
pub struct KeyError(pub(crate) &'static str);

/// The public half: whose signatures are believed.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// The key's name, which is the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of RFC 8032.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The first four bytes of `SHA-256(name ‖ '\n' ‖ 0x01 ‖ public key)`.
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, ED25519, self.key.as_bytes())
    }

    /// Whether `signature` is this key's over `text`. Strict: no key or point of small order.
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, ED25519, self.key.as_bytes())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, key) = read(text, |kind| match kind {
            ED25519 => None,
            COSIGNATURE => Some("the key is a witness's (type 4), not a log's (type 1)"),
            _ => Some("the key is not an Ed25519 key"),
        })?;
        let key = Self { name, key };
        if key.id() == id { Ok(key) } else { Err(KeyError("the hash does not fit name and key")) }
    }
}

/// The private half: signs checkpoints.
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key with these 32 secret bytes (RFC 8032 §5.1.5) and this name.
    pub fn new(name: impl Into<String>, secret: &[u8; 32]) -> Result<Self, KeyError> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self { name, key: ed25519_dalek::SigningKey::from_bytes(secret) })
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Signs a note's text.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.name)
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), KeyError> {
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control()) {
        return Err(KeyError("a name has at least one character, no spaces and no plus"));
    }
    Ok(())
}

/// The first four bytes of `SHA-256(name ‖ '\n' ‖ kind ‖ public key)`.
pub(crate) fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind])
        .chain_update(public)
        .finalize();
    let mut id = [0; 4];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

pub(crate) fn write_key(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    kind: u8,
    public: &[u8; 32],
) -> fmt::Result {
    let mut encoded = vec![kind];
    encoded.extend_from_slice(public);
    let id = hex::encode(key_id(name, kind, public));
    write!(f, "{name}+{id}+{}", BASE64_STANDARD.encode(encoded))
}

/// Name, id and key of a verifier key; `refuse` says what is wrong with a key of that type.
pub(crate) fn read(
    text: &str,
    refuse: impl Fn(u8) -> Option<&'static str>,
) -> Result<(String, [u8; 4], ed25519_dalek::VerifyingKey), KeyError> {
    let mut fields = text.trim().splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(KeyError("it has not three fields"));
    };
    check_name(name)?;
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| KeyError("the key is no base64"))?;
    let (kind, public) = bytes.split_first().ok_or(KeyError("the key is empty"))?;
    if let Some(reason) = refuse(*kind) {
        return Err(KeyError(reason));
    }
    let public: &[u8; 32] = public.try_into().map_err(|_| KeyError("the key has not 32 bytes"))?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(public)
        .map_err(|_| KeyError("the key is not a point of the curve"))?;
    let mut digits = [0; 4];
    let well_formed = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !well_formed || hex::decode_to_slice(id, &mut digits).is_err() {
        return Err(KeyError("the hash is not 8 hexadecimal digits"));
    }
    Ok((name.to_owned(), digits, key))
}
