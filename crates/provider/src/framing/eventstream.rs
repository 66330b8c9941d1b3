//! Amazon's binary event streams, `application/vnd.amazon.eventstream`, as the specification
//! "Amazon Event Stream" of Smithy has them.
//!
//! ```text
//! u32 total length ‖ u32 length of the headers ‖ u32 CRC-32 of these 8 bytes
//! headers: { u8 length of the name ‖ name ‖ u8 type ‖ value } …
//! payload ‖ u32 CRC-32 of everything before
//! ```
//!
//! Numbers are big-endian. A frame that does not hold is damage: its bytes are kept, and reading
//! goes on at the next place whose prelude fits its CRC.

use std::borrow::Cow;

use crate::oddities::Oddities;
use crate::sse::Event;

const PRELUDE: usize = 12;
const CRC: usize = 4;
/// AWS's limits, as its clients hold them.
const MAX_HEADERS: usize = 128 << 10;
const MAX_PAYLOAD: usize = 16 << 20;
/// So many bytes of frames with a wrong CRC are looked through for another frame. Made-up frames
/// can overlap, and each of them is summed.
const SEARCHED: usize = 256 << 20;

/// Cuts bytes into frames.
#[derive(Debug)]
pub(crate) struct EventStreamReader {
    buf: Vec<u8>,
    /// Where the current frame starts; what lies before is done with.
    start: usize,
    /// Where the buffer starts in the stream.
    offset: u64,
    frames: u64,
    /// After damage, until a frame holds again.
    lost: bool,
    /// No more bytes come.
    ended: bool,
    /// What is left of [`SEARCHED`].
    search: usize,
    stray: Vec<u8>,
    oddities: Oddities,
}

impl Default for EventStreamReader {
    fn default() -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            offset: 0,
            frames: 0,
            lost: false,
            ended: false,
            search: SEARCHED,
            stray: Vec::new(),
            oddities: Oddities::default(),
        }
    }
}

impl EventStreamReader {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buf.drain(..self.start);
        self.offset += u64::try_from(self.start).unwrap_or(u64::MAX);
        self.start = 0;
        self.buf.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Option<Event<'_>> {
        let length = loop {
            let rest = self.buf.get(self.start..).unwrap_or_default();
            let total = match total(rest) {
                Ok(total) => total,
                Err(Fault::Short) if !self.ended => return None,
                Err(Fault::Short) => {
                    if rest.is_empty() {
                        return None;
                    }
                    self.damage("frame_cut", rest.len());
                    continue;
                }
                Err(fault) => {
                    self.damage(fault.code(), 1);
                    continue;
                }
            };
            let Some(frame) = rest.get(..total) else {
                if !self.ended {
                    return None;
                }
                // Its length may lie: a whole frame may follow.
                self.note("frame_cut");
                self.leave(1);
                continue;
            };
            if !holds(frame) {
                let inside = self.search >= total;
                self.search = self.search.saturating_sub(total);
                self.note("frame_crc_wrong");
                // Bytes that are missing let it reach into frames that hold.
                self.leave(if inside { 1 } else { total });
                continue;
            }
            self.lost = false;
            if Frame::read(frame).is_some() {
                break total;
            }
            self.note("frame_headers_invalid");
            self.leave(total);
            self.lost = false;
        };
        let from = self.start;
        self.start += length;
        self.frames += 1;
        let frame = self.buf.get(from..self.start)?;
        Frame::read(frame).map(Frame::event)
    }

    /// What the end of the bytes leaves; `None` when there is no more.
    pub(crate) fn finish(&mut self) -> Option<Event<'_>> {
        self.ended = true;
        self.next()
    }

    /// Bytes of frames that did not hold.
    pub(crate) fn take_stray(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stray)
    }

    pub(crate) fn take_oddities(&mut self) -> Oddities {
        std::mem::take(&mut self.oddities)
    }

    /// Leaves bytes that are no frame; told once for all that follow one another.
    fn damage(&mut self, code: &'static str, length: usize) {
        if !self.lost {
            self.note(code);
        }
        self.leave(length);
    }

    fn note(&mut self, code: &'static str) {
        let byte = self.offset + u64::try_from(self.start).unwrap_or(u64::MAX);
        self.oddities.at(code, format_args!("event {}, byte {byte}", self.frames + 1));
    }

    fn leave(&mut self, length: usize) {
        let end = self.start + length;
        self.stray.extend_from_slice(self.buf.get(self.start..end).unwrap_or_default());
        self.start = end;
        self.lost = true;
    }
}

/// Why bytes do not start a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Short,
    Crc,
    Length,
}

impl Fault {
    const fn code(self) -> &'static str {
        match self {
            Self::Short => "frame_cut",
            Self::Crc => "frame_prelude_wrong",
            Self::Length => "frame_length_invalid",
        }
    }
}

/// Whether bytes open with the prelude of a frame; `None` when they are too few to tell.
pub(super) fn opens(bytes: &[u8]) -> Option<bool> {
    match total(bytes) {
        Ok(_) => Some(true),
        Err(Fault::Short) => None,
        Err(_) => Some(false),
    }
}

/// The length of the frame that starts here, in bytes.
fn total(bytes: &[u8]) -> Result<usize, Fault> {
    let (total, headers) = (number(bytes, 0), number(bytes, 4));
    let (Some(total), Some(headers), Some(crc)) = (total, headers, number(bytes, 8)) else {
        return Err(Fault::Short);
    };
    let possible = headers <= MAX_HEADERS
        && total
            .checked_sub(PRELUDE + CRC)
            .and_then(|rest| rest.checked_sub(headers))
            .is_some_and(|payload| payload <= MAX_PAYLOAD);
    // Most bytes that are no prelude have no possible lengths: the sum is for the others.
    let sum = || usize::try_from(crc32fast::hash(bytes.get(..8).unwrap_or_default())) == Ok(crc);
    match (possible, sum()) {
        (true, true) => Ok(total),
        (false, true) => Err(Fault::Length),
        (_, false) => Err(Fault::Crc),
    }
}

/// Whether a frame fits its CRC.
fn holds(frame: &[u8]) -> bool {
    let at = frame.len().saturating_sub(CRC);
    let sum = crc32fast::hash(frame.get(..at).unwrap_or_default());
    number(frame, at).is_some_and(|told| usize::try_from(sum) == Ok(told))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..)?.first_chunk::<4>()?;
    usize::try_from(u32::from_be_bytes(*number)).ok()
}

/// A frame's headers, those that tell what it is, and its payload.
#[derive(Debug, Default)]
struct Frame<'a> {
    message_type: &'a [u8],
    event_type: Option<&'a [u8]>,
    exception_type: Option<&'a [u8]>,
    error_code: Option<&'a [u8]>,
    error_message: Option<&'a [u8]>,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// `None` when the headers cannot be read.
    fn read(frame: &'a [u8]) -> Option<Self> {
        let end = PRELUDE + number(frame, 4)?;
        let mut headers = frame.get(PRELUDE..end)?;
        let payload = frame.get(end..frame.len().checked_sub(CRC)?)?;
        let mut out = Self { payload, ..Self::default() };
        while !headers.is_empty() {
            let (name, rest) = sized(headers, 1)?;
            let (kind, rest) = rest.split_first()?;
            let (value, rest) = match kind {
                // True and false.
                0 | 1 => (rest.get(..0)?, rest),
                // A byte, 16, 32 and 64 bits.
                2 => rest.split_at_checked(1)?,
                3 => rest.split_at_checked(2)?,
                4 => rest.split_at_checked(4)?,
                // 64 bits, and a time in milliseconds.
                5 | 8 => rest.split_at_checked(8)?,
                // Bytes and text.
                6 | 7 => sized(rest, 2)?,
                // A UUID.
                9 => rest.split_at_checked(16)?,
                _ => return None,
            };
            headers = rest;
            match name {
                _ if *kind != 7 => {}
                b":message-type" => out.message_type = value,
                b":event-type" => out.event_type = Some(value),
                b":exception-type" => out.exception_type = Some(value),
                b":error-code" => out.error_code = Some(value),
                b":error-message" => out.error_message = Some(value),
                _ => {}
            }
        }
        Some(out)
    }

    /// The event; an exception and an error are named by their own headers.
    fn event(self) -> Event<'a> {
        let (failure, name) = match self.message_type {
            b"exception" => (true, self.exception_type),
            b"error" => (true, self.error_code),
            _ => (false, self.event_type),
        };
        let text = String::from_utf8_lossy;
        let data = match self.error_message {
            // An error has no payload.
            Some(message) if failure && self.payload.is_empty() => {
                Cow::Owned(crate::json::object("message", text(message).into()).to_string())
            }
            _ => text(self.payload),
        };
        let lossy = std::str::from_utf8(self.payload).is_err();
        Event { event: name.map(text), data, complete: true, lossy, failure }
    }
}

/// Splits off bytes that stand behind their own length of `size` bytes.
fn sized(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(size)?;
    let length = length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
