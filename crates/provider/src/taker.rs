//! Takes parts out of a body and leaves references.

use std::fmt::Display;

use record::{Content, Part, PartKind, Role, Skeleton, SkeletonBuilder};
use serde_json::{Map, Value};

use crate::json;
use crate::oddities::Oddities;

/// Levels of a skeleton that any reader of JSON can still take.
const MAX_SKELETON_DEPTH: usize = 120;

/// Parts taken so far, and what was noticed on the way.
#[derive(Debug, Default)]
pub(crate) struct Taker {
    builder: SkeletonBuilder,
    pub(crate) oddities: Oddities,
    /// Whether the body names context that the provider holds or fetches.
    pub(crate) context_elsewhere: bool,
}

/// One field of a part: its name and the path of members to the value that is taken for it.
pub(crate) type Field<'a> = (&'static str, &'a [&'a str]);

impl Taker {
    /// Nothing taken yet, with what was noticed before.
    pub(crate) fn with(oddities: Oddities) -> Self {
        Self { oddities, ..Self::default() }
    }

    pub(crate) fn push(&mut self, part: Part) -> usize {
        self.builder.push(part)
    }

    /// Takes a text; what is empty or no text stays.
    pub(crate) fn text(&mut self, slot: &mut Value, role: Role, kind: PartKind) -> Option<usize> {
        match slot {
            Value::String(text) if !text.is_empty() => {
                let index = self.push(Part::text(role, kind, std::mem::take(text)));
                *slot = SkeletonBuilder::reference(index);
                Some(index)
            }
            _ => None,
        }
    }

    /// Takes the text of a member.
    pub(crate) fn text_at(
        &mut self,
        object: &mut Value,
        key: &str,
        role: Role,
        kind: PartKind,
    ) -> Option<usize> {
        object.get_mut(key).and_then(|slot| self.text(slot, role, kind))
    }

    /// Takes a whole value; null stays.
    pub(crate) fn whole(&mut self, slot: &mut Value, role: Role, kind: PartKind) {
        let content = match SkeletonBuilder::unescape(slot.take()) {
            Value::Null => return,
            Value::Object(members) => Content::Fields(members),
            other => Content::Json(other),
        };
        let index = self.push(Part { role, kind, content });
        *slot = SkeletonBuilder::reference(index);
    }

    /// Takes each item of an array member whole.
    pub(crate) fn each(&mut self, object: &mut Value, key: &str, role: Role, kind: PartKind) {
        for slot in json::items(object, key) {
            self.whole(slot, role, kind);
        }
    }

    /// Takes members of an object as the fields of one part. `known` fields stand in the part
    /// alone, before the taken ones. Nothing is taken when no path leads to a value.
    pub(crate) fn fields(
        &mut self,
        object: &mut Value,
        role: Role,
        kind: PartKind,
        known: &[(&'static str, &str)],
        taken: &[Field<'_>],
    ) -> Option<usize> {
        let mut fields = Map::new();
        for (name, value) in known {
            fields.insert((*name).to_owned(), Value::from(*value));
        }
        let mut found = Vec::with_capacity(taken.len());
        for (name, path) in taken {
            if let Some(slot) = at(object, path).filter(|slot| !slot.is_null()) {
                let value = match slot.take() {
                    text @ Value::String(_) => text,
                    other => SkeletonBuilder::unescape(other),
                };
                fields.insert((*name).to_owned(), value);
                found.push((*name, *path));
            }
        }
        if found.is_empty() {
            return None;
        }
        let index = self.push(Part { role, kind, content: Content::Fields(fields) });
        for (name, path) in found {
            if let Some(slot) = at(object, path) {
                *slot = SkeletonBuilder::member(index, name);
            }
        }
        Some(index)
    }

    /// Takes a block that this version does not know.
    pub(crate) fn unknown(
        &mut self,
        slot: &mut Value,
        role: Role,
        code: &'static str,
        place: impl Display,
    ) {
        self.oddities.at(code, place);
        self.whole(slot, role, PartKind::Opaque);
    }

    /// Whether parts were taken out of a value of the body.
    pub(crate) fn has_taken(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(Self::has_taken),
            // What the body itself has of this name is escaped.
            Value::Object(members) => {
                members.contains_key("$part")
                    || (!members.contains_key("$literal") && members.values().any(Self::has_taken))
            }
            _ => false,
        }
    }

    /// The parts and the skeleton, unless that is nested too deeply to be read again.
    pub(crate) fn finish(
        self,
        skeleton: Value,
    ) -> Result<(Vec<Part>, Skeleton, Oddities), Oddities> {
        if json::depth(&skeleton) > MAX_SKELETON_DEPTH {
            return Err(self.oddities);
        }
        Ok((self.builder.into_parts(), Skeleton(skeleton), self.oddities))
    }
}

fn at<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |value, key| value.get_mut(*key))
}

/// The role that a word names; [`Role::User`] with an oddity for one that is not known.
pub(crate) fn role(word: Option<&str>, taker: &mut Taker, place: impl Display) -> Role {
    match word {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user" | "human") => Role::User,
        Some("assistant" | "model") => Role::Assistant,
        Some("tool" | "function" | "ipython") => Role::Tool,
        _ => {
            taker.oddities.at("unknown_role", place);
            Role::User
        }
    }
}
