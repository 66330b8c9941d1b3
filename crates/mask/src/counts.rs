//! How many values of each kind were taken out.

use std::collections::BTreeMap;

use crate::entity::Entity;

/// A tally per entity. Values that are kept do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Entity, u64>);

impl Counts {
    /// Counts `n` more values of this kind.
    pub fn add(&mut self, entity: Entity, n: u64) {
        if n > 0 {
            *self.0.entry(entity).or_default() += n;
        }
    }

    /// Adds the other tally to this one.
    pub fn merge(&mut self, other: &Self) {
        for (entity, n) in other.iter() {
            self.add(entity, n);
        }
    }

    /// The number of values of this kind.
    pub fn get(&self, entity: Entity) -> u64 {
        self.0.get(&entity).copied().unwrap_or_default()
    }

    /// Every kind that was found, in order, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Entity, u64)> + '_ {
        self.0.iter().map(|(entity, n)| (*entity, *n))
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut counts = Counts::default();
        assert!(counts.is_empty());
        counts.add(Entity::Email, 0);
        assert!(counts.is_empty());
        counts.add(Entity::Phone, 2);
        let mut other = Counts::default();
        other.add(Entity::Email, 1);
        other.add(Entity::Phone, 1);
        counts.merge(&other);
        let all: Vec<_> = counts.iter().collect();
        assert_eq!(all, [(Entity::Email, 1), (Entity::Phone, 3)]);
        assert_eq!(counts.get(Entity::Jwt), 0);
    }
}
