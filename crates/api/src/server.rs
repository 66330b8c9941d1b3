//! Routes and the listening side.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use archive::Archive;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{delete, get, post};
use query::{Access, AccessLog, Store};
use record::Clock;
use tokio::net::TcpListener;

use crate::health::{Health, healthz, metrics, readyz};
use crate::imports::{self, Importer, LONGEST_BATCH};
use crate::lifecycle::Keeper;
use crate::problem::Problem;
use crate::{ledger, lifecycle, records};

/// What the API answers from.
#[derive(Clone)]
pub struct Api {
    /// What can be read.
    pub store: Arc<Store>,
    /// The log's files, for the public read path.
    pub archive: Arc<dyn Archive>,
    /// Where reads of content are recorded.
    pub log: Arc<dyn AccessLog>,
    /// Ends and keeps records.
    pub keeper: Arc<dyn Keeper>,
    /// Records what other systems have written down.
    pub importer: Arc<dyn Importer>,
    /// Health and counters.
    pub health: Arc<dyn Health>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
}

impl Api {
    pub(crate) fn access(&self) -> Access {
        // Until there are tokens, whoever is on this machine's loopback is one caller.
        Access::Recorded { log: Arc::clone(&self.log), who: "api:loopback".to_owned() }
    }
}

/// Why the API does not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The address is not this machine's own.
    #[error("the API answers on loopback only until access control is built; {0} is not loopback")]
    NotLoopback(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The server ended.
    #[error("the API ended: {0}")]
    Ended(io::Error),
}

/// Answers until `stop` completes; `ready` gets the address.
pub async fn serve(
    api: Api,
    listen: SocketAddr,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ApiError> {
    if !listen.ip().is_loopback() {
        return Err(ApiError::NotLoopback(listen));
    }
    let listener =
        TcpListener::bind(listen).await.map_err(|error| ApiError::Listen(listen, error))?;
    let address = listener.local_addr().map_err(|error| ApiError::Listen(listen, error))?;
    ready(address);
    axum::serve(listener, router(api)).with_graceful_shutdown(stop).await.map_err(ApiError::Ended)
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/api/v1/interactions/{id}", get(records::interaction))
        .route("/api/v1/interactions/{id}/reveal", post(records::reveal))
        .route("/api/v1/traces/{correlation}", get(records::trace))
        .route("/api/v1/search", get(records::search))
        .route("/api/v1/proofs/{id}", get(records::proof))
        .route("/api/v1/ledger", get(ledger::overview))
        .route("/api/v1/erasures", get(lifecycle::get_erasures).post(lifecycle::post_erasure))
        .route("/api/v1/erasures/{id}", delete(lifecycle::delete_erasure))
        .route("/api/v1/erasures/{id}/approval", post(lifecycle::post_approval))
        .route("/api/v1/holds", get(lifecycle::get_holds).post(lifecycle::post_hold))
        .route("/api/v1/holds/{name}/lift", post(lifecycle::post_lift))
        .route("/api/v1/imports", post(imports::post).layer(DefaultBodyLimit::max(LONGEST_BATCH)))
        .route("/ledger/{collector}/checkpoint", get(ledger::checkpoint))
        .route("/ledger/{collector}/tile/{*path}", get(ledger::tile))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .layer(from_fn(guard))
        .with_state(api)
}

async fn unknown(uri: Uri) -> Problem {
    Problem::not_found(format!("there is no {}; see docs/api.md for what there is", uri.path()))
}

/// A page of another site must not read the API through a visitor's browser: a name that was made
/// to point at loopback has another `Host`.
async fn guard(request: Request, next: Next) -> Result<Response, Problem> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_none_or(is_local) {
        let detail = "the API answers only under a loopback name";
        return Err(Problem { status: axum::http::StatusCode::FORBIDDEN, ..Problem::bad(detail) });
    }
    // Nor may it send anything.
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let from = origin.map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    if !from.is_none_or(is_local) {
        let detail = "the API takes nothing from pages of other sites";
        return Err(Problem { status: axum::http::StatusCode::FORBIDDEN, ..Problem::bad(detail) });
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    Ok(response)
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
