//! `[oidc]`: whose JWTs say who is asking.

use access::OidcConfig;
use anyhow::{Context as _, anyhow};
use serde::{Deserialize, Serialize};

/// An issuer, and what is read out of its JWTs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OidcTable {
    /// The issuer, as its JWTs name it (`iss`). Empty: no JWT counts.
    pub(crate) issuer: String,
    /// Whom a JWT must be for (`aud`).
    pub(crate) audience: String,
    /// Its keys: an address or a file. Empty: where its discovery document says.
    pub(crate) jwks: String,
    /// The claim with the user id: a name, or a path with dots.
    pub(crate) user_claim: String,
    /// The claim with the roles.
    pub(crate) roles_claim: String,
    /// The claim with the calling service. Empty: none.
    pub(crate) service_claim: String,
}

impl Default for OidcTable {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            jwks: String::new(),
            user_claim: "sub".to_owned(),
            roles_claim: "roles".to_owned(),
            service_claim: String::new(),
        }
    }
}

impl OidcTable {
    /// The issuer; `None` when there is none.
    pub(crate) fn issuer(&self) -> anyhow::Result<Option<OidcConfig>> {
        if self.issuer.is_empty() {
            let set = [&self.audience, &self.jwks, &self.service_claim];
            if set.iter().any(|text| !text.is_empty()) {
                return Err(anyhow!("[oidc] has no issuer: the `iss` of its JWTs"));
            }
            return Ok(None);
        }
        let claims = [self.user_claim.as_str(), &self.roles_claim, &self.service_claim];
        OidcConfig::new(&self.issuer, &self.audience, &self.jwks, claims)
            .map(Some)
            .context("[oidc]")
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load_text;

    fn issuer(text: &str) -> anyhow::Result<bool> {
        let text = format!("[oidc]\n{text}");
        let config = load_text(&text, "custody.toml", std::iter::empty()).unwrap();
        config.oidc.issuer().map(|issuer| issuer.is_some())
    }

    #[test]
    fn an_issuer_needs_an_audience_and_the_rest_an_issuer() {
        assert!(!issuer("").unwrap());
        assert!(issuer("issuer = \"https://i\"\naudience = \"a\"").unwrap());
        assert!(issuer("issuer = \"i\"\naudience = \"a\"\njwks = \"/keys\"").unwrap());
        for (wrong, told) in [
            ("audience = \"a\"", "no issuer"),
            ("issuer = \"https://i\"", "audience is empty"),
            ("issuer = \"http://i\"\naudience = \"a\"", "expected https://"),
            ("issuer = \"https://i\"\naudience = \"a\"\nuser_claim = \"\"", "user_claim is empty"),
        ] {
            let error = format!("{:#}", issuer(wrong).unwrap_err());
            assert!(error.contains("[oidc]") && error.contains(told), "{wrong}: {error}");
        }
    }
}
