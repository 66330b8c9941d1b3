//! The recorder within this process, without the network: what capture, masking, sealing and the
//! ledger cost by themselves.

pub(crate) mod traffic;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use archive::{Archive, LocalArchive};
use capture::{CallHead, Capture, Identity, Mode, ResponseEnd, ResponseStart, Route};
use keys::{KeyStore, RootKey, load_or_create_signing_key};
use ledger::{Disk, DiskFile, Ledger, RealDisk, SystemClock};
use record::{Clock, CollectorName, Origin, TraceId};

/// A recorder in a folder of its own.
pub(crate) struct Inside {
    capture: Capture,
    ledger: Arc<Ledger>,
    route: Arc<Route>,
    data: PathBuf,
}

impl Inside {
    /// Starts one; its journal is written and never synced, so that the disk does not set the
    /// pace.
    pub(crate) fn start(folder: &Path, seal_every: Duration) -> Result<Self> {
        Self::start_with(folder, seal_every, |_| {})
    }

    /// The same with other limits than the usual ones.
    pub(crate) fn start_with(
        folder: &Path,
        seal_every: Duration,
        change: impl FnOnce(&mut capture::Config),
    ) -> Result<Self> {
        let data = folder.to_owned();
        let keys_folder = data.join("keys");
        let root = RootKey::load_or_create(&keys_folder.join("root.key"))?;
        let keys = Arc::new(KeyStore::open_or_create(&keys_folder, &root)?);
        let collector = CollectorName::new("c1")?;
        let origin = "custody.local/bench/c1";
        let key = load_or_create_signing_key(&keys_folder, &root, &collector, origin)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let disk = RealDisk::create(data.join("collectors/c1"))?;
        let (ledger, _) = Ledger::open(ledger::Config {
            collector,
            disk: Arc::new(Unsynced(disk)),
            archive: Arc::new(LocalArchive::create(data.join("archive"), false)?),
            key,
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            admits: true,
            classes: Arc::default(),
            tiered: false,
            seal_every,
            heartbeat: Duration::ZERO,
            segment_bytes: 64 << 20,
            segment_age: Duration::from_mins(5),
        })?;
        let ledger = Arc::new(ledger);
        let mut config = capture::Config::default();
        change(&mut config);
        let capture = Capture::start(config, Arc::clone(&ledger), keys, clock)?;
        let route = Arc::new(Route {
            upstream: "mock".to_owned(),
            provider: "openai".to_owned(),
            family: provider::Family::OpenAi,
            mode: Mode::Observe,
            class: "standard".to_owned(),
        });
        Ok(Self { capture, ledger, route, data })
    }

    /// One call, as the proxy would tell of it.
    pub(crate) async fn call(&self, number: u64, request: &[u8], response: &[u8]) -> Result<()> {
        let mut trace = [7; 16];
        trace.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, n)| *byte ^= n);
        let head = CallHead {
            mcp: false,
            format: None,
            route: Arc::clone(&self.route),
            origin: Origin::Proxy,
            method: "POST".to_owned(),
            path: "/v1/chat/completions".to_owned(),
            query: None,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            headers: vec![("user-agent", "bench".to_owned())],
            trace_id: TraceId(trace),
            trace_given: true,
            parent_span_id: None,
            client_request_id: None,
            session: Some(format!("s{}", number % 100)),
            user: Some(format!("user-{}", number % 100)),
            identity: Identity::Header,
            roles: Vec::new(),
            environment: None,
            service: None,
            tags: BTreeMap::new(),
            credential: Some(b"Bearer sk-bench".to_vec()),
            token: None,
            attempt: 1,
            synthetic: false,
        };
        let call = self.capture.admit(head).await?;
        let tap = call.request_tap();
        tap.push(request);
        tap.finish();
        call.sent();
        let start = ResponseStart {
            tokens: provider::HeaderTokens::default(),
            status: 200,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            provider_request_id: None,
        };
        let (_, mut tap) = call.respond(start).await;
        tap.push(response);
        tap.delivered(response.len());
        drop(tap.end(ResponseEnd { upstream_complete: true, client_present: true }));
        Ok(())
    }

    /// Waits until everything so far is in the journal.
    pub(crate) fn drain(&self) {
        self.capture.drain();
    }

    /// Bytes that wait in memory.
    pub(crate) fn backlog(&self) -> u64 {
        self.capture.status().memory_used
    }

    /// Ends with everything sealed and in segments; gives the data directory.
    pub(crate) fn close(self) -> Result<PathBuf> {
        self.capture.drain();
        self.capture.stop();
        self.ledger.close(true)?;
        Ok(self.data)
    }
}

/// What is there can be read back by anybody.
pub(crate) fn open(data: &Path) -> Result<query::Store> {
    let archive: Arc<dyn Archive> =
        Arc::new(LocalArchive::open(data.join("archive")).context("the bench's own archive")?);
    Ok(query::Store::new(archive, Some(data.join("collectors")), None, "default"))
}

/// A disk that never waits.
struct Unsynced(RealDisk);

struct UnsyncedFile(Arc<dyn DiskFile>);

impl Disk for Unsynced {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(UnsyncedFile(self.0.create(name)?)))
    }

    fn reopen(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(UnsyncedFile(self.0.reopen(name, length)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(name)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.replace(name, bytes)
    }
}

impl DiskFile for UnsyncedFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
}
