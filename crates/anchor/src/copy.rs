//! Every checkpoint in a second archive.

use std::sync::Arc;

use archive::{Archive, Name};

use crate::AnchorError;
use crate::progress::Reached;
use crate::round::{Anchor, Round, put};
use crate::status::AnchorKind;

/// Copies checkpoints, under the names that they have.
pub(crate) struct Copy(pub(crate) Arc<dyn Archive>);

impl Anchor for Copy {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Copy
    }

    fn name(&self) -> String {
        self.0.location()
    }

    fn bring(&mut self, round: &Round<'_>, reached: &mut Reached) -> Result<(), AnchorError> {
        let archive = self.0.as_ref();
        round.each_kept(reached, |name: &Name, _, note| {
            // Another checkpoint of that size there means that the log was written anew here.
            put(archive, name, note, round.lock)
        })
    }
}
