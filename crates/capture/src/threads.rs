//! Jobs for the worker threads.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use ledger::{Background, Tickets};
use record::{AdmissionNumber, RecordId, Timestamp};

use crate::budget::Share;
use crate::call::{CallHead, Failure, ResponseStart};
use crate::engine::Shared;
use crate::queue::{Sender, queue};
use crate::report::{Report, Told};
use crate::tap::{Body, Mark};
use crate::worker::Worker;

/// Work of one call, in the order in which it happened.
pub(crate) enum Job {
    Request(Box<RequestJob>),
    Piece(Box<PieceJob>),
    Response(Box<ResponseJob>),
    Report(Box<ReportJob>),
    Told(Box<ToldJob>),
    /// Answered when everything before it is appended.
    Drain(mpsc::Sender<()>),
}

pub(crate) struct RequestJob {
    pub(crate) id: RecordId,
    pub(crate) number: Option<AdmissionNumber>,
    pub(crate) admitted: Timestamp,
    pub(crate) sent_us: Option<u64>,
    pub(crate) head: CallHead,
    pub(crate) body: Body,
    pub(crate) complete: bool,
    pub(crate) tickets: Tickets,
}

pub(crate) struct PieceJob {
    pub(crate) id: RecordId,
    pub(crate) start: ResponseStart,
    pub(crate) bytes: Vec<u8>,
    /// Held until the piece is in the journal.
    pub(crate) share: Share,
}

pub(crate) struct ResponseJob {
    pub(crate) id: RecordId,
    /// `None` when no answer came.
    pub(crate) start: Option<ResponseStart>,
    pub(crate) failure: Option<Failure>,
    pub(crate) body: Body,
    pub(crate) marks: Vec<Mark>,
    pub(crate) first_byte_us: Option<u64>,
    pub(crate) upstream_complete: bool,
    pub(crate) bytes_sent: u64,
    pub(crate) client_present: bool,
    pub(crate) hung_up_after_us: Option<u64>,
    pub(crate) total_us: u64,
    /// The request's bytes after the answer had begun, and whether they are all.
    pub(crate) late_request: Option<(Body, bool)>,
    pub(crate) tickets: Tickets,
}

pub(crate) struct ReportJob {
    pub(crate) id: RecordId,
    pub(crate) number: Option<AdmissionNumber>,
    pub(crate) report: Report,
    pub(crate) share: Share,
    pub(crate) tickets: Tickets,
}

pub(crate) struct ToldJob {
    pub(crate) id: RecordId,
    pub(crate) told: Told,
    pub(crate) share: Share,
    pub(crate) tickets: Tickets,
}

/// The threads; a call always goes to the same one, so its jobs stay in order.
pub(crate) struct Threads {
    senders: Vec<Sender<Job>>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(crate) fn start(shared: &Arc<Shared>, count: usize) -> std::io::Result<Self> {
        let mut threads = Self { senders: Vec::new(), handles: Vec::new() };
        for i in 0..count.max(1) {
            let (sender, receiver) = queue();
            let worker = Worker::new(Arc::clone(shared));
            let handle =
                std::thread::Builder::new().name(format!("capture-{i}")).spawn(move || {
                    Background::Capture.stand_back();
                    worker.run(&receiver);
                })?;
            threads.senders.push(sender);
            threads.handles.push(handle);
        }
        Ok(threads)
    }

    /// The thread of this call.
    pub(crate) fn of(&self, id: RecordId) -> Option<Sender<Job>> {
        self.lane(id.as_bytes().last().copied().unwrap_or(0))
    }

    /// The thread of what belongs together.
    pub(crate) fn lane(&self, lane: u8) -> Option<Sender<Job>> {
        self.senders.get(usize::from(lane) % self.senders.len().max(1)).cloned()
    }

    /// Waits until all jobs so far are done.
    pub(crate) fn drain(&self) {
        let (sender, done) = mpsc::channel();
        for thread in &self.senders {
            thread.send(Job::Drain(sender.clone()));
        }
        drop(sender);
        while done.recv().is_ok() {}
    }

    pub(crate) fn stop(self) {
        drop(self.senders);
        for handle in self.handles {
            if handle.join().is_err() {
                tracing::error!("a capture thread panicked");
            }
        }
    }
}
