//! Imports with the real binary: twice, cut off, broken, killed, with a recorder and without.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Run, Server, Setup, Upstream, custody, interactions, post_to, show, verified};

fn payload(n: usize) -> String {
    json!({
        "id": format!("call-{n}"), "trace_id": format!("trace-{}", n % 7), "call_type": "acompletion",
        "status": "success", "startTime": 1_716_990_379 + n, "endTime": 1_716_990_380 + n,
        "model": "gpt-4o", "custom_llm_provider": "openai", "end_user": "jo",
        "messages": [{ "role": "user", "content": format!("question {n}") }],
        "response": { "choices": [{ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": format!("answer {n}") } }] },
        "prompt_tokens": 3, "completion_tokens": 2,
    })
    .to_string()
}

fn payloads(folder: &Path, count: usize) -> PathBuf {
    let path = folder.join("payloads.jsonl");
    let text: String = (0..count).map(|n| payload(n) + "\n").collect();
    std::fs::write(&path, text).unwrap();
    path
}

/// A data directory of its own, and its configuration.
fn setup(folder: &Path) -> Setup {
    let setup = Setup::new(folder, "127.0.0.1:9".parse().unwrap());
    setup.write();
    setup
}

fn import(folder: &Path, arguments: &[&str]) -> Run {
    let config = folder.join("custody.toml");
    let mut all = vec!["import"];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&["--json", "--config", config.to_str().unwrap()]);
    custody(&all)
}

#[track_caller]
fn came_to(run: &Run, code: i32, recorded: u64, known: u64, refused: u64) {
    assert_eq!(run.code, code, "{run:?}");
    let last = run.lines().pop().unwrap();
    let expected =
        json!({ "recorded": recorded, "known": known, "refused": refused, "dry_run": false });
    assert_eq!(last["summary"], expected, "{run:?}");
}

fn refusals(run: &Run) -> Vec<Value> {
    run.lines().into_iter().filter(|line| line.get("refused").is_some()).collect()
}

#[test]
fn an_import_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let path = payloads(folder.path(), 600);
    let path = path.to_str().unwrap();
    let dry = import(folder.path(), &["litellm", path, "--dry-run"]);
    assert_eq!(dry.lines().pop().unwrap()["summary"]["recorded"], 600);
    assert!(!setup.data.exists());

    came_to(&import(folder.path(), &["litellm", path]), 0, 600, 0, 0);
    assert_eq!(verified(&setup.data)["recorded"], 600);
    came_to(&import(folder.path(), &["litellm", path]), 0, 0, 600, 0);

    let records = interactions(&setup.data);
    assert_eq!(records.len(), 600);
    let record = show(&setup.data, records[0]["id"].as_str().unwrap()).unwrap();
    assert_eq!(record["origin"], "import", "{record:#}");
    assert_eq!(record["upstream"], "import");
    assert_eq!(record["model"]["provider"], "openai");
    assert_eq!(record["response"]["outcome"], "complete");
    assert!(
        record["time"]["admitted"].as_str().unwrap().starts_with("2024-05-29T13:"),
        "{record:#}"
    );
    assert!(record.to_string().contains("question "), "{record:#}");
}

#[test]
fn a_file_that_was_cut_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let path = payloads(folder.path(), 20);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let run = import(folder.path(), &["litellm", path.to_str().unwrap()]);
    came_to(&run, 1, 19, 0, 1);
    assert_eq!(refusals(&run)[0]["refused"]["line"], 20);
    std::fs::write(&path, &whole).unwrap();
    came_to(&import(folder.path(), &["litellm", path.to_str().unwrap()]), 0, 1, 19, 0);

    // The same in a compressed file.
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&whole).unwrap();
    let gz = gz.finish().unwrap();
    let packed = folder.path().join("logs");
    std::fs::create_dir(&packed).unwrap();
    std::fs::write(packed.join("a.json.gz"), &gz[..gz.len() - 8]).unwrap();
    let run = import(folder.path(), &["litellm", packed.to_str().unwrap()]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("cannot be read on at byte"), "{run:?}");
    assert_eq!(verified(&setup.data)["recorded"], 20);
}

#[test]
fn garbage_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let path = folder.path().join("mixed.jsonl");
    let mut bytes = b"hello\n\x00\xff\xfe\n{\"a\":1}\n".to_vec();
    bytes.extend_from_slice(format!("{}\n{{\"id\":\"x\n{}\n", payload(1), payload(2)).as_bytes());
    bytes.extend_from_slice(b"{\"model\":\"\xff\"}\n[1,2]\n");
    std::fs::write(&path, bytes).unwrap();
    let run = import(folder.path(), &["litellm", path.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    let summary = run.lines().pop().unwrap()["summary"].clone();
    assert_eq!(summary["recorded"], 2, "{run:?}");
    let lines: Vec<_> = refusals(&run).iter().map(|r| r["refused"]["line"].clone()).collect();
    for line in [1, 2, 3, 5, 7] {
        assert!(lines.contains(&json!(line)), "{lines:?}");
    }
    assert_eq!(verified(&setup.data)["recorded"], 2);
    assert_eq!(import(folder.path(), &["nothing", "x"]).code, 2);
    assert_eq!(import(folder.path(), &["litellm", "/nowhere/at/all"]).code, 2);
}

#[test]
fn a_running_recorder_records() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let server = Server::start(&Setup::new(folder.path(), upstream.address));
    let path = payloads(folder.path(), 300);
    let path = path.to_str().unwrap();
    came_to(&import(folder.path(), &["litellm", path]), 0, 300, 0, 0);
    came_to(&import(folder.path(), &["litellm", path]), 0, 0, 300, 0);
    let lines = format!("{}\n{}\nno JSON\n", payload(299), payload(300));
    let answer =
        post_to(server.api, "/api/v1/imports?format=litellm", &[], lines.as_bytes()).unwrap();
    let said: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((&said["recorded"], &said["known"]), (&json!(1), &json!(1)), "{said}");
    assert_eq!(said["refused"][0]["line"], 3);
    let wrong = post_to(server.api, "/api/v1/imports?format=x", &[], b"").unwrap();
    assert_eq!(wrong.head.status, 400);
    let data = server.data().to_owned();
    server.stop();
    assert_eq!(verified(&data)["recorded"], 301);
    // Without it, the same ids are known.
    came_to(&import(folder.path(), &["litellm", path]), 0, 0, 300, 0);
}

#[test]
fn killed_in_the_middle_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let path = payloads(folder.path(), 3000);
    for moment in [60, 200, 500, 900] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_custody"))
            .args(["import", "litellm", path.to_str().unwrap(), "--config"])
            .arg(folder.path().join("custody.toml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let run = import(folder.path(), &["litellm", path.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    verified(&setup.data);
    let records = interactions(&setup.data);
    let ids: std::collections::HashSet<_> = records.iter().map(|r| r["id"].to_string()).collect();
    assert_eq!((ids.len(), records.len()), (3000, 3000));
}

#[test]
fn observations_find_their_trace_and_results_their_request() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(folder.path());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let observations = write(
        "observations.json",
        &json!([
            { "id": "g1", "type": "GENERATION", "traceId": trace, "startTime": "2024-05-29T13:46:19Z",
              "model": "gpt-4o", "input": "hi", "output": "yes" },
            { "id": "t1", "type": "TOOL", "traceId": trace, "startTime": "2024-05-29T13:46:20Z",
              "name": "weather", "input": { "city": "Rome" }, "output": "sunny" },
        ])
        .to_string(),
    );
    let traces = write(
        "traces.jsonl",
        &json!({ "id": trace, "timestamp": "2024-05-29T13:46:19Z", "sessionId": "s-9" })
            .to_string(),
    );
    came_to(&import(folder.path(), &["langfuse", &observations, &traces]), 0, 3, 0, 0);
    came_to(&import(folder.path(), &["langfuse", &observations, &traces]), 0, 0, 3, 0);
    let record = &interactions(&setup.data)[0];
    assert_eq!(record["correlation"]["session"], "s-9", "{record:#}");
    assert_eq!(record["correlation"]["trace_id"], trace);

    let results = write(
        "results.jsonl",
        r#"{"id":"batch_req_1","custom_id":"q-1","response":{"status_code":200,"request_id":"req_9","body":{"object":"chat.completion","created":1711652795,"model":"gpt-4o","choices":[]}},"error":null}"#,
    );
    let requests = write(
        "requests.jsonl",
        r#"{"custom_id":"q-1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}}"#,
    );
    let run = import(folder.path(), &["openai-batch", &results, "--requests", &requests]);
    came_to(&run, 0, 1, 0, 0);
    let records = interactions(&setup.data);
    let record = records.iter().find(|r| r["response"]["status"] == 200).unwrap();
    assert_eq!(record["model"]["requested"], "gpt-4o-mini", "{record:#}");
    verified(&setup.data);
}
