//! Every convention, over small requests written after its documents.

mod conventions;
mod wires;

use std::sync::Arc;

use capture::{Mode, Report, Route, Told};
use provider::{End, Family, Format, ReadRequest, ReadResponse, ResponseHead, ResponseReader};
use record::{RecordId, Timestamp};
use serde_json::{Value, json};

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// An id that hangs on key and time alone, as the real one does.
fn context() -> Context {
    let route = Route {
        upstream: "otlp".to_owned(),
        provider: "unknown".to_owned(),
        family: Family::Auto,
        mode: Mode::Observe,
        class: "default".to_owned(),
    };
    let id_of = |key: &[u8], at: Timestamp| {
        let mut random = [0_u8; 10];
        for (index, byte) in key.iter().enumerate() {
            random[index % 10] = random[index % 10].wrapping_mul(31).wrapping_add(*byte);
        }
        RecordId::new(at.unix_ms(), random)
    };
    Context {
        route: Arc::new(route),
        now: Timestamp(1_795_000_000_000_000),
        id_of: Arc::new(id_of),
    }
}

/// The JSON of an attribute's value.
fn any(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Array(items) => {
            json!({ "arrayValue": { "values": items.iter().map(any).collect::<Value>() } })
        }
        Value::Object(_) => json!({ "kvlistValue": { "values": attributes(value) } }),
        Value::Null => json!({}),
    }
}

fn attributes(members: &Value) -> Value {
    let members = members.as_object().unwrap();
    members.iter().map(|(key, value)| json!({ "key": key, "value": any(value) })).collect()
}

fn span(name: &str, told: &Value) -> Value {
    json!({
        "traceId": TRACE, "spanId": SPAN, "name": name, "kind": 3,
        "startTimeUnixNano": "1794900000000000000", "endTimeUnixNano": "1794900001500000000",
        "attributes": attributes(told),
    })
}

fn spans(spans: &[Value]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes(&json!({
            "service.name": "shop", "deployment.environment.name": "prod" })) },
        "scopeSpans": [{ "scope": { "name": "a.library", "version": "1" }, "spans": spans }],
    }] })
}

fn read_spans(list: &[Value]) -> OtlpRead {
    read_traces(Encoding::Json, spans(list).to_string().as_bytes(), &context()).unwrap()
}

fn call(read: &OtlpRead) -> &Report {
    match read.taken.as_slice() {
        [Taken::Call(report)] => report,
        other => panic!("expected one call: {other:?} {:?}", read.rejected),
    }
}

fn event(read: &OtlpRead) -> &Told {
    match read.taken.as_slice() {
        [Taken::Event(told)] => told,
        other => panic!("expected one event: {other:?} {:?}", read.rejected),
    }
}

/// Both bodies of a report, read as the pipeline reads them.
fn bodies(report: &Report) -> (ReadRequest, ReadResponse) {
    let request = provider::read_request(Format::OtelGenAi, "", &report.request);
    let head = ResponseHead {
        status: 0,
        content_type: Some("application/json"),
        tokens: provider::HeaderTokens::default(),
    };
    let mut reader = ResponseReader::new(Format::OtelGenAi, &head);
    reader.push(&report.answer.as_ref().unwrap().body);
    (request, reader.finish(End::Complete))
}

/// Parts as one line each.
fn shown(parts: &[record::Part]) -> Vec<String> {
    let one = |part: &record::Part| {
        let content = String::from_utf8(part.content.encode()).unwrap();
        format!("{}/{} {}", part.role, part.kind, content.get(1..).unwrap_or_default())
    };
    parts.iter().map(one).collect()
}
