//! Masking from end to end: the command, policies by place, names after the gates, values kept apart.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests stop at whatever is wrong"
)]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{Reply, Server, Setup, Upstream, custody, files_under, post, verified};

const POLICY: &str = r#"
[masking]
policy = "ours"

[masking.entities]
EMAIL = "vault"

[masking.allow]
EMAIL = ["*@example.org"]

[[masking.exception]]
roles = ["assistant"]
entities = { PHONE = "keep" }

[[masking.rule]]
name = "BADGE"
regex = '\bB-\d{5}\b'
context = ["badge"]
examples = ["badge B-12345"]
counter_examples = ["B-12345"]
"#;

/// Runs `custody mask` on a text; gives its exit code and what it said.
fn mask(arguments: &[&str], text: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_custody"))
        .arg("mask")
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn configured(folder: &Path, text: &str) -> String {
    let path = folder.join("mask.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn answer(text: &str) -> Reply {
    let body = json!({
        "id": "x", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text}}],
    });
    Reply {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        chunk: 0,
    }
}

fn ask(text: &str) -> Vec<u8> {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string().into_bytes()
}

fn texts(record: &Value, side: &str) -> Vec<String> {
    let parts = record[side]["parts"].as_array().unwrap().iter();
    parts.filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_command_masks_text_and_json_and_tells_why() {
    let said = "Dear Ada Lovelace, your card 4111 1111 1111 1111 and key AKIA4PWG5YK35ZZC3XSX";
    let (code, out) = mask(&[], said);
    assert_eq!(code, 0);
    assert_eq!(out, "Dear [PERSON], your card [CREDIT_CARD] and key [API_KEY]\n");
    let (_, out) = mask(&["--no-names"], said);
    assert!(out.starts_with("Dear Ada Lovelace, your card [CREDIT_CARD]"), "{out}");
    let written = "{ \"to\":\t\"ada\\u0040example.com\",  \"n\": 1e2 }";
    assert_eq!(mask(&[], written).1, "{ \"to\":\t\"[EMAIL]\",  \"n\": 1e2 }\n");
    let (_, table) = mask(&["--explain"], said);
    assert!(table.contains("Luhn") && table.contains("PERSON 1"), "{table}");
    let line = json!({"id": "a", "text": format!("ü {said}")}).to_string();
    let (_, out) = mask(&["--json", "--spans"], &line);
    let spans: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(spans["id"], "a");
    let labels: Vec<_> = spans["spans"].as_array().unwrap().iter().map(|s| &s["label"]).collect();
    assert_eq!(labels, ["PERSON", "CREDIT_CARD", "SECRET"]);
    assert_eq!((&spans["spans"][0]["start"], &spans["spans"][0]["end"]), (&json!(7), &json!(19)));
    let (code, told) = mask(&["--json"], "{\"id\": 1}");
    assert_eq!(code, 2);
    assert!(told.contains("line 1"), "{told}");
}

#[test]
fn rules_of_ones_own_are_tried() {
    let folder = tempfile::tempdir().unwrap();
    let good = configured(folder.path(), POLICY);
    let (code, out) = mask(&["test", "--config", &good], "");
    assert_eq!((code, out.contains("BADGE  2 examples hold")), (0, true), "{out}");
    let (_, out) = mask(&["--config", &good], "badge B-54321 of a@example.org");
    assert_eq!(out, "badge [BADGE] of a@example.org\n");
    let (_, out) = mask(&["--config", &good, "--role", "assistant"], "call +1-984-182-0190");
    assert_eq!(out, "call +1-984-182-0190\n");
    let bad = configured(folder.path(), &POLICY.replace("badge B-12345", "badge C-12345"));
    let (code, out) = mask(&["test", "--config", &bad], "");
    assert_eq!((code, out.contains("example 1 is not found")), (1, true), "{out}");
    let checked = custody(&["config", "check", "--config", &bad]);
    assert_eq!(checked.code, 2, "{checked:?}");
    assert!(checked.stderr.contains("[[masking.rule]] BADGE"), "{}", checked.stderr);
}

#[test]
fn names_are_masked_in_json_that_tools_speak() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    upstream.put("said", answer("Done."));
    let setup = Setup::new(folder.path(), upstream.address);
    let server = Server::start(&setup);
    let call =
        json!({ "to": "x@example.com", "body": "Mary Jones, x@example.com, order NW-20833" });
    let result = json!({ "ok": true, "note": "sent to Mary Jones of London", "id": "e768c0b9" });
    let body = json!({ "model": "m", "messages": [
        { "role": "user", "content": "Send it." },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "c1", "type": "function",
            "function": { "name": "send", "arguments": call.to_string() } }] },
        { "role": "tool", "tool_call_id": "c1", "content": result.to_string() },
    ] });
    let headers = [("x-script", "put said")];
    let id = post(server.proxy, &headers, &body.to_string().into_bytes()).head.id();
    let data = server.data().to_str().unwrap().to_owned();
    let shown = custody(&["show", &id, "--json", "--data", &data]).stdout;
    assert!(!shown.contains("Mary") && !shown.contains("London"), "{shown}");
    assert!(shown.contains("[PERSON], [EMAIL], order NW-20833"), "{shown}");
    assert!(
        shown.contains("sent to [PERSON] of [LOCATION]") && shown.contains("e768c0b9"),
        "{shown}"
    );
    verified(server.data());
}

#[test]
fn a_policy_goes_by_place_and_values_kept_apart_come_back_with_a_reason() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    upstream.put("said", answer("Dear John Smith, we call +1-984-182-0190 from badge B-77777."));
    let setup = Setup { more: POLICY.to_owned(), ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    let question = "I am Mary Jones, mail mary@example.com and desk@example.org, +1-984-182-0191";
    let headers = [("x-script", "put said"), ("custody-tags", "about=the case of Mary Jones")];
    let id = post(server.proxy, &headers, &ask(question)).head.id();
    let data = server.data().to_str().unwrap().to_owned();
    let shown = custody(&["show", &id, "--json", "--data", &data]);
    let record = &shown.lines()[0];
    let asked = texts(record, "request").concat();
    assert!(asked.starts_with("I am [PERSON], mail [EMAIL:"), "{asked}");
    assert!(asked.ends_with("and desk@example.org, [PHONE]"), "{asked}");
    let told = texts(record, "response");
    assert_eq!(told, ["Dear [PERSON], we call +1-984-182-0190 from badge [BADGE]."]);
    let counts = &record["masking"]["counts"];
    assert_eq!(
        (&counts["PERSON"], &counts["BADGE"], &counts["EMAIL"]),
        (&3.into(), &1.into(), &1.into())
    );
    assert!(record["masking"]["policy"].as_str().unwrap().starts_with("ours@"));
    assert!(record["masking"]["detectors"].as_str().unwrap().contains("+names/"));
    assert!(!record["who"]["tags"].to_string().contains("Mary"), "{}", record["who"]);

    let refused = custody(&["reveal", &id, "--data", &data]);
    assert_eq!(refused.code, 2, "a reason is needed: {refused:?}");
    let revealed = custody(&["reveal", &id, "--reason", "case 7", "--json", "--data", &data]);
    let values = &revealed.lines()[0]["values"];
    assert_eq!(values[0]["value"], "mary@example.com", "{revealed:?}");
    let placeholder = values[0]["placeholder"].as_str().unwrap();
    assert!(asked.contains(placeholder));
    let url = format!("http://{}", server.api);
    let remote = custody(&["reveal", &id, "--reason", "case 7", "--json", "--server", &url]);
    assert_eq!(remote.lines()[0]["values"], *values, "{remote:?}");
    let all = custody(&["search", "", "--json", "--metadata", "--data", &data]).stdout;
    assert_eq!(all.matches("\"reason\":\"case 7\"").count(), 2, "{all}");
    server.stop();
    verified(&setup.data);
}

#[test]
fn a_kill_before_names_are_found_leaves_them_to_the_next_start() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let setup = Setup::new(folder.path(), upstream.address);
    let names = ["John Smith", "Mary Jones", "Ada Lovelace"];
    let long = "Nobody is named in this sentence of the long report. ".repeat(4000);
    upstream.put("said", answer(&format!("Dear {}, yes.", names[0])));
    let server = Server::start(&setup);
    let headers = [("x-script", "put said")];
    let ids: Vec<String> = names
        .iter()
        .map(|name| post(server.proxy, &headers, &ask(&format!("I am {name}. {long}"))).head.id())
        .collect();
    server.kill();
    for path in files_under(folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!names.iter().any(|name| text.contains(name)), "{}", path.display());
    }
    let server = Server::start(&setup);
    for id in &ids {
        let record = support::outcome_of(&setup.data, id);
        assert_eq!(record["response"]["outcome"], "complete");
        assert!(texts(&record, "request").concat().starts_with("I am [PERSON]. Nobody"), "{id}");
        assert_eq!(texts(&record, "response"), ["Dear [PERSON], yes."]);
        let parts = record["request"]["parts"].as_array().unwrap();
        assert!(parts.iter().all(|part| part["key"].is_null()), "{parts:?}");
    }
    server.stop();
    verified(&setup.data);
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let more = "[masking]\npolicy = \"trial\"\ndry_run = true\n".to_owned();
    let setup = Setup { more, ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    let question = "I am Mary Jones, mail mary@example.com";
    let id = post(server.proxy, &[], &ask(question)).head.id();
    let record = support::outcome_of(&setup.data, &id);
    assert_eq!(texts(&record, "request"), [question]);
    assert_eq!(record["masking"]["counts"]["EMAIL"], 1);
    server.stop();
}

#[test]
fn what_has_no_room_to_wait_for_names_is_kept_closed() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let more = "[masking]\nnames_backlog = \"1KiB\"\n".to_owned();
    let setup = Setup { more, ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    let question = "Nobody is named in this sentence of the long report. ".repeat(100);
    let id = post(server.proxy, &[], &ask(&question)).head.id();
    let record = support::outcome_of(&setup.data, &id);
    assert_eq!(texts(&record, "request"), Vec::<String>::new());
    let codes: Vec<_> = record["oddities"].as_array().unwrap().iter().map(|o| &o["code"]).collect();
    assert_eq!(codes, ["mask_overload"]);
    server.stop();
    verified(&setup.data);
}
