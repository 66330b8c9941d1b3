//! A worker thread: takes jobs, runs the pipeline, appends.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use keys::Subject;
use ledger::{Admission, Append, Sealed, Tickets};
use provider::{End, RequestHead, ResponseHead, ResponseReader};
use record::envelope::{Interaction, WrittenRequest};
use record::{AdmissionNumber, GapReason, Oddity, RecordId, RetentionClass, Timestamp};
use serde_json::{Map, Value, json};

use crate::assemble::{
    AdmittedCall, Pending, PendingCall, RequestFields, ResponseFields, at_admission, fingerprint,
    subject, with_outcome,
};
use crate::call::{CallHead, ResponseStart};
use crate::decode::{Decoder, decode};
use crate::engine::Shared;
use crate::held::{self, HeldParts};
use crate::identity::{Settled, settle};
use crate::masking::Whereabouts;
use crate::pipeline::{Names, Parsed, Scopes, SealedSide, Tapped};
use crate::queue::{Receiver, Sender};
use crate::status::count;
use crate::tap::{self, Mark};
use crate::threading::Asked;
use crate::threads::{CloseJob, Job, PieceJob, RequestJob, ResponseJob};

/// Jobs that are appended together.
const BATCH: usize = 64;
/// How long to wait before an append is tried again.
const AGAIN: Duration = Duration::from_millis(20);
/// What a piece of an answer is sealed for.
pub(crate) const PIECE: &str = "custody/piece/v1";

pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pending: Pending,
    /// Who runs the names tier; nobody else when this worker does so itself.
    slow: Vec<Sender<Job>>,
    names: Names,
    stopping: Arc<AtomicBool>,
}

/// What a batch of jobs comes to.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Append>,
    pub(crate) drained: Vec<mpsc::Sender<()>>,
    /// Bytes held until their entries are in the journal.
    pub(crate) held: Vec<crate::budget::Share>,
    pub(crate) gaps: Vec<(Option<AdmissionNumber>, GapReason)>,
    pub(crate) finished: u64,
    /// What goes to the names tier as soon as the entries are in the journal.
    later: Vec<Job>,
}

impl Worker {
    /// One that leaves names to these.
    pub(crate) fn new(shared: Arc<Shared>, slow: Vec<Sender<Job>>) -> Self {
        let (pending, stopping) = (Pending::new(), Arc::default());
        Self { shared, pending, slow, names: Names::Later, stopping }
    }

    /// One for whose work nobody's answer waits.
    pub(crate) fn slow(shared: Arc<Shared>, stopping: Arc<AtomicBool>) -> Self {
        let (pending, slow) = (Pending::new(), Vec::new());
        Self { shared, pending, slow, names: Names::Now, stopping }
    }

    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        if self.names == Names::Now
            && let Some(names) = self.shared.masker.names()
        {
            // A tagger unpacks its weights at its first text; no call should wait for that.
            names.find("Ada");
        }
        let mut taken = Vec::with_capacity(BATCH);
        while jobs.take(&mut taken, BATCH) {
            let mut batch = Batch::default();
            for job in taken.drain(..) {
                self.job(job, &mut batch);
            }
            self.append(batch);
            if self.names == Names::Now {
                held::destroy(&self.shared, &self.shared.backlog.over(self.shared.clock.now()));
            }
        }
    }

    /// Appends until it succeeds: what is captured waits in memory, and the queue behind it is
    /// bounded by bytes.
    fn append(&self, batch: Batch) {
        let mut entries = batch.entries;
        if !entries.is_empty() {
            while let Err(error) = self.shared.ledger.append(entries) {
                entries = error.entries;
                std::thread::sleep(AGAIN);
            }
        }
        for (number, reason) in batch.gaps {
            self.shared.note_gap(number, reason);
        }
        count(&self.shared.counters.finished, batch.finished);
        drop(batch.held);
        self.hand_on(batch.later);
        for drained in batch.drained {
            let _gone = drained.send(());
        }
    }

    /// Gives names to those who find them. The parts of a call go one by one to whoever is next, so
    /// that they are read while the model thinks; its end waits for them wherever they are.
    fn hand_on(&self, jobs: Vec<Job>) {
        for job in jobs {
            let next = self.shared.next_slow.fetch_add(1, Ordering::Relaxed);
            if let Some(thread) = self.slow.get(next % self.slow.len().max(1)) {
                // A thread that is gone leaves the call to the next start.
                thread.send(job);
            }
        }
    }

    /// A job that panics costs its own call, which becomes a gap, and nothing else.
    fn job(&mut self, job: Job, batch: &mut Batch) {
        let id = match &job {
            Job::Request(job) => job.id,
            Job::Piece(job) => job.id,
            Job::Response(job) => job.id,
            Job::Report(job) => job.id,
            Job::Told(job) => job.id,
            Job::Close(job) => job.ready.id,
            Job::Name(held) => {
                if !self.stopping.load(Ordering::Acquire) {
                    held.named(&self.shared);
                }
                return;
            }
            Job::Drain(done) => {
                batch.drained.push(done.clone());
                return;
            }
        };
        let number = match &job {
            Job::Request(job) => job.number,
            Job::Report(job) => job.number,
            Job::Close(job) => Some(job.number),
            _ => self.pending.get(&id).and_then(|call| call.number),
        };
        let last = matches!(job, Job::Response(_));
        let event = matches!(job, Job::Told(_));
        let done = catch_unwind(AssertUnwindSafe(|| match job {
            Job::Request(job) => self.request(*job, batch),
            Job::Piece(job) => self.piece(*job, batch),
            Job::Response(job) => self.response(*job, batch),
            Job::Report(job) => self.report(*job, batch),
            Job::Told(job) => self.told(*job, batch),
            Job::Close(job) => self.close_named(*job, batch),
            Job::Name(_) | Job::Drain(_) => {}
        }));
        if done.is_err() {
            count(&self.shared.counters.faults, 1);
            tracing::error!(%id, "a call could not be recorded: a fault of the program");
            if event {
                // It has no number to account for, and whoever waits is not told that it is safe.
            } else if last || !self.pending.contains_key(&id) {
                self.pending.remove(&id);
                batch.gaps.push((number, GapReason::Fault));
            } else if let Some(call) = self.pending.get_mut(&id) {
                call.admitted = None;
            }
        }
    }

    fn request(&mut self, mut job: RequestJob, batch: &mut Batch) {
        let number = self.number(job.number);
        let mut call = PendingCall { number: Some(number), admitted: None };
        if job.body.lost {
            // The outcome's job makes the gap.
            self.pending.insert(job.id, call);
            return;
        }
        self.pending.insert(job.id, PendingCall { number: Some(number), admitted: None });
        let tickets = std::mem::take(&mut job.tickets);
        let early = (!job.complete).then(|| Box::new((job.head.clone(), job.body.bytes.clone())));
        let id = job.id;
        let seen = Seen {
            number,
            admitted: job.admitted,
            kept_from: job.admitted,
            sent_us: job.sent_us,
            complete: job.complete,
            total: job.body.total,
            rest: job.body.rest(),
        };
        let admitted = self.admit(id, job.head, std::mem::take(&mut job.body.bytes), &seen);
        let Some(mut admitted) = admitted else {
            batch.gaps.push((Some(number), GapReason::Fault));
            self.pending.remove(&id);
            return;
        };
        admitted.early = early;
        batch.later.extend(admitted.held.iter().map(|(_, held)| Job::Name(Arc::clone(held))));
        let parts = admitted.parts.clone();
        let (collector, now) = (self.shared.ledger.collector(), self.shared.clock.now());
        let (interaction, request) = (&admitted.interaction, &admitted.request);
        match Admission::new(id, collector, now, interaction, request, parts) {
            Ok(admission) => batch.entries.push(Append::Admitted { number, admission, tickets }),
            Err(error) => {
                tracing::error!(%id, %error, "an envelope could not be written");
                count(&self.shared.counters.faults, 1);
            }
        }
        batch.held.push(std::mem::replace(&mut job.body.share, self.share()));
        call.admitted = Some(Box::new(admitted));
        self.pending.insert(id, call);
    }

    /// Runs a request through the pipeline.
    pub(crate) fn admit(
        &self,
        id: RecordId,
        head: CallHead,
        bytes: Vec<u8>,
        seen: &Seen,
    ) -> Option<AdmittedCall> {
        let mut parsed = Tapped((head, bytes)).parse(self.shared.config.max_body, seen);
        let access = self.shared.config.access.as_deref();
        let at = parsed.fields.kept_from;
        let RequestFields { head, read, oddities, .. } = &mut parsed.fields;
        parsed.fields.settled = settle(access, head, read.user.as_ref(), at, oddities);
        let fields = &parsed.fields;
        let fingerprint = fingerprint(&self.shared, &fields.head);
        let owner = subject(&fields.head, &fields.settled, fingerprint.as_deref());
        let head = &fields.head;
        let callers = [fingerprint.as_deref(), head.service.as_deref()];
        let (upstream, otherwise) = (&head.route.upstream, &head.route.class);
        let classes = &self.shared.config.classes;
        let class = classes.choose(upstream, &head.path, callers, otherwise);
        let scopes = self.scopes(owner, class, seen.kept_from)?;
        if let Some(user) = &fields.settled.user {
            self.shared.threading.note_user(head.trace_id, user);
        }
        let format = fields.read.format;
        let documents = self.shared.documents.find(head.trace_id, &parsed.parts);
        let place = Arc::new(whereabouts(&parsed.fields.head));
        let masked = parsed.mask(&self.shared, &scopes, &place, self.names);
        let side = masked.seal(&self.shared, &scopes);
        let found = self.shared.threading.find(&Asked {
            id,
            at: seen.admitted,
            attempt: side.fields.head.attempt,
            subject: scopes.subject.subject,
            session: side.fields.head.session.as_deref(),
            previous_response: side.fields.read.previous_response.as_deref(),
            parts: &side.refs,
            prints: &side.prints,
        });
        let interaction =
            at_admission(&self.shared, &side, &scopes, class, fingerprint, (&found, documents));
        count(
            &self.shared.counters.oddities,
            u64::try_from(interaction.oddities.len()).unwrap_or(0),
        );
        let request = interaction.request.write().ok()?;
        let (parts, held, chain) = (side.parts, side.held, found.chain);
        Some(AdmittedCall {
            interaction,
            request,
            scopes,
            parts,
            held,
            place,
            format,
            chain,
            early: None,
        })
    }

    /// The keys of a call. The key store may be unable to write a new one: then it is tried again,
    /// as an append is.
    pub(crate) fn scopes(
        &self,
        owner: Subject<'_>,
        class: &RetentionClass,
        kept_from: Timestamp,
    ) -> Option<Scopes> {
        let (keys, tenant) = (&self.shared.keys, &self.shared.config.tenant);
        let (period, class) = (class.period(kept_from), &class.name);
        let later = self.names == Names::Later && self.shared.masker.names().is_some();
        loop {
            let hour = later.then(|| held::hour_of(self.shared.clock.now()));
            let scopes = keys.scope(owner, &period, tenant, class).and_then(|subject| {
                let shared = keys.scope(Subject::Shared, &period, tenant, class)?;
                let held = hour.as_deref().map(Subject::Held);
                let held = held.map(|held| keys.scope(held, &period, tenant, class)).transpose()?;
                Ok(Scopes { subject, shared, held })
            });
            match scopes {
                Ok(scopes) => return Some(scopes),
                Err(keys::KeysError::Unavailable { .. }) => std::thread::sleep(AGAIN),
                Err(error) => {
                    tracing::error!(%error, "no key to seal a call with");
                    return None;
                }
            }
        }
    }

    fn piece(&mut self, job: PieceJob, batch: &mut Batch) {
        let Some(call) = self.pending.get(&job.id) else { return };
        let (Some(number), Some(_)) = (call.number, &call.admitted) else { return };
        let plain = encode_piece(&job.start, &job.bytes);
        let Ok(salt) = keys::random() else { return };
        let sealed = seal::wrap(&self.shared.piece_key, PIECE, salt, &plain);
        batch.entries.push(Append::Piece { number, sealed });
        batch.held.push(job.share);
    }

    fn response(&mut self, mut job: ResponseJob, batch: &mut Batch) {
        let Some(call) = self.pending.remove(&job.id) else { return };
        let Some(mut admitted) = call.admitted else {
            batch.gaps.push((call.number, GapReason::Memory));
            return;
        };
        if job.body.lost {
            batch.gaps.push((call.number, GapReason::Memory));
            return;
        }
        let number = call.number.unwrap_or(AdmissionNumber(0));
        if let (Some((late, all)), Some(early)) = (job.late_request.take(), admitted.early.take()) {
            let (head, mut bytes) = *early;
            bytes.extend_from_slice(&late.bytes);
            let seen = Seen {
                number,
                admitted: admitted.interaction.time.admitted,
                kept_from: admitted.interaction.time.admitted,
                sent_us: None,
                complete: all && !late.lost,
                total: admitted.interaction.request.bytes + late.total,
                rest: late.rest(),
            };
            let sent = admitted.interaction.time.sent;
            if let Some(mut whole) = self.admit(job.id, head, bytes, &seen) {
                whole.interaction.time.sent = sent;
                *admitted = whole;
            }
        }
        let tickets = std::mem::take(&mut job.tickets);
        let side = self.outcome(&admitted, &job);
        self.finish(number, *admitted, side, &job, tickets, batch);
        batch.held.push(std::mem::replace(&mut job.body.share, self.share()));
    }

    /// Closes an interaction's record.
    pub(crate) fn finish(
        &self,
        number: AdmissionNumber,
        admitted: AdmittedCall,
        side: SealedSide<ResponseFields>,
        job: &ResponseJob,
        tickets: Tickets,
        batch: &mut Batch,
    ) {
        let mut parts = admitted.parts;
        parts.extend(side.parts.iter().cloned());
        let prints = side.prints.clone();
        let held = (admitted.held, side.held.clone());
        let interaction = with_outcome(&self.shared, admitted.interaction, side, job);
        let known = &interaction.correlation;
        self.shared.threading.remember(
            job.id,
            known.thread.as_deref().unwrap_or_default(),
            known.response_id.as_deref(),
            admitted.chain,
            (&interaction.response.parts, &prints),
        );
        let ready = Ready { id: job.id, interaction, request: admitted.request, parts, held };
        self.close(number, ready, tickets, batch);
    }

    /// Writes the record of an interaction.
    pub(crate) fn close(
        &self,
        number: AdmissionNumber,
        ready: Ready,
        tickets: Tickets,
        batch: &mut Batch,
    ) {
        if ready.held.0.is_empty() && ready.held.1.is_empty() {
            self.write(number, ready, tickets, batch);
            return;
        }
        // All is known but names. This frame is what the gates wait for, and what a start finds
        // after a crash.
        let Ready { id, interaction, request, parts, .. } = &ready;
        let (collector, now) = (self.shared.ledger.collector(), self.shared.clock.now());
        match Admission::new(*id, collector, now, interaction, request, parts.clone()) {
            Ok(admission) => batch.entries.push(Append::Admitted { number, admission, tickets }),
            Err(error) => {
                tracing::error!(%id, %error, "an envelope could not be written");
                count(&self.shared.counters.faults, 1);
            }
        }
        batch.later.extend(ready.held.1.iter().map(|(_, held)| Job::Name(Arc::clone(held))));
        batch.later.push(Job::Close(Box::new(CloseJob { number, ready })));
    }

    /// Names are found: the record is what they leave of it.
    fn close_named(&self, job: CloseJob, batch: &mut Batch) {
        if self.stopping.load(Ordering::Acquire) {
            return;
        }
        let CloseJob { number, mut ready } = job;
        let (request, response) = std::mem::take(&mut ready.held);
        let Ready { interaction, parts, .. } = &mut ready;
        held::settle(&self.shared, interaction, parts, (&request, &response));
        if !request.is_empty() {
            let Ok(written) = ready.interaction.request.write() else {
                batch.gaps.push((Some(number), GapReason::Fault));
                return;
            };
            ready.request = written;
        }
        self.write(number, ready, no_tickets(), batch);
    }

    fn write(&self, number: AdmissionNumber, ready: Ready, tickets: Tickets, batch: &mut Batch) {
        let Ready { id, interaction, request, parts, .. } = ready;
        match seal_interaction(&self.shared, id, &interaction, &request, parts) {
            Some(sealed) => {
                batch.entries.push(Append::Record { number: Some(number), sealed, tickets });
                batch.finished += 1;
            }
            None => batch.gaps.push((Some(number), GapReason::Fault)),
        }
    }

    /// Runs an answer through the pipeline.
    pub(crate) fn outcome(
        &self,
        call: &AdmittedCall,
        job: &ResponseJob,
    ) -> SealedSide<ResponseFields> {
        let parsed = Tapped(job).parse(call.format, self.shared.config.max_body);
        let masked = parsed.mask(&self.shared, &call.scopes, &call.place, self.names);
        masked.seal(&self.shared, &call.scopes)
    }

    /// The call's number, waiting for one when none could be reserved at admission.
    pub(crate) fn number(&self, number: Option<AdmissionNumber>) -> AdmissionNumber {
        let mut number = number;
        loop {
            if let Some(number) = number {
                return number;
            }
            number = self.shared.ledger.take_number();
            if number.is_none() {
                std::thread::sleep(AGAIN);
            }
        }
    }

    pub(crate) fn share(&self) -> crate::budget::Share {
        crate::budget::Share::new(&self.shared.budget)
    }
}

/// Closes a record now.
pub(crate) fn seal_interaction(
    shared: &Shared,
    id: RecordId,
    interaction: &Interaction,
    request: &WrittenRequest,
    parts: Vec<Arc<ledger::SealedPart>>,
) -> Option<Sealed> {
    let (collector, now) = (shared.ledger.collector(), shared.clock.now());
    match Sealed::interaction(id, collector, now, interaction, request, parts) {
        Ok(sealed) => Some(sealed),
        Err(error) => {
            tracing::error!(%id, %error, "an envelope could not be written");
            None
        }
    }
}

/// An interaction of which nothing more comes.
pub(crate) struct Ready {
    pub(crate) id: RecordId,
    pub(crate) interaction: Interaction,
    pub(crate) request: WrittenRequest,
    pub(crate) parts: Vec<Arc<ledger::SealedPart>>,
    /// Those of the request's and of the answer's whose names tier is still to come.
    pub(crate) held: (HeldParts, HeldParts),
}

/// Where a call is, as far as the masking policy asks.
pub(crate) fn whereabouts(head: &CallHead) -> Whereabouts {
    Whereabouts { environment: head.environment.clone(), upstream: head.route.upstream.clone() }
}

/// What the tap saw of a request beside its bytes.
pub(crate) struct Seen {
    pub(crate) number: AdmissionNumber,
    pub(crate) admitted: Timestamp,
    /// From when its time of keeping counts.
    pub(crate) kept_from: Timestamp,
    pub(crate) sent_us: Option<u64>,
    pub(crate) complete: bool,
    pub(crate) total: u64,
    pub(crate) rest: Option<(u64, String)>,
}

impl Tapped<(CallHead, Vec<u8>)> {
    /// Reads a request.
    pub(crate) fn parse(self, limit: usize, seen: &Seen) -> Parsed<RequestFields> {
        let Self((mut head, bytes)) = self;
        let mut oddities = Vec::new();
        let (decoded, oddity) = decode(head.content_encoding.as_deref(), &bytes, limit);
        oddities.extend(oddity);
        if !seen.complete {
            oddities.push(Oddity::new("request_incomplete"));
        }
        if let Some((bytes, mac)) = &seen.rest {
            oddities.push(Oddity::at("body_over_limit", format!("{bytes} more bytes, hmac {mac}")));
        }
        let told = || {
            provider::detect(&RequestHead {
                family: head.route.family,
                method: &head.method,
                path: &head.path,
                content_type: head.content_type.as_deref(),
                mcp: head.mcp,
            })
        };
        let format = head.format.unwrap_or_else(told);
        let mut read = provider::read_request(format, &head.path, &decoded);
        head.take_trace(read.traceparent.as_deref());
        let parts = std::mem::take(&mut read.parts);
        let skeleton = request_skeleton(&head, read.skeleton.take().map(|skeleton| skeleton.0));
        let fields = RequestFields {
            head,
            number: seen.number,
            admitted: seen.admitted,
            kept_from: seen.kept_from,
            sent_us: seen.sent_us,
            read,
            bytes: seen.total,
            complete: seen.complete,
            oddities,
            settled: Settled::default(),
        };
        Parsed { fields, parts, skeleton: Some(skeleton), own: BTreeMap::new() }
    }
}

/// Request line, kept headers and the body's skeleton: what a replay sends.
fn request_skeleton(head: &CallHead, body: Option<Value>) -> Value {
    let mut members = Map::new();
    // What is only told of has no request line.
    if !head.path.is_empty() {
        members.insert("method".to_owned(), Value::from(head.method.as_str()));
        members.insert("path".to_owned(), Value::from(head.path.as_str()));
    }
    if let Some(query) = &head.query {
        members.insert("query".to_owned(), Value::from(query.as_str()));
    }
    if !head.headers.is_empty() {
        let headers: Map<String, Value> = head
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        members.insert("headers".to_owned(), Value::Object(headers));
    }
    if let Some(body) = body {
        members.insert("body".to_owned(), body);
    }
    Value::Object(members)
}

impl Tapped<&ResponseJob> {
    /// Reads an answer, piece by piece as it came, so that tokens get their times.
    pub(crate) fn parse(self, format: provider::Format, limit: usize) -> Parsed<ResponseFields> {
        let Self(job) = self;
        let mut oddities = Vec::new();
        if let Some((bytes, mac)) = job.body.rest() {
            oddities.push(Oddity::at("body_over_limit", format!("{bytes} more bytes, hmac {mac}")));
        }
        let end = if job.upstream_complete { End::Complete } else { End::Cut };
        let read = job.start.as_ref().map(|start| {
            read_answer(format, start, &job.body, &job.marks, limit, end, &mut oddities)
        });
        let (mut read, times) =
            read.map_or((None, Vec::new()), |(read, times)| (Some(read), times));
        let parts = read.as_mut().map(|read| std::mem::take(&mut read.parts)).unwrap_or_default();
        let skeleton = read.as_mut().and_then(|read| read.skeleton.take()).map(|s| s.0);
        let fields = ResponseFields {
            read,
            oddities,
            bytes: job.body.total,
            first_token_us: times.first().copied(),
            last_byte_us: job.marks.last().map(|mark| mark.at_us),
            token_gaps: token_gaps(&times),
        };
        Parsed { fields, parts, skeleton, own: BTreeMap::new() }
    }
}

/// The answer, and when each token came: the times of the marks at which content was complete.
fn read_answer(
    format: provider::Format,
    start: &ResponseStart,
    body: &tap::Body,
    marks: &[Mark],
    limit: usize,
    end: End,
    oddities: &mut Vec<Oddity>,
) -> (provider::ReadResponse, Vec<u64>) {
    let head = ResponseHead {
        status: start.status,
        content_type: start.content_type.as_deref(),
        tokens: start.tokens,
    };
    let mut reader = ResponseReader::new(format, &head);
    let mut decoder = Decoder::new(start.content_encoding.as_deref(), limit);
    let mut times = Vec::new();
    let (mut from, mut events) = (0, 0);
    for mark in marks {
        let bytes = body.bytes.get(from..mark.end).unwrap_or_default();
        from = mark.end;
        decoder.push(bytes, &mut |piece| reader.push(piece));
        let now = reader.content_events();
        if now > events {
            // Several tokens in one piece came at one time.
            times.push(mark.at_us);
            events = now;
        }
    }
    if let Some(rest) = body.bytes.get(from..) {
        decoder.push(rest, &mut |piece| reader.push(piece));
    }
    decoder.finish();
    oddities.extend(decoder.oddity().cloned());
    (reader.finish(end), times)
}

/// Median and 99th percentile of the gaps between tokens, µs.
fn token_gaps(times: &[u64]) -> Option<(u64, u64)> {
    let mut gaps: Vec<u64> =
        times.iter().zip(times.iter().skip(1)).map(|(a, b)| b.saturating_sub(*a)).collect();
    gaps.sort_unstable();
    let at =
        |percent: usize| gaps.get((gaps.len() * percent / 100).min(gaps.len().checked_sub(1)?));
    Some((*at(50)?, *at(99)?))
}

/// `head as JSON ‖ newline ‖ bytes`.
fn encode_piece(start: &ResponseStart, bytes: &[u8]) -> Vec<u8> {
    let head = json!({
        "status": start.status,
        "content_type": start.content_type,
        "content_encoding": start.content_encoding,
        "provider_request_id": start.provider_request_id,
        "tokens": start.tokens,
    });
    let mut out = head.to_string().into_bytes();
    out.push(b'\n');
    out.extend_from_slice(bytes);
    out
}

/// Reads [`encode_piece`].
pub(crate) fn decode_piece(plain: &[u8]) -> Option<(ResponseStart, &[u8])> {
    let newline = plain.iter().position(|byte| *byte == b'\n')?;
    let (head, bytes) = plain.split_at_checked(newline)?;
    let head: Value = serde_json::from_slice(head).ok()?;
    let text = |name: &str| head.get(name).and_then(Value::as_str).map(str::to_owned);
    let start = ResponseStart {
        status: head.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok())?,
        content_type: text("content_type"),
        content_encoding: text("content_encoding"),
        provider_request_id: text("provider_request_id"),
        tokens: head
            .get("tokens")
            .and_then(|tokens| serde_json::from_value(tokens.clone()).ok())
            .unwrap_or_default(),
    };
    Some((start, bytes.get(1..).unwrap_or_default()))
}

/// What recovery hands in where a live call has its tickets.
pub(crate) fn no_tickets() -> Tickets {
    Tickets::default()
}
