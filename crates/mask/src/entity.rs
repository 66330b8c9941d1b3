//! The kinds of value the detectors know.

use std::fmt;
use std::str::FromStr;

use crate::policy::UnknownName;

/// Declares [`Entity`]: a variant, its name outside, its group and what it is.
macro_rules! entities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $group:ident;)*) => {
        /// A kind of sensitive value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Entity {
            $($(#[$doc])* $variant,)*
        }

        impl Entity {
            /// Every entity, in order.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name that stands in policies, counts and placeholders.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What kinds of value it belongs to.
            pub const fn group(self) -> Group {
                match self {
                    $(Self::$variant => Group::$group,)*
                }
            }
        }
    };
}

entities! {
    /// An e-mail address.
    Email = "EMAIL", Contact;
    /// A payment card number.
    CreditCard = "CREDIT_CARD", Financial;
    /// An international bank account number.
    Iban = "IBAN", Financial;
    /// A social security number of the United States.
    UsSsn = "US_SSN", National;
    /// A telephone number.
    Phone = "PHONE", Contact;
    /// An IPv4 or IPv6 address.
    IpAddress = "IP_ADDRESS", Network;
    /// An API key, access token, password or other credential.
    ApiKey = "API_KEY", Credential;
    /// A private key in PEM form.
    PrivateKey = "PRIVATE_KEY", Credential;
    /// A JSON web token.
    Jwt = "JWT", Credential;
    /// The address of a database or a broker with the password to it.
    ConnectionString = "CONNECTION_STRING", Credential;
    /// A person's name.
    Person = "PERSON", Name;
    /// A city, region, country or postal code.
    Location = "LOCATION", Name;
    /// A postal address or its street line.
    Address = "ADDRESS", Name;
    /// An organisation's name. Kept unless a policy says otherwise.
    Organisation = "ORG", Name;
}

/// What kinds of value an entity belongs to; policies and documentation speak of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Ways to reach a person.
    Contact,
    /// Cards, accounts and wallets.
    Financial,
    /// Numbers that a state or its agencies give to people and firms.
    National,
    /// Records and numbers of health care.
    Health,
    /// Addresses of machines.
    Network,
    /// What opens a door, and so is never wanted back from a log.
    Credential,
    /// Names of people and places, found by the names tier.
    Name,
    /// Other facts about a person, such as a date of birth.
    Personal,
}

impl Entity {
    /// Whether the value opens a door, and so is never wanted back from a log.
    pub const fn is_credential(self) -> bool {
        matches!(self.group(), Group::Credential)
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
