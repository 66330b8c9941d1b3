//! A ledger over a disk and an archive that can be told to fail, and the check that every test
//! ends with.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test helpers")]
#![expect(dead_code, reason = "not every test uses every helper")]

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use archive::{Archive, ArchiveError, Lock, Name, Staged, Sum, Version};
use keys::{KeyStore, RootKey, Subject};
use ledger::{Append, Config, Disk, DiskFile, Ledger, Recovered, Sealed, SealedPart, Tickets};
use record::envelope::{Alert, Envelope};
use record::{
    AdmissionNumber, Body, Clock, CollectorName, Digest, Leaf, PartKind, Pid, RecordId, Timestamp,
};
use tlog::{Checkpoint, LogSource, SigningKey, SourceError, TilePath};

/// What a step does when it is told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens, and an error comes back.
    Fails,
    /// It happens, and an error comes back all the same.
    FailsAfter,
    /// Half of it happens, and an error comes back.
    Torn,
}

/// Which call fails next, and how.
#[derive(Default)]
pub(crate) struct Faults {
    armed: Mutex<Option<(String, u32, Fault)>>,
    pub log: Mutex<Vec<String>>,
}

impl Faults {
    /// The `nth` call (from 0) of this kind fails from now on, once.
    pub(crate) fn arm(&self, kind: &str, nth: u32, fault: Fault) {
        *self.armed.lock().unwrap() = Some((kind.to_owned(), nth, fault));
    }

    pub(crate) fn disarm(&self) -> bool {
        self.armed.lock().unwrap().take().is_none()
    }

    fn next(&self, kind: &str) -> Option<Fault> {
        self.log.lock().unwrap().push(kind.to_owned());
        let mut armed = self.armed.lock().unwrap();
        let (wanted, left, fault) = armed.as_mut()?;
        if !kind.starts_with(wanted.as_str()) {
            return None;
        }
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let fault = *fault;
        *armed = None;
        Some(fault)
    }
}

fn injected() -> io::Error {
    io::Error::other("injected")
}

/// Files in memory: what is written, and how much of it is synced.
#[derive(Default)]
pub(crate) struct MemoryDisk {
    files: Mutex<HashMap<String, Arc<MemoryFile>>>,
    pub faults: Arc<Faults>,
}

#[derive(Default)]
pub(crate) struct MemoryFile {
    bytes: Mutex<Vec<u8>>,
    synced: Mutex<usize>,
    faults: Arc<Faults>,
}

impl MemoryDisk {
    /// The disk as a loss of power leaves it: only what was synced.
    pub(crate) fn after_power_loss(&self) -> Self {
        let files = self.files.lock().unwrap();
        let copy = |file: &Arc<MemoryFile>| {
            let synced = *file.synced.lock().unwrap();
            let bytes = file.bytes.lock().unwrap()[..synced].to_vec();
            Arc::new(MemoryFile {
                synced: Mutex::new(bytes.len()),
                bytes: Mutex::new(bytes),
                faults: Arc::clone(&self.faults),
            })
        };
        Self {
            files: Mutex::new(files.iter().map(|(n, f)| (n.clone(), copy(f))).collect()),
            faults: Arc::clone(&self.faults),
        }
    }

    /// The disk as `kill -9` leaves it: all that was written.
    pub(crate) fn after_kill(&self) -> Self {
        for file in self.files.lock().unwrap().values() {
            *file.synced.lock().unwrap() = file.bytes.lock().unwrap().len();
        }
        self.after_power_loss()
    }

    pub(crate) fn journal_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.files.lock().unwrap().keys().cloned().collect();
        names.retain(|name| name.ends_with(".journal"));
        names.sort();
        names
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let files = self.files.lock().unwrap();
        change(&mut files[name].bytes.lock().unwrap());
    }
}

impl Disk for MemoryDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let fault = self.faults.next("disk.create");
        if fault == Some(Fault::Fails) {
            return Err(injected());
        }
        let file =
            Arc::new(MemoryFile { faults: Arc::clone(&self.faults), ..MemoryFile::default() });
        let before = self.files.lock().unwrap().insert(name.to_owned(), Arc::clone(&file));
        assert!(before.is_none(), "{name} was there already");
        if fault.is_some() { Err(injected()) } else { Ok(file) }
    }

    fn reopen(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>> {
        if self.faults.next("disk.reopen").is_some() {
            return Err(injected());
        }
        let file = Arc::clone(&self.files.lock().unwrap()[name]);
        file.bytes.lock().unwrap().truncate(usize::try_from(length).unwrap());
        Ok(file)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        if self.faults.next("disk.open").is_some() {
            return Err(injected());
        }
        let files = self.files.lock().unwrap();
        let file: Arc<MemoryFile> = Arc::clone(files.get(name).ok_or(io::ErrorKind::NotFound)?);
        Ok(file)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let fault = self.faults.next("disk.read");
        if matches!(fault, Some(Fault::Fails | Fault::FailsAfter)) {
            return Err(injected());
        }
        let files = self.files.lock().unwrap();
        let file = files.get(name).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = file.bytes.lock().unwrap().clone();
        if fault.is_some() {
            bytes.truncate(bytes.len() / 2);
        }
        Ok(bytes)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        if self.faults.next("disk.list").is_some() {
            return Err(injected());
        }
        Ok(self.files.lock().unwrap().keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let fault = self.faults.next("disk.remove");
        if fault != Some(Fault::Fails) {
            self.files.lock().unwrap().remove(name);
        }
        if fault.is_some() { Err(injected()) } else { Ok(()) }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fault = self.faults.next("disk.replace");
        if matches!(fault, None | Some(Fault::FailsAfter)) {
            let file = MemoryFile {
                bytes: Mutex::new(bytes.to_vec()),
                synced: Mutex::new(bytes.len()),
                faults: Arc::clone(&self.faults),
            };
            self.files.lock().unwrap().insert(name.to_owned(), Arc::new(file));
        }
        if fault.is_some() { Err(injected()) } else { Ok(()) }
    }
}

impl DiskFile for MemoryFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        match self.faults.next("file.append") {
            None => {
                self.bytes.lock().unwrap().extend_from_slice(bytes);
                Ok(())
            }
            Some(Fault::Fails) => Err(injected()),
            Some(Fault::FailsAfter) => {
                self.bytes.lock().unwrap().extend_from_slice(bytes);
                Err(injected())
            }
            Some(Fault::Torn) => {
                self.bytes.lock().unwrap().extend_from_slice(&bytes[..bytes.len() / 2]);
                Err(injected())
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        let fault = self.faults.next("file.sync");
        let length = self.bytes.lock().unwrap().len();
        match fault {
            None | Some(Fault::FailsAfter) => *self.synced.lock().unwrap() = length,
            Some(Fault::Fails) => {}
            Some(Fault::Torn) => {
                let mut synced = self.synced.lock().unwrap();
                *synced = usize::midpoint(*synced, length);
            }
        }
        if fault.is_some() { Err(injected()) } else { Ok(()) }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let fault = self.faults.next("file.truncate");
        if fault != Some(Fault::Fails) {
            self.bytes.lock().unwrap().truncate(usize::try_from(length).unwrap());
        }
        if fault.is_some() { Err(injected()) } else { Ok(()) }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let fault = self.faults.next("file.read");
        if matches!(fault, Some(Fault::Fails | Fault::FailsAfter)) {
            return Err(injected());
        }
        let bytes = self.bytes.lock().unwrap();
        let rest = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        // A short read.
        let n = if fault.is_some() { n / 2 } else { n };
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// An archive in memory.
#[derive(Default)]
pub(crate) struct MemoryArchive {
    pub objects: Mutex<BTreeMap<Name, Vec<u8>>>,
    pub faults: Arc<Faults>,
    /// Whether it is elsewhere.
    pub remote: AtomicBool,
    /// Whether it does not answer just now.
    pub away: AtomicBool,
}

fn unavailable(action: &'static str, name: &Name) -> ArchiveError {
    ArchiveError::Unavailable { action, name: name.to_string(), source: injected() }
}

impl MemoryArchive {
    fn answers(&self, action: &'static str, name: &Name) -> Result<(), ArchiveError> {
        if self.away.load(Ordering::Relaxed) { Err(unavailable(action, name)) } else { Ok(()) }
    }
}

impl Archive for MemoryArchive {
    fn put_all(
        &self,
        objects: &[(Name, &[u8])],
        _: Lock,
    ) -> Result<Vec<Option<Version>>, ArchiveError> {
        let mut conflict = None;
        for (name, bytes) in objects {
            self.answers("put", name)?;
            let kind = name.as_str().split('/').nth(1).unwrap_or("");
            let fault = self.faults.next(&format!("archive.put.{kind}"));
            if !matches!(fault, Some(Fault::Fails)) {
                let mut there = self.objects.lock().unwrap();
                match there.get(name) {
                    Some(other) if other != bytes => conflict = Some(name.clone()),
                    _ => {
                        // Putting is whole or not at all, so a torn put is a put that fails.
                        if fault != Some(Fault::Torn) {
                            there.insert(name.clone(), bytes.to_vec());
                        }
                    }
                }
            }
            if fault.is_some() {
                return Err(unavailable("put", name));
            }
        }
        let versions = vec![None; objects.len()];
        conflict.map_or(Ok(versions), |name| Err(ArchiveError::Conflict(name)))
    }

    fn stage(&self) -> Result<Box<dyn Staged + '_>, ArchiveError> {
        if self.faults.next("archive.stage").is_some() {
            return Err(unavailable("stage", &Name::new("c1/staged").unwrap()));
        }
        Ok(Box::new(MemoryStaged { archive: self, bytes: Vec::new() }))
    }

    fn sum(&self, name: &Name) -> Result<Option<Sum>, ArchiveError> {
        let fault = self.faults.next("archive.sum");
        if matches!(fault, Some(Fault::Fails | Fault::FailsAfter)) {
            return Err(unavailable("sum", name));
        }
        let objects = self.objects.lock().unwrap();
        let Some(bytes) = objects.get(name) else { return Ok(None) };
        let bytes = if fault.is_some() { &bytes[..bytes.len() / 2] } else { bytes };
        Ok(Some(Sum::read(bytes).unwrap()))
    }

    fn replace(&self, name: &Name, bytes: &[u8], _: Lock) -> Result<(), ArchiveError> {
        self.answers("replace", name)?;
        let fault = self.faults.next("archive.replace");
        if matches!(fault, None | Some(Fault::FailsAfter)) {
            self.objects.lock().unwrap().insert(name.clone(), bytes.to_vec());
        }
        if fault.is_some() { Err(unavailable("replace", name)) } else { Ok(()) }
    }

    fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.answers("get", name)?;
        let fault = self.faults.next("archive.get");
        if matches!(fault, Some(Fault::Fails | Fault::FailsAfter)) {
            return Err(unavailable("get", name));
        }
        let mut bytes = self.objects.lock().unwrap().get(name).cloned();
        if let (Some(Fault::Torn), Some(bytes)) = (fault, &mut bytes) {
            bytes.truncate(bytes.len() / 2);
        }
        Ok(bytes)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Name>, ArchiveError> {
        let objects = self.objects.lock().unwrap();
        Ok(objects.keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect())
    }

    fn remove(&self, name: &Name) -> Result<(), ArchiveError> {
        self.objects.lock().unwrap().remove(name);
        Ok(())
    }

    fn is_remote(&self) -> bool {
        self.remote.load(Ordering::Relaxed)
    }

    fn remove_superseded(&self, name: &Name) -> Result<(), ArchiveError> {
        self.faults.next("archive.remove");
        self.objects.lock().unwrap().remove(name);
        Ok(())
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

struct MemoryStaged<'a> {
    archive: &'a MemoryArchive,
    bytes: Vec<u8>,
}

impl io::Write for MemoryStaged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.archive.faults.next("archive.write").is_some() {
            return Err(injected());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for MemoryStaged<'_> {
    fn put(
        self: Box<Self>,
        name: &Name,
        lock: Lock,
    ) -> Result<(Sum, Option<Version>), ArchiveError> {
        self.archive.put_all(&[(name.clone(), self.bytes.as_slice())], lock)?;
        Ok((Sum::read(self.bytes.as_slice()).unwrap(), None))
    }
}

pub(crate) struct TestClock(pub AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1000, Ordering::Relaxed))
    }
}

/// Everything that outlives a process, and what its clients were told.
pub(crate) struct World {
    pub disk: Arc<MemoryDisk>,
    pub archive: Arc<MemoryArchive>,
    pub faults: Arc<Faults>,
    pub clock: Arc<TestClock>,
    folder: tempfile::TempDir,
    keys: Arc<KeyStore>,
}

pub(crate) const ORIGIN: &str = "custody.local/test/c1";

impl World {
    pub(crate) fn new() -> Self {
        let faults = Arc::new(Faults::default());
        let folder = tempfile::tempdir().unwrap();
        let root = RootKey::load_or_create(&folder.path().join("root.key")).unwrap();
        let keys = Arc::new(KeyStore::open_or_create(folder.path(), &root).unwrap());
        Self {
            disk: Arc::new(MemoryDisk { faults: Arc::clone(&faults), ..MemoryDisk::default() }),
            archive: Arc::new(MemoryArchive {
                faults: Arc::clone(&faults),
                ..MemoryArchive::default()
            }),
            clock: Arc::new(TestClock(AtomicI64::new(1_795_435_200_000_000))),
            faults,
            folder,
            keys,
        }
    }

    pub(crate) fn open(&self) -> (Ledger, Recovered) {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<(Ledger, Recovered), ledger::LedgerError> {
        Ledger::open(self.config(42))
    }

    /// With a key whose secret is this byte, 32 times.
    pub(crate) fn config(&self, key: u8) -> Config {
        let disk: Arc<dyn Disk> = Arc::<MemoryDisk>::clone(&self.disk);
        let archive: Arc<dyn Archive> = Arc::<MemoryArchive>::clone(&self.archive);
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&self.clock);
        Config {
            collector: CollectorName::new("c1").unwrap(),
            disk,
            archive,
            key: SigningKey::new(ORIGIN, &[key; 32]).unwrap(),
            keys: Arc::clone(&self.keys),
            clock,
            admits: true,
            // Tests seal by themselves.
            classes: Arc::default(),
            tiered: false,
            seal_every: Duration::from_hours(1),
            heartbeat: Duration::ZERO,
            segment_bytes: u64::MAX,
            segment_age: Duration::from_secs(1 << 40),
        }
    }

    /// The world after `kill -9` (`power` false) or a loss of power.
    pub(crate) fn crash(&mut self, power: bool) {
        let disk = if power { self.disk.after_power_loss() } else { self.disk.after_kill() };
        self.disk = Arc::new(disk);
    }

    pub(crate) fn part(&self, text: &str) -> Arc<SealedPart> {
        let scope =
            self.keys.scope(Subject::User("alice"), "2026-11", "default", "standard").unwrap();
        Arc::new(SealedPart::seal(&scope, PartKind::Text, text.as_bytes()))
    }

    /// A record that ends call `number`.
    pub(crate) fn record(&self, number: Option<AdmissionNumber>, text: &str) -> (RecordId, Append) {
        let now = self.clock.now();
        let id = RecordId::new(now.unix_ms(), keys::random().unwrap());
        let envelope = Envelope {
            id,
            collector: CollectorName::new("c1").unwrap(),
            recorded: now,
            body: Body::Alert(Alert { message: text.to_owned(), rule: "test".to_owned() }),
        };
        let sealed = Sealed::new(&envelope, vec![self.part(text)]).unwrap();
        (id, Append::Record { number, sealed, tickets: Tickets::default() })
    }

    /// Appends a record and waits until it is synced, trying again while the log cannot be
    /// written, as capture does.
    pub(crate) fn append_durably(
        &self,
        ledger: &Ledger,
        number: Option<AdmissionNumber>,
        text: &str,
    ) -> RecordId {
        let (id, mut append) = self.record(number, text);
        let (ticket, synced) = tokio::sync::oneshot::channel();
        if let Append::Record { tickets, .. } = &mut append {
            tickets.synced = Some(ticket);
        }
        let mut entries = vec![append];
        for _ in 0..200 {
            match ledger.append(entries) {
                Ok(()) => {
                    synced.blocking_recv().unwrap();
                    return id;
                }
                Err(error) => {
                    entries = error.entries;
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
        panic!("the log stayed unwritable");
    }

    pub(crate) fn number(ledger: &Ledger) -> AdmissionNumber {
        for _ in 0..400 {
            if let Some(number) = ledger.take_number() {
                return number;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("no number was reserved");
    }

    /// The universal check: the whole log as strangers see it, every record that was promised, and
    /// every number accounted for.
    pub(crate) fn check(&self, promised: &[RecordId], numbers: &[AdmissionNumber]) -> Checked {
        let key = SigningKey::new(ORIGIN, &[42; 32]).unwrap().verifying_key();
        let objects = self.archive.objects.lock().unwrap();
        let name = Name::new("c1/ledger/checkpoint").unwrap();
        let note = objects.get(&name).unwrap_or_else(|| panic!("no checkpoint is published"));
        let checkpoint = Checkpoint::open(note, &key).unwrap();
        for (kept, note) in objects.iter().filter(|(n, _)| n.as_str().contains("/checkpoints/")) {
            let kept_checkpoint = Checkpoint::open(note, &key).unwrap();
            assert!(kept_checkpoint.size <= checkpoint.size, "{kept}");
        }
        let mut leaves = Vec::new();
        let report = tlog::audit(
            &checkpoint,
            &Source(&objects),
            |_, entry| leaves.push(Leaf::from_bytes(entry).unwrap()),
            |_| {},
        )
        .unwrap();
        assert_eq!(report.findings, vec![], "the audit of the published log");

        // Envelopes, from segments and from the journal.
        let mut envelopes: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut parts: HashMap<Pid, Digest> = HashMap::new();
        for (name, bytes) in objects.iter() {
            let bytes = bytes::Bytes::from(bytes.clone());
            if name.as_str().starts_with("c1/records/") {
                segment::each_record(bytes, |leaf, envelope| {
                    let before = envelopes.insert(leaf, envelope.to_vec());
                    assert!(before.is_none_or(|b| b == envelope), "record {leaf} twice");
                })
                .unwrap();
            } else if name.as_str().starts_with("c1/parts/") {
                segment::each_part(bytes, |pid, sealed| {
                    parts.insert(pid, Digest::of(sealed));
                })
                .unwrap();
            }
        }
        for name in self.disk.journal_names() {
            let bytes = self.disk.read(&name).unwrap();
            for scanned in record::FrameReader::new(&bytes).flatten() {
                if let record::Scanned::Frame { frame, .. } = scanned {
                    match frame {
                        record::Frame::Record { leaf, envelope, .. } => {
                            let before = envelopes.insert(leaf, envelope.to_vec());
                            assert!(before.is_none_or(|b| b == envelope), "record {leaf} twice");
                        }
                        record::Frame::Part { pid, sealed } => {
                            parts.insert(pid, Digest::of(sealed));
                        }
                        _ => {}
                    }
                }
            }
        }
        let mut ids = Vec::new();
        let mut gaps = Vec::new();
        for (index, leaf) in (0..).zip(&leaves) {
            let bytes =
                envelopes.get(&index).unwrap_or_else(|| panic!("record {index} is missing"));
            assert_eq!(Digest::of(bytes), leaf.envelope, "envelope {index}");
            let envelope = Envelope::from_bytes(bytes).unwrap();
            assert_eq!((envelope.id, envelope.recorded), (leaf.id, leaf.time));
            if let Body::Gap(gap) = &envelope.body {
                gaps.push(gap.clone());
            }
            ids.push(envelope.id);
        }
        for id in promised {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "promised record {id}");
        }
        for number in numbers {
            let gapped = gaps.iter().filter(|gap| gap.numbers.contains(number.0)).count();
            assert!(gapped <= 1, "number {number} is in {gapped} gaps");
        }
        Checked { size: checkpoint.size, envelopes, gaps, parts }
    }
}

struct Source<'a>(&'a BTreeMap<Name, Vec<u8>>);
impl LogSource for Source<'_> {
    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get(&Name::new(format!("c1/ledger/{path}")).unwrap()).cloned())
    }
}

/// What the check read.
pub(crate) struct Checked {
    pub size: u64,
    pub envelopes: BTreeMap<u64, Vec<u8>>,
    pub gaps: Vec<record::envelope::Gap>,
    pub parts: HashMap<Pid, Digest>,
}
