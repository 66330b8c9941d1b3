//! What readers get: the commands, the API, the proofs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use support::{
    Client, Server, Setup, Upstream, all_records, chat, custody, get, outcome_of, post, verified,
};

/// A recorder with three calls; gives their ids.
fn ready() -> (tempfile::TempDir, Upstream, Server, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let ledger = "seal_every = \"50ms\"".to_owned();
    let server = Server::start(&Setup { ledger, ..Setup::new(folder.path(), upstream.address) });
    let ids = ["the first kestrel", "the second heron", "the third heron"]
        .iter()
        .map(|text| {
            let headers = [("custody-correlation-id", "order 17"), ("custody-session", "s-1")];
            let script = if text.contains("third") { "close" } else { "answer" };
            let headers = [headers[0], headers[1], ("x-script", script)];
            post(server.proxy, &headers, chat(text, false).as_bytes()).head.id()
        })
        .collect();
    (folder, upstream, server, ids)
}

fn data(server: &Server) -> String {
    server.data().to_str().unwrap().to_owned()
}

fn url(server: &Server) -> String {
    format!("http://{}", server.api)
}

/// A record without what differs by when and where it is read.
fn steady(mut record: Value) -> Value {
    if let Some(proof) = record["proof"].as_object_mut() {
        proof.remove("file");
        proof.remove("sealed");
    }
    record
}

#[test]
fn a_record_has_every_member_of_the_contract() {
    let (_folder, _upstream, server, ids) = ready();
    let record = outcome_of(server.data(), &ids[0]);
    for path in [
        "/id",
        "/kind",
        "/collector",
        "/admission",
        "/origin",
        "/synthetic",
        "/correlation/trace_id",
        "/correlation/parent_span_id",
        "/correlation/session",
        "/correlation/thread",
        "/correlation/previous",
        "/correlation/client_request_id",
        "/correlation/provider_request_id",
        "/correlation/response_id",
        "/correlation/attempt",
        "/time/admitted",
        "/time/sent",
        "/time/first_byte",
        "/time/first_token",
        "/time/last_byte",
        "/who/credential",
        "/who/user",
        "/who/roles",
        "/who/environment",
        "/who/service",
        "/who/tags",
        "/model/provider",
        "/model/operation",
        "/model/requested",
        "/model/answered",
        "/model/served",
        "/model/fingerprint",
        "/model/params",
        "/request/parts/0/role",
        "/request/parts/0/kind",
        "/request/parts/0/pid",
        "/request/parts/0/length",
        "/request/parts/0/text",
        "/request/context_complete",
        "/response/status",
        "/response/outcome",
        "/response/finish_class",
        "/response/finish_reasons",
        "/response/error",
        "/response/parts/0/text",
        "/usage/input",
        "/usage/output",
        "/usage/cache_read",
        "/usage/cache_write",
        "/usage/reasoning",
        "/usage/total",
        "/usage/source",
        "/usage/raw",
        "/cost",
        "/timing/first_byte_us",
        "/timing/first_token_us",
        "/timing/total_us",
        "/timing/token_gap_p50_us",
        "/timing/token_gap_p99_us",
        "/client/bytes_sent",
        "/client/completed",
        "/client/hung_up_after_us",
        "/masking/policy",
        "/masking/counts",
        "/signals/refusal",
        "/signals/injection",
        "/oddities",
        "/retention/class",
        "/retention/content_until",
        "/retention/locked_until",
        "/retention/hold",
        "/proof/leaf_index",
        "/proof/leaf",
        "/proof/envelope_sha256",
        "/proof/sealed",
    ] {
        assert!(record.pointer(path).is_some(), "{path} is not there: {record:#}");
    }
    let admitted = record["time"]["admitted"].as_str().unwrap();
    assert!(admitted.len() == 27 && admitted.ends_with('Z'), "{admitted}");
    server.stop();
}

#[test]
fn a_server_and_the_files_say_the_same() {
    let (_folder, _upstream, server, ids) = ready();
    let (data, url) = (data(&server), url(&server));
    let ask = |arguments: &[&str]| {
        let local = custody(&[arguments, &["--json", "--unrecorded", "--data", &data]].concat());
        let remote = custody(&[arguments, &["--json", "--server", &url]].concat());
        assert_eq!((local.code, remote.code), (0, 0), "{local:?} {remote:?}");
        let lines = |run: &support::Run| run.lines().into_iter().map(steady).collect::<Vec<_>>();
        let hits = |run: &support::Run| {
            lines(run)
                .into_iter()
                .map(|hit| (steady(hit["record"].clone()), hit["snippets"].clone()))
                .collect::<Vec<_>>()
        };
        if arguments[0] == "search" {
            assert_eq!(hits(&local), hits(&remote), "{arguments:?}");
        } else {
            assert_eq!(lines(&local), lines(&remote), "{arguments:?}");
        }
        local.lines().len()
    };
    assert_eq!(ask(&["show", &ids[0]]), 1);
    assert_eq!(ask(&["trace", "order 17"]), 3);
    assert_eq!(ask(&["search", "heron"]), 2);
    assert_eq!(ask(&["search", "HERON", "--limit", "1"]), 1);
    assert_eq!(ask(&["search", "heron", "--where", "outcome = error"]), 1);
    assert_eq!(ask(&["search", "nightingale"]), 0);
    assert_eq!(ask(&["search", "--where", "kind = interaction"]), 3);
    assert_eq!(ask(&["search", "heron", "--since", "1h"]), 2);
    assert_eq!(ask(&["search", "heron", "--until", "1h"]), 0);
    server.stop();
}

#[test]
fn every_read_of_content_is_recorded_before_it_is_shown() {
    let (_folder, _upstream, server, ids) = ready();
    let (data, url) = (data(&server), url(&server));
    let reads = || {
        let records = all_records(server.data());
        records.into_iter().filter(|r| r["kind"] == "access").collect::<Vec<_>>()
    };
    assert!(reads().is_empty());
    // Metadata and what says that it is not recorded leave no trace.
    assert_eq!(custody(&["show", &ids[0], "--metadata", "--json", "--data", &data]).code, 0);
    let unrecorded = custody(&["show", &ids[0], "--unrecorded", "--json", "--data", &data]);
    assert!(unrecorded.stderr.contains("not recorded"), "{}", unrecorded.stderr);
    let metadata = custody(&["show", &ids[0], "--metadata", "--json", "--data", &data]);
    assert!(!metadata.stdout.contains("kestrel"), "{}", metadata.stdout);
    assert!(metadata.lines()[0]["request"]["parts"][0]["withheld"].is_string());
    assert!(reads().is_empty());

    assert!(custody(&["show", &ids[0], "--data", &data]).stdout.contains("kestrel"));
    let by_command = reads();
    assert_eq!(by_command.len(), 1, "{by_command:#?}");
    assert_eq!(by_command[0]["collector"], "reader");
    assert!(by_command[0]["body"].to_string().contains(&ids[0]), "{:#}", by_command[0]);

    assert_eq!(get(server.api, &format!("/api/v1/interactions/{}", ids[1])).head.status, 200);
    let by_api = reads().into_iter().filter(|r| r["collector"] == "c1").collect::<Vec<_>>();
    assert_eq!(by_api.len(), 1);
    assert!(by_api[0]["body"].to_string().contains(&ids[1]));
    for command in [vec!["trace", "order 17"], vec!["search", "heron"]] {
        let before = reads().len();
        assert_eq!(custody(&[&command[..], &["--data", &data]].concat()).code, 0);
        assert!(reads().len() > before, "{command:?} left no record");
        let before = reads().len();
        assert_eq!(custody(&[&command[..], &["--server", &url]].concat()).code, 0);
        assert!(reads().len() > before, "{command:?} --server left no record");
    }
    let path = server.data().to_owned();
    server.stop();
    verified(&path);
}

#[test]
fn the_api_answers_as_it_is_documented() {
    let (_folder, _upstream, server, ids) = ready();
    let status = |path: &str| get(server.api, path).head.status;
    for (path, expected) in [
        ("/healthz".to_owned(), 200),
        ("/readyz".to_owned(), 200),
        ("/metrics".to_owned(), 200),
        (format!("/api/v1/interactions/{}", ids[0]), 200),
        ("/api/v1/interactions/01a2095d-b703-726a-9d96-c7cb34cfd114".to_owned(), 404),
        ("/api/v1/interactions/none".to_owned(), 400),
        ("/api/v1/search?q=heron&where=nonsense".to_owned(), 400),
        ("/api/v1/search?q=heron&qq=1".to_owned(), 400),
        ("/api/v1/nothing".to_owned(), 404),
        ("/ledger/c2/checkpoint".to_owned(), 404),
        ("/ledger/../keys/checkpoint".to_owned(), 404),
        ("/ledger/%2e%2e/checkpoint".to_owned(), 404),
        ("/ledger/c1/tile/0/../../../../keys/root.key".to_owned(), 404),
    ] {
        assert_eq!(status(&path), expected, "{path}");
    }
    let problem = get(server.api, "/api/v1/nothing");
    assert_eq!(problem.head.get("content-type"), Some("application/problem+json"));
    assert!(["type", "title", "status", "detail"].iter().all(|m| !problem.json()[*m].is_null()));
    let metrics = get(server.api, "/metrics").text();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("custody_") && value.parse::<f64>().is_ok(), "{line}");
    }
    for (host, expected) in
        [("evil.example", 403), ("127.0.0.1", 200), ("localhost:8081", 200), ("[::1]:1", 200)]
    {
        let mut client = Client::connect(server.api);
        client.send(format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(client.answer().unwrap().head.status, expected, "{host}");
    }
    server.stop();
}

#[test]
fn proofs_and_tiles_convince_others() {
    let (_folder, _upstream, server, ids) = ready();
    let proof_of = |id: &str| {
        support::until("a proof", support::SOON, || {
            let answer = get(server.api, &format!("/api/v1/proofs/{id}"));
            (answer.head.status == 200).then(|| answer.json())
        })
    };
    proof_of(&ids[2]);
    let answer = proof_of(&ids[0]);
    let key: tlog::VerifyingKey = server.key.parse().unwrap();
    assert_eq!(answer["key"], server.key.as_str());
    let leaf = BASE64_STANDARD.decode(answer["leaf"].as_str().unwrap()).unwrap();
    let text = answer["tlog_proof"].as_str().unwrap();
    let proof = tlog::Proof::parse(text).unwrap();
    proof.verify(&leaf, &key).unwrap();
    let mut other = leaf.clone();
    other[20] ^= 1;
    assert!(proof.verify(&other, &key).is_err());
    // The envelope is the one that the leaf commits to.
    let envelope =
        record::Envelope::from_bytes(answer["envelope"].as_str().unwrap().as_bytes()).unwrap();
    let bytes = answer["envelope"].as_str().unwrap().as_bytes();
    assert_eq!(envelope.leaf(bytes).to_bytes().as_slice(), leaf);

    let note = get(server.api, "/ledger/c1/checkpoint").body;
    let checkpoint = tlog::Checkpoint::open(&note, &key).unwrap();
    assert!(checkpoint.size >= 4);
    let bundle = get(server.api, &format!("/ledger/c1/tile/entries/000.p/{}", checkpoint.size));
    assert_eq!(bundle.head.status, 200);
    let entries = tlog::read_bundle(&bundle.body).unwrap();
    let mut tree = tlog::Tree::new();
    for entry in entries {
        tree.push(tlog::leaf_hash(entry), |_, _| {});
    }
    assert_eq!((tree.size(), tree.root()), (checkpoint.size, checkpoint.root));

    let run = custody(&["keys", "--json", "--data", &data(&server)]);
    assert_eq!(run.lines()[0]["key"], server.key.as_str());
    let (data, trusted) = (data(&server), server.key.clone());
    server.stop();
    assert_eq!(custody(&["verify", "--data", &data, "--key", &trusted]).code, 0);
}

/// Whoever rewrites an archive signs it with a key of their own, under any name. A reader who says
/// which key is trusted must not get a "verified" that rests on another one.
#[test]
fn a_log_of_another_key_than_the_trusted_one_is_not_verified() {
    let (_first, _upstream, server, _) = ready();
    let (_second, _upstream, forger, _) = ready();
    let (trusted, forged) = (server.key.clone(), data(&forger));
    server.stop();
    forger.stop();
    let run = custody(&["verify", "--json", "--data", &forged, "--key", &trusted]);
    assert_eq!(run.code, 1, "{}", run.stdout);
}
