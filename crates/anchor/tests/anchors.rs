//! The thread that brings checkpoints outward: to a witness over HTTP, to an openssl authority, to
//! a SIEM and to a second archive; with outages, restarts, forks.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anchor::{
    Alert, AnchorStatus, Anchors, Config, SiemTarget, TimestampConfig, WitnessConfig, audit,
};
use archive::{Archive as _, LocalArchive, Lock};
use record::{Clock, CollectorName};
use support::{ANSWERS, Authority, FAILS, ORIGIN, REPLAYS, Served, TestLog, Turned, layout, until};
use tlog::{CosignatureKey, KeyHistory, Note, Policy};

const MOMENT: Duration = Duration::from_millis(20);

struct Bench {
    folder: tempfile::TempDir,
    log: TestLog,
    clock: Arc<Turned>,
    alerts: Arc<Mutex<Vec<Alert>>>,
    witnesses: Vec<WitnessConfig>,
    timestamp: Option<TimestampConfig>,
    siem: Option<SiemTarget>,
    copy: Option<PathBuf>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = TestLog::new(&folder.path().join("archive"));
        Self {
            log,
            clock: Turned::new(),
            alerts: Arc::default(),
            witnesses: Vec::new(),
            timestamp: None,
            siem: None,
            copy: None,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        let clock: Arc<Turned> = Arc::clone(&self.clock);
        clock
    }

    fn witness(&mut self) -> Served {
        let served = Served::start(&self.path("w"), vec![self.log.vkey()], self.clock());
        let (url, key) = (served.url(), served.witness.key());
        self.witnesses.push(WitnessConfig { name: "w1".into(), url, key });
        served
    }

    fn try_start(&self) -> Result<Anchors, anchor::AnchorError> {
        let alerts = Arc::clone(&self.alerts);
        let archive: Arc<LocalArchive> = Arc::clone(&self.log.archive);
        Anchors::start(Config {
            archive,
            collector: CollectorName::new("c1").unwrap(),
            key: self.log.vkey(),
            progress: self.path("progress.json"),
            every: MOMENT,
            timeout: Duration::from_secs(5),
            alert_after: Duration::from_millis(100),
            witnesses: self.witnesses.clone(),
            timestamp: self.timestamp.clone(),
            siem: self.siem.clone(),
            copy: self.copy.as_deref().map(second),
            lock_days: 0,
            clock: self.clock(),
            alert: Box::new(move |alert| alerts.lock().unwrap().push(alert.clone())),
        })
    }

    fn start(&self) -> Anchors {
        self.try_start().unwrap()
    }

    fn alerts(&self) -> Vec<Alert> {
        self.alerts.lock().unwrap().clone()
    }

    fn bytes(&self, name: &archive::Name) -> Option<Vec<u8>> {
        self.log.archive.get(name).unwrap()
    }
}

fn second(folder: &Path) -> Arc<dyn archive::Archive> {
    Arc::new(LocalArchive::create(folder, false).unwrap())
}

/// Waits until the first anchor has this size.
fn reaches(anchors: &Anchors, size: u64) -> AnchorStatus {
    until(&format!("size {size}: {:?}", anchors.status()), || {
        anchors.status().into_iter().next().filter(|status| status.size == size)
    })
}

fn policy(log: &TestLog, key: &CosignatureKey) -> Policy {
    let text = format!("log {}\nwitness W {key}\nquorum W\n", log.vkey());
    Policy::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_witness_cosigns_and_catches_up() {
    let mut bench = Bench::new();
    let served = bench.witness();
    let key = served.witness.key();
    let anchors = bench.start();
    // Nothing is published yet, which is no fault.
    std::thread::sleep(MOMENT * 3);
    assert_eq!(anchors.status()[0].failures, 0);
    bench.log.grow(3);
    reaches(&anchors, 3);
    bench.log.grow(300);
    let status = reaches(&anchors, 300);
    assert_eq!((status.failures, status.failing), (0, None));
    let kept = bench.bytes(&layout().cosigned(300, &key).unwrap()).unwrap();
    assert_eq!(Note::parse(&kept).unwrap().cosigned(&key), Ok(1_795_435_200));

    // The witness is away for a while; one alert says so, and one that it is back.
    let (address, folder) = (served.address, bench.path("w"));
    drop(served);
    bench.log.grow(400);
    until("an alert", || bench.alerts().first().cloned());
    assert!(
        matches!(&bench.alerts()[..], [Alert::Silent { anchor, .. }] if anchor == "witness:w1")
    );
    assert!(anchors.status()[0].failures > 0);
    let served = Served::start_at(&folder, vec![bench.log.vkey()], bench.clock(), address);
    reaches(&anchors, 400);
    until("the all-clear", || bench.alerts().get(1).cloned());
    assert_eq!(bench.alerts()[1], Alert::Answers { anchor: "witness:w1".into() });
    anchors.stop();

    // After a restart it goes on from where it was; a stop brings the last checkpoint too.
    let anchors = bench.start();
    assert_eq!(anchors.status()[0].size, 400);
    bench.log.grow(777);
    anchors.stop();
    assert_eq!(served.witness.logs()[0].1, 777);
    assert!(bench.bytes(&layout().cosigned(777, &key).unwrap()).is_some());

    // What lies in the archive holds.
    let judged = audit(
        bench.log.archive.as_ref(),
        &layout(),
        &policy(&bench.log, &key),
        &KeyHistory::of(bench.log.vkey()),
    );
    let judged = judged.unwrap();
    assert_eq!(judged.log.findings, Vec::<String>::new());
    assert_eq!(judged.log.quorum, Some((777, Some(1_795_435_200))));
    assert!(judged.log.witnesses[0].checkpoints >= 4);
}

#[test]
fn an_answer_that_a_crash_left_is_taken_up() {
    let mut bench = Bench::new();
    let served = bench.witness();
    bench.log.grow(10);
    let anchors = bench.start();
    reaches(&anchors, 10);
    anchors.stop();
    // The progress is lost, as when the crash came before it was kept. The clock goes on, so that
    // another cosignature would be another object.
    std::fs::remove_file(bench.path("progress.json")).unwrap();
    bench.clock.turn(Duration::from_mins(1));
    let anchors = bench.start();
    assert_eq!(reaches(&anchors, 10).failures, 0);
    bench.log.grow(20);
    assert_eq!(reaches(&anchors, 20).failures, 0);
    anchors.stop();
    drop(served);
    std::fs::write(bench.path("progress.json"), "{").unwrap();
    assert!(bench.try_start().err().unwrap().to_string().contains("progress.json"));
}

#[test]
fn a_log_that_was_cut_back_or_written_anew_is_told_at_once() {
    let mut bench = Bench::new();
    let served = bench.witness();
    bench.copy = Some(bench.path("copy"));
    bench.log.grow(50);
    let anchors = bench.start();
    reaches(&anchors, 50);
    anchors.stop();

    // Cut back: an old copy of the data directory.
    let mut cut = TestLog::new(&bench.path("cut"));
    cut.grow(30);
    let good = std::mem::replace(&mut bench.log, cut);
    let anchors = bench.start();
    until("two alerts", || (bench.alerts().len() >= 2).then_some(()));
    let contradicted = |alert: &Alert| matches!(alert, Alert::Contradicted { .. });
    assert!(bench.alerts().iter().filter(|alert| contradicted(alert)).count() >= 2);
    anchors.stop();

    // The same without knowledge of what was brought: witness and copy know it.
    std::fs::remove_file(bench.path("progress.json")).unwrap();
    let mut fork = TestLog::with_salt(&bench.path("fork"), 1);
    fork.grow(50);
    bench.log = fork;
    bench.alerts.lock().unwrap().clear();
    let anchors = bench.start();
    let both = until("both alerts", || {
        let told: Vec<Alert> = bench.alerts().into_iter().filter(contradicted).collect();
        (told.len() >= 2).then_some(told)
    });
    let text = format!("{both:?}");
    assert!(text.contains("witness:w1") && text.contains("copy:"), "{text}");
    anchors.stop();
    assert_eq!(served.witness.logs()[0].1, 50);

    // The anchors that were kept of the honest log convict the fork.
    let key = served.witness.key();
    let name = layout().cosigned(50, &key).unwrap();
    let cosigned = good.archive.get(&name).unwrap().unwrap();
    bench.log.archive.put_all(&[(name, cosigned.as_slice())], Lock::NONE).unwrap();
    let judged = audit(
        bench.log.archive.as_ref(),
        &layout(),
        &policy(&bench.log, &key),
        &KeyHistory::of(bench.log.vkey()),
    );
    let judged = judged.unwrap();
    assert_eq!(judged.log.quorum, None);
    assert!(judged.log.findings[0].contains("written anew"), "{:?}", judged.log.findings);
}

#[test]
fn a_witness_that_lost_its_state_is_told() {
    let mut bench = Bench::new();
    let served = bench.witness();
    let anchors = bench.start();
    bench.log.grow(10);
    reaches(&anchors, 10);
    // Its logs are gone, its key is not.
    let (address, folder) = (served.address, bench.path("w"));
    drop(served);
    std::fs::remove_dir_all(folder.join("logs")).unwrap();
    let _served = Served::start_at(&folder, vec![bench.log.vkey()], bench.clock(), address);
    bench.log.grow(20);
    until("it is told", || {
        let went = Alert::WentBack { anchor: "witness:w1".into(), from: 10, to: 0 };
        bench.alerts().contains(&went).then_some(())
    });
    reaches(&anchors, 20);
    anchors.stop();
}

#[test]
fn openssl_believes_the_timestamps_that_are_kept() {
    let mut bench = Bench::new();
    let Some(authority) = Authority::start(&bench.path("tsa")) else { return };
    let every = Duration::from_hours(1);
    bench.timestamp = Some(TimestampConfig { url: authority.url(), every });
    bench.log.grow(5);
    let anchors = bench.start();
    reaches(&anchors, 5);
    let folder = bench.path("archive");
    let file = |name: &archive::Name| folder.join(name.as_str());
    let verified = |size| {
        let answer = file(&layout().timestamp(size).unwrap());
        authority.verify(&answer, &file(&layout().checkpoint_of(size).unwrap()))
    };
    let output = verified(5);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let other = bench.path("other");
    std::fs::write(&other, b"something else").unwrap();
    assert!(!authority.verify(&file(&layout().timestamp(5).unwrap()), &other).status.success());

    // Not before the hour is over, by a clock that is turned; and an answer to another request, or
    // none, does not count.
    bench.log.grow(6);
    std::thread::sleep(MOMENT * 5);
    assert_eq!(authority.asked(), 1);
    authority.behave(REPLAYS);
    bench.clock.turn(every);
    let refused = until("it is refused", || anchors.status()[0].failing.clone());
    assert!(refused.contains("another digest"), "{refused}");
    authority.behave(FAILS);
    until("it fails", || anchors.status()[0].failing.clone().filter(|why| why.contains("503")));
    assert_eq!(anchors.status()[0].size, 5);
    authority.behave(ANSWERS);
    reaches(&anchors, 6);
    assert!(verified(6).status.success());
    anchors.stop();

    let none = Policy::parse(b"quorum none\n").unwrap();
    let key = KeyHistory::of(bench.log.vkey());
    let judged = audit(bench.log.archive.as_ref(), &layout(), &none, &key).unwrap();
    assert_eq!(judged.log.findings, Vec::<String>::new());
    let sizes: Vec<u64> = judged.timestamps.iter().map(|stamped| stamped.size).collect();
    assert_eq!(sizes, [5, 6]);
    // A timestamp under another size's name is none.
    let bytes = bench.bytes(&layout().timestamp(5).unwrap()).unwrap();
    let wrong = layout().timestamp(7).unwrap();
    bench.log.grow(7);
    bench.log.archive.put_all(&[(wrong, bytes.as_slice())], Lock::NONE).unwrap();
    let judged = audit(bench.log.archive.as_ref(), &layout(), &none, &key).unwrap();
    assert!(judged.log.findings[0].contains("another digest"), "{:?}", judged.log.findings);
}

#[test]
fn every_checkpoint_becomes_a_line_and_a_copy() {
    let mut bench = Bench::new();
    let lines = bench.path("siem.jsonl");
    bench.siem = Some(SiemTarget::File(lines.clone()));
    bench.copy = Some(bench.path("copy"));
    for size in [1, 2, 5] {
        bench.log.grow(size);
    }
    let anchors = bench.start();
    reaches(&anchors, 5);
    anchors.stop();
    for size in [9, 1500] {
        bench.log.grow(size);
    }
    let anchors = bench.start();
    until("both are there", || anchors.status().iter().all(|s| s.size == 1500).then_some(()));
    anchors.stop();
    let text = std::fs::read_to_string(&lines).unwrap();
    let sizes: Vec<u64> = text
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (line["origin"].as_str(), line["event"].as_str()),
                (Some(ORIGIN), Some("checkpoint"))
            );
            let note = line["note"].as_str().unwrap().as_bytes();
            let checkpoint = tlog::Checkpoint::open(note, &bench.log.vkey()).unwrap();
            assert_eq!(Some(checkpoint.size), line["size"].as_u64());
            checkpoint.size
        })
        .collect();
    assert_eq!(sizes, [1, 2, 5, 9, 1500]);
    let prefix = "c1/ledger/checkpoints/";
    let copy = LocalArchive::open(bench.path("copy")).unwrap();
    assert_eq!(copy.list(prefix).unwrap(), bench.log.archive.list(prefix).unwrap());
    for name in copy.list(prefix).unwrap() {
        assert_eq!(copy.get(&name).unwrap(), bench.bytes(&name));
    }
}

#[test]
fn syslog_has_a_message_for_every_checkpoint() {
    let mut bench = Bench::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    bench.siem = Some(SiemTarget::Udp(socket.local_addr().unwrap().to_string()));
    bench.log.grow(4);
    let anchors = bench.start();
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).unwrap();
    let text = std::str::from_utf8(&bytes[..length]).unwrap();
    assert!(text.starts_with("<134>1 2026-11-23T12:00:00.000000Z "), "{text}");
    let root = bench.log.checkpoint().root;
    let data =
        format!("[custody@32473 collector=\"c1\" origin=\"{ORIGIN}\" size=\"4\" root=\"{root}\"]");
    assert!(text.contains(&data), "{text}");
    anchors.stop();
}

#[test]
fn two_anchors_of_one_name_are_refused() {
    let mut bench = Bench::new();
    let served = bench.witness();
    let again = bench.witnesses[0].clone();
    bench.witnesses.push(again);
    assert!(bench.try_start().err().unwrap().to_string().contains("witness:w1"));
    drop(served);
    assert!(Path::new(&bench.path("w")).exists());
}
