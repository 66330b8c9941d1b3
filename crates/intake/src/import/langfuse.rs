//! Langfuse: observations and traces, as its API, its tables and its blob storage exports write them.
//!
//! <https://langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields>
//!
//! Generations and embeddings are calls. Tools and retrievers are events of these kinds; spans,
//! agents, other observations and traces are notes.

mod event;

use std::borrow::Cow;

use capture::CallHead;
use provider::Format;
use record::Oddity;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::bodies::{self, Times};
use super::members::{Members, map, opened, value};
use super::{BESIDE, Cx, Key, Source, head, person, report};
use crate::{Refusal, Taken};

// The API writes camel case, blob storage snake case.
const TRACE: [&str; 2] = ["traceId", "trace_id"];
const USER: [&str; 2] = ["userId", "user_id"];
const SESSION: [&str; 2] = ["sessionId", "session_id"];
const START: [&str; 3] = ["startTime", "start_time", "timestamp"];
const END: [&str; 2] = ["endTime", "end_time"];
const FIRST: [&str; 2] = ["completionStartTime", "completion_start_time"];
const PARENT: [&str; 2] = ["parentObservationId", "parent_observation_id"];
const MODEL: [&str; 4] = ["model", "providedModelName", "provided_model_name", "internalModel"];
const PARAMS: [&str; 2] = ["modelParameters", "model_parameters"];
const STATUS: [&str; 2] = ["statusMessage", "status_message"];

/// The trace that an observation belongs to.
pub(super) fn key(members: &Members<'_>) -> Option<String> {
    members.text(&TRACE)
}

/// A trace says of its observations whose they are.
pub(super) fn tells(members: &Members<'_>) -> Vec<(String, String)> {
    if let Some(rows) = rows(members, "data") {
        let rows = rows.into_iter().filter_map(|row| Members::of(row.get().as_bytes()).ok());
        return rows.filter(is_trace).filter_map(|row| facts(&row)).collect();
    }
    is_trace(members).then(|| facts(members)).flatten().into_iter().collect()
}

fn facts(members: &Members<'_>) -> Option<(String, String)> {
    let names = [USER.as_slice(), &SESSION, &["tags", "name", "environment", "release"]].concat();
    let said = names.into_iter().filter_map(|name| Some((name, members.get(&[name])?)));
    let said: Vec<String> = said.map(|(name, v)| format!("\"{name}\":{}", v.get())).collect();
    Some((members.text(&["id"])?, format!("{{{}}}", said.join(","))))
}

fn rows<'a>(members: &Members<'a>, name: &str) -> Option<Vec<&'a RawValue>> {
    serde_json::from_str(members.get(&[name])?.get()).ok()
}

fn is_trace(members: &Members<'_>) -> bool {
    members.get(&["type"]).is_none() && members.get(&TRACE).is_none()
}

pub(super) fn read(members: Members<'_>, cx: &Cx<'_>) -> Result<Vec<Taken>, Refusal> {
    if let Some(rows) = rows(&members, "data").filter(|_| members.get(&["id"]).is_none()) {
        return each("/data", &rows, None, cx);
    }
    if members.get(&["id"]).is_none() {
        return Err(refusal("/id", "neither an observation nor a trace: it has no id"));
    }
    if !is_trace(&members) {
        return observation(members, None, cx).map(|taken| vec![taken]);
    }
    if members.get(&["value", "dataType", "data_type", "stringValue"]).is_some() {
        return Err(refusal("/value", "scores are not imported"));
    }
    let said = facts(&members).map(|(_, said)| said);
    let mut members = members;
    // A trace as the API gives it holds its observations; elsewhere these are their ids.
    let inner = rows(&members, "observations").filter(|rows| {
        members.take("observations");
        rows.iter().all(|row| row.get().starts_with('{'))
    });
    let mut taken = each("/observations", &inner.unwrap_or_default(), said.as_deref(), cx)?;
    taken.push(event::note(members, cx));
    Ok(taken)
}

fn each(
    place: &str,
    rows: &[&RawValue],
    said: Option<&str>,
    cx: &Cx<'_>,
) -> Result<Vec<Taken>, Refusal> {
    let mut taken = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let raw = row.get().as_bytes();
        let at = |refusal: Refusal| Refusal {
            pointer: format!("{place}/{index}{}", refusal.pointer),
            message: refusal.message,
        };
        let members = Members::of(raw).map_err(at)?;
        if said.is_some() {
            taken.push(observation(members, said, cx).map_err(at)?);
        } else {
            taken.extend(read(members, cx).map_err(at)?);
        }
    }
    Ok(taken)
}

fn refusal(pointer: &str, message: &str) -> Refusal {
    Refusal { pointer: pointer.to_owned(), message: message.to_owned() }
}

/// One observation; `said` is what its trace says.
fn observation(mut row: Members<'_>, said: Option<&str>, cx: &Cx<'_>) -> Result<Taken, Refusal> {
    let beside = row.take(BESIDE);
    let trace = said.or_else(|| beside.map(RawValue::get));
    let trace = trace.and_then(|text| Members::of(text.as_bytes()).ok()).unwrap_or_default();
    let kind = row.text(&["type"]).unwrap_or_default();
    let Some(id) = row.text(&["id"]) else {
        return Err(refusal("/id", "an observation has an id"));
    };
    let key = Key {
        source: Source::Langfuse,
        bytes: Cow::Borrowed(id.as_bytes()),
        began: row.time(&START),
    };
    let head = told(&key, &row, &trace, cx);
    match kind.as_str() {
        "GENERATION" | "EMBEDDING" => Ok(call(&key, row, head, kind == "EMBEDDING", cx)),
        "" => Err(refusal("/type", "an observation has a type")),
        kind => Ok(event::of(kind, row, head, &key, cx)),
    }
}

/// Who and what an observation belongs to; its trace knows where it does not.
fn told(key: &Key<'_>, row: &Members<'_>, trace: &Members<'_>, cx: &Cx<'_>) -> CallHead {
    let metadata = map(row.get(&["metadata"]));
    let named = ["gen_ai.provider.name", "gen_ai.system", "ls_provider"];
    let attributes = metadata.get("attributes").and_then(Value::as_object);
    let provider = named.iter().find_map(|name| {
        let found = metadata.get(*name).or_else(|| attributes?.get(*name));
        found?.as_str()
    });
    let mut head = head(cx, provider, key.trace(row.text(&TRACE).as_deref()));
    let either = |names: &[&str]| row.text(names).or_else(|| trace.text(names));
    person(&mut head, either(&USER));
    head.session = either(&SESSION);
    head.environment = either(&["environment"]);
    head.parent_span_id = row.text(&PARENT).and_then(|id| id.parse().ok());
    head.client_request_id = row.text(&["id"]);
    let tags = [row.texts(&["tags"]), trace.texts(&["tags"])].concat();
    head.tags.extend(tags.into_iter().map(|tag| (tag, String::new())));
    head
}

fn call(
    key: &Key<'_>,
    mut row: Members<'_>,
    head: CallHead,
    embedding: bool,
    cx: &Cx<'_>,
) -> Taken {
    let model = row.text(&MODEL);
    let times = Times { began: key.began, first_token: row.time(&FIRST), ended: row.time(&END) };
    let params = map(row.take_any(&PARAMS));
    let input = row.take("input").map_or(Value::Null, opened);
    let (format, request) = if embedding {
        let mut body = Map::new();
        body.extend(model.as_deref().map(|model| ("model".to_owned(), Value::from(model))));
        body.insert("input".to_owned(), input);
        body.extend(params.into_iter().filter(|(name, _)| name != "input" && name != "model"));
        (Format::OpenAiEmbeddings, Value::Object(body).to_string().into_bytes())
    } else {
        (Format::OpenAiChat, bodies::request(model.as_deref(), input, params))
    };
    let usage = usage(&row);
    let output = row.take("output").map(opened);
    let answer = match (row.text(&["level"]).as_deref(), output) {
        (Some("ERROR"), output) => {
            let mut body = match output {
                Some(Value::Object(members)) => members,
                Some(output) => Map::from_iter([("output".to_owned(), output)]),
                None => Map::new(),
            };
            let error = json!({ "message": row.text(&STATUS), "type": "error" });
            body.entry("error").or_insert(error);
            Some(Value::Object(body).to_string().into_bytes())
        }
        (_, Some(output)) => Some(bodies::answer(model.as_deref(), output, usage)),
        (_, None) => None,
    };
    let mut report = report(cx, key, head, format, request, row.rest());
    if answer.is_none() {
        report.oddities.push(Oddity::new("answer_missing"));
    }
    report.answer = answer.map(|body| bodies::kept(0, body, times));
    Taken::Call(Box::new(report))
}

/// Counts in `OpenAI`'s words. What Langfuse counts apart (`input_cached_tokens`) belongs to the
/// input there.
fn usage(row: &Members<'_>) -> Option<Value> {
    let counts = match map(row.get(&["usageDetails", "usage_details"])) {
        counts if counts.is_empty() => map(row.get(&["usage"])),
        counts => counts,
    };
    let sum = |fits: &dyn Fn(&str) -> bool| -> Option<u64> {
        let found = counts.iter().filter(|(name, _)| fits(name));
        found.filter_map(|(_, count)| count.as_u64()).reduce(u64::saturating_add)
    };
    let cached =
        |name: &str| name.contains("cache") && (name.contains("read") || name.contains("cached"));
    let one = |name: &'static str| move |other: &str| other == name;
    let input = sum(&one("prompt_tokens"))
        .or_else(|| sum(&|name| name.starts_with("input") || name.starts_with("cache_")))
        .or_else(|| sum(&one("promptTokens")));
    let output = sum(&one("completion_tokens"))
        .or_else(|| sum(&|name| name.starts_with("output")))
        .or_else(|| sum(&one("completionTokens")));
    let mut usage = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        usage.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("prompt_tokens", input.map(Value::from));
    put("completion_tokens", output.map(Value::from));
    let total = sum(&|name| ["total", "totalTokens", "total_tokens"].contains(&name));
    put("total_tokens", total.map(Value::from));
    put("prompt_tokens_details", sum(&cached).map(|n| json!({ "cached_tokens": n })));
    let reasoning = sum(&|name| name.contains("reasoning"));
    put("completion_tokens_details", reasoning.map(|n| json!({ "reasoning_tokens": n })));
    let costs = map(row.get(&["costDetails", "cost_details"]));
    let total = ["calculatedTotalCost", "totalCost", "total_cost"];
    let cost = costs.get("total").cloned().or_else(|| row.get(&total).map(value));
    put("cost", cost.filter(Value::is_number));
    (!usage.is_empty()).then_some(Value::Object(usage))
}

#[cfg(test)]
mod tests;
