//! The journal files of a segment in the making, read piece by piece: they may be larger than what
//! a recorder should hold in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use record::{AdmissionNumber, Frame, FrameReader, PidMap, RangeSet, Scanned};

use crate::disk::{Disk, DiskFile};
use crate::journal::Journal;
use crate::state::Unit;

/// Bytes that are looked at together; a frame that is larger makes the window larger.
const WINDOW: usize = 1 << 20;

/// Where a frame is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    file: usize,
    offset: u64,
    length: usize,
}

/// The files of a unit.
pub(crate) struct UnitFiles(Vec<Arc<dyn DiskFile>>);

/// What they hold.
#[derive(Default)]
pub(crate) struct Index {
    /// By index in the log, ascending, each once.
    pub(crate) records: Vec<(u64, Place)>,
    pub(crate) parts: PidMap<Place>,
    /// Admissions and pieces of calls that were open when the index was made.
    pub(crate) calls: BTreeMap<u64, Vec<Place>>,
}

impl UnitFiles {
    pub(crate) fn open(disk: &dyn Disk, unit: &Unit) -> io::Result<Self> {
        let open = |number: &u64| disk.open(&Journal::name_of(*number));
        Ok(Self(unit.files.iter().map(open).collect::<io::Result<_>>()?))
    }

    /// Reads all files once. A call that is not in `open` has ended for good.
    pub(crate) fn index(&self, open: &RangeSet) -> io::Result<Index> {
        let mut index = Index::default();
        for (number, file) in self.0.iter().enumerate() {
            scan(file.as_ref(), |offset, length, frame| {
                let place = Place { file: number, offset, length };
                match frame {
                    Frame::Record { leaf, .. } => index.records.push((*leaf, place)),
                    Frame::Part { pid, .. } => {
                        index.parts.entry(*pid).or_insert(place);
                    }
                    Frame::Admitted { number: AdmissionNumber(number), .. }
                    | Frame::Piece { number: AdmissionNumber(number), .. }
                        if open.contains(*number) =>
                    {
                        index.calls.entry(*number).or_default().push(place);
                    }
                    _ => {}
                }
            })?;
        }
        // A file that goes on for another begins with frames of that one; the sort is stable.
        index.records.sort_by_key(|(leaf, _)| *leaf);
        index.records.dedup_by_key(|(leaf, _)| *leaf);
        Ok(index)
    }

    /// Reads a frame again, and checks it again.
    pub(crate) fn frame<'b>(&self, place: Place, buffer: &'b mut Vec<u8>) -> io::Result<Frame<'b>> {
        let changed = || io::Error::new(io::ErrorKind::InvalidData, "a frame changed meanwhile");
        let file = self.0.get(place.file).ok_or_else(changed)?;
        buffer.resize(place.length, 0);
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = place.offset + u64::try_from(filled).unwrap_or(0);
            match file.read_at(at, rest)? {
                0 => return Err(changed()),
                n => filled += n,
            }
        }
        match FrameReader::new(buffer).next() {
            Some(Ok(Scanned::Frame { frame, .. })) => Ok(frame),
            _ => Err(changed()),
        }
    }
}

/// Gives every whole frame with its offset and length. Damage is left out: the start that found it
/// has put it aside.
fn scan(file: &dyn DiskFile, mut each: impl FnMut(u64, usize, &Frame<'_>)) -> io::Result<()> {
    let mut window = vec![0; WINDOW];
    let (mut base, mut filled, mut ended) = (0, 0, false);
    loop {
        while let Some(room) = window.get_mut(filled..).filter(|room| !room.is_empty()) {
            let n = file.read_at(base + u64::try_from(filled).unwrap_or(0), room)?;
            if n == 0 {
                ended = true;
                break;
            }
            filled += n;
        }
        let mut whole = 0;
        for scanned in FrameReader::new(window.get(..filled).unwrap_or_default()) {
            match scanned {
                Ok(Scanned::Frame { offset, end, frame }) => {
                    each(base + u64::try_from(offset).unwrap_or(0), end - offset, &frame);
                    whole = end;
                }
                Ok(Scanned::Damaged { end, .. }) => whole = end,
                Ok(Scanned::Torn { .. }) | Err(_) => {}
            }
        }
        if ended {
            return Ok(());
        }
        // The rest goes on in the next window.
        window.copy_within(whole..filled, 0);
        filled -= whole;
        base += u64::try_from(whole).unwrap_or(0);
        if whole == 0 {
            window.resize(window.len() * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Pid, encode_frame, encode_part_frame};

    struct Bytes(Vec<u8>);

    impl DiskFile for Bytes {
        fn append(&self, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn sync(&self) -> io::Result<()> {
            Ok(())
        }

        fn truncate(&self, _: u64) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            // Short reads are allowed.
            let from = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            let n = from.len().min(buffer.len()).min(700_001);
            buffer[..n].copy_from_slice(&from[..n]);
            Ok(n)
        }
    }

    #[test]
    fn frames_larger_than_a_window_and_damage_are_read_across() {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for i in 0..60_u8 {
            let start = bytes.len();
            let length = if i == 20 { 5 * WINDOW / 2 } else { usize::from(i) * 3000 };
            encode_part_frame(&mut bytes, &Pid([i; 32]), &vec![i; length]);
            if i % 7 == 3 {
                // Damage: this frame is gone, the ones round it are not.
                bytes[start + 20] ^= 1;
            } else {
                expected.push((u64::try_from(start).unwrap(), bytes.len() - start, i));
            }
        }
        encode_frame(&mut bytes, &Frame::Reserve { start: 1, end: 2 });
        bytes.truncate(bytes.len() - 3);
        let file = Bytes(bytes);
        let mut found = Vec::new();
        scan(&file, |offset, length, frame| {
            let Frame::Part { pid, .. } = frame else { panic!("{frame:?}") };
            found.push((offset, length, pid.0[0]));
        })
        .unwrap();
        assert_eq!(found, expected);

        let files = UnitFiles(vec![Arc::new(file)]);
        let mut buffer = Vec::new();
        for (offset, length, i) in expected {
            let place = Place { file: 0, offset, length };
            let frame = files.frame(place, &mut buffer).unwrap();
            assert!(matches!(frame, Frame::Part { pid, .. } if pid.0[0] == i));
        }
    }
}
