//! The file of access tokens.
//!
//! It holds no token and no user id: of a secret its hash, and the user id sealed under the secret,
//! so that it can be read when the token comes and at no other time. An erasure of the person needs
//! nothing from it.

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use archive::durable;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use record::Timestamp;
use seal::{SALT_LEN, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::token::{self, NewToken, Presented, TokenId};
use crate::watched::Watched;
use crate::{AccessError, Basis, Fault, Grant, Principal};

/// The file's version.
const VERSION: u32 = 1;
/// What the key that seals a user id is for.
const USER: &str = "custody/token-user/v1";
/// No text of a token is longer, in bytes.
const LONGEST: usize = 256;
/// A token has no more roles.
const ROLES: usize = 64;

/// What a token stands for.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// For people, to tell it from others; never the user's.
    pub name: String,
    /// The user id.
    pub user: Option<String>,
    /// Roles of the user in the application. None: the token says nothing of roles.
    pub roles: Vec<String>,
    /// The calling service.
    pub service: Option<String>,
    /// The deployment environment.
    pub environment: Option<String>,
    /// What it may do with Custody.
    pub grants: Vec<Grant>,
    /// From this moment on it does not count.
    pub expires: Option<Timestamp>,
}

/// A token as the file tells of it. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenRow {
    /// Its name in records.
    pub id: TokenId,
    /// Its name for people.
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal.
    sha256: String,
    /// The user id, sealed under the secret (`seal::wrap`), in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// Roles of the user in the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The calling service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The deployment environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What it may do with Custody.
    pub grants: Vec<Grant>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

impl TokenRow {
    /// Whether it names a user; which one, only the token itself can say.
    pub fn names_user(&self) -> bool {
        self.user.is_some()
    }

    /// `active`, `revoked` or `expired` at this time.
    pub fn state(&self, at: Timestamp) -> &'static str {
        match self.fault(at) {
            Some(Fault::Revoked) => "revoked",
            Some(_) => "expired",
            None => "active",
        }
    }

    fn fault(&self, at: Timestamp) -> Option<Fault> {
        if self.revoked.is_some() {
            return Some(Fault::Revoked);
        }
        self.expires.filter(|end| at >= *end).map(|_| Fault::Expired)
    }
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    version: u32,
    tokens: Vec<TokenRow>,
}

/// The rows by id.
#[derive(Default)]
pub(crate) struct Table(HashMap<TokenId, TokenRow>);

impl Table {
    /// Who a token stands for, and until when that holds.
    pub(crate) fn find(
        &self,
        sent: &Presented,
        at: Timestamp,
    ) -> Result<(Principal, Option<Timestamp>), Fault> {
        let row = self.0.get(&sent.id).ok_or(Fault::Unknown)?;
        // How long this takes tells of the hash at most, which is of no use to anybody.
        if token::hash(&sent.secret) != row.sha256 {
            return Err(Fault::Invalid);
        }
        if let Some(fault) = row.fault(at) {
            return Err(fault);
        }
        let user = match row.user.as_deref() {
            Some(sealed) => Some(open_user(&sent.secret, sealed).ok_or(Fault::Invalid)?),
            None => None,
        };
        let principal = Principal {
            basis: Basis::Token,
            id: Some(row.id.to_string()),
            user,
            roles: Some(row.roles.clone()).filter(|roles| !roles.is_empty()),
            service: row.service.clone(),
            environment: row.environment.clone(),
            grants: row.grants.clone(),
        };
        Ok((principal, row.expires))
    }
}

/// The file, for those who change it.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// The file at this path, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes a token and writes down its hash.
    pub fn create(&self, naming: &Naming, now: Timestamp) -> Result<NewToken, AccessError> {
        check(naming)?;
        let (made, presented) = token::make()?;
        let user = naming.user.as_deref().map(|user| seal_user(&presented.secret, user));
        let grants: BTreeSet<Grant> = naming.grants.iter().copied().collect();
        let row = TokenRow {
            id: made.id,
            name: naming.name.clone(),
            sha256: token::hash(&presented.secret),
            user: user.transpose()?,
            roles: naming.roles.clone(),
            service: naming.service.clone(),
            environment: naming.environment.clone(),
            grants: grants.into_iter().collect(),
            created: now,
            expires: naming.expires,
            revoked: None,
        };
        self.change(|rows| {
            rows.push(row);
            Ok(())
        })?;
        Ok(made)
    }

    /// All tokens, the oldest first.
    pub fn list(&self) -> Result<Vec<TokenRow>, AccessError> {
        Watched::new(self.path.clone(), parse).read().map(|on_disk| on_disk.tokens)
    }

    /// Ends a token for good. Gives its row, and whether it was in use until now.
    pub fn revoke(&self, id: TokenId, now: Timestamp) -> Result<(TokenRow, bool), AccessError> {
        self.change(|rows| {
            let row = rows.iter_mut().find(|row| row.id == id).ok_or_else(|| {
                AccessError::Wrong(format!(
                    "there is no token {id}; `custody token list` shows all"
                ))
            })?;
            let fresh = row.revoked.is_none();
            row.revoked.get_or_insert(now);
            Ok((row.clone(), fresh))
        })
    }

    /// Reads, changes and replaces the file, one process at a time. A crash leaves the old file or
    /// the new one.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<TokenRow>) -> Result<T, AccessError>,
    ) -> Result<T, AccessError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        durable::create_dir_all(folder)
            .map_err(|error| AccessError::unavailable("write to", folder, error))?;
        let lock = self.path.with_extension("lock");
        let held = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| AccessError::unavailable("lock", &lock, error))?;
        let mut rows = self.list()?;
        let changed = change(&mut rows)?;
        let on_disk = OnDisk { version: VERSION, tokens: rows };
        let mut bytes = serde_json::to_vec_pretty(&on_disk)
            .map_err(|error| AccessError::System(error.to_string()))?;
        bytes.push(b'\n');
        durable::replace(&self.path, &bytes, 0o600)
            .map_err(|error| AccessError::unavailable("write", &self.path, error))?;
        drop(held);
        Ok(changed)
    }
}

/// The rows of a file, for those who only read it.
pub(crate) fn table(bytes: Option<&[u8]>) -> Result<Table, String> {
    let rows = parse(bytes)?.tokens;
    Ok(Table(rows.into_iter().map(|row| (row.id, row)).collect()))
}

fn parse(bytes: Option<&[u8]>) -> Result<OnDisk, String> {
    let Some(bytes) = bytes else {
        return Ok(OnDisk { version: VERSION, tokens: Vec::new() });
    };
    let on_disk: OnDisk = serde_json::from_slice(bytes).map_err(|error| {
        // The error's own words may quote the file.
        format!("it is no file of tokens: line {}, column {}", error.line(), error.column())
    })?;
    if on_disk.version == VERSION {
        Ok(on_disk)
    } else {
        Err(format!("its version is {}, and this program knows {VERSION}", on_disk.version))
    }
}

fn seal_user(secret: &Secret, user: &str) -> Result<String, AccessError> {
    let mut salt = [0; SALT_LEN];
    token::random(&mut salt)?;
    Ok(BASE64_STANDARD.encode(seal::wrap(&secret.derive(USER), USER, salt, user.as_bytes())))
}

fn open_user(secret: &Secret, sealed: &str) -> Option<String> {
    let sealed = BASE64_STANDARD.decode(sealed).ok()?;
    let plain = Zeroizing::new(seal::unwrap(&secret.derive(USER), USER, &sealed).ok()?);
    String::from_utf8(plain.to_vec()).ok()
}

/// Refuses what would be hard to tell apart or to show.
fn check(naming: &Naming) -> Result<(), AccessError> {
    let texts = [
        ("the name", Some(&naming.name)),
        ("the user", naming.user.as_ref()),
        ("the service", naming.service.as_ref()),
        ("the environment", naming.environment.as_ref()),
    ];
    let roles = naming.roles.iter().map(|role| ("a role", Some(role)));
    for (what, text) in texts.into_iter().chain(roles) {
        let Some(text) = text else { continue };
        let good = !text.is_empty()
            && text.len() <= LONGEST
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if !good {
            return Err(AccessError::Wrong(format!(
                "{what} must be 1 to {LONGEST} bytes of text, without control characters and \
                 without space at its ends"
            )));
        }
    }
    if naming.roles.len() > ROLES {
        return Err(AccessError::Wrong(format!("a token has at most {ROLES} roles")));
    }
    if naming.grants.is_empty() {
        return Err(AccessError::Wrong("a token without a grant is good for nothing".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
