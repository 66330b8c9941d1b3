//! Chat completions.

mod delta;
mod hot;
mod message;
mod stream;

use record::{FinishClass, PartKind, Role};
use serde_json::Value;

use crate::json;
use crate::reader::{self, Reader, Stream};
use crate::taker::Taker;
use crate::{ReadRequest, ReadResponse, error, usage};

use super::{class, content, deployment, done_line, head, named};
use message::message;
pub(crate) use stream::ChoiceStream;

/// Reads chat completions.
#[derive(Debug)]
pub(crate) struct Chat;

impl Reader for Chat {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        deployment(path, out);
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, _out: &mut ReadRequest) {
        for (index, slot) in json::items(body, "messages").iter_mut().enumerate() {
            message(taker, slot, None, format_args!("messages[{index}]"));
        }
        content::tools(taker, body);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        choices_head(body, taker, out);
        let items = json::items(body, "choices");
        let mut order: Vec<(u64, &mut Value)> = items
            .iter_mut()
            .map(|choice| {
                let index = choice.get("index").and_then(Value::as_u64);
                (index.unwrap_or(u64::MAX), choice)
            })
            .collect();
        order.sort_by_key(|(index, _)| *index);
        for (index, choice) in order {
            let refused = take_choice(taker, choice, index);
            finish(choice, refused, taker, out);
        }
        for citation in json::items(body, "citations") {
            match citation {
                // A link alone; the part is the same as for one with a title.
                Value::String(_) => {
                    let uri: &[(&'static str, &[&str])] = &[("uri", &[])];
                    taker.fields(citation, Role::Assistant, PartKind::Citation, &[], uri);
                }
                other => taker.whole(other, Role::Assistant, PartKind::Citation),
            }
        }
        taker.each(body, "search_results", Role::Assistant, PartKind::Citation);
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(ChoiceStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        done_line(chunk) || named(chunk, "error")
    }
}

/// Takes one choice's output; whether it was refused.
pub(super) fn take_choice(taker: &mut Taker, choice: &mut Value, index: u64) -> bool {
    let place = format_args!("choices[{index}].message");
    let Some(slot) = choice.get_mut("message") else {
        return false;
    };
    let refused = json::holds(slot, "refusal");
    message(taker, slot, Some(Role::Assistant), place);
    refused
}

/// Takes a choice's `finish_reason`, and the error that OpenRouter tells beside it.
pub(super) fn finish(choice: &mut Value, refused: bool, taker: &mut Taker, out: &mut ReadResponse) {
    let reason = json::filled(choice, "finish_reason");
    let mut found = reason.map_or(FinishClass::Unknown, class);
    // Azure tells of each filter whether it stopped the choice.
    if choice.get("content_filter_results").is_some_and(error::stopped) {
        found = FinishClass::ContentFilter;
    }
    if refused && matches!(found, FinishClass::Stop | FinishClass::Unknown) {
        found = FinishClass::Refusal;
    }
    reader::finish(out, taker, reason, found);
    broke(choice, taker, out);
}

/// Takes an error that stands inside of an answer: the answer broke off.
fn broke(holder: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
    let stopped = error::filtered(holder);
    if let Some(error) = error::take(holder, 200, taker) {
        out.error = Some(error);
        let class = if stopped { FinishClass::ContentFilter } else { FinishClass::Error };
        reader::finish(out, taker, None, class);
    }
}

/// Takes what chat and legacy completions name outside of their choices.
pub(super) fn choices_head(body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
    head(body, taker, out);
    // Groq's streams carry usage in a member of their own.
    let counts = json::given(body, "usage").or_else(|| body.pointer("/x_groq/usage"));
    out.usage = counts.and_then(|counts| usage::openai(counts, &mut taker.oddities));
    if let Some(groq) = body.get_mut("x_groq") {
        broke(groq, taker, out);
    }
    let later = body.pointer("/series/model").and_then(Value::as_array);
    if let (Some(first), Some(later)) = (&out.model, later) {
        let names = later
            .iter()
            .filter_map(|model| reader::name(model.as_str(), "model_unclear", &mut taker.oddities));
        out.served = std::iter::once(first.clone()).chain(names).collect();
        out.served.dedup();
    }
}
