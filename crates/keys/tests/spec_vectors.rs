//! A key store whose files the specification's text made is read by this crate.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::disallowed_methods, reason = "these files come from the specification")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use keys::{KeyStore, RootKey, Subject, load_signing_key};
use record::{CollectorName, Kid};

const KEYS: &str = include_str!("../../../spec/vectors/keys.txt");
const WRAPPED: &str = include_str!("../../../spec/vectors/wrapped.txt");

fn text(name: &str) -> &'static str {
    let found = KEYS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn bytes(name: &str) -> Vec<u8> {
    hex::decode(text(name)).unwrap()
}

fn write(dir: &Path) -> RootKey {
    let root = dir.join("root.key");
    std::fs::write(&root, format!("{}\n", text("root_key"))).unwrap();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(dir.join("store-0001.key"), bytes("store_key_file")).unwrap();
    let rows = ["subject_row", "period_row", "purpose_row"].map(bytes).concat();
    std::fs::write(dir.join("store-0001.rows"), rows).unwrap();
    std::fs::write(dir.join("c1.signing"), bytes("signing_key_file")).unwrap();
    RootKey::load(&root).unwrap()
}

#[test]
fn a_key_store_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = write(dir.path());
    let store = KeyStore::open(dir.path(), &root).unwrap();
    let (subject, period) = (Kid([0x11; 16]), Kid([0x22; 16]));
    assert_eq!(store.find_subject("default", Subject::User("u-1")), Some(subject));
    assert_eq!(store.find_subject("default", Subject::Session("u-1")), None);
    assert_eq!(store.pseudonym(subject).unwrap(), text("pseudonym"));
    let credential = store.find_purpose("custody/credential/v1").unwrap();
    assert_eq!(credential.expose().to_vec(), bytes("purpose_key"));
    let key = store.scope_key(subject, period, "default", "standard").unwrap();
    assert_eq!(key.commit("text", b"thello").to_vec(), bytes("pid"));
    // The labels are those of the rows: the same scope is found again and nothing new is made.
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let scope = store.scope(Subject::User("u-1"), "2026-11", "default", "standard").unwrap();
    assert_eq!((scope.subject, scope.period), (subject, period));
    let rows = std::fs::metadata(dir.path().join("store-0001.rows")).unwrap().len();
    assert_eq!(rows, 3 * 161);
}

/// The store in its second epoch, with what a crash left of the first.
fn write_second(dir: &Path) -> RootKey {
    let root = write(dir);
    std::fs::write(dir.join("store-0002.key"), bytes("second_store_key_file")).unwrap();
    let rows = ["second_lookup_row", "second_subject_row", "second_day_row"].map(bytes).concat();
    std::fs::write(dir.join("store-0002.rows"), rows).unwrap();
    std::fs::write(dir.join("store-0002.holds"), bytes("second_holds_file")).unwrap();
    root
}

#[test]
fn the_highest_epoch_counts_and_a_hold_opens_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let root = write_second(dir.path());
    let store = KeyStore::open(dir.path(), &root).unwrap();
    let (subject, month, day) = (Kid([0x11; 16]), Kid([0x22; 16]), Kid([0x55; 16]));
    // Labels are made with the key of the lookup row, not with one of this epoch's store key.
    assert_eq!(store.find_subject("default", Subject::User("u-1")), Some(subject));
    assert_eq!(
        store.period_label("default", "standard", "2026-11-23").to_vec(),
        bytes("second_day_label")
    );
    assert_eq!(store.periods().iter().map(|(kid, _)| *kid).collect::<Vec<_>>(), [day]);
    // The month's key is gone; the hold keeps 96 bytes that open this scope, and no other.
    assert!(!store.has(month) && store.opens(subject, month));
    assert_eq!(store.hold_of(subject, month).as_deref(), Some("case-2026-17"));
    let key = store.scope_key(subject, month, "default", "standard").unwrap();
    assert_eq!(key.commit("text", b"thello").to_vec(), bytes("pid"));
    assert!(store.scope_key(subject, month, "default", "hipaa").is_none());
    let holds = serde_json::to_string(&store.holds()).unwrap();
    let told: serde_json::Value = serde_json::from_str(text("second_holds")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&holds).unwrap(), told);
    // Whoever opens it for writing destroys what a crash left of the epoch before.
    drop(store);
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    assert!(!dir.path().join("store-0001.key").exists());
    assert!(!dir.path().join("store-0001.rows").exists());
    let scope = store.scope(Subject::User("u-1"), "2026-11-23", "default", "standard").unwrap();
    assert_eq!((scope.subject, scope.period), (subject, day));
}

#[test]
fn a_signing_key_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = write(dir.path());
    let collector = CollectorName::new("c1").unwrap();
    let key = load_signing_key(dir.path(), &root, &collector, text("origin")).unwrap();
    assert_eq!(key.verifying_key().to_string(), text("verifier_key"));
}

#[test]
fn keys_of_version_2_are_read() {
    let value = |name: &str| {
        let found = WRAPPED.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no vector {name}"))
    };
    let dir = tempfile::tempdir().unwrap();
    let root = write(dir.path());
    for (file, vector) in [("store-0001.key", "store_key_file"), ("c1.signing", "signing_key_file")]
    {
        std::fs::write(dir.path().join(file), hex::decode(value(vector)).unwrap()).unwrap();
    }
    let store = KeyStore::open(dir.path(), &root).unwrap();
    assert_eq!(store.find_subject("default", Subject::User("u-1")), Some(Kid([0x11; 16])));
    let collector = CollectorName::new("c1").unwrap();
    let key = load_signing_key(dir.path(), &root, &collector, value("origin")).unwrap();
    assert_eq!(key.verifying_key().to_string(), value("verifier_key"));
    // The id of another root key.
    let other = RootKey::load_or_create(&dir.path().join("other.key")).unwrap();
    let error = KeyStore::open(dir.path(), &other).err().unwrap().to_string();
    assert!(error.contains(&format!("wrapped by file (root key {})", value("root_id"))), "{error}");
}
