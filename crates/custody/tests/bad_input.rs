//! Traffic, files and arguments as nobody should send them: each call is a record all the same.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use serde_json::Value;
use support::{Reply, Server, Setup, Upstream, chat, custody, outcome_of, post, verified};

const CHAT: &str = "/openai/v1/chat/completions";

fn ready() -> (tempfile::TempDir, Upstream, Server) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let server = Server::start(&Setup::new(folder.path(), upstream.address));
    (folder, upstream, server)
}

fn ended(server: Server, calls: usize) {
    let data = server.data().to_owned();
    server.no_panic();
    server.stop();
    let numbers = verified(&data);
    assert_eq!(numbers["recorded"], calls, "{numbers:#}");
    assert_eq!(numbers["gaps"], 0, "{numbers:#}");
}

fn nested(depth: usize) -> Vec<u8> {
    let mut body = b"{\"model\":\"m\",\"messages\":".to_vec();
    body.extend(std::iter::repeat_n(b'[', depth));
    body.extend(std::iter::repeat_n(b']', depth));
    body.push(b'}');
    body
}

#[test]
fn every_odd_request_is_a_record() {
    let (_folder, upstream, server) = ready();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("not JSON", b"this is no JSON".to_vec()),
        ("empty", Vec::new()),
        ("cut JSON", br#"{"model": "gpt-4o", "messages": [{"role": "us"#.to_vec()),
        ("invalid UTF-8", b"{\"model\": \"\xff\xfe\", \"messages\": \"\xc3\x28\"}".to_vec()),
        ("a lone surrogate", br#"{"model": "\ud800", "messages": []}"#.to_vec()),
        ("NUL", b"{\"model\": \"a\0b\", \"messages\": [{\"role\": \"user\", \"content\": \"\\u0000\"}]}".to_vec()),
        ("200 levels", nested(200)),
        ("100,000 levels", nested(100_000)),
        ("duplicate keys", br#"{"model": "a", "model": "b", "messages": [{"role": "user", "content": "x", "content": "y"}]}"#.to_vec()),
        ("wrong types", br#"{"model": 5, "messages": {"role": 1}, "tools": "x", "stream": "yes", "user": [1]}"#.to_vec()),
        ("numbers", br#"{"model": "m", "temperature": 1e999, "seed": 123456789012345678901234567890, "n": -0.0, "messages": []}"#.to_vec()),
        ("an array", b"[1, 2, 3]".to_vec()),
        ("a BOM", "\u{feff}{\"model\": \"m\", \"messages\": []}".as_bytes().to_vec()),
        ("wrong gzip", b"\x1f\x8b\x08\x00 no gzip".to_vec()),
    ];
    for (name, body) in &bodies {
        let encoding = if *name == "wrong gzip" { "gzip" } else { "identity" };
        let headers = [("x-test", *name), ("content-encoding", encoding)];
        let got = post(server.proxy, &headers, body);
        assert_eq!(got.head.status, 200, "{name}");
        assert_eq!(&upstream.seen_as(name).unwrap().body, body, "{name}");
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["response"]["outcome"], "complete", "{name}: {record:#}");
        assert_eq!(record["request"]["bytes"], body.len(), "{name}");
    }
    ended(server, bodies.len());
}

#[test]
fn every_odd_answer_is_a_record() {
    let (_folder, upstream, server) = ready();
    let tiny = support::token_event("x").repeat(100_000) + "data: [DONE]\n\n";
    let big = support::token_event(&"word_".repeat(2 << 20)) + "data: [DONE]\n\n";
    let (stream, json) = ("text/event-stream", "application/json");
    let answers: Vec<(&str, &str, u16, Vec<u8>)> = vec![
        ("tiny-events", stream, 200, tiny.into_bytes()),
        ("big-event", stream, 200, big.into_bytes()),
        ("no-json", json, 200, b"<html>".to_vec()),
        ("deep", json, 200, nested(200)),
        ("deeper", stream, 200, [b"data: ".as_slice(), &nested(50_000), b"\n\n"].concat()),
        (
            "invalid-utf8",
            stream,
            200,
            b"data: {\"choices\": [{\"delta\": {\"content\": \"\xff\"}}]}\n\n".to_vec(),
        ),
        ("no-newline", stream, 200, b"data: {\"a\": 1}".to_vec()),
        ("only-comments", stream, 200, b": hi\n\n: hi\n\n".to_vec()),
        (
            "crlf",
            stream,
            200,
            b"event: x\r\ndata: {\"choices\": []}\r\n\r\n\r\n\r\ndata: [DONE]\r\n\r\n".to_vec(),
        ),
        ("odd-error", json, 500, br#"{"error": "just text"}"#.to_vec()),
        ("empty-200", json, 200, Vec::new()),
        (
            "odd-usage",
            json,
            200,
            br#"{"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": 1e300}}"#
                .to_vec(),
        ),
        ("no-type", "x", 200, vec![0; 100_000]),
    ];
    for (name, kind, status, body) in &answers {
        let headers = vec![("content-type", (*kind).to_owned())];
        upstream.put(name, Reply { status: *status, headers, body: body.clone(), chunk: 16_000 });
        let script = format!("put {name}");
        let got = post(server.proxy, &[("x-script", &script)], chat("hi", true).as_bytes());
        assert_eq!(got.head.status, *status, "{name}");
        assert!(got.body == *body, "{name}: {} bytes", got.body.len());
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["response"]["bytes"], body.len(), "{name}");
        assert_ne!(record["response"]["outcome"], "client_abort", "{name}");
    }
    ended(server, answers.len());
}

#[test]
fn odd_headers_harm_nobody() {
    let (_folder, _upstream, server) = ready();
    let long = "x".repeat(60_000);
    let many = (0..2000).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    let cases = [
        ("custody-tags", many.as_str()),
        ("custody-user", long.as_str()),
        ("custody-session", "\u{202e}evil \t tab"),
        ("custody-role", ",,;;,"),
        ("custody-correlation-id", "../../../etc/passwd"),
        ("traceparent", "00-zz-zz-zz"),
        ("baggage", "user.id=%ff%fe,=,;,session.id"),
        ("x-stainless-retry-count", "99999999999999999999"),
        ("x-stainless-retry-count", "4294967295"),
        ("content-type", "\"; boundary"),
    ];
    for (name, value) in cases {
        let got = post(server.proxy, &[(name, value)], chat("hi", false).as_bytes());
        assert_eq!(got.head.status, 200, "{name}: {}", got.text());
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["response"]["outcome"], "complete", "{name}");
    }
    ended(server, cases.len());
}

#[test]
fn a_typo_in_the_configuration_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("custody.toml");
    let file = path.to_str().unwrap();
    for (text, expected) in [
        (
            "[proxy]\nlisten = \"127.0.0.1:0\"\nmoed = \"evidence\"\n",
            vec!["line 3", "moed", "mode"],
        ),
        ("dta = \"x\"\n", vec!["line 1", "dta", "data"]),
        ("[capture]\nmemory = \"lots\"\n", vec!["line 2", "lots"]),
        ("[proxy]\nmode = \"strict\"\n", vec!["strict", "fail-closed"]),
        ("[[upstream]]\nname = \"x\"\nbase_url = \"ftp://x\"\n", vec!["ftp://x", "http"]),
        ("[[upstream]]\nname = \"a/b\"\nbase_url = \"http://x\"\n", vec!["a/b"]),
        ("[api]\nlisten = \"0.0.0.0:0\"\n", vec!["loopback"]),
        ("collector = \"../x\"\n", vec!["../x"]),
        ("this is no TOML\n", vec!["line 1"]),
    ] {
        put_file(&path, text);
        let run = custody(&[
            "serve",
            "--config",
            file,
            "--data",
            folder.path().join("d").to_str().unwrap(),
        ]);
        assert_eq!(run.code, 2, "{text}: {run:?}");
        for piece in expected {
            assert!(run.stderr.contains(piece), "{text}: {}", run.stderr);
        }
    }
    assert!(!folder.path().join("d/collectors").exists(), "a wrong configuration left data behind");
    put_file(&path, "[proxy]\nlisten = \"127.0.0.1:0\"\n");
    assert_eq!(custody(&["config", "check", "--config", file]).code, 0);
}

/// A cluster gives every container variables of its services; one that is called `custody` makes
/// these, and they are no configuration.
#[test]
fn variables_of_a_cluster_do_not_stop_it() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_custody"))
        .args(["config", "check"])
        .current_dir(std::env::temp_dir())
        .env_remove(support::ROUNDS)
        .envs([
            ("CUSTODY_SERVICE_HOST", "10.0.0.1"),
            ("CUSTODY_SERVICE_PORT", "8080"),
            ("CUSTODY_PORT", "tcp://10.0.0.1:8080"),
            ("CUSTODY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_configuration_that_cannot_start_is_not_called_good() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("custody.toml");
    let path = config.to_str().unwrap();
    let data = format!("data = {:?}\n", folder.path().join("data").to_str().unwrap());
    for (wrong, names) in [
        ("archive = \"s3:/bucket/x\"", "s3://bucket/prefix"),
        ("archive = \"s3://\"", "bucket"),
        ("archive = \"\"", "archive"),
        ("collector = \"../x\"", "collector"),
        ("collector = \"reader\"", "collector"),
        ("[tiers]\ncold = \"S3://bucket/x\"", "[tiers] cold"),
        ("[anchors.copy]\narchive = \"s3:/x\"", "[anchors.copy]"),
        ("[lifecycle]\nprobe_every = \"0s\"", "probe_every"),
        ("[retention.standard]\nlock = \"99999999d\"\nmetadata = \"forever\"", "lock"),
        ("[masking.entities]\nNOTHING = \"mask\"", "NOTHING"),
        ("[api]\nlisten = \"0.0.0.0:1\"", "[api] listen"),
    ] {
        put_file(&config, &format!("{data}{wrong}\n"));
        for command in [vec!["config", "check", "--config", path], vec!["serve", "--config", path]]
        {
            let run = custody(&command);
            assert_eq!(run.code, 2, "{wrong}: {run:?}");
            assert!(run.stderr.contains(names), "{wrong}: {}", run.stderr);
        }
    }
    assert!(!folder.path().join("data").exists(), "something was begun all the same");
}

fn put_file(path: &std::path::Path, text: &str) {
    use std::io::Write as _;
    std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn wrong_usage_is_told_from_what_could_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    for wrong in [
        vec!["srve"],
        vec!["show"],
        vec!["show", "no-id", "--data", missing],
        vec!["search", "x", "--where", "nonsense ===", "--data", missing],
        vec!["search", "x", "--since", "yesterday", "--data", missing],
        vec!["verify", "--no-such-flag"],
        vec!["verify", "--key", "no key", "--data", missing],
        vec!["serve", "--config", missing],
        vec!["search", "--metadata", "--unrecorded"],
        vec![],
    ] {
        let run = custody(&wrong);
        assert_eq!(run.code, 2, "{wrong:?}: {run:?}");
        assert!(!run.stderr.is_empty(), "{wrong:?}");
    }
    for unable in [
        vec!["verify", "--data", missing],
        vec!["show", "01a2095d-b703-726a-9d96-c7cb34cfd114", "--data", missing],
        vec!["search", "x", "--data", missing],
        vec!["trace", "x", "--data", missing],
        vec!["keys", "--data", missing],
        vec!["verify", "--archive", "/dev/null"],
        vec!["search", "x", "--server", "http://127.0.0.1:1"],
    ] {
        let run = custody(&unable);
        assert_eq!(run.code, 3, "{unable:?}: {run:?}");
        assert!(run.stderr.contains("error:"), "{unable:?}: {}", run.stderr);
    }
    assert_eq!(custody(&["--help"]).code, 0);
    assert_eq!(custody(&["--version"]).code, 0);
    assert!(!std::path::Path::new(missing).exists(), "reading made a data directory");
}

#[test]
fn an_answer_over_the_limit_is_counted_and_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let setup = Setup {
        capture: "max_body = \"1KiB\"".to_owned(),
        ..Setup::new(folder.path(), upstream.address)
    };
    let server = Server::start(&setup);
    let body = chat(&"long ".repeat(1000), false);
    let got = support::post_to(server.proxy, CHAT, &[], body.as_bytes()).unwrap();
    let record: Value = outcome_of(server.data(), &got.head.id());
    assert_eq!(record["request"]["bytes"], body.len(), "{record:#}");
    let codes: Vec<&str> =
        record["oddities"].as_array().unwrap().iter().filter_map(|o| o["code"].as_str()).collect();
    assert!(codes.contains(&"body_over_limit"), "{codes:?}");
    ended(server, 1);
}
