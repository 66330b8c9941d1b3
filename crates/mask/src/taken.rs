//! What was taken out of a text.

use crate::counts::Counts;
use crate::entity::Entity;

/// What masking took out: how many values of each kind, and those that the policy keeps apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many.
    pub counts: Counts,
    /// Values under [`Action::Vault`](crate::Action::Vault), each once: they are in the clear, and
    /// whoever asked for them seals them.
    pub vaulted: Vec<Vaulted>,
}

/// A value that is kept apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Vaulted {
    /// What stands in the text in its place.
    pub placeholder: String,
    /// What it is.
    pub entity: Entity,
    /// The value.
    pub value: String,
}

impl Taken {
    pub(crate) fn vault(&mut self, placeholder: &str, entity: Entity, value: &str) {
        if !self.vaulted.iter().any(|other| other.placeholder == placeholder) {
            let (placeholder, value) = (placeholder.to_owned(), value.to_owned());
            self.vaulted.push(Vaulted { placeholder, entity, value });
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.vaulted.is_empty()
    }
}

impl std::fmt::Debug for Vaulted {
    /// Without the value: what is printed for debugging ends in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vaulted").field("placeholder", &self.placeholder).finish_non_exhaustive()
    }
}
