//! Names of objects.

use std::fmt;

use crate::ArchiveError;

/// A name such as `c1/ledger/tile/0/000`: relative, with `/`, with no empty, `.` or `..` segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Checks a name.
    pub fn new(name: impl Into<String>) -> Result<Self, ArchiveError> {
        let name = name.into();
        let good = |segment: &str| {
            !segment.is_empty()
                && !segment.starts_with('.')
                && segment.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        };
        if name.len() <= 512 && name.split('/').all(good) {
            Ok(Self(name))
        } else {
            Err(ArchiveError::BadName(name))
        }
    }

    /// Whether objects of this name are replaced: the archive's description and each collector's
    /// published checkpoint are, nothing else is.
    pub fn changes(&self) -> bool {
        self.0 == "custody.json"
            || self.0.split_once('/').is_some_and(|(_, rest)| rest == "ledger/checkpoint")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_of_objects_change() {
        for (name, changes) in [
            ("custody.json", true),
            ("c1/ledger/checkpoint", true),
            ("c1/ledger/checkpoints/007", false),
            ("c1/custody.json", false),
            ("ledger/checkpoint", false),
        ] {
            assert_eq!(Name::new(name).unwrap().changes(), changes, "{name}");
        }
    }

    #[test]
    fn names_cannot_leave_the_archive() {
        assert!(Name::new("c1/ledger/tile/0/x001/000.p/7").is_ok());
        for name in ["", "/", "a//b", "../x", "a/../b", "/etc", "a/", "a/.hidden", "a\\b", "a b"] {
            assert!(Name::new(name).is_err(), "{name}");
        }
    }
}
