//! Erasures and holds.

use ::lifecycle::{HoldRequest, Lifecycle, LifecycleError, Person};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use query::Filter;
use record::RecordId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::server::Api;

/// Whose data is meant: one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Whose {
    /// A user id, or its pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A session without a user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// A credential's fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

/// Asks for an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequest {
    /// Whose data is to go.
    #[serde(flatten)]
    pub whose: Whose,
    /// The legal basis, which stands in the receipt.
    #[serde(default = "basis")]
    pub basis: String,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Who asks.
    #[serde(default = "who")]
    pub who: String,
}

/// Agrees to something, or ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who speaks.
    #[serde(default = "who")]
    pub who: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Asks for a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPlacement {
    /// Its name: a case number.
    pub hold: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Records of this person.
    #[serde(flatten)]
    pub whose: Whose,
    /// Records that this filter lets through.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// These records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<RecordId>,
    /// Who asks.
    #[serde(default = "who")]
    pub who: String,
}

fn who() -> String {
    "api:loopback".to_owned()
}

fn basis() -> String {
    "request of the data subject (GDPR Art. 17)".to_owned()
}

impl Whose {
    fn person(&self) -> Result<Option<Person>, LifecycleError> {
        match (&self.user, &self.session, &self.caller) {
            (Some(user), None, None) => Ok(Some(Person::User(user.clone()))),
            (None, Some(session), None) => Ok(Some(Person::Session(session.clone()))),
            (None, None, Some(caller)) => Ok(Some(Person::Caller(caller.clone()))),
            (None, None, None) => Ok(None),
            _ => Err(LifecycleError::Question("name one of user, session and caller".to_owned())),
        }
    }
}

/// Does what an [`ErasureRequest`] asks; the answer's `state` is `planned`, `waits` or `erased`.
pub fn erase(lifecycle: &Lifecycle, request: &ErasureRequest) -> Result<Value, LifecycleError> {
    let Some(person) = request.whose.person()? else {
        return Err(LifecycleError::Question("name a user, a session or a caller".to_owned()));
    };
    if request.dry_run {
        let plan = lifecycle.plan_erasure(&person)?;
        return Ok(json!({
            "state": "planned", "keys": plan.keys, "records": plan.records, "holds": plan.holds,
            "approvals_needed": lifecycle.approvals,
        }));
    }
    erased(lifecycle.erase(&person, &request.basis, &request.who))
}

/// Agrees to an erasure.
pub fn approve(lifecycle: &Lifecycle, id: &str, word: &Word) -> Result<Value, LifecycleError> {
    erased(lifecycle.approve_erasure(id, &word.who))
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

/// Erasures that wait.
pub fn pending(lifecycle: &Lifecycle) -> Result<Value, LifecycleError> {
    Ok(json!({ "erasures": lifecycle.pending_erasures()? }))
}

/// Places a hold.
pub fn place_hold(
    lifecycle: &Lifecycle,
    placement: &HoldPlacement,
) -> Result<Value, LifecycleError> {
    let filter = placement.filter.as_deref().map(Filter::parse).transpose();
    let request = HoldRequest {
        hold: placement.hold.clone(),
        reason: placement.reason.clone(),
        person: placement.whose.person()?,
        filter: filter.map_err(|error| LifecycleError::Question(error.to_string()))?,
        ids: placement.ids.clone(),
    };
    let hold = lifecycle.place_hold(&request, &placement.who)?;
    Ok(json!({ "hold": hold.hold, "records": hold.records, "subjects": hold.subjects }))
}

/// Lifts a hold.
pub fn lift_hold(lifecycle: &Lifecycle, name: &str, word: &Word) -> Result<Value, LifecycleError> {
    let hold = lifecycle.lift_hold(name, &word.reason, &word.who)?;
    Ok(json!({ "hold": hold.hold, "lifted": true }))
}

/// All holds, without their keys.
pub fn holds(lifecycle: &Lifecycle) -> Value {
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

impl From<LifecycleError> for Problem {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::Question(detail) => Self::bad(detail),
            LifecycleError::Held(_) => Self {
                status: StatusCode::CONFLICT,
                kind: "held",
                title: "A legal hold forbids it",
                detail: error.to_string(),
            },
            _ => Self::internal(error.to_string()),
        }
    }
}

type Body<T> = Result<Json<T>, JsonRejection>;

fn body<T>(body: Body<T>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|rejection| Problem::bad(rejection.body_text()))
}

/// Runs it beside the event loop: it waits for disks.
async fn run(
    api: Api,
    work: impl FnOnce(&Lifecycle) -> Result<Value, LifecycleError> + Send + 'static,
) -> Result<Response, Problem> {
    let done = tokio::task::spawn_blocking(move || work(&api.lifecycle)).await;
    let value = done.map_err(|error| Problem::internal(error.to_string()))??;
    let waits = value.get("state").is_some_and(|state| state == "waits");
    let status = if waits { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(value)).into_response())
}

pub(crate) async fn post_erasure(
    State(api): State<Api>,
    request: Body<ErasureRequest>,
) -> Result<Response, Problem> {
    let request = body(request)?;
    run(api, move |lifecycle| erase(lifecycle, &request)).await
}

pub(crate) async fn get_erasures(State(api): State<Api>) -> Result<Response, Problem> {
    run(api, pending).await
}

pub(crate) async fn post_approval(
    State(api): State<Api>,
    Path(id): Path<String>,
    word: Body<Word>,
) -> Result<Response, Problem> {
    let word = body(word)?;
    run(api, move |lifecycle| approve(lifecycle, &id, &word)).await
}

pub(crate) async fn delete_erasure(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    run(api, move |lifecycle| {
        lifecycle.withdraw_erasure(&id)?;
        Ok(json!({ "state": "withdrawn", "erasure": id }))
    })
    .await
}

pub(crate) async fn post_hold(
    State(api): State<Api>,
    placement: Body<HoldPlacement>,
) -> Result<Response, Problem> {
    let placement = body(placement)?;
    run(api, move |lifecycle| place_hold(lifecycle, &placement)).await
}

pub(crate) async fn get_holds(State(api): State<Api>) -> Result<Response, Problem> {
    run(api, |lifecycle| Ok(holds(lifecycle))).await
}

pub(crate) async fn post_lift(
    State(api): State<Api>,
    Path(name): Path<String>,
    word: Body<Word>,
) -> Result<Response, Problem> {
    let word = body(word)?;
    run(api, move |lifecycle| lift_hold(lifecycle, &name, &word)).await
}
