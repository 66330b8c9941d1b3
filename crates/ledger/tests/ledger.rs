//! The ledger end to end, with faults at every step of storage.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::atomic::Ordering;

use common::{Fault, World};
use record::AdmissionNumber;

#[test]
fn what_is_appended_is_in_the_published_log() {
    let world = World::new();
    let (ledger, recovered) = world.open();
    assert!(recovered.open.is_empty() && recovered.report.is_none());
    let mut promised = Vec::new();
    for i in 0..700 {
        let number = World::number(&ledger);
        assert_eq!(number, AdmissionNumber(i + 1));
        let (id, append) = world.record(Some(number), &format!("text {}", i % 10));
        ledger.append(vec![append]).unwrap();
        promised.push(id);
        if i % 97 == 0 {
            ledger.seal().unwrap();
        }
    }
    ledger.seal().unwrap();
    let checked = world.check(&promised, &[]);
    assert_eq!(checked.size, 700);
    // Ten texts, each stored once.
    assert_eq!(checked.parts.len(), 10);
    ledger.close(true).unwrap();
    let checked = world.check(&promised, &[]);
    // The record that names the segment came on top.
    assert_eq!(checked.size, 701);
    assert!(checked.gaps.is_empty());
}

#[test]
fn a_remote_archive_may_be_away_at_any_time_and_at_the_start() {
    let mut world = World::new();
    world.archive.remote.store(true, Ordering::Relaxed);
    let mut promised = Vec::new();
    for round in 0..8_u32 {
        // Away at every other start, and for the first start of all.
        world.archive.away.store(round % 2 == 0, Ordering::Relaxed);
        let (ledger, _) = world.open();
        for i in 0..150 {
            let number = World::number(&ledger);
            promised.push(world.append_durably(&ledger, Some(number), &format!("{round} {i}")));
        }
        let sealed = ledger.seal();
        assert_eq!(sealed.is_err(), round % 2 == 0, "{sealed:?}");
        world.archive.away.store(round % 3 == 0, Ordering::Relaxed);
        let closed = ledger.close(round % 4 > 1);
        assert_eq!(closed.is_err(), round % 3 == 0, "{closed:?}");
        drop(ledger);
        world.crash(round % 2 == 1);
    }
    world.archive.away.store(false, Ordering::Relaxed);
    let (ledger, _) = world.open();
    ledger.close(true).unwrap();
    let checked = world.check(&promised, &[]);
    assert!(checked.gaps.iter().all(|gap| gap.at_most), "{:?}", checked.gaps);
}

#[test]
fn a_clean_stop_loses_no_number_and_no_record() {
    let world = World::new();
    let mut promised = Vec::new();
    let mut next = 1;
    for round in 0..5 {
        let (ledger, recovered) = world.open();
        assert!(recovered.report.is_none(), "round {round}: {recovered:?}");
        for _ in 0..3 {
            let number = World::number(&ledger);
            assert_eq!(number.0, next);
            next += 1;
            promised.push(world.append_durably(&ledger, Some(number), "x"));
        }
        ledger.close(round % 2 == 0).unwrap();
        let checked = world.check(&promised, &[]);
        assert!(checked.gaps.is_empty());
    }
}

#[test]
fn after_a_crash_every_number_is_a_record_or_in_a_gap() {
    for power in [false, true] {
        let mut world = World::new();
        let mut promised = Vec::new();
        let mut numbers = Vec::new();
        for round in 0..6 {
            let (ledger, _) = world.open();
            for i in 0..20 {
                let number = World::number(&ledger);
                numbers.push(number);
                // Every third number is taken and the crash comes before its frame.
                if i % 3 != 0 {
                    promised.push(world.append_durably(
                        &ledger,
                        Some(number),
                        &format!("{round} {i}"),
                    ));
                }
                if i == 10 && round % 2 == 0 {
                    ledger.seal().unwrap();
                }
            }
            std::mem::forget(ledger);
            world.crash(power);
        }
        let (ledger, recovered) = world.open();
        assert!(recovered.report.is_some());
        ledger.seal().unwrap();
        let checked = world.check(&promised, &numbers);
        let in_gaps: u64 = numbers
            .iter()
            .map(|n| u64::from(checked.gaps.iter().any(|gap| gap.numbers.contains(n.0))))
            .sum();
        assert_eq!(in_gaps, 6 * 7, "the numbers without a frame are in gaps");
        assert!(checked.gaps.iter().all(|gap| gap.at_most));
    }
}

#[test]
fn an_admission_without_an_outcome_comes_back_open() {
    let mut world = World::new();
    let (ledger, _) = world.open();
    let number = World::number(&ledger);
    let (_, append) = world.record(None, "question");
    let ledger::Append::Record { sealed, .. } = append else { panic!() };
    let (admission, tickets) = (sealed.into(), ledger::Tickets::default());
    let admitted = ledger::Append::Admitted { number, admission, tickets };
    let piece = ledger::Append::Piece { number, sealed: b"half an answer".to_vec() };
    ledger.append(vec![admitted, piece]).unwrap();
    // Its journal file becomes a segment; the open call goes along.
    world.append_durably(&ledger, None, "another");
    ledger.flush_segments().unwrap();
    std::mem::forget(ledger);
    world.crash(true);
    let (ledger, recovered) = world.open();
    assert_eq!(recovered.open.len(), 1);
    let open = &recovered.open[0];
    assert_eq!(
        (open.number, open.pieces.as_slice()),
        (number, [b"half an answer".to_vec()].as_slice())
    );
    assert!(open.envelope.is_some());
    let id = world.append_durably(&ledger, Some(number), "interrupted");
    ledger.seal().unwrap();
    world.check(&[id], &[number]);
    drop(ledger);
    let (_ledger, recovered) = world.open();
    assert!(recovered.open.is_empty());
}

/// Sunlight's matrix: every storage step fails, fails after it took effect, or is torn; then the
/// run goes on, then it crashes and starts again. Nothing that was promised is lost.
#[test]
fn every_step_of_storage_may_fail() {
    let kinds = [
        "disk.create",
        "disk.read",
        "disk.remove",
        "disk.replace",
        "file.append",
        "file.sync",
        "archive.put.ledger",
        "archive.put.records",
        "archive.put.parts",
        "archive.replace",
        "archive.get",
        "disk.open",
        "file.read",
        "archive.stage",
        "archive.write",
        "archive.sum",
    ];
    let mut met = 0;
    for kind in kinds {
        for fault in [Fault::Fails, Fault::FailsAfter, Fault::Torn] {
            for nth in [0, 1, 3] {
                for power in [false, true] {
                    met += u32::from(one_fault(kind, fault, nth, power));
                }
            }
        }
    }
    assert!(met > 120, "only {met} faults were met");
}

fn one_fault(kind: &str, fault: Fault, nth: u32, power: bool) -> bool {
    let mut world = World::new();
    let (ledger, _) = world.open();
    let mut promised = Vec::new();
    let mut numbers = Vec::new();
    let mut run = |ledger: &ledger::Ledger, world: &World, n: u32| {
        for i in 0..n {
            let number = World::number(ledger);
            numbers.push(number);
            promised.push(world.append_durably(ledger, Some(number), &format!("text {i}")));
        }
    };
    run(&ledger, &world, 5);
    ledger.seal().unwrap();
    world.faults.arm(kind, nth, fault);
    run(&ledger, &world, 5);
    // Whether sealing succeeds now or only the next time is not promised.
    drop(ledger.seal());
    run(&ledger, &world, 3);
    drop(ledger.flush_segments());
    let met = world.faults.disarm();
    ledger.seal().unwrap_or_else(|error| panic!("{kind} {fault:?} {nth}: {error}"));
    std::mem::forget(ledger);
    world.crash(power);

    let (ledger, _) = world.open();
    run(&ledger, &world, 2);
    ledger.seal().unwrap_or_else(|error| panic!("{kind} {fault:?} {nth} after: {error}"));
    ledger.close(true).unwrap();
    world.check(&promised, &numbers);
    met
}

#[test]
fn a_damaged_frame_is_put_aside_and_told() {
    let mut world = World::new();
    let (ledger, _) = world.open();
    let mut promised = Vec::new();
    for i in 0..6 {
        let number = World::number(&ledger);
        promised.push(world.append_durably(&ledger, Some(number), &format!("text {i}")));
    }
    std::mem::forget(ledger);
    world.crash(true);
    // Not sealed yet: the record in the middle is lost for good, and that is said.
    let name = world.disk.journal_names().pop().unwrap();
    let mut hit = None;
    world.disk.change(&name, |bytes| {
        let records: Vec<usize> = record::FrameReader::new(bytes)
            .flatten()
            .filter_map(|s| match s {
                record::Scanned::Frame { offset, frame: record::Frame::Record { .. }, .. } => {
                    Some(offset)
                }
                _ => None,
            })
            .collect();
        bytes[records[2] + 40] ^= 1;
        hit = Some(records[2]);
    });
    let (ledger, recovered) = world.open();
    let report = recovered.report.unwrap();
    assert_eq!(report.damage.len(), 1);
    assert_eq!(report.damage[0].offset, u64::try_from(hit.unwrap()).unwrap());
    assert!(!report.damage[0].kept_as.is_empty());
    ledger.seal().unwrap();
    promised.remove(2);
    let checked = world.check(&promised, &[AdmissionNumber(3)]);
    assert!(checked.gaps.iter().any(|gap| gap.numbers.contains(3)));
}

#[test]
fn a_clock_that_goes_backwards_does_no_harm() {
    let world = World::new();
    let (ledger, _) = world.open();
    let mut promised = vec![];
    for i in 0..5 {
        world.clock.0.fetch_sub(3_600_000_000, Ordering::Relaxed);
        let number = World::number(&ledger);
        promised.push(world.append_durably(&ledger, Some(number), &format!("text {i}")));
        ledger.seal().unwrap();
    }
    ledger.close(true).unwrap();
    world.check(&promised, &[]);
}

#[test]
fn sealing_in_steady_state_costs_a_known_number_of_objects() {
    let world = World::new();
    let (ledger, _) = world.open();
    world.append_durably(&ledger, None, "one");
    ledger.seal().unwrap();
    world.append_durably(&ledger, None, "two");
    world.faults.log.lock().unwrap().clear();
    ledger.seal().unwrap();
    let log = world.faults.log.lock().unwrap();
    let count = |kind: &str| log.iter().filter(|k| k.starts_with(kind)).count();
    // The bundle, the tile and the kept checkpoint; then the published one.
    assert_eq!((count("archive.put"), count("archive.replace"), count("disk.replace")), (3, 1, 1));
}

#[test]
fn another_process_with_an_old_copy_of_the_state_cannot_fork_the_log() {
    let world = World::new();
    let (one, _) = world.open();
    world.append_durably(&one, None, "one");
    one.seal().unwrap();
    let (two, _) = world.open();
    world.append_durably(&one, None, "of one");
    one.seal().unwrap();
    world.append_durably(&two, None, "of two");
    let error = two.seal().unwrap_err().to_string();
    assert!(error.contains("contradicts"), "{error}");
    let name = archive::Name::new("c1/ledger/checkpoint").unwrap();
    let note = world.archive.objects.lock().unwrap()[&name].clone();
    let checkpoint = tlog::Checkpoint::open(&note, one.verifying_key()).unwrap();
    assert_eq!(checkpoint.size, 2, "the log is as the first process signed it");
}
