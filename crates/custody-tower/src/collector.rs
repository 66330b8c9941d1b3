//! Where events go: a bounded queue and a task that posts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// Events that wait for the collector; what comes when the queue is full is dropped and counted.
const QUEUE: usize = 1024;
/// Events of one request.
const BATCH: usize = 64;
/// Between attempts, doubled up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);

/// A handle to a running collector's intake. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Collector {
    queue: mpsc::Sender<Job>,
    dropped: Arc<AtomicU64>,
}

/// Why a collector cannot be told of anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectorError {
    /// The address is none such as `http://127.0.0.1:8080`.
    #[error("{0:?} is no address of a collector such as http://127.0.0.1:8080")]
    Address(String),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

#[derive(Debug)]
enum Job {
    Event(Value),
    Flush(oneshot::Sender<()>),
}

impl Collector {
    /// Starts the task that posts, on the current tokio runtime. `address` is that of the proxy.
    pub fn start(address: &str) -> Result<Self, CollectorError> {
        let wrong = || CollectorError::Address(address.to_owned());
        let base: reqwest::Url = address.parse().map_err(|_| wrong())?;
        let url = base.join("/custody/v1/events").map_err(|_| wrong())?;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(run(client, url, jobs));
        Ok(Self { queue, dropped: Arc::default() })
    }

    /// Tells of something; never waits. False when the queue is full and the event is dropped.
    pub fn tell(&self, event: Value) -> bool {
        let taken = self.queue.try_send(Job::Event(event)).is_ok();
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Events that were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything told so far is recorded, or refused for good.
    pub async fn flush(&self) {
        let (done, ended) = oneshot::channel();
        if self.queue.send(Job::Flush(done)).await.is_ok() {
            let _gone = ended.await;
        }
    }
}

async fn run(client: reqwest::Client, url: reqwest::Url, mut jobs: mpsc::Receiver<Job>) {
    let mut taken = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut taken, BATCH).await > 0 {
        let mut events = Vec::new();
        let mut waiting = Vec::new();
        for job in taken.drain(..) {
            match job {
                Job::Event(event) => events.push(event),
                Job::Flush(done) => waiting.push(done),
            }
        }
        if !events.is_empty() {
            post(&client, &url, events).await;
        }
        for done in waiting {
            let _gone = done.send(());
        }
    }
}

/// Posts until the collector has taken the events or refused them for good.
async fn post(client: &reqwest::Client, url: &reqwest::Url, events: Vec<Value>) {
    let body = Value::Array(events).to_string();
    let mut pause = FIRST;
    loop {
        let request = client.post(url.clone()).header("content-type", "application/json");
        match request.body(body.clone()).send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) if answer.status().is_client_error() => {
                tracing::error!(status = %answer.status(), "the collector refuses what it was told");
                return;
            }
            Ok(answer) => tracing::warn!(status = %answer.status(), "the collector is asked again"),
            Err(error) => tracing::warn!(%error, "the collector is asked again"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}
