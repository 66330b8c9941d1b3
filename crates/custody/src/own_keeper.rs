//! The write half as the API and the commands ask it: erasures and holds, as JSON.

use std::sync::Arc;

use api::lifecycle::{ErasureRequest, HoldPlacement, Keeper, Refused, Whose, Word};
use lifecycle::{HoldRequest, Lifecycle, LifecycleError, Person};
use query::Filter;
use serde_json::{Value, json};

/// Ends and keeps records in this process.
#[derive(Clone)]
pub(crate) struct OwnKeeper(pub(crate) Arc<Lifecycle>);

impl Keeper for OwnKeeper {
    fn erase(&self, request: &ErasureRequest) -> Result<Value, Refused> {
        erase(&self.0, request).map_err(refused)
    }

    fn approve(&self, id: &str, word: &Word) -> Result<Value, Refused> {
        erased(self.0.approve_erasure(id, &word.who)).map_err(refused)
    }

    fn withdraw(&self, id: &str) -> Result<Value, Refused> {
        self.0.withdraw_erasure(id).map_err(refused)?;
        Ok(json!({ "state": "withdrawn", "erasure": id }))
    }

    fn pending(&self) -> Result<Value, Refused> {
        Ok(json!({ "erasures": self.0.pending_erasures().map_err(refused)? }))
    }

    fn place_hold(&self, placement: &HoldPlacement) -> Result<Value, Refused> {
        place_hold(&self.0, placement).map_err(refused)
    }

    fn lift_hold(&self, name: &str, word: &Word) -> Result<Value, Refused> {
        let hold = self.0.lift_hold(name, &word.reason, &word.who).map_err(refused)?;
        Ok(json!({ "hold": hold.hold, "lifted": true }))
    }

    fn holds(&self) -> Result<Value, Refused> {
        Ok(holds(&self.0))
    }
}

fn refused(error: LifecycleError) -> Refused {
    match error {
        LifecycleError::Question(detail) => Refused::Question(detail),
        LifecycleError::Held(_) => Refused::Held(error.to_string()),
        _ => Refused::Failed(error.to_string()),
    }
}

fn person(whose: &Whose) -> Result<Option<Person>, LifecycleError> {
    match (&whose.user, &whose.session, &whose.caller) {
        (Some(user), None, None) => Ok(Some(Person::User(user.clone()))),
        (None, Some(session), None) => Ok(Some(Person::Session(session.clone()))),
        (None, None, Some(caller)) => Ok(Some(Person::Caller(caller.clone()))),
        (None, None, None) => Ok(None),
        _ => Err(LifecycleError::Question("name one of user, session and caller".to_owned())),
    }
}

/// Does what an [`ErasureRequest`] asks; the answer's `state` is `planned`, `waits` or `erased`.
fn erase(lifecycle: &Lifecycle, request: &ErasureRequest) -> Result<Value, LifecycleError> {
    let Some(whose) = person(&request.whose)? else {
        return Err(LifecycleError::Question("name a user, a session or a caller".to_owned()));
    };
    if request.dry_run {
        let plan = lifecycle.plan_erasure(&whose)?;
        return Ok(json!({
            "state": "planned", "keys": plan.keys, "records": plan.records, "holds": plan.holds,
            "approvals_needed": lifecycle.approvals,
        }));
    }
    erased(lifecycle.erase(&whose, &request.basis, &request.who))
}

fn erased(
    done: Result<record::envelope::Erasure, LifecycleError>,
) -> Result<Value, LifecycleError> {
    match done {
        Ok(receipt) => Ok(json!({ "state": "erased", "receipt": receipt })),
        Err(LifecycleError::NeedsApproval(id)) => Ok(json!({ "state": "waits", "erasure": id })),
        Err(error) => Err(error),
    }
}

/// Places a hold.
fn place_hold(lifecycle: &Lifecycle, placement: &HoldPlacement) -> Result<Value, LifecycleError> {
    let filter = placement.filter.as_deref().map(Filter::parse).transpose();
    let request = HoldRequest {
        hold: placement.hold.clone(),
        reason: placement.reason.clone(),
        person: person(&placement.whose)?,
        filter: filter.map_err(|error| LifecycleError::Question(error.to_string()))?,
        ids: placement.ids.clone(),
    };
    let hold = lifecycle.place_hold(&request, &placement.who)?;
    Ok(json!({ "hold": hold.hold, "records": hold.records, "subjects": hold.subjects }))
}

/// All holds, without their keys.
fn holds(lifecycle: &Lifecycle) -> Value {
    let holds: Vec<Value> = lifecycle
        .holds()
        .into_iter()
        .map(|held| {
            let mut subjects: Vec<_> = held.row.scopes.iter().map(|scope| scope.subject).collect();
            subjects.sort_unstable();
            subjects.dedup();
            json!({
                "hold": held.row.hold, "placed": held.row.placed.to_string(),
                "reason": held.row.reason, "who": held.row.who,
                "scopes": held.row.scopes.len(), "subjects": subjects,
            })
        })
        .collect();
    json!({ "holds": holds })
}
