//! JWTs of one issuer (RFC 7519, `OpenID` Connect Core §3.1.3.7).

mod crypto;
mod keys;
mod set;

use std::net::IpAddr;
use std::path::PathBuf;

use jsonwebtoken::{Header, Validation, decode, decode_header};
use record::Timestamp;
use serde_json::{Map, Value};

pub(crate) use keys::Keys;

use crate::{AccessError, Basis, Fault, Grant, Principal};
use set::KeySet;

/// How far the issuer's clock may be from ours, µs.
const LEEWAY: i64 = 60_000_000;
/// No text of a claim is taken that is longer, in bytes.
const LONGEST: usize = 256;
/// No more roles are taken.
const ROLES: usize = 64;

/// Where the issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeysAt {
    /// Where its discovery document says.
    Discovery,
    /// At this address.
    Url(String),
    /// In this file.
    File(PathBuf),
}

/// Whose JWTs count, and what is read out of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    issuer: String,
    audience: String,
    keys: KeysAt,
    user_claim: String,
    roles_claim: String,
    service_claim: Option<String>,
}

impl OidcConfig {
    /// Checks what is configured. `jwks` is an address, a file, or empty for discovery; a claim is a
    /// name or a path of names with dots between; an empty `service_claim` is none.
    pub fn new(
        issuer: &str,
        audience: &str,
        jwks: &str,
        [user_claim, roles_claim, service_claim]: [&str; 3],
    ) -> Result<Self, AccessError> {
        let wrong = |text: String| Err(AccessError::Wrong(text));
        for (key, text) in
            [("audience", audience), ("user_claim", user_claim), ("roles_claim", roles_claim)]
        {
            if text.is_empty() {
                return wrong(format!("{key} is empty"));
            }
        }
        let keys = match jwks {
            "" => KeysAt::Discovery,
            url if url.contains("://") => KeysAt::Url(url.to_owned()),
            path => KeysAt::File(PathBuf::from(path)),
        };
        let asked = match &keys {
            KeysAt::Discovery => Some(("issuer", issuer)),
            KeysAt::Url(url) => Some(("jwks", url.as_str())),
            KeysAt::File(_) => None,
        };
        if let Some((key, url)) = asked {
            address(url).map_err(|why| AccessError::Wrong(format!("{key} = {url:?}: {why}")))?;
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys,
            user_claim: user_claim.to_owned(),
            roles_claim: roles_claim.to_owned(),
            service_claim: Some(service_claim.to_owned()).filter(|claim| !claim.is_empty()),
        })
    }
}

/// Keys that anybody on the way could exchange are no keys: `https://`, or this machine.
pub(crate) fn address(url: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(url).map_err(|error| error.to_string())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user or a password; leave it out".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err("expected https:// (http:// on this machine only)".to_owned()),
    }
}

/// When a JWT counts: from the first to before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Window {
    pub(crate) fn check(self, at: Timestamp) -> Result<(), Fault> {
        if at >= self.until {
            Err(Fault::Expired)
        } else if at < self.from {
            Err(Fault::Invalid)
        } else {
            Ok(())
        }
    }
}

/// Who a JWT says that the caller is, and when that holds; the time itself is the caller's to check.
pub(crate) fn verify(
    config: &OidcConfig,
    keys: &KeySet,
    text: &str,
) -> Result<(Principal, Window), Fault> {
    crypto::install();
    let header = decode_header(text).map_err(|_| Fault::Invalid)?;
    // What a header calls critical must be understood (RFC 7515 §4.1.11), and we know no extension.
    if header.crit.is_some() {
        return Err(Fault::Invalid);
    }
    let claims = signed(config, keys, text, &header)?;
    // The library takes a list of issuers too; the standard does not.
    if claims.get("iss").and_then(Value::as_str) != Some(&config.issuer) {
        return Err(Fault::Invalid);
    }
    let until = seconds(&claims, "exp")?.ok_or(Fault::Invalid)?.plus_us(LEEWAY);
    let from = seconds(&claims, "nbf")?.map_or(Timestamp(i64::MIN), |from| from.plus_us(-LEEWAY));
    let service = config.service_claim.as_deref().map(|path| named(&claims, path)).transpose()?;
    let principal = Principal {
        basis: Basis::Oidc,
        id: None,
        user: named(&claims, &config.user_claim)?,
        roles: find(&claims, &config.roles_claim).map(roles),
        service: service.flatten(),
        environment: None,
        grants: vec![Grant::Ingest],
    };
    Ok((principal, Window { from, until }))
}

/// The claims, if a key of the issuer signed them for us.
fn signed(
    config: &OidcConfig,
    keys: &KeySet,
    text: &str,
    header: &Header,
) -> Result<Map<String, Value>, Fault> {
    let named: Vec<_> = keys.named(header.kid.as_deref()).collect();
    if named.is_empty() {
        return Err(Fault::Unknown);
    }
    for key in named.into_iter().filter(|key| key.algorithm == header.alg) {
        // The algorithm is the key's: a JWT that names another one was turned away just now.
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        // Times are checked with our clock, and again each time that the JWT comes back.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        if let Ok(token) = decode(text, &key.public, &validation) {
            return Ok(token.claims);
        }
    }
    Err(Fault::Invalid)
}

/// A time in seconds since 1970, which may have a fraction (RFC 7519 §2, `NumericDate`).
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let number = value.as_number().ok_or(Fault::Invalid)?;
    let whole = number.as_i64().or_else(|| {
        let number = number.as_f64().filter(|number| number.is_finite())?;
        format!("{:.0}", number.trunc()).parse().ok()
    });
    let whole = whole.ok_or(Fault::Invalid)?;
    Ok(Some(Timestamp(whole.saturating_mul(1_000_000))))
}

/// The value of a claim: by its whole name, for names that are addresses, else by a path. Null is
/// none.
fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let found = claims.get(path).or_else(|| {
        let mut names = path.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    });
    found.filter(|value| !value.is_null())
}

/// A text that the JWT names. One that cannot be taken is no leave for the caller to claim another.
fn named(claims: &Map<String, Value>, path: &str) -> Result<Option<String>, Fault> {
    find(claims, path).map(|value| text_of(value).ok_or(Fault::Invalid)).transpose()
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty() && text.len() <= LONGEST).map(str::to_owned)
}

/// A list of texts, or one text; anything else says that there are none.
fn roles(value: &Value) -> Vec<String> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(text_of).take(ROLES).collect()
}

#[cfg(test)]
mod tests;
