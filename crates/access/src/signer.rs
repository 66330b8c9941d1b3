//! An issuer for tests. Its signatures are made by others than what verifies them: by openssl, and by
//! `ed25519-dalek`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://issuer.example/realm";
pub(crate) const AUDIENCE: &str = "custody";
/// Seconds since 1970.
pub(crate) const NOW: i64 = 1_795_435_200;

/// A key of the issuer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Signer {
    Rs256,
    /// The P-256 key of this number.
    Es256(u8),
    /// An Ed25519 key made of this byte.
    EdDsa(u8),
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Runs openssl over some bytes.
fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is there");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments}");
    output.stdout
}

/// The private key of a signer, made when it is asked for first.
fn key(signer: Signer) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap());
    let path = folder.path().join(format!("{signer:?}.pem"));
    let _turn = MAKING.lock();
    if !path.exists() {
        let kind = match signer {
            Signer::Rs256 => "RSA -pkeyopt rsa_keygen_bits:2048",
            _ => "EC -pkeyopt ec_paramgen_curve:P-256",
        };
        openssl(&format!("genpkey -out {} -algorithm {kind}", path.display()), b"");
    }
    path
}

/// An ECDSA signature in DER as r ‖ s, 32 bytes each (RFC 7518 §3.4).
fn fixed(der: &[u8]) -> Vec<u8> {
    let integer = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits = &der[at + 2..at + 2 + length];
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        ([vec![0; 32 - digits.len()], digits.to_vec()].concat(), at + 2 + length)
    };
    let (r, next) = integer(2);
    [r, integer(next).0].concat()
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
                let told =
                    openssl(&format!("rsa -noout -modulus -in {}", key(self).display()), b"");
                let told = String::from_utf8(told).unwrap();
                let n = hex::decode(told.trim().trim_start_matches("Modulus=")).unwrap();
                // With a zero in front, as some issuers write it.
                let n = [vec![0], n].concat();
                json!({"kty": "RSA", "n": encode(n), "e": "AQAB"})
            }
            Self::Es256(_) => {
                let path = key(self);
                let der = openssl(&format!("ec -pubout -outform DER -in {}", path.display()), b"");
                // The point stands at its end.
                let (x, y) = der[der.len() - 64..].split_at(32);
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
            Self::Rs256 | Self::Es256(_) => {
                let path = key(self);
                let signed = openssl(&format!("dgst -sha256 -sign {}", path.display()), message);
                if self == Self::Rs256 { signed } else { fixed(&signed) }
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
