//! A body with references where its parts stood. `spec/record.md`, "Skeleton".

use serde_json::{Map, Value};

use crate::{Content, Part};

const REFERENCE: &str = "$part";
const MEMBER: &str = "at";
const LITERAL: &str = "$literal";

/// A JSON body in which parts are replaced by `{"$part": i}` or `{"$part": i, "at": member}`.
///
/// An object of the body that itself has a member named `$part` or `$literal` is wrapped as
/// `{"$literal": …}`, so filling is unambiguous. Filled with the parts it gives back the body's
/// JSON value, member order included.
#[derive(Debug, Clone, PartialEq)]
pub struct Skeleton(pub Value);

/// Why a skeleton cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkeletonError {
    /// It refers to a part that is not there.
    #[error("the skeleton refers to part {0}, which is not there")]
    MissingPart(u64),
    /// It refers to a member that the part does not have.
    #[error("the skeleton refers to member {1:?} of part {0}, which is not there")]
    MissingMember(u64, String),
}

impl Skeleton {
    /// Puts the parts back.
    pub fn fill(&self, parts: &[Part]) -> Result<Value, SkeletonError> {
        self.fill_with(&|index| {
            usize::try_from(index).ok().and_then(|i| parts.get(i)).map(|part| &part.content)
        })
    }

    /// Puts back the contents that `part` gives by index.
    pub fn fill_with<'a>(
        &self,
        part: &dyn Fn(u64) -> Option<&'a Content>,
    ) -> Result<Value, SkeletonError> {
        fill(&self.0, part, true)
    }
}

fn fill<'a>(
    value: &Value,
    part: &dyn Fn(u64) -> Option<&'a Content>,
    special: bool,
) -> Result<Value, SkeletonError> {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| fill(item, part, true))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(members) if special && members.contains_key(REFERENCE) => {
            let index = members.get(REFERENCE).and_then(Value::as_u64).unwrap_or(u64::MAX);
            let content = part(index).ok_or(SkeletonError::MissingPart(index))?;
            match members.get(MEMBER).and_then(Value::as_str) {
                Some(member) => content
                    .field(member)
                    .cloned()
                    .ok_or_else(|| SkeletonError::MissingMember(index, member.to_owned())),
                None => Ok(whole(content)),
            }
        }
        Value::Object(members) if special && members.contains_key(LITERAL) => {
            members.get(LITERAL).map_or(Ok(Value::Null), |inner| fill(inner, part, false))
        }
        Value::Object(members) => members
            .iter()
            .map(|(key, item)| Ok((key.clone(), fill(item, part, true)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        other => Ok(other.clone()),
    }
}

fn whole(content: &Content) -> Value {
    match content {
        Content::Text(text) => Value::String(text.clone()),
        Content::Fields(fields) => Value::Object(fields.clone()),
        Content::Json(value) => value.clone(),
        Content::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Takes parts out of a body, one by one, leaving references.
#[derive(Debug, Default)]
pub struct SkeletonBuilder {
    parts: Vec<Part>,
}

impl SkeletonBuilder {
    /// Nothing taken yet. Call [`escape`](Self::escape) on the body before taking parts out.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wraps objects of the body that look like references; do it once, before the first part is
    /// taken.
    pub fn escape(body: &mut Value) {
        match body {
            Value::Array(items) => items.iter_mut().for_each(Self::escape),
            Value::Object(members) => {
                members.values_mut().for_each(Self::escape);
                if members.contains_key(REFERENCE) || members.contains_key(LITERAL) {
                    let inner = std::mem::take(members);
                    members.insert(LITERAL.to_owned(), Value::Object(inner));
                }
            }
            _ => {}
        }
    }

    /// Undoes [`escape`](Self::escape) for a value that leaves the skeleton to become content.
    pub fn unescape(value: Value) -> Value {
        // A value taken out holds no references, so filling with no parts only unwraps literals.
        fill(&value, &|_| None, true).unwrap_or(value)
    }

    /// Adds a part and gives the index by which the skeleton refers to it.
    pub fn push(&mut self, part: Part) -> usize {
        self.parts.push(part);
        self.parts.len() - 1
    }

    /// `{"$part": index}`.
    pub fn reference(index: usize) -> Value {
        let mut members = Map::with_capacity(1);
        members.insert(REFERENCE.to_owned(), Value::from(index));
        Value::Object(members)
    }

    /// `{"$part": index, "at": member}`.
    pub fn member(index: usize, member: &str) -> Value {
        let mut members = Map::with_capacity(2);
        members.insert(REFERENCE.to_owned(), Value::from(index));
        members.insert(MEMBER.to_owned(), Value::from(member));
        Value::Object(members)
    }

    /// The parts taken, in order.
    pub fn into_parts(self) -> Vec<Part> {
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PartKind, Role};

    #[test]
    fn filling_gives_the_body_back() {
        let source = r#"{"z":{"$part":7,"x":[{"$literal":1}]},"messages":[{"content":"hi","n":1.50}],"a":null}"#;
        let body: Value = serde_json::from_str(source).unwrap();
        let mut skeleton = body.clone();
        SkeletonBuilder::escape(&mut skeleton);
        let mut builder = SkeletonBuilder::new();
        let taken = skeleton["messages"][0]["content"].take();
        let index = builder.push(Part::text(Role::User, PartKind::Text, taken.as_str().unwrap()));
        skeleton["messages"][0]["content"] = SkeletonBuilder::reference(index);
        let filled = Skeleton(skeleton).fill(&builder.into_parts()).unwrap();
        assert_eq!(filled.to_string(), body.to_string());
    }

    #[test]
    fn a_missing_part_is_named() {
        let skeleton = Skeleton(serde_json::json!({"a": {"$part": 3}}));
        assert_eq!(skeleton.fill(&[]), Err(SkeletonError::MissingPart(3)));
    }

    #[test]
    fn what_leaves_the_skeleton_is_unwrapped() {
        let mut value = serde_json::json!({"arguments": {"$part": 1}});
        SkeletonBuilder::escape(&mut value);
        assert_eq!(
            SkeletonBuilder::unescape(value),
            serde_json::json!({"arguments": {"$part": 1}})
        );
    }
}
