//! Names, the journal's header and the archive's description are those of `spec/`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive as _, LocalArchive, Name};
use keys::{KeyStore, RootKey};
use ledger::{Config, Layout, Ledger, RealDisk, Tickets};
use record::envelope::{Alert, Envelope};
use record::{Body, Clock, CollectorName, Digest, Frame, FrameReader, Leaf, Scanned, Timestamp};
use tlog::{SigningKey, TilePath, VerifyingKey};

const ARCHIVE: &str = include_str!("../../../spec/vectors/archive.txt");
const JOURNAL: &str = include_str!("../../../spec/vectors/journal.txt");
const LEAF: &str = include_str!("../../../spec/vectors/leaf.txt");

fn text<'a>(file: &'a str, name: &str) -> &'a str {
    let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn bytes(file: &str, name: &str) -> Vec<u8> {
    let digits = text(file, name).as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

#[test]
fn names() {
    let layout = Layout::new(CollectorName::new("c1").unwrap());
    let tile = |text: &str| layout.tile(text.parse::<TilePath>().unwrap());
    let (class, day) = ("standard", Timestamp(1_795_435_200_123_456).day());
    for (vector, name) in [
        ("owner", layout.owner()),
        ("checkpoint", layout.checkpoint()),
        ("checkpoint_of_7", layout.checkpoint_of(7)),
        ("checkpoint_of_70000", layout.checkpoint_of(70_000)),
        ("full_tile", tile("tile/0/x001/x234/067")),
        ("partial_tile", tile("tile/1/000.p/17")),
        ("bundle", tile("tile/entries/273.p/112")),
        ("records", layout.records(class, &day, 0, 7)),
        ("parts", layout.parts(class, &day, 0, 7)),
    ] {
        assert_eq!(name.unwrap().as_str(), text(ARCHIVE, vector));
    }
}

#[test]
fn checkpoint_bundle_and_tile() {
    let key: VerifyingKey = text(LEAF, "verifier_key").parse().unwrap();
    let checkpoint = tlog::Checkpoint::open(&bytes(LEAF, "checkpoint"), &key).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root.to_string().as_str()), (2, text(LEAF, "root")));
    let signing = SigningKey::new(key.name(), &[7; 32]).unwrap();
    assert_eq!(checkpoint.sign(&signing), bytes(LEAF, "checkpoint"));
    let bundle = bytes(LEAF, "bundle");
    let hashes: Vec<u8> = tlog::read_bundle(&bundle)
        .unwrap()
        .into_iter()
        .flat_map(|entry| tlog::leaf_hash(entry).0)
        .collect();
    assert_eq!(hashes, bytes(LEAF, "tile"));
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_435_200_123_456)
    }
}

#[test]
fn a_journal_and_an_archive() {
    let dir = tempfile::tempdir().unwrap();
    let root = RootKey::load_or_create(&dir.path().join("root.key")).unwrap();
    let archive = Arc::new(LocalArchive::create(dir.path().join("archive"), false).unwrap());
    let shared: Arc<dyn archive::Archive> = Arc::<LocalArchive>::clone(&archive);
    let origin = text(ARCHIVE, "origin");
    let config = Config {
        collector: CollectorName::new("c1").unwrap(),
        disk: Arc::new(RealDisk::create(dir.path().join("c1")).unwrap()),
        archive: shared,
        key: SigningKey::new(origin, &[7; 32]).unwrap(),
        keys: Arc::new(KeyStore::open_or_create(dir.path(), &root).unwrap()),
        clock: Arc::new(Still),
        admits: true,
        classes: Arc::default(),
        tiered: false,
        seal_every: Duration::from_hours(1),
        heartbeat: Duration::ZERO,
        segment_bytes: u64::MAX,
        segment_age: Duration::from_hours(1),
    };
    let (ledger, _) = Ledger::open(config).unwrap();
    let alert = Alert { message: "m".into(), rule: "r".into() };
    while ledger.take_number().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    ledger.append_event(Body::Alert(alert), Tickets::default()).unwrap();
    ledger.close(false).unwrap();

    let file = std::fs::read(dir.path().join("c1/0000000000000001.journal")).unwrap();
    let frames: Vec<_> = FrameReader::new(&file)
        .map(|scanned| match scanned.unwrap() {
            Scanned::Frame { frame, .. } => frame,
            other => panic!("{other:?}"),
        })
        .collect();
    let Some(Frame::Start(header)) = frames.first() else { panic!("no header: {frames:?}") };
    let members = |json: &[u8]| -> BTreeSet<String> {
        let value: serde_json::Value = serde_json::from_slice(json).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    let vector = bytes(JOURNAL, "start");
    assert_eq!(members(header), members(&vector[13..]));
    assert_eq!(std::str::from_utf8(header), std::str::from_utf8(&vector[13..]));
    assert_eq!(frames.get(1), Some(&Frame::Reserve { start: 1, end: 65 }));
    assert_eq!(frames.last(), Some(&Frame::Release { start: 2, end: 65 }));
    let Some(Frame::Record { leaf: 0, number, envelope, .. }) = frames.get(2) else {
        panic!("no record: {frames:?}")
    };
    assert_eq!(number.0, 0);

    // The log holds the record's leaf, and the archive says whose log it is.
    let get = |name: &str| archive.get(&Name::new(name).unwrap()).unwrap().unwrap();
    let bundle = get("c1/ledger/tile/entries/000.p/1");
    let entries = tlog::read_bundle(&bundle).unwrap();
    let leaf = Leaf::from_bytes(entries.first().unwrap()).unwrap();
    assert_eq!(leaf.envelope, Digest::of(envelope));
    assert_eq!(leaf, Envelope::from_bytes(envelope).unwrap().leaf(envelope));
    let signed = get("c1/ledger/checkpoint");
    assert_eq!(signed, get("c1/ledger/checkpoints/001"));
    assert_eq!(signed, std::fs::read(dir.path().join("c1/checkpoint")).unwrap());
    let description: serde_json::Value = serde_json::from_slice(&get("custody.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(text(ARCHIVE, "description")).unwrap();
    assert_eq!(description, expected);
    assert_eq!(get("c1/collector.json"), text(ARCHIVE, "owner_object").as_bytes());
}
