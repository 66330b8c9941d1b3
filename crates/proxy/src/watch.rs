//! Seeing the end of a stream in its bytes, before the transport's own.

mod array;
mod frames;

use provider::{Format, Framing};

use array::Brackets;
use frames::Frames;

/// Longest marker that may be cut by a chunk's boundary, in bytes.
const TAIL: usize = 48;

/// Watches a stream for the provider's terminal event.
///
/// Official clients stop reading there, so this is the last chunk as they see it: the one to hold
/// at gate 2. An event may be cut into chunks anywhere, so the end is where the event that names it
/// is over. What is taken for the end is the end of the record too: it must never be seen too early.
pub(crate) struct EndWatch {
    format: Format,
    tail: Vec<u8>,
    marked: bool,
    bounds: Bounds,
}

/// Where an event is over.
enum Bounds {
    /// At a blank line.
    Blank,
    /// At the end of a line.
    Line,
    /// With the array; no event needs to say so.
    Array(Brackets),
    /// At the end of a frame.
    Frame(Frames),
}

impl EndWatch {
    pub(crate) fn new(format: Format, framing: Framing) -> Self {
        let bounds = match framing {
            Framing::Sse => Bounds::Blank,
            Framing::Lines => Bounds::Line,
            Framing::Array => Bounds::Array(Brackets::default()),
            Framing::EventStream => Bounds::Frame(Frames::default()),
        };
        Self { format, tail: Vec::with_capacity(2 * TAIL), marked: false, bounds }
    }

    /// True when these bytes complete the terminal event.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> bool {
        match &mut self.bounds {
            Bounds::Array(brackets) => brackets.push(chunk),
            Bounds::Blank => {
                self.mark(chunk);
                let blank = [b"\n\n".as_slice(), b"\r\n\r\n", b"\r\r"];
                self.marked && blank.iter().any(|blank| self.tail.ends_with(blank))
            }
            Bounds::Line => {
                self.mark(chunk);
                self.marked && self.tail.ends_with(b"\n")
            }
            Bounds::Frame(frames) => {
                let over = frames.push(chunk);
                self.mark(chunk);
                self.marked && over
            }
        }
    }

    fn mark(&mut self, chunk: &[u8]) {
        // The marker may stand across the boundary.
        self.tail.extend_from_slice(chunk.get(..TAIL).unwrap_or(chunk));
        self.marked |= provider::ends_stream(self.format, chunk)
            || provider::ends_stream(self.format, &self.tail);
        match chunk.len().checked_sub(TAIL) {
            Some(start) => {
                self.tail.clear();
                self.tail.extend_from_slice(chunk.get(start..).unwrap_or_default());
            }
            None => {
                self.tail.drain(..self.tail.len().saturating_sub(TAIL));
            }
        }
    }
}

#[cfg(test)]
mod tests;
