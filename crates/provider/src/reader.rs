//! What a format family implements.

use record::FinishClass;
use record::envelope::Params;
use serde_json::Value;

use crate::framing::Framing;
use crate::oddities::Oddities;
use crate::params;
use crate::sse::Event;
use crate::taker::Taker;
use crate::word::{is_name, is_word};
use crate::{ReadRequest, ReadResponse};

/// Reads one wire format.
pub(crate) trait Reader: Sync {
    /// What the path tells: the model, and whether a stream is asked for. Runs before
    /// [`request`](Self::request), and for bodies that cannot be read too.
    fn target(&self, _path: &str, _out: &mut ReadRequest) {}

    /// The scalars of a request's body that are safe in the clear.
    fn params(&self, body: &Value) -> Params {
        params::read(body)
    }

    /// Whether bodies may be arrays of messages.
    fn batches(&self) -> bool {
        false
    }

    /// Whether a body is one that [`request`](Self::request) and [`answer`](Self::answer) take.
    fn takes(&self, body: &Value) -> bool {
        body.is_object() || (body.is_array() && self.batches())
    }

    /// Takes the parts out of a request's body and fills in what it tells. The body is an object,
    /// or an array where there are [`batches`](Self::batches), and escaped.
    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest);

    /// Takes the parts out of an answer, sent whole or assembled from a stream.
    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse);

    /// The framings of this format's streams.
    fn framings(&self) -> &'static [Framing] {
        &[Framing::Sse]
    }

    /// An assembler of this format's streams, if it has any.
    fn stream(&self) -> Option<Box<dyn Stream>> {
        None
    }

    /// Whether a piece of a stream holds the provider's end.
    fn ends(&self, _chunk: &[u8]) -> bool {
        false
    }
}

/// Assembles the events of a stream into the JSON of an answer sent whole.
pub(crate) trait Stream: Send {
    /// Takes in one event.
    fn event(&mut self, event: &Event<'_>, notes: &mut Notes);

    /// Whether the answer looks finished, for providers that send no end of their own.
    fn looks_finished(&self) -> bool {
        false
    }

    /// The answer as far as it came.
    fn finish(self: Box<Self>, notes: &mut Notes) -> Value;
}

/// What was noticed while a stream was read.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Events so far, the current one included.
    pub(crate) events: u64,
    pub(crate) content_events: u64,
    /// The provider's own end was seen.
    pub(crate) terminal: bool,
    /// The error that the stream carried.
    pub(crate) error: Option<Value>,
    pub(crate) unknown: Vec<Value>,
    /// Events that are known, do not fit into the answer and are kept as they are.
    pub(crate) kept: Vec<Value>,
    /// Texts of events that are not JSON, or not only.
    pub(crate) unread: Vec<String>,
    pub(crate) oddities: Oddities,
}

impl Notes {
    /// An event whose type is not known.
    pub(crate) fn unknown(&mut self, value: Value) {
        self.oddities.at("unknown_event", format_args!("event {}", self.events));
        self.unknown.push(value);
    }

    /// The JSON of an event; when it is none, the text is kept.
    pub(crate) fn parse(&mut self, event: &Event<'_>) -> Option<Value> {
        let place = format_args!("event {}", self.events);
        if let Ok(document) = crate::json::parse(event.data.as_bytes()) {
            if document.lost_members > 0 {
                self.oddities.at("duplicate_key", place);
                self.unread.push(event.data.clone().into_owned());
            }
            return Some(document.value);
        }
        let code = if event.complete {
            "event_json_invalid"
        } else {
            // The end of the stream cut it.
            "event_cut"
        };
        self.oddities.at(code, place);
        self.unread.push(event.data.clone().into_owned());
        None
    }

    pub(crate) fn fail(&mut self, error: Value) {
        self.error = Some(error);
    }
}

/// Adds a reason in the provider's words and ranks its class; the most notable class wins.
pub(crate) fn finish(
    out: &mut ReadResponse,
    taker: &mut Taker,
    reason: Option<&str>,
    class: FinishClass,
) {
    if let Some(reason) = reason {
        if is_word(reason, 64) {
            out.finish_reasons.push(reason.to_owned());
        } else {
            taker.oddities.note("finish_reason_unclear");
        }
    }
    if rank(class) > rank(out.finish_class) {
        out.finish_class = class;
    }
}

fn rank(class: FinishClass) -> u8 {
    match class {
        FinishClass::Stop => 1,
        FinishClass::ToolCall => 2,
        FinishClass::Length => 3,
        FinishClass::Refusal => 4,
        FinishClass::ContentFilter => 5,
        FinishClass::Error => 6,
        _ => 0,
    }
}

/// A name that may stand in the clear.
pub(crate) fn name(
    text: Option<&str>,
    code: &'static str,
    oddities: &mut Oddities,
) -> Option<String> {
    let text = text.filter(|text| !text.is_empty())?;
    if is_name(text) {
        return Some(text.to_owned());
    }
    oddities.note(code);
    None
}
