//! From a checked event to what is recorded.

use std::sync::Arc;

use capture::{Answer, CallHead, Identity, Report, ResponseStart, Route, Told};
use jiff::{SignedDuration, Timestamp as Instant};
use provider::{Family, Format, HeaderTokens};
use record::envelope::{Params, param_number};
use record::{
    Content, Kind, Oddity, Origin, Part, PartKind, Role, SkeletonBuilder, Timestamp, TraceId,
};
use serde_json::{Map, Value};

use super::check::EventType;
use crate::{Refusal, Taken};

/// Words that may stand in the clear, `[A-Za-z0-9_.:-]{1,64}`.
const LONGEST_WORD: usize = 64;

pub(super) fn event(
    kind: EventType,
    event: Value,
    head: &CallHead,
    now: Timestamp,
) -> Result<Taken, Refusal> {
    let mut head = head.clone();
    head.origin = Origin::Event;
    identify(&event, &mut head);
    correlate(&event, &mut head)?;
    let began = moment(&event, "time")?.unwrap_or(now);
    let ended = match moment(&event, "ended")? {
        Some(ended) => Some(ended),
        None => millis(&event, "duration_ms").map(|us| began.plus_us(us)),
    };
    let about = match event.get("interaction_id").and_then(Value::as_str) {
        Some(id) => Some(id.parse().map_err(|error: record::IdError| Refusal {
            pointer: "/interaction_id".to_owned(),
            message: error.to_string(),
        })?),
        None => None,
    };
    let kind = match kind {
        EventType::Interaction => return interaction(&event, head, began, ended),
        EventType::Retrieval => Kind::Retrieval,
        EventType::ToolCall => Kind::ToolCall,
        EventType::Review => Kind::Review,
        EventType::Feedback => Kind::Feedback,
        EventType::Note => Kind::Note,
    };
    let facts = facts(kind, &event);
    let (parts, skeleton) = take_apart(kind, event);
    Ok(Taken::Event(Box::new(Told {
        id: None,
        head,
        kind,
        began,
        ended,
        about,
        facts,
        parts,
        skeleton,
        oddities: Vec::new(),
    })))
}

/// Who, as the event says of itself; what it does not say is as the request's headers say.
fn identify(event: &Value, head: &mut CallHead) {
    let own = |key: &str| {
        event.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if let Some(user) = own("user") {
        head.user = Some(user);
        head.identity = Identity::Body;
    }
    head.session = own("session").or_else(|| head.session.take());
    head.environment = own("environment").or_else(|| head.environment.take());
    head.service = own("service").or_else(|| head.service.take());
    if let Some(Value::Array(roles)) = event.get("roles") {
        head.roles = roles.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if let Some(Value::Object(tags)) = event.get("tags") {
        let told = tags.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
        head.tags.extend(told);
    }
    head.synthetic |= event.get("synthetic") == Some(&Value::Bool(true));
}

/// What it belongs to: the event's own word, else the request's headers, else the interaction that
/// it is about.
fn correlate(event: &Value, head: &mut CallHead) -> Result<(), Refusal> {
    let own = |key: &str| event.get(key).and_then(Value::as_str);
    if let Some((trace, span)) = own("traceparent").and_then(capture::traceparent) {
        head.trace_id = trace;
        head.parent_span_id = Some(span);
    } else if own("traceparent").is_some() {
        return Err(Refusal {
            pointer: "/traceparent".to_owned(),
            message: "not a W3C traceparent, or all zeros".to_owned(),
        });
    }
    if let Some(name) = own("correlation_id").or_else(|| own("trace_id")) {
        head.trace_id = TraceId::named(name);
    } else if own("traceparent").is_none() && !head.trace_given && own("interaction_id").is_none() {
        return Err(Refusal {
            pointer: "/correlation_id".to_owned(),
            message: "missing: name what the event belongs to by correlation_id, trace_id, \
                      traceparent or interaction_id, or send a traceparent header"
                .to_owned(),
        });
    }
    Ok(())
}

fn moment(event: &Value, key: &str) -> Result<Option<Timestamp>, Refusal> {
    let refuse = |message: String| Refusal { pointer: format!("/{key}"), message };
    let told = match event.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text
            .parse::<Instant>()
            .map(Instant::as_microsecond)
            .map_err(|error| refuse(format!("not a time such as 2026-11-23T12:00:00Z: {error}")))?,
        Some(number) => {
            let seconds = number.as_f64().unwrap_or(f64::NAN);
            micros(seconds).ok_or_else(|| {
                refuse("not a time: seconds since 1970, up to the year 9999".to_owned())
            })?
        }
    };
    if told < 0 {
        return Err(refuse("a time before 1970".to_owned()));
    }
    Ok(Some(Timestamp(told)))
}

/// Milliseconds of a member, as microseconds.
fn millis(event: &Value, key: &str) -> Option<i64> {
    micros(event.get(key)?.as_f64()? / 1e3)
}

/// Microseconds of seconds, rounded; none past the year 9999.
fn micros(seconds: f64) -> Option<i64> {
    let whole = SignedDuration::try_from_secs_f64(seconds).ok()?;
    let micros = i64::try_from((whole.as_nanos() + 500) / 1000).ok()?;
    (0..253_402_300_800_000_000).contains(&micros).then_some(micros)
}

/// What of an event is safe in the clear.
fn facts(kind: Kind, event: &Value) -> Params {
    let mut facts = Params::default();
    let words: &[&str] = match kind {
        Kind::Retrieval => &["retriever", "index"],
        Kind::ToolCall => &["name", "outcome"],
        Kind::Review => &["decision", "role"],
        Kind::Feedback => &["label", "score"],
        _ => &[],
    };
    for key in words {
        let told = match event.get(*key) {
            Some(Value::String(word)) if is_word(word) => Value::from(word.as_str()),
            Some(Value::Number(number)) => param_number(number),
            _ => continue,
        };
        facts.0.insert((*key).to_owned(), told);
    }
    if let (Kind::Retrieval, Some(Value::Array(documents))) = (kind, event.get("documents")) {
        facts.0.insert("documents".to_owned(), Value::from(documents.len()));
    }
    facts
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST_WORD).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
}

/// Parts, and the event with references in their place. What names the person and the time stands
/// elsewhere in the record.
fn take_apart(kind: Kind, mut event: Value) -> (Vec<Part>, Value) {
    if let Value::Object(members) = &mut event {
        for key in ["user", "session", "roles", "environment", "service", "tags", "synthetic"] {
            members.shift_remove(key);
        }
    }
    SkeletonBuilder::escape(&mut event);
    let mut builder = SkeletonBuilder::new();
    match kind {
        Kind::Retrieval => {
            whole(&mut builder, &mut event, "query", Role::User, PartKind::Text);
            if let Some(Value::Array(documents)) = event.get_mut("documents") {
                for document in documents {
                    let keys = ["id", "source", "title", "text", "metadata"];
                    members(&mut builder, document, Role::Tool, PartKind::Document, &keys);
                }
            }
        }
        Kind::ToolCall => {
            let keys = ["call_id", "name", "arguments"];
            members(&mut builder, &mut event, Role::Assistant, PartKind::ToolCall, &keys);
            for key in ["result", "error"] {
                whole(&mut builder, &mut event, key, Role::Tool, PartKind::ToolResult);
            }
        }
        Kind::Review => {
            whole(&mut builder, &mut event, "reason", Role::User, PartKind::Text);
            whole(&mut builder, &mut event, "shown", Role::Assistant, PartKind::Text);
        }
        Kind::Feedback => whole(&mut builder, &mut event, "comment", Role::User, PartKind::Text),
        _ => {
            whole(&mut builder, &mut event, "text", Role::User, PartKind::Text);
            whole(&mut builder, &mut event, "data", Role::User, PartKind::Opaque);
        }
    }
    (builder.into_parts(), event)
}

/// Takes a member as a part of its own.
fn whole(builder: &mut SkeletonBuilder, event: &mut Value, key: &str, role: Role, kind: PartKind) {
    let Some(slot) = event.get_mut(key).filter(|slot| !slot.is_null()) else { return };
    let content = match SkeletonBuilder::unescape(slot.take()) {
        Value::String(text) => Content::Text(text),
        Value::Object(members) => Content::Fields(members),
        other => Content::Json(other),
    };
    let index = builder.push(Part { role, kind, content });
    *slot = SkeletonBuilder::reference(index);
}

/// Takes some members of an object as the fields of one part.
fn members(
    builder: &mut SkeletonBuilder,
    object: &mut Value,
    role: Role,
    kind: PartKind,
    keys: &[&str],
) {
    let Value::Object(all) = object else { return };
    let mut fields = Map::new();
    let mut taken = Vec::new();
    for key in keys {
        if let Some(slot) = all.get_mut(*key).filter(|slot| !slot.is_null()) {
            fields.insert((*key).to_owned(), SkeletonBuilder::unescape(slot.take()));
            taken.push(*key);
        }
    }
    if fields.is_empty() {
        return;
    }
    let index = builder.push(Part { role, kind, content: Content::Fields(fields) });
    for key in taken {
        all.insert(key.to_owned(), SkeletonBuilder::member(index, key));
    }
}

/// A call that did not go through the proxy.
fn interaction(
    event: &Value,
    mut head: CallHead,
    began: Timestamp,
    ended: Option<Timestamp>,
) -> Result<Taken, Refusal> {
    let own = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
    head.path = own("path").unwrap_or_default();
    "POST".clone_into(&mut head.method);
    head.format = match own("format") {
        Some(name) => Some(Format::named(&name).ok_or_else(|| Refusal {
            pointer: "/format".to_owned(),
            message: format!(
                "unknown format; one of: {}",
                Format::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
            ),
        })?),
        None => None,
    };
    let provider = own("provider").filter(|name| is_word(name));
    let known = provider.as_deref().and_then(|name| name.parse::<Family>().ok());
    head.route = Arc::new(Route {
        provider: provider.unwrap_or_else(|| "unknown".to_owned()),
        family: known.unwrap_or_default(),
        ..head.route.as_ref().clone()
    });
    head.content_encoding = None;
    head.content_type = Some("application/json".to_owned());
    if let Some(attempt) = event.get("attempt").and_then(Value::as_u64) {
        head.attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
    }
    let body = |key: &str| match event.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone().into_bytes()),
        Some(other) => Some(other.to_string().into_bytes()),
    };
    let microseconds = |key: &str| millis(event, key).and_then(|us| u64::try_from(us).ok());
    let status = event.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
    let answer = body("response").map(|bytes| Answer {
        start: ResponseStart {
            status: status.unwrap_or(0),
            content_type: own("content_type"),
            content_encoding: None,
            provider_request_id: own("provider_request_id"),
            tokens: HeaderTokens::default(),
        },
        body: bytes,
        complete: event.get("complete") != Some(&Value::Bool(false)),
        first_byte_us: None,
        first_token_us: microseconds("first_token_ms"),
        total_us: ended.and_then(|ended| u64::try_from(ended.0.saturating_sub(began.0)).ok()),
    });
    let oddities = if answer.is_none() { vec![Oddity::new("answer_not_told")] } else { Vec::new() };
    Ok(Taken::Call(Box::new(Report {
        id: None,
        head,
        began,
        request: body("request").unwrap_or_default(),
        answer,
        oddities,
    })))
}
