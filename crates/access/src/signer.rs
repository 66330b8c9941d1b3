//! An issuer for tests. Its signatures are made by other libraries than the one that verifies them.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use rsa::pkcs1v15::SigningKey;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Sha256;

pub(crate) const ISSUER: &str = "https://issuer.example/realm";
pub(crate) const AUDIENCE: &str = "custody";
/// Seconds since 1970.
pub(crate) const NOW: i64 = 1_795_435_200;

/// A key of the issuer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Signer {
    Rs256,
    /// A P-256 key made of this byte.
    Es256(u8),
    /// An Ed25519 key made of this byte.
    EdDsa(u8),
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Making one takes a moment, so there is one.
fn rsa_key() -> &'static rsa::PrivateKey {
    static KEY: OnceLock<rsa::PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| rsa::PrivateKey::new(&mut rand::rng(), 2048).unwrap())
}

impl Signer {
    pub(crate) fn algorithm(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    pub(crate) fn kid(self) -> String {
        format!("{self:?}")
    }

    /// The public key as the issuer publishes it.
    pub(crate) fn jwk(self) -> Value {
        let mut jwk = match self {
            Self::Rs256 => {
                let key = rsa_key().to_public_key();
                // With a zero in front, as some issuers write it.
                let n = [&[0], &*key.n_bytes()].concat();
                json!({"kty": "RSA", "n": encode(n), "e": encode(key.e_bytes())})
            }
            Self::Es256(seed) => {
                let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
                let point = key.verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)})
            }
            Self::EdDsa(seed) => {
                let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.verifying_key().to_bytes())})
            }
        };
        jwk["kid"] = self.kid().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm().into();
        jwk["x5t#S256"] = 5.into();
        jwk
    }

    pub(crate) fn sign(self, message: &str) -> Vec<u8> {
        let message = message.as_bytes();
        match self {
            Self::Rs256 => {
                let key = SigningKey::<Sha256>::new(rsa_key().clone());
                rsa::signature::Signer::sign(&key, message).to_vec()
            }
            Self::Es256(seed) => {
                let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::EdDsa(seed) => {
                ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).sign(message).to_vec()
            }
        }
    }

    /// A JWT with these claims.
    pub(crate) fn jwt(self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm(), "typ": "JWT", "kid": self.kid()});
        self.jwt_with(&header, claims)
    }

    pub(crate) fn jwt_with(self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = encode(self.sign(&message));
        format!("{message}.{signature}")
    }
}

/// What the issuer publishes.
pub(crate) fn jwks(signers: &[Signer]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// Claims that are good at [`NOW`].
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": ["account", AUDIENCE], "sub": "maria.lopez", "azp": "helpdesk",
        "exp": NOW + 300, "nbf": NOW, "iat": NOW,
        "realm_access": {"roles": ["support", "lead", 7]},
        "https://issuer.example/roles": "one",
    })
}
