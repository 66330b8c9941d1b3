//! Bedrock through the proxy: boto3 on one side, on the other a server that checks each signature
//! with botocore's signer.
//!
//! Needs `CUSTODY_TEST_PYTHON`, a Python with `boto3` and `cryptography`; says so where it is absent.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use support::{Client, Server, Setup, outcome_of, post_to, verified};

const REGION: &str = "eu-central-1";
const KEY: &str = "AKIARECORDEREXAMPLE";
const SECRET: &str = "recorder/secret+of=forty-characters-here";
const TOKEN: &str = "recorder-session/token+=";
const BEARER: &str = "bedrock-api-key-of-the-caller";
/// What a client may have sent of its own, and nobody else may see.
const CLIENTS: [&str; 3] = ["AKIACLIENTEXAMPLE", "client-secret", "client-session"];

const CONVERSE: &str = "signed:converse:anthropic.claude-3-haiku-20240307-v1:0";
const STREAM: &str = "signed:converse_stream:anthropic.claude-3-haiku-20240307-v1:0";
const PROFILE: &str = "signed:invoke_model:arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-3-haiku-20240307-v1:0";

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name)
}

fn python() -> Option<OsString> {
    let python = std::env::var_os("CUSTODY_TEST_PYTHON");
    if python.is_none() {
        // Past the test harness, which keeps back what passing tests print.
        drop(writeln!(
            std::io::stderr(),
            "LEFT OUT: set CUSTODY_TEST_PYTHON, a Python with boto3 and cryptography, to call Bedrock's stand-in"
        ));
    }
    python
}

/// The stand-in, and what it saw.
struct Bedrock {
    child: Child,
    url: String,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Bedrock {
    fn start(python: &OsString) -> Self {
        let mut child = Command::new(python)
            .arg(script("bedrock_upstream.py"))
            .args([REGION, KEY, SECRET, TOKEN, BEARER])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, url: format!("http://127.0.0.1:{port}"), seen }
    }

    /// What came since the last time. A request's line is written before its answer.
    fn seen(&self) -> Vec<Value> {
        std::thread::sleep(std::time::Duration::from_millis(50));
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Drop for Bedrock {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A recorder whose built-in upstream `bedrock` is the stand-in.
fn recorder(folder: &Path, bedrock: &Bedrock, keys: &[(&str, &str)]) -> Server {
    let nobody = ([127, 0, 0, 1], 9).into();
    let capture = "max_body = \"64KiB\"".to_owned();
    let mut setup = Setup { capture, log: "trace", ..Setup::new(folder, nobody) };
    let fixed = [
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // Whatever the tests themselves run with.
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", ""),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ""),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""),
    ];
    setup.environment = fixed
        .iter()
        .chain(keys)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Server::start(&setup)
}

fn keys(secret: &str) -> [(&str, &str); 3] {
    [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", TOKEN)]
}

/// What boto3 says of each call.
fn boto3(python: &OsString, server: &Server, calls: &[&str]) -> Vec<Value> {
    let output = Command::new(python)
        .arg(script("bedrock.py"))
        .arg(server.proxy.to_string())
        .args(calls)
        .env("AWS_BEARER_TOKEN_BEDROCK", BEARER)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("no_proxy", "*")
        .output()
        .unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complained}\n{}", server.stderr());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn record(server: &Server, said: &Value) -> Value {
    outcome_of(server.data(), said["id"].as_str().unwrap())
}

/// Nothing of a secret in what the server says and writes in the clear, not even at `trace`.
fn keeps_its_mouth_shut(server: &Server, records: &[Value]) {
    let mut texts: Vec<String> = records.iter().map(Value::to_string).collect();
    texts.push(server.stderr());
    for secret in [SECRET, TOKEN, BEARER].iter().chain(&CLIENTS) {
        for text in &texts {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn boto3_is_signed_again_and_api_keys_pass() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bedrock = Bedrock::start(&python);
    let server = recorder(folder.path(), &bedrock, &keys(SECRET));
    let bearer = CONVERSE.replace("signed", "bearer");
    let bare = CONVERSE.replace("signed", "none");
    let busy = "signed:converse:busy-v1:0";
    let said = boto3(&python, &server, &[CONVERSE, STREAM, PROFILE, &bearer, &bare, busy]);
    let mut records = Vec::new();
    for said in &said {
        assert_eq!((&said["status"], &said["text"]), (&200.into(), &"signed again".into()));
        let record = record(&server, said);
        assert_eq!(record["response"]["outcome"], "complete", "{record:#}");
        assert_eq!(record["correlation"]["provider_request_id"], "amzn-1", "{record:#}");
        assert!(record["correlation"]["client_request_id"].is_string(), "{record:#}");
        assert!(record["time"]["sent"].is_string(), "{record:#}");
        assert!(record.to_string().contains("who signs?"), "{record:#}");
        records.push(record);
    }
    // The key that a client signed with says who called; in another call it is the same.
    let who = |at: usize| &records[at]["who"]["credential"];
    assert!(who(0).is_string());
    assert!([1, 2, 5].iter().all(|at| who(*at) == who(0)));
    assert!(who(3).is_string() && who(3) != who(0));
    assert!(who(4).is_null());
    assert_eq!(records[0]["correlation"]["attempt"], 1);
    assert_eq!(
        (&said[5]["retries"], &records[5]["correlation"]["attempt"]),
        (&1.into(), &2.into())
    );

    let seen = bedrock.seen();
    assert_eq!(seen.len(), 7);
    for (i, seen) in seen.iter().enumerate() {
        assert!(seen["fault"].is_null(), "{seen:#}");
        let bearer = i == 3;
        let authorization = seen["headers"]["authorization"].as_str().unwrap();
        assert_eq!(authorization == format!("Bearer {BEARER}"), bearer, "{seen:#}");
        assert!(CLIENTS.iter().all(|secret| !seen.to_string().contains(secret)), "{seen:#}");
        assert!(seen["headers"]["amz-sdk-request"].is_string(), "{seen:#}");
    }
    assert!(seen[0]["target"].as_str().unwrap().contains("v1%3A0/converse"), "{:#}", seen[0]);
    assert!(seen[2]["target"].as_str().unwrap().contains("profile%2Feu."), "{:#}", seen[2]);
    assert_eq!(seen[2]["headers"]["x-amzn-bedrock-trace"], "ENABLED");

    keeps_its_mouth_shut(&server, &records);
    let data = server.data().to_owned();
    server.stop();
    assert_eq!(verified(&data)["recorded"], 7);
}

#[test]
fn what_cannot_be_signed_is_told_and_recorded() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bedrock = Bedrock::start(&python);
    let server = recorder(folder.path(), &bedrock, &keys(SECRET));
    let path = "/bedrock/model/m%3A0/converse";

    // A presigned query counts as a signature.
    let presigned = format!(
        "{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIACLIENTEXAMPLE%2F20260101&a=b\
         &X-Amz-Signature=client-secret"
    );
    let got = post_to(server.proxy, &presigned, &[], b"{\"q\":\"presigned\"}").unwrap();
    assert_eq!(got.head.status, 200, "{}", got.text());
    let seen = bedrock.seen();
    assert_eq!(seen[0]["target"], "/model/m%3A0/converse?a=b");
    let presigned = outcome_of(server.data(), &got.head.id());
    assert!(presigned["who"]["credential"].is_string());

    // A body of unknown length is read whole too, and sent with its length.
    let mut client = Client::connect(server.proxy);
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(head.as_bytes()).unwrap();
    client.send(b"5\r\n{\"q\":\r\n").unwrap();
    client.send(b"2\r\n1}\r\n0\r\n\r\n").unwrap();
    assert_eq!(client.answer().unwrap().head.status, 200);
    let seen = bedrock.seen();
    assert_eq!((&seen[0]["headers"]["content-length"], &seen[0]["body"]), (&"7".into(), &7.into()));

    let large = vec![b' '; 100_000];
    let chunked = format!("186a0\r\n{}\r\n0\r\n\r\n", " ".repeat(100_000));
    let mut client = Client::connect(server.proxy);
    client.send(head.as_bytes()).unwrap();
    client.send(chunked.as_bytes()).unwrap();
    let answers = [post_to(server.proxy, path, &[], &large).unwrap(), client.answer().unwrap()];
    let pieces = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS")];
    let pieces = post_to(server.proxy, path, &pieces, b"{}").unwrap();
    let mut records = vec![presigned];
    for (answer, status, kind, bytes) in [
        (&answers[0], 413, "request_too_large", 100_000),
        (&answers[1], 413, "request_too_large", 100_000),
        (&pieces, 501, "cannot_sign", 0),
    ] {
        assert_eq!(answer.head.status, status, "{}", answer.text());
        assert_eq!(answer.head.get("x-amzn-errortype"), Some(kind));
        assert_eq!(answer.json()["message"], answer.json()["error"]["message"]);
        let record = outcome_of(server.data(), &answer.head.id());
        assert_eq!(record["response"]["outcome"], "refused_by_custody", "{record:#}");
        assert_eq!(record["response"]["error"]["type"], kind, "{record:#}");
        assert_eq!(record["request"]["bytes"], bytes, "{record:#}");
        assert!(record["time"]["sent"].is_null(), "{record:#}");
        records.push(record);
    }

    // A client that leaves in the middle: what it said is recorded, nothing is sent.
    let mut client = Client::connect(server.proxy);
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{\"half");
    client.send(head.as_bytes()).unwrap();
    client.stream.shutdown(Shutdown::Both).unwrap();
    let broken = support::until("the broken call", support::SOON, || {
        support::interactions(server.data())
            .into_iter()
            .find(|record| record["response"]["error"]["type"] == "request_broken")
    });
    assert_eq!(broken["request"]["bytes"], 6, "{broken:#}");

    assert!(bedrock.seen().is_empty());
    keeps_its_mouth_shut(&server, &records);
    let data = server.data().to_owned();
    server.stop();
    assert_eq!(verified(&data)["recorded"], 6);
}

#[test]
fn wrong_keys_are_bedrocks_to_refuse() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bedrock = Bedrock::start(&python);
    let server = recorder(folder.path(), &bedrock, &keys("another-secret"));
    let said = boto3(&python, &server, &[CONVERSE]);
    assert_eq!(
        (&said[0]["status"], &said[0]["code"]),
        (&403.into(), &"InvalidSignatureException".into())
    );
    assert_eq!(bedrock.seen()[0]["fault"], "InvalidSignatureException");
    let record = record(&server, &said[0]);
    assert_eq!(
        (&record["response"]["status"], &record["response"]["outcome"]),
        (&403.into(), &"error".into())
    );
    keeps_its_mouth_shut(&server, &[record]);
    server.stop();
}

#[test]
fn without_keys_calls_are_refused_and_api_keys_pass() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bedrock = Bedrock::start(&python);
    let server = recorder(folder.path(), &bedrock, &[]);
    let bearer = STREAM.replace("signed", "bearer");
    let said = boto3(&python, &server, &[CONVERSE, &bearer]);
    assert_eq!((&said[0]["status"], &said[0]["code"]), (&500.into(), &"no_credentials".into()));
    let message = said[0]["message"].as_str().unwrap();
    for word in ["AWS_ACCESS_KEY_ID", "role", "AWS_BEARER_TOKEN_BEDROCK"] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!((&said[1]["status"], &said[1]["text"]), (&200.into(), &"signed again".into()));
    assert_eq!(bedrock.seen().len(), 1);
    let records = [record(&server, &said[0]), record(&server, &said[1])];
    assert_eq!(records[0]["response"]["outcome"], "refused_by_custody");
    assert_eq!(records[0]["response"]["error"]["type"], "no_credentials");
    assert!(records[0].to_string().contains("who signs?"));
    keeps_its_mouth_shut(&server, &records);
    server.stop();
}
