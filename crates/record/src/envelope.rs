//! The envelope: a record in the clear, whose SHA-256 the leaf holds. `spec/envelope.md`.
//!
//! It holds no content and no user id: content stands in parts, named by pid and digest.
//!
//! **Invariant.** Members of every struct here are declared in alphabetical order and maps are
//! sorted, so that plain serialisation *is* the canonical form (RFC 8785); a property test holds
//! that. It saves building and sorting a JSON tree for every call.

mod event;
mod interaction;
mod lifecycle;
mod summary;
mod told;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use event::{
    Access, Alert, Configuration, Damage, Gap, Heartbeat, KeyChange, Recovery, Segment, SegmentFile,
};
pub use interaction::{
    Client, Correlation, Cost, DocumentLink, Interaction, KeyIds, Masking, Model, Params, PartRef,
    ProviderError, Request, Response, Retention, Signals, Times, Timing, Usage, UsageSource, Who,
    WrittenRequest, param_number,
};
pub use lifecycle::{
    Approval, Erasure, Expiry, Hold, HoldEvent, LedgerObject, Probe, ProbeCheck, Tier,
};

pub use told::{Event, EventBody, EventContent};

pub use summary::{
    CorrelationSummary, CostSummary, MaskingSummary, ModelSummary, PartSummary, ResponseSummary,
    RetentionSummary, SideSummary, Summary, Text, TimesSummary, TimingSummary, UsageSummary,
    WhoSummary,
};

use crate::{
    CanonicalError, CollectorName, Digest, Kind, Leaf, RecordId, Timestamp, canonical_bytes,
};

/// The schema version that this program writes.
pub const SCHEMA_VERSION: u16 = 1;

/// A record in the clear.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The record's id.
    pub id: RecordId,
    /// Who recorded it.
    pub collector: CollectorName,
    /// When the record was closed; the leaf's time.
    pub recorded: Timestamp,
    /// What it is about.
    pub body: Body,
}

/// What a record is about, by kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// One request to a model and what came of it.
    Interaction(Box<Interaction>),
    /// Something that an application told of.
    Event(Box<Event>),
    /// Admitted calls that are not in the log.
    Gap(Gap),
    /// A sign of life, with the tally.
    Heartbeat(Heartbeat),
    /// What a start found.
    Recovery(Recovery),
    /// A read of content.
    Access(Access),
    /// Something to look at.
    Alert(Alert),
    /// A start, a stop, a change.
    Configuration(Configuration),
    /// A segment was written.
    Segment(Segment),
    /// Attempts to break the archive's locks.
    Probe(Probe),
    /// Keys were destroyed at a person's wish: the receipt.
    Erasure(Erasure),
    /// A retention class's time was over.
    Expiry(Expiry),
    /// A legal hold was placed or lifted.
    Hold(Hold),
    /// Segments moved to the cold tier.
    Tier(Tier),
    /// The signing key gave way to another.
    KeyChange(KeyChange),
    /// Of a kind that this version does not know.
    Other {
        /// The kind's word.
        kind: String,
        /// Its members.
        body: Value,
    },
}

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not JSON, or members missing or of a wrong type.
    #[error("not an envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by a later version.
    #[error("envelope of schema version {0}; this program knows {SCHEMA_VERSION}")]
    Version(u16),
    /// The envelope cannot be written canonically.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

#[derive(Serialize)]
struct EventWire<'a, T> {
    body: &'a T,
    collector: &'a CollectorName,
    id: RecordId,
    kind: &'a str,
    recorded: Timestamp,
    v: u16,
}

#[derive(Deserialize)]
struct Header {
    collector: CollectorName,
    id: RecordId,
    kind: String,
    recorded: Timestamp,
    v: u16,
}

#[derive(Deserialize)]
struct WithBody<T> {
    body: T,
}

impl Envelope {
    /// The kind's word.
    pub fn kind(&self) -> &str {
        match &self.body {
            Body::Interaction(_) => Kind::Interaction.as_str(),
            Body::Event(event) => event.kind.as_str(),
            Body::Gap(_) => Kind::Gap.as_str(),
            Body::Heartbeat(_) => Kind::Heartbeat.as_str(),
            Body::Recovery(_) => Kind::Recovery.as_str(),
            Body::Access(_) => Kind::Access.as_str(),
            Body::Alert(_) => Kind::Alert.as_str(),
            Body::Configuration(_) => Kind::Configuration.as_str(),
            Body::Segment(_) => Kind::Segment.as_str(),
            Body::Probe(_) => Kind::Probe.as_str(),
            Body::Erasure(_) => Kind::Erasure.as_str(),
            Body::Expiry(_) => Kind::Expiry.as_str(),
            Body::Hold(_) => Kind::Hold.as_str(),
            Body::Tier(_) => Kind::Tier.as_str(),
            Body::KeyChange(_) => Kind::KeyChange.as_str(),
            Body::Other { kind, .. } => kind,
        }
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        let bytes = match &self.body {
            Body::Interaction(interaction) => {
                interaction.to_bytes(self.id, &self.collector, self.recorded)?
            }
            Body::Event(event) => event.to_bytes(self.id, &self.collector, self.recorded)?,
            Body::Gap(body) => self.event(body)?,
            Body::Heartbeat(body) => self.event(body)?,
            Body::Recovery(body) => self.event(body)?,
            Body::Access(body) => self.event(body)?,
            Body::Alert(body) => self.event(body)?,
            Body::Configuration(body) => self.event(body)?,
            Body::Segment(body) => self.event(body)?,
            Body::Probe(body) => self.event(body)?,
            Body::Erasure(body) => self.event(body)?,
            Body::Expiry(body) => self.event(body)?,
            Body::Hold(body) => self.event(body)?,
            Body::Tier(body) => self.event(body)?,
            Body::KeyChange(body) => self.event(body)?,
            Body::Other { body, .. } => canonical_bytes(&EventWire {
                body,
                collector: &self.collector,
                id: self.id,
                kind: self.kind(),
                recorded: self.recorded,
                v: SCHEMA_VERSION,
            })?,
        };
        Ok(bytes)
    }

    fn event<T: Serialize>(&self, body: &T) -> Result<Vec<u8>, EnvelopeError> {
        Ok(serde_json::to_vec(&EventWire {
            body,
            collector: &self.collector,
            id: self.id,
            kind: self.kind(),
            recorded: self.recorded,
            v: SCHEMA_VERSION,
        })?)
    }

    /// Reads canonical bytes; kinds of later versions are kept as [`Body::Other`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        fn body<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, EnvelopeError> {
            Ok(serde_json::from_slice::<WithBody<T>>(bytes)?.body)
        }
        // Canonical bytes hold the kind before anything that is free text but three short ids, so
        // the first place is nearly always the right one; a wrong guess costs a second pass.
        if names_interaction(bytes)
            && let Ok(envelope) = interaction::from_wire(bytes)
        {
            return Ok(envelope);
        }
        let header: Header = serde_json::from_slice(bytes)?;
        if header.v > SCHEMA_VERSION {
            return Err(EnvelopeError::Version(header.v));
        }
        let body = match header.kind.parse::<Kind>() {
            Ok(Kind::Interaction) => return interaction::from_wire(bytes),
            Ok(kind) if Kind::EVENTS.contains(&kind) => return told::from_wire(bytes),
            Ok(Kind::Gap) => Body::Gap(body(bytes)?),
            Ok(Kind::Heartbeat) => Body::Heartbeat(body(bytes)?),
            Ok(Kind::Recovery) => Body::Recovery(body(bytes)?),
            Ok(Kind::Access) => Body::Access(body(bytes)?),
            Ok(Kind::Alert) => Body::Alert(body(bytes)?),
            Ok(Kind::Configuration) => Body::Configuration(body(bytes)?),
            Ok(Kind::Segment) => Body::Segment(body(bytes)?),
            Ok(Kind::Probe) => Body::Probe(body(bytes)?),
            Ok(Kind::Erasure) => Body::Erasure(body(bytes)?),
            Ok(Kind::Expiry) => Body::Expiry(body(bytes)?),
            Ok(Kind::Hold) => Body::Hold(body(bytes)?),
            Ok(Kind::Tier) => Body::Tier(body(bytes)?),
            Ok(Kind::KeyChange) => Body::KeyChange(body(bytes)?),
            Ok(_) | Err(_) => Body::Other { kind: header.kind, body: body(bytes)? },
        };
        Ok(Self { id: header.id, collector: header.collector, recorded: header.recorded, body })
    }

    /// The leaf that commits to these canonical bytes.
    pub fn leaf(&self, bytes: &[u8]) -> Leaf {
        Leaf { id: self.id, time: self.recorded, envelope: Digest::of(bytes) }
    }

    /// What a record with parts has, whatever its kind.
    pub fn contents(&self) -> Option<Contents<'_>> {
        match &self.body {
            Body::Interaction(i) => Some(Contents {
                keys: &i.keys,
                class: &i.retention.class,
                correlation: &i.correlation,
                at: i.time.admitted,
                about: None,
                parts: i.part_refs().collect(),
            }),
            Body::Event(event) => Some(Contents {
                keys: &event.keys,
                class: &event.retention.class,
                correlation: &event.correlation,
                at: event.time.admitted,
                about: event.body.about,
                parts: event.part_refs().collect(),
            }),
            _ => None,
        }
    }

    /// The interaction, when it is one.
    pub fn interaction(&self) -> Option<&Interaction> {
        match &self.body {
            Body::Interaction(interaction) => Some(interaction),
            _ => None,
        }
    }
}

/// What a record with parts has, whatever its kind.
#[derive(Debug, Clone)]
pub struct Contents<'a> {
    /// The keys that its parts are sealed under.
    pub keys: &'a KeyIds,
    /// The retention class.
    pub class: &'a str,
    /// What it belongs to.
    pub correlation: &'a Correlation,
    /// When it began.
    pub at: Timestamp,
    /// The interaction that it is about, when it is an event.
    pub about: Option<RecordId>,
    /// All its parts, skeletons included.
    pub parts: Vec<&'a PartRef>,
}

fn names_interaction(bytes: &[u8]) -> bool {
    const KIND: &[u8] = b"\"kind\":\"interaction\"";
    bytes.windows(KIND.len()).any(|window| window == KIND)
}

#[cfg(test)]
mod tests;
