//! What is done with each kind of value.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::entity::Entity;

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
    /// Take it out and leave nothing.
    Drop,
}

/// One action per entity, under a name and a version.
///
/// An entity the policy does not mention is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    name: String,
    version: String,
    actions: BTreeMap<Entity, Action>,
}

/// A name in a policy that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {name:?}")]
pub struct UnknownName {
    /// What was looked for: `entity` or `action`.
    pub what: &'static str,
    /// The name that was given.
    pub name: String,
}

impl Policy {
    /// A policy whose version follows from its content.
    pub fn new(name: impl Into<String>, actions: BTreeMap<Entity, Action>) -> Self {
        let name = name.into();
        let version = format!("{name}@{}", digest(&actions));
        Self { name, version, actions }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `name@…`, another one whenever any action is another one.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is done with values of this kind.
    pub fn action(&self, entity: Entity) -> Action {
        self.actions.get(&entity).copied().unwrap_or_default()
    }
}

impl Default for Policy {
    /// Every entity is masked. Its version is `default@1`.
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            version: "default@1".to_owned(),
            actions: BTreeMap::new(),
        }
    }
}

impl Action {
    /// The name that stands in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Mask => "mask",
            Self::Pseudonym => "pseudonym",
            Self::Drop => "drop",
        }
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
        [Self::Keep, Self::Mask, Self::Pseudonym, Self::Drop]
            .into_iter()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| UnknownName { what: "action", name: name.to_owned() })
    }
}

/// Entities left out count as masked, so that writing out a default changes no version.
fn digest(actions: &BTreeMap<Entity, Action>) -> String {
    let mut hash = Sha256::new();
    for entity in Entity::ALL {
        let action = actions.get(&entity).copied().unwrap_or_default();
        if action != Action::default() {
            hash.update(format!("{entity}={action}\n"));
        }
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(8);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_masks_everything() {
        let policy = Policy::default();
        assert_eq!(policy.version(), "default@1");
        assert!(Entity::ALL.iter().all(|e| policy.action(*e) == Action::Mask));
    }

    #[test]
    fn another_action_is_another_version() {
        let keep = |e| Policy::new("ours", BTreeMap::from([(e, Action::Keep)]));
        assert_ne!(keep(Entity::Email).version(), keep(Entity::Phone).version());
        assert_eq!(keep(Entity::Email).version(), keep(Entity::Email).version());
        let version = keep(Entity::Email).version().to_owned();
        let (name, digest) = version.split_once('@').unwrap();
        assert_eq!((name, digest.len()), ("ours", 8));
    }

    #[test]
    fn spelling_out_a_default_changes_no_version() {
        let spelt = Policy::new("ours", BTreeMap::from([(Entity::Email, Action::Mask)]));
        assert_eq!(spelt.version(), Policy::new("ours", BTreeMap::new()).version());
    }

    #[test]
    fn actions_round_trip() {
        for name in ["keep", "mask", "pseudonym", "drop"] {
            assert_eq!(name.parse::<Action>().unwrap().to_string(), name);
        }
        assert_eq!("hide".parse::<Action>().unwrap_err().what, "action");
    }
}
