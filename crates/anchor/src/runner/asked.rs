//! The anchors that are asked and whose answers are kept: witnesses, and a timestamp authority.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tlog::Note;

use super::{TimestampConfig, WitnessConfig, has_passed};
use crate::progress::Reached;
use crate::round::{Anchor, Round, put};
use crate::status::AnchorKind;
use crate::tsp::read_answer;
use crate::{AnchorError, ArchiveTiles, TimestampClient, WitnessClient};

/// One witness.
pub(super) struct Witness {
    name: String,
    client: WitnessClient,
    went_back: Option<(u64, u64)>,
}

impl Witness {
    pub(super) fn new(config: &WitnessConfig) -> Result<Self, AnchorError> {
        let client = WitnessClient::new(&config.url, config.key.clone())?;
        Ok(Self { name: config.name.clone(), client, went_back: None })
    }
}

impl Anchor for Witness {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Witness
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn bring(&mut self, round: &Round<'_>, reached: &mut Reached) -> Result<(), AnchorError> {
        let failed = |error| AnchorError::archive(&error);
        let name =
            round.layout.cosigned(round.checkpoint.size, self.client.key()).map_err(failed)?;
        // A crash may have come after the answer was kept and before that was noted.
        if let Some(kept) = round.archive.get(&name).map_err(failed)? {
            let cosigned = Note::parse(&kept).and_then(|note| {
                note.verify(round.keys.at(round.checkpoint.size))?;
                note.cosigned(self.client.key())
            });
            cosigned.map_err(|error| AnchorError::Refused(format!("{name}: {error}")))?;
            *reached = round.reached();
            return Ok(());
        }
        let tiles = ArchiveTiles::new(round.archive, round.layout);
        let cosigned = self
            .client
            .submit(round.note, round.checkpoint, reached.size, &tiles, round.deadline)
            .map_err(|error| tiles.take_error().map_or(error, failed))?;
        self.went_back = cosigned.went_back_to.map(|to| (reached.size, to));
        // A crash before this is done leaves a witness that has seen more than is noted here; it
        // says so when it is asked next.
        put(round.archive, &name, &cosigned.note, round.lock)?;
        *reached = round.reached();
        Ok(())
    }

    fn went_back(&mut self) -> Option<(u64, u64)> {
        self.went_back.take()
    }
}

/// The timestamp authority.
pub(super) struct Timestamps {
    url: String,
    every: Duration,
    client: TimestampClient,
}

impl Timestamps {
    pub(super) fn new(config: &TimestampConfig) -> Result<Self, AnchorError> {
        let client = TimestampClient::new(config.url.clone())?;
        Ok(Self { url: config.url.clone(), every: config.every, client })
    }
}

impl Anchor for Timestamps {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Timestamp
    }

    fn name(&self) -> String {
        self.url.clone()
    }

    fn is_due(&self, round: &Round<'_>, reached: Reached) -> bool {
        reached.size == 0 || has_passed(self.every, reached.at, round.now)
    }

    fn bring(&mut self, round: &Round<'_>, reached: &mut Reached) -> Result<(), AnchorError> {
        let failed = |error| AnchorError::archive(&error);
        let name = round.layout.timestamp(round.checkpoint.size).map_err(failed)?;
        if let Some(kept) = round.archive.get(&name).map_err(failed)? {
            let digest = Sha256::digest(round.note).into();
            let checked = read_answer(&kept).and_then(|answer| answer.check(&digest, None));
            checked.map_err(|error| AnchorError::Refused(format!("{name}: {error}")))?;
        } else {
            let (bytes, _) = self.client.stamp(round.note, round.deadline)?;
            put(round.archive, &name, &bytes, round.lock)?;
        }
        *reached = round.reached();
        Ok(())
    }
}
