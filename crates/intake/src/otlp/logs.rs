//! Log records, and events of spans of the same names.

use std::collections::HashMap;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use record::TraceId;
use serde_json::{Map, Value, json};

use super::attributes::{Attributes, plain};
use super::call::Call;
use super::event::{self, Step};
use super::message::{message, messages};
use super::span::error;
use super::told::{Around, Finished, When, span_id, trace_id};
use super::{Context, OtlpRead};
use crate::Taken;

/// Records that tell of one call.
struct Group {
    trace: Vec<u8>,
    span: Vec<u8>,
    call: Call,
    attributes: Attributes,
    began: u64,
    ended: u64,
}

/// Reads the log records of one scope.
pub(super) fn read(records: Vec<LogRecord>, around: &Around, cx: &Context, out: &mut OtlpRead) {
    let mut groups: Vec<Group> = Vec::new();
    let mut open: HashMap<(Vec<u8>, Vec<u8>), usize> = HashMap::new();
    for log in records {
        let checked = trace_id(&log.trace_id).and_then(|_| span_id("span_id", &log.span_id));
        if let Err(why) = checked {
            out.rejected.push(why);
            continue;
        }
        let mut attributes = Attributes::new(log.attributes);
        let name = Some(log.event_name).filter(|name| !name.is_empty());
        let name = name.or_else(|| attributes.take_text(&["event.name"])).unwrap_or_default();
        let body = log.body.map(plain).filter(|body| !body.is_null());
        let time =
            if log.time_unix_nano > 0 { log.time_unix_nano } else { log.observed_time_unix_nano };
        if name == "gen_ai.evaluation.result" {
            out.taken.push(evaluation(&log.trace_id, &log.span_id, time, attributes, around, cx));
            continue;
        }
        if !is_known(&name) {
            out.dropped += 1;
            continue;
        }
        let key = (log.trace_id, log.span_id);
        // A question after an answer belongs to the next call of the same span.
        let choice = name == "gen_ai.choice" || name == "gen_ai.client.operation.exception";
        let at = match open.get(&key).copied() {
            Some(at) if choice || groups.get(at).is_some_and(|group| !group.call.has_answer()) => {
                at
            }
            _ => {
                groups.push(Group {
                    trace: key.0.clone(),
                    span: key.1.clone(),
                    call: Call::default(),
                    attributes: Attributes::default(),
                    began: time,
                    ended: time,
                });
                open.insert(key, groups.len() - 1);
                groups.len() - 1
            }
        };
        if let Some(group) = groups.get_mut(at) {
            group.began = group.began.min(time);
            group.ended = group.ended.max(time);
            absorb_event(&mut group.call, &name, &mut attributes, body);
            group.attributes.add(attributes);
        }
    }
    for group in groups {
        out.taken.push(finish(group, around, cx));
    }
}

fn finish(group: Group, around: &Around, cx: &Context) -> Taken {
    let Group { trace, span, mut call, mut attributes, began, ended } = group;
    call.absorb(&mut attributes);
    call.fail(error(&mut attributes, None));
    let mut oddities = Vec::new();
    // A log record has one time alone, so a call that is told in one has no length.
    let end = if ended > began { ended } else { 0 };
    let when = When::of(began, end, cx.now, &mut oddities);
    let operation = attributes.take_text(&["gen_ai.operation.name"]).unwrap_or("chat".to_owned());
    let trace_id = trace_id(&trace).ok().flatten();
    let mut head = around.head(&mut attributes, trace_id.unwrap_or(TraceId([0; 16])), cx);
    head.parent_span_id = span_id("span_id", &span).ok().flatten();
    let answered = call.has_answer();
    let rest = around.rest(attributes, json!({ "told_by": "log" }));
    let finished = Finished {
        id: (cx.id_of)(&[], when.began),
        head,
        when,
        first_token_us: None,
        oddities,
        answered,
    };
    let mut report = finished.report(call, &operation, rest);
    // The span itself may be told too, and more of its log records in another request: only what was
    // said tells these records from each other.
    let answer = report.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
    let key = [trace.as_slice(), &span, b"log", &report.request, answer].concat();
    let id = (cx.id_of)(&key, when.began);
    report.id = Some(id);
    if trace_id.is_none() {
        report.head.trace_id = TraceId(*id.as_bytes());
    }
    Taken::Call(Box::new(report))
}

fn evaluation(
    trace: &[u8],
    span: &[u8],
    time: u64,
    mut attributes: Attributes,
    around: &Around,
    cx: &Context,
) -> Taken {
    let mut oddities = Vec::new();
    let when = When::of(time, 0, cx.now, &mut oddities);
    let name = attributes.text("gen_ai.evaluation.name").unwrap_or_default().to_owned();
    let id = (cx.id_of)(&[trace, span, b"evaluation", name.as_bytes()].concat(), when.began);
    let trace = trace_id(trace).ok().flatten().unwrap_or(TraceId(*id.as_bytes()));
    let mut head = around.head(&mut attributes, trace, cx);
    head.parent_span_id = span_id("span_id", span).ok().flatten();
    let step = Step { id, head, when, oddities };
    event::evaluation(step, attributes, around, json!({ "told_by": "log" }))
}

fn is_known(name: &str) -> bool {
    matches!(
        name,
        "gen_ai.client.inference.operation.details"
            | "gen_ai.client.operation.exception"
            | "gen_ai.system.message"
            | "gen_ai.user.message"
            | "gen_ai.assistant.message"
            | "gen_ai.tool.message"
            | "gen_ai.choice"
            | "gen_ai.content.prompt"
            | "gen_ai.content.completion"
    )
}

/// Takes an event that tells of a call; whether its name is known. What it says stands in the body
/// of a log record, or in the attributes of a span's event.
pub(super) fn absorb_event(
    call: &mut Call,
    name: &str,
    attributes: &mut Attributes,
    body: Option<Value>,
) -> bool {
    match name {
        "gen_ai.client.inference.operation.details" | "gen_ai.client.operation.exception" => {
            // Some exporters put the attributes into the body.
            if let Some(Value::Object(members)) = body {
                attributes.add(Attributes::of(members));
            }
        }
        "gen_ai.content.prompt" => {
            if let Some(told) = attributes.take_json("gen_ai.prompt").or(body) {
                for message in messages(told, "user") {
                    call.ask(message);
                }
            }
        }
        "gen_ai.content.completion" => {
            if let Some(told) = attributes.take_json("gen_ai.completion").or(body) {
                for message in messages(told, "assistant") {
                    call.answer(message);
                }
            }
        }
        "gen_ai.choice" => call.answer(choice(said(attributes, body))),
        _ => {
            let Some(role) = name.strip_prefix("gen_ai.").and_then(|n| n.strip_suffix(".message"))
            else {
                return false;
            };
            if !matches!(role, "system" | "user" | "assistant" | "tool") {
                return false;
            }
            call.ask(message(said(attributes, body), role));
        }
    }
    true
}

/// What an event of one message says.
fn said(attributes: &mut Attributes, body: Option<Value>) -> Value {
    let told = body.or_else(|| attributes.take_json("gen_ai.event.content"));
    if let Some(told) = told {
        return super::attributes::unfold_text(told);
    }
    let mut members = Map::new();
    for name in ["role", "content", "id", "tool_calls", "index", "finish_reason", "message"] {
        if let Some(value) = attributes.take_json(name) {
            members.insert(name.to_owned(), value);
        }
    }
    Value::Object(members)
}

/// `{"index","finish_reason","message":{…}}`, as a message that has its reason beside it.
fn choice(value: Value) -> Value {
    let Value::Object(mut outer) = value else { return message(value, "assistant") };
    let inner = match outer.remove("message") {
        Some(Value::Object(inner)) => inner,
        Some(content @ Value::String(_)) => [("content".to_owned(), content)].into_iter().collect(),
        _ => Map::new(),
    };
    for (key, value) in inner {
        outer.entry(key).or_insert(value);
    }
    message(Value::Object(outer), "assistant")
}
