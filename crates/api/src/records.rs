//! Records: one, a trace, a search, a proof.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use query::{Filter, QueryError, Reader, Search};
use record::RecordId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::server::Api;
use crate::time::parse_since;

/// Runs a read beside the event loop: it waits for files.
pub(crate) async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, QueryError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(read).await {
        Ok(done) => done.map_err(Problem::from),
        Err(error) => Err(Problem::internal(error.to_string())),
    }
}

fn id(text: &str) -> Result<RecordId, Problem> {
    text.parse().map_err(|error: record::IdError| Problem::bad(format!("{text:?}: {error}")))
}

pub(crate) async fn interaction(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = id(&text)?;
    blocking(move || Reader::new(&api.store, api.access()).show(id).map(Json)).await
}

/// Which values that masking keeps apart are opened, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reveal {
    reason: String,
    #[serde(default)]
    placeholder: Option<String>,
}

pub(crate) async fn reveal(
    State(api): State<Api>,
    Path(text): Path<String>,
    body: Result<Json<Reveal>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let id = id(&text)?;
    let Json(body) = body.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    blocking(move || {
        let reader = Reader::new(&api.store, api.access());
        let revealed = reader.reveal(id, body.placeholder.as_deref(), &body.reason)?;
        Ok(Json(json!(revealed)))
    })
    .await
}

pub(crate) async fn trace(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Problem> {
    let trace = record::TraceId::named(&text);
    blocking(move || {
        let records = Reader::new(&api.store, api.access()).trace(trace)?;
        Ok(Json(json!({ "correlation_id": trace, "records": records })))
    })
    .await
}

/// Parameters of a search.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    q: Option<String>,
    mode: Option<String>,
    r#where: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn search(
    State(api): State<Api>,
    params: Result<Query<SearchParams>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(params) = params.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    if let Some(mode) = params.mode.filter(|mode| mode != "text") {
        return Err(Problem::bad(format!("mode {mode:?} is not built yet; known: text")));
    }
    let now = api.clock.now();
    let time = |text: Option<String>| {
        text.map(|text| parse_since(&text, now))
            .transpose()
            .map_err(|e| Problem::bad(e.to_string()))
    };
    let filter = params.r#where.map(|text| Filter::parse(&text)).transpose();
    let search = Search {
        text: params.q.filter(|q| !q.is_empty()),
        filter: filter.map_err(|error| Problem::bad(error.to_string()))?,
        since: time(params.since)?,
        until: time(params.until)?,
        limit: params.limit.unwrap_or(50).min(1000),
    };
    blocking(move || {
        let hits = Reader::new(&api.store, api.access()).search(&search, &mut |_| {})?;
        let hits: Vec<Value> = hits
            .into_iter()
            .map(|hit| json!({ "record": hit.record, "snippets": hit.snippets }))
            .collect();
        Ok(Json(json!({ "hits": hits })))
    })
    .await
}

pub(crate) async fn proof(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = id(&text)?;
    blocking(move || {
        let answer = api.store.proof(id)?;
        Ok(Json(json!({
            "id": id,
            "collector": answer.collector,
            "leaf_index": answer.proof.index,
            "leaf": BASE64_STANDARD.encode(&answer.leaf),
            "envelope": String::from_utf8_lossy(&answer.envelope),
            "path": answer.proof.path.iter().map(|h| BASE64_STANDARD.encode(h.0)).collect::<Vec<_>>(),
            "checkpoint": String::from_utf8_lossy(&answer.proof.checkpoint),
            "key": answer.key,
            "tlog_proof": answer.proof.to_text(),
        })))
    })
    .await
}
