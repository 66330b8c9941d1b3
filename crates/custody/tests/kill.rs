//! `kill -9` at any moment, again and again: what a client received to its last byte is in the
//! log, every admitted number is accounted for, everything verifies.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod support;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::{Client, Random, Server, Setup, Upstream, chat, custody, verified};

/// Rounds on one data directory; then a new one begins, so that long runs do not slow down.
const ROUNDS_PER_LOG: u64 = 20;
const CLIENTS: u64 = 8;
/// Seals and segments as often as can be, so that they are hit too.
const BUSY: &str = "seal_every = \"30ms\"\nsegment_bytes = \"64KiB\"\nsegment_age = \"1s\"";

/// Kills over all loops together.
fn rounds() -> u64 {
    std::env::var("CUSTODY_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

fn setup(folder: &std::path::Path, upstream: SocketAddr, mode: &'static str) -> Setup {
    Setup {
        mode,
        // No gate opens by itself here: what is received has been written.
        capture: "gate_timeout = \"30s\"\nclosed_timeout = \"30s\"".to_owned(),
        ..Setup::new(folder, upstream)
    }
}

/// Calls until the server is gone; the ids of answers that came to their last byte.
fn client(address: SocketAddr, seed: u64, stop: &AtomicBool, received: &Mutex<Vec<String>>) {
    let mut random = Random(seed | 1);
    let scripts = ["answer", "chunked", "stream 5 0", "stream 3 1", "empty", "slow 3"];
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut client) = Client::try_connect(address) else { return };
        for _ in 0..=random.below(8) {
            let which = usize::try_from(random.below(6)).unwrap();
            let headers = [("x-script", scripts[which]), ("content-type", "application/json")];
            let body = chat(&format!("question {}", random.below(40)), which == 2);
            let sent =
                client.request("POST", "/openai/v1/chat/completions", &headers, body.as_bytes());
            if sent.is_err() {
                return;
            }
            match client.answer() {
                Ok(answer) if answer.head.status < 300 => {
                    received.lock().unwrap().push(answer.head.id());
                }
                Ok(answer) => panic!("{} {}", answer.head.status, answer.text()),
                Err(_) => return,
            }
        }
    }
}

/// Outcomes of the calls since `started`, by id.
fn outcomes(data: &std::path::Path, started: Instant) -> HashMap<String, String> {
    let since = format!("{}s", started.elapsed().as_secs() + 2);
    let data = data.to_str().unwrap();
    let run = custody(&[
        "search",
        "--metadata",
        "--json",
        "--limit",
        "1000000",
        "--since",
        &since,
        "--data",
        data,
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.lines()
        .iter()
        .filter(|hit| hit["record"]["kind"] == "interaction")
        .map(|hit| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&hit["record"]["id"]), text(&hit["record"]["response"]["outcome"]))
        })
        .collect()
}

/// Waits for the log's first checkpoint.
fn sealed(server: &Server) {
    support::until("a checkpoint", support::SOON, || {
        (support::get(server.api, "/ledger/c1/checkpoint").head.status == 200).then_some(())
    });
}

fn rounds_in(mode: &'static str, ledger: &str, rounds: u64) {
    let upstream = Upstream::start();
    let mut random = Random::from_clock();
    println!("seed {:#x}", random.0);
    let mut folder = tempfile::tempdir().unwrap();
    let mut all = HashSet::new();
    let mut lost: Vec<String> = Vec::new();
    for round in 0..rounds {
        if round % ROUNDS_PER_LOG == 0 {
            folder = tempfile::tempdir().unwrap();
            all.clear();
        }
        let setup =
            Setup { ledger: ledger.to_owned(), ..setup(folder.path(), upstream.address, mode) };
        let started = Instant::now();
        let server = Server::start(&setup);
        let stop = Arc::new(AtomicBool::new(false));
        let received = Arc::new(Mutex::new(Vec::new()));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (stop, received) = (Arc::clone(&stop), Arc::clone(&received));
                let (address, seed) = (server.proxy, random.next());
                std::thread::spawn(move || client(address, seed, &stop, &received))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(random.below(500)));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
        if random.below(4) == 0 {
            // Killed again in the middle of its recovery.
            Server::start_and_kill(&setup, Duration::from_millis(random.below(150)));
        }

        // A start finishes what the crash cut off; then the log is looked at.
        let server = Server::start(&setup);
        sealed(&server);
        let outcomes = outcomes(server.data(), started);
        for id in received.lock().unwrap().drain(..) {
            match outcomes.get(&id).map(String::as_str) {
                Some("complete") => {}
                other => lost.push(format!("round {round}: {id} is {other:?}")),
            }
            assert!(all.insert(id.clone()), "{id} was given twice");
        }
        assert!(lost.is_empty(), "{lost:#?}");
        // A stop shows the whole log; what a crash leaves is looked at in the next round.
        let data = server.data().to_owned();
        if random.below(3) == 0 {
            server.kill();
        } else {
            server.stop();
            let numbers = verified(&data);
            assert_eq!(numbers["open"], 0, "round {round}: {numbers:#}");
        }
    }
    println!("{rounds} rounds in {mode}");
}

#[test]
fn evidence_keeps_every_answer_that_was_received() {
    rounds_in("evidence", "", rounds() * 6 / 10);
}

#[test]
fn evidence_keeps_every_answer_while_segments_are_written() {
    rounds_in("evidence", BUSY, rounds() * 3 / 10);
}

#[test]
fn fail_closed_keeps_every_answer_that_was_received() {
    rounds_in("fail-closed", BUSY, rounds() / 10);
}

/// A log that is a moment old has nothing sealed, and nothing is wrong with it.
#[test]
fn a_log_without_a_checkpoint_yet_verifies() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let ledger = "seal_every = \"10s\"".to_owned();
    let setup = Setup { ledger, ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    support::post(server.proxy, &[], chat("hi", false).as_bytes());
    verified(server.data());
    server.kill();
    verified(&setup.data);
}

/// Somebody may verify at any moment, while records come in.
#[test]
fn verify_finds_nothing_while_records_come_in() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        ledger: BUSY.replace("30ms", "5ms"),
        ..setup(folder.path(), upstream.address, "evidence")
    };
    let server = Server::start(&setup);
    sealed(&server);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|seed| {
            let (stop, address) = (Arc::clone(&stop), server.proxy);
            std::thread::spawn(move || client(address, seed + 7, &stop, &Mutex::default()))
        })
        .collect();
    let found: Vec<_> = (0..15)
        .map(|_| support::verify(server.data()))
        .filter(|(code, _)| *code != 0)
        .map(|(code, report)| {
            (code, report["collectors"][0]["findings"].clone(), report["error"].clone())
        })
        .collect();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert!(found.is_empty(), "{} of 15: {found:#?}", found.len());
    server.stop();
    verified(&setup.data);
}

/// A checkpoint that is kept and not published yet is what a crash between the two leaves.
#[test]
fn a_crash_while_a_checkpoint_is_published_is_no_finding() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let ledger = "seal_every = \"20ms\"".to_owned();
    let setup = Setup { ledger, ..Setup::new(folder.path(), upstream.address) };
    let published = setup.data.join("archive/c1/ledger/checkpoint");
    let server = Server::start(&setup);
    sealed(&server);
    support::post(server.proxy, &[], chat("before", false).as_bytes());
    std::thread::sleep(Duration::from_millis(200));
    server.kill();
    // The files as they are a moment after the checkpoint was published and before it was kept.
    let size: u64 = std::fs::read_to_string(&published)
        .unwrap()
        .lines()
        .nth(1)
        .and_then(|line| line.parse().ok())
        .unwrap();
    let kept = setup.data.join(format!("archive/c1/ledger/checkpoints/{size:03}"));
    std::fs::remove_file(&kept).unwrap();
    verified(&setup.data);
    let server = Server::start(&setup);
    support::until("the checkpoint is kept", support::SOON, || kept.exists().then_some(()));
    server.kill();
    verified(&setup.data);
}

/// A crash between the end of a journal file and its segment: the record of a call that was open
/// then goes into the next file, and its request must come along.
#[test]
fn an_interrupted_call_keeps_its_request_when_the_journal_file_ends() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let slow = Setup::new(folder.path(), upstream.address);
    let quick = Setup {
        ledger: "seal_every = \"1ms\"\nsegment_bytes = \"1B\"\nsegment_age = \"1ms\"".to_owned(),
        ..slow.clone()
    };
    for round in 0..8 {
        let server = Server::start(&slow);
        let mut client = Client::connect(server.proxy);
        let headers = [("x-script", "hold 1"), ("content-type", "application/json")];
        let body = chat(&format!("is this kept? {round}"), true);
        client.request("POST", "/openai/v1/chat/completions", &headers, body.as_bytes()).unwrap();
        let id = client.head().unwrap().id();
        server.kill();
        let server = Server::start(&quick);
        sealed(&server);
        std::thread::sleep(Duration::from_millis(300));
        verified(server.data());
        let record = support::show(server.data(), &id).expect("a record");
        let asked = format!("is this kept? {round}");
        assert_eq!(record["request"]["parts"][0]["text"], asked.as_str(), "{record:#}");
        server.stop();
        verified(&slow.data);
    }
}

#[test]
fn an_answer_that_was_cut_off_keeps_what_was_seen() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path(), upstream.address, "evidence");
    let server = Server::start(&setup);
    let mut client = Client::connect(server.proxy);
    let headers = [("x-script", "hold 3000"), ("content-type", "application/json")];
    let body = chat("a long answer", true);
    client.request("POST", "/openai/v1/chat/completions", &headers, body.as_bytes()).unwrap();
    let id = client.head().unwrap().id();
    support::until("the answer waits", support::SOON, || (upstream.holding() == 1).then_some(()));
    // The pieces so far are in the journal soon.
    std::thread::sleep(Duration::from_millis(300));
    server.kill();
    let server = Server::start(&setup);
    let record = support::show(server.data(), &id).expect("a record");
    assert_eq!(record["response"]["outcome"], "interrupted", "{record:#}");
    let text = record["response"]["parts"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("token-0 token-1 "), "{text}");
    assert_eq!(record["request"]["parts"][0]["text"], "a long answer");
    sealed(&server);
    verified(server.data());
    server.stop();
}
