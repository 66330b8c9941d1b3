//! Imports. What records them is the write half, which this face does not link: it comes as an
//! [`Importer`].

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::server::Api;

/// A batch is no longer, in bytes: one record of the longest kind, with what was joined to it.
pub const LONGEST_BATCH: usize = 160 << 20;

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Records that are in the log now, and durable.
    pub recorded: u64,
    /// Records that were in the log before.
    pub known: u64,
    /// Lines that are not recorded.
    pub refused: Vec<RefusedLine>,
}

/// A line that is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// The line of the batch, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

/// Records what other systems have written down.
pub trait Importer: Send + Sync {
    /// Records one object a line, and waits until all of them are durable.
    fn import(&self, format: &str, lines: &[u8]) -> Result<Imported, ImportRefused>;
}

/// Why a batch was not recorded. What of it was recorded is known when it is sent again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefused {
    /// It asks for something that is not there.
    #[error("{0}")]
    Question(String),
    /// The log cannot be written just now: send it again.
    #[error("{0}")]
    Later(String),
    /// It did not work.
    #[error("{0}")]
    Failed(String),
}

impl From<ImportRefused> for Problem {
    fn from(error: ImportRefused) -> Self {
        let detail = error.to_string();
        match error {
            ImportRefused::Question(_) => Self::bad(detail),
            ImportRefused::Later(_) => Self {
                status: axum::http::StatusCode::SERVICE_UNAVAILABLE,
                kind: "unrecorded",
                title: "The batch cannot be recorded now",
                detail,
            },
            ImportRefused::Failed(_) => Self::internal(detail),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    format: String,
}

pub(crate) async fn post(
    State(api): State<Api>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    lines: Bytes,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    // Beside the event loop: it waits for disks.
    let work = move || api.importer.import(&asked.format, &lines);
    let done = tokio::task::spawn_blocking(work).await;
    let imported = done.map_err(|error| Problem::internal(error.to_string()))??;
    Ok(Json(imported).into_response())
}
