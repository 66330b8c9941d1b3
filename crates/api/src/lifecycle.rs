//! Erasures and holds. What does them is the write half, which this face does not link: it comes as a
//! [`Keeper`].

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use record::RecordId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Ends and keeps records.
pub trait Keeper: Send + Sync {
    /// Does what is asked; the answer's `state` is `planned`, `waits` or `erased`.
    fn erase(&self, request: &ErasureRequest) -> Result<Value, Refused>;
    /// Agrees to an erasure.
    fn approve(&self, id: &str, word: &Word) -> Result<Value, Refused>;
    /// Withdraws an erasure that waits.
    fn withdraw(&self, id: &str) -> Result<Value, Refused>;
    /// Erasures that wait.
    fn pending(&self) -> Result<Value, Refused>;
    /// Places a hold.
    fn place_hold(&self, placement: &HoldPlacement) -> Result<Value, Refused>;
    /// Lifts a hold.
    fn lift_hold(&self, name: &str, word: &Word) -> Result<Value, Refused>;
    /// All holds, without their keys.
    fn holds(&self) -> Result<Value, Refused>;
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The question is wrong.
    #[error("{0}")]
    Question(String),
    /// A legal hold forbids it.
    #[error("{0}")]
    Held(String),
    /// It could not be done now.
    #[error("{0}")]
    Failed(String),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Question(detail) => Self::bad(detail),
            Refused::Held(detail) => Self {
                status: StatusCode::CONFLICT,
                kind: "held",
                title: "A legal hold forbids it",
                detail,
            },
            Refused::Failed(detail) => Self::internal(detail),
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
    work: impl FnOnce(&dyn Keeper) -> Result<Value, Refused> + Send + 'static,
) -> Result<Response, Problem> {
    let done = tokio::task::spawn_blocking(move || work(api.keeper.as_ref())).await;
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
    run(api, move |keeper| keeper.erase(&request)).await
}

pub(crate) async fn get_erasures(State(api): State<Api>) -> Result<Response, Problem> {
    run(api, |keeper| keeper.pending()).await
}

pub(crate) async fn post_approval(
    State(api): State<Api>,
    Path(id): Path<String>,
    word: Body<Word>,
) -> Result<Response, Problem> {
    let word = body(word)?;
    run(api, move |keeper| keeper.approve(&id, &word)).await
}

pub(crate) async fn delete_erasure(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    run(api, move |keeper| keeper.withdraw(&id)).await
}

pub(crate) async fn post_hold(
    State(api): State<Api>,
    placement: Body<HoldPlacement>,
) -> Result<Response, Problem> {
    let placement = body(placement)?;
    run(api, move |keeper| keeper.place_hold(&placement)).await
}

pub(crate) async fn get_holds(State(api): State<Api>) -> Result<Response, Problem> {
    run(api, |keeper| keeper.holds()).await
}

pub(crate) async fn post_lift(
    State(api): State<Api>,
    Path(name): Path<String>,
    word: Body<Word>,
) -> Result<Response, Problem> {
    let word = body(word)?;
    run(api, move |keeper| keeper.lift_hold(&name, &word)).await
}
