//! What an application tells of: a retrieval, a tool's call, a review, feedback, a note.
//!
//! Beside its `body` such an envelope has members of an interaction, so that one reader finds the
//! trace, the person and the parts of both. Members are in alphabetical order (see the parent).

use serde::{Deserialize, Serialize};

use super::{
    Body, Correlation, Envelope, EnvelopeError, KeyIds, Masking, Params, PartRef, Retention,
    SCHEMA_VERSION, Times, Who,
};
use crate::{CollectorName, Kind, Oddity, Origin, RecordId, Timestamp};

/// Something that an application told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// One of [`Kind::EVENTS`].
    pub kind: Kind,
    /// What of it stands in the clear.
    pub body: EventBody,
    /// Its content.
    pub content: EventContent,
    /// What ties it to everything else that the request did.
    pub correlation: Correlation,
    /// The keys of its parts.
    pub keys: KeyIds,
    /// What was masked.
    pub masking: Masking,
    /// What could not be taken as usual.
    pub oddities: Vec<Oddity>,
    /// How it came in.
    pub origin: Origin,
    /// How long it is kept.
    pub retention: Retention,
    /// Made by a probe or a replay.
    pub synthetic: bool,
    /// When it happened, as it was told: `admitted` is its beginning, `last_byte` its end.
    pub time: Times,
    /// Who did it.
    pub who: Who,
}

/// The facts of an event that are safe in the clear.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventBody {
    /// The interaction that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<RecordId>,
    /// Numbers and enum-like words: how many documents, a decision, a score.
    #[serde(default)]
    pub facts: Params,
}

/// An event's content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventContent {
    /// In order.
    pub parts: Vec<PartRef>,
    /// The event as it was told, with references in place of the parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skeleton: Option<PartRef>,
}

#[derive(Serialize)]
struct Wire<'a> {
    body: &'a EventBody,
    collector: &'a CollectorName,
    content: &'a EventContent,
    correlation: &'a Correlation,
    id: RecordId,
    keys: &'a KeyIds,
    kind: Kind,
    masking: &'a Masking,
    #[serde(skip_serializing_if = "<[Oddity]>::is_empty")]
    oddities: &'a [Oddity],
    origin: Origin,
    recorded: Timestamp,
    retention: &'a Retention,
    synthetic: bool,
    time: &'a Times,
    v: u16,
    who: &'a Who,
}

#[derive(Deserialize)]
struct Owned {
    body: EventBody,
    collector: CollectorName,
    content: EventContent,
    correlation: Correlation,
    id: RecordId,
    keys: KeyIds,
    kind: Kind,
    masking: Masking,
    #[serde(default)]
    oddities: Vec<Oddity>,
    origin: Origin,
    recorded: Timestamp,
    retention: Retention,
    synthetic: bool,
    time: Times,
    who: Who,
}

/// Reads an event's envelope, whose version was looked at.
pub(super) fn from_wire(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    let wire: Owned = serde_json::from_slice(bytes)?;
    Ok(Envelope {
        id: wire.id,
        collector: wire.collector,
        recorded: wire.recorded,
        body: Body::Event(Box::new(Event {
            kind: wire.kind,
            body: wire.body,
            content: wire.content,
            correlation: wire.correlation,
            keys: wire.keys,
            masking: wire.masking,
            oddities: wire.oddities,
            origin: wire.origin,
            retention: wire.retention,
            synthetic: wire.synthetic,
            time: wire.time,
            who: wire.who,
        })),
    })
}

impl Event {
    pub(super) fn to_bytes(
        &self,
        id: RecordId,
        collector: &CollectorName,
        recorded: Timestamp,
    ) -> Result<Vec<u8>, EnvelopeError> {
        Ok(serde_json::to_vec(&Wire {
            body: &self.body,
            collector,
            content: &self.content,
            correlation: &self.correlation,
            id,
            keys: &self.keys,
            kind: self.kind,
            masking: &self.masking,
            oddities: &self.oddities,
            origin: self.origin,
            recorded,
            retention: &self.retention,
            synthetic: self.synthetic,
            time: &self.time,
            v: SCHEMA_VERSION,
            who: &self.who,
        })?)
    }

    /// All parts that the envelope names.
    pub fn part_refs(&self) -> impl Iterator<Item = &PartRef> {
        self.content.parts.iter().chain(&self.content.skeleton)
    }
}
