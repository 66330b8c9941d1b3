//! A JSON text a line: NDJSON, JSON Lines.

use memchr::memchr;

use crate::sse::{EVENT_LIMIT, Event};

use super::unnamed;

/// Cuts bytes at line feeds; empty lines are no events.
#[derive(Debug)]
pub(crate) struct LineReader {
    buf: Vec<u8>,
    /// Where the current line starts; what lies before is done with.
    start: usize,
    scan: usize,
    /// Bytes at the front are gone: what is first in the buffer is not the body's first line.
    begun: bool,
    limit: usize,
    /// A line over the limit is being dropped.
    skipping: bool,
    dropped: u64,
}

impl Default for LineReader {
    fn default() -> Self {
        Self::with_limit(EVENT_LIMIT)
    }
}

impl LineReader {
    fn with_limit(limit: usize) -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            scan: 0,
            begun: false,
            limit,
            skipping: false,
            dropped: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.begun |= self.start > 0;
        self.buf.drain(..self.start);
        self.scan -= self.start;
        self.start = 0;
        self.buf.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Option<Event<'_>> {
        loop {
            let rest = self.buf.get(self.scan..).unwrap_or_default();
            let Some(end) = memchr(b'\n', rest).map(|at| self.scan + at) else {
                self.scan = self.buf.len();
                if self.skipping || self.scan - self.start > self.limit {
                    self.skipping = true;
                    self.drop_until(self.scan);
                }
                return None;
            };
            let from = self.start;
            self.scan = end + 1;
            if self.skipping || end - from > self.limit {
                self.skipping = false;
                self.drop_until(end);
                self.start = end + 1;
                continue;
            }
            self.start = end + 1;
            if self.line(from, end).is_some() {
                return self.line(from, end).map(|line| unnamed(line, true));
            }
        }
    }

    /// The line that the end of the bytes left without its line feed.
    pub(crate) fn finish(&mut self) -> Option<Event<'_>> {
        let (from, end) = (self.start, self.buf.len());
        self.start = end;
        self.scan = end;
        if std::mem::take(&mut self.skipping) {
            return None;
        }
        self.line(from, end).map(|line| unnamed(line, false))
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A line without white space around it, unless nothing is left.
    fn line(&self, from: usize, end: usize) -> Option<&[u8]> {
        let line = self.buf.get(from..end)?;
        let first = from == 0 && !self.begun;
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        Some(line.trim_ascii()).filter(|line| !line.is_empty())
    }

    fn drop_until(&mut self, end: usize) {
        self.dropped += u64::try_from(end - self.start).unwrap_or(u64::MAX);
        self.start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut LineReader, pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let mut out = Vec::new();
        for piece in pieces {
            reader.push(piece);
            while let Some(event) = reader.next() {
                out.push((event.data.into_owned(), event.complete));
            }
        }
        if let Some(event) = reader.finish() {
            out.push((event.data.into_owned(), event.complete));
        }
        out
    }

    #[test]
    fn any_split_gives_the_same_lines() {
        let text = b"{\"a\":1}\r\n\n  {\"b\":\"\xc3\xa4\"}\n{\"c\"";
        let expected = vec![
            ("{\"a\":1}".to_owned(), true),
            ("{\"b\":\"ä\"}".to_owned(), true),
            ("{\"c\"".to_owned(), false),
        ];
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(read(&mut LineReader::default(), &[a, b]), expected, "{cut}");
        }
    }

    #[test]
    fn only_the_first_line_has_a_byte_order_mark() {
        let text = "\u{feff}1\n\u{feff}2\n".as_bytes();
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            let lines = read(&mut LineReader::default(), &[a, b]);
            assert_eq!(lines, [("1".to_owned(), true), ("\u{feff}2".to_owned(), true)], "{cut}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_dropped_alone() {
        let text = b"12345678\n{}\n123456789";
        for cut in 0..=text.len() {
            let mut reader = LineReader::with_limit(4);
            let (a, b) = text.split_at(cut);
            assert_eq!(read(&mut reader, &[a, b]), [("{}".to_owned(), true)], "{cut}");
            assert_eq!(reader.dropped(), 17, "{cut}");
        }
    }
}
