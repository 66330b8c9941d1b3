//! One JSON array whose items come one by one, as Google streams without `alt=sse`.

use crate::sse::{EVENT_LIMIT, Event};

use super::unnamed;

/// What is kept of bytes outside of items.
const STRAY_LIMIT: usize = 1 << 20;

/// Cuts an array into its items, by brackets and quotation marks alone.
#[derive(Debug)]
pub(crate) struct ArrayReader {
    buf: Vec<u8>,
    /// Where the current item starts; what lies before is done with.
    start: usize,
    scan: usize,
    /// Open brackets, the array's own included.
    depth: u32,
    string: Text,
    /// Whether the current item has begun.
    in_item: bool,
    /// The array was closed.
    closed: bool,
    limit: usize,
    skipping: bool,
    dropped: u64,
    stray: Vec<u8>,
}

/// Where a byte stands with regard to a JSON string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

/// What a byte does to the current item.
enum Step {
    Inside,
    /// It ends before this byte.
    EndBefore,
    /// It ends with this byte.
    EndAfter,
}

impl Default for ArrayReader {
    fn default() -> Self {
        Self::with_limit(EVENT_LIMIT)
    }
}

impl ArrayReader {
    fn with_limit(limit: usize) -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            scan: 0,
            depth: 0,
            string: Text::Outside,
            in_item: false,
            closed: false,
            limit,
            skipping: false,
            dropped: 0,
            stray: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buf.drain(..self.start);
        self.scan -= self.start;
        self.start = 0;
        self.buf.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Option<Event<'_>> {
        while let Some(&byte) = self.buf.get(self.scan) {
            let step = self.step(byte);
            let before = self.scan;
            self.scan += 1;
            let end = match step {
                Step::Inside => {
                    self.skip_oversized();
                    continue;
                }
                Step::EndBefore => before,
                Step::EndAfter => self.scan,
            };
            let from = std::mem::replace(&mut self.start, self.scan);
            self.in_item = false;
            if std::mem::take(&mut self.skipping) || end - from > self.limit {
                self.dropped += u64::try_from(end - from).unwrap_or(u64::MAX);
                continue;
            }
            let item = self.buf.get(from..end).unwrap_or_default();
            return Some(unnamed(item.trim_ascii(), true));
        }
        None
    }

    /// The item that the end of the bytes cut.
    pub(crate) fn finish(&mut self) -> Option<Event<'_>> {
        let from = std::mem::replace(&mut self.start, self.buf.len());
        self.scan = self.start;
        if std::mem::take(&mut self.skipping) || !std::mem::take(&mut self.in_item) {
            return None;
        }
        let item = self.buf.get(from..).unwrap_or_default().trim_ascii();
        (!item.is_empty()).then(|| unnamed(item, false))
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes outside of the array, up to 1 MiB of them.
    pub(crate) fn take_stray(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stray)
    }

    /// Takes in the byte at `scan`.
    fn step(&mut self, byte: u8) -> Step {
        if self.string != Text::Outside {
            self.string = match (self.string, byte) {
                (Text::Inside, b'\\') => Text::Escaped,
                (Text::Inside, b'"') => Text::Outside,
                _ => Text::Inside,
            };
            return Step::Inside;
        }
        if self.depth == 0 {
            self.start = self.scan + 1;
            match byte {
                b'[' if !self.closed => self.depth = 1,
                b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => {}
                other if self.stray.len() < STRAY_LIMIT => self.stray.push(other),
                _ => {}
            }
            return Step::Inside;
        }
        match byte {
            b'{' | b'[' => {
                self.depth += 1;
                self.in_item = true;
            }
            b'}' | b']' => {
                self.depth -= 1;
                self.closed = self.depth == 0;
                if self.depth == 1 {
                    return Step::EndAfter;
                }
            }
            b'"' => {
                self.string = Text::Inside;
                self.in_item = true;
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.in_item = true,
        }
        // Items that are no objects end at a comma or at the array's own bracket.
        let between = self.closed || (self.depth == 1 && byte == b',');
        if between && self.in_item {
            return Step::EndBefore;
        }
        if !self.in_item {
            self.start = self.scan + 1;
        }
        Step::Inside
    }

    fn skip_oversized(&mut self) {
        let held = self.scan - self.start;
        if self.skipping || held > self.limit {
            self.skipping = true;
            self.dropped += u64::try_from(held).unwrap_or(u64::MAX);
            self.start = self.scan;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut ArrayReader, pieces: &[&[u8]]) -> Vec<(String, bool)> {
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

    fn check(text: &str, expected: &[(&str, bool)], stray: &str) {
        let expected: Vec<_> = expected.iter().map(|(t, c)| ((*t).to_owned(), *c)).collect();
        for cut in 0..=text.len() {
            let (a, b) = text.as_bytes().split_at(cut);
            let mut reader = ArrayReader::default();
            assert_eq!(read(&mut reader, &[a, b]), expected, "{text} cut at {cut}");
            assert_eq!(reader.take_stray(), stray.as_bytes(), "{text} cut at {cut}");
        }
    }

    #[test]
    fn any_split_gives_the_same_items() {
        check(
            "[{\"a\":\"]},\\\"[\"}\r\n,\r\n {\"b\":[1,{}]}]",
            &[("{\"a\":\"]},\\\"[\"}", true), ("{\"b\":[1,{}]}", true)],
            "",
        );
        check("[{\"a\":1},{\"b\"", &[("{\"a\":1}", true), ("{\"b\"", false)], "");
        check("[1, \"x\" ,null]tail", &[("1", true), ("\"x\"", true), ("null", true)], "tail");
        check(" [ ] ", &[], "");
        check("[[1],[2]]", &[("[1]", true), ("[2]", true)], "");
    }

    #[test]
    fn an_item_over_the_limit_is_dropped_alone() {
        let text = b"[{\"a\":\"1234567890\"},{},{\"b\":1}]";
        for cut in 0..=text.len() {
            let mut reader = ArrayReader::with_limit(8);
            let (a, b) = text.split_at(cut);
            let read: Vec<_> = read(&mut reader, &[a, b]).into_iter().map(|(t, _)| t).collect();
            assert_eq!(read, ["{}", "{\"b\":1}"], "{cut}");
        }
    }
}
