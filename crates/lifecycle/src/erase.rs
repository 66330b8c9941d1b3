//! Erasure: the keys of one person are destroyed, and with them everything that they sealed.
//!
//! ```text
//! plan ─► Pending (a file) ─► approvals ─► begun ─► keys destroyed ─► receipt ─► file removed
//! ```
//!
//! A crash before `begun` leaves a request; after it, the next start destroys what is left and
//! writes the receipt, perhaps a second time, with the same name.

use keys::Subject;
use record::envelope::{Approval, Erasure};
use record::{Body, Kid};

use crate::pending::{Files, Pending};
use crate::{Lifecycle, LifecycleError};

/// Whose data is meant. Nothing of it is written anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Person {
    /// A user id, or the pseudonym of one as records show it (`u_…`).
    User(String),
    /// A session of calls without a user id.
    Session(String),
    /// A caller's credential fingerprint (`k_…`), of calls with neither.
    Caller(String),
}

/// What an erasure would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The keys that would go.
    pub keys: Vec<Kid>,
    /// How many records they seal.
    pub records: u64,
    /// Holds that forbid it.
    pub holds: Vec<String>,
}

impl Lifecycle {
    /// Finds a person's keys, and counts the records that they seal. Changes nothing.
    pub fn plan_erasure(&self, person: &Person) -> Result<Plan, LifecycleError> {
        let Some(key) = self.key_of(person) else {
            return Err(LifecycleError::Question(
                "there is no key of this subject: it was never seen here, or was erased before"
                    .to_owned(),
            ));
        };
        let records = self.count_of(&[key])?;
        Ok(Plan { keys: vec![key], records, holds: self.keys.holds_of_subject(key) })
    }

    /// The subject's key.
    pub(crate) fn key_of(&self, person: &Person) -> Option<Kid> {
        match person {
            Person::User(id) => self
                .keys
                .find_subject(&self.tenant, Subject::User(id))
                .or_else(|| self.keys.find_pseudonym(id)),
            Person::Session(id) => self.keys.find_subject(&self.tenant, Subject::Session(id)),
            Person::Caller(id) => self.keys.find_subject(&self.tenant, Subject::Caller(id)),
        }
    }

    /// Asks for an erasure, and does it when nobody else has to agree.
    pub fn erase(
        &self,
        person: &Person,
        basis: &str,
        who: &str,
    ) -> Result<Erasure, LifecycleError> {
        let _turn = self.turn();
        let plan = self.plan_erasure(person)?;
        refuse_held(plan.holds)?;
        let pending = Pending {
            erasure: hex::encode(keys::random::<8>()?),
            approvals: Vec::new(),
            basis: basis.to_owned(),
            keys: plan.keys,
            records: plan.records,
            requested: self.now(),
            requested_by: who.to_owned(),
            begun: false,
        };
        Files(&self.folder).write(&pending)?;
        self.proceed(pending)
    }

    /// Agrees to an erasure, and does it when enough have agreed.
    pub fn approve_erasure(&self, id: &str, who: &str) -> Result<Erasure, LifecycleError> {
        let _turn = self.turn();
        let files = Files(&self.folder);
        let mut pending = files.read(id)?;
        if pending.requested_by == who {
            return Err(LifecycleError::Question(format!(
                "{who} asked for erasure {id}: another person has to approve it"
            )));
        }
        if pending.approvals.iter().any(|approval| approval.by == who) {
            return Err(LifecycleError::Question(format!("{who} approved erasure {id} already")));
        }
        pending.approvals.push(Approval { at: self.now(), by: who.to_owned() });
        files.write(&pending)?;
        self.proceed(pending)
    }

    /// Withdraws an erasure that waits.
    pub fn withdraw_erasure(&self, id: &str) -> Result<(), LifecycleError> {
        let _turn = self.turn();
        let files = Files(&self.folder);
        if files.read(id)?.begun {
            return Err(LifecycleError::Question(format!("erasure {id} has begun")));
        }
        files.remove(id)
    }

    /// Erasures that wait for approval.
    pub fn pending_erasures(&self) -> Result<Vec<Pending>, LifecycleError> {
        Files(&self.folder).all()
    }

    /// Finishes what a crash cut off.
    pub fn resume_erasures(&self) -> Result<Vec<Erasure>, LifecycleError> {
        let _turn = self.turn();
        let begun = self.pending_erasures()?.into_iter().filter(|pending| pending.begun);
        begun.map(|pending| self.finish(&pending)).collect()
    }

    fn proceed(&self, mut pending: Pending) -> Result<Erasure, LifecycleError> {
        if pending.approvals.len() < self.approvals {
            return Err(LifecycleError::NeedsApproval(pending.erasure));
        }
        // A hold may have come since it was asked.
        let holds = pending.keys.iter().flat_map(|key| self.keys.holds_of_subject(*key)).collect();
        refuse_held(holds)?;
        pending.begun = true;
        Files(&self.folder).write(&pending)?;
        self.finish(&pending)
    }

    fn finish(&self, pending: &Pending) -> Result<Erasure, LifecycleError> {
        let epoch = self.keys.destroy(&pending.keys)?;
        let receipt = Erasure {
            approvals: pending.approvals.clone(),
            basis: pending.basis.clone(),
            epoch,
            erasure: pending.erasure.clone(),
            keys: pending.keys.clone(),
            records: pending.records,
            requested_by: pending.requested_by.clone(),
        };
        self.record(Body::Erasure(receipt.clone()))?;
        Files(&self.folder).remove(&pending.erasure)?;
        Ok(receipt)
    }
}

fn refuse_held(holds: Vec<String>) -> Result<(), LifecycleError> {
    if holds.is_empty() { Ok(()) } else { Err(LifecycleError::Held(holds)) }
}
