//! Health, readiness and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::server::Api;

/// What the API asks the recorder about itself.
pub trait Health: Send + Sync {
    /// Whether calls are recorded now.
    fn readiness(&self) -> Readiness;
    /// Counters in the Prometheus text format.
    fn metrics(&self) -> String;
}

/// Whether calls are recorded now, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// All is well.
    pub ready: bool,
    /// Calls are recorded, and something else needs a person.
    pub degraded: bool,
    /// What is not well.
    pub reasons: Vec<String>,
}

/// The process runs.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Calls are recorded.
pub(crate) async fn readyz(State(api): State<Api>) -> Response {
    let readiness = api.health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!(readiness))).into_response()
}

pub(crate) async fn metrics(State(api): State<Api>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, api.health.metrics()).into_response()
}
