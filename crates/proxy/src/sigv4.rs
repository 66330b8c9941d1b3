//! `SigV4`: a signature covers host and body, so what a client signed for Custody's address is
//! signed again for the provider's, with the collector's own keys.
//!
//! The client's signature cannot be checked here, since only AWS knows its secret: it goes nowhere,
//! and of it only the id of the access key is read, to say who called.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use record::Clock;

use crate::aws_keys::{AwsKeySource, AwsKeys};
use crate::headers::text;
use crate::identity::percent_decode;

/// Headers in which a client sends a signature and what belongs to it.
const SIGNATURE: [&str; 5] = [
    "authorization",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-region-set",
    "x-amz-security-token",
];

/// The same in a query (a presigned URL), in lower case.
const PRESIGNED: [&str; 9] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// How calls to an upstream are signed.
#[derive(Clone)]
pub struct Signing {
    /// Region of the signature, e.g. `eu-central-1`.
    pub region: String,
    /// Service of the signature, e.g. `bedrock`.
    pub service: String,
    /// Where the keys come from.
    pub keys: AwsKeySource,
    /// What says the signature's time. AWS takes signatures that are five minutes off.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signing({} in {}, …)", self.service, self.region)
    }
}

/// Why a request has no signature.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be signed: {0}")]
pub(crate) struct SignError(String);

impl Signing {
    /// Signs a request in the place of what the client signed.
    ///
    /// Signed are host, media type and the headers that are AWS's own; others may change on the
    /// way. `digest`: SHA-256 of the body.
    pub(crate) fn sign(
        &self,
        keys: &AwsKeys,
        method: &Method,
        target: &Uri,
        headers: &mut HeaderMap,
        digest: [u8; 32],
    ) -> Result<(), SignError> {
        let failed = |error: &dyn std::fmt::Display| SignError(error.to_string());
        for name in SIGNATURE {
            headers.remove(name);
        }
        let host = text(headers, "host").unwrap_or_default();
        let url = format!("https://{host}{target}");
        let signed = headers
            .iter()
            .filter(|(name, _)| is_signed(name))
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        // The digest and not the bytes: nothing of the body can get into the signer's own log.
        let body = SignableBody::Precomputed(hex::encode(digest));
        let request = SignableRequest::new(method.as_str(), url.as_str(), signed, body)
            .map_err(|error| failed(&error))?;
        let now = UNIX_EPOCH + Duration::from_millis(self.clock.now().unix_ms());
        let identity = keys.credentials().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let (made, _) = sign(request, &params).map_err(|error| failed(&error))?.into_parts();
        let made: Vec<_> = made
            .into_parts()
            .0
            .iter()
            .map(|header| {
                let mut value = HeaderValue::from_str(header.value())?;
                value.set_sensitive(header.sensitive() || header.name() == "authorization");
                Ok((HeaderName::from_static(header.name()), value))
            })
            .collect::<Result<_, header::InvalidHeaderValue>>()
            .map_err(|error| failed(&error))?;
        headers.extend(made);
        Ok(())
    }
}

fn is_signed(name: &HeaderName) -> bool {
    let name = name.as_str();
    let own = name.starts_with("x-amz-") || name.starts_with("x-amzn-");
    // Load balancers write the trace id anew.
    name == "host" || name == "content-type" || (own && name != "x-amzn-trace-id")
}

/// Whether a request is Custody's to sign: it has a signature, or nothing at all that says who
/// calls. A bearer key and the like are good for any host, and pass.
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    match headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) {
        Some(value) => value.is_empty() || is_signature(value),
        None => true,
    }
}

/// `AWS4-HMAC-SHA256 …`, and `SigV4A`'s `AWS4-ECDSA-P256-SHA256 …`.
fn is_signature(authorization: &[u8]) -> bool {
    authorization.starts_with(b"AWS4-")
}

/// Whether the body is signed in pieces, each piece's signature standing between them: that can
/// neither be read whole nor signed again.
pub(crate) fn is_signed_in_pieces(headers: &HeaderMap) -> bool {
    text(headers, "x-amz-content-sha256").is_some_and(|word| word.starts_with("STREAMING-"))
}

/// A query without what belongs to a signature.
pub(crate) fn unsigned(query: &str) -> Option<Cow<'_, str>> {
    let is_signature = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        PRESIGNED.contains(&percent_decode(name).to_ascii_lowercase().as_str())
    };
    if !query.split('&').any(is_signature) {
        return Some(Cow::Borrowed(query));
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_signature(pair)).collect();
    (!kept.is_empty()).then(|| Cow::Owned(kept.join("&")))
}

/// The id of the access key that a client signed with. The signature itself differs in each call.
pub(crate) fn access_key_id(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let credential = match headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let signature = value.to_str().ok().filter(|text| is_signature(text.as_bytes()))?;
            signature
                .split([' ', ','])
                .find_map(|word| word.strip_prefix("Credential="))?
                .to_owned()
        }
        None => query?.split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let credential = percent_decode(name).eq_ignore_ascii_case("x-amz-credential");
            credential.then(|| percent_decode(value))
        })?,
    };
    let id = credential.split('/').next().unwrap_or_default();
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests;
