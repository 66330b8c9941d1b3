//! OTLP's JSON (protobuf's JSON with hexadecimal ids), into the same messages as its protobuf.
//!
//! By hand, span by span: serde's way ends at the first odd span and takes the whole request with
//! it, fails at `null` where an id stands, and reads no number of a `serde_json` that keeps them
//! exactly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use serde_json::Value;

use crate::Refusal;

/// A place in the request: a pointer that is only written out when something is wrong there.
#[derive(Clone, Copy)]
struct Place<'a> {
    before: Option<&'a Self>,
    key: &'a str,
    index: Option<usize>,
}

impl<'a> Place<'a> {
    const ROOT: Place<'static> = Place { before: None, key: "", index: None };

    fn at(&'a self, key: &'a str, index: Option<usize>) -> Self {
        Self { before: Some(self), key, index }
    }

    fn pointer(&self) -> String {
        let Some(before) = self.before else { return String::new() };
        let own = format!("{}/{}", before.pointer(), self.key);
        self.index.map_or(own.clone(), |index| format!("{own}/{index}"))
    }

    fn refuse(&self, key: &str, message: &str) -> Refusal {
        Refusal { pointer: format!("{}/{key}", self.pointer()), message: message.to_owned() }
    }
}

/// Spans, and those that are not as they should be.
pub(super) fn traces(body: &Value, rejected: &mut Vec<Refusal>) -> ExportTraceServiceRequest {
    let root = Place::ROOT;
    let mut out = ExportTraceServiceRequest::default();
    for (index, resource) in items(body, "resourceSpans").enumerate() {
        let place = root.at("resourceSpans", Some(index));
        let mut taken = ResourceSpans { resource: resource_of(resource), ..Default::default() };
        for (index, scope) in items(resource, "scopeSpans").enumerate() {
            let place = place.at("scopeSpans", Some(index));
            let mut inner = ScopeSpans { scope: scope_of(scope), ..Default::default() };
            for (index, one) in items(scope, "spans").enumerate() {
                match span(one, place.at("spans", Some(index))) {
                    Ok(span) => inner.spans.push(span),
                    Err(refusal) => rejected.push(refusal),
                }
            }
            taken.scope_spans.push(inner);
        }
        out.resource_spans.push(taken);
    }
    out
}

/// Log records, and those that are not as they should be.
pub(super) fn logs(body: &Value, rejected: &mut Vec<Refusal>) -> ExportLogsServiceRequest {
    let root = Place::ROOT;
    let mut out = ExportLogsServiceRequest::default();
    for (index, resource) in items(body, "resourceLogs").enumerate() {
        let place = root.at("resourceLogs", Some(index));
        let mut taken = ResourceLogs { resource: resource_of(resource), ..Default::default() };
        for (index, scope) in items(resource, "scopeLogs").enumerate() {
            let place = place.at("scopeLogs", Some(index));
            let mut inner = ScopeLogs { scope: scope_of(scope), ..Default::default() };
            for (index, one) in items(scope, "logRecords").enumerate() {
                match log(one, place.at("logRecords", Some(index))) {
                    Ok(log) => inner.log_records.push(log),
                    Err(refusal) => rejected.push(refusal),
                }
            }
            taken.scope_logs.push(inner);
        }
        out.resource_logs.push(taken);
    }
    out
}

fn span(value: &Value, place: Place<'_>) -> Result<Span, Refusal> {
    if !value.is_object() {
        return Err(Refusal { pointer: place.pointer(), message: "expected a span".to_owned() });
    }
    let mut events = Vec::new();
    for (index, event) in items(value, "events").enumerate() {
        events.push(span::Event {
            time_unix_nano: nanos(event, "timeUnixNano", place.at("events", Some(index)))?,
            name: text(event, "name"),
            attributes: attributes(event),
            ..Default::default()
        });
    }
    let mut links = Vec::new();
    for (index, link) in items(value, "links").enumerate() {
        let place = place.at("links", Some(index));
        links.push(span::Link {
            trace_id: id(link, "traceId", place)?,
            span_id: id(link, "spanId", place)?,
            attributes: attributes(link),
            ..Default::default()
        });
    }
    let status = value.get("status").filter(|status| status.is_object()).map(|status| Status {
        message: text(status, "message"),
        code: word(status, "code", &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]),
    });
    Ok(Span {
        trace_id: id(value, "traceId", place)?,
        span_id: id(value, "spanId", place)?,
        parent_span_id: id(value, "parentSpanId", place)?,
        trace_state: text(value, "traceState"),
        name: text(value, "name"),
        kind: word(
            value,
            "kind",
            &[
                "SPAN_KIND_UNSPECIFIED",
                "SPAN_KIND_INTERNAL",
                "SPAN_KIND_SERVER",
                "SPAN_KIND_CLIENT",
                "SPAN_KIND_PRODUCER",
                "SPAN_KIND_CONSUMER",
            ],
        ),
        start_time_unix_nano: nanos(value, "startTimeUnixNano", place)?,
        end_time_unix_nano: nanos(value, "endTimeUnixNano", place)?,
        attributes: attributes(value),
        events,
        links,
        status,
        ..Default::default()
    })
}

fn log(value: &Value, place: Place<'_>) -> Result<LogRecord, Refusal> {
    if !value.is_object() {
        let message = "expected a log record".to_owned();
        return Err(Refusal { pointer: place.pointer(), message });
    }
    Ok(LogRecord {
        time_unix_nano: nanos(value, "timeUnixNano", place)?,
        observed_time_unix_nano: nanos(value, "observedTimeUnixNano", place)?,
        body: value.get("body").and_then(any),
        attributes: attributes(value),
        trace_id: id(value, "traceId", place)?,
        span_id: id(value, "spanId", place)?,
        event_name: text(value, "eventName"),
        ..Default::default()
    })
}

fn resource_of(value: &Value) -> Option<Resource> {
    let resource = value.get("resource")?;
    Some(Resource { attributes: attributes(resource), ..Default::default() })
}

fn scope_of(value: &Value) -> Option<InstrumentationScope> {
    let scope = value.get("scope")?;
    Some(InstrumentationScope {
        name: text(scope, "name"),
        version: text(scope, "version"),
        attributes: attributes(scope),
        ..Default::default()
    })
}

fn attributes(value: &Value) -> Vec<KeyValue> {
    key_values(items(value, "attributes"))
}

fn key_values<'a>(items: impl Iterator<Item = &'a Value>) -> Vec<KeyValue> {
    items
        .filter_map(|item| {
            let key = item.get("key")?.as_str()?.to_owned();
            Some(KeyValue { key, value: item.get("value").and_then(any), ..Default::default() })
        })
        .collect()
}

fn any(value: &Value) -> Option<AnyValue> {
    use any_value::Value as Any;
    let (kind, inner) = value.as_object()?.iter().find(|(_, inner)| !inner.is_null())?;
    let told = match kind.as_str() {
        "stringValue" => Any::StringValue(inner.as_str()?.to_owned()),
        "boolValue" => Any::BoolValue(inner.as_bool()?),
        "intValue" => Any::IntValue(match inner {
            Value::String(text) => text.parse().ok()?,
            other => other.as_i64()?,
        }),
        "doubleValue" => Any::DoubleValue(match inner {
            // Protobuf's JSON writes what JSON has no number for as a text.
            Value::String(text) => text.parse().ok()?,
            other => other.as_f64()?,
        }),
        "arrayValue" => {
            let each = |value: &Value| any(value).unwrap_or_default();
            Any::ArrayValue(ArrayValue { values: items(inner, "values").map(each).collect() })
        }
        "kvlistValue" => {
            Any::KvlistValue(KeyValueList { values: key_values(items(inner, "values")) })
        }
        "bytesValue" => Any::BytesValue(STANDARD.decode(inner.as_str()?).ok()?),
        _ => return None,
    };
    Some(AnyValue { value: Some(told) })
}

fn items<'a>(value: &'a Value, key: &str) -> std::slice::Iter<'a, Value> {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An id, empty when there is none; some exporters write `null` then.
fn id(value: &Value, key: &str, place: Place<'_>) -> Result<Vec<u8>, Refusal> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => {
            hex::decode(text).map_err(|_| place.refuse(key, "expected hexadecimal digits"))
        }
        Some(_) => Err(place.refuse(key, "expected hexadecimal digits in a text")),
    }
}

/// Nanoseconds since 1970, 0 when there are none.
fn nanos(value: &Value, key: &str, place: Place<'_>) -> Result<u64, Refusal> {
    let told = match value.get(key) {
        None | Some(Value::Null) => return Ok(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_u64(),
    };
    told.ok_or_else(|| place.refuse(key, "expected nanoseconds since 1970, as a text or a number"))
}

/// A word of an enumeration, as its number or its name.
fn word(value: &Value, key: &str, names: &[&str]) -> i32 {
    let number = match value.get(key) {
        Some(Value::String(text)) => names.iter().position(|name| name == text),
        Some(other) => other.as_u64().and_then(|number| usize::try_from(number).ok()),
        None => None,
    };
    number.filter(|number| *number < names.len()).and_then(|n| i32::try_from(n).ok()).unwrap_or(0)
}
