//! What is told of instead of seen: finished calls and events, from other faces than the proxy.
//!
//! They go through the same pipeline. A report of a call takes an admission number, so that the
//! tally of the log holds for it too; an event takes none, since it is no call.

use std::sync::PoisonError;
use std::time::Duration;

use ledger::Tickets;
use record::envelope::Params;
use record::{Kind, Oddity, Origin, Part, RecordId, Timestamp};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::admission::Refused;
use crate::budget::Share;
use crate::call::{CallHead, ResponseStart};
use crate::engine::Capture;
use crate::status::count;
use crate::threads::{Job, ReportJob, ToldJob};

/// How long somebody who tells of something waits for the disk.
const PATIENCE: Duration = Duration::from_secs(15);

/// A call that was made elsewhere, with its answer.
#[derive(Debug, Clone)]
pub struct Report {
    /// The record's id, when the source decides it: the same call told twice has the same one.
    pub id: Option<RecordId>,
    /// As of a call that the proxy takes in; `path` may be empty where `format` is given.
    pub head: CallHead,
    /// When the call was made.
    pub began: Timestamp,
    /// The request's body.
    pub request: Vec<u8>,
    /// What came back; `None` when nobody knows.
    pub answer: Option<Answer>,
    /// What was noticed on the way here.
    pub oddities: Vec<Oddity>,
}

/// An answer that is told of.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its head; a status of 0 when none is told.
    pub start: ResponseStart,
    /// Its body, a stream's as the provider sent it.
    pub body: Vec<u8>,
    /// Whether it is all that the provider sent.
    pub complete: bool,
    /// Microseconds from the beginning to the first byte.
    pub first_byte_us: Option<u64>,
    /// Microseconds from the beginning to the first token.
    pub first_token_us: Option<u64>,
    /// Microseconds from the beginning to the end.
    pub total_us: Option<u64>,
}

/// An event, taken apart.
#[derive(Debug, Clone)]
pub struct Told {
    /// The record's id, when the source decides it.
    pub id: Option<RecordId>,
    /// Who tells it, and what it belongs to.
    pub head: CallHead,
    /// One of [`Kind::EVENTS`].
    pub kind: Kind,
    /// When it happened.
    pub began: Timestamp,
    /// When it was over, if that is told.
    pub ended: Option<Timestamp>,
    /// The interaction that it is about.
    pub about: Option<RecordId>,
    /// What stands in the clear.
    pub facts: Params,
    /// Its content. Documents are `Content::Fields` with the members `text` and perhaps `id`.
    pub parts: Vec<Part>,
    /// The event with references in place of the parts.
    pub skeleton: Value,
    /// What was noticed on the way here.
    pub oddities: Vec<Oddity>,
}

/// Something told that is on its way to the disk.
#[derive(Debug)]
#[must_use = "it is not durable yet"]
pub struct Submitted {
    /// The record's id.
    pub id: RecordId,
    ticket: oneshot::Receiver<()>,
}

impl Submitted {
    /// Waits until the record survives a loss of power.
    pub async fn durable(self) -> Result<RecordId, Refused> {
        match tokio::time::timeout(PATIENCE, self.ticket).await {
            Ok(Ok(())) => Ok(self.id),
            _ => Err(Refused::LogUnwritable),
        }
    }
}

impl Capture {
    /// Takes in a call that was made elsewhere.
    pub fn report(&self, report: Report) -> Result<Submitted, Refused> {
        let size = report.request.len() + report.answer.as_ref().map_or(0, |a| a.body.len());
        let (share, id) = self.room_for(size, report.id)?;
        let shared = self.shared();
        count(&shared.counters.admitted, 1);
        let (tickets, ticket) = tickets();
        let lane = lane(&report.head);
        let number = shared.ledger.take_number();
        self.send(lane, Job::Report(Box::new(ReportJob { id, number, report, share, tickets })))?;
        Ok(Submitted { id, ticket })
    }

    /// Takes in an event.
    pub fn tell(&self, told: Told) -> Result<Submitted, Refused> {
        let size = told.parts.iter().map(|part| part.content.encode().len()).sum::<usize>();
        let (share, id) = self.room_for(size, told.id)?;
        let (tickets, ticket) = tickets();
        let lane = lane(&told.head);
        self.send(lane, Job::Told(Box::new(ToldJob { id, told, share, tickets })))?;
        Ok(Submitted { id, ticket })
    }

    /// An id that is the same whenever the same thing of a source is told again, and that says
    /// nothing of it to whoever has no keys.
    pub fn id_of(&self, source: &str, key: &[u8], at: Timestamp) -> RecordId {
        let shared = self.shared();
        let place = [source.as_bytes(), &[0], key].concat();
        let mac = shared.told_key.mac(&place);
        let mut random = [0; 10];
        random.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        RecordId::new(at.unix_ms(), random)
    }

    /// Memory for something told, and its id.
    fn room_for(&self, size: usize, id: Option<RecordId>) -> Result<(Share, RecordId), Refused> {
        let shared = self.shared();
        let mut share = Share::new(&shared.budget);
        if !shared.log_is_writable() {
            count(&shared.counters.refused, 1);
            return Err(Refused::LogUnwritable);
        }
        if !share.take(size) {
            count(&shared.counters.refused, 1);
            return Err(Refused::Full);
        }
        let id = id.unwrap_or_else(|| shared.new_id());
        Ok((share, id))
    }

    fn send(&self, lane: u8, job: Job) -> Result<(), Refused> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = threads.as_ref().and_then(|threads| threads.slow_lane(lane));
        match sender {
            Some(sender) if sender.send(job) => Ok(()),
            _ => Err(Refused::LogUnwritable),
        }
    }
}

fn tickets() -> (Tickets, oneshot::Receiver<()>) {
    let (synced, ticket) = oneshot::channel();
    (Tickets { synced: Some(synced), ..Tickets::default() }, ticket)
}

/// What belongs together stays in order: a trace's events and calls, and all of an import, whose
/// conversations are told turn by turn.
fn lane(head: &CallHead) -> u8 {
    match head.origin {
        Origin::Import => 0,
        _ => head.trace_id.as_bytes().last().copied().unwrap_or(0),
    }
}
