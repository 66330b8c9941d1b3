//! Frames of the journal, a collector's write-ahead log. `spec/journal.md`.
//!
//! ```text
//! magic(4) │ length(4, LE) │ crc32(4, LE, of kind and payload) │ kind(1) │ payload(length)
//! ```
//!
//! The reader takes any bytes. It gives back every frame that is whole, and tells of every stretch
//! that is not: a torn end is the mark of a crash, damage before the end is not.

use crate::{AdmissionNumber, Pid, RecordId};

const MAGIC: [u8; 4] = *b"CJf1";
const HEADER: usize = 13;
/// No frame is larger: the largest body that is kept whole, sealed, with room to spare.
const MAX_PAYLOAD: usize = 256 << 20;

const KIND_START: u8 = 1;
const KIND_RESERVE: u8 = 2;
const KIND_RELEASE: u8 = 3;
const KIND_PART: u8 = 4;
const KIND_ADMITTED: u8 = 5;
const KIND_PIECE: u8 = 6;
const KIND_RECORD: u8 = 7;

/// One entry of the journal, borrowed from the bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// The first frame of a file: canonical JSON, see `ledger`'s journal header.
    Start(&'a [u8]),
    /// Numbers `start..end` may be given out from now on.
    Reserve {
        /// First number.
        start: u64,
        /// One past the last number.
        end: u64,
    },
    /// Numbers `start..end` were reserved and will never be given out.
    Release {
        /// First number.
        start: u64,
        /// One past the last number.
        end: u64,
    },
    /// A sealed part that later frames refer to.
    Part {
        /// Its commitment.
        pid: Pid,
        /// Its sealed bytes.
        sealed: &'a [u8],
    },
    /// A call was let through: the envelope as it would be if nothing more came.
    Admitted {
        /// Its number.
        number: AdmissionNumber,
        /// Canonical envelope with the outcome `interrupted`.
        envelope: &'a [u8],
    },
    /// A stretch of a long answer, sealed for recovery only.
    Piece {
        /// The call's number.
        number: AdmissionNumber,
        /// The answer's stretch, sealed with `seal::wrap` under a key of the installation.
        sealed: &'a [u8],
    },
    /// A finished record: it will be the log's entry `leaf`.
    Record {
        /// Its index in the log.
        leaf: u64,
        /// The number of the call that it ends, 0 for none.
        number: AdmissionNumber,
        /// Its id, for finding it without parsing.
        id: RecordId,
        /// Canonical envelope.
        envelope: &'a [u8],
    },
}

/// Why a whole frame cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Written by a version that this program does not know.
    #[error("journal frame of unknown kind {0}")]
    UnknownKind(u8),
    /// The payload is shorter than its kind needs.
    #[error("journal frame of kind {0} is too short")]
    Short(u8),
}

/// What the reader met next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned<'a> {
    /// A whole frame at `offset`.
    Frame {
        /// Where it starts.
        offset: usize,
        /// Where the next one starts.
        end: usize,
        /// The frame.
        frame: Frame<'a>,
    },
    /// Bytes between whole frames that are none: damage.
    Damaged {
        /// Where the damage starts.
        offset: usize,
        /// Where the next whole frame starts.
        end: usize,
    },
    /// The bytes from `offset` on are no whole frame: a torn end.
    Torn {
        /// Where the torn frame starts.
        offset: usize,
    },
}

/// Appends `frame` to `out`.
pub fn encode_frame(out: &mut Vec<u8>, frame: &Frame<'_>) {
    match frame {
        Frame::Start(json) => put(out, KIND_START, &[json]),
        Frame::Reserve { start, end } => {
            put(out, KIND_RESERVE, &[&start.to_le_bytes(), &end.to_le_bytes()]);
        }
        Frame::Release { start, end } => {
            put(out, KIND_RELEASE, &[&start.to_le_bytes(), &end.to_le_bytes()]);
        }
        Frame::Part { pid, sealed } => put(out, KIND_PART, &[pid.as_bytes(), sealed]),
        Frame::Admitted { number, envelope } => {
            put(out, KIND_ADMITTED, &[&number.0.to_le_bytes(), envelope]);
        }
        Frame::Piece { number, sealed } => {
            put(out, KIND_PIECE, &[&number.0.to_le_bytes(), sealed]);
        }
        Frame::Record { leaf, number, id, envelope } => put(
            out,
            KIND_RECORD,
            &[&leaf.to_le_bytes(), &number.0.to_le_bytes(), id.as_bytes(), envelope],
        ),
    }
}

/// Appends a part's frame; the sealed bytes come in pieces.
pub fn encode_part_frame(out: &mut Vec<u8>, pid: &Pid, sealed: &[u8]) {
    encode_frame(out, &Frame::Part { pid: *pid, sealed });
}

fn put(out: &mut Vec<u8>, kind: u8, pieces: &[&[u8]]) {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[kind]);
    for piece in pieces {
        crc.update(piece);
    }
    out.reserve(HEADER + length);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&crc.finalize().to_le_bytes());
    out.push(kind);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Walks a journal's bytes; never panics, never skips in silence.
#[derive(Debug, Clone)]
pub struct FrameReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> FrameReader<'a> {
    /// Reads from the start of a file.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn whole_at(&self, at: usize) -> Option<(usize, u8, &'a [u8])> {
        let rest = self.bytes.get(at..)?;
        let (header, rest) = rest.split_at_checked(HEADER)?;
        let (magic, header) = header.split_at_checked(4)?;
        if magic != MAGIC {
            return None;
        }
        let (length, header) = header.split_first_chunk::<4>()?;
        let (crc, kind) = header.split_first_chunk::<4>()?;
        let kind = *kind.first()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if length > MAX_PAYLOAD {
            return None;
        }
        let payload = rest.get(..length)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&[kind]);
        hasher.update(payload);
        (hasher.finalize() == u32::from_le_bytes(*crc)).then_some((
            at + HEADER + length,
            kind,
            payload,
        ))
    }

    /// The next whole frame after a stretch that is none, if there is one.
    fn resync(&self, from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(found) = find(self.bytes.get(at..)?, &MAGIC) {
            let candidate = at + found;
            if self.whole_at(candidate).is_some() {
                return Some(candidate);
            }
            at = candidate + 1;
        }
        None
    }
}

impl<'a> Iterator for FrameReader<'a> {
    type Item = Result<Scanned<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let offset = self.at;
        if let Some((end, kind, payload)) = self.whole_at(offset) {
            self.at = end;
            return Some(parse(kind, payload).map(|frame| Scanned::Frame { offset, end, frame }));
        }
        if let Some(end) = self.resync(offset + 1) {
            self.at = end;
            return Some(Ok(Scanned::Damaged { offset, end }));
        }
        self.at = self.bytes.len();
        Some(Ok(Scanned::Torn { offset }))
    }
}

fn parse(kind: u8, payload: &[u8]) -> Result<Frame<'_>, FrameError> {
    let short = FrameError::Short(kind);
    let number = |bytes: &[u8; 8]| AdmissionNumber(u64::from_le_bytes(*bytes));
    match kind {
        KIND_START => Ok(Frame::Start(payload)),
        KIND_RESERVE | KIND_RELEASE => {
            let (start, rest) = payload.split_first_chunk::<8>().ok_or(short)?;
            let (end, _) = rest.split_first_chunk::<8>().ok_or(short)?;
            let (start, end) = (u64::from_le_bytes(*start), u64::from_le_bytes(*end));
            Ok(if kind == KIND_RESERVE {
                Frame::Reserve { start, end }
            } else {
                Frame::Release { start, end }
            })
        }
        KIND_PART => {
            let (pid, sealed) = payload.split_first_chunk::<32>().ok_or(short)?;
            Ok(Frame::Part { pid: Pid(*pid), sealed })
        }
        KIND_ADMITTED => {
            let (n, envelope) = payload.split_first_chunk::<8>().ok_or(short)?;
            Ok(Frame::Admitted { number: number(n), envelope })
        }
        KIND_PIECE => {
            let (n, sealed) = payload.split_first_chunk::<8>().ok_or(short)?;
            Ok(Frame::Piece { number: number(n), sealed })
        }
        KIND_RECORD => {
            let (leaf, rest) = payload.split_first_chunk::<8>().ok_or(short)?;
            let (n, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
            let (id, envelope) = rest.split_first_chunk::<16>().ok_or(short)?;
            Ok(Frame::Record {
                leaf: u64::from_le_bytes(*leaf),
                number: number(n),
                id: RecordId::from_bytes(*id),
                envelope,
            })
        }
        other => Err(FrameError::UnknownKind(other)),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for frame in [
            Frame::Start(b"{}"),
            Frame::Reserve { start: 1, end: 65 },
            Frame::Part { pid: Pid([7; 32]), sealed: b"sealed" },
            Frame::Admitted { number: AdmissionNumber(1), envelope: b"{\"a\":1}" },
            Frame::Piece { number: AdmissionNumber(1), sealed: &[9; 300] },
            Frame::Record {
                leaf: 0,
                number: AdmissionNumber(1),
                id: RecordId::from_bytes([3; 16]),
                envelope: b"{}",
            },
            Frame::Release { start: 2, end: 65 },
        ] {
            starts.push(bytes.len());
            encode_frame(&mut bytes, &frame);
        }
        starts.push(bytes.len());
        (bytes, starts)
    }

    #[test]
    fn reads_what_was_written() {
        let (bytes, starts) = sample();
        let offsets: Vec<usize> = FrameReader::new(&bytes)
            .map(|scanned| match scanned.unwrap() {
                Scanned::Frame { offset, .. } => offset,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(offsets, starts[..starts.len() - 1]);
    }

    #[test]
    fn every_prefix_gives_the_whole_frames_and_a_torn_end() {
        let (bytes, starts) = sample();
        for cut in 0..bytes.len() {
            let whole = starts.iter().filter(|s| **s <= cut).count() - 1;
            let scanned: Vec<_> = FrameReader::new(&bytes[..cut]).collect();
            let torn = starts.contains(&cut).then_some(()).is_none();
            assert_eq!(scanned.len(), whole + usize::from(torn), "cut at {cut}");
            if torn {
                assert_eq!(scanned[whole], Ok(Scanned::Torn { offset: starts[whole] }));
            }
        }
    }

    #[test]
    fn a_flipped_bit_damages_one_frame_and_is_told() {
        let (bytes, starts) = sample();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            let hit = starts.iter().rposition(|s| *s <= at).unwrap();
            let mut told = false;
            for scanned in FrameReader::new(&bad) {
                match scanned.unwrap() {
                    Scanned::Frame { offset, .. } => assert_ne!(offset, starts[hit]),
                    Scanned::Damaged { offset, end } => {
                        assert_eq!((offset, end), (starts[hit], starts[hit + 1]));
                        told = true;
                    }
                    Scanned::Torn { offset } => {
                        assert_eq!((offset, hit), (starts[hit], starts.len() - 2));
                        told = true;
                    }
                }
            }
            assert!(told, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut covered = 0;
            for scanned in FrameReader::new(&bytes).flatten() {
                match scanned {
                    Scanned::Frame { offset, end, .. } | Scanned::Damaged { offset, end } => {
                        prop_assert_eq!(offset, covered);
                        covered = end;
                    }
                    Scanned::Torn { offset } => { prop_assert_eq!(offset, covered); covered = bytes.len(); }
                }
            }
            prop_assert_eq!(covered, bytes.len());
        }
    }
}
