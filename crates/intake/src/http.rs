//! The HTTP face: bodies in, an answer when everything is durable.

mod problem;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use capture::{Capture, Mode, Refused, Route};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use lru::LruCache;
use provider::Family;
use proxy::{Local, LocalAnswer};
use record::{Clock, RecordId};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::Taken;
use crate::events::{self, SCHEMA, Schema, SchemaError};
use crate::otlp::{self, Context, Encoding, Handler, OtlpRead, Unavailable};

use problem::Problem;

/// Bodies that are read at the same time; each may hold `max_body` in memory.
const AT_ONCE: usize = 8;
const EVENTS: &str = "/custody/v1/events";
const TRACES: &str = "/v1/traces";
const LOGS: &str = "/v1/logs";
/// Spans that are remembered, so that one that is sent twice is one record.
const KNOWN: usize = 100_000;
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
    otlp: Arc<Route>,
    known: Mutex<LruCache<RecordId, ()>>,
    counters: Counters,
}

/// What was taken in so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntakeStatus {
    /// Records that were made.
    pub recorded: u64,
    /// Spans and log records that tell of no model.
    pub dropped: u64,
    /// What could not be read.
    pub rejected: u64,
}

#[derive(Debug, Default)]
struct Counters {
    recorded: AtomicU64,
    dropped: AtomicU64,
    rejected: AtomicU64,
}

impl Intake {
    /// A face in front of `capture`.
    pub fn new(
        capture: Arc<Capture>,
        clock: Arc<dyn Clock>,
        config: IntakeConfig,
    ) -> Result<Self, SchemaError> {
        let (events, otlp) = (route("events", &config.class), route("otlp", &config.class));
        let known = LruCache::new(NonZeroUsize::new(KNOWN).unwrap_or(NonZeroUsize::MIN));
        Ok(Self {
            capture,
            clock,
            config,
            schema: Schema::new()?,
            turns: Semaphore::new(AT_ONCE),
            events,
            otlp,
            known: Mutex::new(known),
            counters: Counters::default(),
        })
    }

    /// What was taken in so far.
    pub fn status(&self) -> IntakeStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        IntakeStatus {
            recorded: read(&self.counters.recorded),
            dropped: read(&self.counters.dropped),
            rejected: read(&self.counters.rejected),
        }
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Bytes>, Problem> {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        match (path.as_str(), request.method()) {
            (SCHEMA_PATH, &Method::GET | &Method::HEAD) => {
                Ok(answer("application/schema+json", Bytes::from_static(SCHEMA.as_bytes())))
            }
            (EVENTS, &Method::POST) => self.events(request).await,
            (TRACES | LOGS, &Method::POST) => self.otlp(&path, request).await,
            (SCHEMA_PATH, _) => Err(Problem::method("GET")),
            (EVENTS | TRACES | LOGS, _) => Err(Problem::method("POST")),
            _ => Err(Problem::not_found(&path)),
        }
    }

    async fn events(&self, request: Request<Incoming>) -> Result<Response<Bytes>, Problem> {
        let (mut parts, body) = request.into_parts();
        let head =
            proxy::read_head(Arc::clone(&self.events), &parts.method, "", None, &mut parts.headers);
        let _turn = self.turns.acquire().await;
        let body = self.body(head.content_encoding.as_deref(), body).await?;
        let read = events::read(&self.schema, &body, &head, self.clock.now());
        let taken = read.map_err(|refusals| {
            self.rejected(refusals.len());
            Problem::refused(refusals)
        })?;
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

    async fn otlp(
        &self,
        path: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Bytes>, Problem> {
        let (mut parts, body) = request.into_parts();
        let head =
            proxy::read_head(Arc::clone(&self.otlp), &parts.method, "", None, &mut parts.headers);
        let content_type = head.content_type.as_deref().unwrap_or_default();
        let encoding =
            Encoding::of(content_type).ok_or_else(|| Problem::media_type(content_type))?;
        let _turn = self.turns.acquire().await;
        let body = self.body(head.content_encoding.as_deref(), body).await?;
        let context = self.context();
        let read = if path == TRACES {
            otlp::read_traces(encoding, &body, &context)
        } else {
            otlp::read_logs(encoding, &body, &context)
        };
        let OtlpRead { mut taken, dropped, rejected } =
            read.map_err(|error| Problem::bad_request(error.to_string()))?;
        drop(body);
        self.dropped(dropped);
        self.rejected(rejected.len());
        for taken in &mut taken {
            // Who signed in sends for all of its spans.
            taken.head_mut().token.clone_from(&head.token);
        }
        self.record(taken).await?;
        let answered = if path == TRACES {
            otlp::encode_traces(encoding, &rejected)
        } else {
            otlp::encode_logs(encoding, &rejected)
        };
        Ok(answer(encoding.media_type(), Bytes::from(answered)))
    }

    /// Records all, and waits until all are durable. What was recorded before under the same id is
    /// not recorded again.
    pub async fn record(&self, taken: Vec<Taken>) -> Result<Vec<RecordId>, Refused> {
        let mut ids = Vec::with_capacity(taken.len());
        let mut submitted = Vec::with_capacity(taken.len());
        for taken in taken {
            match taken.id().filter(|id| self.known().contains(id)) {
                Some(known) => ids.push(known),
                None => submitted.push(taken.submit(&self.capture)?),
            }
        }
        for one in submitted {
            let id = one.durable().await?;
            count(&self.counters.recorded, 1);
            self.known().put(id, ());
            ids.push(id);
        }
        Ok(ids)
    }

    fn known(&self) -> MutexGuard<'_, LruCache<RecordId, ()>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
}

#[async_trait]
impl Handler for Intake {
    fn context(&self) -> Context {
        let capture = Arc::clone(&self.capture);
        Context {
            route: Arc::clone(&self.otlp),
            now: self.clock.now(),
            id_of: Arc::new(move |key, at| capture.id_of("otlp", key, at)),
        }
    }

    async fn record(&self, taken: Vec<Taken>) -> Result<u64, Unavailable> {
        let count = u64::try_from(taken.len()).unwrap_or(u64::MAX);
        Self::record(self, taken).await.map_err(|why| Unavailable(why.to_string()))?;
        Ok(count)
    }

    fn dropped(&self, dropped: u64) {
        self.counters.dropped.fetch_add(dropped, Ordering::Relaxed);
    }

    fn rejected(&self, rejected: usize) {
        count(&self.counters.rejected, rejected);
    }
}

fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl Local for Intake {
    fn takes(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path == "/custody" || path.starts_with("/custody/") || path == TRACES || path == LOGS
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
