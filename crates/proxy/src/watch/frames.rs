//! Ends of frames in Amazon's binary event streams.

/// Lengths that a frame can have, in bytes: two CRCs and two lengths, up to AWS's limits.
const LENGTHS: std::ops::RangeInclusive<u32> = 16..=(16 << 20) + (128 << 10) + 16;

/// Goes from frame to frame by their lengths. After one that cannot be a length there is no more end
/// of a frame, and the transport's end is the stream's.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Bytes of the current frame so far.
    seen: u32,
    /// Its length, as far as the first four bytes have come.
    length: u32,
    lost: bool,
}

impl Frames {
    /// True when these bytes end with a frame.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((byte, rest)) = bytes.split_first() {
            if self.lost {
                return false;
            }
            if self.seen < 4 {
                self.length = (self.length << 8) | u32::from(*byte);
                self.seen += 1;
                bytes = rest;
                self.lost = self.seen == 4 && !LENGTHS.contains(&self.length);
                continue;
            }
            let left = self.length - self.seen;
            let here = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(left);
            let (_, after) = bytes.split_at(usize::try_from(here).unwrap_or(bytes.len()));
            bytes = after;
            self.seen += here;
            if self.seen == self.length {
                *self = Self::default();
            }
        }
        self.seen == 0 && !self.lost
    }
}
