//! The HTTP face: bodies in, an answer when everything is durable.

mod problem;

use std::sync::Arc;

use bytes::Bytes;
use capture::{Capture, Mode, Refused, Route};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use provider::Family;
use proxy::{Local, LocalAnswer};
use record::{Clock, RecordId, Timestamp};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::Taken;
use crate::events::{self, SCHEMA, Schema, SchemaError};

use problem::Problem;

/// Bodies that are read at the same time; each may hold `max_body` in memory.
const AT_ONCE: usize = 8;
const EVENTS: &str = "/custody/v1/events";
const SCHEMA_PATH: &str = "/custody/v1/schema";

/// How the face is set up.
#[derive(Debug, Clone)]
pub struct IntakeConfig {
    /// The retention class by default.
    pub class: String,
    /// No body is larger, decoded, in bytes.
    pub max_body: usize,
}

/// Takes in events and telemetry.
pub struct Intake {
    capture: Arc<Capture>,
    clock: Arc<dyn Clock>,
    config: IntakeConfig,
    schema: Schema,
    turns: Semaphore,
    events: Arc<Route>,
}

impl Intake {
    /// A face in front of `capture`.
    pub fn new(
        capture: Arc<Capture>,
        clock: Arc<dyn Clock>,
        config: IntakeConfig,
    ) -> Result<Self, SchemaError> {
        let events = route("events", &config.class);
        let schema = Schema::new()?;
        Ok(Self { capture, clock, config, schema, turns: Semaphore::new(AT_ONCE), events })
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Bytes>, Problem> {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        match (path.as_str(), request.method()) {
            (SCHEMA_PATH, &Method::GET | &Method::HEAD) => {
                Ok(answer("application/schema+json", Bytes::from_static(SCHEMA.as_bytes())))
            }
            (EVENTS, &Method::POST) => self.events(request).await,
            (SCHEMA_PATH, _) => Err(Problem::method("GET")),
            (EVENTS, _) => Err(Problem::method("POST")),
            _ => Err(Problem::not_found(&path)),
        }
    }

    async fn events(&self, request: Request<Incoming>) -> Result<Response<Bytes>, Problem> {
        let (mut parts, body) = request.into_parts();
        let head =
            proxy::read_head(Arc::clone(&self.events), &parts.method, "", None, &mut parts.headers);
        let _turn = self.turns.acquire().await;
        let body = self.body(head.content_encoding.as_deref(), body).await?;
        let taken =
            events::read(&self.schema, &body, &head, self.clock.now()).map_err(Problem::refused)?;
        let traces: Vec<_> = taken.iter().map(|taken| taken.head().trace_id).collect();
        let ids = self.record(taken).await?;
        let recorded: Vec<_> = ids
            .iter()
            .zip(traces)
            .map(|(id, trace)| json!({ "id": id, "correlation_id": trace }))
            .collect();
        let body = json!({ "recorded": recorded.len(), "events": recorded });
        Ok(answer("application/json", Bytes::from(format!("{body}\n"))))
    }

    /// Records all, and waits until all are durable.
    pub async fn record(&self, taken: Vec<Taken>) -> Result<Vec<RecordId>, Refused> {
        let mut submitted = Vec::with_capacity(taken.len());
        for taken in taken {
            submitted.push(taken.submit(&self.capture)?);
        }
        let mut ids = Vec::with_capacity(submitted.len());
        for one in submitted {
            ids.push(one.durable().await?);
        }
        Ok(ids)
    }

    /// A body, whole and decoded.
    async fn body(&self, encoding: Option<&str>, body: Incoming) -> Result<Vec<u8>, Problem> {
        let limit = self.config.max_body;
        let collected = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Problem::too_large(limit)
            } else {
                Problem::bad_request(format!("the body broke off: {error}"))
            }
        })?;
        let bytes = collected.to_bytes();
        let (decoded, oddity) = capture::decode(encoding, &bytes, limit);
        match oddity {
            None => Ok(decoded.into_owned()),
            Some(oddity) if oddity.code == "decoded_over_limit" => Err(Problem::too_large(limit)),
            Some(oddity) => {
                let place = oddity.detail.unwrap_or_default();
                Err(Problem::bad_request(format!(
                    "the body does not decode: {} {place}",
                    oddity.code
                )))
            }
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Local for Intake {
    fn takes(&self, path: &str) -> bool {
        path == "/custody" || path.starts_with("/custody/") || path.starts_with("/v1/")
    }

    fn answer(self: Arc<Self>, request: Request<Incoming>) -> LocalAnswer {
        Box::pin(async move { self.handle(request).await.unwrap_or_else(Problem::into_response) })
    }
}

/// The route of what comes in by a face of this name.
pub(crate) fn route(name: &str, class: &str) -> Arc<Route> {
    Arc::new(Route {
        upstream: name.to_owned(),
        provider: name.to_owned(),
        family: Family::Auto,
        mode: Mode::Evidence,
        class: class.to_owned(),
    })
}

fn answer(content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
