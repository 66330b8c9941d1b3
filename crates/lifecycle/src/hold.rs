//! Legal holds.

use keys::{HeldScope, HoldRow};
use query::Filter;
use record::envelope::{Hold, HoldEvent};
use record::{Body, Kid, RecordId};

use crate::erase::Person;
use crate::{Lifecycle, LifecycleError};

/// What is to be held.
#[derive(Debug, Default)]
pub struct HoldRequest {
    /// Its name: a case number.
    pub hold: String,
    /// Why.
    pub reason: String,
    /// Records of this person.
    pub person: Option<Person>,
    /// Records that this filter lets through.
    pub filter: Option<Filter>,
    /// These records.
    pub ids: Vec<RecordId>,
}

/// A hold as it is.
#[derive(Debug, Clone)]
pub struct Held {
    /// The hold.
    pub row: HoldRow,
}

impl Lifecycle {
    /// Places a hold over records, or adds records to one. What it holds is a person's content of a
    /// day and class: the smallest stretch that has a key of its own.
    pub fn place_hold(&self, request: &HoldRequest, who: &str) -> Result<Hold, LifecycleError> {
        let name = &request.hold;
        if name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        {
            return Err(LifecycleError::Question(format!(
                "{name:?} is not a hold's name: letters, digits, dashes, dots and underscores"
            )));
        }
        if request.person.is_none() && request.filter.is_none() && request.ids.is_empty() {
            return Err(LifecycleError::Question(
                "say what is to be held: a user, a filter, or ids of records".to_owned(),
            ));
        }
        let _turn = self.turn();
        let subject = match &request.person {
            None => None,
            Some(person) => Some(self.key_of(person).ok_or_else(|| {
                LifecycleError::Question("there is no key of this subject".to_owned())
            })?),
        };
        let scopes = self.scopes_of(subject, request.filter.as_ref(), &request.ids)?;
        if scopes.is_empty() {
            return Err(LifecycleError::Question("no record is like that".to_owned()));
        }
        let records = scopes.values().sum();
        let row = HoldRow {
            hold: name.clone(),
            placed: self.now(),
            reason: request.reason.clone(),
            scopes: scopes
                .keys()
                .map(|(subject, period, class)| {
                    HeldScope::new(*subject, *period, &self.tenant, class)
                })
                .collect(),
            who: who.to_owned(),
        };
        let wrapped = self.keys.place_hold(row)?;
        if wrapped < scopes.len() {
            let gone = scopes.len() - wrapped;
            tracing::warn!(gone, hold = %name, "keys of some records were gone before the hold");
        }
        let mut subjects: Vec<Kid> = scopes.into_keys().map(|(subject, ..)| subject).collect();
        subjects.dedup();
        let body = Hold {
            event: HoldEvent::Placed,
            hold: name.clone(),
            reason: request.reason.clone(),
            records,
            subjects,
            who: who.to_owned(),
        };
        self.record(Body::Hold(body.clone()))?;
        Ok(body)
    }

    /// Lifts a hold. Retention and erasure reach the records again, and what only the hold kept
    /// open is gone at once.
    pub fn lift_hold(&self, name: &str, reason: &str, who: &str) -> Result<Hold, LifecycleError> {
        let _turn = self.turn();
        let Some(row) = self.keys.holds().into_iter().find(|row| row.hold == name) else {
            return Err(LifecycleError::Question(format!("there is no hold {name:?}")));
        };
        let mut subjects: Vec<Kid> = row.scopes.iter().map(|scope| scope.subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        // The record first: a crash between leaves a hold that stands and a record that says it was
        // lifted, and lifting it again ends that. The other order could destroy unseen.
        let body = Hold {
            event: HoldEvent::Lifted,
            hold: name.to_owned(),
            reason: reason.to_owned(),
            records: 0,
            subjects,
            who: who.to_owned(),
        };
        self.record(Body::Hold(body.clone()))?;
        self.keys.lift_hold(name)?;
        Ok(body)
    }

    /// All holds.
    pub fn holds(&self) -> Vec<Held> {
        self.keys.holds().into_iter().map(|row| Held { row }).collect()
    }
}
