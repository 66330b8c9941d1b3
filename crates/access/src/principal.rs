//! Who a token says that the caller is, and why a token says nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a caller may do with Custody itself (DESIGN §12). Not to be confused with the roles that an
/// application gives to its users, which are for the record only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Grant {
    /// Have its calls recorded.
    Ingest,
    /// Read metadata.
    Viewer,
    /// Read masked content.
    Analyst,
    /// Reveal what is masked, with a reason.
    Investigator,
    /// Read the ledger, the access log and reports, no content.
    Auditor,
    /// Everything.
    Admin,
}

impl Grant {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Ingest, Self::Viewer, Self::Analyst, Self::Investigator, Self::Auditor, Self::Admin];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Investigator => "investigator",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("unknown grant {text:?}; known: {known}")
        })
    }
}

/// What a principal rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// An access token of Custody's own.
    Token,
    /// A JWT of the configured issuer.
    Oidc,
}

/// A caller that is signed in. `None`: the token does not name it, so a claim may stand.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal {
    /// What it rests on.
    pub basis: Basis,
    /// `t_` and the id of the access token; none for a JWT.
    pub id: Option<String>,
    /// The user id, in the clear: for a pseudonym, never for a disk.
    pub user: Option<String>,
    /// Roles in the application.
    pub roles: Option<Vec<String>>,
    /// The calling service.
    pub service: Option<String>,
    /// The deployment environment.
    pub environment: Option<String>,
    /// What it may do with Custody. A JWT grants nothing but [`Grant::Ingest`].
    pub grants: Vec<Grant>,
}

impl fmt::Debug for Principal {
    /// Without the user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("basis", &self.basis)
            .field("id", &self.id)
            .field("names_user", &self.user.is_some())
            .finish_non_exhaustive()
    }
}

/// Why a token tells nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such access token, no issuer is configured, or the issuer has no such key.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// It is no token, its secret or signature is wrong, it is for somebody else or for later.
    Invalid,
    /// It could not be looked at: the issuer's keys or the file of tokens could not be read so far.
    Unchecked,
}

impl Fault {
    /// The code of the oddity that the record tells it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "token_unknown",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
            Self::Invalid => "token_invalid",
            Self::Unchecked => "token_unchecked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_have_the_words_of_the_file() {
        for grant in Grant::ALL {
            assert_eq!(grant.as_str().parse(), Ok(grant));
            assert_eq!(serde_json::to_value(grant).unwrap(), grant.as_str());
        }
        assert!("root".parse::<Grant>().unwrap_err().contains("ingest, viewer"));
    }

    #[test]
    fn a_principal_is_never_printed_with_its_user() {
        let principal = Principal {
            basis: Basis::Oidc,
            id: None,
            user: Some("maria.lopez".to_owned()),
            roles: None,
            service: None,
            environment: None,
            grants: Vec::new(),
        };
        assert!(!format!("{principal:?}").contains("maria"));
    }
}
