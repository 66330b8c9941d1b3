//! One round: the published checkpoint on its way to the anchors.

use std::time::Instant;

use archive::{Archive, Lock, Name};
use record::Timestamp;
use tlog::{Checkpoint, KeyHistory};

use crate::progress::Reached;
use crate::status::AnchorKind;
use crate::{AnchorError, Layout};

/// Somebody who takes checkpoints.
pub(crate) trait Anchor: Send {
    fn kind(&self) -> AnchorKind;

    /// Its name, unique among those of its kind.
    fn name(&self) -> String;

    /// Whether it is this anchor's time.
    fn is_due(&self, _round: &Round<'_>, _reached: Reached) -> bool {
        true
    }

    /// Brings it what it has not. `reached` is moved forward as far as that went, also when it ends
    /// with an error; what it says is verified and durable.
    fn bring(&mut self, round: &Round<'_>, reached: &mut Reached) -> Result<(), AnchorError>;

    /// When it turned out to have less than it had, since this was asked last: from and to which
    /// size.
    fn went_back(&mut self) -> Option<(u64, u64)> {
        None
    }
}

/// What a round is about.
pub(crate) struct Round<'a> {
    pub(crate) archive: &'a dyn Archive,
    pub(crate) layout: &'a Layout,
    pub(crate) keys: &'a KeyHistory,
    /// The published checkpoint as it was signed, and read.
    pub(crate) note: &'a [u8],
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) now: Timestamp,
    pub(crate) deadline: Instant,
    /// Of what is put.
    pub(crate) lock: Lock,
}

impl Round<'_> {
    /// What an anchor has after it took the published checkpoint.
    pub(crate) fn reached(&self) -> Reached {
        Reached { size: self.checkpoint.size, at: self.now }
    }

    /// Gives each kept checkpoint past `reached`, in the order of their sizes.
    pub(crate) fn each_kept(
        &self,
        reached: &mut Reached,
        mut each: impl FnMut(&Name, &Checkpoint, &[u8]) -> Result<(), AnchorError>,
    ) -> Result<(), AnchorError> {
        let failed = |error| AnchorError::archive(&error);
        // The published checkpoint is kept a moment after it is put in place.
        let newest = self.layout.checkpoint_of(self.checkpoint.size).map_err(failed)?;
        let is_kept = self.archive.get(&newest).map_err(failed)?.is_some();
        let until = if is_kept { self.checkpoint.size } else { self.checkpoint.size - 1 };
        while reached.size < until && Instant::now() < self.deadline {
            let kept = self.layout.kept(self.archive, reached.size, until).map_err(failed)?;
            for (size, name) in &kept.found {
                if Instant::now() >= self.deadline {
                    return Ok(());
                }
                let Some(note) = self.archive.get(name).map_err(failed)? else { continue };
                let checkpoint = self
                    .keys
                    .open(&note)
                    .map_err(|error| AnchorError::Refused(format!("{name}: {error}")))?;
                each(name, &checkpoint, &note)?;
                *reached = Reached { size: *size, at: self.now };
            }
            reached.size = reached.size.max(kept.until);
        }
        Ok(())
    }
}

/// Puts an object once: the one place where this crate does so.
pub(crate) fn put(
    archive: &dyn Archive,
    name: &Name,
    bytes: &[u8],
    lock: Lock,
) -> Result<(), AnchorError> {
    // Which version it became is not asked for: what is read is verified each time.
    let put = archive.put_all(&[(name.clone(), bytes)], lock);
    put.map(drop).map_err(|error| AnchorError::archive(&error))
}
