//! Legacy completions: a text to be continued.

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::reader::{Reader, Stream};
use crate::taker::Taker;
use crate::{ReadRequest, ReadResponse};

use super::chat::{ChoiceStream, choices_head, finish};
use super::done_line;

/// Reads legacy completions.
#[derive(Debug)]
pub(crate) struct Completions;

impl Reader for Completions {
    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        if let Some(prompt) = body.get_mut("prompt") {
            texts(taker, prompt);
        }
        taker.text_at(body, "suffix", Role::User, PartKind::Text);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        choices_head(body, taker, out);
        for choice in json::items(body, "choices") {
            taker.text_at(choice, "text", Role::Assistant, PartKind::Text);
            // Some servers answer here as chat does.
            if let Some(message) = choice.get_mut("message") {
                taker.text_at(message, "content", Role::Assistant, PartKind::Text);
            }
            finish(choice, false, taker, out);
        }
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(ChoiceStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        done_line(chunk)
    }
}

/// Takes a prompt or an embedding's input: a text, texts, tokens, or lists of tokens.
pub(crate) fn texts(taker: &mut Taker, slot: &mut Value) {
    let tokens = |items: &[Value]| !items.is_empty() && items.iter().all(Value::is_number);
    match slot {
        Value::String(_) => {
            taker.text(slot, Role::User, PartKind::Text);
        }
        Value::Array(items) if tokens(items) => {
            taker.whole(slot, Role::User, PartKind::Opaque);
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(_) => {
                        taker.text(item, Role::User, PartKind::Text);
                    }
                    other => taker.whole(other, Role::User, PartKind::Opaque),
                }
            }
        }
        Value::Null => {}
        _ => taker.whole(slot, Role::User, PartKind::Opaque),
    }
}
