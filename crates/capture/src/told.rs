//! The worker's side of what is told of: reports of calls, and events.

use std::collections::BTreeMap;
use std::sync::Arc;

use keys::{ScopeKeys, Subject};
use ledger::{Append, Sealed};
use record::envelope::{Correlation, Event, EventBody, EventContent, KeyIds, Times};
use record::{
    Body, Content, Envelope, GapReason, Oddity, Outcome, Part, PartKind, RecordId, Timestamp,
};

use crate::assemble::{AdmittedCall, fingerprint, masking, subject, who};
use crate::clear::Clear;
use crate::held::HeldParts;
use crate::identity::settle;
use crate::pipeline::{Names, Parsed};
use crate::report::{Answer, Told};
use crate::status::count;
use crate::tap::{self, Mark};
use crate::threads::{ReportJob, ResponseJob, ToldJob};
use crate::worker::{Batch, Ready, Seen, Worker, no_tickets, whereabouts};

/// The oddity of a call of which only the request is told.
const ANSWER_NOT_TOLD: &str = "answer_not_told";
/// Clocks of two machines differ; what is further ahead than this is odd.
const AHEAD_US: i64 = 5 * 60 * 1_000_000;

impl Worker {
    /// Runs a call that was made elsewhere through the pipeline, both sides at once.
    pub(crate) fn report(&mut self, job: ReportJob, batch: &mut Batch) {
        let ReportJob { id, number, report, share, tickets } = job;
        let number = self.number(number);
        let now = self.shared.clock.now();
        let mut body = tap::Body::new(self.share());
        body.total = u64::try_from(report.request.len()).unwrap_or(u64::MAX);
        let seen = Seen {
            number,
            admitted: report.began,
            kept_from: now,
            sent_us: None,
            complete: true,
            total: body.total,
            rest: None,
        };
        let Some(mut admitted) = self.admit(id, report.head, report.request, &seen) else {
            batch.gaps.push((Some(number), GapReason::Fault));
            return;
        };
        admitted.interaction.oddities.extend(report.oddities);
        admitted.interaction.oddities.extend(ahead(report.began, now));
        if let Some(answer) = report.answer {
            let first_token_us = answer.first_token_us;
            let job = response(id, answer, body);
            let mut side = self.outcome(&admitted, &job);
            side.fields.first_token_us = first_token_us;
            side.fields.last_byte_us = Some(job.total_us).filter(|us| *us > 0);
            self.finish(number, admitted, side, &job, tickets, batch);
        } else {
            let AdmittedCall { mut interaction, request, parts, held, .. } = admitted;
            // Nobody said how it ended, and that is no end of ours.
            interaction.response.outcome = Outcome::Complete;
            if !interaction.oddities.iter().any(|oddity| oddity.code == ANSWER_NOT_TOLD) {
                interaction.oddities.push(Oddity::new(ANSWER_NOT_TOLD));
            }
            let held = (held, HeldParts::new());
            self.close(number, Ready { id, interaction, request, parts, held }, tickets, batch);
        }
        batch.held.push(share);
    }

    /// Runs an event through the pipeline.
    pub(crate) fn told(&mut self, job: ToldJob, batch: &mut Batch) {
        let ToldJob { id, told, share, tickets } = job;
        if let Some(sealed) = self.seal_event(id, told) {
            batch.entries.push(Append::Record { number: None, sealed, tickets });
        } else {
            // Whoever waits is told by the ticket's end that it is not in the log.
            count(&self.shared.counters.faults, 1);
        }
        batch.held.push(share);
    }

    fn seal_event(&self, id: RecordId, mut told: Told) -> Option<Sealed> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let (access, mut oddities) = (shared.config.access.as_deref(), told.oddities);
        let mut settled = settle(access, &mut told.head, None, now, &mut oddities);
        let head = &told.head;
        let fingerprint = fingerprint(shared, head);
        // An application that named the person once, with the call, need not do it again.
        settled.user = settled.user.or_else(|| shared.threading.user_of(head.trace_id));
        let user = settled.user.clone();
        let owner = subject(head, &settled, fingerprint.as_deref());
        let callers = [fingerprint.as_deref(), head.service.as_deref()];
        let classes = &shared.config.classes;
        let class = classes.choose(&head.route.upstream, &head.path, callers, &head.route.class);
        let scopes = self.scopes(owner, class, now)?;
        let own = self.own_keys(&told.parts, &class.period(now), &class.name);
        let texts: Vec<Option<String>> = told.parts.iter().map(document_text).collect();
        let parts = told.parts;
        let parsed = Parsed { fields: (), parts, skeleton: Some(told.skeleton), own };
        let place = Arc::new(whereabouts(head));
        let side = parsed.mask(shared, &scopes, &place, Names::Now).seal(shared, &scopes);
        for (text, reference) in texts.iter().zip(&side.refs) {
            if let Some(text) = text {
                shared.documents.remember(text, head.trace_id, id, reference.pid);
            }
        }
        let pseudonym = user.as_ref().and_then(|_| shared.keys.pseudonym(scopes.subject.subject));
        let mut counts = side.counts.clone();
        let clear = Clear {
            masker: &shared.masker,
            texts: &shared.clear_texts,
            user: user.as_deref(),
            pseudonym: pseudonym.as_deref(),
            others: &settled.others,
        };
        let session = clear.option(head.session.as_deref(), &mut counts);
        let client_request_id = clear.option(head.client_request_id.as_deref(), &mut counts);
        let who = who(head, &settled, fingerprint, pseudonym.clone(), &clear, &mut counts);
        oddities.extend(ahead(told.began, now));
        oddities.extend(side.oddities);
        let event = Event {
            kind: told.kind,
            body: EventBody { about: told.about, facts: told.facts },
            content: EventContent { parts: side.refs, skeleton: side.skeleton },
            correlation: Correlation {
                attempt: head.attempt,
                client_request_id,
                parent_span_id: head.parent_span_id,
                session,
                trace_id: Some(head.trace_id),
                ..Correlation::default()
            },
            keys: KeyIds {
                period: scopes.subject.period,
                shared: side.uses_shared.then_some(scopes.shared.subject),
                subject: scopes.subject.subject,
            },
            masking: masking(shared, &counts),
            oddities,
            origin: head.origin,
            retention: class.retention(now),
            synthetic: head.synthetic,
            time: Times {
                admitted: told.began,
                first_byte: None,
                first_token: None,
                last_byte: told.ended,
                sent: None,
            },
            who,
        };
        let envelope = Envelope {
            id,
            collector: shared.ledger.collector().clone(),
            recorded: shared.clock.now(),
            body: Body::Event(Box::new(event)),
        };
        match Sealed::new(&envelope, side.parts) {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                tracing::error!(%id, %error, "an envelope could not be written");
                None
            }
        }
    }

    /// Each document that has an id is sealed under a key of its own.
    fn own_keys(&self, parts: &[Part], period: &str, class: &str) -> BTreeMap<usize, ScopeKeys> {
        let tenant = &self.shared.config.tenant;
        parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.kind == PartKind::Document)
            .filter_map(|(index, part)| {
                let id = part.content.field("id")?.as_str().filter(|id| !id.is_empty())?;
                let keys = &self.shared.keys;
                match keys.scope(Subject::Document(id), period, tenant, class) {
                    Ok(keys) => Some((index, keys)),
                    Err(error) => {
                        // The subject's key serves as well, but the document is not shared then.
                        tracing::warn!(%error, "no key for a document");
                        None
                    }
                }
            })
            .collect()
    }
}

fn document_text(part: &Part) -> Option<String> {
    let text = match (&part.content, part.kind) {
        (Content::Text(text), PartKind::Document) => text.as_str(),
        (Content::Fields(fields), PartKind::Document) => fields.get("text")?.as_str()?,
        _ => return None,
    };
    Some(text.to_owned())
}

fn ahead(at: Timestamp, now: Timestamp) -> Option<Oddity> {
    let ahead = at.0.saturating_sub(now.0);
    (ahead > AHEAD_US).then(|| Oddity::at("time_in_future", format!("{} s", ahead / 1_000_000)))
}

fn response(id: RecordId, answer: Answer, mut body: tap::Body) -> ResponseJob {
    body.total = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    body.bytes = answer.body;
    let total_us = answer.total_us.unwrap_or(0);
    ResponseJob {
        id,
        start: Some(answer.start),
        failure: None,
        marks: vec![Mark { end: body.bytes.len(), at_us: total_us }],
        body,
        first_byte_us: answer.first_byte_us,
        upstream_complete: answer.complete,
        bytes_sent: 0,
        client_present: true,
        hung_up_after_us: None,
        total_us,
        late_request: None,
        tickets: no_tickets(),
    }
}
