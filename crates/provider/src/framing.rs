//! How a stream is cut into events: told by the content type, checked against the bytes.

mod array;
mod eventstream;
mod lines;

use crate::oddities::Oddities;
use crate::sse::{Event, SseReader};

use array::ArrayReader;
use eventstream::EventStreamReader;
use lines::LineReader;

/// A framing of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// A JSON text a line.
    Lines,
    /// One JSON array whose items come one by one.
    Array,
    /// Amazon's binary event stream.
    EventStream,
}

/// What a content type says of a body's framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    Sse,
    Lines,
    EventStream,
    Json,
    Other,
}

impl Declared {
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        let name = content_type.unwrap_or_default().to_ascii_lowercase();
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if starts(&["text/event-stream"]) {
            Self::Sse
        } else if starts(&[
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
            "application/x-jsonlines",
            "application/stream+json",
        ]) {
            Self::Lines
        } else if starts(&["application/vnd.amazon.eventstream"]) {
            Self::EventStream
        } else if name.contains("json") {
            Self::Json
        } else {
            Self::Other
        }
    }

    /// The framing of a stream under this content type; JSON may be sent whole as well.
    pub(crate) fn framing(self) -> Option<Framing> {
        match self {
            Self::Sse => Some(Framing::Sse),
            Self::Lines => Some(Framing::Lines),
            Self::EventStream => Some(Framing::EventStream),
            Self::Json => Some(Framing::Array),
            Self::Other => None,
        }
    }

    /// Whether bytes in this framing, `None` for a whole body, are what was declared.
    pub(crate) fn fits(self, framing: Option<Framing>) -> bool {
        match self {
            Self::Sse => framing == Some(Framing::Sse),
            // An error may come as one JSON text, which is a line too.
            Self::Lines => matches!(framing, None | Some(Framing::Lines | Framing::Array)),
            Self::EventStream => framing == Some(Framing::EventStream),
            Self::Json => matches!(framing, None | Some(Framing::Array)),
            Self::Other => true,
        }
    }
}

/// What the first bytes of a body show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// Too few bytes are there.
    Undecided,
    /// A body that is sent whole.
    Whole,
    /// A stream.
    Stream(Framing),
}

/// The framing that bytes begin with. The content type is believed unless the bytes cannot be what
/// it says.
pub(crate) fn sniff(head: &[u8], declared: Declared, known: &[Framing], at_end: bool) -> Sniffed {
    const FIELDS: [&[u8]; 4] = [b"data:", b"event:", b"id:", b"retry:"];
    let told = |framing: Framing| {
        if known.contains(&framing) { Sniffed::Stream(framing) } else { Sniffed::Whole }
    };
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = start.trim_ascii_start();
    if known.contains(&Framing::EventStream)
        && let Some(sniffed) = binary(head, start, declared, at_end)
    {
        return sniffed;
    }
    if start.is_empty() || (start.len() < 3 && b"\xef\xbb\xbf".starts_with(start)) {
        return match declared {
            _ if !at_end => Sniffed::Undecided,
            Declared::Sse => told(Framing::Sse),
            Declared::Lines => told(Framing::Lines),
            Declared::EventStream => told(Framing::EventStream),
            _ => Sniffed::Whole,
        };
    }
    if start.starts_with(b"[") {
        return told(Framing::Array);
    }
    if start.starts_with(b"{") && declared != Declared::Json {
        return told(Framing::Lines);
    }
    let sse = told(Framing::Sse);
    if start.starts_with(b":") {
        return if declared == Declared::Json { Sniffed::Whole } else { sse };
    }
    if FIELDS.iter().any(|field| start.starts_with(field)) {
        return sse;
    }
    if !at_end && FIELDS.iter().any(|field| field.starts_with(start)) {
        return Sniffed::Undecided;
    }
    Sniffed::Whole
}

/// Whether bytes are an event stream; `None` when they are something else, or nothing yet. A frame
/// starts with its length, of which the first byte is 0 or 1.
fn binary(head: &[u8], start: &[u8], declared: Declared, at_end: bool) -> Option<Sniffed> {
    let stream = Sniffed::Stream(Framing::EventStream);
    if *head.first()? <= 1 {
        return match eventstream::opens(head) {
            _ if declared == Declared::EventStream => Some(stream),
            Some(true) => Some(stream),
            None if !at_end => Some(Sniffed::Undecided),
            _ => None,
        };
    }
    // An error comes as JSON or as a page all the same; anything else is a damaged stream.
    let damaged = !matches!(start.first()?, b'{' | b'[' | b'<');
    (damaged && declared == Declared::EventStream).then_some(stream)
}

/// Cuts a stream into events: [`push`](Self::push) bytes, then take [`next`](Self::next) until
/// `None`; at the end [`finish`](Self::finish).
pub(crate) enum Framer {
    Sse(SseReader),
    Lines(LineReader),
    Array(ArrayReader),
    EventStream(EventStreamReader),
}

impl Framer {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(SseReader::new()),
            Framing::Lines => Self::Lines(LineReader::default()),
            Framing::Array => Self::Array(ArrayReader::default()),
            Framing::EventStream => Self::EventStream(EventStreamReader::default()),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Sse(reader) => reader.push(bytes),
            Self::Lines(reader) => reader.push(bytes),
            Self::Array(reader) => reader.push(bytes),
            Self::EventStream(reader) => reader.push(bytes),
        }
    }

    pub(crate) fn next(&mut self) -> Option<Event<'_>> {
        match self {
            Self::Sse(reader) => reader.next(),
            Self::Lines(reader) => reader.next(),
            Self::Array(reader) => reader.next(),
            Self::EventStream(reader) => reader.next(),
        }
    }

    /// What the end of the bytes left of an event; to be called until `None`.
    pub(crate) fn finish(&mut self) -> Option<Event<'_>> {
        match self {
            Self::Sse(reader) => reader.finish(),
            Self::Lines(reader) => reader.finish(),
            Self::Array(reader) => reader.finish(),
            Self::EventStream(reader) => reader.finish(),
        }
    }

    /// Bytes of events that were too large to be read.
    pub(crate) fn dropped(&self) -> u64 {
        match self {
            Self::Sse(reader) => reader.dropped(),
            Self::Lines(reader) => reader.dropped(),
            Self::Array(reader) => reader.dropped(),
            // A frame over the limit is damage, whose bytes are kept.
            Self::EventStream(_) => 0,
        }
    }

    /// Bytes that belong to no event.
    pub(crate) fn take_stray(&mut self) -> Vec<u8> {
        match self {
            Self::Sse(reader) => reader.take_stray(),
            Self::Lines(_) => Vec::new(),
            Self::Array(reader) => reader.take_stray(),
            Self::EventStream(reader) => reader.take_stray(),
        }
    }

    /// The oddity that stray bytes are.
    pub(crate) fn stray_code(&self) -> &'static str {
        match self {
            Self::Sse(_) => "sse_line_unknown",
            Self::Lines(_) | Self::Array(_) | Self::EventStream(_) => "stray_bytes",
        }
    }

    /// What was noticed in the framing itself.
    pub(crate) fn take_oddities(&mut self) -> Oddities {
        match self {
            Self::Sse(_) | Self::Lines(_) | Self::Array(_) => Oddities::default(),
            Self::EventStream(reader) => reader.take_oddities(),
        }
    }
}

/// An event without a name.
fn unnamed(bytes: &[u8], complete: bool) -> Event<'_> {
    let data = String::from_utf8_lossy(bytes);
    let lossy = matches!(data, std::borrow::Cow::Owned(_));
    Event { event: None, data, complete, lossy, failure: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_content_type_tell_the_framing() {
        let all = [Framing::Sse, Framing::Lines, Framing::Array];
        for (head, declared, known, told) in [
            ("data: {}", Declared::Sse, &all[..1], Sniffed::Stream(Framing::Sse)),
            ("da", Declared::Other, &all[..1], Sniffed::Undecided),
            ("{", Declared::Json, &all[..], Sniffed::Whole),
            ("{", Declared::Lines, &all[..], Sniffed::Stream(Framing::Lines)),
            ("{", Declared::Other, &all[..1], Sniffed::Whole),
            (" [", Declared::Json, &all[..], Sniffed::Stream(Framing::Array)),
            ("[", Declared::Json, &all[..2], Sniffed::Whole),
            ("", Declared::Lines, &all[..], Sniffed::Undecided),
            ("<html>", Declared::Other, &all[..], Sniffed::Whole),
        ] {
            assert_eq!(sniff(head.as_bytes(), declared, known, false), told, "{head} {declared:?}");
        }
    }

    #[test]
    fn binary_streams_are_told_by_their_first_frame() {
        let known = &[Framing::EventStream];
        let stream = Sniffed::Stream(Framing::EventStream);
        let mut prelude = [16_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        for (head, declared, at_end, told) in [
            (&prelude[..1], Declared::EventStream, false, stream),
            (&prelude[..11], Declared::Other, false, Sniffed::Undecided),
            (&prelude[..11], Declared::Other, true, Sniffed::Whole),
            (&prelude[..], Declared::Other, false, stream),
            (&prelude[..], Declared::Json, false, stream),
            (b"garbage", Declared::EventStream, false, stream),
            (b" {\"message\":1}", Declared::EventStream, false, Sniffed::Whole),
            (b"{\"message\":1}", Declared::Json, false, Sniffed::Whole),
            (b"", Declared::EventStream, false, Sniffed::Undecided),
            (b"", Declared::EventStream, true, stream),
        ] {
            assert_eq!(sniff(head, declared, known, at_end), told, "{head:?} {declared:?}");
        }
        assert_eq!(sniff(&prelude, Declared::Other, &[Framing::Sse], false), Sniffed::Whole);
    }
}
