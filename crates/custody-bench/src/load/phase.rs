//! One phase of load over a set of connections.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::task::{JoinSet, spawn_local};

use super::connection::{Connection, Site};
use super::schedule::Schedule;
use super::tally::Tally;
use crate::body::Bodies;
use crate::cpu::{self, Memory};
use crate::num;
use crate::timer::Timer;

/// After the end of a phase, requests under way may take this long.
const PATIENCE: Duration = Duration::from_secs(15);

/// What all workers share.
pub(crate) struct Worker {
    /// Where requests go.
    pub(crate) site: Site,
    /// What they sleep on.
    pub(crate) timer: Timer,
    /// What they send.
    pub(crate) bodies: RefCell<Bodies>,
    /// What they saw.
    pub(crate) tally: RefCell<Tally>,
    /// Whose CPU is counted.
    pub(crate) watched: Watched,
}

/// Processes and the cores they run on.
pub(crate) struct Watched {
    /// The target's.
    pub(crate) target: Vec<u32>,
    /// Its core.
    pub(crate) target_core: usize,
    /// When the target has done next to nothing for so long, nothing is left to do.
    pub(crate) quiet: Duration,
    /// Load generator and upstream.
    pub(crate) load: Vec<u32>,
    /// Their core.
    pub(crate) load_core: usize,
}

/// All counters at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Edge {
    at: Instant,
    /// Requests answered so far.
    pub(crate) completed: u64,
    /// Pieces of streams so far.
    pub(crate) chunks: u64,
    /// CPU microseconds of the target so far.
    pub(crate) target_cpu: u64,
    load_cpu: u64,
    target_core: u64,
    load_core: u64,
}

/// Shares of one core between two edges.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Busy {
    /// What it was there for.
    pub(crate) own: f64,
    /// Whatever else ran on it.
    pub(crate) others: f64,
}

impl Busy {
    /// Whether the core had hardly a pause.
    pub(crate) fn full(&self) -> bool {
        self.own + self.others > 0.9
    }
}

/// What a phase leaves.
pub(crate) struct Phase {
    /// The connections, for the next one.
    pub(crate) connections: Vec<Connection>,
    /// The end of the warm-up.
    pub(crate) start: Edge,
    /// The end of the schedule.
    pub(crate) end: Edge,
    /// Requests that were due and never sent.
    pub(crate) unsent: u64,
    /// The target's memory at the end of the schedule.
    pub(crate) memory: Memory,
}

impl Worker {
    /// Opens connections.
    pub(crate) async fn connect(&self, count: usize) -> Result<Vec<Connection>> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(self.site.connect().await?);
        }
        Ok(connections)
    }

    /// What went wrong so far.
    pub(crate) fn errors(&self) -> BTreeMap<String, u64> {
        self.tally.borrow().errors.clone()
    }

    /// All counters now.
    pub(crate) fn edge(&self) -> Edge {
        let tally = self.tally.borrow();
        Edge {
            at: Instant::now(),
            completed: tally.completed,
            chunks: tally.chunks,
            target_cpu: cpu::used_micros(&self.watched.target),
            load_cpu: cpu::used_micros(&self.watched.load),
            target_core: cpu::core_micros(self.watched.target_core),
            load_core: cpu::core_micros(self.watched.load_core),
        }
    }

    async fn work(&self, mut connection: Connection, schedule: &Schedule) -> Option<Connection> {
        while let Some(ticket) = schedule.next() {
            self.timer.sleep_until(ticket.due).await;
            let job = self.bodies.borrow_mut().next();
            let result = connection.exchange(&self.site, &job, ticket, &self.tally).await;
            let Err(error) = result else { continue };
            self.tally.borrow_mut().error(error.to_string());
            // What is left of a wrong answer would be read as the next one.
            match self.site.connect().await {
                Ok(fresh) => connection = fresh,
                Err(error) => {
                    self.tally.borrow_mut().error(error.to_string());
                    return None;
                }
            }
        }
        Some(connection)
    }
}

impl Edge {
    fn seconds_since(&self, earlier: &Self) -> f64 {
        (self.at - earlier.at).as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Requests a second between two edges.
    pub(crate) fn rate_since(&self, earlier: &Self) -> f64 {
        num::float(self.completed.saturating_sub(earlier.completed)) / self.seconds_since(earlier)
    }

    /// What a request cost the target; `None` when nothing was counted.
    pub(crate) fn cpu_per_request_since(&self, earlier: &Self) -> Option<f64> {
        let cpu = self.target_cpu.saturating_sub(earlier.target_cpu);
        let completed = self.completed.saturating_sub(earlier.completed);
        (cpu > 0 && completed > 0).then(|| num::float(cpu) / num::float(completed))
    }

    /// Pieces of streams a second.
    pub(crate) fn chunk_rate_since(&self, earlier: &Self) -> f64 {
        num::float(self.chunks.saturating_sub(earlier.chunks)) / self.seconds_since(earlier)
    }

    /// How busy the target's core was between them.
    pub(crate) fn target_since(&self, earlier: &Self) -> Busy {
        let own = self.target_cpu.saturating_sub(earlier.target_cpu);
        self.busy(earlier, own, self.target_core.saturating_sub(earlier.target_core))
    }

    /// How busy the core of load generator and upstream was.
    pub(crate) fn load_since(&self, earlier: &Self) -> Busy {
        let own = self.load_cpu.saturating_sub(earlier.load_cpu);
        self.busy(earlier, own, self.load_core.saturating_sub(earlier.load_core))
    }

    fn busy(&self, earlier: &Self, own: u64, all: u64) -> Busy {
        let share = |used| num::float(used) / 1e6 / self.seconds_since(earlier);
        Busy { own: share(own), others: share(all.saturating_sub(own)) }
    }
}

/// Runs a schedule over these connections until every request is answered.
pub(crate) async fn run(
    worker: &Rc<Worker>,
    connections: Vec<Connection>,
    mut schedule: Schedule,
) -> Result<Phase> {
    let asked = connections.len();
    schedule.restart();
    let schedule = Rc::new(schedule);
    let mut tasks = JoinSet::new();
    for connection in connections {
        let (worker, schedule) = (worker.clone(), schedule.clone());
        tasks.spawn_local(async move { worker.work(connection, &schedule).await });
    }
    let edges = spawn_local({
        let (worker, schedule) = (worker.clone(), schedule.clone());
        async move {
            worker.timer.sleep_until(schedule.measured_from()).await;
            let start = worker.edge();
            worker.timer.sleep_until(schedule.end()).await;
            (start, worker.edge(), cpu::memory(&worker.watched.target))
        }
    });
    let (start, end, memory) = edges.await?;
    let mut back = Vec::with_capacity(asked);
    let drained = tokio::time::timeout(PATIENCE, async {
        while let Some(connection) = tasks.join_next().await {
            back.extend(connection.ok().flatten());
        }
    });
    if drained.await.is_err() {
        for _ in 0..tasks.len() {
            worker.tally.borrow_mut().error(format!("no answer within {} s", PATIENCE.as_secs()));
        }
        tasks.shutdown().await;
    }
    let left = schedule.left_over();
    let mut unsent = 0;
    for ticket in left.iter().filter(|ticket| ticket.measured) {
        unsent += 1;
        // At least this long: leaving them out would flatter a target that stalled.
        worker.tally.borrow_mut().latency.push(ticket.due.elapsed());
    }
    while back.len() < asked && worker.errors().len() < 10 {
        back.append(&mut worker.connect(asked - back.len()).await?);
    }
    Ok(Phase { connections: back, start, end, unsent, memory })
}

/// Waits until the target has nothing more to do, at most half a minute; work that it put off is
/// then counted.
pub(crate) async fn settle(worker: &Worker) -> Edge {
    let mut edge = worker.edge();
    let patience = edge.at + Duration::from_secs(30);
    let mut worked = edge.at;
    while edge.at < patience && edge.at - worked < worker.watched.quiet {
        worker.timer.sleep_until(edge.at + Duration::from_millis(200)).await;
        let later = worker.edge();
        if later.target_cpu.saturating_sub(edge.target_cpu) > cpu::tick_micros() {
            worked = later.at;
        }
        edge = later;
    }
    edge
}
