//! Tiers and expiry under a clock that is turned by hand.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::atomic::Ordering;

use archive::{Archive as _, Name};
use common::{DAY_US, Running, World};
use record::RecordId;

const GONE: &str = "its key was destroyed";

/// Three days of calls in several segments a day; gives their ids and texts.
fn three_days(world: &World, running: &Running) -> Vec<(RecordId, String)> {
    let mut calls = Vec::new();
    for day in 0..3 {
        for segment in 0..3 {
            for (user, class) in [("alice", "standard"), ("bob", "pci"), ("carol", "standard")] {
                let text = format!("{user} {class} on day {day}, {segment}");
                calls.push((running.call(user, class, &text), text));
            }
            running.settle();
        }
        world.days_pass(1);
    }
    calls
}

fn records(archive: &common::LockingArchive) -> Vec<Name> {
    archive.list("c1/records/").unwrap()
}

/// Every object with records or parts is locked now, in the one archive or the other.
fn assert_locked(world: &World) {
    let now = world.now();
    let cold = world.cold.as_ref().unwrap();
    for (archive, what) in [(&world.archive, "hot"), (cold, "cold")] {
        for name in archive.list("c1/").unwrap().iter().filter(|n| n.as_str().contains("class=")) {
            let until = archive.locked_until(name);
            // A hot file may be past its lock only when it is about to be removed.
            let covered = what == "hot" && !records(cold).is_empty();
            assert!(covered || until > Some(now), "{what} {name} is not locked: {until:?}");
        }
    }
}

#[test]
fn hot_becomes_cold_and_stays_readable() {
    let world = World::new(true);
    let running = world.start();
    let calls = three_days(&world, &running);
    let hot = records(&world.archive);
    assert!(hot.len() >= 26, "{hot:?}");
    assert!(running.lifecycle.tier().unwrap().is_empty());
    let cold = world.cold.as_ref().unwrap();

    // The hot time of `standard` is over for the first day only.
    world.days_pass(88);
    let moved = running.lifecycle.tier().unwrap();
    let days: Vec<_> = moved.iter().map(|tier| (tier.class.as_str(), tier.day.as_str())).collect();
    assert_eq!(days, [("log", "2026-11-23"), ("standard", "2026-11-23")]);
    assert_eq!(records(cold).len(), 2);
    assert_locked(&world);
    assert!(running.lifecycle.tier().unwrap().is_empty(), "it is done once");

    world.days_pass(10);
    running.lifecycle.tier().unwrap();
    // One file for each class and day.
    let there = records(cold);
    assert_eq!(there.iter().filter(|name| name.as_str().contains("class=standard")).count(), 3);
    assert_eq!(there.iter().filter(|name| name.as_str().contains("class=pci")).count(), 3);
    for name in &there {
        let days = (cold.locked_until(name).unwrap().0 - world.now().0) / DAY_US;
        assert!(days > 80, "{name} is locked for {days} more days");
    }
    // Hot locks have not ended yet, so the hot files are there.
    let left = records(&world.archive);
    assert!(hot.iter().all(|name| left.contains(name)));
    running.settle();
    running.check();

    world.days_pass(30);
    running.lifecycle.tier().unwrap();
    // The log's own segments are locked as long as anything.
    let left = records(&world.archive);
    let gone = |name: &Name| name.as_str().contains("class=log") || !hot.contains(name);
    assert!(left.iter().all(gone), "{left:?}");
    running.settle();
    running.check();
    for (id, text) in &calls {
        assert_eq!(running.text_of(*id), *text);
    }
    running.stop();
    let running = world.start();
    running.check();
    assert_eq!(running.text_of(calls[0].0), calls[0].1);
}

#[test]
fn a_failure_at_any_step_of_a_move_loses_nothing() {
    for cold_fails in [true, false] {
        for after in [false, true] {
            for nth in 1.. {
                let world = World::new(true);
                let running = world.start();
                let id = running.call("alice", "standard", "one");
                running.settle();
                let second = running.call("alice", "standard", "two");
                running.settle();
                // Past the hot time and past the hot locks, so that removal is among the steps.
                world.days_pass(130);
                let failing =
                    if cold_fails { world.cold.as_ref().unwrap() } else { &world.archive };
                failing.fail(nth, after);
                let before = failing.changes.load(Ordering::Relaxed);
                let failed = running.lifecycle.tier();
                let reached = failing.changes.load(Ordering::Relaxed) - before >= nth;
                assert_eq!(failed.is_err(), reached, "{failed:?}");
                failing.fail(0, false);
                // A crash here: nothing is closed.
                drop(running);
                let running = world.start();
                running.check();
                running.lifecycle.tier().unwrap();
                running.settle();
                running.check();
                // Past every lock that a failure made longer, so that what goes has gone.
                world.days_pass(60);
                running.lifecycle.tier().unwrap();
                running.settle();
                running.check();
                assert_eq!(running.text_of(id), "one");
                assert_eq!(running.text_of(second), "two");
                if !reached {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_cold_archive_that_is_away_does_not_leave_hot_files_unlocked() {
    let world = World::new(true);
    let running = world.start();
    running.call("alice", "standard", "one");
    running.settle();
    for _ in 0..10 {
        world.days_pass(12);
        world.cold.as_ref().unwrap().fail(1, false);
        let _away = running.lifecycle.tier();
        let now = world.now();
        for name in records(&world.archive) {
            assert!(world.archive.locked_until(&name) > Some(now), "{name}");
        }
    }
    world.cold.as_ref().unwrap().fail(0, false);
    running.lifecycle.tier().unwrap();
    running.settle();
    running.check();
}

#[test]
fn content_and_records_end_by_clocks_of_their_own() {
    let world = World::new(false);
    let running = world.start();
    let short = running.call("alice", "gdpr_minimal", "short");
    let long = running.call("alice", "standard", "long");
    running.settle();
    assert!(running.lifecycle.expire().unwrap().is_empty());
    world.days_pass(30);
    assert!(running.lifecycle.expire().unwrap().is_empty(), "the thirtieth day is kept");
    world.days_pass(1);
    let ended = running.lifecycle.expire().unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].class.as_str(), ended[0].keys.len()), ("gdpr_minimal", 1));
    assert_eq!(running.text_of(short), GONE);
    assert_eq!(running.text_of(long), "long");
    assert!(running.lifecycle.expire().unwrap().is_empty(), "it ends once");
    running.settle();
    assert_eq!(running.check().collectors[0].unopenable, Some(1));

    // The records of the short class end after half a year, and the log still verifies.
    world.days_pass(160);
    let ended = running.lifecycle.expire().unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].numbers.len(), 1);
    let reader = query::Reader::new(&running.store, query::Access::Metadata);
    assert!(reader.show(short).is_err());
    assert!(reader.show(long).is_ok());
    running.settle();
    let report = running.check();
    let numbers = &report.collectors[0].numbers;
    assert_eq!((numbers.admitted, numbers.recorded, numbers.expired), (2, 1, 1));

    world.days_pass(300);
    running.lifecycle.expire().unwrap();
    running.settle();
    let report = running.check();
    assert_eq!(report.collectors[0].numbers.expired, 2);
    running.stop();
    world.start().check();
}

#[test]
fn a_clock_that_the_storage_contradicts_ends_nothing() {
    let world = World::new(false);
    let running = world.start();
    let short = running.call("alice", "gdpr_minimal", "short");
    running.settle();
    world.days_pass(200);
    world.archive.contradicts.store(true, Ordering::Relaxed);
    assert!(running.lifecycle.expire().is_err());
    assert_eq!(running.text_of(short), "short");
    world.archive.contradicts.store(false, Ordering::Relaxed);
    assert!(!running.lifecycle.expire().unwrap().is_empty());
}

#[test]
fn a_removal_that_is_cut_off_is_finished() {
    for nth in 1..=2 {
        for after in [false, true] {
            let world = World::new(false);
            let running = world.start();
            running.call("alice", "gdpr_minimal", "short");
            running.settle();
            world.days_pass(190);
            world.archive.fail(nth, after);
            assert!(running.lifecycle.expire().is_err());
            drop(running);
            let running = world.start();
            running.check();
            running.lifecycle.expire().unwrap();
            running.settle();
            let report = running.check();
            assert_eq!(report.collectors[0].numbers.expired, 1);
            assert!(records(&world.archive).iter().all(|n| !n.as_str().contains("gdpr")));
        }
    }
}
