//! Who records: the recorder that runs, or this process, or nobody.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use api::imports::{ImportRefused, Imported, Importer as _, RefusedLine};
use intake::import::{Cx, Source};
use ledger::{RealDisk, SystemClock};
use record::{Clock as _, CollectorName};

use crate::access_log::lock;
use crate::cli::{ImportArgs, Where};
use crate::place::Place;
use crate::recorder::{API_FILE, WriteHalf};
use crate::{Failure, http};

/// How long one command waits for another, or for a recorder that starts.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a batch is tried that the log could not take just then.
const TRIES: u32 = 5;

pub(super) enum Sink {
    Server(String),
    Here(Box<WriteHalf>),
    Nowhere,
}

impl Sink {
    pub(super) fn open(args: &ImportArgs) -> Result<Self, Failure> {
        if args.dry_run {
            return Ok(Self::Nowhere);
        }
        if let Some(server) = &args.server {
            return Ok(Self::Server(server.clone()));
        }
        let place = Place::named(&Where {
            config: args.config.clone(),
            data: args.data.clone(),
            archive: None,
            keys: None,
        })?;
        let collector = CollectorName::new(place.config.collector.clone())
            .with_context(|| format!("collector = {:?}", place.config.collector))
            .map_err(Failure::Usage)?;
        let folder = place.collectors().join(collector.as_str());
        RealDisk::create(&folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        let until = Instant::now() + PATIENCE;
        loop {
            let busy = match lock(&folder.join(".lock"), Duration::ZERO) {
                Ok(free) => {
                    // The write half takes it itself.
                    drop(free);
                    return WriteHalf::start(place.config).map(|half| Self::Here(Box::new(half)));
                }
                Err(busy) => busy,
            };
            let told = std::fs::read_to_string(folder.join(API_FILE)).unwrap_or_default();
            let server = told.trim();
            if !server.is_empty() && http::get(server, "/api/v1/holds", &[]).is_ok() {
                return Ok(Self::Server(server.to_owned()));
            }
            if Instant::now() > until {
                return Err(busy.into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Records a batch; when this returns, it survives a loss of power.
    pub(super) fn import(&self, source: Source, lines: Vec<u8>) -> Result<Imported, Failure> {
        let lines = bytes::Bytes::from(lines);
        let mut wait = Duration::from_millis(250);
        for tried in 1.. {
            match self.once(source, &lines) {
                Err(ImportRefused::Later(_)) if tried < TRIES => {
                    std::thread::sleep(wait);
                    wait *= 2;
                }
                Ok(imported) => return Ok(imported),
                Err(error @ ImportRefused::Question(_)) => {
                    return Err(Failure::Usage(error.into()));
                }
                Err(error) => return Err(Failure::Run(error.into())),
            }
        }
        Err(Failure::Run(anyhow!("not recorded")))
    }

    fn once(&self, source: Source, lines: &bytes::Bytes) -> Result<Imported, ImportRefused> {
        match self {
            Self::Server(server) => ask(server, source, lines),
            Self::Here(half) => half.importer.import(source.as_str(), lines),
            Self::Nowhere => Ok(told(source, lines)),
        }
    }

    pub(super) fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Here(half) => half.stop(),
            Self::Server(_) | Self::Nowhere => Ok(()),
        }
    }
}

fn ask(server: &str, source: Source, lines: &bytes::Bytes) -> Result<Imported, ImportRefused> {
    let path = format!("/api/v1/imports?format={source}");
    let answer = http::post_bytes(server, &path, "application/x-ndjson", lines.clone());
    let (status, value) = answer.map_err(|error| ImportRefused::Failed(format!("{error:#}")))?;
    if status == 200 {
        return serde_json::from_value(value)
            .map_err(|error| ImportRefused::Failed(format!("{server}: {error}")));
    }
    let detail = value.get("detail").and_then(serde_json::Value::as_str).unwrap_or("no detail");
    Err(match status {
        503 => ImportRefused::Later(detail.to_owned()),
        400 | 413 => ImportRefused::Question(detail.to_owned()),
        _ => ImportRefused::Failed(format!("{server} answered {status}: {detail}")),
    })
}

/// What would be recorded.
fn told(source: Source, lines: &[u8]) -> Imported {
    let cx = Cx { class: record::STANDARD, id: &|_, _, _| None, now: SystemClock.now() };
    let mut imported = Imported::default();
    for (line, raw) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
        if raw.is_empty() {
            continue;
        }
        match source.read(raw, &cx) {
            Ok(taken) => imported.recorded += u64::try_from(taken.len()).unwrap_or(0),
            Err(refusal) => {
                imported.refused.push(RefusedLine { line, message: refusal.to_string() });
            }
        }
    }
    imported
}
