//! Erasures and holds. What does them is the write half, which this face does not link: it comes as a
//! [`Keeper`].

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use record::RecordId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

type Body = Result<Json<Map<String, Value>>, JsonRejection>;

/// A question whose members are all known: `dryrun` must not erase what `dry_run` would only count.
trait Question: DeserializeOwned {
    const MEMBERS: &'static [&'static str];
}

impl Question for ErasureRequest {
    const MEMBERS: &'static [&'static str] =
        &["user", "session", "caller", "basis", "dry_run", "who"];
}

impl Question for Word {
    const MEMBERS: &'static [&'static str] = &["who", "reason"];
}

impl Question for HoldPlacement {
    const MEMBERS: &'static [&'static str] =
        &["hold", "reason", "user", "session", "caller", "where", "ids", "who"];
}

fn body<T: Question>(body: Body) -> Result<T, Problem> {
    let Json(members) = body.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    if let Some(unknown) = members.keys().find(|name| !T::MEMBERS.contains(&name.as_str())) {
        let known = T::MEMBERS.join(", ");
        return Err(Problem::bad(format!("unknown member {unknown:?}; known: {known}")));
    }
    serde_json::from_value(Value::Object(members)).map_err(|error| Problem::bad(error.to_string()))
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
    request: Body,
) -> Result<Response, Problem> {
    let request: ErasureRequest = body(request)?;
    run(api, move |keeper| keeper.erase(&request)).await
}

pub(crate) async fn get_erasures(State(api): State<Api>) -> Result<Response, Problem> {
    run(api, |keeper| keeper.pending()).await
}

pub(crate) async fn post_approval(
    State(api): State<Api>,
    Path(id): Path<String>,
    word: Body,
) -> Result<Response, Problem> {
    let word: Word = body(word)?;
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
    placement: Body,
) -> Result<Response, Problem> {
    let placement: HoldPlacement = body(placement)?;
    run(api, move |keeper| keeper.place_hold(&placement)).await
}

pub(crate) async fn get_holds(State(api): State<Api>) -> Result<Response, Problem> {
    run(api, |keeper| keeper.holds()).await
}

pub(crate) async fn post_lift(
    State(api): State<Api>,
    Path(name): Path<String>,
    word: Body,
) -> Result<Response, Problem> {
    let word: Word = body(word)?;
    run(api, move |keeper| keeper.lift_hold(&name, &word)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: Question>(value: Value) -> Result<T, Problem> {
        let Value::Object(members) = value else { panic!("no object") };
        body(Ok(Json(members)))
    }

    #[test]
    fn a_misspelt_member_is_refused() {
        let typo = read::<ErasureRequest>(json!({ "user": "alice", "dryrun": true }));
        assert!(typo.unwrap_err().detail.contains("dry_run"));
        assert!(read::<HoldPlacement>(json!({ "hold": "x", "usr": "alice" })).is_err());
        assert!(read::<Word>(json!({ "wo": "x" })).is_err());
    }

    #[test]
    fn what_a_command_asks_is_read_as_it_was_meant() {
        let whose = Whose { user: Some("alice".to_owned()), ..Whose::default() };
        let erasure = ErasureRequest {
            whose: whose.clone(),
            basis: "basis".to_owned(),
            dry_run: true,
            who: "local:me".to_owned(),
        };
        assert_eq!(read::<ErasureRequest>(json!(erasure)).unwrap(), erasure);
        let hold = HoldPlacement {
            hold: "case-7".to_owned(),
            reason: "why".to_owned(),
            whose,
            filter: Some("outcome = error".to_owned()),
            ids: vec!["01a2095d-b703-726a-9d96-c7cb34cfd114".parse().unwrap()],
            who: "local:me".to_owned(),
        };
        assert_eq!(read::<HoldPlacement>(json!(hold)).unwrap(), hold);
        let word = Word { who: "local:me".to_owned(), reason: "why".to_owned() };
        assert_eq!(read::<Word>(json!(word)).unwrap(), word);
    }
}
