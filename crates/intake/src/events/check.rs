//! Events against the schema that is published.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::SCHEMA;
use crate::Refusal;

/// The types of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventType {
    Retrieval,
    ToolCall,
    Review,
    Feedback,
    Note,
    Interaction,
}

impl EventType {
    const ALL: [Self; 6] = [
        Self::Retrieval,
        Self::ToolCall,
        Self::Review,
        Self::Feedback,
        Self::Note,
        Self::Interaction,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Retrieval => "retrieval",
            Self::ToolCall => "tool_call",
            Self::Review => "review",
            Self::Feedback => "feedback",
            Self::Note => "note",
            Self::Interaction => "interaction",
        }
    }
}

/// The schema, ready to check with.
#[derive(Debug)]
pub struct Schema {
    types: Vec<(EventType, Validator)>,
}

/// The built-in schema is not one: a fault of the program.
#[derive(Debug, thiserror::Error)]
#[error("the schema of events does not compile: {0}")]
pub struct SchemaError(String);

impl Schema {
    /// Compiles the schema: one check for each type, so that errors are about the type that was
    /// meant.
    pub fn new() -> Result<Self, SchemaError> {
        let wrong = |error: &dyn std::fmt::Display| SchemaError(error.to_string());
        let schema: Value = serde_json::from_str(SCHEMA).map_err(|error| wrong(&error))?;
        let types = EventType::ALL
            .into_iter()
            .map(|kind| {
                let one = json!({
                    "$schema": schema.get("$schema"),
                    "$defs": schema.get("$defs"),
                    "$ref": format!("#/$defs/{}", kind.as_str()),
                });
                let validator = jsonschema::validator_for(&one).map_err(|error| wrong(&error))?;
                Ok((kind, validator))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { types })
    }

    /// The type of an event that is as the schema wants it.
    pub(super) fn check(&self, event: &Value, place: &str) -> Result<EventType, Vec<Refusal>> {
        let refuse = |pointer: &str, message: String| {
            vec![Refusal { pointer: format!("{place}{pointer}"), message }]
        };
        let known = || EventType::ALL.map(EventType::as_str).join(", ");
        if !event.is_object() {
            return Err(refuse(
                "",
                format!("an event is an object with a type, one of: {}", known()),
            ));
        }
        let Some(word) = event.get("type") else {
            return Err(refuse("/type", format!("missing; one of: {}", known())));
        };
        let found = self.types.iter().find(|(kind, _)| word.as_str() == Some(kind.as_str()));
        let Some((kind, validator)) = found else {
            return Err(refuse("/type", format!("unknown type {word}; one of: {}", known())));
        };
        let wrong: Vec<Refusal> = validator
            .iter_errors(event)
            .map(|error| Refusal {
                pointer: format!("{place}{}", error.instance_path()),
                // The value that is wrong may be anybody's: it is not repeated.
                message: error.masked().to_string(),
            })
            .collect();
        if wrong.is_empty() { Ok(*kind) } else { Err(wrong) }
    }
}
