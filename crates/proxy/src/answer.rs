//! Answers that the proxy gives itself.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use record::{RecordId, TraceId};
use serde_json::{Value, json};

use crate::tee::ResponseBody;

/// Ids of a call, for headers and error bodies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) interaction: RecordId,
    pub(crate) correlation: TraceId,
}

impl Ids {
    /// Adds `Custody-Interaction-Id` and `Custody-Correlation-Id`.
    pub(crate) fn add_to(&self, headers: &mut http::HeaderMap) {
        for (name, value) in [
            ("custody-interaction-id", self.interaction.to_string()),
            ("custody-correlation-id", self.correlation.to_string()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// An error as JSON in the shape that provider SDKs show: `{"error": {"type", "message", …}}`.
pub(crate) fn error(
    status: StatusCode,
    kind: &str,
    message: &str,
    ids: Option<Ids>,
) -> Response<ResponseBody> {
    with_body(status, &json!({ "error": of(kind, message, ids) }), ids)
}

/// The same where AWS's SDKs look too: `message`, and the type in a header.
pub(crate) fn aws_error(
    status: StatusCode,
    kind: &'static str,
    message: &str,
    ids: Option<Ids>,
) -> Response<ResponseBody> {
    let body = json!({ "message": message, "error": of(kind, message, ids) });
    let mut response = with_body(status, &body, ids);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}

fn of(kind: &str, message: &str, ids: Option<Ids>) -> Value {
    let mut error = json!({ "type": kind, "message": message, "by": "custody" });
    if let (Some(ids), Some(error)) = (ids, error.as_object_mut()) {
        error.insert("interaction_id".to_owned(), json!(ids.interaction.to_string()));
        error.insert("correlation_id".to_owned(), json!(ids.correlation.to_string()));
    }
    error
}

fn with_body(status: StatusCode, body: &Value, ids: Option<Ids>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::own(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(ids) = ids {
        ids.add_to(headers);
    }
    response
}
