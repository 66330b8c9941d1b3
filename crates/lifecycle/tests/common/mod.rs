//! An installation whose clock is turned by hand, over archives that hold locks by that clock.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![allow(dead_code, clippy::allow_attributes, reason = "not every test uses every helper")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::{
    Archive, ArchiveError, LocalArchive, Lock, LockState, Name, Staged, Stored, Sum, Version,
};
use capture::{CallHead, Capture, Identity, Mode, ResponseEnd, ResponseStart, Route};
use keys::{KeyStore, RootKey, load_or_create_signing_key};
use ledger::{Ledger, RealDisk};
use lifecycle::Lifecycle;
use query::{Store, VerifyReport};
use record::{Classes, Clock, CollectorName, Origin, RecordId, Timestamp, TraceId};

pub(crate) const DAY_US: i64 = 86_400_000_000;
/// 2026-11-23T12:00:00Z.
const START: i64 = 1_795_435_200_000_000;

/// A clock that goes only when it is turned, but for a microsecond a look.
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// A directory that holds locks by the test's clock, and can be told to fail.
pub(crate) struct LockingArchive {
    inner: LocalArchive,
    clock: Arc<TestClock>,
    locks: Mutex<HashMap<Name, Timestamp>>,
    /// Changes left until one fails; 0 for never.
    fail_in: AtomicU64,
    /// Changes so far.
    pub changes: AtomicU64,
    after: std::sync::atomic::AtomicBool,
    /// Whether its server's clock is another one.
    pub contradicts: std::sync::atomic::AtomicBool,
}

impl LockingArchive {
    fn new(path: &Path, clock: &Arc<TestClock>) -> Self {
        Self {
            inner: LocalArchive::create(path, false).unwrap(),
            clock: Arc::clone(clock),
            locks: Mutex::default(),
            fail_in: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            after: std::sync::atomic::AtomicBool::new(false),
            contradicts: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// The `nth` change from now (from 1) fails; `after` it took effect, or before.
    pub(crate) fn fail(&self, nth: u64, after: bool) {
        self.fail_in.store(nth, Ordering::Relaxed);
        self.after.store(after, Ordering::Relaxed);
    }

    fn change<T>(
        &self,
        name: &Name,
        change: impl FnOnce() -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let left = self.fail_in.load(Ordering::Relaxed);
        self.fail_in.store(left.saturating_sub(1), Ordering::Relaxed);
        let error = || ArchiveError::Unavailable {
            action: "change",
            name: name.to_string(),
            source: std::io::Error::other("injected"),
        };
        if left == 1 && !self.after.load(Ordering::Relaxed) {
            return Err(error());
        }
        let done = change()?;
        if left == 1 { Err(error()) } else { Ok(done) }
    }

    fn lock(&self, name: &Name, lock: Lock) {
        if let Some(until) = lock.until {
            let mut locks = self.locks.lock().unwrap();
            let there = locks.entry(name.clone()).or_insert(until);
            *there = (*there).max(until);
        }
    }

    pub(crate) fn locked_until(&self, name: &Name) -> Option<Timestamp> {
        self.locks.lock().unwrap().get(name).copied()
    }
}

impl Archive for LockingArchive {
    fn put_all(
        &self,
        objects: &[(Name, &[u8])],
        lock: Lock,
    ) -> Result<Vec<Option<Version>>, ArchiveError> {
        for (name, bytes) in objects {
            self.change(name, || {
                self.inner.put_all(&[(name.clone(), bytes)], lock)?;
                self.lock(name, lock);
                Ok(())
            })?;
        }
        Ok(vec![Some(Version("1".to_owned())); objects.len()])
    }

    fn stage(&self) -> Result<Box<dyn Staged + '_>, ArchiveError> {
        Ok(Box::new(LockingStaged { archive: self, inner: self.inner.stage()? }))
    }

    fn sum(&self, name: &Name) -> Result<Option<Sum>, ArchiveError> {
        self.inner.sum(name)
    }

    fn replace(&self, name: &Name, bytes: &[u8], lock: Lock) -> Result<(), ArchiveError> {
        self.change(name, || self.inner.replace(name, bytes, lock))
    }

    fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.inner.get(name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Name>, ArchiveError> {
        self.inner.list(prefix)
    }

    fn remove_superseded(&self, _: &Name) -> Result<(), ArchiveError> {
        Ok(())
    }

    fn remove(&self, name: &Name) -> Result<(), ArchiveError> {
        if self.locked_until(name).is_some_and(|until| until > self.clock.now()) {
            return Err(ArchiveError::Locked(name.clone()));
        }
        self.change(name, || self.inner.remove(name))
    }

    fn locks(&self) -> bool {
        true
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn check(&self, now: Timestamp) -> Result<(), ArchiveError> {
        if self.contradicts.load(Ordering::Relaxed) {
            let reason = format!("the clock here says {now}");
            return Err(ArchiveError::Refused { what: self.location(), reason });
        }
        Ok(())
    }

    fn versions(&self, prefix: &str) -> Result<Option<Vec<Stored>>, ArchiveError> {
        let stored = |name| Stored {
            name,
            version: Version("1".to_owned()),
            latest: true,
            marker: false,
            bytes: 0,
        };
        Ok(Some(self.inner.list(prefix)?.into_iter().map(stored).collect()))
    }

    fn get_version(&self, name: &Name, _: &Version) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.inner.get(name)
    }

    fn lock_of(&self, name: &Name, _: &Version) -> Result<LockState, ArchiveError> {
        let until = self.locked_until(name);
        let mode = until.map(|_| "COMPLIANCE".to_owned());
        Ok(LockState { mode, until, legal_hold: false })
    }

    fn extend_lock(&self, name: &Name, lock: Lock) -> Result<(), ArchiveError> {
        self.lock(name, lock);
        Ok(())
    }
}

struct LockingStaged<'a> {
    archive: &'a LockingArchive,
    inner: Box<dyn Staged + 'a>,
}

impl std::io::Write for LockingStaged<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl Staged for LockingStaged<'_> {
    fn put(
        self: Box<Self>,
        name: &Name,
        lock: Lock,
    ) -> Result<(Sum, Option<Version>), ArchiveError> {
        let Self { archive, inner } = *self;
        let (sum, _) = archive.change(name, || inner.put(name, lock))?;
        archive.lock(name, lock);
        Ok((sum, Some(Version("1".to_owned()))))
    }
}

/// Everything that outlives a process.
pub(crate) struct World {
    pub folder: tempfile::TempDir,
    pub clock: Arc<TestClock>,
    pub archive: Arc<LockingArchive>,
    pub cold: Option<Arc<LockingArchive>>,
    pub classes: Arc<Classes>,
    pub approvals: usize,
}

/// A recorder that runs.
pub(crate) struct Running {
    pub lifecycle: Lifecycle,
    pub keys: Arc<KeyStore>,
    pub store: Arc<Store>,
    ledger: Arc<Ledger>,
    capture: Capture,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub(crate) fn new(cold: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let archive = Arc::new(LockingArchive::new(&folder.path().join("archive"), &clock));
        let cold = cold.then(|| Arc::new(LockingArchive::new(&folder.path().join("cold"), &clock)));
        Self { folder, clock, archive, cold, classes: Arc::default(), approvals: 0 }
    }

    pub(crate) fn days_pass(&self, days: i64) {
        self.clock.0.fetch_add(days * DAY_US, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn erasures(&self) -> std::path::PathBuf {
        self.folder.path().join("erasures")
    }

    /// Starts a recorder on what is there.
    pub(crate) fn start(&self) -> Running {
        let data = self.folder.path();
        let keys_folder = data.join("keys");
        let root = RootKey::load_or_create(&keys_folder.join("root.key")).unwrap();
        let keys = Arc::new(KeyStore::open_or_create(&keys_folder, &root).unwrap());
        let collector = CollectorName::new("c1").unwrap();
        let origin = "custody.local/test/c1";
        let key = load_or_create_signing_key(&keys_folder, &root, &collector, origin).unwrap();
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&self.clock);
        let archive: Arc<dyn Archive> = Arc::<LockingArchive>::clone(&self.archive);
        let cold = self.cold.clone().map(|cold| -> Arc<dyn Archive> { cold });
        let (ledger, recovered) = Ledger::open(ledger::Config {
            collector,
            disk: Arc::new(RealDisk::create(data.join("collectors/c1")).unwrap()),
            archive: Arc::clone(&archive),
            key,
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            admits: true,
            classes: Arc::clone(&self.classes),
            tiered: cold.is_some(),
            seal_every: Duration::from_hours(1),
            heartbeat: Duration::ZERO,
            segment_bytes: 64 << 20,
            segment_age: Duration::from_hours(1_000_000),
        })
        .unwrap();
        let ledger = Arc::new(ledger);
        let config =
            capture::Config { classes: Arc::clone(&self.classes), ..capture::Config::default() };
        let capture =
            Capture::start(config, Arc::clone(&ledger), Arc::clone(&keys), Arc::clone(&clock))
                .unwrap();
        capture::recover(&capture, recovered.open);
        let store = Store::new(
            Arc::clone(&archive),
            Some(data.join("collectors")),
            Some(Arc::clone(&keys)),
            "default",
        );
        let store = Arc::new(store.with_cold(cold.clone()));
        let lifecycle = Lifecycle {
            store: Arc::clone(&store),
            archive,
            cold,
            ledger: Arc::clone(&ledger),
            keys: Arc::clone(&keys),
            classes: Arc::clone(&self.classes),
            clock,
            tenant: "default".to_owned(),
            folder: self.erasures(),
            tiers: data.join("tiers.json"),
            approvals: self.approvals,
            turn: Mutex::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Running { lifecycle, keys, store, ledger, capture, runtime }
    }
}

impl Running {
    /// One call by a user, in a retention class.
    pub(crate) fn call(&self, user: &str, class: &str, text: &str) -> RecordId {
        let request = format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":"Be kind."}},{{"role":"user","content":{text:?}}}]}}"#
        );
        let response = br#"{"id":"r","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"An answer."}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;
        let route = Route {
            upstream: "mock".to_owned(),
            provider: "openai".to_owned(),
            family: provider::Family::OpenAi,
            mode: Mode::Observe,
            class: class.to_owned(),
        };
        let head = CallHead {
            mcp: false,
            format: None,
            route: Arc::new(route),
            origin: Origin::Proxy,
            method: "POST".to_owned(),
            path: "/v1/chat/completions".to_owned(),
            query: None,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            headers: Vec::new(),
            trace_id: TraceId([7; 16]),
            trace_given: true,
            parent_span_id: None,
            client_request_id: None,
            session: None,
            user: Some(user.to_owned()),
            identity: Identity::Header,
            roles: Vec::new(),
            environment: None,
            service: None,
            tags: BTreeMap::new(),
            credential: None,
            token: None,
            attempt: 1,
            synthetic: false,
        };
        let call = self.runtime.block_on(self.capture.admit(head)).unwrap();
        let tap = call.request_tap();
        tap.push(request.as_bytes());
        tap.finish();
        call.sent();
        let start = ResponseStart {
            tokens: provider::HeaderTokens::default(),
            status: 200,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            provider_request_id: None,
        };
        let (_, mut tap) = self.runtime.block_on(call.respond(start));
        tap.push(response);
        tap.delivered(response.len());
        drop(tap.end(ResponseEnd { upstream_complete: true, client_present: true }));
        call.id()
    }

    /// Everything so far is sealed and in segments.
    pub(crate) fn settle(&self) {
        self.capture.drain();
        self.ledger.flush_segments().unwrap();
    }

    /// Ends cleanly.
    pub(crate) fn stop(self) {
        self.capture.drain();
        self.capture.stop();
        self.ledger.close(true).unwrap();
    }

    pub(crate) fn verify(&self) -> VerifyReport {
        query::verify(&self.store, &BTreeMap::new(), None, &mut |_, _, _| {}).unwrap()
    }

    /// Fails with what was found.
    pub(crate) fn check(&self) -> VerifyReport {
        let report = self.verify();
        assert!(report.ok, "{report:#?}");
        report
    }

    /// What a reader gets of a record's first user message: the text, or why not.
    pub(crate) fn text_of(&self, id: RecordId) -> String {
        let reader = query::Reader::new(&self.store, query::Access::Unrecorded);
        let record = reader.show(id).unwrap();
        let parts = record["request"]["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["role"] == "user").unwrap();
        let text = part["text"].as_str().or(part["withheld"].as_str());
        text.unwrap_or_default().to_owned()
    }
}
