//! OTLP over HTTP: what bytes become messages, and the answers.
//!
//! `opentelemetry.io/docs/specs/otlp`, "OTLP/HTTP": the answer is in the encoding of the request.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::{Value, json};

use super::json;
use crate::Refusal;

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Encoding {
    /// The encoding that a `content-type` names; `None` for one that OTLP does not have (415).
    pub fn of(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if media_type.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// The media type of requests and answers.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// The body is no export at all: answer 400, whoever sent it must not try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// A request and what of it cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    /// The rest of the request.
    pub request: T,
    /// What was left out.
    pub rejected: Vec<Refusal>,
}

/// Reads the body of `POST /v1/traces`, decompressed.
pub fn decode_traces(
    encoding: Encoding,
    body: &[u8],
) -> Result<Decoded<ExportTraceServiceRequest>, Unreadable> {
    decode(encoding, body, "resourceSpans", json::traces)
}

/// Reads the body of `POST /v1/logs`, decompressed.
pub fn decode_logs(
    encoding: Encoding,
    body: &[u8],
) -> Result<Decoded<ExportLogsServiceRequest>, Unreadable> {
    decode(encoding, body, "resourceLogs", json::logs)
}

fn decode<T: Message + Default>(
    encoding: Encoding,
    body: &[u8],
    list: &str,
    read: fn(&Value, &mut Vec<Refusal>) -> T,
) -> Result<Decoded<T>, Unreadable> {
    let mut rejected = Vec::new();
    let request = match encoding {
        Encoding::Protobuf => T::decode(body)
            .map_err(|error| Unreadable(format!("the body is no protobuf of OTLP: {error}")))?,
        Encoding::Json => {
            let value: Value = serde_json::from_slice(body)
                .map_err(|error| Unreadable(format!("the body is no JSON: {error}")))?;
            match value.get(list) {
                Some(Value::Array(_)) => {}
                // A request without anything in it is a request.
                None | Some(Value::Null) if value.is_object() => {}
                _ => return Err(Unreadable(format!("expected an object whose {list} is a list"))),
            }
            read(&value, &mut rejected)
        }
    };
    Ok(Decoded { request, rejected })
}

/// The answer to `POST /v1/traces`; nothing is said when nothing was rejected.
pub fn encode_traces(encoding: Encoding, rejected: &[String]) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => traces_response(rejected).encode_to_vec(),
        Encoding::Json => partial("rejectedSpans", rejected),
    }
}

/// The answer to `POST /v1/logs`; nothing is said when nothing was rejected.
pub fn encode_logs(encoding: Encoding, rejected: &[String]) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => logs_response(rejected).encode_to_vec(),
        Encoding::Json => partial("rejectedLogRecords", rejected),
    }
}

pub(super) fn traces_response(rejected: &[String]) -> ExportTraceServiceResponse {
    let partial_success = (!rejected.is_empty()).then(|| ExportTracePartialSuccess {
        rejected_spans: count(rejected),
        error_message: message(rejected),
    });
    ExportTraceServiceResponse { partial_success }
}

pub(super) fn logs_response(rejected: &[String]) -> ExportLogsServiceResponse {
    let partial_success = (!rejected.is_empty()).then(|| ExportLogsPartialSuccess {
        rejected_log_records: count(rejected),
        error_message: message(rejected),
    });
    ExportLogsServiceResponse { partial_success }
}

fn partial(member: &str, rejected: &[String]) -> Vec<u8> {
    let body = if rejected.is_empty() {
        json!({})
    } else {
        // 64-bit numbers are texts in protobuf's JSON.
        let number = count(rejected).to_string();
        json!({ "partialSuccess": { member: number, "errorMessage": message(rejected) } })
    };
    body.to_string().into_bytes()
}

fn count(rejected: &[String]) -> i64 {
    i64::try_from(rejected.len()).unwrap_or(i64::MAX)
}

/// The first few: whoever sends a thousand wrong spans makes the same mistake in each.
fn message(rejected: &[String]) -> String {
    const TOLD: usize = 5;
    let text = rejected.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
    match rejected.len().saturating_sub(TOLD) {
        0 => text,
        more => format!("{text}; and {more} more"),
    }
}
