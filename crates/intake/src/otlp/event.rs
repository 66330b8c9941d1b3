//! Spans that are no calls to a model: retrievals, tools, steps; and evaluations.

use capture::{CallHead, Told};
use record::envelope::Params;
use record::{Content, Kind, Oddity, Part, PartKind, RecordId, Role, SkeletonBuilder};
use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::call::{Call, general};
use super::told::{Around, When};
use crate::Taken;

/// What is known of an event before its content.
pub(super) struct Step {
    pub(super) id: RecordId,
    pub(super) head: CallHead,
    pub(super) when: When,
    pub(super) oddities: Vec<Oddity>,
}

/// An event's content as it is put together.
struct Telling {
    parts: SkeletonBuilder,
    skeleton: Map<String, Value>,
    facts: Params,
}

impl Telling {
    /// With what nobody took, and the error that the span ended with.
    fn new(rest: Map<String, Value>, call: Call) -> Self {
        let mut rest = Value::Object(rest);
        let said = call.has_messages();
        let (request, mut answer) = call.into_bodies("", Map::new());
        let error = answer.get_mut("error").map(Value::take);
        if let (true, Value::Object(members)) = (said, &mut rest) {
            // Messages in the events of a span that is no call.
            members.insert("request".to_owned(), request);
            members.insert("answer".to_owned(), answer);
        }
        if let (Some(error), Value::Object(members)) = (&error, &mut rest) {
            members.insert("error".to_owned(), error.clone());
        }
        SkeletonBuilder::escape(&mut rest);
        let skeleton = match rest {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let mut facts = Params::default();
        if error.is_some() {
            facts.0.insert("error".to_owned(), Value::Bool(true));
        }
        Self { parts: SkeletonBuilder::new(), skeleton, facts }
    }

    /// A text or any other value as a part of its own, with a reference at `key`.
    fn part(&mut self, key: &str, role: Role, kind: PartKind, value: Value) {
        let content = match value {
            Value::Null => return,
            Value::String(text) => Content::Text(text),
            Value::Object(members) => Content::Fields(members),
            other => Content::Json(other),
        };
        let index = self.parts.push(Part { role, kind, content });
        self.skeleton.insert(key.to_owned(), SkeletonBuilder::reference(index));
    }

    /// Members as one part, and an object with references to each of them.
    fn fields(
        &mut self,
        role: Role,
        kind: PartKind,
        fields: Map<String, Value>,
    ) -> Map<String, Value> {
        if fields.is_empty() {
            return fields;
        }
        let names: Vec<String> = fields.keys().cloned().collect();
        let index = self.parts.push(Part { role, kind, content: Content::Fields(fields) });
        let member = |name: String| {
            let reference = SkeletonBuilder::member(index, &name);
            (name, reference)
        };
        names.into_iter().map(member).collect()
    }

    fn told(self, step: Step, kind: Kind) -> Taken {
        Taken::Event(Box::new(Told {
            id: Some(step.id),
            head: step.head,
            kind,
            began: step.when.began,
            ended: step.when.ended,
            about: None,
            facts: self.facts,
            parts: self.parts.into_parts(),
            skeleton: Value::Object(self.skeleton),
            oddities: step.oddities,
        }))
    }
}

/// Documents that were looked for: `gen_ai.retrieval.*`, `retrieval.documents.{i}.document.*`,
/// `reranker.output_documents.{i}.document.*`.
pub(super) fn retrieval(
    step: Step,
    call: Call,
    mut attributes: Attributes,
    around: &Around,
    about: Value,
) -> Taken {
    let query = attributes.take_text(&["gen_ai.retrieval.query.text", "reranker.query"]);
    let query = query.map(Value::from).or_else(|| general(&mut attributes, "input"));
    let mut documents = Vec::new();
    for name in ["gen_ai.retrieval.documents", "retrieval.documents"] {
        match attributes.take_json(name) {
            Some(Value::Array(items)) => documents.extend(items),
            Some(other) => documents.push(other),
            None => {}
        }
    }
    documents.extend(attributes.take_list("retrieval.documents"));
    documents.extend(attributes.take_list("reranker.output_documents"));
    let mut content = Telling::new(around.rest(attributes, about), call);
    content.part("query", Role::User, PartKind::Text, query.unwrap_or_default());
    content.facts.0.insert("documents".to_owned(), Value::from(documents.len()));
    let documents: Vec<Value> = documents
        .into_iter()
        .enumerate()
        .map(|(index, item)| document(&mut content, item, index + 1))
        .collect();
    content.skeleton.insert("documents".to_owned(), Value::Array(documents));
    content.told(step, Kind::Retrieval)
}

/// One document: what it is goes into a part, how well it fits stays in the skeleton.
fn document(content: &mut Telling, mut item: Value, rank: usize) -> Value {
    // OpenInference puts each document into a member of its own.
    let alone = item.as_object().is_some_and(|members| members.len() == 1);
    if let Some(inner) = item.get_mut("document").filter(|inner| alone && inner.is_object()) {
        item = inner.take();
    }
    let mut members = match item {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        other => [("text".to_owned(), other)].into_iter().collect(),
    };
    let mut fields = Map::new();
    for (name, others) in [
        ("id", &["id", "document_id"][..]),
        ("source", &["source", "uri", "url"]),
        ("title", &["title"]),
        ("text", &["text", "content", "page_content"]),
        ("metadata", &["metadata"]),
    ] {
        let found = others.iter().find_map(|other| members.remove(*other));
        let value = match found {
            // What keys and finds a document is its id's text.
            Some(Value::Number(number)) if name == "id" => Value::String(number.to_string()),
            Some(value) if name == "metadata" => super::attributes::unfold_text(value),
            Some(value) => value,
            None => continue,
        };
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    let mut rest = Value::Object(members);
    SkeletonBuilder::escape(&mut rest);
    let mut told = content.fields(Role::User, PartKind::Document, fields);
    if let Value::Object(rest) = rest {
        told.extend(rest);
    }
    told.insert("rank".to_owned(), Value::from(rank));
    Value::Object(told)
}

/// A tool that ran: `gen_ai.tool.*`, OpenInference's `tool.*`, a tool of OpenLLMetry.
pub(super) fn tool(
    step: Step,
    call: Call,
    mut attributes: Attributes,
    around: &Around,
    about: Value,
) -> Taken {
    let told = about.get("name").and_then(Value::as_str);
    let name = attributes
        .take_text(&["gen_ai.tool.name", "tool.name", "traceloop.entity.name"])
        .or_else(|| Some(told?.strip_prefix("execute_tool ")?.to_owned()));
    let call_id = attributes.take_text(&["gen_ai.tool.call.id", "tool_call.id", "tool.id"]);
    let mut take = |names: &[&str]| names.iter().find_map(|name| attributes.take(name));
    let arguments = take(&[
        "gen_ai.tool.call.arguments",
        "input.value",
        "traceloop.entity.input",
        "tool.parameters",
    ]);
    let result = take(&["gen_ai.tool.call.result", "output.value", "traceloop.entity.output"]);
    let mut content = Telling::new(around.rest(attributes, about), call);
    let mut asked = Map::new();
    let mut answered = Map::new();
    if let Some(id) = call_id {
        asked.insert("call_id".to_owned(), Value::from(id.as_str()));
        if result.is_some() {
            answered.insert("call_id".to_owned(), Value::from(id));
        }
    }
    if let Some(name) = name {
        asked.insert("name".to_owned(), Value::from(name));
    }
    if let Some(arguments) = arguments {
        asked.insert("arguments".to_owned(), arguments);
    }
    if let Some(result) = result {
        answered.insert("content".to_owned(), result);
    }
    let asked = content.fields(Role::Assistant, PartKind::ToolCall, asked);
    let answered = content.fields(Role::Tool, PartKind::ToolResult, answered);
    content.skeleton.insert("call".to_owned(), Value::Object(asked));
    content.skeleton.insert("result".to_owned(), Value::Object(answered));
    content.told(step, Kind::ToolCall)
}

/// A step that holds other steps and says nothing to a model itself: an agent, a workflow, a chain.
pub(super) fn note(
    step: Step,
    operation: &str,
    call: Call,
    mut attributes: Attributes,
    around: &Around,
    about: Value,
) -> Taken {
    let mut take = |side: &str| {
        let told = attributes.take(&format!("{side}.value"));
        told.or_else(|| attributes.take(&format!("traceloop.entity.{side}")))
    };
    let (input, output) = (take("input"), take("output"));
    // Counts and parameters that were taken already go back beside the rest.
    let (request, answer) = call.into_bodies(operation, Map::new());
    let mut rest = around.rest(attributes, about);
    for (key, value) in [("request", request), ("answer", answer)] {
        rest.insert(key.to_owned(), value);
    }
    let mut content = Telling::new(rest, Call::default());
    if operation.len() <= 32 && operation.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        content.facts.0.insert("operation".to_owned(), Value::from(operation));
    }
    content.part("input", Role::User, PartKind::Text, input.unwrap_or_default());
    content.part("output", Role::Assistant, PartKind::Text, output.unwrap_or_default());
    content.told(step, Kind::Note)
}

/// `gen_ai.evaluation.result`: somebody, mostly a program, said how good an answer was.
pub(super) fn evaluation(
    step: Step,
    mut attributes: Attributes,
    around: &Around,
    about: Value,
) -> Taken {
    let score = attributes.take("gen_ai.evaluation.score.value");
    let explanation = attributes.take("gen_ai.evaluation.explanation");
    let mut content = Telling::new(around.rest(attributes, about), Call::default());
    if let Some(Value::Number(score)) = score {
        content.facts.0.insert("score".to_owned(), record::envelope::param_number(&score));
    }
    content.part("comment", Role::User, PartKind::Text, explanation.unwrap_or_default());
    content.told(step, Kind::Feedback)
}
