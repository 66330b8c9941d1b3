//! One span: what it tells of, and its call or event.

use opentelemetry_proto::tonic::trace::v1::{Span, span::Event, span::SpanKind};
use record::{Oddity, Timestamp};
use serde_json::{Value, json};

use super::Context;
use super::attributes::Attributes;
use super::call::Call;
use super::event::{self, Step};
use super::logs::absorb_event;
use super::told::{Around, Finished, When, at, span_id, trace_id};
use crate::Taken;

/// The status code of OTLP for an error.
const ERROR: i32 = 2;

/// What a span tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tells {
    /// A call to a model, by the conventions' word for the operation.
    Call(String),
    /// Documents that were looked for.
    Retrieval,
    /// A tool that ran.
    Tool,
    /// A step that holds other steps, by its word.
    Step(String),
}

/// Reads a span; `None` when it tells of no model, an error when it is malformed.
pub(super) fn read(span: Span, around: &Around, cx: &Context) -> Result<Option<Taken>, String> {
    let trace = trace_id(&span.trace_id)?.ok_or("trace_id: a span must have one")?;
    let own = span_id("span_id", &span.span_id)?.ok_or("span_id: a span must have one")?;
    let parent = span_id("parent_span_id", &span.parent_span_id)?;
    let mut attributes = Attributes::new(span.attributes);
    let Some(tells) = tells(&attributes, &span.name) else { return Ok(None) };

    let mut oddities = Vec::new();
    if span.dropped_attributes_count > 0 {
        let amount = span.dropped_attributes_count.to_string();
        oddities.push(Oddity::at("attributes_dropped", amount));
    }
    let when = When::of(span.start_time_unix_nano, span.end_time_unix_nano, cx.now, &mut oddities);
    let id = (cx.id_of)(&[trace.as_bytes().as_slice(), own.as_bytes()].concat(), when.began);
    let mut head = around.head(&mut attributes, trace, cx);
    head.parent_span_id = parent;
    head.client_request_id = Some(own.to_string());

    let mut call = Call::default();
    let (others, first_token_us) = events(span.events, &mut call, &mut attributes, when.began);
    let first_token_us = first_token_us.or_else(|| first_chunk(&mut attributes));
    let status = span.status.unwrap_or_default();
    let failed = (status.code == ERROR).then_some(status.message);
    call.fail(error(&mut attributes, failed));

    let kind = SpanKind::try_from(span.kind).unwrap_or(SpanKind::Unspecified).as_str_name();
    let mut about = json!({ "name": span.name, "span_id": own, "kind": kind });
    if let Value::Object(members) = &mut about {
        if !others.is_empty() {
            members.insert("events".to_owned(), Value::Array(others));
        }
        let links: Vec<Value> = span
            .links
            .iter()
            .map(|link| json!({ "trace_id": hex::encode(&link.trace_id), "span_id": hex::encode(&link.span_id) }))
            .collect();
        if !span.trace_state.is_empty() {
            members.insert("trace_state".to_owned(), Value::String(span.trace_state));
        }
        if !links.is_empty() {
            members.insert("links".to_owned(), Value::Array(links));
        }
    }
    let step = |head, oddities| Step { id, head, when, oddities };
    let (operation, is_call) = match tells {
        Tells::Call(operation) => (operation, true),
        Tells::Step(operation) => (operation, false),
        Tells::Retrieval => {
            return Ok(Some(event::retrieval(
                step(head, oddities),
                call,
                attributes,
                around,
                about,
            )));
        }
        Tells::Tool => {
            return Ok(Some(event::tool(step(head, oddities), call, attributes, around, about)));
        }
    };
    call.absorb(&mut attributes);
    if is_call {
        call.absorb_general(&mut attributes);
    } else if call.has_messages() {
        call.set_counts_aside();
    } else {
        let step = step(head, oddities);
        return Ok(Some(event::note(step, &operation, call, attributes, around, about)));
    }
    let rest = around.rest(attributes, about);
    let finished = Finished { id, head, when, first_token_us, oddities, answered: true };
    Ok(Some(Taken::Call(Box::new(finished.report(call, &operation, rest)))))
}

/// What a span tells of, by the names of all three families.
pub(super) fn tells(attributes: &Attributes, name: &str) -> Option<Tells> {
    let call = |word: &str| Some(Tells::Call(word.to_owned()));
    let step = |word: &str| Some(Tells::Step(word.to_owned()));
    if let Some(kind) = attributes.text("openinference.span.kind") {
        let kind = kind.to_ascii_lowercase();
        return match kind.as_str() {
            "llm" => call("chat"),
            "embedding" => call("embeddings"),
            "retriever" | "reranker" => Some(Tells::Retrieval),
            "tool" => Some(Tells::Tool),
            _ => step(&kind),
        };
    }
    if let Some(operation) = attributes.text("gen_ai.operation.name") {
        return match operation {
            "retrieval" => Some(Tells::Retrieval),
            "execute_tool" => Some(Tells::Tool),
            "chat" | "text_completion" | "generate_content" | "embeddings" => call(operation),
            _ if operation.contains("agent") || operation.contains("workflow") => step(operation),
            // A word that is not known is a call when it names a model.
            _ if attributes.has("gen_ai.request.model") => call(operation),
            _ => step(operation),
        };
    }
    if let Some(kind) = attributes.text("llm.request.type") {
        return match kind {
            "completion" => call("text_completion"),
            "embedding" => call("embeddings"),
            "rerank" => Some(Tells::Retrieval),
            _ => call("chat"),
        };
    }
    if let Some(kind) = attributes.text("traceloop.span.kind") {
        let kind = kind.to_ascii_lowercase();
        return if kind == "tool" { Some(Tells::Tool) } else { step(&kind) };
    }
    let names = ["gen_ai.request.model", "gen_ai.system", "gen_ai.provider.name", "llm.model_name"];
    if names.iter().any(|name| attributes.has(name)) {
        // The first word of a span's name is the operation, since before it had a name of its own.
        return call(match name.split(' ').next() {
            Some(word @ ("text_completion" | "embeddings" | "generate_content")) => word,
            _ => "chat",
        });
    }
    None
}

/// Takes the events that tell of the call; the others, and when the first token came.
fn events(
    events: Vec<Event>,
    call: &mut Call,
    attributes: &mut Attributes,
    began: Timestamp,
) -> (Vec<Value>, Option<u64>) {
    let mut others = Vec::new();
    let mut first_token_us = None;
    for event in events {
        let mut inner = Attributes::new(event.attributes);
        let time = at(event.time_unix_nano);
        match event.name.as_str() {
            "exception" => {
                for name in ["exception.type", "exception.message", "exception.stacktrace"] {
                    if let Some(value) = inner.take(name) {
                        attributes
                            .add(Attributes::of([(name.to_owned(), value)].into_iter().collect()));
                    }
                }
            }
            "First Token Stream Event"
            | "gen_ai.content.completion.chunk"
            | "llm.content.completion.chunk" => {
                let told = time.map(|time| time.since_us(began));
                first_token_us = first_token_us.or(told);
            }
            name if absorb_event(call, name, &mut inner, None) => {
                attributes.add(std::mem::take(&mut inner));
            }
            _ => {
                let time = time.map(|time| time.to_string());
                others.push(
                    json!({ "name": event.name, "time": time, "attributes": inner.into_rest() }),
                );
                continue;
            }
        }
        if !inner.is_empty() {
            others.push(json!({ "name": event.name, "attributes": inner.into_rest() }));
        }
    }
    (others, first_token_us)
}

/// `gen_ai.response.time_to_first_chunk`, in seconds.
fn first_chunk(attributes: &mut Attributes) -> Option<u64> {
    let name = "gen_ai.response.time_to_first_chunk";
    let told = std::time::Duration::try_from_secs_f64(attributes.number(name)?).ok()?;
    attributes.take(name);
    u64::try_from(told.as_micros()).ok()
}

/// The error that a span ended with: its type by `error.type` or the exception, its message by the
/// exception or the status.
pub(super) fn error(attributes: &mut Attributes, failed: Option<String>) -> Option<Value> {
    let kind = attributes.take_text(&["error.type", "exception.type"]);
    let message = attributes.take_text(&["exception.message", "error.message"]);
    if kind.is_none() && message.is_none() && failed.is_none() {
        return None;
    }
    let message = message.or(failed.filter(|text| !text.is_empty()));
    Some(json!({ "type": kind, "message": message }))
}
