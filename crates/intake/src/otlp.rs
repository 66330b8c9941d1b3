//! OTLP: what applications tell of their calls in spans and log records.
//!
//! ```text
//! bytes ─decode─► messages of OTLP ─traces, logs─► OtlpRead { taken, dropped, rejected } ─► capture
//! ```
//!
//! Three families of names are read: OpenTelemetry's GenAI conventions (v1.27 to v1.41 and the names
//! of their new repository), OpenInference, OpenLLMetry. `docs/otlp.md` has the tables.
//!
//! A call becomes a [`Report`](capture::Report) whose bodies are in the conventions' own shape, so it
//! goes the way of every other call. What no name is known for stays in the sealed skeleton.

mod attributes;
mod call;
mod event;
mod grpc;
mod json;
mod logs;
mod message;
mod span;
mod told;
mod wire;

use std::fmt;
use std::sync::Arc;

use capture::Route;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use record::{RecordId, Timestamp};

use crate::Taken;

pub use grpc::{Handler, MAX_MESSAGE, Unavailable, serve_grpc};
pub use wire::{
    Decoded, Encoding, Unreadable, decode_logs, decode_traces, encode_logs, encode_traces,
};

/// The id of what has a key, told at a time.
pub type IdOf = Arc<dyn Fn(&[u8], Timestamp) -> RecordId + Send + Sync>;

/// What a reader must know beside the request.
#[derive(Clone)]
pub struct Context {
    /// Where such calls belong: upstream, class. The provider's name comes from the span, where it
    /// tells one.
    pub route: Arc<Route>,
    /// The time for what tells none.
    pub now: Timestamp,
    /// The id of what has this key, told at this time: [`Capture::id_of`](capture::Capture::id_of)
    /// with the source `otlp`. So a span that is sent twice is one record.
    pub id_of: IdOf,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("now", &self.now).finish_non_exhaustive()
    }
}

/// What was read of a request.
#[derive(Debug, Default)]
pub struct OtlpRead {
    /// What can be recorded.
    pub taken: Vec<Taken>,
    /// Spans or log records that tell of no model: counted, no error.
    pub dropped: u64,
    /// Spans or log records that are not as they should be, for the partial success of the answer.
    pub rejected: Vec<String>,
}

/// Reads the body of `POST /v1/traces`, decompressed.
pub fn read_traces(encoding: Encoding, body: &[u8], cx: &Context) -> Result<OtlpRead, Unreadable> {
    let Decoded { request, rejected } = decode_traces(encoding, body)?;
    let mut read = traces(request, cx);
    read.rejected.extend(rejected.iter().map(ToString::to_string));
    Ok(read)
}

/// Reads the body of `POST /v1/logs`, decompressed.
pub fn read_logs(encoding: Encoding, body: &[u8], cx: &Context) -> Result<OtlpRead, Unreadable> {
    let Decoded { request, rejected } = decode_logs(encoding, body)?;
    let mut read = logs(request, cx);
    read.rejected.extend(rejected.iter().map(ToString::to_string));
    Ok(read)
}

/// Reads spans.
pub fn traces(request: ExportTraceServiceRequest, cx: &Context) -> OtlpRead {
    let mut read = OtlpRead::default();
    for resource in request.resource_spans {
        let around = told::Around::of(resource.resource);
        for scope in resource.scope_spans {
            let around = around.with(scope.scope);
            for span in scope.spans {
                match span::read(span, &around, cx) {
                    Ok(Some(taken)) => read.taken.push(taken),
                    Ok(None) => read.dropped += 1,
                    Err(why) => read.rejected.push(why),
                }
            }
        }
    }
    read
}

/// Reads log records; those of one span that tell of one call become one.
pub fn logs(request: ExportLogsServiceRequest, cx: &Context) -> OtlpRead {
    let mut read = OtlpRead::default();
    for resource in request.resource_logs {
        let around = told::Around::of(resource.resource);
        for scope in resource.scope_logs {
            let around = around.with(scope.scope);
            logs::read(scope.log_records, &around, cx, &mut read);
        }
    }
    read
}

#[cfg(test)]
mod tests;
