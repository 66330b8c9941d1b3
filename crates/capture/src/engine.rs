//! The public face: admit calls, tap them, gate them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use keys::{KeyStore, KeysError};
use ledger::{Ledger, Tickets};
use mask::Masker;
use record::{AdmissionNumber, Clock, GapReason, RecordId, Timestamp, TraceId};
use seal::Secret;
use tokio::sync::oneshot;

use crate::admission::{self, Gate, Refused, Stall};
use crate::budget::{Budget, Share};
use crate::call::{CallHead, Failure, ResponseStart};
use crate::clear::ClearTexts;
use crate::documents::Documents;
use crate::held::Backlog;
use crate::met::Met;
use crate::queue::Sender;
use crate::status::{Counters, Status, count};
use crate::tap::{Body, RequestTap, ResponseTap};
use crate::threading::Threading;
use crate::threads::{Job, RequestJob, ResponseJob, Threads};
use crate::{Config, Mode, Sink};

/// The recorder of one collector.
pub struct Capture {
    shared: Arc<Shared>,
    pub(crate) threads: Mutex<Option<Threads>>,
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) masker: Masker,
    /// Texts of envelopes that were masked before.
    pub(crate) clear_texts: ClearTexts,
    /// What waits for the names tier.
    pub(crate) backlog: Backlog,
    /// Which thread of the names tier is next.
    pub(crate) next_slow: AtomicUsize,
    pub(crate) met: Met,
    pub(crate) threading: Threading,
    pub(crate) documents: Documents,
    /// Keys the ids of what other sources tell of.
    pub(crate) told_key: Secret,
    pub(crate) budget: Arc<Budget>,
    pub(crate) counters: Counters,
    pub(crate) stall: Stall,
    /// Keys a credential's fingerprint.
    pub(crate) fingerprint: Secret,
    /// Seals stretches of answers in the journal.
    pub(crate) piece_key: Secret,
    /// Keys the hash of what is past a body's limit.
    rest_key: Secret,
    /// Ids of calls: random from the system once in a while, counted between.
    ids: Ids,
}

impl Capture {
    /// Starts the worker threads.
    pub fn start(
        config: Config,
        ledger: Arc<Ledger>,
        keys: Arc<KeyStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeysError> {
        let pseudonyms = keys.purpose("custody/mask-pseudonym/v1")?;
        let names = config.names.clone();
        let masker = Masker::with_names(config.policy.clone(), *pseudonyms.expose(), names);
        let shared = Arc::new(Shared {
            clear_texts: ClearTexts::new(),
            backlog: Backlog::new(config.names_backlog),
            next_slow: AtomicUsize::new(0),
            masker,
            met: Met::new(config.cache, &keys::random_secret()?),
            threading: Threading::new(),
            documents: Documents::new(&keys::random_secret()?),
            told_key: keys.purpose("custody/told/v1")?,
            budget: Arc::new(Budget::new(config.memory)),
            counters: Counters::default(),
            stall: Stall::default(),
            fingerprint: keys.purpose("custody/credential/v1")?,
            piece_key: keys.purpose("custody/piece/v1")?,
            rest_key: keys.purpose("custody/rest/v1")?,
            ids: Ids::new()?,
            config,
            ledger,
            keys,
            clock,
        });
        let threads = Threads::start(&shared, shared.config.workers).map_err(|source| {
            KeysError::Unavailable { action: "start", path: "a capture thread".into(), source }
        })?;
        Ok(Self { shared, threads: Mutex::new(Some(threads)) })
    }

    /// Lets a call through, or not. Waits only for memory, and only in `evidence`.
    pub async fn admit(&self, head: CallHead) -> Result<Call, Refused> {
        let mode = head.route.mode;
        if mode != Mode::Observe {
            admission::admit(&self.shared, mode).await?;
        }
        count(&self.shared.counters.admitted, 1);
        let admitted = self.shared.clock.now();
        let id = self.shared.ids.next(admitted);
        let (sender, number) = match self.shared.config.sink {
            Sink::Discard => (None, None),
            Sink::Log => {
                let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
                (threads.as_ref().and_then(|t| t.of(id)), self.shared.ledger.take_number())
            }
        };
        let trace_id = head.trace_id;
        let line = Arc::new(Line {
            id,
            number,
            mode,
            admitted,
            started: Instant::now(),
            sender,
            request: Mutex::new(RequestState {
                head: Some(head),
                body: Some(Body::new(Share::new(&self.shared.budget))),
                late: None,
                finished: false,
                ticket: None,
            }),
            sent_us: AtomicU64::new(0),
            outcome: AtomicBool::new(false),
            shared: Arc::clone(&self.shared),
        });
        Ok(Call { line, trace_id })
    }

    /// The credential's fingerprint key, the masker and the rest are for other faces too.
    pub fn masker(&self) -> &Masker {
        &self.shared.masker
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Bytes of a body that are kept whole.
    pub fn max_body(&self) -> usize {
        self.shared.config.max_body
    }

    /// Counters.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        shared.counters.read(shared.budget.used(), shared.backlog.used())
    }

    /// Waits until everything that was captured so far is appended.
    pub fn drain(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(threads) = threads.as_ref() {
            threads.drain();
        }
    }

    /// Waits for the work that is there, then ends the threads.
    pub fn stop(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads {
            threads.stop();
        }
    }
}

impl Shared {
    pub(crate) fn log_is_writable(&self) -> bool {
        let status = self.ledger.status();
        status.writable && !status.fatal && !self.stall.is_on(self.log_progress())
    }

    /// Grows whenever the log was written or synced.
    pub(crate) fn log_progress(&self) -> u64 {
        let status = self.ledger.status();
        status.journal_writes.wrapping_add(status.journal_syncs)
    }

    pub(crate) fn new_id(&self) -> RecordId {
        self.ids.next(self.clock.now())
    }

    /// A call will not be recorded; the log says so as soon as it can.
    pub(crate) fn note_gap(&self, number: Option<AdmissionNumber>, reason: GapReason) {
        count(&self.counters.gaps, 1);
        self.ledger.note_gap(number, reason);
    }
}

/// A call that was let through. When it is dropped without an outcome, it is recorded as broken.
pub struct Call {
    line: Arc<Line>,
    trace_id: TraceId,
}

impl Call {
    /// The record's id.
    pub fn id(&self) -> RecordId {
        self.line.id
    }

    /// The correlation id.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The tap for the request's body.
    pub fn request_tap(&self) -> RequestTap {
        RequestTap::new(Arc::clone(&self.line))
    }

    /// The request's head went to the provider.
    pub fn sent(&self) {
        let us = self.line.us_until(Instant::now()).max(1);
        self.line.sent_us.store(us, Ordering::Relaxed);
    }

    /// The answer's head came. Waits at gate 1 and gives the tap for the body.
    pub async fn respond(&self, start: ResponseStart) -> (Gate, ResponseTap) {
        let first_byte_us = self.line.us_until(Instant::now());
        if self.line.mode != Mode::Observe {
            // A provider may answer before it has read all: what came so far is admitted then.
            self.line.finish_request_early();
        }
        let ticket = self.line.request().ticket.take();
        let gate = admission::wait(&self.line.shared, self.line.mode, ticket).await;
        (gate, ResponseTap::new(Arc::clone(&self.line), start, first_byte_us))
    }

    /// Waits at gate 2 for the ticket that [`ResponseTap::end`] gave.
    pub async fn last_gate(&self, ticket: Option<oneshot::Receiver<()>>) -> Gate {
        admission::wait(&self.line.shared, self.line.mode, ticket).await
    }

    /// A handle for waiting at gate 2 that does not keep the call alive.
    pub fn gatekeeper(&self) -> Gatekeeper {
        Gatekeeper { shared: Arc::clone(&self.line.shared), mode: self.line.mode }
    }

    /// There was no answer.
    pub fn fail(&self, failure: Failure) {
        self.line.fail(failure);
    }
}

/// Waits at gate 2.
#[derive(Clone)]
pub struct Gatekeeper {
    shared: Arc<Shared>,
    mode: Mode,
}

impl Gatekeeper {
    /// Whether the end of an answer waits at all.
    pub fn waits(&self) -> bool {
        self.mode != Mode::Observe
    }

    /// Waits for the ticket that [`ResponseTap::end`] gave.
    pub async fn wait(self, ticket: oneshot::Receiver<()>) -> Gate {
        admission::wait(&self.shared, self.mode, Some(ticket)).await
    }
}

/// What the parts of one call share.
pub(crate) struct Line {
    id: RecordId,
    number: Option<AdmissionNumber>,
    mode: Mode,
    admitted: Timestamp,
    started: Instant,
    /// `None` when everything is discarded.
    sender: Option<Sender<Job>>,
    request: Mutex<RequestState>,
    sent_us: AtomicU64,
    outcome: AtomicBool,
    shared: Arc<Shared>,
}

struct RequestState {
    head: Option<CallHead>,
    body: Option<Body>,
    /// What came after the answer had begun.
    late: Option<(Body, bool)>,
    finished: bool,
    ticket: Option<oneshot::Receiver<()>>,
}

impl Line {
    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    pub(crate) fn share(&self) -> Share {
        Share::new(&self.shared.budget)
    }

    pub(crate) fn max_body(&self) -> usize {
        self.shared.config.max_body
    }

    pub(crate) fn us_until(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn send(&self, job: Job) {
        if let Some(sender) = &self.sender
            && !sender.send(job)
        {
            self.shared.note_gap(self.number, GapReason::Fault);
        }
    }

    fn request(&self) -> MutexGuard<'_, RequestState> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push_body(&self, body: &mut Body, bytes: &[u8]) {
        body.push(bytes, self.max_body(), self.shared.rest_key.expose());
    }

    pub(crate) fn expect_request(&self, length: u64) {
        let max_body = self.max_body();
        if let Some(body) = &mut self.request().body {
            body.expect(length, max_body);
        }
    }

    pub(crate) fn push_request(&self, bytes: &[u8]) {
        let mut state = self.request();
        let state = &mut *state;
        match (&mut state.body, &mut state.late) {
            (Some(body), _) => self.push_body(body, bytes),
            (None, Some((late, _))) => self.push_body(late, bytes),
            (None, None) => {}
        }
    }

    pub(crate) fn finish_request(&self, complete: bool) {
        let mut state = self.request();
        if std::mem::replace(&mut state.finished, true) {
            return;
        }
        if let Some((_, all)) = &mut state.late {
            *all = complete;
            return;
        }
        self.send_request(&mut state, complete);
    }

    /// The answer begins before the request's end: what came so far is admitted, what comes later
    /// goes with the outcome.
    fn finish_request_early(&self) {
        let mut state = self.request();
        if !state.finished && state.late.is_none() {
            self.send_request(&mut state, false);
            state.late = Some((Body::new(self.share()), false));
        }
    }

    fn send_request(&self, state: &mut RequestState, complete: bool) {
        let (Some(head), Some(body)) = (state.head.take(), state.body.take()) else { return };
        let sent = self.sent_us.load(Ordering::Relaxed);
        let mut tickets = Tickets::default();
        if self.mode != Mode::Observe && self.sender.is_some() {
            let (ticket, receiver) = oneshot::channel();
            tickets.synced = Some(ticket);
            state.ticket = Some(receiver);
        }
        self.send(Job::Request(Box::new(RequestJob {
            id: self.id,
            number: self.number,
            admitted: self.admitted,
            sent_us: (sent > 0).then_some(sent),
            head,
            body,
            complete,
            tickets,
        })));
    }

    pub(crate) fn finish_response(&self, mut job: ResponseJob) -> Option<oneshot::Receiver<()>> {
        if self.outcome.swap(true, Ordering::AcqRel) || self.sender.is_none() {
            return None;
        }
        {
            let mut state = self.request();
            if !state.finished && state.late.is_none() {
                state.finished = true;
                self.send_request(&mut state, false);
            }
            job.late_request = state.late.take();
        }
        let receiver = match self.mode {
            Mode::Observe => None,
            Mode::Evidence => {
                let (ticket, receiver) = oneshot::channel();
                job.tickets.written = Some(ticket);
                Some(receiver)
            }
            Mode::FailClosed => {
                let (ticket, receiver) = oneshot::channel();
                job.tickets.synced = Some(ticket);
                Some(receiver)
            }
        };
        self.send(Job::Response(Box::new(job)));
        receiver
    }

    fn fail(&self, failure: Failure) {
        let total_us = self.us_until(Instant::now());
        let gone = failure == Failure::ClientGone;
        self.finish_response(ResponseJob {
            id: self.id,
            start: None,
            failure: Some(failure),
            body: Body::new(self.share()),
            marks: Vec::new(),
            first_byte_us: None,
            upstream_complete: false,
            bytes_sent: 0,
            client_present: !gone,
            hung_up_after_us: gone.then_some(total_us),
            total_us,
            late_request: None,
            tickets: Tickets::default(),
        });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.fail(Failure::Broken);
    }
}

/// Ids of records: UUIDv7 with a process-wide random start, so that no call asks the system.
struct Ids {
    start: [u8; 10],
    next: AtomicU64,
}

impl Ids {
    fn new() -> Result<Self, KeysError> {
        let next = u64::from_le_bytes(keys::random()?);
        Ok(Self { start: keys::random()?, next: AtomicU64::new(next) })
    }

    fn next(&self, now: Timestamp) -> RecordId {
        // A random start of 80 bits plus a counter in 64 of them: ids of one process differ by the
        // counter, ids of two by the start.
        let count = self.next.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let mut random = self.start;
        random.iter_mut().rev().zip(count).for_each(|(byte, c)| *byte = byte.wrapping_add(c));
        RecordId::new(now.unix_ms(), random)
    }
}

const _: fn() = || {
    fn send<T: Send + Sync>() {}
    send::<Call>();
    send::<Capture>();
};
