//! Server-sent events (WHATWG HTML §9.2.6) out of bytes in any split.
//!
//! The bytes of an event stay in one buffer and are handed out as slices of it; only events with
//! several `data` lines are copied.

use std::borrow::Cow;

use memchr::memchr2;

/// What an event may measure before it is dropped, in bytes.
pub const EVENT_LIMIT: usize = 64 << 20;
/// What is kept of lines that are not SSE, in bytes.
const STRAY_LIMIT: usize = 1 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field.
    pub event: Option<Cow<'a, str>>,
    /// The `data` lines, joined by line feeds.
    pub data: Cow<'a, str>,
    /// False when the stream ended before the event's blank line.
    pub complete: bool,
    /// Whether bytes that are not UTF-8 were replaced.
    pub lossy: bool,
    /// Whether the framing itself says that this is a failure, as Amazon's event streams do.
    pub failure: bool,
}

/// Reads events: [`push`](Self::push) bytes, then take [`next`](Self::next) until `None`.
#[derive(Debug)]
pub struct SseReader {
    buf: Vec<u8>,
    /// Where the current event's first line starts; what lies before is done with.
    start: usize,
    /// Where the current line starts.
    line: usize,
    /// Where to go on looking for its end.
    scan: usize,
    fields: Fields,
    /// The last line ended in CR at the very end of the bytes: an LF next belongs to it.
    after_cr: bool,
    begun: bool,
    limit: usize,
    skipping: Skipping,
    dropped: u64,
    stray: Vec<u8>,
}

/// A range of bytes, relative to the start of the event.
type Span = (usize, usize);

#[derive(Debug, Default)]
struct Fields {
    event: Option<Span>,
    data: Option<Span>,
    /// All data lines, when there is more than one.
    joined: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipping {
    No,
    /// An event over the limit is being dropped; whether the current line has had bytes.
    Yes {
        in_line: bool,
    },
}

impl Default for SseReader {
    fn default() -> Self {
        Self::new()
    }
}

impl SseReader {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::with_limit(EVENT_LIMIT)
    }

    /// A reader that drops events of more than `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            line: 0,
            scan: 0,
            fields: Fields::default(),
            after_cr: false,
            begun: false,
            limit,
            skipping: Skipping::No,
            dropped: 0,
            stray: Vec::new(),
        }
    }

    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            // Usually everything was taken and this only resets the buffer.
            self.buf.drain(..self.start);
            self.line -= self.start;
            self.scan -= self.start;
            self.start = 0;
        }
        self.buf.extend_from_slice(bytes);
    }

    /// The next whole event; `None` until more bytes come.
    #[expect(
        clippy::should_implement_trait,
        reason = "an event borrows from the reader, which Iterator cannot express"
    )]
    pub fn next(&mut self) -> Option<Event<'_>> {
        loop {
            let end = self.line_end()?;
            let from = self.line;
            self.line = end + 1;
            if self.byte(end) == Some(b'\r') {
                match self.byte(end + 1) {
                    Some(b'\n') => self.line += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.scan = self.line;
            if let Skipping::Yes { in_line } = self.skipping {
                self.dropped += u64::try_from(end - from).unwrap_or(u64::MAX);
                self.skipping = if from == end && !in_line {
                    Skipping::No
                } else {
                    Skipping::Yes { in_line: false }
                };
                self.start = self.line;
                continue;
            }
            if from < end {
                self.field(from, end);
                continue;
            }
            let start = std::mem::replace(&mut self.start, self.line);
            let fields = std::mem::take(&mut self.fields);
            if end - start > self.limit {
                self.dropped += u64::try_from(end - start).unwrap_or(u64::MAX);
            } else if fields.data.is_some() {
                return Some(event(&self.buf, start, fields, true));
            }
        }
    }

    /// The event that the end of the stream left without its blank line, once
    /// [`next`](Self::next) has given `None`.
    pub fn finish(&mut self) -> Option<Event<'_>> {
        if self.skipping != Skipping::No {
            return None;
        }
        if self.line < self.buf.len() {
            self.field(self.line, self.buf.len());
        }
        let start = self.start;
        self.start = self.buf.len();
        self.line = self.start;
        self.scan = self.start;
        let fields = std::mem::take(&mut self.fields);
        fields.data?;
        Some(event(&self.buf, start, fields, false))
    }

    /// Bytes of events that were over the limit.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Lines that are not SSE, up to 1 MiB of them.
    pub fn take_stray(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stray)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.buf.get(at).copied()
    }

    /// Where the current line ends: the index of its LF or CR.
    fn line_end(&mut self) -> Option<usize> {
        if !self.begun {
            let head = self.buf.get(..BOM.len().min(self.buf.len()))?;
            if head.len() < BOM.len() && BOM.starts_with(head) {
                return None;
            }
            self.begun = true;
            if head == BOM {
                self.start = BOM.len();
                self.line = self.start;
                self.scan = self.start;
            }
        }
        if self.after_cr && self.line < self.buf.len() {
            self.after_cr = false;
            if self.byte(self.line) == Some(b'\n') {
                if self.start == self.line {
                    self.start += 1;
                }
                self.line += 1;
                self.scan = self.line;
            }
        }
        let found = memchr2(b'\n', b'\r', self.buf.get(self.scan..).unwrap_or_default());
        if let Some(offset) = found {
            return Some(self.scan + offset);
        }
        self.scan = self.buf.len();
        self.skip_oversized();
        None
    }

    fn skip_oversized(&mut self) {
        let held = self.buf.len() - self.start;
        let in_line = self.line < self.buf.len();
        match self.skipping {
            Skipping::No if held > self.limit => {
                self.skipping = Skipping::Yes { in_line };
                self.fields = Fields::default();
            }
            Skipping::Yes { in_line: before } => {
                self.skipping = Skipping::Yes { in_line: before || in_line };
            }
            Skipping::No => return,
        }
        self.dropped += u64::try_from(held).unwrap_or(u64::MAX);
        self.buf.truncate(self.start);
        self.line = self.start;
        self.scan = self.start;
    }

    fn field(&mut self, from: usize, end: usize) {
        let line = self.buf.get(from..end).unwrap_or_default();
        let value = |skip: usize| {
            let skip = skip + usize::from(line.get(skip) == Some(&b' '));
            (from + skip - self.start, end - self.start)
        };
        if line.starts_with(b"data:") || line == b"data" {
            let span = value(5.min(line.len()));
            self.data(span);
        } else if line.starts_with(b"event:") {
            self.fields.event = Some(value(6));
        } else if !(line.starts_with(b":")
            || line.starts_with(b"id:")
            || line.starts_with(b"retry:")
            || line == b"event"
            || line == b"id")
        {
            let room = STRAY_LIMIT.saturating_sub(self.stray.len());
            let kept = line.get(..room.min(line.len())).unwrap_or_default();
            self.stray.extend_from_slice(kept);
            self.stray.push(b'\n');
        }
    }

    fn data(&mut self, span: Span) {
        let Some(first) = self.fields.data else {
            self.fields.data = Some(span);
            return;
        };
        let start = self.start;
        let slice = |span: Span| self.buf.get(start + span.0..start + span.1).unwrap_or_default();
        let joined = self.fields.joined.get_or_insert_with(|| slice(first).to_vec());
        joined.push(b'\n');
        joined.extend_from_slice(slice(span));
    }
}

fn event(buf: &[u8], start: usize, fields: Fields, complete: bool) -> Event<'_> {
    let slice = |span: Span| buf.get(start + span.0..start + span.1).unwrap_or_default();
    let event = fields.event.map(|span| String::from_utf8_lossy(slice(span)));
    // from_utf8_lossy borrows what is valid.
    let mut lossy = matches!(event, Some(Cow::Owned(_)));
    let data = match fields.joined.map(String::from_utf8) {
        Some(Ok(text)) => Cow::Owned(text),
        Some(Err(error)) => {
            lossy = true;
            Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        None => {
            let data = String::from_utf8_lossy(fields.data.map(slice).unwrap_or_default());
            lossy |= matches!(data, Cow::Owned(_));
            data
        }
    };
    Event { event, data, complete, lossy, failure: false }
}

#[cfg(test)]
mod tests;
