//! The body of an interaction's envelope. Members are in alphabetical order (see the parent).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::{Body, Envelope, EnvelopeError, SCHEMA_VERSION};
use crate::{
    AdmissionNumber, CollectorName, Digest, FinishClass, Kid, Kind, Oddity, Operation, Origin,
    Outcome, PartKind, Pid, RecordId, Role, Scope, SpanId, Timestamp, TraceId,
};

/// Scalar parameters of a request that are safe in the clear: numbers, booleans and enum-like
/// words. Anything else stands in the sealed skeleton.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(pub BTreeMap<String, Value>);

/// One request to a model and what came of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the groups are described on their types")]
pub struct Interaction {
    pub admission: AdmissionNumber,
    pub client: Client,
    pub correlation: Correlation,
    pub cost: Option<Cost>,
    pub documents: Vec<DocumentLink>,
    pub keys: KeyIds,
    pub masking: Masking,
    pub model: Model,
    pub oddities: Vec<Oddity>,
    pub origin: Origin,
    pub request: Request,
    pub response: Response,
    pub retention: Retention,
    pub signals: Signals,
    pub synthetic: bool,
    pub time: Times,
    pub timing: Timing,
    /// Name of the upstream in the configuration.
    pub upstream: String,
    pub usage: Option<Usage>,
    pub who: Who,
}

/// What the client received.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Client {
    /// Bytes of body handed to the client's connection.
    pub bytes_sent: u64,
    /// Whether the client was still there when the last byte was handed over.
    pub completed: bool,
    /// Microseconds from admission until the client was seen to have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hung_up_after_us: Option<u64>,
}

/// What ties an interaction to everything else that the request did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Correlation {
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RecordId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// The first attempt of the same request, when this is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<RecordId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}

/// What the call cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Millionths of a US dollar.
    pub micro_usd: u64,
    /// `provider` or `price-table`.
    pub source: String,
    /// The price table's date, when one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// A document that an event told of, found verbatim in a part of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLink {
    /// Index of the part of the request.
    pub part: u32,
    /// The document's part in the event.
    pub pid: Pid,
    /// The event's record.
    pub record: RecordId,
}

/// Ids of the keys that the parts are sealed under; destroying one ends its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyIds {
    /// The period's key.
    pub period: Kid,
    /// The key of shared parts, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Kid>,
    /// The subject's key.
    pub subject: Kid,
}

/// What was masked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Masking {
    /// How many values by entity.
    pub counts: BTreeMap<String, u64>,
    /// Version of the detectors.
    pub detectors: String,
    /// Name and version of the policy.
    pub policy: String,
}

/// The model asked for and the one that answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Model {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The wire format that the call was read in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    pub operation: Operation,
    pub params: Params,
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// Models that served parts of the answer, when the provider names several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served: Vec<String>,
    pub stream: bool,
}

/// A part as the envelope names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRef {
    /// The key that it is sealed under in place of its scope's: a document has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Kid>,
    /// What it is.
    pub kind: PartKind,
    /// Length of the plain content, in bytes.
    pub length: u64,
    /// Its keyed commitment.
    pub pid: Pid,
    /// Who speaks.
    pub role: Role,
    /// Under whose key it is sealed.
    pub scope: Scope,
    /// SHA-256 of the sealed bytes.
    pub sha256: Digest,
    /// True when a detector failed on it: it is sealed unmasked and never opened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Request {
    /// Bytes of body as sent by the client.
    pub bytes: u64,
    /// Whether the whole body was seen.
    pub complete: bool,
    /// False when the provider holds context that the body only names.
    pub context_complete: bool,
    /// Content in order.
    pub parts: Vec<PartRef>,
    /// The body with references in place of the parts, and the request line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skeleton: Option<PartRef>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Bytes of body as the provider sent them.
    pub bytes: u64,
    /// What went wrong, in words of the provider or of Custody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProviderError>,
    /// Why the model stopped, in one vocabulary.
    pub finish_class: FinishClass,
    /// Why the model stopped, in the provider's words.
    pub finish_reasons: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Content in order.
    pub parts: Vec<PartRef>,
    /// The body with references in place of the parts; for a stream, what its events hold beside
    /// content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skeleton: Option<PartRef>,
    /// HTTP status; absent when no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// An error by type and code; its message may hold content and stands in a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderError {
    /// The provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's type, or one of Custody's: `upstream_unreachable`, `upstream_timeout`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// How long what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The retention class.
    pub class: String,
    /// When the content can no longer be opened; `None`: no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_until: Option<Timestamp>,
    /// Until when the archived files are locked at least; `None`: no lock is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
}

/// Scores of the signals, in thousandths, so that the canonical form holds no fractions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signals {
    /// How much the user's or a tool's text looks like an injected prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub injection: Option<u16>,
    /// How much the answer looks like a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<u16>,
}

/// When things happened, UTC µs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Times {
    pub admitted: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_byte: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Timestamp>,
}

/// How long things took, µs, by the monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Timing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_gap_p50_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_gap_p99_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_us: Option<u64>,
}

/// Where token counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UsageSource {
    /// The provider sent them.
    Provider,
    /// Custody estimated them.
    Estimated,
}

/// Token counts, normalised as `docs/usage.md` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Usage {
    pub cache_read: u64,
    pub cache_write: u64,
    pub input: u64,
    /// Version of the rules that made the normalised counts out of `raw`.
    pub normaliser: u16,
    pub output: u64,
    /// The provider's object: its numbers, booleans and enum-like words.
    pub raw: Value,
    pub reasoning: u64,
    pub source: UsageSource,
    pub total: u64,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is named as in spec/envelope.md")]
pub struct Who {
    /// Id of the access token that the caller sent (`t_…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Keyed fingerprint of the credential that the caller sent to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What the user id rests on: `token`, `oidc`, `header`, `baggage`, `body` or `none`; without a
    /// user, what the caller rests on.
    pub identity: String,
    /// Which of `environment`, `roles`, `service` and `user` a token or a JWT names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Pseudonym of the user id, gone for good when the subject's key is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

#[derive(Serialize)]
struct Wire<'a> {
    admission: AdmissionNumber,
    client: &'a Client,
    collector: &'a CollectorName,
    correlation: &'a Correlation,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: &'a Option<Cost>,
    #[serde(skip_serializing_if = "<[DocumentLink]>::is_empty")]
    documents: &'a [DocumentLink],
    id: RecordId,
    keys: &'a KeyIds,
    kind: &'static str,
    masking: &'a Masking,
    model: &'a Model,
    #[serde(skip_serializing_if = "<[Oddity]>::is_empty")]
    oddities: &'a [Oddity],
    origin: Origin,
    recorded: Timestamp,
    request: &'a RawValue,
    response: &'a Response,
    retention: &'a Retention,
    signals: &'a Signals,
    synthetic: bool,
    time: &'a Times,
    timing: &'a Timing,
    upstream: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: &'a Option<Usage>,
    v: u16,
    who: &'a Who,
}

/// [`Wire`] for reading: everything in one pass, since reading is what `verify` and segments do
/// most.
#[derive(Deserialize)]
struct Owned {
    admission: AdmissionNumber,
    client: Client,
    collector: CollectorName,
    correlation: Correlation,
    cost: Option<Cost>,
    #[serde(default)]
    documents: Vec<DocumentLink>,
    id: RecordId,
    keys: KeyIds,
    kind: Kind,
    masking: Masking,
    model: Model,
    #[serde(default)]
    oddities: Vec<Oddity>,
    origin: Origin,
    recorded: Timestamp,
    request: Request,
    response: Response,
    retention: Retention,
    #[serde(default)]
    signals: Signals,
    synthetic: bool,
    time: Times,
    timing: Timing,
    upstream: String,
    usage: Option<Usage>,
    v: u16,
    who: Who,
}

/// Reads an interaction's envelope.
pub(super) fn from_wire(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    let wire: Owned = serde_json::from_slice(bytes)?;
    if wire.v > SCHEMA_VERSION {
        return Err(EnvelopeError::Version(wire.v));
    }
    if wire.kind != Kind::Interaction {
        return Err(EnvelopeError::Json(serde::de::Error::custom("it is of another kind")));
    }
    Ok(Envelope {
        id: wire.id,
        collector: wire.collector,
        recorded: wire.recorded,
        body: Body::Interaction(Box::new(Interaction {
            admission: wire.admission,
            client: wire.client,
            correlation: wire.correlation,
            cost: wire.cost,
            documents: wire.documents,
            keys: wire.keys,
            masking: wire.masking,
            model: wire.model,
            oddities: wire.oddities,
            origin: wire.origin,
            request: wire.request,
            response: wire.response,
            retention: wire.retention,
            signals: wire.signals,
            synthetic: wire.synthetic,
            time: wire.time,
            timing: wire.timing,
            upstream: wire.upstream,
            usage: wire.usage,
            who: wire.who,
        })),
    })
}

/// A request as it stands in the envelope: most of it are the parts of the conversation so far,
/// which the record at admission and the record at the end both name.
#[derive(Debug, Clone)]
pub struct WrittenRequest(Box<RawValue>);

impl Request {
    /// Writes it for use in more than one envelope.
    pub fn write(&self) -> Result<WrittenRequest, EnvelopeError> {
        Ok(WrittenRequest(serde_json::value::to_raw_value(self)?))
    }
}

impl Interaction {
    /// The canonical bytes of this interaction's envelope, without building one.
    pub fn to_bytes(
        &self,
        id: RecordId,
        collector: &CollectorName,
        recorded: Timestamp,
    ) -> Result<Vec<u8>, EnvelopeError> {
        self.to_bytes_with(&self.request.write()?, id, collector, recorded)
    }

    /// As [`to_bytes`](Self::to_bytes), with the request written before.
    pub fn to_bytes_with(
        &self,
        request: &WrittenRequest,
        id: RecordId,
        collector: &CollectorName,
        recorded: Timestamp,
    ) -> Result<Vec<u8>, EnvelopeError> {
        debug_assert!(
            self.request.write().is_ok_and(|fresh| fresh.0.get() == request.0.get()),
            "the request did not change since it was written"
        );
        let size = 1536 + request.0.get().len() + self.response.parts.len() * 260;
        let mut out = Vec::with_capacity(size);
        serde_json::to_writer(
            &mut out,
            &Wire {
                admission: self.admission,
                client: &self.client,
                collector,
                correlation: &self.correlation,
                cost: &self.cost,
                documents: &self.documents,
                id,
                keys: &self.keys,
                kind: Kind::Interaction.as_str(),
                masking: &self.masking,
                model: &self.model,
                oddities: &self.oddities,
                origin: self.origin,
                recorded,
                request: &request.0,
                response: &self.response,
                retention: &self.retention,
                signals: &self.signals,
                synthetic: self.synthetic,
                time: &self.time,
                timing: &self.timing,
                upstream: &self.upstream,
                usage: &self.usage,
                v: SCHEMA_VERSION,
                who: &self.who,
            },
        )?;
        Ok(out)
    }

    /// All parts that the envelope names: the request's, the response's and the skeletons.
    pub fn part_refs(&self) -> impl Iterator<Item = &PartRef> {
        self.request
            .parts
            .iter()
            .chain(&self.request.skeleton)
            .chain(&self.response.parts)
            .chain(&self.response.skeleton)
    }
}

/// A number in its canonical form (RFC 8785), for [`Params`] and [`Usage::raw`]; integers that a
/// double cannot hold come back as strings.
pub fn param_number(number: &Number) -> Value {
    /// Integers up to here are their own canonical form.
    const EXACT: u64 = 1 << 53;
    if let Some(integer) = number.as_i64().filter(|n| n.unsigned_abs() <= EXACT) {
        return Value::from(integer);
    }
    crate::canonical_string(number)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null)
}
