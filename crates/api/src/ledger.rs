//! The log as auditors read it: C2SP tlog-tiles, and an overview.

use archive::Name;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tlog::TilePath;

use crate::problem::Problem;
use crate::records::blocking;
use crate::server::Api;

/// Every collector with its key and the head of its log.
pub(crate) async fn overview(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let mut collectors = Vec::new();
        for collector in api.store.collectors()? {
            let head = api.store.checkpoint(&collector)?;
            collectors.push(json!({
                "collector": collector.name,
                "origin": collector.origin,
                "key": collector.key,
                "earlier": collector.earlier,
                "size": head.as_ref().map_or(0, |(checkpoint, _)| checkpoint.size),
                "root": head.as_ref().map(|(checkpoint, _)| checkpoint.root.to_string()),
            }));
        }
        Ok(Json(json!({ "collectors": collectors })))
    })
    .await
}

pub(crate) async fn checkpoint(
    State(api): State<Api>,
    Path(collector): Path<String>,
) -> Result<Response, Problem> {
    let bytes = object(api, format!("{collector}/ledger/checkpoint")).await?;
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, bytes).into_response())
}

pub(crate) async fn tile(
    State(api): State<Api>,
    Path((collector, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let path: TilePath = format!("tile/{path}")
        .parse()
        .map_err(|error: tlog::TileError| Problem::not_found(error.to_string()))?;
    let bytes = object(api, format!("{collector}/ledger/{path}")).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=604800, immutable"),
    ];
    Ok((headers, bytes).into_response())
}

async fn object(api: Api, name: String) -> Result<Vec<u8>, Problem> {
    let name = Name::new(name).map_err(|error| Problem::not_found(error.to_string()))?;
    let archive = std::sync::Arc::clone(&api.archive);
    let got = tokio::task::spawn_blocking(move || archive.get(&name).map(|bytes| (name, bytes)))
        .await
        .map_err(|error| Problem::internal(error.to_string()))?;
    match got {
        Ok((_, Some(bytes))) => Ok(bytes),
        Ok((name, None)) => Err(Problem::not_found(format!("there is no {name}"))),
        Err(error) => Err(Problem::internal(error.to_string())),
    }
}
