//! Errors as problem documents (RFC 9457).

use bytes::Bytes;
use capture::Refused;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::Refusal;

/// Why a request is not answered as taken.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    errors: Vec<Refusal>,
    allow: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: String) -> Self {
        Self { status, title, detail, errors: Vec::new(), allow: None }
    }

    pub(crate) fn bad_request(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "the request is not as it should be", detail)
    }

    /// Each place with what is wrong there; nothing was recorded.
    pub(crate) fn refused(errors: Vec<Refusal>) -> Self {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        Self { errors, ..Self::bad_request(format!("nothing was recorded; {first}")) }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("a body holds at most {limit} bytes, decoded: send less at once");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large", detail)
    }

    pub(crate) fn media_type(told: &str) -> Self {
        let detail = format!(
            "{told:?} is not read here; OTLP comes as application/x-protobuf or application/json"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the media type is not known", detail)
    }

    pub(crate) fn method(allow: &'static str) -> Self {
        let detail = format!("this path takes {allow}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "the method does not fit", detail);
        Self { allow: Some(allow), ..problem }
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let detail = format!(
            "there is no {path:?}; there are POST /custody/v1/events, GET /custody/v1/schema, \
             POST /v1/traces and POST /v1/logs"
        );
        Self::new(StatusCode::NOT_FOUND, "no such path", detail)
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let (false, Value::Object(members)) = (self.errors.is_empty(), &mut body) {
            let errors = self
                .errors
                .iter()
                .map(|e| json!({ "pointer": e.pointer, "detail": e.message }))
                .collect();
            members.insert("errors".to_owned(), errors);
        }
        let mut response = Response::new(Bytes::from(format!("{body}\n")));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = format!("{refused}; what is not told to be recorded may be sent again");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "it is not known to be durable", detail)
    }
}
