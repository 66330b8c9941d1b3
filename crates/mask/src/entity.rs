//! The kinds of value the detectors know.

use std::fmt;
use std::str::FromStr;

use crate::policy::UnknownName;

/// A kind of sensitive value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Entity {
    /// An e-mail address.
    Email,
    /// A payment card number.
    CreditCard,
    /// An international bank account number.
    Iban,
    /// A social security number of the United States.
    UsSsn,
    /// A telephone number.
    Phone,
    /// An IPv4 or IPv6 address.
    IpAddress,
    /// An API key, access token, password or other credential.
    ApiKey,
    /// A private key in PEM form.
    PrivateKey,
    /// A JSON web token.
    Jwt,
}

impl Entity {
    /// Every entity, in order.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::CreditCard,
        Self::Iban,
        Self::UsSsn,
        Self::Phone,
        Self::IpAddress,
        Self::ApiKey,
        Self::PrivateKey,
        Self::Jwt,
    ];

    /// The name that stands in policies, counts and placeholders.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::CreditCard => "CREDIT_CARD",
            Self::Iban => "IBAN",
            Self::UsSsn => "US_SSN",
            Self::Phone => "PHONE",
            Self::IpAddress => "IP_ADDRESS",
            Self::ApiKey => "API_KEY",
            Self::PrivateKey => "PRIVATE_KEY",
            Self::Jwt => "JWT",
        }
    }

    /// Whether the value opens a door, and so is never wanted back from a log.
    pub const fn is_credential(self) -> bool {
        matches!(self, Self::ApiKey | Self::PrivateKey | Self::Jwt)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Entity {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownName { what: "entity", name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for entity in Entity::ALL {
            assert_eq!(entity.to_string().parse(), Ok(entity));
            assert_eq!(entity.as_str().to_lowercase().parse(), Ok(entity));
        }
    }

    #[test]
    fn an_unknown_name_is_told() {
        let error = "SHOE_SIZE".parse::<Entity>().unwrap_err();
        assert_eq!(error.to_string(), "unknown entity \"SHOE_SIZE\"");
    }
}
