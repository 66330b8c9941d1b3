//! A JSON Web Key Set (RFC 7517): hostile bytes into the keys in it that can be used.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// No issuer has more keys in use.
const MOST: usize = 64;

/// A public key of the issuer.
pub(crate) struct Key {
    kid: Option<String>,
    /// The one algorithm that it verifies.
    pub(crate) algorithm: Algorithm,
    pub(crate) public: DecodingKey,
}

/// The keys of the issuer.
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl KeySet {
    /// Reads a set. Keys that are not for signatures that we verify are passed over; a set without
    /// any that are is an error.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let set: Value = serde_json::from_slice(bytes).map_err(|error| {
            format!("it is no JSON: line {}, column {}", error.line(), error.column())
        })?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| "it has no list of `keys`".to_owned())?;
        let keys: Vec<Key> = keys
            .iter()
            .take(MOST)
            .filter_map(|key| Jwk::deserialize(key).ok())
            .filter_map(Key::of)
            .collect();
        if keys.is_empty() {
            return Err("it has no key for RS256, ES256 or EdDSA signatures".to_owned());
        }
        Ok(Self { keys })
    }

    /// The keys of this id; without one, all of them.
    pub(crate) fn named<'a>(&'a self, kid: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let signs = jwk.usage.is_none_or(|usage| usage == "sig")
            && jwk.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let (algorithm, word, key) = match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("RSA", _) => {
                (Algorithm::RS256, "RS256", DecodingKey::from_rsa_components(&jwk.n, &jwk.e))
            }
            ("EC", "P-256") => {
                (Algorithm::ES256, "ES256", DecodingKey::from_ec_components(&jwk.x, &jwk.y))
            }
            ("OKP", "Ed25519") => {
                (Algorithm::EdDSA, "EdDSA", DecodingKey::from_ed_components(&jwk.x))
            }
            _ => return None,
        };
        // RFC 9864 calls EdDSA with this curve by the curve's name.
        let meant = |alg: &str| alg == word || (alg == "Ed25519" && word == "EdDSA");
        let fits = signs && jwk.alg.as_deref().is_none_or(meant);
        fits.then_some(key.ok()).flatten().map(|public| Self { kid: jwk.kid, algorithm, public })
    }
}
