//! Cosignatures, requests, states and names are those of `spec/anchors.md`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

mod support;

use anchor::{Layout, Nonce, Witness, timestamp_request};
use record::CollectorName;
use sha2::{Digest as _, Sha256};
use support::Turned;
use tlog::{Checkpoint, CosignatureKey, CosigningKey, Note, Policy, VerifyingKey};

const ANCHORS: &str = include_str!("../../../spec/vectors/anchors.txt");
const LEAF: &str = include_str!("../../../spec/vectors/leaf.txt");

fn text<'a>(file: &'a str, name: &str) -> &'a str {
    let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn bytes(file: &str, name: &str) -> Vec<u8> {
    hex::decode(text(file, name)).unwrap()
}

fn log() -> VerifyingKey {
    text(LEAF, "verifier_key").parse().unwrap()
}

fn witness_key() -> CosignatureKey {
    text(ANCHORS, "witness_key").parse().unwrap()
}

#[test]
fn a_cosignature() {
    let secret = bytes(ANCHORS, "cosigning_key").try_into().unwrap();
    let key = CosigningKey::new("witness.example/w1", &secret).unwrap();
    assert_eq!(key.cosignature_key(), witness_key());
    let time = text(ANCHORS, "time").parse().unwrap();
    let mut note = Note::parse(&bytes(LEAF, "checkpoint")).unwrap();
    note.cosign(&key, time);
    assert_eq!(note.cosignature_lines(&witness_key()).into_bytes(), bytes(ANCHORS, "line"));
    assert_eq!(note.to_bytes(), bytes(ANCHORS, "note"));
    assert_eq!(note.cosigned(&witness_key()), Ok(time));
}

#[test]
fn a_policy() {
    let policy = Policy::parse(&bytes(ANCHORS, "policy")).unwrap();
    let verdict = policy.judge(&Note::parse(&bytes(ANCHORS, "note")).unwrap());
    assert_eq!((verdict.log, verdict.quorum), (Some(log()), true));
    assert_eq!(verdict.time, Some(text(ANCHORS, "time").parse().unwrap()));
    let verdict = policy.judge(&Note::parse(&bytes(LEAF, "checkpoint")).unwrap());
    assert!(!verdict.quorum);
}

#[test]
fn a_timestamp_request() {
    let digest = Sha256::digest(bytes(LEAF, "checkpoint")).into();
    let nonce = Nonce::new(bytes(ANCHORS, "nonce").try_into().unwrap());
    assert_eq!(timestamp_request(&digest, nonce), bytes(ANCHORS, "timestamp_request"));
}

#[test]
fn a_witness_goes_on_from_a_state() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    for ending in ["state", "next"] {
        let file = logs.join(format!("{}.{ending}", text(ANCHORS, "state_name")));
        std::fs::write(file, bytes(ANCHORS, "state")).unwrap();
    }
    let checkpoint = Checkpoint::open(&bytes(LEAF, "checkpoint"), &log()).unwrap();
    let witness = Witness::open(dir.path(), None, vec![log()], Turned::new()).unwrap();
    assert_eq!(witness.logs(), [(checkpoint.origin, checkpoint.size)]);
    let again = [b"old 2\n\n".as_slice(), &bytes(LEAF, "checkpoint")].concat();
    assert_eq!(witness.add_checkpoint(&again).status, 200);
}

#[test]
fn names() {
    let layout = Layout::new(CollectorName::new("c1").unwrap());
    let cosigned = layout.cosigned(70_000, &witness_key()).unwrap();
    assert_eq!(cosigned.as_str(), text(ANCHORS, "cosigned_of_70000"));
    assert_eq!(layout.timestamp(7).unwrap().as_str(), text(ANCHORS, "timestamp_of_7"));
}
