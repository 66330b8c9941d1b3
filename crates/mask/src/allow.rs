//! Values that are no secret: the support desk's own address, a number for tests.

use crate::entity::Entity;
use crate::policy::Target;

/// Patterns of values that stay as they are.
///
/// A pattern is the value itself, or has `*` for any characters. Case does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    patterns: Vec<(Target, String)>,
}

impl AllowList {
    /// Lets values like this one stay.
    pub fn add(&mut self, target: Target, pattern: &str) {
        self.patterns.push((target, pattern.to_lowercase()));
    }

    /// Whether nothing is let stay.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether this value stays.
    pub(crate) fn has(&self, entity: Entity, value: &str) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let value = value.to_lowercase();
        self.patterns
            .iter()
            .any(|(target, pattern)| target.covers(entity) && matches(pattern, &value))
    }

    pub(crate) fn describe(&self) -> String {
        let lines = self.patterns.iter().map(|(target, p)| format!("allow {target:?} {p}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Glob matching with `*` alone: the pieces between stars follow each other in the value.
fn matches(pattern: &str, value: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == value };
    let Some(mut value) = value.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = value.split_once(piece) else { return false };
        value = after;
    }
    value.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, value) in [
            ("a@b.com", "a@b.com"),
            ("*@b.com", "x@b.com"),
            ("*@b.*", "x@b.org"),
            ("555*", "555-1234"),
            ("a*b*c", "a1b2c"),
            ("*", ""),
        ] {
            assert!(matches(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in
            [("a@b.com", "aa@b.com"), ("*@b.com", "x@b.com.evil"), ("a*b*c", "acb"), ("ab*b", "ab")]
        {
            assert!(!matches(pattern, value), "{pattern} {value}");
        }
    }

    #[test]
    fn a_value_is_let_stay_for_what_it_is() {
        let mut list = AllowList::default();
        list.add(Target::Entity(Entity::Email), "*@Example.com");
        assert!(list.has(Entity::Email, "Ada@example.COM"));
        assert!(!list.has(Entity::Phone, "ada@example.com"));
    }
}
