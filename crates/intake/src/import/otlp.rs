//! OTLP JSON files, as the collector's file exporter writes them: a request of `/v1/traces` or of
//! `/v1/logs` a record.

use std::sync::Arc;

use record::{Digest, Origin, RecordId, Timestamp, TraceId};

use super::{Cx, Source, head};
use crate::otlp::{self, Context, Encoding};
use crate::{Refusal, Taken};

/// Reads one request. A request of which something cannot be read is refused whole, so that a file
/// that was mended can be imported again.
pub(super) fn read(raw: &[u8], cx: &Cx<'_>) -> Result<Vec<Taken>, Refusal> {
    let refuse = |message: String| Refusal { pointer: String::new(), message };
    let context = Context {
        route: head(cx, Some("otlp"), TraceId([0; 16])).route,
        now: cx.now,
        id_of: Arc::new(stand_in),
    };
    let read = if holds(raw, b"\"resourceLogs\"") {
        otlp::read_logs(Encoding::Json, raw, &context)
    } else if holds(raw, b"\"resourceSpans\"") {
        otlp::read_traces(Encoding::Json, raw, &context)
    } else {
        return Err(refuse("neither resourceSpans nor resourceLogs stands in it".to_owned()));
    };
    let read = read.map_err(|error| refuse(error.to_string()))?;
    if let Some(first) = read.rejected.first() {
        return Err(refuse(format!("{first} ({} in all)", read.rejected.len())));
    }
    let mut taken = read.taken;
    for one in &mut taken {
        let source = Source::Otlp.as_str();
        let (id, began) = match one {
            Taken::Call(report) => (&mut report.id, report.began),
            Taken::Event(told) => (&mut told.id, told.began),
        };
        *id = id.and_then(|stand_in| (cx.id)(source, stand_in.as_bytes(), began));
        one.head_mut().origin = Origin::Import;
    }
    Ok(taken)
}

/// Tells spans apart until the importer's own ids take its place.
fn stand_in(key: &[u8], at: Timestamp) -> RecordId {
    let mut random = [0; 10];
    random.iter_mut().zip(Digest::of(key).0).for_each(|(to, from)| *to = from);
    RecordId::new(at.unix_ms(), random)
}

fn holds(raw: &[u8], name: &[u8]) -> bool {
    raw.windows(name.len()).any(|window| window == name)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
        "traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"chat m",
        "startTimeUnixNano":"1795435200000000000","endTimeUnixNano":"1795435201000000000",
        "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},
            {"key":"gen_ai.request.model","value":{"stringValue":"m"}}]}]}]}]}"#;

    #[test]
    fn a_span_of_a_file_is_an_import_with_an_id_of_its_own() {
        let report = fixture::call(Source::Otlp, SPAN);
        assert_eq!(report.head.origin, Origin::Import);
        assert_eq!(report.head.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(report.id, fixture::call(Source::Otlp, SPAN).id);
        let other = SPAN.replace("b7ad6b7169203331", "b7ad6b7169203332");
        assert_ne!(report.id, fixture::call(Source::Otlp, &other).id);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let broken = SPAN.replace("0af7651916cd43dd8448eb211c80319c", "0af7");
        assert!(fixture::read(Source::Otlp, &broken).is_err());
        assert!(fixture::read(Source::Otlp, "{}").is_err());
    }
}
