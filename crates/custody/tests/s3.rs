//! A bucket with Object Lock as archive: outages, locks, shadows, erasure, refusals.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use archive::{Archive as _, Name, S3Access, S3Archive, S3Config, Stored};
use serde_json::Value;
use support::{
    Run, S3, SOON, Server, Setup, Upstream, Weather, chat, custody_with, get, post, until,
};

type Environment = Vec<(String, String)>;

/// A recorder that archives to `place`.
fn setup(folder: &std::path::Path, upstream: &Upstream, place: &str, env: &Environment) -> Setup {
    let ledger = "seal_every = \"200ms\"".to_owned();
    let environment = env.clone();
    let mut setup = Setup { ledger, environment, ..Setup::new(folder, upstream.address) };
    setup.environment.push(("CUSTODY_ARCHIVE".to_owned(), place.to_owned()));
    setup
}

/// Runs a command on the recorder's data and bucket.
fn run(setup: &Setup, command: &[&str]) -> Run {
    let config = setup.folder.join("custody.toml");
    let mut arguments = command.to_vec();
    arguments.extend(["--config", config.to_str().unwrap()]);
    custody_with(&arguments, &setup.environment)
}

fn verify(setup: &Setup, more: &[&str]) -> (i32, Value) {
    let mut command = vec!["verify", "--json"];
    command.extend(more);
    let run = run(setup, &command);
    let report = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|_| serde_json::json!({ "error": run.stderr }));
    (run.code, report)
}

fn verified(setup: &Setup) -> Value {
    let (code, report) = verify(setup, &[]);
    assert_eq!(code, 0, "{report:#}");
    report["collectors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["collector"] == "c1")
        .unwrap()
        .clone()
}

fn call(server: &Server, user: &str, text: &str) -> String {
    let answer = post(server.proxy, &[("custody-user", user)], chat(text, false).as_bytes());
    assert_eq!(answer.head.status, 200);
    answer.head.id()
}

/// All versions of all objects of an archive, by name.
fn objects(env: &Environment, place: &str) -> (S3Archive, BTreeMap<Name, Vec<Stored>>) {
    let value = |name: &str| env.iter().find(|(n, _)| n == name).unwrap().1.clone();
    let archive = S3Archive::new(S3Config {
        url: place.parse().unwrap(),
        spool: None,
        allow_unlocked: true,
        cold_class: None,
        access: Some(S3Access {
            endpoint: value("AWS_ENDPOINT_URL"),
            region: value("AWS_REGION"),
            key: value("AWS_ACCESS_KEY_ID"),
            secret: value("AWS_SECRET_ACCESS_KEY"),
        }),
    })
    .unwrap();
    let mut objects: BTreeMap<Name, Vec<Stored>> = BTreeMap::new();
    for stored in archive.versions("").unwrap().unwrap() {
        objects.entry(stored.name.clone()).or_default().push(stored);
    }
    (archive, objects)
}

fn metric(server: &Server, name: &str) -> u64 {
    let text = get(server.api, "/metrics").text();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name}")).split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn everything_is_locked_and_read_back() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let (place, env) = (s3.place(true), s3.environment(None));
    let setup = setup(folder.path(), &upstream, &place, &env);
    let server = Server::start(&setup);
    let id = call(&server, "alice", "what the kestrel said");
    until("the probe", SOON, || (metric(&server, "custody_lock_probes_total") == 1).then_some(()));
    assert_eq!(metric(&server, "custody_lock_broken"), 0);
    until("the seal", SOON, || (metric(&server, "custody_unsealed_records") == 0).then_some(()));
    server.stop();

    let (code, report) = verify(&setup, &["--locks"]);
    assert_eq!(code, 0, "{report:#}");
    let c1 = report["collectors"].as_array().unwrap().iter().find(|c| c["collector"] == "c1");
    let locks = &c1.unwrap()["locks"];
    assert!(locks["objects"].as_u64().unwrap() > 5, "{locks}");
    assert_eq!(locks["objects"], locks["locked"]);
    let shown = run(&setup, &["show", &id, "--json", "--unrecorded"]);
    assert!(shown.stdout.contains("what the kestrel said"), "{}", shown.stderr);
    let trail = run(&setup, &["search", "--json", "--metadata", "--where", "kind = probe"]);
    assert_eq!(trail.lines().len(), 1, "{}", trail.stdout);

    // Every version of every object, the ones that are replaced too.
    let (archive, objects) = objects(&env, &place);
    for stored in objects.values().flatten().filter(|stored| !stored.marker) {
        if stored.name.as_str().starts_with("probe/") {
            continue;
        }
        let lock = archive.lock_of(&stored.name, &stored.version).unwrap();
        assert_eq!(lock.mode.as_deref(), Some("COMPLIANCE"), "{stored:?}");
    }
    let probed = run(&setup, &["worm-probe", "--json"]);
    assert_eq!((probed.code, probed.lines().len()), (0, 10), "{}", probed.stderr);
    assert!(probed.lines().iter().all(|check| check["outcome"] == "held"));
}

#[test]
fn the_application_does_not_notice_that_the_bucket_is_away() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let relay = s3.relay();
    let (place, env) = (s3.place(true), s3.environment(Some(&relay)));
    let mut setup = setup(folder.path(), &upstream, &place, &env);
    setup.ledger.push_str("\nsegment_age = \"1s\"");
    let mut server = Server::start(&setup);
    let mut ids = vec![call(&server, "alice", "before")];
    let ready = |server: &Server| get(server.api, "/readyz");
    let weathers =
        [Weather::Gone, Weather::Error, Weather::Forbidden, Weather::Full, Weather::Slow];
    for weather in weathers {
        relay.set(weather);
        let began = Instant::now();
        for i in 0..20 {
            let sent = Instant::now();
            ids.push(call(&server, "alice", &format!("{weather:?} {i}")));
            assert!(sent.elapsed() < Duration::from_secs(2), "{weather:?}: {:?}", sent.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        if weather != Weather::Slow {
            until("readyz tells", SOON, || {
                let answer = ready(&server);
                assert_eq!(answer.head.status, 200);
                (answer.json()["degraded"] == true).then_some(())
            });
            assert_eq!(metric(&server, "custody_archive_available"), 0, "{weather:?}");
        }
        // A crash, and a start while the bucket is away.
        if weather == Weather::Gone {
            server.kill();
            server = Server::start(&setup);
            ids.push(call(&server, "alice", "after the crash"));
        }
        relay.set(Weather::Fair);
        until(&format!("all is sealed after {weather:?}, {:?}", began.elapsed()), SOON * 3, || {
            let well = metric(&server, "custody_archive_available") == 1
                && metric(&server, "custody_unsealed_records") == 0;
            well.then_some(())
        });
        assert_eq!(ready(&server).json()["degraded"], false);
    }
    // It may even be away when the recorder ends.
    relay.set(Weather::Gone);
    ids.push(call(&server, "alice", "last"));
    server.stop();
    relay.set(Weather::Fair);
    let server = Server::start(&setup);
    server.stop();

    let report = verified(&setup);
    let recorded = report["numbers"]["recorded"].as_u64().unwrap();
    assert_eq!(usize::try_from(recorded).unwrap(), ids.len());
    assert_eq!(report["numbers"]["missing"], 0);
    // Once each, and in order.
    let (_, objects) = objects(&s3.environment(None), &place);
    for (name, versions) in objects.iter().filter(|(name, _)| !name.changes()) {
        if !name.as_str().starts_with("probe/") {
            assert_eq!(versions.len(), 1, "{name} was put {} times", versions.len());
        }
    }
}

#[test]
fn a_bucket_that_hangs_delays_nobody() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let relay = s3.relay();
    let (place, env) = (s3.place(true), s3.environment(Some(&relay)));
    let setup = setup(folder.path(), &upstream, &place, &env);
    let server = Server::start(&setup);
    call(&server, "alice", "before");
    relay.set(Weather::Hangs);
    for i in 0..20 {
        let sent = Instant::now();
        call(&server, "alice", &format!("{i}"));
        assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
    }
    server.kill();
    relay.set(Weather::Fair);
    let server = Server::start(&setup);
    server.stop();
    assert_eq!(verified(&setup)["numbers"]["recorded"], 21);
}

#[test]
fn shadows_and_delete_markers_are_found_and_fool_nobody() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let (place, env) = (s3.place(true), s3.environment(None));
    let setup = setup(folder.path(), &upstream, &place, &env);
    let server = Server::start(&setup);
    let id = call(&server, "alice", "the truth");
    server.stop();
    verified(&setup);
    let (_, objects) = objects(&env, &place);
    let parts = objects.keys().find(|name| name.as_str().contains("/parts/")).unwrap();
    let records = objects.keys().find(|name| {
        name.as_str().contains("/records/") && name.as_str().contains("class=standard")
    });
    let path = place.strip_prefix("s3://").unwrap();
    let (parts, records) = (format!("{path}/{parts}"), format!("{path}/{}", records.unwrap()));
    let shadow = folder.path().join("shadow");
    std::fs::write(&shadow, "not Parquet").unwrap();
    assert_eq!(s3.curl(&["-T", shadow.to_str().unwrap()], &[], &parts), 200);
    assert_eq!(s3.curl(&["-X", "DELETE"], &[], &records), 204);
    let shown = run(&setup, &["show", &id, "--json", "--unrecorded"]);
    assert!(shown.stdout.contains("the truth"), "{}", shown.stderr);
    let (code, report) = verify(&setup, &[]);
    assert_eq!(code, 1, "{report:#}");
    let text = report.to_string();
    assert!(text.contains("shadows it") && text.contains("a delete marker hides it"), "{report:#}");
}

#[test]
fn garbage_over_what_changes_stops_neither_recorder_nor_reader() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let (place, env) = (s3.place(true), s3.environment(None));
    let setup = setup(folder.path(), &upstream, &place, &env);
    let server = Server::start(&setup);
    let first = call(&server, "alice", "before the garbage");
    until("the seal", SOON, || (metric(&server, "custody_unsealed_records") == 0).then_some(()));
    let garbage = folder.path().join("garbage");
    std::fs::write(&garbage, "nothing").unwrap();
    let path = place.strip_prefix("s3://").unwrap();
    for name in ["custody.json", "c1/ledger/checkpoint"] {
        let put = ["-T", garbage.to_str().unwrap()];
        assert_eq!(s3.curl(&put, &[], &format!("{path}/{name}")), 200);
    }
    let shown = run(&setup, &["show", &first, "--json", "--unrecorded"]);
    assert!(shown.stdout.contains("before the garbage"), "{}", shown.stderr);
    let second = call(&server, "alice", "after the garbage");
    until("the next seal", SOON, || {
        let sealed = metric(&server, "custody_unsealed_records") == 0;
        (sealed && metric(&server, "custody_archive_available") == 1).then_some(())
    });
    server.stop();
    let shown = run(&setup, &["show", &second, "--json", "--unrecorded"]);
    assert!(shown.stdout.contains("after the garbage"), "{}", shown.stderr);
    let (code, report) = verify(&setup, &[]);
    assert_eq!(code, 1, "{report:#}");
    assert!(report.to_string().contains("cannot be read"), "{report:#}");
    Server::start(&setup).stop();
}

#[test]
fn an_erasure_reaches_the_bucket() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let (place, env) = (s3.place(true), s3.environment(None));
    let setup = setup(folder.path(), &upstream, &place, &env);
    let server = Server::start(&setup);
    let hers = call(&server, "alice@example.com", "what alice alone would ask");
    let his = call(&server, "bob", "what another one would ask");
    // The recorder runs: the command asks it.
    let planned = run(&setup, &["erase", "alice@example.com", "--dry-run", "--json"]);
    assert_eq!(planned.lines()[0]["state"], "planned", "{planned:?}");
    let held = run(&setup, &["hold", "place", "case-1", "--user", "alice@example.com", "--json"]);
    assert_eq!(held.code, 0, "{held:?}");
    let refused = run(&setup, &["erase", "alice@example.com"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("case-1"), "{refused:?}");
    assert_eq!(run(&setup, &["hold", "lift", "case-1"]).code, 0);
    let erased = run(&setup, &["erase", "alice@example.com", "--json"]);
    assert_eq!(erased.lines()[0]["state"], "erased", "{erased:?}");
    server.stop();

    let report = verified(&setup);
    assert_eq!(report["unopenable"], 1, "{report:#}");
    let show = |id: &str| run(&setup, &["show", id, "--json", "--unrecorded"]).stdout;
    assert!(show(&hers).contains("its key was destroyed"));
    assert!(show(&his).contains("what another one would ask"));
    // No recorder runs: the command does it itself.
    let erased = run(&setup, &["erase", "bob", "--json"]);
    assert_eq!(erased.lines()[0]["state"], "erased", "{erased:?}");
    assert!(show(&his).contains("its key was destroyed"));
    let (code, report) = verify(&setup, &[]);
    assert_eq!(code, 0, "{report:#}");

    let needles: [&[u8]; 4] = [b"alice", b"bob would", b"alone would ask", b"example.com"];
    let hit = |bytes: &[u8]| needles.iter().any(|n| bytes.windows(n.len()).any(|w| w == *n));
    let (archive, objects) = objects(&env, &place);
    for stored in objects.values().flatten().filter(|stored| !stored.marker) {
        let bytes = archive.get_version(&stored.name, &stored.version).unwrap().unwrap();
        assert!(!hit(&bytes), "{stored:?}");
    }
    for file in support::files_under(&setup.data) {
        assert!(!hit(&std::fs::read(&file).unwrap()), "{}", file.display());
    }
}

#[test]
fn what_can_never_work_is_refused_at_the_start() {
    let Some(s3) = S3::find() else { return };
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let env = s3.environment(None);
    let start = |name: &str, place: &str, env: &Environment, allow: bool| {
        let folder = folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut setup = setup(&folder, &upstream, place, env);
        if allow {
            setup.environment.push(("CUSTODY_ALLOW_UNLOCKED".to_owned(), "true".to_owned()));
        }
        Server::try_start(&setup)
    };
    let refused = |name: &str, place: &str, env: &Environment, what: &str| {
        let Err(run) = start(name, place, env, false) else { panic!("{place} was taken") };
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(what), "{run:?}");
    };
    refused("none", "s3://custody-test-none/x", &env, "no such bucket");
    refused("plain", &s3.place(false), &env, "no Object Lock");
    refused("url", "s3://", &env, "bucket");
    refused("scheme", "gs://bucket/x", &env, "s3://");
    let mut wrong = env.clone();
    wrong[3].1.push('x');
    refused("secret", &s3.place(true), &wrong, "AWS_SECRET_ACCESS_KEY");
    start("allowed", &s3.place(false), &env, true).unwrap().stop();

    // Two installations with one collector's name.
    let place = s3.place(true);
    let first = start("one", &place, &env, false).unwrap();
    let Err(second) = start("two", &place, &env, false) else { panic!("two wrote one log") };
    assert!(second.stderr.contains("another name"), "{second:?}");
    first.stop();
}
