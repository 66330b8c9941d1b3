//! Opening parts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use record::envelope::{Contents, PartRef};
use record::{Content, PartKind, Pid, RecordId, Scope};
use seal::ScopeKey;

use crate::source::Source;
use crate::{QueryError, Store};

/// Why a part's content is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// Not asked for, or not allowed.
    Access,
    /// No key store is at hand.
    NoKeys,
    /// Its key was destroyed.
    Erased,
    /// A detector failed on it.
    Quarantined,
    /// It holds values that masking keeps apart.
    Vault,
    /// Its sealed bytes are not there.
    Missing,
    /// Its sealed bytes do not open.
    Damaged,
}

impl Withheld {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "not asked for, or not allowed",
            Self::NoKeys => "no keys at hand",
            Self::Erased => "its key was destroyed",
            Self::Quarantined => "masking failed on it or is not done yet, so it is kept closed",
            Self::Vault => "values that masking keeps apart; custody reveal opens them",
            Self::Missing => "its sealed bytes are not in the archive",
            Self::Damaged => "its sealed bytes do not open",
        }
    }
}

/// The opened parts of a record.
pub(crate) struct Opened {
    parts: HashMap<Pid, Result<Content, Withheld>>,
    hold: Option<String>,
}

impl Opened {
    /// Nothing opened.
    pub(crate) fn closed() -> Self {
        Self { parts: HashMap::new(), hold: None }
    }

    /// Of a record that a legal hold keeps.
    pub(crate) fn with_hold(self, hold: Option<String>) -> Self {
        Self { hold, ..self }
    }

    /// The hold that keeps the record.
    pub(crate) fn hold(&self) -> Option<&str> {
        self.hold.as_deref()
    }

    pub(crate) fn get(&self, part: &PartRef) -> Result<&Content, Withheld> {
        match self.parts.get(&part.pid) {
            Some(Ok(content)) => Ok(content),
            Some(Err(why)) => Err(*why),
            None => Err(Withheld::Access),
        }
    }
}

impl Store {
    /// Opens all parts of a record. The read has been recorded.
    pub(crate) fn open_parts(
        &self,
        id: RecordId,
        contents: &Contents<'_>,
        source: &Source,
    ) -> Result<Opened, QueryError> {
        let wanted: HashSet<Pid> = contents.parts.iter().map(|part| part.pid).collect();
        let sealed = self.parts_of(id, source, &wanted)?;
        Ok(self.open_sealed(contents, &sealed))
    }

    pub(crate) fn open_sealed(
        &self,
        contents: &Contents<'_>,
        sealed: &HashMap<Pid, Vec<u8>>,
    ) -> Opened {
        let opened = contents
            .parts
            .iter()
            .map(|part| (part.pid, self.open_part(contents, part, sealed.get(&part.pid))))
            .collect();
        Opened { parts: opened, hold: None }
    }

    fn open_part(
        &self,
        contents: &Contents<'_>,
        part: &PartRef,
        sealed: Option<&Vec<u8>>,
    ) -> Result<Content, Withheld> {
        if part.withheld {
            return Err(Withheld::Quarantined);
        }
        if part.kind == PartKind::Vault {
            return Err(Withheld::Vault);
        }
        self.open_vault(contents, part, sealed)
    }

    /// Opens a part of whatever kind.
    pub(crate) fn open_vault(
        &self,
        contents: &Contents<'_>,
        part: &PartRef,
        sealed: Option<&Vec<u8>>,
    ) -> Result<Content, Withheld> {
        let sealed = sealed.ok_or(Withheld::Missing)?;
        let key = self.key_of(contents, part)?;
        let plain = key.open(sealed).map_err(|_| Withheld::Damaged)?;
        Content::decode(&plain).map_err(|_| Withheld::Damaged)
    }

    /// The key of the scope that a part is in.
    pub(crate) fn key_of(
        &self,
        contents: &Contents<'_>,
        part: &PartRef,
    ) -> Result<Arc<ScopeKey>, Withheld> {
        let keys = self.keys.as_ref().ok_or(Withheld::NoKeys)?;
        let ids = contents.keys;
        let subject = match (part.key, part.scope) {
            (Some(own), _) => own,
            (None, Scope::Shared) => ids.shared.ok_or(Withheld::Damaged)?,
            _ => ids.subject,
        };
        keys.scope_key(subject, ids.period, &self.tenant, contents.class).ok_or(Withheld::Erased)
    }
}
