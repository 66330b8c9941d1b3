//! An answer, read as its bytes come.

use std::fmt;

use record::envelope::{ProviderError, Usage};
use record::{Content, FinishClass, Oddity, Part, Role, Skeleton, SkeletonBuilder};
use serde_json::Value;

use crate::framing::{Declared, Framer, Framing, Sniffed, sniff};
use crate::json::{self, Fault};
use crate::oddities::Oddities;
use crate::reader::{Notes, Stream};
use crate::request::opaque;
use crate::sse::Event;
use crate::taker::Taker;
use crate::{Format, cost, error, usage};

/// What of an answer's head matters for reading it.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// HTTP status.
    pub status: u16,
    /// The `content-type` header.
    pub content_type: Option<&'a str>,
    /// Token counts that headers tell.
    pub tokens: HeaderTokens,
}

/// Token counts of an answer's headers, as Bedrock sends them for models that it calls in their
/// own format: `x-amzn-bedrock-input-token-count` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct HeaderTokens {
    /// Tokens of the input, without what the cache gave or took.
    pub input: Option<u64>,
    /// Tokens of the output.
    pub output: Option<u64>,
    /// Tokens read from the cache.
    pub cache_read: Option<u64>,
    /// Tokens written to the cache.
    pub cache_write: Option<u64>,
}

/// How the transport ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Properly.
    Complete,
    /// The bytes stopped in the middle.
    Cut,
}

/// What an answer tells.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadResponse {
    /// Output in order; choices by their index.
    pub parts: Vec<Part>,
    /// The body with references in place of the parts; for a stream the body that it assembles
    /// to, with `unknown_events` and `series` (earlier values of members that changed) beside.
    pub skeleton: Option<Skeleton>,
    /// The model that answered.
    pub model: Option<String>,
    /// The models that served parts of the answer, when the provider names several.
    pub served: Vec<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// The provider's `system_fingerprint`.
    pub fingerprint: Option<String>,
    /// Why the model stopped, in the provider's words, one a choice.
    pub finish_reasons: Vec<String>,
    /// The same in one vocabulary; of several choices the most notable.
    pub finish_class: FinishClass,
    /// The error by type and code; its message is a part.
    pub error: Option<ProviderError>,
    /// Token counts, when the provider sent any.
    pub usage: Option<Usage>,
    /// What the call cost, when the answer tells it: millionths of a US dollar.
    pub cost_micro_usd: Option<u64>,
    /// The service tier that the answer names, in the provider's word.
    pub service_tier: Option<String>,
    /// Whether the provider stopped without its end.
    pub truncated: bool,
    /// What could not be taken as usual.
    pub oddities: Vec<Oddity>,
}

/// Reads an answer: [`push`](Self::push) its decompressed bytes in any split, then
/// [`finish`](Self::finish). The split does not change what comes out.
pub struct ResponseReader {
    format: Format,
    status: u16,
    declared: Declared,
    tokens: HeaderTokens,
    state: State,
    notes: Notes,
}

enum State {
    /// Too few bytes to tell a stream from a whole answer.
    Undecided(Vec<u8>),
    Whole(Vec<u8>),
    Stream(Framer, Box<dyn Stream>),
}

impl fmt::Debug for ResponseReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseReader")
            .field("format", &self.format)
            .field("events", &self.notes.events)
            .finish_non_exhaustive()
    }
}

impl ResponseReader {
    /// A reader of the answer to a request in this format.
    pub fn new(format: Format, head: &ResponseHead<'_>) -> Self {
        Self {
            format,
            status: head.status,
            declared: Declared::of(head.content_type),
            tokens: head.tokens,
            state: State::Undecided(Vec::new()),
            notes: Notes::default(),
        }
    }

    /// Takes in the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Undecided(head) => {
                head.extend_from_slice(bytes);
                self.decide(false);
            }
            State::Whole(whole) => whole.extend_from_slice(bytes),
            State::Stream(framer, stream) => {
                framer.push(bytes);
                drain(framer, stream.as_mut(), &mut self.notes);
            }
        }
    }

    /// How many events with content (deltas of text, reasoning or tool arguments) have been read
    /// so far; 0 for an answer that is no stream.
    pub fn content_events(&self) -> u64 {
        self.notes.content_events
    }

    /// Whether the provider's own end was seen in the stream.
    pub fn terminal_seen(&self) -> bool {
        self.notes.terminal
    }

    /// What was read, once no more bytes come.
    pub fn finish(mut self, end: End) -> ReadResponse {
        if matches!(self.state, State::Undecided(_)) {
            self.decide(true);
        }
        let reading = Reading { format: self.format, status: self.status, tokens: self.tokens };
        match self.state {
            State::Undecided(bytes) | State::Whole(bytes) => {
                reading.finish_whole(&bytes, end, self.notes)
            }
            State::Stream(mut framer, mut stream) => {
                while let Some(event) = framer.finish() {
                    take_event(&event, stream.as_mut(), &mut self.notes);
                }
                reading.finish_stream(framer, stream, end, self.notes)
            }
        }
    }

    fn decide(&mut self, at_end: bool) {
        let State::Undecided(head) = &mut self.state else {
            return;
        };
        let reader = self.format.reader();
        let stream = reader.and_then(|reader| Some((reader.framings(), reader.stream()?)));
        let Some((framings, mut stream)) = stream else {
            self.state = State::Whole(std::mem::take(head));
            return;
        };
        let framing = match sniff(head, self.declared, framings, at_end) {
            Sniffed::Undecided => return,
            Sniffed::Whole => None,
            Sniffed::Stream(framing) => Some(framing),
        };
        let bytes = std::mem::take(head);
        if !self.declared.fits(framing) {
            self.notes.oddities.note("content_type_mismatch");
        }
        self.state = match framing.map(Framer::new) {
            Some(mut framer) => {
                framer.push(&bytes);
                drain(&mut framer, stream.as_mut(), &mut self.notes);
                State::Stream(framer, stream)
            }
            None => State::Whole(bytes),
        };
    }
}

fn drain(framer: &mut Framer, stream: &mut dyn Stream, notes: &mut Notes) {
    while let Some(event) = framer.next() {
        take_event(&event, stream, notes);
    }
}

fn take_event(event: &Event<'_>, stream: &mut dyn Stream, notes: &mut Notes) {
    notes.events += 1;
    if event.lossy {
        let place = format_args!("event {}", notes.events);
        notes.oddities.at("utf8_invalid", place);
    }
    stream.event(event, notes);
}

impl ReadResponse {
    fn empty() -> Self {
        Self {
            parts: Vec::new(),
            skeleton: None,
            model: None,
            served: Vec::new(),
            response_id: None,
            fingerprint: None,
            finish_reasons: Vec::new(),
            finish_class: FinishClass::Unknown,
            error: None,
            usage: None,
            cost_micro_usd: None,
            service_tier: None,
            truncated: false,
            oddities: Vec::new(),
        }
    }
}

/// An answer that is read to its end.
struct Reading {
    format: Format,
    status: u16,
    tokens: HeaderTokens,
}

impl Reading {
    fn finish_whole(self, bytes: &[u8], end: End, notes: Notes) -> ReadResponse {
        let (format, status) = (self.format, self.status);
        let mut taker = Taker::with(notes.oddities);
        let mut out = ReadResponse::empty();
        let parsed = json::parse(bytes);
        let fault = match parsed {
            Ok(document) if format.reader().is_some_and(|reader| reader.takes(&document.value)) => {
                if document.lost_members > 0 {
                    let lost = format!("{} members", document.lost_members);
                    taker.oddities.at("duplicate_key", lost);
                    taker.push(opaque(bytes, Role::Assistant));
                }
                return self.answer(document.value, taker, out, bytes);
            }
            Ok(document) => {
                // Type and code of the error are worth having even from a body that is kept whole.
                let mut unread = Taker::default();
                out.error = error::take(&mut document.value.clone(), status, &mut unread);
                if format.reader().is_some() && out.error.is_none() {
                    taker.oddities.note("shape_unexpected");
                }
                None
            }
            // An answer without content has no body: a notification was taken, a call was ended.
            Err(Fault::Empty) if matches!(status, 202 | 204 | 205 | 304) => None,
            Err(fault) => Some(fault),
        };
        if format.reader().is_none() {
            taker.oddities.note("unknown_format");
        } else if let Some(fault) = fault {
            taker.oddities.note(fault.code());
        }
        out.truncated = end == End::Cut || (fault == Some(Fault::Cut) && format.reader().is_some());
        if !bytes.is_empty() {
            let part = opaque(bytes, Role::Assistant);
            if matches!(part.content, Content::Bytes(_)) && format.reader().is_some() {
                taker.oddities.note("utf8_invalid");
            }
            out.parts.push(part);
        }
        if out.error.is_none() {
            out.error = error::of_status(status);
        }
        if out.error.is_some() {
            out.finish_class = FinishClass::Error;
        }
        out.oddities = taker.oddities.into_list();
        out
    }

    fn finish_stream(
        self,
        mut framer: Framer,
        stream: Box<dyn Stream>,
        end: End,
        mut notes: Notes,
    ) -> ReadResponse {
        let ended = notes.terminal
            || notes.error.is_some()
            || (end == End::Complete && stream.looks_finished());
        let mut body = stream.finish(&mut notes);
        if let Value::Object(members) = &mut body {
            if let Some(error) = notes.error.take() {
                members.insert("error".to_owned(), error);
            }
            for (name, events) in [("unknown_events", notes.unknown), ("kept_events", notes.kept)] {
                if !events.is_empty() {
                    members.insert(name.to_owned(), Value::Array(events));
                }
            }
        }
        if framer.dropped() > 0 {
            let amount = format!("{} bytes", framer.dropped());
            notes.oddities.at("event_too_large", amount);
        }
        notes.oddities.append(framer.take_oddities());
        let mut taker = Taker::with(notes.oddities);
        let mut tail: Vec<Part> = Vec::new();
        for text in notes.unread {
            tail.push(opaque(text.as_bytes(), Role::Assistant));
        }
        let stray = framer.take_stray();
        if !stray.is_empty() {
            taker.oddities.at(framer.stray_code(), format!("{} bytes", stray.len()));
            tail.push(opaque(&stray, Role::Assistant));
        }
        let mut out = self.answer(body, taker, ReadResponse::empty(), b"");
        out.truncated = !ended;
        out.parts.extend(tail);
        out
    }

    /// Reads the JSON of an answer; `bytes` are kept when it turns out unreadable.
    fn answer(
        self,
        mut body: Value,
        mut taker: Taker,
        mut out: ReadResponse,
        bytes: &[u8],
    ) -> ReadResponse {
        SkeletonBuilder::escape(&mut body);
        // Before the reader, which takes messages away.
        out.cost_micro_usd = cost::cost(&body, &mut taker.oddities);
        out.service_tier = cost::service_tier(&body);
        if let Some(reader) = self.format.reader() {
            reader.answer(&mut body, &mut taker, &mut out);
        }
        if out.usage.is_none() {
            out.usage = usage::of_headers(&self.tokens);
        }
        let told = error::filtered(&body);
        if let Some(error) = error::take(&mut body, self.status, &mut taker) {
            out.error = Some(error);
            out.finish_class = if told { FinishClass::ContentFilter } else { FinishClass::Error };
        } else if out.finish_class == FinishClass::Error && out.error.is_none() {
            // The model's side broke off and says no more.
            out.error = Some(error::unnamed());
        }
        match taker.finish(body) {
            Ok((parts, skeleton, oddities)) => {
                out.parts = parts;
                out.skeleton = Some(skeleton);
                out.oddities = oddities.into_list();
            }
            Err(oddities) => {
                out.parts = vec![opaque(bytes, Role::Assistant)];
                out.oddities = oddities_with(oddities, Fault::TooDeep);
            }
        }
        out
    }
}

fn oddities_with(mut oddities: Oddities, fault: Fault) -> Vec<Oddity> {
    oddities.note(fault.code());
    oddities.into_list()
}

/// The framing that an answer has if it is a stream of this format, by its content type. A JSON
/// array is a stream only if its first byte says so.
pub fn stream_framing(format: Format, content_type: Option<&str>) -> Option<Framing> {
    let framing = Declared::of(content_type).framing()?;
    format.reader()?.framings().contains(&framing).then_some(framing)
}

/// A cheap check whether a piece of a stream holds the provider's end, for a proxy that must hold
/// back the last piece. An end that is split between pieces is not found.
pub fn ends_stream(format: Format, chunk: &[u8]) -> bool {
    format.reader().is_some_and(|reader| reader.ends(chunk))
}
