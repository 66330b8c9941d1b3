//! The write half, wired: keys, archive, ledger, capture, proxy, API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use access::Access;
use anyhow::Context as _;
use api::Api;
use archive::{Archive, ArchiveError, durable};
use capture::Capture;
use keys::{KeyStore, RootKey};
use ledger::{Ledger, LedgerError, RealDisk, SystemClock};
use lifecycle::{Lifecycle, Schedule, Scheduler};
use proxy::{Local, Proxy, UpstreamConfig};
use query::Store;
use record::envelope::Configuration;
use record::{Classes, Clock};
use tokio::sync::oneshot;

use crate::Failure;
use crate::access_log::{ServerLog, lock, lock_keys};
use crate::anchoring;
use crate::checked::{Checked, cores};
use crate::config::{Config, known};
use crate::faces::Faces;
use crate::health::RecorderHealth;
use crate::own_importer::OwnImporter;
use crate::own_keeper::OwnKeeper;
use crate::place::{Place, TENANT};
use crate::signing;

/// In a collector's folder: where its recorder's API answers.
pub(crate) const API_FILE: &str = "api";
/// How long a start waits for a process that is ending.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// A running recorder.
pub(crate) struct Recorder {
    half: WriteHalf,
    anchors: Option<anchor::Anchors>,
    proxy: Proxy,
    api: JoinHandle<()>,
    scheduler: Scheduler,
    faces: Faces,
    api_stop: oneshot::Sender<()>,
    /// Where the proxy listens.
    pub(crate) proxy_address: SocketAddr,
    /// Where the API answers.
    pub(crate) api_address: SocketAddr,
    /// The public key of the log.
    pub(crate) key: String,
}

/// What records, without a face: an import needs no more.
pub(crate) struct WriteHalf {
    config: Config,
    policy: String,
    place: Place,
    folder: PathBuf,
    classes: Arc<Classes>,
    upstreams: BTreeMap<String, UpstreamConfig>,
    clock: Arc<dyn Clock>,
    keys: Arc<KeyStore>,
    archive: Arc<dyn Archive>,
    cold: Option<Arc<dyn Archive>>,
    ledger: Arc<Ledger>,
    capture: Arc<Capture>,
    store: Arc<Store>,
    /// Records imports.
    pub(crate) importer: Arc<OwnImporter>,
    /// Held so that no second recorder writes the same log, nor the same key store.
    _locks: [std::fs::File; 2],
}

impl WriteHalf {
    /// Opens the log and goes on where it ended.
    pub(crate) fn start(config: Config) -> Result<Self, Failure> {
        let checked = Checked::of(&config).map_err(Failure::Usage)?;
        let Checked { classes, upstreams, collector, capture: mut capture_config, place, oidc } =
            checked;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let folder = place.collectors().join(collector.as_str());
        let disk = RealDisk::create(&folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        // Before the key store is opened: opening it for writing cuts off what looks like a torn
        // row, and may be one that a recorder writes just now.
        let lock = lock(&folder.join(".lock"), PATIENCE)?;
        let keys_lock = lock_keys(&place.keys, PATIENCE)?;
        let root = RootKey::open_or_create(&place.root_source().map_err(Failure::Usage)?)?;
        let keys = Arc::new(KeyStore::open_or_create(&place.keys, &root)?);
        let archive = place.create_archive(config.archive_immutable)?;
        check_archive(archive.as_ref(), clock.as_ref())?;
        let (key, handover) = signing::load(&place, &root, &collector)?;
        let ledger_config = ledger::Config {
            collector,
            disk: Arc::new(disk),
            archive: Arc::clone(&archive),
            key,
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            admits: true,
            classes: Arc::clone(&classes),
            tiered: config.tiers.cold.is_some(),
            seal_every: config.ledger.seal_every.0,
            heartbeat: config.ledger.heartbeat.0,
            segment_bytes: config.ledger.segment_bytes.0,
            segment_age: config.ledger.segment_age.0,
        };
        let opened = Ledger::open_with(ledger_config, handover);
        let (ledger, recovered) = opened.map_err(|error| match error {
            LedgerError::Refused { .. } => Failure::Usage(error.into()),
            error => Failure::Run(error.into()),
        })?;
        let ledger = Arc::new(ledger);
        let policy = capture_config.policy.version().to_owned();
        let access = Access::start(place.tokens(), oidc).context("[oidc]");
        capture_config.access = Some(Arc::new(access.map_err(Failure::Usage)?));
        let capture = Arc::new(Capture::start(
            capture_config,
            Arc::clone(&ledger),
            Arc::clone(&keys),
            Arc::clone(&clock),
        )?);
        ledger.announce_configuration(configuration("start", &config, &policy))?;
        capture::recover(&capture, recovered.open);
        let cold = place.create_cold().map_err(Failure::Usage)?;
        if let Some(cold) = &cold {
            check_archive(cold.as_ref(), clock.as_ref())?;
        }
        let store = Store::new(
            Arc::clone(&archive),
            Some(place.collectors()),
            Some(Arc::clone(&keys)),
            TENANT,
        );
        let store = Arc::new(store.with_cold(cold.clone()));
        let importer = OwnImporter {
            capture: Arc::clone(&capture),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            known: std::sync::Mutex::default(),
        };
        Ok(Self {
            config,
            policy,
            place,
            folder,
            classes,
            upstreams,
            clock,
            keys,
            archive,
            cold,
            ledger,
            capture,
            store,
            importer: Arc::new(importer),
            _locks: [lock, keys_lock],
        })
    }

    /// Ends cleanly: everything is sealed and archived.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.capture.stop();
        self.close()
    }

    fn close(&self) -> anyhow::Result<()> {
        self.ledger.announce_configuration(configuration("stop", &self.config, &self.policy))?;
        match self.ledger.close(true) {
            Err(error @ LedgerError::Unavailable { .. }) if self.archive.is_remote() => {
                tracing::warn!(%error, "the rest is sealed and archived at the next start");
                Ok(())
            }
            closed => Ok(closed?),
        }
    }
}

impl Recorder {
    /// Starts everything.
    pub(crate) fn start(config: Config) -> Result<Self, Failure> {
        let half = WriteHalf::start(config)?;
        let config = &half.config;
        let threads = match config.proxy.threads {
            0 => cores(),
            threads => threads,
        };
        let anchors =
            anchoring::start(config, &half.classes, &half.archive, &half.ledger, &half.clock)?;
        let class = &known(&half.classes, &config.intake.retention).map_err(Failure::Usage)?.name;
        let faces = Faces::start(config, class, &half.capture, &half.clock)?;
        let intake = Arc::clone(&faces.intake);
        let local: Arc<dyn Local> = intake;
        let listen = config.proxy.listen;
        let proxy = Proxy::start(listen, threads, &half.upstreams, &half.capture, Some(&local))?;
        let lifecycle = Arc::new(Lifecycle {
            store: Arc::clone(&half.store),
            archive: Arc::clone(&half.archive),
            cold: half.cold.clone(),
            ledger: Arc::clone(&half.ledger),
            keys: Arc::clone(&half.keys),
            classes: Arc::clone(&half.classes),
            clock: Arc::clone(&half.clock),
            tenant: TENANT.to_owned(),
            folder: half.place.erasures(),
            tiers: half.place.data.join("tiers.json"),
            approvals: config.erasure.approvals,
            turn: std::sync::Mutex::default(),
        });
        let schedule = Schedule {
            every: config.lifecycle.every.0,
            probe_every: config.lifecycle.probe_every.0,
        };
        let scheduler = Scheduler::start(Arc::clone(&lifecycle), schedule)?;
        let health = RecorderHealth::new(
            Arc::clone(&half.ledger),
            Arc::clone(&half.capture),
            scheduler.counters(),
            anchors.as_ref().map(anchor::Anchors::reader),
            Arc::clone(&faces.intake),
        );
        let importer: Arc<dyn api::imports::Importer> = half.importer.clone();
        let api = Api {
            store: Arc::clone(&half.store),
            archive: Arc::clone(&half.archive),
            log: Arc::new(ServerLog(Arc::clone(&half.ledger))),
            keeper: Arc::new(OwnKeeper(lifecycle)),
            importer,
            health: Arc::new(health),
            clock: Arc::clone(&half.clock),
        };
        let (api_handle, api_stop, api_address) = start_api(api, config.api.listen)?;
        // For commands that must not write to the key store beside us.
        let told = half.folder.join(API_FILE);
        durable::replace(&told, format!("http://{api_address}\n").as_bytes(), 0o644)
            .with_context(|| format!("cannot write {}", told.display()))?;
        Ok(Self {
            proxy_address: proxy.address(),
            api_address,
            key: half.ledger.verifying_key().to_string(),
            half,
            anchors,
            proxy,
            api: api_handle,
            scheduler,
            faces,
            api_stop,
        })
    }

    /// Seals and archives everything so far, now.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        self.half.capture.drain();
        self.half.ledger.flush_segments()?;
        Ok(())
    }

    /// Ends cleanly: calls that are going on are waited for, everything is sealed and archived.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.proxy.stop(self.half.config.proxy.stop_timeout.0);
        self.faces.stop();
        self.half.capture.stop();
        // The API goes first: it may still want to record a read.
        let _gone = self.api_stop.send(());
        if self.api.join().is_err() {
            tracing::error!("the API panicked");
        }
        self.scheduler.stop();
        let closed = self.half.close();
        // Last, so that the last checkpoint goes outward too.
        if let Some(anchors) = self.anchors {
            anchors.stop();
        }
        closed
    }
}

fn configuration(event: &str, config: &Config, policy: &str) -> Configuration {
    Configuration {
        event: event.to_owned(),
        mode: config.proxy.mode.clone(),
        policy: policy.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Refuses a bucket that can never work; one that is away just now is waited for.
fn check_archive(archive: &dyn Archive, clock: &dyn Clock) -> Result<(), Failure> {
    match archive.check(clock.now()) {
        Ok(()) => Ok(()),
        Err(error @ ArchiveError::Unavailable { .. }) => {
            tracing::error!(
                %error,
                "the archive does not answer; calls are recorded here until it does"
            );
            Ok(())
        }
        Err(error) => Err(Failure::Usage(error.into())),
    }
}

type RunningApi = (JoinHandle<()>, oneshot::Sender<()>, SocketAddr);

/// The API on a thread of its own, so that no read ever takes time from the proxy's.
fn start_api(api: Api, listen: SocketAddr) -> anyhow::Result<RunningApi> {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, started) = std::sync::mpsc::channel();
    let failed = ready.clone();
    let handle = std::thread::Builder::new().name("api".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let served = match runtime {
            Ok(runtime) => runtime.block_on(api::serve(
                api,
                listen,
                move |address| drop(ready.send(Ok(address))),
                async { drop(stopped.await) },
            )),
            Err(error) => Err(api::ApiError::Listen(listen, error)),
        };
        if let Err(error) = served {
            drop(failed.send(Err(error)));
        }
    })?;
    let address = started.recv().context("the API did not start")??;
    Ok((handle, stop, address))
}
