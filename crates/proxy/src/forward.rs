//! One call: admitted, numbered, sent on, answered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use capture::{Call, Capture, Failure, Gate, ResponseStart};
use http::request::Parts;
use http::{Request, Response, StatusCode, Uri, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use provider::HeaderTokens;

use crate::answer::{self, Ids};
use crate::headers::{strip_request, strip_response, text};
use crate::held::{Held, HoldError};
use crate::identity;
use crate::local::Local;
use crate::presence::Presence;
use crate::sigv4;
use crate::tee::{ResponseBody, TeeRequest, TeeResponse};
use crate::upstream::{CallError, Upstream};
use crate::watch::EndWatch;

/// Headers under which providers name a request, WIRE facts of the formats.
const REQUEST_IDS: [&str; 7] = [
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "mistral-correlation-id",
    "x-debug-trace-id",
    "cf-ray",
];

/// What a server thread forwards with.
pub(crate) struct Forwarder {
    pub(crate) capture: Arc<Capture>,
    pub(crate) upstreams: BTreeMap<String, Arc<Upstream>>,
    pub(crate) local: Option<Arc<dyn Local>>,
}

impl Forwarder {
    /// Answers one request.
    pub(crate) async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        presence: Presence,
    ) -> Response<ResponseBody> {
        let path = request.uri().path().to_owned();
        if let Some(local) = self.local.as_ref().filter(|local| local.takes(&path)) {
            return Arc::clone(local).answer(request).await.map(ResponseBody::own);
        }
        let (name, rest) = split(&path);
        let Some(upstream) = self.upstreams.get(name) else {
            return self.unknown(name);
        };
        if request.method() == http::Method::CONNECT {
            let message = "CONNECT is not forwarded: set the base URL to Custody's address instead";
            return answer::error(StatusCode::METHOD_NOT_ALLOWED, "connect_refused", message, None);
        }
        let (mut parts, body) = request.into_parts();
        if identity::wants_upgrade(&parts.headers) {
            tracing::debug!(upstream = name, "an upgrade was asked for and is not forwarded");
        }
        let query = parts.uri.query().map(str::to_owned);
        let route = Arc::clone(&upstream.config.route);
        let head = identity::read(route, &parts.method, rest, query.as_deref(), &mut parts.headers);
        let format = provider::detect(&provider::RequestHead {
            family: head.route.family,
            method: &head.method,
            path: &head.path,
            content_type: head.content_type.as_deref(),
            mcp: head.mcp,
        });
        let correlation = head.trace_id;
        let call = match self.capture.admit(head).await {
            Ok(call) => call,
            Err(refused) => {
                let message = format!("{refused}; nothing was sent to the provider");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut response = answer::error(status, "log_unwritable", &message, None);
                if let Ok(id) = correlation.to_string().parse() {
                    response.headers_mut().insert("custody-correlation-id", id);
                }
                return response;
            }
        };
        let signs = upstream.config.signing.is_some() && sigv4::is_ours(&parts.headers);
        let query = query.as_deref();
        let query = if signs { query.and_then(sigv4::unsigned) } else { query.map(Cow::Borrowed) };
        parts.uri = target(&upstream.config.base_url.path, rest, query.as_deref());
        parts.version = Version::HTTP_11;
        strip_request(&mut parts.headers);
        parts.headers.insert(header::HOST, upstream.host().clone());
        // What came with the client's request is for this side alone.
        parts.extensions = http::Extensions::new();
        if signs {
            let max_body = self.capture.max_body();
            let signed =
                signed(Arc::clone(upstream), call, parts, body, max_body, format, presence);
            return Detached::new(signed).await;
        }
        let tap = call.request_tap();
        let outgoing = Request::from_parts(parts, TeeRequest::new(body, tap));
        Detached::new(exchange(Arc::clone(upstream), call, outgoing, format, presence)).await
    }

    fn unknown(&self, name: &str) -> Response<ResponseBody> {
        let known: Vec<&str> = self.upstreams.keys().map(String::as_str).collect();
        let message = format!(
            "there is no upstream {name:?}; the first segment of the path names one of: {}",
            known.join(", ")
        );
        answer::error(StatusCode::NOT_FOUND, "unknown_upstream", &message, None)
    }
}

/// `/openai/v1/x` is `openai` and `/v1/x`.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.find('/') {
        Some(slash) => path.split_at(slash),
        None => (path, "/"),
    }
}

fn target(base: &str, rest: &str, query: Option<&str>) -> Uri {
    let target = match query {
        Some(query) => format!("{base}{rest}?{query}"),
        None => format!("{base}{rest}"),
    };
    // Both pieces come from parsed URIs.
    target.parse().unwrap_or_else(|_| Uri::from_static("/"))
}

/// Reads the request whole, signs it and sends it on.
async fn signed(
    upstream: Arc<Upstream>,
    call: Call,
    mut parts: Parts,
    body: Incoming,
    max_body: usize,
    format: provider::Format,
    presence: Presence,
) -> Response<ResponseBody> {
    let Some(signing) = &upstream.config.signing else {
        // Nobody comes here without; a call without an outcome is recorded as broken.
        return answer::error(StatusCode::INTERNAL_SERVER_ERROR, "cannot_sign", "", None);
    };
    let refuse = |status, failure, message: &str| {
        call.fail(failure);
        let ids = Ids { interaction: call.id(), correlation: call.trace_id() };
        answer::aws_error(status, failure.as_str(), message, Some(ids))
    };
    if sigv4::is_signed_in_pieces(&parts.headers) {
        // Waiting for its end would be waiting for ever: the client waits for an answer too.
        drop(call.request_tap());
        let message = "a body whose pieces are signed one by one (a stream in both directions) \
                       cannot be signed again; use a Bedrock API key for it";
        return refuse(StatusCode::NOT_IMPLEMENTED, Failure::Unsignable, message);
    }
    let held = match Held::read(body, call.request_tap(), max_body).await {
        Ok(held) => held,
        Err(HoldError::Broken) => {
            let message = "the request's body broke off";
            return refuse(StatusCode::BAD_GATEWAY, Failure::RequestBroken, message);
        }
        Err(HoldError::TooLarge) => {
            let message = format!(
                "the body has more than {max_body} bytes: what is signed again is held whole, up \
                 to [capture] max_body; nothing was sent to the provider"
            );
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, Failure::TooLarge, &message);
        }
    };
    let keys = match signing.keys.keys().await {
        Ok(keys) => keys,
        Err(reason) => {
            drop(held.go_on());
            let message = format!(
                "Custody has no AWS credentials to sign this call with ({reason}); nothing was \
                 sent to the provider. Give the recorder AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY in its environment, or a role of its container or \
                 instance; or call with a Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)"
            );
            return refuse(StatusCode::INTERNAL_SERVER_ERROR, Failure::NoCredentials, &message);
        }
    };
    let (digest, headers) = (held.digest(), &mut parts.headers);
    if let Err(error) = signing.sign(&keys, &parts.method, &parts.uri, headers, digest) {
        drop(held.go_on());
        return refuse(StatusCode::BAD_GATEWAY, Failure::Unsignable, &error.to_string());
    }
    // Before the body's end is told, so that the record says when the call was sent.
    call.sent();
    let outgoing = Request::from_parts(parts, held.go_on());
    exchange(Arc::clone(&upstream), call, outgoing, format, presence).await
}

/// Sends the call on and gives the answer, its body still flowing.
async fn exchange(
    upstream: Arc<Upstream>,
    call: Call,
    request: Request<TeeRequest>,
    format: provider::Format,
    presence: Presence,
) -> Response<ResponseBody> {
    let ids = Ids { interaction: call.id(), correlation: call.trace_id() };
    call.sent();
    let (response, connection) = match upstream.call(request).await {
        Ok(answered) => answered,
        Err(error) => return failed(&upstream, &call, error, ids).await,
    };
    let (mut parts, body) = response.into_parts();
    let start = ResponseStart {
        status: parts.status.as_u16(),
        content_type: text(&parts.headers, "content-type").map(str::to_owned),
        content_encoding: text(&parts.headers, "content-encoding").map(str::to_owned),
        provider_request_id: REQUEST_IDS
            .iter()
            .find_map(|name| text(&parts.headers, name))
            .map(str::to_owned),
        tokens: header_tokens(&parts.headers),
    };
    let plain = start.content_encoding.is_none();
    let framing = provider::stream_framing(format, start.content_type.as_deref());
    let watch = framing.filter(|_| plain).map(|framing| EndWatch::new(format, framing));
    let empty = body.is_end_stream();
    let (gate, tap) = call.respond(start).await;
    let mut tee =
        TeeResponse::new(body, tap, call.gatekeeper(), watch, upstream, connection, presence);
    let mut open = gate == Gate::Open;
    if empty {
        open &= tee.end_empty().await == Gate::Open;
    }
    if !open {
        let message = "the log could not be written in time, so the answer is withheld";
        return answer::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "log_unwritable",
            message,
            Some(ids),
        );
    }
    strip_response(&mut parts.headers);
    ids.add_to(&mut parts.headers);
    let mut response = Response::new(ResponseBody::Tee(Box::new(tee)));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}

/// Bedrock tells tokens in headers where the model's own format has no place for them.
fn header_tokens(headers: &http::HeaderMap) -> HeaderTokens {
    let count = |name: &str| text(headers, name).and_then(|value| value.parse().ok());
    HeaderTokens {
        input: count("x-amzn-bedrock-input-token-count"),
        output: count("x-amzn-bedrock-output-token-count"),
        cache_read: count("x-amzn-bedrock-cache-read-input-token-count"),
        cache_write: count("x-amzn-bedrock-cache-write-input-token-count"),
    }
}

async fn failed(
    upstream: &Upstream,
    call: &Call,
    error: CallError,
    ids: Ids,
) -> Response<ResponseBody> {
    let name = &upstream.config.route.upstream;
    let (failure, kind, message) = match error {
        CallError::Connect(error, unsent) => {
            // Nobody has read the body: what was asked is worth recording all the same.
            unsent.into_body().read_to_end().await;
            let base = &upstream.config.base_url;
            let message = format!("upstream {name:?} at {base} cannot be reached: {error}");
            (Failure::Unreachable, "upstream_unreachable", message)
        }
        CallError::Broken(error) if error.is_user() || is_request_body(&error) => {
            (Failure::RequestBroken, "request_broken", "the request's body broke off".to_owned())
        }
        CallError::Broken(error) => (
            Failure::Broken,
            "upstream_broken",
            format!("upstream {name:?} closed the connection without an answer: {error}"),
        ),
    };
    call.fail(failure);
    answer::error(StatusCode::BAD_GATEWAY, kind, &message, Some(ids))
}

/// Whether the fault is in reading the client's body, not in the provider.
fn is_request_body(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|e| e.downcast_ref::<hyper::Error>());
    source.is_some_and(|inner| inner.is_incomplete_message() || inner.is_body_write_aborted())
}

/// A call that goes on when its client leaves before the answer's head: the future moves into a
/// task of its own, and the answer is read for the record.
struct Detached<F: Future<Output = Response<ResponseBody>> + Send + 'static> {
    future: Option<Pin<Box<F>>>,
}

impl<F: Future<Output = Response<ResponseBody>> + Send + 'static> Detached<F> {
    fn new(future: F) -> Self {
        Self { future: Some(Box::pin(future)) }
    }
}

impl<F: Future<Output = Response<ResponseBody>> + Send + 'static> Future for Detached<F> {
    type Output = Response<ResponseBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let response = std::task::ready!(future.as_mut().poll(cx));
        self.future = None;
        Poll::Ready(response)
    }
}

impl<F: Future<Output = Response<ResponseBody>> + Send + 'static> Drop for Detached<F> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let ResponseBody::Tee(tee) = future.await.into_body() {
                    tee.drain().await;
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_names_the_upstream() {
        assert_eq!(split("/openai/v1/chat"), ("openai", "/v1/chat"));
        assert_eq!(split("/openai"), ("openai", "/"));
        assert_eq!(split("/openai/"), ("openai", "/"));
        assert_eq!(split("/"), ("", "/"));
        assert_eq!(target("/base", "/v1/x", Some("a=b%20c")).to_string(), "/base/v1/x?a=b%20c");
    }
}
