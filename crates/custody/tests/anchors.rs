//! Anchors end to end: a recorder, a witness that is a process of its own and is killed, an openssl
//! authority, and a data directory that is put back from an old copy.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "../../anchor/tests/support/authority.rs"]
#[expect(dead_code, reason = "only some of it is used here")]
mod authority;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use authority::Authority;
use serde_json::Value;
use support::{
    SOON, Server, Setup, Upstream, Witness, chat, custody, files_under, get, post, until,
};

/// The value of the witness's metric of this name.
fn metric(server: &Server, name: &str) -> u64 {
    let start = format!("{name}{{kind=\"witness\",anchor=\"w1\"}} ");
    let text = get(server.api, "/metrics").text();
    text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().parse().unwrap()
}

fn size(server: &Server) -> u64 {
    metric(server, "custody_anchor_size")
}

/// One call, and then an anchored size past the one before.
fn grows(server: &Server, before: u64) -> u64 {
    let answer = post(server.proxy, &[], chat("anchored", false).as_bytes());
    assert_eq!(answer.head.status, 200);
    until("a larger anchored size", SOON, || Some(size(server)).filter(|now| *now > before))
}

fn verify(data: &Path, policy: &Path) -> (i32, Value) {
    let (data, policy) = (data.to_str().unwrap(), policy.to_str().unwrap());
    let run = custody(&["verify", "--json", "--data", data, "--policy", policy]);
    let report = serde_json::from_str(&run.stdout).unwrap_or(Value::String(run.stderr));
    (run.code, report)
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

fn named(data: &Path, ending: &str) -> Vec<PathBuf> {
    let anchors = data.join("archive/c1/ledger/anchors");
    let files = if anchors.is_dir() { files_under(&anchors) } else { Vec::new() };
    files.into_iter().filter(|file| file.to_str().unwrap().ends_with(ending)).collect()
}

#[test]
fn checkpoints_go_outward_and_a_log_that_is_cut_back_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let mut setup = Setup::new(folder.path(), upstream.address);
    // Keys come first: the log's for the witness, the witness's for the log.
    let server = Server::start(&setup);
    let log = server.key.clone();
    server.stop();
    let state = folder.path().join("witness");
    let mut witness = Witness::start(&state, &[&log], "127.0.0.1:0");
    let authority = Authority::start(&folder.path().join("tsa"));
    let lines = folder.path().join("siem.jsonl");
    setup.more = format!(
        "[anchors]\nevery = \"100ms\"\ntimeout = \"5s\"\nalert_after = \"500ms\"\n\
         [[anchors.witness]]\nname = \"w1\"\nurl = {:?}\nkey = {:?}\n\
         [anchors.siem]\nto = \"file:{}\"\n[anchors.copy]\narchive = {:?}\n",
        witness.url,
        witness.key,
        lines.display(),
        folder.path().join("copy"),
    );
    if let Some(authority) = &authority {
        let table = format!("[anchors.timestamp]\nevery = \"1s\"\nurl = {:?}\n", authority.url());
        setup.more.push_str(&table);
    }
    let policy = folder.path().join("policy");
    std::fs::write(&policy, format!("log {log}\nwitness W {}\nquorum W\n", witness.key)).unwrap();

    // Without an anchor the policy does not hold; what is wrong in it is wrong usage.
    let (code, report) = verify(&setup.data, &policy);
    assert_eq!((code, &report["policy"]["holds"]), (1, &Value::Bool(false)), "{report:#}");
    let wrong = folder.path().join("wrong");
    std::fs::write(&wrong, "log x\n").unwrap();
    let (code, said) = verify(&setup.data, &wrong);
    assert!(code == 2 && said.as_str().unwrap().contains("line 1"), "{said}");

    let server = Server::start(&setup);
    let first = grows(&server, 0);

    // Killed between two requests: the recorder goes on, and the witness goes on where it was.
    witness.kill();
    let failures = metric(&server, "custody_anchor_failures_total");
    assert_eq!(post(server.proxy, &[], chat("meanwhile", false).as_bytes()).head.status, 200);
    until("a failure", SOON, || {
        (metric(&server, "custody_anchor_failures_total") > failures).then_some(())
    });
    assert_eq!(get(server.api, "/readyz").head.status, 200);
    until("it is told", SOON, || server.stderr().contains("anchor-silent").then_some(()));
    let listen = witness.listen();
    let mut witness = Witness::start(&state, &[&log], &listen);
    let second = grows(&server, first);
    server.stop();

    // What was kept holds, up to the last checkpoint: a stop brings that one too.
    let (code, report) = verify(&setup.data, &policy);
    assert_eq!(code, 0, "{report:#}");
    let judged = &report["policy"]["collectors"][0];
    assert_eq!((&judged["quorum"], &judged["quorum_size"]), (&Value::Bool(true), &judged["size"]));
    let upto = judged["size"].as_u64().unwrap();
    assert!(upto >= second);
    // A policy that names no log is about all of them; one that names others is about none.
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    std::fs::write(&own, format!("witness W {}\nquorum W\n", witness.key)).unwrap();
    assert_eq!(verify(&setup.data, &own).0, 0);
    let stranger =
        "custody.local/0123abcd/c1+75973377+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    std::fs::write(&other, format!("log {stranger}\nquorum none\n")).unwrap();
    let (code, other) = verify(&setup.data, &other);
    assert_eq!((code, &other["policy"]["not_named"][0]), (1, &Value::from("c1")), "{other:#}");
    if let Some(authority) = &authority {
        let stamps = named(&setup.data, "timestamp.tsr");
        assert!(!stamps.is_empty());
        for stamp in stamps {
            let size = stamp.parent().unwrap().file_name().unwrap();
            let over = setup.data.join("archive/c1/ledger/checkpoints").join(size);
            let output = authority.verify(&stamp, &over);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert!(!judged["timestamps"].as_array().unwrap().is_empty());
    }
    let kept = setup.data.join("archive/c1/ledger/checkpoints");
    let count = files_under(&kept).len();
    assert_eq!(files_under(&folder.path().join("copy/c1/ledger/checkpoints")).len(), count);
    assert_eq!(std::fs::read_to_string(&lines).unwrap().lines().count(), count);

    // The data directory is put back from an old copy, as if what came since had never been.
    let old = folder.path().join("old");
    copy(&setup.data, &old);
    let server = Server::start(&setup);
    let honest = grows(&server, upto);
    server.stop();
    let seen = named(&setup.data, ".note").pop().unwrap();
    let honest_data = folder.path().join("honest");
    std::fs::rename(&setup.data, &honest_data).unwrap();
    copy(&old, &setup.data);
    let server = Server::start(&setup);
    assert_eq!(post(server.proxy, &[], chat("a fork", false).as_bytes()).head.status, 200);
    until("the witness contradicts", SOON, || {
        server.stderr().contains("witness:w1 holds another history").then_some(())
    });
    assert!(size(&server) < honest);
    server.stop();

    // The fork is in order by itself, and anchored only where it is still the honest log. With one
    // note of the time after it is convicted.
    let (code, report) = verify(&setup.data, &policy);
    let judged = &report["policy"]["collectors"][0];
    assert_eq!(code, 0, "{report:#}");
    assert!(judged["quorum_size"].as_u64().unwrap() < judged["size"].as_u64().unwrap());
    let name = seen.strip_prefix(&setup.data).unwrap();
    std::fs::create_dir_all(setup.data.join(name).parent().unwrap()).unwrap();
    std::fs::copy(honest_data.join(name), setup.data.join(name)).unwrap();
    let (code, report) = verify(&setup.data, &policy);
    assert_eq!(code, 1, "{report:#}");
    let findings = report["policy"]["collectors"][0]["findings"].to_string();
    assert!(findings.contains("written anew") || findings.contains("cut back"), "{findings}");
    witness.kill();
}

fn offline(data: &Path, policy: &Path) -> Option<i32> {
    let program = Path::new(env!("CARGO_BIN_EXE_custody")).with_file_name("custody-verify");
    if !program.exists() {
        eprintln!("LEFT OUT: custody-verify is not built; cargo build -p custody-verify");
        return None;
    }
    let output = Command::new(program).arg(data).arg("--policy").arg(policy).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    output.status.code()
}

/// Witness, SIEM lines, copy, audit and policy go on when the log's key changes, twice.
#[test]
fn anchors_follow_a_log_that_changes_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let mut setup = Setup::new(folder.path(), upstream.address);
    let server = Server::start(&setup);
    let mut keys = vec![server.key.clone()];
    server.stop();
    let state = folder.path().join("witness");
    let mut witness = Witness::start(&state, &[&keys[0]], "127.0.0.1:0");
    let (listen, lines) = (witness.listen(), folder.path().join("siem.jsonl"));
    setup.more = format!(
        "[anchors]\nevery = \"100ms\"\ntimeout = \"5s\"\nalert_after = \"500ms\"\n\
         [[anchors.witness]]\nname = \"w1\"\nurl = {:?}\nkey = {:?}\n\
         [anchors.siem]\nto = \"file:{}\"\n[anchors.copy]\narchive = {:?}\n",
        witness.url,
        witness.key,
        lines.display(),
        folder.path().join("copy"),
    );
    let server = Server::start(&setup);
    let mut before = grows(&server, 0);
    server.stop();

    for round in 0..2 {
        let config = setup.write();
        let rotate =
            custody(&["keys", "rotate", "signing", "--json", "--config", config.to_str().unwrap()]);
        let said: Value = serde_json::from_str(&rotate.stdout).unwrap();
        keys.push(said["new"].as_str().unwrap().to_owned());
        let server = Server::start(&setup);
        let refused = server.stderr().matches("with another key than ours").count();
        until("the hand-over", SOON, || {
            server
                .stderr()
                .contains(&format!("new={}", said["new"].as_str().unwrap()))
                .then_some(())
        });
        // The witness knows the old key only: it refuses what the new one alone signed.
        let call = || post(server.proxy, &[], chat("handed over", false).as_bytes());
        assert_eq!(call().head.status, 200);
        until("the witness refuses", SOON, || {
            (server.stderr().matches("with another key than ours").count() > refused).then_some(())
        });
        witness.kill();
        // Both keys, and then the new one alone.
        let known: Vec<&str> = keys[round..].iter().map(String::as_str).collect();
        witness = Witness::start(&state, &known, &listen);
        before = grows(&server, before.max(size(&server)));
        server.stop();
    }

    let policy = |name: &str, logs: &[&String]| {
        let path = folder.path().join(name);
        let logs: Vec<String> = logs.iter().map(|key| format!("log {key}\n")).collect();
        let logs = logs.concat();
        std::fs::write(&path, format!("{logs}witness W {}\nquorum W\n", witness.key)).unwrap();
        path
    };
    let all: Vec<&String> = keys.iter().collect();
    for (name, logs) in [
        ("first", &all[..1]),
        ("second", &all[1..2]),
        ("last", &all[2..]),
        ("all", &all),
        ("none", &[]),
    ] {
        let path = policy(name, logs);
        let (code, report) = verify(&setup.data, &path);
        let judged = &report["policy"]["collectors"][0];
        assert_eq!(code, 0, "{name}: {report:#}");
        assert_eq!(judged["quorum_size"], judged["size"], "{name}: {report:#}");
        assert!(judged["size"].as_u64().unwrap() >= before);
        if !logs.is_empty() {
            assert_ne!(offline(&setup.data, &path), Some(1), "{name}");
        }
    }
    // A stranger's key of that name is not one of the log's.
    let origin = keys[0].split('+').next().unwrap();
    let stranger = tlog::SigningKey::new(origin, &[9; 32]).unwrap().verifying_key().to_string();
    let path = policy("stranger", &[&stranger]);
    assert_eq!(verify(&setup.data, &path).0, 1);
    assert_ne!(offline(&setup.data, &path), Some(0));

    let kept = setup.data.join("archive/c1/ledger/checkpoints");
    let count = files_under(&kept).len();
    assert_eq!(files_under(&folder.path().join("copy/c1/ledger/checkpoints")).len(), count);
    assert_eq!(std::fs::read_to_string(&lines).unwrap().lines().count(), count);
    // Without the record of the first change, who trusts the key before it is led nowhere.
    let changes = files_under(&setup.data.join("archive/c1/ledger/key-changes"));
    std::fs::remove_file(&changes[0]).unwrap();
    assert_eq!(verify(&setup.data, &policy("again", &all[..1])).0, 1);
    witness.kill();
}

#[test]
fn a_witness_that_cannot_be_trusted_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("w");
    let at = state.to_str().unwrap();
    let serve = |more: &[&str]| {
        let mut arguments = vec!["witness", "serve", "--listen", "127.0.0.1:0", "--state", at];
        arguments.extend(more);
        custody(&arguments)
    };
    assert_eq!(serve(&[]).code, 2);
    let run = serve(&["--log", "no key"]);
    assert!(run.code == 2 && run.stderr.contains("--log"), "{run:?}");
    let log = "example.com/log+75973377+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    let run = serve(&["--log", log]);
    assert!(run.code == 2 && run.stderr.contains("hash does not fit"), "{run:?}");
    let log = "custody.local/0123abcd/c1+75973377+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    let run = serve(&["--log", log, "--name", "two words"]);
    assert!(run.code == 2 && run.stderr.contains("no spaces"), "{run:?}");
    let mut witness = Witness::start(&state, &[log], "127.0.0.1:0");
    let busy = serve(&["--log", log]);
    assert!(busy.code == 3 && busy.stderr.contains("another witness"), "{busy:?}");
    witness.kill();
    let other = serve(&["--log", log, "--name", "witness.example/w2"]);
    assert!(other.code == 2 && other.stderr.contains("witness.example/w1"), "{other:?}");
    std::fs::write(state.join("witness.key"), "name w\n").unwrap();
    let damaged = serve(&["--log", log]);
    assert!(damaged.code == 3 && damaged.stderr.contains("witness.key"), "{damaged:?}");
}

#[test]
fn a_wrong_anchor_is_wrong_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = Setup::new(folder.path(), ([127, 0, 0, 1], 1).into());
    for (more, said) in [
        ("[[anchors.witness]]\nname = \"w\"\nurl = \"https://w\"\nkey = \"k\"\n", "w: key"),
        ("[anchors.timestamp]\nurl = \"tsa\"\n", "[anchors.timestamp]"),
        ("[anchors.siem]\nto = \"siem\"\n", "[anchors.siem]"),
        ("[anchors.siem]\nfrom = \"siem\"\n", "unknown key \"from\""),
    ] {
        more.clone_into(&mut setup.more);
        let run = Server::try_start(&setup).err().unwrap();
        assert!(run.code == 2 && run.stderr.contains(said), "{run:?}");
        let config = setup.write();
        let check = custody(&["config", "check", "--config", config.to_str().unwrap()]);
        assert!(check.code == 2 && check.stderr.contains(said), "{check:?}");
    }
}
