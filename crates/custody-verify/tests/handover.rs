//! Logs whose key gave way to another one, and forgeries of them.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;
use std::process::Command;

use record::envelope::{Envelope, KeyChange};
use record::{Body, CollectorName, Digest, Leaf, RecordId, Timestamp};
use tlog::{Checkpoint, Hash, KeyHistory, Note, SigningKey, TilePath, Tree, leaf_hash, push_entry};

const ORIGIN: &str = "custody.local/test/c1";
const VECTORS: &str = include_str!("../../../spec/vectors/handover.txt");
/// Index of the record of the change.
const CHANGE: u64 = 100;
const SIZE: u64 = 300;

fn key(n: u8) -> SigningKey {
    SigningKey::new(ORIGIN, &[n; 32]).unwrap()
}

fn id(index: u64) -> RecordId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&index.to_be_bytes());
    RecordId::from_bytes(id)
}

fn write(folder: &Path, name: impl std::fmt::Display, bytes: &[u8]) {
    let path = folder.join(name.to_string());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The envelope that says that one key gave way to another.
fn envelope(old: &SigningKey, new: &SigningKey) -> Vec<u8> {
    let change =
        KeyChange { new: new.verifying_key().to_string(), old: old.verifying_key().to_string() };
    let collector = CollectorName::new("c1").unwrap();
    let body = Body::KeyChange(change);
    Envelope { id: id(CHANGE), collector, recorded: Timestamp(1), body }.to_bytes().unwrap()
}

/// A ledger with checkpoints kept at some sizes, each signed by the keys of `signers`.
fn make(folder: &Path, envelope: &[u8], signers: impl Fn(u64) -> Vec<u8>) {
    let mut tree = Tree::new();
    let mut bundle = Vec::new();
    let flat = |hashes: &[Hash]| hashes.iter().flat_map(|h| h.0).collect::<Vec<u8>>();
    for index in 0..SIZE {
        let digest = if index == CHANGE { Digest::of(envelope) } else { Digest([7; 32]) };
        let leaf = Leaf { id: id(index), time: Timestamp(1), envelope: digest }.to_bytes();
        assert!(push_entry(&mut bundle, &leaf));
        tree.push(leaf_hash(&leaf), |path, hashes| write(folder, path, &flat(hashes)));
        let size = index + 1;
        if size % 256 == 0 || size == SIZE {
            write(folder, TilePath::bundle_covering(index, size), &bundle);
            bundle.clear();
        }
        if [1, CHANGE, CHANGE + 1, CHANGE + 5, 200, SIZE].contains(&size) {
            let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: tree.root() };
            let keys: Vec<SigningKey> = signers(size).into_iter().map(key).collect();
            let note = checkpoint.sign_by_all(&keys.iter().collect::<Vec<_>>());
            write(folder, format!("checkpoints/{size:03}"), &note);
            write(folder, "checkpoint", &note);
        }
    }
    for (path, hashes) in tree.partials() {
        write(folder, path, &flat(hashes));
    }
    write(folder, format!("key-changes/{CHANGE:03}"), envelope);
}

/// Who signs the checkpoint of a size.
type Signers = fn(u64) -> Vec<u8>;

/// Old, both twice, new.
fn properly(size: u64) -> Vec<u8> {
    match size {
        0..=CHANGE => vec![1],
        200.. => vec![2],
        _ => vec![1, 2],
    }
}

fn verify(folder: &Path, trusted: u8) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_custody-verify"))
        .arg(folder)
        .arg("--key")
        .arg(key(trusted).verifying_key().to_string())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn who_trusts_either_key_verifies_the_whole_log() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &envelope(&key(1), &key(2)), properly);
    for trusted in [1, 2] {
        let (code, said) = verify(folder.path(), trusted);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("300 entries") && said.contains("record 100 changed the key"));
        assert!(said.contains("7 checkpoints"), "{said}");
    }
    assert_eq!(verify(folder.path(), 3).0, Some(1));
}

#[test]
fn a_hand_over_without_both_signatures_is_none() {
    let change = envelope(&key(1), &key(2));
    let cases: [(&str, Signers); 4] = [
        ("never both", |size| if size <= CHANGE { vec![1] } else { vec![2] }),
        ("both too early only", |size| match size {
            CHANGE => vec![1, 2],
            0..CHANGE => vec![1],
            _ => vec![2],
        }),
        ("the old one signs on", |size| match size {
            0..=CHANGE | 200.. => vec![1],
            _ => vec![1, 2],
        }),
        ("a third one", |size| match size {
            0..=CHANGE => vec![1],
            200.. => vec![2],
            _ => vec![1, 3],
        }),
    ];
    for (what, signers) in cases {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &change, signers);
        for trusted in [1, 2] {
            let (code, said) = verify(folder.path(), trusted);
            assert_eq!(code, Some(1), "{what}, {trusted} is trusted: {said}");
        }
    }
}

#[test]
fn the_record_of_a_hand_over_must_be_the_one_that_was_logged() {
    let folder = tempfile::tempdir().unwrap();
    let change = envelope(&key(1), &key(2));
    make(folder.path(), &change, properly);
    let file = format!("key-changes/{CHANGE:03}");
    let other = envelope(&key(1), &key(3));
    let mut later = change.clone();
    let at = later.windows(3).position(|window| window == b"001").unwrap_or(40);
    later[at] ^= 1;
    for bytes in [&other, &later, &b"{}".to_vec()] {
        write(folder.path(), &file, bytes);
        let (code, said) = verify(folder.path(), 1);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("FINDING"), "{said}");
    }
    std::fs::remove_file(folder.path().join(&file)).unwrap();
    assert_eq!(verify(folder.path(), 1).0, Some(1));
    // At another index it is another record.
    write(folder.path(), "key-changes/099", &change);
    let (code, said) = verify(folder.path(), 1);
    assert_eq!(code, Some(1), "{said}");
}

/// Whoever holds the archive and no key adds his own signature beside the old key's, and a record.
#[test]
fn a_stranger_cannot_take_the_log_over() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), &envelope(&key(1), &key(2)), |_| vec![1]);
    std::fs::remove_file(folder.path().join(format!("key-changes/{CHANGE:03}"))).unwrap();
    assert_eq!(verify(folder.path(), 1).0, Some(0));
    write(folder.path(), "key-changes/150", &envelope(&key(1), &key(9)));
    for name in ["checkpoint", "checkpoints/200", "checkpoints/300"] {
        let note = std::fs::read(folder.path().join(name)).unwrap();
        let note = Note::parse(&note).unwrap().and_sign(&key(9)).to_bytes();
        write(folder.path(), name, &note);
    }
    let (code, said) = verify(folder.path(), 1);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not the one that was logged"), "{said}");
}

#[test]
fn the_specifications_hand_over_is_read() {
    let value = |name: &str| {
        let found = VECTORS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no vector {name}"))
    };
    let bytes = |name: &str| -> Vec<u8> {
        let digits = value(name).as_bytes().chunks(2);
        digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    let envelope = Envelope::from_bytes(value("envelope").as_bytes()).unwrap();
    assert_eq!(envelope.to_bytes().unwrap(), value("envelope").as_bytes());
    assert_eq!(envelope.leaf(value("envelope").as_bytes()).to_bytes().to_vec(), bytes("leaf"));
    let Body::KeyChange(change) = envelope.body else { panic!("{envelope:?}") };
    assert_eq!((change.old.as_str(), change.new.as_str()), (value("old"), value("new")));
    let change = tlog::KeyChange {
        index: value("index").parse().unwrap(),
        old: change.old.parse().unwrap(),
        new: change.new.parse().unwrap(),
    };
    let (before, both) = (bytes("before"), bytes("both"));
    let (history, loose) =
        KeyHistory::reaching(&change.old, vec![change.clone()], &[&before, &both]);
    assert_eq!((history.last(), loose.len()), (&change.new, 0));
    assert_eq!(history.open(&before).unwrap().size, 2);
    // The program makes the same bytes.
    let keys = [7, 8].map(|n| SigningKey::new(change.old.name(), &[n; 32]).unwrap());
    let checkpoint = history.open(&both).unwrap();
    assert_eq!(checkpoint.sign_by_all(&[&keys[0], &keys[1]]), both);
}
