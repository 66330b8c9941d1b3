//! Envelopes from the two sides of a call.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use keys::Subject;
use lru::LruCache;
use mask::Counts;
use provider::{ReadRequest, ReadResponse};
use record::envelope::{
    Client, Correlation, Interaction, KeyIds, Masking, Model, PartRef, ProviderError, Request,
    Response, Signals, Times, Timing, Who, WrittenRequest,
};
use record::{
    AdmissionNumber, FinishClass, Oddity, Outcome, PartKind, RecordId, RetentionClass, Role, Scope,
    Timestamp,
};
use sha2::{Digest as _, Sha256};

use crate::call::{CallHead, Failure};
use crate::clear::Clear;
use crate::engine::Shared;
use crate::identity::Settled;
use crate::pipeline::{Scopes, SealedSide};
use crate::threads::ResponseJob;

/// The request's side after parsing: what goes into the envelope beside the parts.
pub(crate) struct RequestFields {
    pub(crate) head: CallHead,
    pub(crate) number: AdmissionNumber,
    pub(crate) admitted: Timestamp,
    pub(crate) sent_us: Option<u64>,
    pub(crate) read: ReadRequest,
    pub(crate) bytes: u64,
    pub(crate) complete: bool,
    pub(crate) oddities: Vec<Oddity>,
    /// Who the caller is.
    pub(crate) settled: Settled,
}

/// The answer's side after parsing.
pub(crate) struct ResponseFields {
    pub(crate) read: Option<ReadResponse>,
    pub(crate) oddities: Vec<Oddity>,
    pub(crate) bytes: u64,
    pub(crate) first_token_us: Option<u64>,
    pub(crate) last_byte_us: Option<u64>,
    pub(crate) token_gaps: Option<(u64, u64)>,
}

/// Whose data the call is: the user's, else the session's, else the caller's, by its credential or
/// by its access token.
pub(crate) fn subject<'a>(
    head: &'a CallHead,
    settled: &'a Settled,
    fingerprint: Option<&'a str>,
) -> Subject<'a> {
    let caller = fingerprint.or(settled.caller.as_deref());
    match (settled.user.as_deref(), head.session.as_deref(), caller) {
        (Some(user), _, _) => Subject::User(user),
        (None, Some(session), _) => Subject::Session(session),
        (None, None, Some(caller)) => Subject::Caller(caller),
        (None, None, None) => Subject::Caller("anonymous"),
    }
}

/// The keyed fingerprint of a credential.
pub(crate) fn fingerprint(shared: &Shared, head: &CallHead) -> Option<String> {
    let mac = shared.fingerprint.mac(head.credential.as_deref()?);
    mac.get(..8).map(|bytes| format!("k_{}", hex(bytes)))
}

/// The interaction as it is at admission: if nothing more comes, this is its record.
pub(crate) fn at_admission(
    shared: &Shared,
    side: &SealedSide<RequestFields>,
    scopes: &Scopes,
    class: &RetentionClass,
    fingerprint: Option<String>,
    (thread, previous): (String, Option<RecordId>),
) -> Interaction {
    let fields = &side.fields;
    let (head, settled) = (&fields.head, &fields.settled);
    let user = settled.user.as_deref();
    let pseudonym = user.and_then(|_| shared.keys.pseudonym(scopes.subject.subject));
    let (masker, others) = (&shared.masker, &settled.others);
    let clear = Clear { masker, user, pseudonym: pseudonym.as_deref(), others };
    let mut counts = side.counts.clone();
    let mut text = |t: &Option<String>| clear.option(t.as_deref(), &mut counts);
    let correlation = Correlation {
        attempt: head.attempt,
        client_request_id: text(&head.client_request_id),
        parent_span_id: head.parent_span_id,
        previous,
        provider_request_id: None,
        response_id: None,
        session: text(&head.session),
        thread: Some(thread),
        trace_id: Some(head.trace_id),
    };
    let (environment, service) = (text(&head.environment), text(&head.service));
    let requested = text(&fields.read.model);
    let who = Who {
        caller: settled.caller.clone(),
        credential: fingerprint,
        environment,
        identity: settled.identity.as_str().to_owned(),
        proven: settled.proven.iter().map(|field| (*field).to_owned()).collect(),
        roles: head.roles.iter().map(|role| clear.text(role, &mut counts)).collect(),
        service,
        tags: head
            .tags
            .iter()
            .map(|(k, v)| (clear.text(k, &mut counts), clear.text(v, &mut counts)))
            .collect(),
        user: pseudonym.clone(),
    };
    let mut oddities = fields.oddities.clone();
    oddities.extend(fields.read.oddities.iter().cloned());
    oddities.extend(side.oddities.iter().cloned());
    Interaction {
        admission: fields.number,
        client: Client::default(),
        correlation,
        cost: None,
        keys: KeyIds {
            period: scopes.subject.period,
            shared: side.uses_shared.then_some(scopes.shared.subject),
            subject: scopes.subject.subject,
        },
        masking: masking(shared, &counts),
        model: Model {
            answered: None,
            fingerprint: None,
            operation: fields.read.format.operation(),
            params: fields.read.params.clone(),
            provider: head.route.provider.clone(),
            requested,
            served: Vec::new(),
            stream: fields.read.stream,
        },
        oddities,
        origin: head.origin,
        request: Request {
            bytes: fields.bytes,
            complete: fields.complete,
            context_complete: fields.read.context_complete,
            parts: side.refs.clone(),
            skeleton: side.skeleton.clone(),
        },
        response: Response {
            bytes: 0,
            error: None,
            finish_class: FinishClass::Unknown,
            finish_reasons: Vec::new(),
            outcome: Outcome::Interrupted,
            parts: Vec::new(),
            skeleton: None,
            status: None,
        },
        retention: class.retention(fields.admitted),
        signals: Signals::default(),
        synthetic: head.synthetic,
        time: Times {
            admitted: fields.admitted,
            first_byte: None,
            first_token: None,
            last_byte: None,
            sent: fields.sent_us.map(|us| after(fields.admitted, us)),
        },
        timing: Timing::default(),
        upstream: head.route.upstream.clone(),
        usage: None,
        who,
    }
}

fn masking(shared: &Shared, counts: &Counts) -> Masking {
    Masking {
        counts: counts.iter().map(|(entity, n)| (entity.as_str().to_owned(), n)).collect(),
        detectors: mask::DETECTORS.to_owned(),
        policy: shared.masker.policy().version().to_owned(),
    }
}

/// The interaction with what came of it.
pub(crate) fn with_outcome(
    shared: &Shared,
    mut interaction: Interaction,
    side: SealedSide<ResponseFields>,
    job: &ResponseJob,
) -> Interaction {
    let admitted = interaction.time.admitted;
    let fields = side.fields;
    let mut counts = Counts::default();
    let clear = Clear { masker: &shared.masker, user: None, pseudonym: None, others: &[] };
    let read = fields.read.as_ref();
    let status = job.start.as_ref().map(|start| start.status);
    let error = job
        .failure
        .map(Failure::error)
        .or_else(|| read.and_then(|read| read.error.clone()))
        .or_else(|| bare_error(status));
    let truncated =
        job.start.is_some() && (!job.upstream_complete || read.is_some_and(|r| r.truncated));
    interaction.response = Response {
        bytes: fields.bytes,
        finish_class: match (&error, read) {
            (Some(_), _) => FinishClass::Error,
            (None, Some(read)) => read.finish_class,
            (None, None) => FinishClass::Unknown,
        },
        finish_reasons: read.map(|r| r.finish_reasons.clone()).unwrap_or_default(),
        outcome: outcome(job, error.is_some(), truncated),
        error,
        parts: side.refs,
        skeleton: side.skeleton,
        status,
    };
    if let Some(read) = read {
        interaction.model.answered.clone_from(&read.model);
        interaction.model.fingerprint.clone_from(&read.fingerprint);
        interaction.model.served.clone_from(&read.served);
        interaction.correlation.response_id.clone_from(&read.response_id);
        interaction.usage.clone_from(&read.usage);
        interaction.oddities.extend(read.oddities.iter().cloned());
    }
    let request_id = job.start.as_ref().and_then(|start| start.provider_request_id.as_deref());
    interaction.correlation.provider_request_id = clear.option(request_id, &mut counts);
    interaction.oddities.extend(fields.oddities);
    interaction.oddities.extend(side.oddities);
    for (entity, n) in counts.iter().chain(side.counts.iter()) {
        *interaction.masking.counts.entry(entity.as_str().to_owned()).or_default() += n;
    }
    interaction.client = Client {
        bytes_sent: job.bytes_sent,
        completed: job.client_present && job.start.is_some(),
        hung_up_after_us: job.hung_up_after_us,
    };
    interaction.time.first_byte = job.first_byte_us.map(|us| after(admitted, us));
    interaction.time.first_token = fields.first_token_us.map(|us| after(admitted, us));
    interaction.time.last_byte = fields.last_byte_us.map(|us| after(admitted, us));
    interaction.timing = Timing {
        first_byte_us: job.first_byte_us,
        first_token_us: fields.first_token_us,
        token_gap_p50_us: fields.token_gaps.map(|(p50, _)| p50),
        token_gap_p99_us: fields.token_gaps.map(|(_, p99)| p99),
        total_us: Some(job.total_us),
    };
    interaction
}

fn outcome(job: &ResponseJob, error: bool, truncated: bool) -> Outcome {
    if job.failure == Some(Failure::Withheld) {
        Outcome::RefusedByCustody
    } else if !job.client_present {
        Outcome::ClientAbort
    } else if error {
        Outcome::Error
    } else if truncated {
        Outcome::Truncated
    } else {
        Outcome::Complete
    }
}

/// A status that says error with a body that does not.
fn bare_error(status: Option<u16>) -> Option<ProviderError> {
    let status = status.filter(|status| *status >= 400)?;
    Some(ProviderError { code: None, kind: format!("http_{status}") })
}

fn after(admitted: Timestamp, us: u64) -> Timestamp {
    admitted.plus_us(i64::try_from(us).unwrap_or(i64::MAX))
}

/// Finds conversations by their prefix: a request whose messages begin with an earlier request's
/// and its answer goes on with that conversation (DESIGN §6).
pub(crate) struct Threading {
    known: Mutex<LruCache<[u8; 16], (String, RecordId)>>,
}

/// How many conversations are remembered.
const THREADS: usize = 50_000;

impl Threading {
    pub(crate) fn new() -> Self {
        let size = NonZeroUsize::new(THREADS).unwrap_or(NonZeroUsize::MIN);
        Self { known: Mutex::new(LruCache::new(size)) }
    }

    /// The thread of a request, and the interaction before it.
    pub(crate) fn find(&self, id: RecordId, parts: &[PartRef]) -> (String, Option<RecordId>) {
        let prefixes = prefixes([0; 32], parts);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = prefixes.iter().rev().find_map(|prefix| known.get(&short(prefix)).cloned());
        drop(known);
        if let Some((thread, previous)) = found {
            (thread, Some(previous))
        } else {
            let tail = id.as_bytes().get(6..).unwrap_or_default();
            (format!("t_{}", hex(tail)), None)
        }
    }

    /// Remembers a request and its answer.
    pub(crate) fn remember(&self, id: RecordId, interaction: &Interaction) {
        let Some(thread) = interaction.correlation.thread.clone() else { return };
        if interaction.response.parts.is_empty() {
            return;
        }
        let request = prefixes([0; 32], &interaction.request.parts).pop();
        let whole = prefixes(request.unwrap_or([0; 32]), &interaction.response.parts).pop();
        if let Some(whole) = whole {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.put(short(&whole), (thread, id));
        }
    }
}

fn short(hash: &[u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    out
}

/// A rolling hash after each message part. System prompts and tools do not count: applications
/// change them in the middle of a conversation. Neither does reasoning, which clients leave out.
fn prefixes(start: [u8; 32], parts: &[PartRef]) -> Vec<[u8; 32]> {
    let mut hash = start;
    parts
        .iter()
        .filter(|part| {
            part.scope == Scope::Subject
                && matches!(part.role, Role::User | Role::Assistant | Role::Tool)
                && matches!(part.kind, PartKind::Text | PartKind::ToolCall | PartKind::ToolResult)
        })
        .map(|part| {
            let next = Sha256::new().chain_update(hash).chain_update(part.pid.as_bytes());
            hash = next.finalize().into();
            hash
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    ::hex::encode(bytes)
}

/// Calls between their admission and their outcome, by id.
pub(crate) type Pending = HashMap<RecordId, PendingCall>;

/// A call whose outcome is to come.
pub(crate) struct PendingCall {
    pub(crate) number: Option<AdmissionNumber>,
    /// `None` when its content was lost for want of memory.
    pub(crate) admitted: Option<Box<AdmittedCall>>,
}

pub(crate) struct AdmittedCall {
    pub(crate) interaction: Interaction,
    pub(crate) request: WrittenRequest,
    pub(crate) scopes: Scopes,
    pub(crate) parts: Vec<std::sync::Arc<ledger::SealedPart>>,
    pub(crate) format: provider::Format,
    /// The head and the bytes so far, when the answer began before the request's end.
    pub(crate) early: Option<Box<(CallHead, Vec<u8>)>>,
}
