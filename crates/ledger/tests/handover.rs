//! The signing key gives way to another one, with faults at every step of storage.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use archive::{Archive as _, Lock, Name};
use common::{Fault, ORIGIN, World};
use ledger::{Handover, Ledger, LedgerError};
use record::{Body, Envelope, Leaf};
use tlog::{
    Checkpoint, KeyChange, KeyHistory, LogSource, SigningKey, SourceError, TilePath, VerifyingKey,
    audit,
};

const OLD: u8 = 42;
const NEW: u8 = 43;

fn key(n: u8) -> VerifyingKey {
    SigningKey::new(ORIGIN, &[n; 32]).unwrap().verifying_key()
}

/// A world whose key is to change, and the key that its folder of keys holds.
struct Changing {
    world: World,
    installed: Arc<AtomicU32>,
    /// So many times the new key cannot be installed.
    stuck: Arc<AtomicU32>,
}

impl Changing {
    fn new() -> Self {
        Self {
            world: World::new(),
            installed: Arc::new(AtomicU32::new(0)),
            stuck: Arc::new(AtomicU32::new(0)),
        }
    }

    fn open(&self) -> Result<Ledger, LedgerError> {
        if self.installed.load(Ordering::Relaxed) > 0 {
            return Ledger::open(self.world.config(NEW)).map(|(ledger, _)| ledger);
        }
        let (installed, stuck) = (Arc::clone(&self.installed), Arc::clone(&self.stuck));
        let handover = Handover {
            next: SigningKey::new(ORIGIN, &[NEW; 32]).unwrap(),
            install: Box::new(move |new| {
                assert_eq!(*new, key(NEW));
                if stuck.load(Ordering::Relaxed) > 0 {
                    stuck.fetch_sub(1, Ordering::Relaxed);
                    return Err("the disk is full".to_owned());
                }
                installed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }),
        };
        Ledger::open_with(self.world.config(OLD), Some(handover)).map(|(ledger, _)| ledger)
    }

    /// Opens, records and seals until both work.
    fn settle(&self) {
        for _ in 0..20 {
            let Ok(ledger) = self.open() else { continue };
            self.world.append_durably(&ledger, None, "after");
            // Segments come after the hand-over, and so does the second seal.
            if ledger.seal().is_ok() && ledger.flush_segments().is_ok() {
                drop(ledger);
                return;
            }
        }
        panic!("it does not settle");
    }

    /// The log as strangers see it who trust one key; gives the index of the change.
    fn check(&self, trusted: u8) -> u64 {
        let get = |name: &str| self.world.archive.get(&Name::new(name).unwrap()).unwrap().unwrap();
        let published = get("c1/ledger/checkpoint");
        let mut notes = vec![published.clone()];
        for name in self.world.archive.list("c1/ledger/checkpoints/").unwrap() {
            notes.push(get(name.as_str()));
        }
        let mut changes = Vec::new();
        let mut envelopes = Vec::new();
        for name in self.world.archive.list("c1/ledger/key-changes/").unwrap() {
            let bytes = get(name.as_str());
            let envelope = Envelope::from_bytes(&bytes).unwrap();
            let Body::KeyChange(change) = &envelope.body else { panic!("{envelope:?}") };
            let index = name.as_str().rsplit('/').next().unwrap().parse().unwrap();
            let (old, new) = (change.old.parse().unwrap(), change.new.parse().unwrap());
            changes.push(KeyChange { index, old, new });
            envelopes.push((index, envelope.leaf(&bytes)));
        }
        let all: Vec<&[u8]> = notes.iter().map(Vec::as_slice).collect();
        let (history, loose) = KeyHistory::reaching(&key(trusted), changes, &all);
        assert_eq!(loose, vec![]);
        assert_eq!(history.last(), &key(NEW));
        assert_eq!(history.changes().len(), 1);
        for note in &notes {
            history.open(note).unwrap();
        }
        let mut leaves = Vec::new();
        let report = audit(
            &history.open(&published).unwrap(),
            &Source(&self.world),
            |_, entry| leaves.push(Leaf::from_bytes(entry).unwrap()),
            |_| {},
        )
        .unwrap();
        assert_eq!(report.findings, vec![]);
        for (index, leaf) in &envelopes {
            assert_eq!(leaves[usize::try_from(*index).unwrap()], *leaf);
        }
        let description = String::from_utf8(get("custody.json")).unwrap();
        let description: serde_json::Value = serde_json::from_str(&description).unwrap();
        let mine = &description["collectors"]["c1"];
        assert_eq!(mine["key"], key(NEW).to_string());
        assert_eq!(mine["earlier"][0]["key"], key(OLD).to_string());
        assert_eq!(mine["earlier"].as_array().unwrap().len(), 1);
        history.changes()[0].index
    }

    fn published(&self) -> Vec<u8> {
        let name = Name::new("c1/ledger/checkpoint").unwrap();
        self.world.archive.get(&name).unwrap().unwrap()
    }
}

struct Source<'a>(&'a World);

impl LogSource for Source<'_> {
    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.archive.get(&Name::new(format!("c1/ledger/{path}")).unwrap()).unwrap())
    }
}

fn before(changing: &Changing) {
    let (ledger, _) = changing.world.open();
    for i in 0..3 {
        changing.world.append_durably(&ledger, None, &format!("before {i}"));
    }
    ledger.seal().unwrap();
    ledger.close(false).unwrap();
}

#[test]
fn the_first_checkpoint_with_the_record_is_signed_by_both_and_later_ones_by_the_new_key() {
    let changing = Changing::new();
    before(&changing);
    let ledger = changing.open().unwrap();
    assert_eq!(ledger.verifying_key(), &key(NEW));
    ledger.seal().unwrap();
    let both = changing.published();
    assert!([OLD, NEW].iter().all(|n| Checkpoint::open(&both, &key(*n)).is_ok()));
    assert_eq!(changing.installed.load(Ordering::Relaxed), 1);
    changing.world.append_durably(&ledger, None, "after");
    ledger.seal().unwrap();
    let later = changing.published();
    assert!(Checkpoint::open(&later, &key(NEW)).is_ok());
    assert!(Checkpoint::open(&later, &key(OLD)).is_err());
    ledger.close(true).unwrap();
    assert_eq!(changing.check(OLD), 3);
    assert_eq!(changing.check(NEW), 3);
    changing.settle();
    changing.check(OLD);
}

/// Each call to storage fails in turn, then the process is killed or the power goes.
#[test]
fn a_fault_at_any_step_is_gone_on_from() {
    let kinds = [
        "file.append",
        "file.sync",
        "disk.replace",
        "archive.put",
        "archive.replace",
        "archive.get",
        "archive.list",
    ];
    let mut met = 0;
    for kind in kinds {
        for fault in [Fault::Fails, Fault::FailsAfter] {
            for power in [false, true] {
                for nth in 0.. {
                    let mut changing = Changing::new();
                    before(&changing);
                    changing.world.faults.arm(kind, nth, fault);
                    if let Ok(ledger) = changing.open() {
                        for _ in 0..2 {
                            if ledger.seal().is_err() {
                                break;
                            }
                        }
                        std::mem::forget(ledger);
                    }
                    let hit = changing.world.faults.disarm();
                    changing.world.crash(power);
                    changing.settle();
                    let place = format!("{kind} {nth}, {fault:?}, power {power}");
                    let (by_old, by_new) = (changing.check(OLD), changing.check(NEW));
                    assert_eq!(by_old, by_new, "{place}");
                    assert_eq!(changing.installed.load(Ordering::Relaxed), 1, "{place}");
                    if !hit {
                        break;
                    }
                    met += 1;
                }
            }
        }
    }
    assert!(met > 60, "only {met} faults were met");
}

#[test]
fn a_key_that_cannot_be_installed_yet_is_signed_with_beside_the_old_one() {
    let changing = Changing::new();
    before(&changing);
    changing.stuck.store(2, Ordering::Relaxed);
    let ledger = changing.open().unwrap();
    for _ in 0..2 {
        changing.world.append_durably(&ledger, None, "meanwhile");
        assert!(ledger.seal().is_err());
        let both = changing.published();
        assert!([OLD, NEW].iter().all(|n| Checkpoint::open(&both, &key(*n)).is_ok()));
    }
    drop(ledger);
    changing.settle();
    assert_eq!(changing.check(OLD), changing.check(NEW));
}

/// The start itself believes a new key only by what the log and its checkpoints say.
#[test]
fn a_start_with_another_key_is_refused_without_a_hand_over() {
    let changing = Changing::new();
    before(&changing);
    let Err(LedgerError::Refused { reason, .. }) = Ledger::open(changing.world.config(NEW)) else {
        panic!("it started")
    };
    assert!(reason.contains("by another key"), "{reason}");

    changing.settle();
    changing.check(OLD);
    let name = Name::new("custody.json").unwrap();
    let good = changing.world.archive.get(&name).unwrap().unwrap();
    // An archive that still names the old key: the chain is proven from what lies there.
    let mut description: serde_json::Value = serde_json::from_slice(&good).unwrap();
    description["collectors"]["c1"] =
        serde_json::json!({"origin": ORIGIN, "key": key(OLD).to_string()});
    let stale = description.to_string().into_bytes();
    changing.world.archive.replace(&name, &stale, Lock::NONE).unwrap();
    changing.settle();
    changing.check(OLD);

    // Without the record's envelope, or with one that was changed, it is not.
    let envelope = changing.world.archive.list("c1/ledger/key-changes/").unwrap().remove(0);
    let kept = changing.world.archive.get(&envelope).unwrap().unwrap();
    let changed = String::from_utf8(kept.clone()).unwrap().replace("\"v\":1", "\"v\":0");
    for bytes in [b"{}".to_vec(), changed.into_bytes()] {
        changing.world.archive.replace(&name, &stale, Lock::NONE).unwrap();
        changing.world.archive.replace(&envelope, &bytes, Lock::NONE).unwrap();
        let Err(LedgerError::Refused { reason, .. }) = changing.open() else {
            panic!("it started")
        };
        assert!(reason.contains("no record and checkpoint"), "{reason}");
    }
    changing.world.archive.replace(&envelope, &kept, Lock::NONE).unwrap();
    changing.settle();
    changing.check(OLD);
}
