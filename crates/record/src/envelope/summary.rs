//! What a segment's columns and `verify` need of an envelope, borrowed from its bytes.
//!
//! Reading an envelope whole costs far more than hashing it, nearly all of it for members that these
//! two never look at.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer};

use super::{EnvelopeError, KeyIds, SCHEMA_VERSION};
use crate::{Digest, Kid, Pid, RecordId, Timestamp};

/// An envelope as far as it is needed for finding it. Members that only an interaction has are
/// `None` for other records.
#[derive(Debug, Clone, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Summary<'a> {
    v: u16,
    pub id: RecordId,
    #[serde(borrow)]
    pub collector: Text<'a>,
    #[serde(borrow)]
    pub kind: Text<'a>,
    pub recorded: Timestamp,
    pub admission: Option<u64>,
    /// An event's parts.
    #[serde(default)]
    pub content: SideSummary,
    #[serde(borrow, default)]
    pub correlation: CorrelationSummary<'a>,
    pub cost: Option<CostSummary>,
    pub keys: Option<KeyIds>,
    #[serde(default)]
    pub masking: MaskingSummary<'a>,
    #[serde(borrow, default)]
    pub model: ModelSummary<'a>,
    #[serde(borrow)]
    pub origin: Option<Text<'a>>,
    #[serde(default)]
    pub request: SideSummary,
    #[serde(borrow, default)]
    pub response: ResponseSummary<'a>,
    #[serde(borrow, default)]
    pub retention: RetentionSummary<'a>,
    pub synthetic: Option<bool>,
    #[serde(default)]
    pub time: TimesSummary,
    #[serde(default)]
    pub timing: TimingSummary,
    #[serde(borrow)]
    pub upstream: Option<Text<'a>>,
    pub usage: Option<UsageSummary>,
    #[serde(borrow, default)]
    pub who: WhoSummary<'a>,
}

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($member:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
        pub struct $name<'a> {
            $(#[serde(borrow, default)] pub $member: Option<Text<'a>>,)+
        }
    };
}

texts!(
    /// See [`Correlation`](super::Correlation).
    CorrelationSummary { trace_id, session, thread }
);
texts!(
    /// See [`Model`](super::Model).
    ModelSummary { provider, operation, requested, answered }
);
texts!(
    /// See [`Retention`](super::Retention).
    RetentionSummary { class }
);
texts!(
    /// See [`Who`](super::Who).
    WhoSummary { user, credential, environment, service }
);

macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident { $($member:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, Deserialize)]
        #[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
        pub struct $name {
            $(#[serde(default)] pub $member: Option<u64>,)+
        }
    };
}

numbers!(
    /// See [`Cost`](super::Cost).
    CostSummary { micro_usd }
);
numbers!(
    /// See [`Timing`](super::Timing).
    TimingSummary { first_token_us, total_us }
);
numbers!(
    /// See [`Usage`](super::Usage).
    UsageSummary { input, output, total }
);

/// See [`Masking`](super::Masking).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct MaskingSummary<'a> {
    /// How many values by entity.
    #[serde(borrow)]
    pub counts: BTreeMap<Text<'a>, u64>,
}

/// See [`Times`](super::Times).
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct TimesSummary {
    /// When the call was let through.
    pub admitted: Option<Timestamp>,
}

/// See [`Request`](super::Request).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SideSummary {
    #[serde(default)]
    parts: Vec<PartSummary>,
    #[serde(default)]
    skeleton: Option<PartSummary>,
}

/// See [`Response`](super::Response).
#[derive(Debug, Clone, Default, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct ResponseSummary<'a> {
    #[serde(default)]
    parts: Vec<PartSummary>,
    #[serde(default)]
    skeleton: Option<PartSummary>,
    #[serde(borrow, default)]
    pub outcome: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub finish_class: Option<Text<'a>>,
    #[serde(default)]
    pub status: Option<u64>,
}

/// See [`PartRef`](super::PartRef).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct PartSummary {
    /// A key of its own, when it has one.
    #[serde(default)]
    pub key: Option<Kid>,
    /// The part's commitment.
    pub pid: Pid,
    /// Digest of its sealed bytes.
    pub sha256: Digest,
}

/// A text, borrowed where it has no escapes; `Option<Cow<str>>` would copy it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;

        impl<'de> serde::de::Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrowing)
    }
}

impl<'a> Summary<'a> {
    /// Reads canonical bytes.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let summary: Self = serde_json::from_slice(bytes)?;
        if summary.v > SCHEMA_VERSION {
            return Err(EnvelopeError::Version(summary.v));
        }
        Ok(summary)
    }

    /// The parts of an event or of both sides of an interaction, and their skeletons.
    pub fn parts(&self) -> impl Iterator<Item = &PartSummary> {
        let (told, asked, answered) = (&self.content, &self.request, &self.response);
        let told = told.parts.iter().chain(&told.skeleton);
        let asked = asked.parts.iter().chain(&asked.skeleton);
        told.chain(asked).chain(&answered.parts).chain(&answered.skeleton)
    }
}
