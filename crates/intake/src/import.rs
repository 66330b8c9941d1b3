//! What other systems have written down: read from their files, recorded as sealed at import.
//!
//! ```text
//! file ─► cut.rs: records ─► join: what other files say of them ─► read: calls and events
//! ```
//!
//! **Invariants.** A record has the same id whenever it is read again. What a format has no place
//! for stays with the record, sealed. A broken record costs itself alone.

mod bedrock;
mod bodies;
mod cut;
mod frames;
mod langfuse;
mod litellm;
mod members;
mod openai_batch;
mod otlp;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use capture::{CallHead, Identity, Mode, Report, Route};
use provider::{Family, Format};
use record::{Oddity, Origin, RecordId, Timestamp, TraceId};

use crate::{Refusal, Taken};
pub use cut::{Cutter, LONGEST, Piece};
use members::Members;

/// The name under which imports stand where an upstream's would.
pub const UPSTREAM: &str = "import";

/// The header that holds what a format has no place for. It is kept with the request, sealed.
const KEPT: &str = "custody-import";

/// The member that holds what another file says of a record.
const BESIDE: &str = "custody:beside";

/// Whose files they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Amazon Bedrock's model invocation logs.
    Bedrock,
    /// Langfuse: observations and traces.
    Langfuse,
    /// `LiteLLM`: standard logging payloads.
    LiteLlm,
    /// Results of `OpenAI`'s batches.
    OpenAiBatch,
    /// OTLP as JSON.
    Otlp,
}

/// A word that names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?}; known: bedrock, langfuse, litellm, openai-batch, otlp")]
pub struct UnknownSource(pub String);

impl Source {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Bedrock, Self::Langfuse, Self::LiteLlm, Self::OpenAiBatch, Self::Otlp];

    /// Its word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::Langfuse => "langfuse",
            Self::LiteLlm => "litellm",
            Self::OpenAiBatch => "openai-batch",
            Self::Otlp => "otlp",
        }
    }

    /// Whether other records say something of a record, so that all are looked at before any is
    /// recorded.
    pub const fn joins(self) -> bool {
        matches!(self, Self::Langfuse | Self::OpenAiBatch)
    }

    /// Reads one record. What it holds is recorded whole or not at all.
    pub fn read(self, raw: &[u8], cx: &Cx<'_>) -> Result<Vec<Taken>, Refusal> {
        let members = Members::of(raw)?;
        match self {
            Self::Bedrock => bedrock::read(raw, members, cx).map(|taken| vec![taken]),
            Self::Langfuse => langfuse::read(members, cx),
            Self::LiteLlm => litellm::read(raw, members, cx).map(|taken| vec![taken]),
            Self::OpenAiBatch => openai_batch::read(raw, members, cx),
            Self::Otlp => otlp::read(raw, cx),
        }
    }

    fn tells(self, raw: &[u8]) -> Vec<(String, String)> {
        let Ok(members) = Members::of(raw) else { return Vec::new() };
        match self {
            Self::Langfuse => langfuse::tells(&members),
            Self::OpenAiBatch => openai_batch::tells(raw, &members).into_iter().collect(),
            Self::Bedrock | Self::LiteLlm | Self::Otlp => Vec::new(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let found = Self::ALL.into_iter().find(|source| source.as_str() == text);
        found.ok_or_else(|| UnknownSource(text.to_owned()))
    }
}

/// What records say of other records: the request of a batch's result, whose trace an observation
/// belongs to.
#[derive(Debug, Default)]
pub struct Beside(HashMap<String, String>);

impl Beside {
    /// Remembers what a record says of others.
    pub fn note(&mut self, source: Source, raw: &[u8]) {
        self.0.extend(source.tells(raw));
    }

    /// The record with what was said of it.
    pub fn join<'a>(&self, source: Source, raw: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(raw);
        }
        let Ok(members) = Members::of(raw) else { return Cow::Borrowed(raw) };
        let key = match source {
            Source::Langfuse => langfuse::key(&members),
            Source::OpenAiBatch => openai_batch::key(&members),
            Source::Bedrock | Source::LiteLlm | Source::Otlp => None,
        };
        let Some(said) = key.and_then(|key| self.0.get(&key)) else { return Cow::Borrowed(raw) };
        // Put in as text: reading and writing again could change what is there.
        let Some(rest) = raw.trim_ascii_start().strip_prefix(b"{") else {
            return Cow::Borrowed(raw);
        };
        let comma = if rest.trim_ascii_start().starts_with(b"}") { "" } else { "," };
        let head = format!("{{\"{BESIDE}\":{said}{comma}");
        Cow::Owned([head.as_bytes(), rest].concat())
    }
}

/// Makes a record's id of the source, its own id there and its time.
pub type MakeId<'a> = dyn Fn(&str, &[u8], Timestamp) -> Option<RecordId> + 'a;

/// What readers need beside a record.
pub struct Cx<'a> {
    /// The retention class.
    pub class: &'a str,
    /// Makes a record's id of the source, its own id there and its time; `None` where nothing is
    /// recorded.
    pub id: &'a MakeId<'a>,
    /// The time of the import, for records that tell none.
    pub now: Timestamp,
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("class", &self.class).finish_non_exhaustive()
    }
}

/// A record's key within its source: its own id there, or all its bytes.
struct Key<'a> {
    source: Source,
    bytes: Cow<'a, [u8]>,
    began: Option<Timestamp>,
}

impl Key<'_> {
    /// The same record has the same id, also where it tells no time.
    fn id(&self, cx: &Cx<'_>) -> Option<RecordId> {
        (cx.id)(self.source.as_str(), &self.bytes, self.began.unwrap_or_default())
    }

    /// When it happened, as far as it tells.
    fn began(&self, cx: &Cx<'_>, oddities: &mut Vec<Oddity>) -> Timestamp {
        self.began.unwrap_or_else(|| {
            oddities.push(Oddity::new("time_unknown"));
            cx.now
        })
    }

    /// The correlation id that the record names, or one of its own.
    fn trace(&self, named: Option<&str>) -> TraceId {
        named.map_or_else(
            || TraceId::hashed(&[self.source.as_str().as_bytes(), &[0], &self.bytes].concat()),
            TraceId::named,
        )
    }
}

/// The head of something that this provider served, or nobody knows who.
fn head(cx: &Cx<'_>, provider: Option<&str>, trace: TraceId) -> CallHead {
    let route = Route {
        upstream: UPSTREAM.to_owned(),
        provider: word(provider.unwrap_or_default()),
        family: Family::Auto,
        mode: Mode::Observe,
        class: cx.class.to_owned(),
    };
    CallHead::told(Arc::new(route), Origin::Import, trace)
}

/// A provider's name, which stands in the clear: what is no such word is not taken for one.
fn word(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.is_empty() && name.len() <= 40 && name.chars().all(fits) {
        name
    } else {
        "unknown".to_owned()
    }
}

/// The person that a record names.
fn person(head: &mut CallHead, user: Option<String>) {
    if user.is_some() {
        head.user = user;
        head.identity = Identity::Body;
    }
}

/// A call without its answer.
fn report(
    cx: &Cx<'_>,
    key: &Key<'_>,
    mut head: CallHead,
    format: Format,
    request: Vec<u8>,
    rest: String,
) -> Report {
    head.format = Some(format);
    if rest != "{}" {
        head.headers.push((KEPT, rest));
    }
    let mut oddities = Vec::new();
    let began = key.began(cx, &mut oddities);
    Report { id: key.id(cx), head, began, request, answer: None, oddities }
}

#[cfg(test)]
mod fixture {
    use record::Digest;

    use super::*;

    /// Reads with ids that are hashes, so that tests can compare them.
    pub(super) fn read(source: Source, raw: &str) -> Result<Vec<Taken>, Refusal> {
        let id = |source: &str, key: &[u8], at: Timestamp| {
            let digest = Digest::of(&[source.as_bytes(), key].concat()).0;
            let mut random = [0; 10];
            random.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
            Some(RecordId::new(at.unix_ms(), random))
        };
        source.read(raw.as_bytes(), &Cx { class: "standard", id: &id, now: Timestamp(7) })
    }

    pub(super) fn call(source: Source, raw: &str) -> Report {
        match read(source, raw).unwrap().into_iter().next() {
            Some(Taken::Call(report)) => *report,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn json(bytes: &[u8]) -> serde_json::Value {
        serde_json::from_slice(bytes).unwrap()
    }

    pub(super) fn kept(report: &Report) -> serde_json::Value {
        let (_, text) = report.head.headers.iter().find(|(name, _)| *name == KEPT).unwrap();
        serde_json::from_str(text).unwrap()
    }
}
