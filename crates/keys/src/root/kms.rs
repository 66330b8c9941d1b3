//! AWS KMS: `Encrypt` and `Decrypt` with a symmetric key, requests signed with `SigV4`.
//!
//! The encryption context names purpose and installation; it stands in AWS's own audit log, and a
//! policy can ask for it.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use seal::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::remote::{Answer, Client, address};
use crate::KeysError;
use crate::aws;
use crate::provider::RootSource;

pub(super) struct Kms {
    client: Client,
    source: RootSource,
    address: reqwest::Url,
    region: String,
    key: String,
    credentials: object_store::aws::AwsCredentialProvider,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypt<'a> {
    encryption_context: Context<'a>,
    key_id: &'a str,
    plaintext: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt<'a> {
    ciphertext_blob: &'a str,
    encryption_context: Context<'a>,
    key_id: &'a str,
}

#[derive(Serialize)]
struct Context<'a> {
    #[serde(rename = "custody:installation")]
    installation: &'a str,
    #[serde(rename = "custody:purpose")]
    purpose: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Kms {
    pub(super) fn new(source: &RootSource, key: &str) -> Result<Self, KeysError> {
        let (options, environment) = (&source.options, &source.environment);
        let region = options
            .aws_region
            .clone()
            .or_else(|| region_of(key))
            .or_else(|| environment.plain("AWS_REGION"))
            .or_else(|| environment.plain("AWS_DEFAULT_REGION"))
            .ok_or_else(|| source.refused("no region: set [keys] aws_region, or AWS_REGION"))?;
        if !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(source.refused("the region has other characters than letters and digits"));
        }
        let endpoint = options
            .aws_endpoint
            .clone()
            .or_else(|| environment.plain("AWS_ENDPOINT_URL_KMS"))
            .or_else(|| environment.plain("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|| {
                let domain = if region.starts_with("cn-") { ".cn" } else { "" };
                format!("https://kms.{region}.amazonaws.com{domain}")
            });
        let address = address(&source.provider, &endpoint)?;
        let credentials = aws::provider(environment, &region).map_err(|error| {
            source.refused(format!("the credentials of AWS are not complete: {error}"))
        })?;
        Ok(Self {
            client: Client::new(source.provider.clone(), None)?,
            source: source.clone(),
            address,
            region,
            key: key.to_owned(),
            credentials,
        })
    }

    /// The key's ARN, and the wrapped key.
    pub(super) fn wrap(
        &self,
        purpose: &str,
        installation: &str,
        key: &Secret,
    ) -> Result<(String, Vec<u8>), KeysError> {
        let plaintext = Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
        let body = body(&Encrypt {
            encryption_context: Context { installation, purpose },
            key_id: &self.key,
            plaintext: &plaintext,
        });
        let answer: Encrypted = self.ask("Encrypt", &body)?;
        let bytes = BASE64_STANDARD
            .decode(answer.ciphertext_blob)
            .map_err(|_| self.source.refused("its answer is not one of KMS"))?;
        Ok((answer.key_id, bytes))
    }

    pub(super) fn unwrap(
        &self,
        purpose: &str,
        installation: &str,
        path: &Path,
        wrapped_by: &str,
        bytes: &[u8],
    ) -> Result<Secret, KeysError> {
        let body = body(&Decrypt {
            ciphertext_blob: &BASE64_STANDARD.encode(bytes),
            encryption_context: Context { installation, purpose },
            // The configured key, never the one that the file names: whoever can change the file
            // could name one of his own.
            key_id: &self.key,
        });
        let answer: Decrypted = self.ask("Decrypt", &body).map_err(|error| match error {
            KeysError::Refused { reason, .. } if reason.contains("IncorrectKey") => {
                KeysError::Mismatch {
                    path: path.to_owned(),
                    wrapped_by: format!("aws-kms:{wrapped_by}"),
                    configured: self.source.provider.to_string(),
                }
            }
            KeysError::Refused { provider, reason } => KeysError::Refused {
                provider,
                reason: format!("{} does not open: {reason}", path.display()),
            },
            other => other,
        })?;
        let opened = BASE64_STANDARD.decode(answer.plaintext.as_bytes()).map(Zeroizing::new);
        opened.ok().and_then(|bytes| Secret::from_slice(&bytes)).ok_or_else(|| {
            KeysError::damaged(path, "KMS opens it, and it is no key; restore it from a copy")
        })
    }

    fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        action: &str,
        body: &Zeroizing<Vec<u8>>,
    ) -> Result<T, KeysError> {
        let credential = self.credential()?;
        let answer = self.client.send(|| self.request(action, body, &credential), said)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map_err(|_| self.source.refused("its answer is not one of KMS"));
        }
        let said = said(&answer);
        let advice = if said.contains("AccessDenied") {
            format!("; the credentials need kms:{action} on this key")
        } else if said.contains("NotFound") {
            format!("; is region {} right?", self.region)
        } else if matches!(answer.status, 401 | 403) || said.contains("UnrecognizedClient") {
            "; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and the clock"
                .to_owned()
        } else {
            String::new()
        };
        Err(self.source.refused(format!("cannot {action}: {said}{advice}")))
    }

    fn credential(&self) -> Result<std::sync::Arc<AwsCredential>, KeysError> {
        let credential = self.client.block_on(async {
            self.credentials.get_credential().await.map_err(|error| {
                self.source.refused(format!(
                    "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give \
                     this machine a role ({error})"
                ))
            })
        })?;
        // Signing takes them as header values.
        if !aws::fits_a_header(&credential) {
            return Err(self
                .source
                .refused("AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN holds characters that none has"));
        }
        Ok(credential)
    }

    /// A request with its signature, which holds the time: each try makes its own.
    fn request(
        &self,
        action: &str,
        body: &[u8],
        credential: &AwsCredential,
    ) -> Result<reqwest::Request, KeysError> {
        let wrong = |_| self.source.refused("its address makes no request");
        let mut signed: HttpRequest = http::Request::builder()
            .method(http::Method::POST)
            .uri(self.address.as_str())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{action}"))
            .body(HttpRequestBody::from(body.to_vec()))
            .map_err(wrong)?;
        AwsAuthorizer::new(credential, "kms", &self.region).authorize(&mut signed, None);
        let mut request = reqwest::Request::new(reqwest::Method::POST, self.address.clone());
        *request.headers_mut() = signed.headers().clone();
        *request.body_mut() = Some(body.to_vec().into());
        Ok(request)
    }
}

/// The region of a key's ARN: `arn:aws:kms:REGION:…`.
fn region_of(key: &str) -> Option<String> {
    let mut fields = key.split(':');
    let is_arn = fields.next() == Some("arn");
    fields.nth(2).filter(|region| is_arn && !region.is_empty()).map(str::to_owned)
}

fn body(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Strings alone always serialise.
    Zeroizing::new(serde_json::to_vec(value).unwrap_or_default())
}

/// KMS's own words of an error, which hold no secret of ours.
fn said(answer: &Answer) -> String {
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => {
            let kind = problem.kind.rsplit('#').next().unwrap_or_default();
            let message: String = problem.message.chars().take(300).collect();
            format!("status {}: {kind} {}", answer.status, message.replace('\n', " "))
        }
        Err(_) => format!("status {}", answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::region_of;

    #[test]
    fn a_key_that_is_an_arn_has_its_region() {
        assert_eq!(region_of("arn:aws:kms:eu-west-1:1:key/a").as_deref(), Some("eu-west-1"));
        assert_eq!(region_of("alias/custody"), None);
        assert_eq!(region_of("a:b:c:d:e"), None);
    }
}
