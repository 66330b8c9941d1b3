//! One record as JSON, the form of DESIGN §13.

mod told;

use record::envelope::{Correlation, Interaction, Masking, PartRef, Retention, Usage, Who};
use record::{Body, Content, Envelope, PartKind, Timestamp};
use serde_json::{Map, Value, json};

use crate::open::Opened;
use crate::source::{RecordAt, WAITING};

/// The JSON of a record. `sealed` tells whether the published checkpoint covers it.
pub fn view(at: &RecordAt, sealed: bool) -> Value {
    match Envelope::from_bytes(&at.envelope) {
        Ok(envelope) => of(at, &envelope, &Opened::closed(), sealed),
        Err(error) => json!({ "error": error.to_string(), "proof": proof(at, sealed) }),
    }
}

pub(crate) fn of(at: &RecordAt, envelope: &Envelope, opened: &Opened, sealed: bool) -> Value {
    let interaction = match &envelope.body {
        Body::Interaction(interaction) => interaction,
        Body::Event(event) => return told::of(at, envelope, event, opened, sealed),
        _ => return own(at, envelope, sealed),
    };
    let i = interaction.as_ref();
    json!({
        "id": envelope.id,
        "kind": "interaction",
        "collector": envelope.collector,
        "admission": i.admission,
        "origin": i.origin,
        "synthetic": i.synthetic,
        "recorded": time(Some(envelope.recorded)),
        "correlation": correlation(&i.correlation),
        "time": {
            "admitted": time(Some(i.time.admitted)),
            "sent": time(i.time.sent),
            "first_byte": time(i.time.first_byte),
            "first_token": time(i.time.first_token),
            "last_byte": time(i.time.last_byte),
        },
        "who": who(&i.who),
        "upstream": i.upstream,
        "model": {
            "provider": i.model.provider,
            "operation": i.model.operation,
            "format": i.model.format,
            "requested": i.model.requested,
            "answered": i.model.answered,
            "served": i.model.served,
            "fingerprint": i.model.fingerprint,
            "stream": i.model.stream,
            "params": params(i, opened),
        },
        "request": {
            "parts": asked(i, opened),
            "bytes": i.request.bytes,
            "complete": i.request.complete,
            "context_complete": i.request.context_complete,
        },
        "response": {
            "status": i.response.status,
            "outcome": i.response.outcome,
            "finish_class": i.response.finish_class,
            "finish_reasons": i.response.finish_reasons,
            "error": i.response.error,
            "bytes": i.response.bytes,
            "parts": parts(&i.response.parts, opened),
        },
        "usage": i.usage.as_ref().map(usage),
        "cost": i.cost,
        "timing": {
            "first_byte_us": i.timing.first_byte_us,
            "first_token_us": i.timing.first_token_us,
            "total_us": i.timing.total_us,
            "token_gap_p50_us": i.timing.token_gap_p50_us,
            "token_gap_p99_us": i.timing.token_gap_p99_us,
        },
        "client": {
            "bytes_sent": i.client.bytes_sent,
            "completed": i.client.completed,
            "hung_up_after_us": i.client.hung_up_after_us,
        },
        "masking": masking(&i.masking),
        "signals": {
            "refusal": i.signals.refusal.map(thousandths),
            "injection": i.signals.injection.map(thousandths),
        },
        "oddities": i.oddities,
        "retention": retention(&i.retention, opened.hold()),
        "proof": proof(at, sealed),
    })
}

fn correlation(c: &Correlation) -> Value {
    json!({
        "trace_id": c.trace_id,
        "parent_span_id": c.parent_span_id,
        "session": c.session,
        "thread": c.thread,
        "previous": c.previous,
        "client_request_id": c.client_request_id,
        "provider_request_id": c.provider_request_id,
        "response_id": c.response_id,
        "attempt": c.attempt,
        "retry_of": c.retry_of,
    })
}

fn who(who: &Who) -> Value {
    json!({
        "caller": who.caller,
        "credential": who.credential,
        "user": who.user,
        "identity": who.identity,
        "proven": who.proven,
        "roles": who.roles,
        "environment": who.environment,
        "service": who.service,
        "tags": who.tags,
    })
}

fn masking(masking: &Masking) -> Value {
    json!({
        "policy": masking.policy,
        "detectors": masking.detectors,
        "counts": masking.counts,
    })
}

fn retention(retention: &Retention, hold: Option<&str>) -> Value {
    json!({
        "class": retention.class,
        "content_until": retention.content_until.map(|t| t.to_string()),
        "locked_until": retention.locked_until.map(|t| t.to_string()),
        "hold": hold,
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input": usage.input,
        "output": usage.output,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "reasoning": usage.reasoning,
        "total": usage.total,
        "source": usage.source,
        "raw": usage.raw,
        "normaliser": usage.normaliser,
    })
}

/// A record that Custody made itself.
fn own(at: &RecordAt, envelope: &Envelope, sealed: bool) -> Value {
    // The body as it is logged; the fields of all kinds are in the clear.
    let body = serde_json::from_slice::<Value>(&at.envelope)
        .ok()
        .and_then(|mut value| value.get_mut("body").map(Value::take))
        .unwrap_or(Value::Null);
    json!({
        "id": envelope.id,
        "kind": envelope.kind(),
        "collector": envelope.collector,
        "recorded": time(Some(envelope.recorded)),
        "body": body,
        "proof": proof(at, sealed),
    })
}

fn proof(at: &RecordAt, sealed: bool) -> Value {
    let envelope = Envelope::from_bytes(&at.envelope);
    let leaf = envelope.map(|envelope| hex(&envelope.leaf(&at.envelope).to_bytes())).ok();
    json!({
        "leaf_index": (at.leaf != WAITING).then_some(at.leaf),
        "leaf": leaf,
        "envelope_sha256": record::Digest::of(&at.envelope),
        "sealed": sealed,
        "file": at.file,
    })
}

fn thousandths(score: u16) -> f64 {
    f64::from(score) / 1000.0
}

fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| Value::String(time.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing into a String has no way to fail.
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

/// The parameters in the clear and, when the skeleton is open, all scalar ones of the body.
fn params(interaction: &Interaction, opened: &Opened) -> Value {
    let mut params: Map<String, Value> = Map::new();
    let skeleton = interaction.request.skeleton.as_ref().and_then(|part| opened.get(part).ok());
    if let Some(Content::Json(skeleton)) = skeleton
        && let Some(Value::Object(body)) = skeleton.get("body")
    {
        for (name, value) in body {
            if !holds_parts(value)
                && !["model", "messages", "input", "system"].contains(&name.as_str())
            {
                params.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, value) in &interaction.model.params.0 {
        params.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(params)
}

fn holds_parts(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_parts),
        Value::Object(members) => {
            members.contains_key("$part") || members.values().any(holds_parts)
        }
        _ => false,
    }
}

fn parts(parts: &[PartRef], opened: &Opened) -> Value {
    parts.iter().map(|reference| part(reference, opened)).collect()
}

/// The request's parts, each with the documents that stand verbatim in it.
fn asked(interaction: &Interaction, opened: &Opened) -> Value {
    let mut parts: Vec<Value> =
        interaction.request.parts.iter().map(|reference| part(reference, opened)).collect();
    for link in &interaction.documents {
        let found = usize::try_from(link.part).ok().and_then(|part| parts.get_mut(part));
        if let Some(Value::Object(part)) = found {
            let links = part.entry("documents").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(links) = links {
                links.push(json!({ "record": link.record, "pid": link.pid }));
            }
        }
    }
    Value::Array(parts)
}

/// A part with its content, or with the reason why there is none.
fn part(reference: &PartRef, opened: &Opened) -> Value {
    let mut members = Map::new();
    members.insert("role".to_owned(), json!(reference.role));
    members.insert("kind".to_owned(), json!(reference.kind));
    members.insert("pid".to_owned(), json!(reference.pid));
    members.insert("length".to_owned(), json!(reference.length));
    match opened.get(reference) {
        Ok(content) => add_content(&mut members, reference.kind, content),
        Err(why) => {
            members.insert("withheld".to_owned(), json!(why.as_str()));
        }
    }
    Value::Object(members)
}

fn add_content(members: &mut Map<String, Value>, kind: PartKind, content: &Content) {
    match content {
        Content::Text(text) => {
            members.insert("text".to_owned(), Value::from(text.as_str()));
        }
        Content::Fields(fields) => {
            for (name, value) in fields {
                // `role`, `kind`, `pid` and `length` are the part's own.
                let taken = members.contains_key(name);
                let name = if taken { format!("content_{name}") } else { name.clone() };
                members.insert(name, arguments(kind, value));
            }
        }
        Content::Json(value) => {
            members.insert("json".to_owned(), value.clone());
        }
        Content::Bytes(bytes) => {
            members.insert("text".to_owned(), Value::from(String::from_utf8_lossy(bytes)));
            members.insert("lossy".to_owned(), Value::Bool(true));
        }
    }
}

/// A tool call's arguments are shown as JSON, whether the provider sends them as text or not.
fn arguments(kind: PartKind, value: &Value) -> Value {
    if kind == PartKind::ToolCall
        && let Some(text) = value.as_str().filter(|text| text.starts_with('{'))
        && let Ok(parsed @ Value::Object(_)) = serde_json::from_str(text)
    {
        return parsed;
    }
    value.clone()
}
