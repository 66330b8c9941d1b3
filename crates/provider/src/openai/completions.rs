//! Legacy completions: a text to be continued.

use record::{PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::reader::{Reader, Stream};
use crate::taker::Taker;
use crate::{ReadRequest, ReadResponse};

use super::chat::{ChoiceStream, choices_head, finish, take_choice};
use super::{deployment, done_line};

/// Reads legacy completions.
#[derive(Debug)]
pub(crate) struct Completions;

impl Reader for Completions {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        deployment(path, out);
    }

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
            // Mistral's fill in the middle answers as chat does, and so do some servers.
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or_default();
            let refused = take_choice(taker, choice, index);
            finish(choice, refused, taker, out);
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
