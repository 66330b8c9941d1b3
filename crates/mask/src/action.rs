//! What is done with a value that was found.

use std::fmt;
use std::str::FromStr;

use crate::entity::Entity;
use crate::policy::UnknownName;

/// What is done with a value that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Leave it as it stands; it is not counted either.
    Keep,
    /// Put the name of its kind in its place: `[EMAIL]`.
    #[default]
    Mask,
    /// Put a keyed digest in its place, the same for the same value: `[EMAIL:7f3a91c04d5e]`.
    Pseudonym,
    /// As [`Action::Pseudonym`], and give the value to the caller, who seals it apart.
    Vault,
    /// Take it out and leave nothing.
    Drop,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::Keep, Self::Mask, Self::Pseudonym, Self::Vault, Self::Drop];

    /// The name that stands in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Mask => "mask",
            Self::Pseudonym => "pseudonym",
            Self::Vault => "vault",
            Self::Drop => "drop",
        }
    }

    /// What is done with an entity of which no policy speaks: names of firms stay, for they are
    /// seldom personal and often the matter.
    pub(crate) fn usual(entity: Entity) -> Self {
        if entity == Entity::Organisation { Self::Keep } else { Self::Mask }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| UnknownName { what: "action", name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_round_trip() {
        for name in ["keep", "mask", "pseudonym", "vault", "drop"] {
            assert_eq!(name.parse::<Action>().unwrap().to_string(), name);
        }
        assert_eq!("hide".parse::<Action>().unwrap_err().what, "action");
    }
}
