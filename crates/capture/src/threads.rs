//! Jobs for the worker threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ledger::{Background, Tickets};
use record::{AdmissionNumber, RecordId, Timestamp};

use crate::budget::Share;
use crate::call::{CallHead, Failure, ResponseStart};
use crate::engine::Shared;
use crate::held::Held;
use crate::queue::{Sender, queue};
use crate::report::{Report, Told};
use crate::tap::{Body, Mark};
use crate::worker::{Ready, Worker};

/// How long a stop waits for names, and once more for the text that is being read.
const FOR_NAMES: Duration = Duration::from_secs(3);
const MOMENT: Duration = Duration::from_millis(5);

/// Work of one call, in the order in which it happened.
pub(crate) enum Job {
    Request(Box<RequestJob>),
    Piece(Box<PieceJob>),
    Response(Box<ResponseJob>),
    Report(Box<ReportJob>),
    Told(Box<ToldJob>),
    /// A part that waits for the names tier: it is begun with while the model thinks.
    Name(Arc<Held>),
    /// A call of which nothing more comes but names.
    Close(Box<CloseJob>),
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

/// A call that is journalled to its end, but for names.
pub(crate) struct CloseJob {
    pub(crate) number: AdmissionNumber,
    pub(crate) ready: Ready,
}

/// The threads; a call always goes to the same one, so its jobs stay in order.
///
/// Two groups: those on which the gates wait, and those for what nobody's answer waits for: names,
/// events and reports.
pub(crate) struct Threads {
    senders: Vec<Sender<Job>>,
    handles: Vec<JoinHandle<()>>,
    slow: Vec<Sender<Job>>,
    slow_handles: Vec<JoinHandle<()>>,
    stopping: Arc<AtomicBool>,
}

impl Threads {
    pub(crate) fn start(shared: &Arc<Shared>, count: usize) -> std::io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let mut threads = Self {
            senders: Vec::new(),
            handles: Vec::new(),
            slow: Vec::new(),
            slow_handles: Vec::new(),
            stopping,
        };
        for i in 0..count.max(1) {
            let worker = Worker::slow(Arc::clone(shared), Arc::clone(&threads.stopping));
            let (sender, handle) = start(format!("names-{i}"), worker)?;
            threads.slow.push(sender);
            threads.slow_handles.push(handle);
        }
        for i in 0..count.max(1) {
            let worker = Worker::new(Arc::clone(shared), threads.slow.clone());
            let (sender, handle) = start(format!("capture-{i}"), worker)?;
            threads.senders.push(sender);
            threads.handles.push(handle);
        }
        Ok(threads)
    }

    /// The thread of this call.
    pub(crate) fn of(&self, id: RecordId) -> Option<Sender<Job>> {
        self.lane(id.as_bytes().last().copied().unwrap_or(0))
    }

    fn lane(&self, lane: u8) -> Option<Sender<Job>> {
        self.senders.get(usize::from(lane) % self.senders.len().max(1)).cloned()
    }

    /// The thread of what is told of and belongs together.
    pub(crate) fn slow_lane(&self, lane: u8) -> Option<Sender<Job>> {
        self.slow.get(usize::from(lane) % self.slow.len().max(1)).cloned()
    }

    /// Waits until all jobs so far are done.
    pub(crate) fn drain(&self) {
        // What the first group does ends in the second.
        for group in [&self.senders, &self.slow] {
            let (sender, done) = mpsc::channel();
            for thread in group {
                thread.send(Job::Drain(sender.clone()));
            }
            drop(sender);
            while done.recv().is_ok() {}
        }
    }

    /// Ends the threads. Names get a moment; those that are still to come then are left to the next
    /// start, which finds their calls in the journal.
    pub(crate) fn stop(self) {
        drop(self.senders);
        join(self.handles);
        drop(self.slow);
        let deadline = Instant::now() + FOR_NAMES;
        let running = |handles: &[JoinHandle<()>]| handles.iter().any(|h| !h.is_finished());
        while running(&self.slow_handles) && Instant::now() < deadline {
            std::thread::sleep(MOMENT);
        }
        self.stopping.store(true, Ordering::Release);
        while running(&self.slow_handles) && Instant::now() < deadline + FOR_NAMES {
            std::thread::sleep(MOMENT);
        }
        // One that reads a long text is not waited for: it has nothing that is not in the journal.
        join(self.slow_handles.into_iter().filter(JoinHandle::is_finished).collect());
    }
}

fn start(name: String, worker: Worker) -> std::io::Result<(Sender<Job>, JoinHandle<()>)> {
    let (sender, receiver) = queue();
    let handle = std::thread::Builder::new().name(name).spawn(move || {
        Background::Capture.stand_back();
        worker.run(&receiver);
    })?;
    Ok((sender, handle))
}

fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        if handle.join().is_err() {
            tracing::error!("a capture thread panicked");
        }
    }
}
