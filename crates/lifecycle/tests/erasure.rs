//! Erasure and holds, from the call to the byte search.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod common;

use std::path::Path;

use common::World;
use lifecycle::{HoldRequest, LifecycleError, Person};
use query::Filter;
use record::envelope::Erasure;

const GONE: &str = "its key was destroyed";

fn alice() -> Person {
    Person::User("alice@example.com".to_owned())
}

/// Every file below a folder that holds one of these strings.
fn files_with(folder: &Path, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for needle in needles {
                if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                    found.push(format!("{} holds {needle}", path.display()));
                }
            }
        }
    }
    found
}

#[test]
fn after_an_erasure_nobody_opens_the_records_and_every_proof_stands() {
    let world = World::new(false);
    let running = world.start();
    let hers = running.call("alice@example.com", "standard", "my diagnosis is secret");
    running.settle();
    world.days_pass(3);
    let later = running.call("alice@example.com", "hipaa", "and my second question");
    let his = running.call("bob", "standard", "my own question");
    running.settle();
    let before = running.check();
    assert_eq!(running.text_of(hers), "my diagnosis is secret");

    let plan = running.lifecycle.plan_erasure(&alice()).unwrap();
    assert_eq!((plan.records, plan.holds.len(), plan.keys.len()), (2, 0, 1));
    let receipt = running.lifecycle.erase(&alice(), "GDPR Art. 17", "local:dpo").unwrap();
    assert_eq!((receipt.records, &receipt.keys), (2, &plan.keys));
    for id in [hers, later] {
        assert_eq!(running.text_of(id), GONE);
    }
    assert_eq!(running.text_of(his), "my own question");
    running.settle();
    let after = running.check();
    assert_eq!(after.collectors[0].unopenable, Some(2));
    assert!(after.collectors[0].size > before.collectors[0].size);

    // She comes back: a new person to the log.
    let again = running.call("alice@example.com", "standard", "hello again");
    running.settle();
    assert_eq!(running.text_of(again), "hello again");
    assert_eq!(running.text_of(hers), GONE);
    running.check();
    running.stop();
    let found = files_with(
        world.folder.path(),
        &["alice", "diagnosis", "second question", "my own question"],
    );
    assert!(found.is_empty(), "{found:?}");
    let running = world.start();
    assert_eq!(running.text_of(hers), GONE);
    assert_eq!(running.text_of(his), "my own question");
    running.check();
    let unknown = running.lifecycle.erase(&Person::User("carol".to_owned()), "", "x");
    assert!(matches!(unknown, Err(LifecycleError::Question(_))), "{unknown:?}");
}

#[test]
fn records_that_cannot_be_opened_without_a_receipt_are_a_finding() {
    let world = World::new(false);
    let running = world.start();
    running.call("alice@example.com", "standard", "one");
    running.settle();
    let plan = running.lifecycle.plan_erasure(&alice()).unwrap();
    // Somebody destroys a key behind everybody's back.
    running.keys.destroy(&plan.keys).unwrap();
    let report = running.verify();
    assert!(!report.ok);
    assert!(report.findings[0].what.contains("no receipt"), "{report:#?}");
}

#[test]
fn a_key_store_of_another_installation_is_told() {
    let world = World::new(false);
    let running = world.start();
    running.call("alice@example.com", "standard", "one");
    running.call("bob", "standard", "two");
    running.settle();
    running.stop();
    let other = World::new(false);
    other.start().stop();
    let keys = world.folder.path().join("keys");
    let folder = other.folder.path().join("keys");
    for name in ["root.key", "store-0001.key", "store-0001.rows"] {
        std::fs::copy(folder.join(name), keys.join(name)).unwrap();
    }
    let root = keys::RootKey::load(&keys.join("root.key")).unwrap();
    let store = keys::KeyStore::open(&keys, &root).unwrap();
    let archive: std::sync::Arc<dyn archive::Archive> = world.archive.clone();
    let store = query::Store::new(archive, None, Some(store.into()), "default");
    let report =
        query::verify(&store, &std::collections::BTreeMap::new(), None, &mut |_, _, _| {}).unwrap();
    assert!(report.findings[0].what.contains("another installation"), "{report:#?}");
}

#[test]
fn a_receipt_whose_key_is_still_there_is_a_finding() {
    let world = World::new(false);
    let running = world.start();
    running.call("alice@example.com", "standard", "one");
    running.settle();
    let backup = tempfile::tempdir().unwrap();
    let keys = world.folder.path().join("keys");
    let copy = |from: &Path, to: &Path| {
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    };
    copy(&keys, backup.path());
    running.lifecycle.erase(&alice(), "", "x").unwrap();
    running.stop();
    // An old copy of the whole folder, store key and root key with it, is put back.
    for entry in std::fs::read_dir(&keys).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    copy(backup.path(), &keys);
    let report = world.start().verify();
    assert!(!report.ok);
    assert!(report.findings[0].what.contains("it is there"), "{report:#?}");
}

#[test]
fn other_people_agree_first_where_they_have_to() {
    let world = World { approvals: 2, ..World::new(false) };
    let running = world.start();
    let hers = running.call("alice@example.com", "standard", "one");
    running.settle();
    let asked = running.lifecycle.erase(&alice(), "basis", "local:dpo");
    let Err(LifecycleError::NeedsApproval(id)) = asked else { panic!("{asked:?}") };
    running.stop();
    assert!(files_with(&world.erasures(), &["alice"]).is_empty());

    let running = world.start();
    let lifecycle = &running.lifecycle;
    assert_eq!(lifecycle.pending_erasures().unwrap()[0].erasure, id);
    assert!(lifecycle.resume_erasures().unwrap().is_empty());
    let own = lifecycle.approve_erasure(&id, "local:dpo");
    assert!(matches!(own, Err(LifecycleError::Question(_))), "{own:?}");
    let first = lifecycle.approve_erasure(&id, "local:counsel");
    assert!(matches!(first, Err(LifecycleError::NeedsApproval(_))), "{first:?}");
    let twice = lifecycle.approve_erasure(&id, "local:counsel");
    assert!(matches!(twice, Err(LifecycleError::Question(_))), "{twice:?}");
    assert_eq!(running.text_of(hers), "one");
    let receipt = lifecycle.approve_erasure(&id, "local:head").unwrap();
    assert_eq!(receipt.approvals.len(), 2);
    assert_eq!(running.text_of(hers), GONE);
    assert!(lifecycle.pending_erasures().unwrap().is_empty());
    let over = lifecycle.approve_erasure(&id, "local:late");
    assert!(matches!(over, Err(LifecycleError::Question(_))), "{over:?}");

    let bob = Person::User("bob".to_owned());
    running.call("bob", "standard", "two");
    running.settle();
    let Err(LifecycleError::NeedsApproval(id)) = lifecycle.erase(&bob, "", "x") else { panic!() };
    lifecycle.withdraw_erasure(&id).unwrap();
    assert!(lifecycle.pending_erasures().unwrap().is_empty());
    running.check();
}

#[test]
fn a_crash_anywhere_in_an_erasure_is_finished_by_the_next_start() {
    // The steps: the file says begun; the keys are gone; the receipt is written; the file is gone.
    for done in 0..3 {
        let world = World { approvals: 1, ..World::new(false) };
        let running = world.start();
        let hers = running.call("alice@example.com", "standard", "one");
        let his = running.call("bob", "standard", "two");
        running.settle();
        let asked = running.lifecycle.erase(&alice(), "basis", "local:dpo");
        let Err(LifecycleError::NeedsApproval(id)) = asked else { panic!("{asked:?}") };
        let mut pending = running.lifecycle.pending_erasures().unwrap().remove(0);
        pending.begun = true;
        let path = world.erasures().join(format!("{id}.json"));
        std::fs::write(path, serde_json::to_vec(&pending).unwrap()).unwrap();
        if done > 0 {
            running.keys.destroy(&pending.keys).unwrap();
        }
        if done > 1 {
            let receipt = Erasure {
                approvals: Vec::new(),
                basis: "basis".to_owned(),
                epoch: 2,
                erasure: id.clone(),
                keys: pending.keys.clone(),
                records: 1,
                requested_by: "local:dpo".to_owned(),
            };
            let body = record::Body::Erasure(receipt);
            running.lifecycle.ledger.append_event_durably(body).unwrap();
        }
        // Not stopped: dropped, as a crash.
        drop(running);
        let running = world.start();
        let finished = running.lifecycle.resume_erasures().unwrap();
        assert_eq!((finished.len(), finished[0].erasure.as_str()), (1, id.as_str()));
        assert!(running.lifecycle.resume_erasures().unwrap().is_empty());
        assert_eq!(running.text_of(hers), GONE);
        assert_eq!(running.text_of(his), "two");
        running.settle();
        running.check();
    }
}

#[test]
fn a_hold_refuses_an_erasure_and_outlives_retention() {
    let world = World::new(false);
    let running = world.start();
    let held = running.call("alice@example.com", "gdpr_minimal", "held");
    let same_day = running.call("bob", "gdpr_minimal", "same day");
    world.days_pass(1);
    let next_day = running.call("alice@example.com", "gdpr_minimal", "next day");
    running.settle();
    let lifecycle = &running.lifecycle;
    let place = |hold: &str, ids, filter: Option<&str>| {
        let request = HoldRequest {
            hold: hold.to_owned(),
            reason: "litigation".to_owned(),
            ids,
            filter: filter.map(|text| Filter::parse(text).unwrap()),
            person: None,
        };
        lifecycle.place_hold(&request, "local:counsel")
    };
    for bad in
        [place("", vec![held], None), place("a b", vec![held], None), place("x", vec![], None)]
    {
        assert!(matches!(bad, Err(LifecycleError::Question(_))), "{bad:?}");
    }
    assert_eq!(place("case-7", vec![held], None).unwrap().records, 1);
    let refused = lifecycle.erase(&alice(), "", "x");
    assert!(matches!(refused, Err(LifecycleError::Held(ref holds)) if holds == &["case-7"]));
    let plan = lifecycle.plan_erasure(&alice()).unwrap();
    assert_eq!(plan.holds, ["case-7"]);
    let reader = query::Reader::new(&running.store, query::Access::Metadata);
    assert_eq!(reader.show(held).unwrap()["retention"]["hold"], "case-7");
    assert!(reader.show(same_day).unwrap()["retention"]["hold"].is_null());

    // Thirty days on, the class's content has ended, but for what is held.
    world.days_pass(40);
    let ended = lifecycle.expire().unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(running.text_of(held), "held");
    assert_eq!(running.text_of(same_day), GONE);
    assert_eq!(running.text_of(next_day), GONE);
    running.check();

    // Half a year on the records go too, but for the file that holds what is held.
    world.days_pass(200);
    lifecycle.expire().unwrap();
    assert_eq!(running.text_of(held), "held");
    running.check();

    lifecycle.lift_hold("case-7", "settled", "local:counsel").unwrap();
    assert!(lifecycle.lift_hold("case-7", "", "x").is_err());
    assert_eq!(running.text_of(held), GONE);
    assert_eq!(lifecycle.erase(&alice(), "", "x").unwrap().records, 2);
    let ended = lifecycle.expire().unwrap();
    assert!(ended.iter().any(|expiry| !expiry.files.is_empty()), "{ended:?}");
    running.settle();
    running.check();
}
