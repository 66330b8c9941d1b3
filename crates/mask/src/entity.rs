//! The kinds of value the detectors know.

use std::fmt;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use crate::policy::UnknownName;

/// Declares [`Entity`]: a variant, its name outside, its group and what it is.
macro_rules! entities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $group:ident;)*) => {
        /// A kind of sensitive value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Entity {
            $($(#[$doc])* $variant,
            )*
            /// Of a rule of the user's own, by the name that it has there. Made with
            /// [`Entity::custom`].
            Custom(&'static str),
        }

        impl Entity {
            /// Every entity but those of the user's own rules, in order.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name that stands in policies, counts and placeholders.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(name) => name,
                }
            }

            /// What kinds of value it belongs to.
            pub const fn group(self) -> Group {
                match self {
                    $(Self::$variant => Group::$group,)*
                    Self::Custom(_) => Group::Custom,
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
    /// What rules of the user's own find.
    Custom,
}

/// The names of the user's own entities. There are few, they come from the configuration, and
/// placeholders with them must be known for what they are wherever a text is looked at.
static CUSTOM: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// The longest name that an entity may have, in bytes.
pub(crate) const LONGEST_NAME: usize = 32;

impl Entity {
    /// The entity of a rule of the user's own. Its name is made of upper-case letters, digits and
    /// `_`, begins with a letter, has 2 to 32 of them, and is no name that is taken.
    pub fn custom(name: &str) -> Result<Self, UnknownName> {
        let refused = || UnknownName { what: "entity name", name: name.to_owned() };
        let word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let good = (2..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(word)
            && name.starts_with(|c: char| c.is_ascii_uppercase());
        if !good || Self::ALL.iter().any(|entity| entity.as_str() == name) {
            return Err(refused());
        }
        let mut names = CUSTOM.write().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().find(|known| **known == name).copied();
        let name = known.unwrap_or_else(|| {
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.push(name);
            name
        });
        Ok(Self::Custom(name))
    }

    /// The entity with this name, the user's own among them.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|entity| entity.as_str().as_bytes() == name);
        known.or_else(|| {
            let names = CUSTOM.read().unwrap_or_else(PoisonError::into_inner);
            let name = names.iter().find(|known| known.as_bytes() == name)?;
            Some(Self::Custom(name))
        })
    }

    /// Whether the value opens a door, and so is never wanted back from a log.
    pub const fn is_credential(self) -> bool {
        matches!(self.group(), Group::Credential)
    }
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 9] = [
        Self::Contact,
        Self::Financial,
        Self::National,
        Self::Health,
        Self::Network,
        Self::Credential,
        Self::Name,
        Self::Personal,
        Self::Custom,
    ];

    /// Its name in policies: a lower-case word, which no entity has.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Financial => "financial",
            Self::National => "national",
            Self::Health => "health",
            Self::Network => "network",
            Self::Credential => "credential",
            Self::Name => "name",
            Self::Personal => "personal",
            Self::Custom => "custom",
        }
    }
}

impl FromStr for Group {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|group| group.as_str() == name)
            .ok_or_else(|| UnknownName { what: "group", name: name.to_owned() })
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
        Self::named(name.to_ascii_uppercase().as_bytes())
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
    fn own_names() {
        let badge = Entity::custom("BADGE_NO").unwrap();
        assert_eq!(Entity::custom("BADGE_NO"), Ok(badge));
        assert_eq!("badge_no".parse(), Ok(badge));
        for name in ["EMAIL", "badge", "B", "9X", "A-B", "", &"A".repeat(33)] {
            assert!(Entity::custom(name).is_err(), "{name}");
        }
    }

    #[test]
    fn groups_have_names() {
        assert_eq!("credential".parse(), Ok(Group::Credential));
        assert!("shoes".parse::<Group>().is_err());
    }

    #[test]
    fn an_unknown_name_is_told() {
        let error = "SHOE_SIZE".parse::<Entity>().unwrap_err();
        assert_eq!(error.to_string(), "unknown entity \"SHOE_SIZE\"");
    }
}
