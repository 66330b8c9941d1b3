//! Who ends and keeps records: the recorder that runs, through its API, since one process alone
//! writes the key store; where none runs, the command itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use api::lifecycle::{ErasureRequest, HoldPlacement, Keeper as _, Refused, Word};
use keys::KeyStore;
use ledger::{RealDisk, SystemClock};
use lifecycle::Lifecycle;
use record::CollectorName;
use serde::Serialize;
use serde_json::Value;

use crate::access_log::{CommandLog, lock, lock_keys};
use crate::own_keeper::OwnKeeper;
use crate::place::{Place, TENANT};
use crate::recorder::API_FILE;
use crate::{Failure, config, http};

/// How long one command waits for another, or for a recorder that starts.
const PATIENCE: Duration = Duration::from_secs(10);

/// The recorder that runs, or this process.
pub(crate) enum Keeper {
    Server(String),
    Here(Box<Here>),
}

/// The key store, locked against recorders.
pub(crate) struct Here {
    keeper: OwnKeeper,
    // Dropped after what uses the key store.
    _log: CommandLog,
    _locks: [std::fs::File; 2],
}

impl Keeper {
    /// Finds it. `server` names one, for an installation whose data directory is elsewhere.
    pub(crate) fn find(place: &Place, server: Option<&str>) -> Result<Self, Failure> {
        if let Some(server) = server {
            return Ok(Self::Server(server.to_owned()));
        }
        let collector = CollectorName::new(place.config.collector.clone())
            .with_context(|| format!("collector = {:?}", place.config.collector))
            .map_err(Failure::Usage)?;
        let folder = place.collectors().join(collector.as_str());
        if !place.keys.is_dir() {
            return Err(Failure::Run(anyhow!(
                "there is no key store in {}; --data names another data directory",
                place.keys.display()
            )));
        }
        RealDisk::create(&folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        let until = Instant::now() + PATIENCE;
        loop {
            let busy = match lock(&folder.join(".lock"), Duration::ZERO) {
                Ok(lock) => return Ok(Self::Here(Box::new(Here::open(place, lock)?))),
                Err(busy) => busy,
            };
            // A recorder, or a command that will be done soon; what a recorder left that is gone
            // says where nobody answers.
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

    pub(crate) fn erase(&self, request: &ErasureRequest) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => post(server, "/api/v1/erasures", request),
            Self::Here(here) => done(here.keeper.erase(request)),
        }
    }

    pub(crate) fn approve(&self, id: &str, word: &Word) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => {
                post(server, &format!("/api/v1/erasures/{}/approval", http::encode(id)), word)
            }
            Self::Here(here) => done(here.keeper.approve(id, word)),
        }
    }

    pub(crate) fn withdraw(&self, id: &str) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => {
                let path = format!("/api/v1/erasures/{}", http::encode(id));
                answered(server, http::delete(server, &path)?)
            }
            Self::Here(here) => done(here.keeper.withdraw(id)),
        }
    }

    pub(crate) fn pending(&self) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => Ok(http::get(server, "/api/v1/erasures", &[])?),
            Self::Here(here) => done(here.keeper.pending()),
        }
    }

    pub(crate) fn place_hold(&self, placement: &HoldPlacement) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => post(server, "/api/v1/holds", placement),
            Self::Here(here) => done(here.keeper.place_hold(placement)),
        }
    }

    pub(crate) fn lift_hold(&self, name: &str, word: &Word) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => {
                post(server, &format!("/api/v1/holds/{}/lift", http::encode(name)), word)
            }
            Self::Here(here) => done(here.keeper.lift_hold(name, word)),
        }
    }

    pub(crate) fn holds(&self) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => Ok(http::get(server, "/api/v1/holds", &[])?),
            Self::Here(here) => done(here.keeper.holds()),
        }
    }
}

impl Here {
    fn open(place: &Place, lock: std::fs::File) -> Result<Self, Failure> {
        let keys_lock = lock_keys(&place.keys, Duration::ZERO)?;
        let root = place.root_key()?;
        let keys = Arc::new(KeyStore::open_or_create(&place.keys, &root)?);
        let log = CommandLog::new(place.clone());
        let lifecycle = Lifecycle {
            store: Arc::new(place.open_store()?),
            archive: place.create_archive(place.config.archive_immutable)?,
            cold: place.create_cold().map_err(Failure::Usage)?,
            ledger: log.ledger()?,
            keys,
            classes: Arc::new(config::classes(&place.config).map_err(Failure::Usage)?),
            clock: Arc::new(SystemClock),
            tenant: TENANT.to_owned(),
            folder: place.erasures(),
            tiers: place.data.join("tiers.json"),
            approvals: place.config.erasure.approvals,
            turn: std::sync::Mutex::default(),
        };
        lifecycle.resume_erasures()?;
        let keeper = OwnKeeper(Arc::new(lifecycle));
        Ok(Self { keeper, _log: log, _locks: [lock, keys_lock] })
    }
}

fn post(server: &str, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
    answered(server, http::post(server, path, &serde_json::to_value(body)?)?)
}

fn answered(server: &str, answer: (u16, Value)) -> Result<Value, Failure> {
    match answer {
        (200..=299, value) => Ok(value),
        (status, value) => {
            let detail = value.get("detail").and_then(Value::as_str).unwrap_or("no detail");
            let error = anyhow!("{detail}");
            Err(match status {
                409 => Failure::Refused(error),
                400..=499 => Failure::Usage(error),
                _ => Failure::Run(error.context(format!("{server} answered {status}"))),
            })
        }
    }
}

fn done(result: Result<Value, Refused>) -> Result<Value, Failure> {
    result.map_err(|error| match error {
        Refused::Question(_) => Failure::Usage(error.into()),
        Refused::Held(_) => Failure::Refused(error.into()),
        _ => Failure::Run(error.into()),
    })
}
