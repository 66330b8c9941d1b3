//! The load generator: an open loop over a fixed set of connections.
//!
//! Every request has a moment at which it is due, and its latency counts from that moment, whether
//! or not a connection was free then. A proxy that stalls thus pays for all requests that had to
//! wait, which is what a closed loop hides ("coordinated omission").

mod connection;
mod phase;
mod schedule;
mod tally;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::task::LocalSet;

use crate::body::Bodies;
use crate::cpu::Memory;
use crate::plan::{Pace, Streams, Workload};
use crate::stats::Quantiles;
use crate::text::Text;
use crate::timer::Timer;
use crate::{child, cpu, num};
use connection::{Connection, Site};
pub(crate) use phase::Busy;
use phase::{Edge, Phase, Worker};
use schedule::Schedule;
use tally::Tally;

/// What to send, where, and whom to watch meanwhile.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The target.
    pub(crate) addr: SocketAddr,
    /// The path of the chat endpoint there.
    pub(crate) path: String,
    /// The workload.
    pub(crate) workload: Workload,
    /// Same seed, same requests.
    pub(crate) seed: u64,
    /// Length of the measured window in seconds.
    pub(crate) seconds: f64,
    /// When the target has done next to nothing for so long, nothing is left to do.
    pub(crate) quiet: Duration,
    /// The target's processes; none for the upstream itself.
    pub(crate) pids: Vec<u32>,
    /// The upstream's process.
    pub(crate) upstream: u32,
    /// The core to run on.
    pub(crate) core: usize,
    /// The target's core.
    pub(crate) target_core: usize,
}

/// What one run showed. Times are in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Requests sent in all phases, warm-up and calibration included.
    pub(crate) sent: u64,
    /// Requests answered rightly while CPU was counted.
    pub(crate) completed: u64,
    /// Pieces of streams that arrived while CPU was counted.
    pub(crate) chunks: u64,
    /// What went wrong, in any phase, and how often.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Requests that were due and that no connection was free to send; their waiting is in the
    /// latencies all the same.
    pub(crate) unsent: u64,
    /// Connections held.
    pub(crate) connections: usize,
    /// Requests a second that were scheduled.
    pub(crate) rate: f64,
    /// Requests a second that were answered.
    pub(crate) achieved: f64,
    /// Pieces of streams a second that arrived.
    pub(crate) chunk_rate: f64,
    /// Requests a second in the closed loop of the calibration.
    pub(crate) closed_loop: Option<f64>,
    /// The target's CPU, the work that it put off included.
    pub(crate) cpu_per_request: Option<f64>,
    /// The same per piece of a stream.
    pub(crate) cpu_per_chunk: Option<f64>,
    /// How busy the target's core was in the window.
    pub(crate) busy: Busy,
    /// How busy the core of load generator and upstream was.
    pub(crate) load_busy: Busy,
    /// From the moment a request was due to its last byte.
    pub(crate) latency: Quantiles,
    /// … to its head.
    pub(crate) first_byte: Quantiles,
    /// … to the first byte of content.
    pub(crate) first_token: Quantiles,
    /// Between two pieces of a stream.
    pub(crate) gap: Quantiles,
    /// Gaps longer than the upstream's by 10 ms or more.
    pub(crate) stalls: u64,
    /// The target's memory in MiB, at the end of the window.
    pub(crate) memory: Memory,
}

/// Reads a plan from standard input, carries it out, prints the figures.
pub(crate) fn run() -> Result<()> {
    let mut plan = String::new();
    std::io::stdin().read_to_string(&mut plan)?;
    let spec: Spec = serde_json::from_str(&plan)?;
    child::settle(spec.core)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = LocalSet::new().block_on(&runtime, measure(spec))?;
    let mut out = std::io::stdout();
    serde_json::to_writer(&mut out, &figures)?;
    Ok(out.flush()?)
}

/// Connections of unary workloads, and how many they may become when the target waits for its disk
/// rather than for its core.
const CONNECTIONS: usize = 32;
const MOST_CONNECTIONS: usize = 256;

/// Before the window: caches fill, pools connect.
const WARM_UP: Duration = Duration::from_millis(600);

async fn measure(spec: Spec) -> Result<Figures> {
    let text = Rc::new(Text::new());
    let bodies =
        Bodies::new(text.clone(), spec.workload.shape(), spec.workload.streams(), spec.seed);
    let worker = Rc::new(Worker {
        site: Site::new(&spec, text)?,
        timer: Timer::start()?,
        bodies: bodies.into(),
        tally: Tally::new(spec.workload.pace()).into(),
        watched: phase::Watched {
            target: spec.pids.clone(),
            target_core: spec.target_core,
            quiet: spec.quiet,
            load: vec![spec.upstream, std::process::id()],
            load_core: spec.core,
        },
    });
    let window = Duration::from_secs_f64(spec.seconds);
    let (rate, closed_loop, connections, warm) = match spec.workload.pace() {
        Pace::Busy(share) => {
            let calibrated = calibrate(&worker, share).await?;
            (calibrated.rate, Some(calibrated.closed_loop), calibrated.connections, WARM_UP)
        }
        Pace::Rate { rate, .. } => {
            (rate, None, worker.connect(CONNECTIONS).await?, Duration::from_secs(1))
        }
        Pace::Streams(streams) => {
            let most = num::index(u64::from(streams.concurrent)) * 3 / 2;
            let rate = f64::from(streams.concurrent) / streams.length().as_secs_f64();
            (rate, None, worker.connect(most).await?, warm_up(&streams))
        }
    };
    let count = connections.len();
    let schedule = Schedule::paced(rate, warm, window);
    let phase = phase::run(&worker, connections, schedule).await?;
    // Work that the target puts off until after the answer is part of its price.
    let rest = phase::settle(&worker).await;
    Ok(figures(&worker, &phase, rest, (rate, closed_loop, count)))
}

/// Longer than a stream, so that as many end as begin.
fn warm_up(streams: &Streams) -> Duration {
    streams.length() + Duration::from_millis(300)
}

struct Calibrated {
    rate: f64,
    closed_loop: f64,
    connections: Vec<Connection>,
}

/// Finds the rate that keeps the target's core busy to `share`: a short closed loop tells what a
/// request costs, work that is put off included, and how many the load generator can send.
async fn calibrate(worker: &Rc<Worker>, share: f64) -> Result<Calibrated> {
    let mut connections = worker.connect(CONNECTIONS).await?;
    let before = worker.edge();
    let closed_loop = loop {
        let schedule = Schedule::closed(Duration::from_millis(300), Duration::from_millis(700));
        let mut phase = phase::run(worker, connections, schedule).await?;
        connections = std::mem::take(&mut phase.connections);
        let busy = phase.end.target_since(&phase.start);
        let full = busy.full() || phase.end.load_since(&phase.start).full();
        if full || busy.own >= share || connections.len() >= MOST_CONNECTIONS {
            break phase.end.rate_since(&phase.start);
        }
        let more = connections.len();
        connections.append(&mut worker.connect(more).await?);
    };
    anyhow::ensure!(closed_loop > 0.0, "no request was answered: {:?}", worker.errors());
    let after = phase::settle(worker).await;
    // The loop itself must not be the limit, or a queue grows that says nothing of the target.
    // Without a proxy the limit is the load generator, which needs half of the core to itself.
    let limit = closed_loop * if worker.watched.target.is_empty() { 0.5 } else { 0.85 };
    let rate = after.cpu_per_request_since(&before).map_or(limit, |cost| share * 1e6 / cost);
    Ok(Calibrated { rate: rate.min(limit), closed_loop, connections })
}

fn figures(
    worker: &Worker,
    phase: &Phase,
    rest: Edge,
    (rate, closed_loop, connections): (f64, Option<f64>, usize),
) -> Figures {
    let mut tally = worker.tally.borrow_mut();
    let completed = rest.completed.saturating_sub(phase.start.completed);
    let chunks = rest.chunks.saturating_sub(phase.start.chunks);
    let cpu = num::float(rest.target_cpu.saturating_sub(phase.start.target_cpu));
    let watched = !worker.watched.target.is_empty();
    let per = |count: u64| (watched && count > 0).then(|| cpu / num::float(count));
    let cpu_per_chunk = per(chunks);
    let cpu_per_request = match worker.site.chunks() {
        0 => per(completed),
        // Streams that began before the window end in it, so ends are not what the CPU bought.
        each => cpu_per_chunk.map(|cost| cost * num::float(num::count(each))),
    };
    Figures {
        sent: tally.sent,
        completed,
        chunks,
        errors: tally.errors.clone(),
        unsent: phase.unsent,
        connections,
        rate,
        achieved: phase.end.rate_since(&phase.start),
        chunk_rate: phase.end.chunk_rate_since(&phase.start),
        closed_loop,
        cpu_per_request,
        cpu_per_chunk,
        busy: phase.end.target_since(&phase.start),
        load_busy: phase.end.load_since(&phase.start),
        latency: tally.latency.quantiles(),
        first_byte: tally.first_byte.quantiles(),
        first_token: tally.first_token.quantiles(),
        gap: tally.gap.quantiles(),
        stalls: tally.stalls,
        memory: Memory {
            peak: cpu::memory(&worker.watched.target).peak,
            resident: phase.memory.resident,
        },
    }
}
