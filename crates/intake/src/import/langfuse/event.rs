//! Observations that are no calls, and traces.

use std::borrow::Cow;

use capture::{CallHead, Told};
use record::envelope::Params;
use record::{Content, Kind, Part, PartKind, Role, SkeletonBuilder};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::members::{Members, opened};
use super::super::{Cx, Key, Source, head};
use super::{END, SESSION, START, USER};
use crate::Taken;

/// Levels, which are words of Langfuse's own and stand in the clear.
const LEVELS: [&str; 4] = ["DEBUG", "DEFAULT", "WARNING", "ERROR"];
/// Types of observations, likewise.
const TYPES: [&str; 8] =
    ["SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL"];

/// An observation of this type.
pub(super) fn of(
    kind: &str,
    row: Members<'_>,
    head: CallHead,
    key: &Key<'_>,
    cx: &Cx<'_>,
) -> Taken {
    let mut facts = Params::default();
    let mut fact = |name: &str, value: Value| drop(facts.0.insert(name.to_owned(), value));
    if TYPES.contains(&kind) {
        fact("type", Value::from(kind.to_ascii_lowercase()));
    }
    let level = row.text(&["level"]).filter(|level| LEVELS.contains(&level.as_str()));
    if let Some(level) = &level {
        fact("level", Value::from(level.to_ascii_lowercase()));
    }
    let kind = match kind {
        "TOOL" => Kind::ToolCall,
        "RETRIEVER" => Kind::Retrieval,
        _ => Kind::Note,
    };
    if kind == Kind::ToolCall {
        fact("is_error", Value::Bool(level.as_deref() == Some("ERROR")));
    }
    told(kind, facts, row, head, key, cx)
}

/// A trace.
pub(super) fn note(row: Members<'_>, cx: &Cx<'_>) -> Taken {
    let id = row.text(&["id"]);
    // A trace may have the id of its first observation.
    let bytes = format!("trace/{}", id.as_deref().unwrap_or_default()).into_bytes();
    let key = Key { source: Source::Langfuse, bytes: Cow::Owned(bytes), began: row.time(&START) };
    let mut head = head(cx, None, key.trace(id.as_deref()));
    super::person(&mut head, row.text(&USER));
    head.session = row.text(&SESSION);
    head.environment = row.text(&["environment"]);
    head.tags.extend(row.texts(&["tags"]).into_iter().map(|tag| (tag, String::new())));
    let facts = Params([("type".to_owned(), Value::from("trace"))].into());
    told(Kind::Note, facts, row, head, &key, cx)
}

fn told(
    kind: Kind,
    mut facts: Params,
    mut row: Members<'_>,
    head: CallHead,
    key: &Key<'_>,
    cx: &Cx<'_>,
) -> Taken {
    let name = row.text(&["name"]).unwrap_or_default();
    let mut builder = SkeletonBuilder::new();
    let mut skeleton = Map::new();
    let input = row.take("input");
    let output = row.take("output");
    for (member, raw) in [("input", input), ("output", output)] {
        let Some(raw) = raw else { continue };
        let value = opened(raw);
        let reference = match (kind, member, value) {
            (Kind::Retrieval, "output", Value::Array(items)) => {
                facts.0.insert("documents".to_owned(), Value::from(items.len()));
                let items = items.into_iter().map(|item| document(item, &mut builder));
                Value::Array(items.collect())
            }
            (Kind::ToolCall, "input", value) => {
                let fields = [("name", Value::from(name.as_str())), ("arguments", value)];
                let index = builder.push(fields_of(Role::Assistant, PartKind::ToolCall, fields));
                SkeletonBuilder::member(index, "arguments")
            }
            (Kind::ToolCall, _, value) => {
                let fields = [("name", Value::from(name.as_str())), ("content", value)];
                let index = builder.push(fields_of(Role::Tool, PartKind::ToolResult, fields));
                SkeletonBuilder::member(index, "content")
            }
            (_, member, value) => {
                let role = if member == "input" { Role::User } else { Role::Assistant };
                let index = builder.push(match value {
                    Value::String(text) => Part::text(role, PartKind::Text, text),
                    value => Part { role, kind: PartKind::Opaque, content: Content::Json(value) },
                });
                SkeletonBuilder::reference(index)
            }
        };
        skeleton.insert(member.to_owned(), reference);
    }
    for (name, raw) in row.iter() {
        skeleton.insert(name.to_owned(), escaped(raw));
    }
    let mut oddities = Vec::new();
    let began = key.began(cx, &mut oddities);
    Taken::Event(Box::new(Told {
        id: key.id(cx),
        head,
        kind,
        began,
        ended: row.time(&END),
        about: None,
        facts,
        parts: builder.into_parts(),
        skeleton: Value::Object(skeleton),
        oddities,
    }))
}

fn escaped(raw: &RawValue) -> Value {
    let mut value = opened(raw);
    SkeletonBuilder::escape(&mut value);
    value
}

fn fields_of<const N: usize>(role: Role, kind: PartKind, fields: [(&str, Value); N]) -> Part {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Part { role, kind, content: Content::Fields(fields) }
}

/// A document becomes a part of its own: `text`, and `id` where it has one. The rest of it stays.
fn document(item: Value, builder: &mut SkeletonBuilder) -> Value {
    let mut members = match item {
        Value::String(text) => {
            let index =
                builder.push(fields_of(Role::User, PartKind::Document, [("text", text.into())]));
            return SkeletonBuilder::member(index, "text");
        }
        Value::Object(members) => members,
        mut other => {
            SkeletonBuilder::escape(&mut other);
            return other;
        }
    };
    let names = ["page_content", "pageContent", "text", "content"];
    let is_text = |name: &&str| members.get(*name).is_some_and(Value::is_string);
    let found = names.into_iter().find(is_text);
    let text = found.and_then(|name| Some((name, members.get(name)?.clone())));
    let id = members.get("id").filter(|id| id.is_string()).cloned();
    let mut rest = Value::Object(std::mem::take(&mut members));
    SkeletonBuilder::escape(&mut rest);
    let (Some((name, text)), Some(rest_members)) = (text, rest.as_object_mut()) else {
        return rest;
    };
    // An object with `$part` is wrapped now, and keeps its text where it is.
    if let Some(slot) = rest_members.get_mut(name) {
        let mut fields = Map::from_iter([("text".to_owned(), text)]);
        fields.extend(id.map(|id| ("id".to_owned(), id)));
        let index = builder.push(Part {
            role: Role::User,
            kind: PartKind::Document,
            content: Content::Fields(fields),
        });
        *slot = SkeletonBuilder::member(index, "text");
    }
    rest
}
