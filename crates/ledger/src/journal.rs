//! The journal's files: writing, rotating, and what a failed write or sync does to them.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use record::{CollectorName, Frame, RangeSet, Timestamp, encode_frame};
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskFile};

/// Frames that are written and not synced are kept in memory, so that a failed sync loses nothing;
/// past this many bytes nothing more is taken.
const MAX_UNSYNCED: usize = 128 << 20;

/// Buffers that are kept for the next frames, …
const SPARE: usize = 8;
/// … of at most this size.
const SPARE_BYTES: usize = 256 << 10;

/// The first frame of a file: what a start needs to know without the files before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) collector: CollectorName,
    /// True when this file goes on where a sync of the one before it failed: the two make one
    /// segment.
    pub(crate) continues: bool,
    pub(crate) created: Timestamp,
    pub(crate) first_leaf: u64,
    pub(crate) gap_numbers: u64,
    pub(crate) recorded: u64,
    /// One past the last number that was ever reserved.
    pub(crate) reserved: u64,
    /// Reserved numbers without any frame.
    pub(crate) unframed: RangeSet,
    pub(crate) v: u16,
}

/// Where the next frame goes.
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    file: Option<Arc<dyn DiskFile>>,
    /// Number of the current file.
    pub(crate) number: u64,
    /// Bytes of whole frames in the current file.
    pub(crate) length: u64,
    /// Bytes of whole frames ever written, over all files.
    pub(crate) written: u64,
    /// Bytes of frames that survive a loss of power.
    pub(crate) synced: u64,
    /// Written and not synced: position after it, and the bytes.
    unsynced: VecDeque<(u64, Vec<u8>)>,
    unsynced_bytes: usize,
    /// Memory of frames that are synced, for the next ones: fresh memory costs more than the write.
    spare: Vec<Vec<u8>>,
    /// Files before the current one that are not synced yet.
    older: Vec<Arc<dyn DiskFile>>,
    /// The current file must not be appended to any more.
    poisoned: bool,
}

impl Journal {
    /// Goes on in a file that recovery found whole, or starts with none.
    pub(crate) fn new(disk: Arc<dyn Disk>, number: u64) -> Self {
        Self {
            disk,
            file: None,
            number,
            length: 0,
            written: 0,
            synced: 0,
            unsynced: VecDeque::new(),
            unsynced_bytes: 0,
            spare: Vec::new(),
            older: Vec::new(),
            poisoned: false,
        }
    }

    pub(crate) fn name_of(number: u64) -> String {
        format!("{number:016}.journal")
    }

    pub(crate) fn number_of(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(".journal")?;
        digits.parse().ok().filter(|number| Self::name_of(*number) == name)
    }

    /// Appends to a file that is there, cut to `length`.
    pub(crate) fn resume(&mut self, length: u64) -> io::Result<()> {
        self.file = Some(self.disk.reopen(&Self::name_of(self.number), length)?);
        self.length = length;
        Ok(())
    }

    /// Whether frames can be appended without making a new file first.
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some() && !self.poisoned
    }

    /// Starts the next file. When this fails the current one stays in use, unless it is poisoned.
    pub(crate) fn rotate(&mut self, header: &Header) -> io::Result<()> {
        let number = self.number + 1;
        let json = serde_json::to_vec(header).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(json.len() + 16);
        encode_frame(&mut bytes, &Frame::Start(&json));
        if header.continues {
            // The frames whose sync failed go first; their order and indices stay as they are.
            for (_, frames) in &self.unsynced {
                bytes.extend_from_slice(frames);
            }
        }
        let file = self.disk.create(&Self::name_of(number))?;
        if let Err(error) = file.append(&bytes).and_then(|()| {
            // A file that continues another must hold its frames for good before anything else
            // happens; a fresh one is synced with its first frames.
            if header.continues { file.sync() } else { Ok(()) }
        }) {
            drop(file);
            // A crash here leaves a file that is torn or empty, which recovery drops.
            if let Err(error) = self.disk.remove(&Self::name_of(number)) {
                tracing::warn!(%error, "an unfinished journal file stays behind");
            }
            return Err(error);
        }
        let before = self.file.replace(file);
        if header.continues {
            self.older.clear();
            self.mark_synced(self.written);
        } else {
            self.older.extend(before);
        }
        self.number = number;
        self.length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.poisoned = false;
        Ok(())
    }

    /// An empty buffer for frames.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Hands frames to the kernel; gives the position after them.
    ///
    /// After an error the file is cut back to its whole frames, so that it never holds a torn frame
    /// before a whole one; if even that fails it is poisoned.
    pub(crate) fn write(&mut self, frames: Vec<u8>) -> io::Result<u64> {
        let Some(file) = self.file.as_ref().filter(|_| !self.poisoned) else {
            return Err(io::Error::other("the journal has no file to write to"));
        };
        if self.unsynced_bytes > MAX_UNSYNCED {
            return Err(io::Error::other("the disk has not synced 128 MiB of frames yet"));
        }
        if let Err(error) = file.append(&frames) {
            if let Err(cut) = file.truncate(self.length) {
                tracing::warn!(error = %cut, "a torn frame could not be cut off; a new file is started");
                self.poisoned = true;
            }
            return Err(error);
        }
        let bytes = u64::try_from(frames.len()).unwrap_or(u64::MAX);
        self.length += bytes;
        self.written += bytes;
        self.unsynced_bytes += frames.len();
        self.unsynced.push_back((self.written, frames));
        Ok(self.written)
    }

    /// What a sync now would have to sync, and the position that it would reach.
    pub(crate) fn to_sync(&self) -> Option<(Vec<Arc<dyn DiskFile>>, u64)> {
        if self.synced == self.written || self.poisoned {
            return None;
        }
        let files = self.older.iter().chain(&self.file).cloned().collect();
        Some((files, self.written))
    }

    /// A sync that reached `position` succeeded.
    pub(crate) fn mark_synced(&mut self, position: u64) {
        self.synced = self.synced.max(position);
        while self.unsynced.front().is_some_and(|(end, _)| *end <= position) {
            if let Some((_, mut frames)) = self.unsynced.pop_front() {
                self.unsynced_bytes -= frames.len();
                if self.spare.len() < SPARE && frames.capacity() <= SPARE_BYTES {
                    frames.clear();
                    self.spare.push(frames);
                }
            }
        }
        if self.synced == self.written {
            self.older.clear();
        }
    }

    /// A sync failed. What the kernel did with the pages is not known, so the file is never
    /// appended to or synced again.
    pub(crate) fn poison(&mut self) {
        self.poisoned = true;
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}
