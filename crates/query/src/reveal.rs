//! Values that masking took out of a record and keeps apart.

use record::{Content, Envelope, PartKind, RecordId, Role};
use serde::Serialize;

use crate::open::Withheld;
use crate::{QueryError, Reader};

/// The values of one record that are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revealed {
    /// The record.
    pub id: RecordId,
    /// Its values, in the order of its parts.
    pub values: Vec<RevealedValue>,
    /// Why vaults of it stay closed, if any do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<&'static str>,
}

/// A value that is kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevealedValue {
    /// What stands in the text in its place.
    pub placeholder: String,
    /// What it is.
    pub entity: String,
    /// The value.
    pub value: String,
    /// Who spoke the text it comes from.
    pub role: Role,
}

impl Reader<'_> {
    /// Opens the vaults of a record: all of them, or those values that stand behind one placeholder.
    /// The read is recorded first, as `reveal`, with the reason.
    pub fn reveal(
        &self,
        id: RecordId,
        placeholder: Option<&str>,
        reason: &str,
    ) -> Result<Revealed, QueryError> {
        if reason.trim().is_empty() {
            return Err(QueryError::Question("a reason is needed; it is recorded".to_owned()));
        }
        let (at, source) = self.store.find(id)?;
        let envelope = Envelope::from_bytes(&at.envelope)
            .map_err(|error| QueryError::Storage(format!("record {}: {error}", at.leaf)))?;
        let nothing = || QueryError::Question(format!("record {id} has no values kept apart"));
        let contents = envelope.contents().ok_or_else(nothing)?;
        let vaults: Vec<_> =
            contents.parts.iter().filter(|part| part.kind == PartKind::Vault).collect();
        if vaults.is_empty() {
            return Err(nothing());
        }
        let may = self
            .access
            .record_for(Some(reason), "reveal", &[id])
            .map_err(|refusal| QueryError::Unrecorded(refusal.0))?;
        if !may {
            return Err(QueryError::Question(format!(
                "record {id}: {}",
                Withheld::Access.as_str()
            )));
        }
        let wanted = vaults.iter().map(|part| part.pid).collect();
        let sealed = self.store.parts_of(id, &source, &wanted)?;
        let mut revealed = Revealed { id, values: Vec::new(), withheld: Vec::new() };
        for part in vaults {
            match self.store.open_vault(&contents, part, sealed.get(&part.pid)) {
                Ok(Content::Fields(members)) => {
                    let text = |value: &serde_json::Value, name: &str| {
                        value.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
                    };
                    let values = members.iter().map(|(placeholder, value)| RevealedValue {
                        placeholder: placeholder.clone(),
                        entity: text(value, "entity"),
                        value: text(value, "value"),
                        role: part.role,
                    });
                    let of_it = |value: &RevealedValue| {
                        placeholder.is_none_or(|wanted| wanted == value.placeholder)
                    };
                    revealed.values.extend(values.filter(of_it));
                }
                Ok(_) => revealed.withheld.push(Withheld::Damaged.as_str()),
                Err(why) => revealed.withheld.push(why.as_str()),
            }
        }
        Ok(revealed)
    }
}
