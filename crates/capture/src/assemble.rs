//! Envelopes from the two sides of a call.

use keys::Subject;
use mask::Counts;
use provider::{ReadRequest, ReadResponse};
use record::envelope::{
    Client, Correlation, DocumentLink, Interaction, KeyIds, Masking, Model, ProviderError, Request,
    Response, Signals, Times, Timing, Who, WrittenRequest,
};
use record::{AdmissionNumber, FinishClass, Oddity, Outcome, RecordId, RetentionClass, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

use crate::call::{CallHead, Failure};
use crate::clear::Clear;
use crate::cost::cost;
use crate::engine::Shared;
use crate::held::HeldParts;
use crate::identity::Settled;
use crate::masking::Whereabouts;
use crate::pipeline::{Scopes, SealedSide};
use crate::threading::{Chain, Found};
use crate::threads::ResponseJob;

/// The request's side after parsing: what goes into the envelope beside the parts.
pub(crate) struct RequestFields {
    pub(crate) head: CallHead,
    pub(crate) number: AdmissionNumber,
    pub(crate) admitted: Timestamp,
    /// From when its time of keeping counts.
    pub(crate) kept_from: Timestamp,
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
    (found, documents): (&Found, Vec<DocumentLink>),
) -> Interaction {
    let fields = &side.fields;
    let (head, settled) = (&fields.head, &fields.settled);
    let user = settled.user.as_deref();
    let pseudonym = user.and_then(|_| shared.keys.pseudonym(scopes.subject.subject));
    let (masker, texts, others) = (&shared.masker, &shared.clear_texts, &settled.others);
    let clear = Clear { masker, texts, user, pseudonym: pseudonym.as_deref(), others };
    let mut counts = side.counts.clone();
    let mut text = |t: &Option<String>| clear.option(t.as_deref(), &mut counts);
    let correlation = Correlation {
        attempt: head.attempt,
        client_request_id: text(&head.client_request_id),
        parent_span_id: head.parent_span_id,
        previous: found.previous,
        provider_request_id: None,
        response_id: None,
        retry_of: found.retry_of,
        session: text(&head.session),
        thread: Some(found.thread.clone()),
        trace_id: Some(head.trace_id),
    };
    let requested = text(&fields.read.model);
    let who = who(head, settled, fingerprint, pseudonym.clone(), &clear, &mut counts);
    let mut oddities = fields.oddities.clone();
    oddities.extend(fields.read.oddities.iter().cloned());
    oddities.extend(side.oddities.iter().cloned());
    Interaction {
        admission: fields.number,
        client: Client::default(),
        correlation,
        cost: None,
        documents,
        keys: KeyIds {
            period: scopes.subject.period,
            shared: side.uses_shared.then_some(scopes.shared.subject),
            subject: scopes.subject.subject,
        },
        masking: masking(shared, &counts),
        model: Model {
            answered: None,
            fingerprint: None,
            format: Some(fields.read.format.as_str().to_owned()),
            operation: fields.read.operation,
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
        retention: class.retention(fields.kept_from),
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

/// Who asked, as far as it may stand in the clear.
pub(crate) fn who(
    head: &CallHead,
    settled: &Settled,
    fingerprint: Option<String>,
    pseudonym: Option<String>,
    clear: &Clear<'_>,
    counts: &mut Counts,
) -> Who {
    Who {
        caller: settled.caller.clone(),
        credential: fingerprint,
        environment: clear.option(head.environment.as_deref(), counts),
        identity: settled.identity.as_str().to_owned(),
        proven: settled.proven.iter().map(|field| (*field).to_owned()).collect(),
        roles: head.roles.iter().map(|role| clear.text(role, counts)).collect(),
        service: clear.option(head.service.as_deref(), counts),
        tags: head
            .tags
            .iter()
            .map(|(k, v)| (clear.text(k, counts), clear.text(v, counts)))
            .collect(),
        user: pseudonym,
    }
}

pub(crate) fn masking(shared: &Shared, counts: &Counts) -> Masking {
    Masking {
        counts: counts.iter().map(|(entity, n)| (entity.as_str().to_owned(), n)).collect(),
        detectors: shared.masker.detectors(),
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
    let (masker, texts) = (&shared.masker, &shared.clear_texts);
    let clear = Clear { masker, texts, user: None, pseudonym: None, others: &[] };
    let read = fields.read.as_ref();
    // 0 is said of reports that tell no status.
    let status = job.start.as_ref().map(|start| start.status).filter(|status| *status > 0);
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
            // An error of the answer's own may end otherwise: by a filter, or as a tool's result.
            (_, Some(read)) if job.failure.is_none() => read.finish_class,
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
        interaction.cost = cost(&shared.config.prices, &interaction, read);
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
        total_us: Some(job.total_us).filter(|us| *us > 0),
    };
    interaction
}

fn outcome(job: &ResponseJob, error: bool, truncated: bool) -> Outcome {
    if job.failure.is_some_and(Failure::is_refusal) {
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
    pub(crate) parts: Vec<Arc<ledger::SealedPart>>,
    /// Those of them whose names tier is still to come.
    pub(crate) held: HeldParts,
    pub(crate) place: Arc<Whereabouts>,
    pub(crate) format: provider::Format,
    /// The hash over the request's messages.
    pub(crate) chain: Chain,
    /// The head and the bytes so far, when the answer began before the request's end.
    pub(crate) early: Option<Box<(CallHead, Vec<u8>)>>,
}
