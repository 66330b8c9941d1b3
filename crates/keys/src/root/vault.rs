//! `HashiCorp` Vault's transit engine: `POST /v1/<mount>/encrypt/<key>` and `…/decrypt/<key>`.
//!
//! The key must be of a kind that takes associated data (`aes256-gcm96`, which is the default, or
//! `chacha20-poly1305`): purpose and installation are bound to each wrapped key with it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use seal::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::remote::{Answer, Client, address};
use crate::KeysError;
use crate::provider::{Environment, RootSource};

const ADDRESS: &str = "https://127.0.0.1:8200";

pub(super) struct Vault {
    client: Client,
    source: RootSource,
    address: reqwest::Url,
    mount: String,
    key: String,
    namespace: Option<String>,
    token: Token,
}

/// Where the token is; it is read anew for each use, since agents renew it.
enum Token {
    File(PathBuf),
    Variable(Environment),
}

#[derive(Serialize)]
struct Encrypt<'a> {
    associated_data: String,
    plaintext: &'a str,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    associated_data: String,
    ciphertext: &'a str,
}

#[derive(Deserialize)]
struct Good<T> {
    data: T,
}

#[derive(Deserialize)]
struct Ciphertext {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Plaintext {
    plaintext: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl Vault {
    pub(super) fn new(source: &RootSource, key: &str) -> Result<Self, KeysError> {
        let (options, environment) = (&source.options, &source.environment);
        let given = options.vault_address.clone().or_else(|| environment.plain("VAULT_ADDR"));
        let address = address(&source.provider, given.as_deref().unwrap_or(ADDRESS))?;
        let mount = options.vault_mount.as_deref().unwrap_or("transit").trim_matches('/');
        let safe = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
        if mount.is_empty() || mount.contains("..") || !mount.bytes().all(safe) {
            return Err(source.refused("[keys] vault_mount is no path of an engine"));
        }
        let authorities = match environment.plain("VAULT_CACERT") {
            Some(path) => Some(std::fs::read(&path).map_err(|error| {
                source.refused(format!("cannot read VAULT_CACERT {path}: {error}"))
            })?),
            None => None,
        };
        let namespace =
            options.vault_namespace.clone().or_else(|| environment.plain("VAULT_NAMESPACE"));
        let token = match &options.vault_token_file {
            Some(path) => Token::File(path.clone()),
            None => Token::Variable(environment.clone()),
        };
        Ok(Self {
            client: Client::new(source.provider.clone(), authorities.as_deref())?,
            source: source.clone(),
            address,
            mount: mount.to_owned(),
            key: key.to_owned(),
            namespace,
            token,
        })
    }

    /// The key's name, as wrapped keys name it.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.mount, self.key)
    }

    pub(super) fn wrap(
        &self,
        purpose: &str,
        installation: &str,
        key: &Secret,
    ) -> Result<Vec<u8>, KeysError> {
        let plaintext = Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
        let body = body(&Encrypt {
            associated_data: associated(purpose, installation),
            plaintext: &plaintext,
        });
        let answer: Ciphertext = self.ask("encrypt", &body)?;
        Ok(answer.ciphertext.into_bytes())
    }

    pub(super) fn unwrap(
        &self,
        purpose: &str,
        installation: &str,
        path: &Path,
        bytes: &[u8],
    ) -> Result<Secret, KeysError> {
        let damaged = || KeysError::damaged(path, "was changed; restore it from a copy");
        let ciphertext = std::str::from_utf8(bytes).map_err(|_| damaged())?;
        let body =
            body(&Decrypt { associated_data: associated(purpose, installation), ciphertext });
        let answer: Plaintext = self.ask("decrypt", &body).map_err(|error| match error {
            // Vault says the same of a changed text, another key and other associated data.
            KeysError::Refused { provider, reason } => KeysError::Refused {
                provider,
                reason: format!("{} does not open: {reason}", path.display()),
            },
            other => other,
        })?;
        let opened = BASE64_STANDARD.decode(answer.plaintext.as_bytes()).map(Zeroizing::new);
        opened.ok().and_then(|bytes| Secret::from_slice(&bytes)).ok_or_else(damaged)
    }

    fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        action: &str,
        body: &Zeroizing<Vec<u8>>,
    ) -> Result<T, KeysError> {
        let mut url = self.address.clone();
        let path =
            format!("{}/v1/{}/{action}/{}", url.path().trim_end_matches('/'), self.mount, self.key);
        url.set_path(&path);
        let headers = self.headers()?;
        let make = || {
            let mut request = reqwest::Request::new(reqwest::Method::POST, url.clone());
            *request.headers_mut() = headers.clone();
            *request.body_mut() = Some(body.to_vec().into());
            Ok(request)
        };
        let answer = self.client.send(make, said)?;
        if answer.status == 200 {
            return serde_json::from_slice::<Good<T>>(&answer.body)
                .map(|good| good.data)
                .map_err(|_| self.source.refused("its answer is not one of the transit engine"));
        }
        let said = said(&answer);
        Err(self.source.refused(match answer.status {
            403 => format!(
                "the token is not valid or may not do it ({said}): it needs `update` on \
                 {}/{action}/{}",
                self.mount, self.key
            ),
            404 => format!(
                "there is no transit engine at {:?} ({said}): check vault_mount and the namespace",
                self.mount
            ),
            300..=399 => format!(
                "{said}: this address is not that of the active node; set vault_address to that one"
            ),
            _ => format!("cannot {action} with key {:?}: {said}", self.key),
        }))
    }

    fn headers(&self) -> Result<HeaderMap, KeysError> {
        let token = match &self.token {
            Token::File(path) => {
                Zeroizing::new(std::fs::read_to_string(path).map_err(|error| {
                    let path = path.display();
                    self.source.refused(format!("cannot read the token in {path}: {error}"))
                })?)
            }
            Token::Variable(environment) => environment.get("VAULT_TOKEN").ok_or_else(|| {
                self.source.refused("no token: set VAULT_TOKEN, or [keys] vault_token_file")
            })?,
        };
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str, what: &str| {
            let mut value = HeaderValue::from_str(value).map_err(|_| {
                self.source.refused(format!("the {what} holds characters that no {what} has"))
            })?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
            Ok::<(), KeysError>(())
        };
        set("x-vault-token", token.trim(), "token")?;
        // Vault refuses requests without it where it is asked to guard against forged ones.
        set("x-vault-request", "true", "header")?;
        set("content-type", "application/json", "header")?;
        if let Some(namespace) = &self.namespace {
            set("x-vault-namespace", namespace, "namespace")?;
        }
        Ok(headers)
    }
}

/// What is bound to a wrapped key.
fn associated(purpose: &str, installation: &str) -> String {
    BASE64_STANDARD.encode(format!("{purpose}\0{installation}"))
}

fn body(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Strings alone always serialise.
    Zeroizing::new(serde_json::to_vec(value).unwrap_or_default())
}

/// Vault's own words of an error, which hold no secret of ours.
fn said(answer: &Answer) -> String {
    let errors = serde_json::from_slice::<Errors>(&answer.body).map(|e| e.errors.join("; "));
    let words: String = errors.unwrap_or_default().chars().take(300).collect();
    let words = words.replace('\n', " ");
    if words.trim().is_empty() {
        format!("status {}", answer.status)
    } else {
        format!("status {}: {}", answer.status, words.trim())
    }
}
