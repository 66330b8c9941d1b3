//! One part of one record, with the key that opens it and no other.

use record::envelope::PartRef;
use record::{Digest, Envelope, PartKind, Pid, RecordId};

use crate::open::Withheld;
use crate::{QueryError, Reader};

/// What somebody without the key store needs to open one part.
pub struct Disclosure {
    /// As the envelope names it: role, kind, pid, digest of the sealed bytes.
    pub part: PartRef,
    /// The sealed bytes, as the archive has them.
    pub sealed: Vec<u8>,
    /// The part key, 76 bytes. `spec/part.md`, "Part key".
    pub key: [u8; 76],
}

impl Reader<'_> {
    /// Takes one part of a record out, with its key. The read is recorded first, as `disclose`:
    /// whoever has the key can read the part for good.
    pub fn disclose(&self, id: RecordId, pid: Pid) -> Result<Disclosure, QueryError> {
        let (at, source) = self.store.find(id)?;
        let envelope = Envelope::from_bytes(&at.envelope)
            .map_err(|error| QueryError::Storage(format!("record {}: {error}", at.leaf)))?;
        let no_part = || QueryError::Question(format!("record {id} has no part {pid}"));
        let contents = envelope.contents().ok_or_else(no_part)?;
        let part = *contents.parts.iter().find(|part| part.pid == pid).ok_or_else(no_part)?;
        let withheld =
            |why: Withheld| QueryError::Question(format!("part {pid}: {}", why.as_str()));
        if part.withheld {
            return Err(withheld(Withheld::Quarantined));
        }
        if part.kind == PartKind::Vault {
            return Err(withheld(Withheld::Vault));
        }
        let may = self
            .access
            .record("disclose", &[id])
            .map_err(|refusal| QueryError::Unrecorded(refusal.0))?;
        if !may {
            return Err(withheld(Withheld::Access));
        }
        let mut sealed = self.store.parts_of(id, &source, &[pid].into())?;
        let sealed = sealed.remove(&pid).ok_or_else(|| withheld(Withheld::Missing))?;
        // Bytes that are not those of the envelope would be disclosed as something else.
        if Digest::of(&sealed) != part.sha256 {
            return Err(withheld(Withheld::Damaged));
        }
        let scope = self.store.key_of(&contents, part).map_err(withheld)?;
        let key = scope.part_key(&sealed).map_err(|_| withheld(Withheld::Damaged))?;
        key.open(&sealed).map_err(|_| withheld(Withheld::Damaged))?;
        Ok(Disclosure { part: part.clone(), sealed, key: key.to_bytes() })
    }
}
