//! What is remembered of a call until it is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, Request};
use serde_json::{Map, Value, json};

use crate::Collector;

/// No body is kept beyond this, in bytes; the event then says that it is not complete.
const LONGEST: usize = 32 << 20;

/// Who makes a call: put it into the request's extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The person whose data it is.
    pub user: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// What the call belongs to; without it the `traceparent` header counts.
    pub correlation_id: Option<String>,
}

/// A call in flight; told when its last holder is gone.
#[derive(Debug)]
pub(crate) struct Call {
    collector: Collector,
    provider: String,
    path: String,
    caller: Caller,
    traceparent: Option<String>,
    began: SystemTime,
    started: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    request: Vec<u8>,
    answer: Vec<u8>,
    status: Option<u16>,
    content_type: Option<String>,
    ended: bool,
    cut: bool,
}

/// Which body a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Answer,
}

impl Call {
    #[expect(clippy::disallowed_methods, reason = "an application's process has no Clock of ours")]
    pub(crate) fn new<B>(
        collector: &Collector,
        provider: &str,
        request: &mut Request<B>,
    ) -> Arc<Self> {
        // A compressed answer would have to be undone here.
        request.headers_mut().remove(http::header::ACCEPT_ENCODING);
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
        Arc::new(Self {
            collector: collector.clone(),
            provider: provider.to_owned(),
            path: request.uri().path().to_owned(),
            caller,
            traceparent: text(request.headers(), "traceparent"),
            began: SystemTime::now(),
            started: Instant::now(),
            seen: Mutex::default(),
        })
    }

    pub(crate) fn answered(&self, status: u16, headers: &HeaderMap) {
        self.with(|seen| {
            seen.status = Some(status);
            seen.content_type = text(headers, "content-type");
        });
    }

    pub(crate) fn piece(&self, side: Side, bytes: &[u8]) {
        self.with(|seen| {
            let body = match side {
                Side::Request => &mut seen.request,
                Side::Answer => &mut seen.answer,
            };
            let room = LONGEST.saturating_sub(body.len());
            body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            seen.cut |= bytes.len() > room;
        });
    }

    pub(crate) fn ended(&self) {
        self.with(|seen| seen.ended = true);
    }

    fn with(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn event(&self, seen: &Seen) -> Value {
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut event = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                event.insert(name.to_owned(), value);
            }
        };
        put("type", json!("interaction"));
        put("provider", json!(self.provider));
        put("path", json!(self.path));
        put("time", json!(began));
        put("duration_ms", json!(self.started.elapsed().as_secs_f64() * 1e3));
        put("user", json!(self.caller.user));
        put("session", json!(self.caller.session));
        put("traceparent", json!(self.traceparent));
        if self.traceparent.is_none() || self.caller.correlation_id.is_some() {
            let made = || format!("{:032x}", rand::random::<u128>() | 1);
            put("correlation_id", json!(self.caller.correlation_id.clone().unwrap_or_else(made)));
        }
        put("request", body(&seen.request));
        if let Some(status) = seen.status {
            put("status", json!(status));
            put("content_type", json!(seen.content_type));
            put("response", body(&seen.answer));
            put("complete", json!(seen.ended && !seen.cut));
        }
        Value::Object(event)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let seen = std::mem::take(self.seen.get_mut().unwrap_or_else(PoisonError::into_inner));
        let event = self.event(&seen);
        self.collector.tell(event);
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// As JSON where it is JSON, else as text.
fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
