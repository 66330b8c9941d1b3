//! What the tests share: a log that grows in an archive, a clock that is turned, a witness that
//! answers.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "helpers of tests")]
#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

mod authority;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anchor::{Layout, Witness, serve};
use archive::{Archive, LocalArchive, Lock};
use record::{Clock, CollectorName, Timestamp};
use tlog::{Checkpoint, Hash, SigningKey, TilePath, Tree, VerifyingKey, leaf_hash};
use tokio::sync::oneshot;

pub(crate) use authority::{ANSWERS, Authority, FAILS, REPLAYS};

pub(crate) const ORIGIN: &str = "custody.local/test/c1";

/// A clock that stands until it is turned.
pub(crate) struct Turned(AtomicI64);

impl Turned {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_435_200_000_000)))
    }

    pub(crate) fn turn(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn layout() -> Layout {
    Layout::new(CollectorName::new("c1").unwrap())
}

/// A log as the ledger leaves it in an archive.
pub(crate) struct TestLog {
    pub(crate) archive: Arc<LocalArchive>,
    pub(crate) key: SigningKey,
    tree: Tree,
    /// What tells this log's entries from those of a fork.
    salt: u8,
}

impl TestLog {
    pub(crate) fn new(folder: &Path) -> Self {
        Self::with_salt(folder, 0)
    }

    /// A log of the same origin and key, with other entries.
    pub(crate) fn with_salt(folder: &Path, salt: u8) -> Self {
        Self {
            archive: Arc::new(LocalArchive::create(folder, false).unwrap()),
            key: SigningKey::new(ORIGIN, &[7; 32]).unwrap(),
            tree: Tree::new(),
            salt,
        }
    }

    pub(crate) fn vkey(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    pub(crate) fn put(&self, path: TilePath, hashes: &[Hash]) {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        self.archive.put_all(&[(layout().tile(path).unwrap(), &bytes)], Lock::NONE).unwrap();
    }

    /// Grows to `size` and publishes a checkpoint; gives it signed.
    pub(crate) fn grow(&mut self, size: u64) -> Vec<u8> {
        while self.tree.size() < size {
            let leaf = leaf_hash(&[&self.tree.size().to_be_bytes()[..], &[self.salt]].concat());
            let mut full = Vec::new();
            self.tree.push(leaf, |path, hashes| full.push((path, hashes.to_vec())));
            for (path, hashes) in full {
                self.put(path, &hashes);
            }
        }
        for (path, hashes) in self.tree.partials() {
            self.put(path, hashes);
        }
        let note = self.checkpoint().sign(&self.key);
        self.archive.replace(&layout().checkpoint().unwrap(), &note, Lock::NONE).unwrap();
        let kept = layout().checkpoint_of(size).unwrap();
        self.archive.put_all(&[(kept, note.as_slice())], Lock::NONE).unwrap();
        note
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: ORIGIN.into(), size: self.tree.size(), root: self.tree.root() }
    }
}

/// A witness that answers over HTTP, until it is dropped.
pub(crate) struct Served {
    pub(crate) witness: Arc<Witness>,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start(folder: &Path, logs: Vec<VerifyingKey>, clock: Arc<dyn Clock>) -> Self {
        Self::start_at(folder, logs, clock, ([127, 0, 0, 1], 0).into())
    }

    pub(crate) fn start_at(
        folder: &Path,
        logs: Vec<VerifyingKey>,
        clock: Arc<dyn Clock>,
        listen: SocketAddr,
    ) -> Self {
        let witness =
            Arc::new(Witness::open(folder, Some("witness.example/w1"), logs, clock).unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = std::sync::mpsc::channel();
        let answering = Arc::clone(&witness);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let serving = serve(answering, listen, |at| ready.send(at).unwrap(), async {
                drop(stopped.await);
            });
            runtime.unwrap().block_on(serving).unwrap();
        });
        let address = address.recv().unwrap();
        Self { witness, address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Polls until `probe` gives something.
pub(crate) fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
