//! Nothing sensitive reaches a disk or a terminal in the clear, in no encoding.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use std::path::Path;

use base64::Engine as _;
use serde_json::{Value, json};
use support::{Client, Reply, Server, Setup, Upstream, files_under, get, post_to, verified};

/// The user id that the calls name in a header, and the one that stands in bodies.
const USER: &str = "maria.lopez/7781 wq";
const BODY_USER: &str = "jan.novak/5512 wq";
/// A number where nobody expects one.
const NUMBER: &str = "73164982501";

/// A text that no detector knows, one for each place.
fn canary(place: &str) -> String {
    format!("Kolibri/{place}+7q wx")
}

const PLACES: [&str; 39] = [
    "system",
    "user",
    "assistant",
    "tool-args",
    "tool-result",
    "tool-def",
    "document",
    "bearer",
    "x-api-key",
    "query-key",
    "metadata",
    "stop",
    "answer",
    "reasoning",
    "answer-args",
    "refusal",
    "error-message",
    "error-type",
    "error-code",
    "error-param",
    "unknown-field",
    "unknown-key",
    "path",
    "query",
    "plain-body",
    "form-body",
    "multipart",
    "finish",
    "fingerprint",
    "answer-field",
    "anthropic-system",
    "anthropic-user",
    "anthropic-answer",
    "error-text",
    "cookie",
    "input",
    "schema-name",
    "user-agent",
    "stream-answer",
];

fn chat_body() -> Value {
    let c = canary;
    json!({
        "model": "gpt-4o", "user": BODY_USER, "metadata": {"note": c("metadata")},
        "stop": [c("stop")],
        "frequency_penalty": 0.5, "unknown": {"deep": [c("unknown-field")]},
        c("unknown-key"): true,
        "response_format": {"type": "json_schema", "json_schema": {"name": c("schema-name")}},
        "tools": [{"type": "function", "function": {"name": "look", "description": c("tool-def"),
            "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": c("system")},
            {"role": "user", "content": [{"type": "text", "text": c("user")},
                {"type": "text", "text": format!("<document>{}</document>", c("document"))}]},
            {"role": "assistant", "content": c("assistant"), "tool_calls": [{"id": "call_1",
                "type": "function",
                "function": {"name": "look", "arguments": json!({"q": c("tool-args")}).to_string()}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": c("tool-result")},
        ],
    })
}

fn put(upstream: &Upstream, name: &str, status: u16, kind: &str, body: &str) {
    upstream.put(
        name,
        Reply {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: body.as_bytes().to_vec(),
            chunk: 0,
        },
    );
}

fn script_answers(upstream: &Upstream) {
    let c = canary;
    let answer = json!({
        "id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "system_fingerprint": c("fingerprint"),
        "note": c("answer-field"),
        "choices": [{"index": 0, "finish_reason": c("finish"), "message": {"role": "assistant",
            "content": c("answer"), "reasoning_content": c("reasoning"), "refusal": c("refusal"),
            "tool_calls": [{"id": "call_2", "type": "function", "function": {"name": "look",
                "arguments": json!({"q": c("answer-args")}).to_string()}}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    });
    put(upstream, "answer", 200, "application/json", &answer.to_string());
    let error = json!({"error": {"message": c("error-message"), "type": c("error-type"),
        "code": c("error-code"), "param": c("error-param")}});
    put(upstream, "error", 400, "application/json", &error.to_string());
    put(upstream, "page", 502, "text/html", &format!("<html>{}</html>", c("error-text")));
    let claude = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [{"type": "text", "text": c("anthropic-answer")}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    put(upstream, "claude", 200, "application/json", &claude.to_string());
    let stream = support::token_event(&c("stream-answer")) + "data: [DONE]\n\n";
    put(upstream, "stream", 200, "text/event-stream", &stream);
}

fn percent(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat()
}

/// Sends everything everywhere.
fn traffic(server: &Server) {
    let c = canary;
    let proxy = server.proxy;
    let session = format!("chat of {USER}");
    let tags = format!("owner={USER}");
    let (bearer, agent, cookie) = (format!("Bearer {}", c("bearer")), c("user-agent"), c("cookie"));
    let common = [
        ("custody-user", USER),
        ("custody-session", session.as_str()),
        ("custody-tags", tags.as_str()),
        ("custody-service", session.as_str()),
        ("custody-environment", session.as_str()),
        ("custody-role", session.as_str()),
        ("x-request-id", session.as_str()),
        ("authorization", bearer.as_str()),
        ("user-agent", agent.as_str()),
        ("cookie", cookie.as_str()),
    ];
    let with = |script: &'static str| {
        let mut headers = common.to_vec();
        headers.push(("x-script", script));
        headers
    };
    let chat = chat_body().to_string();
    for script in ["put answer", "put error", "put page", "put stream", "close"] {
        let path = "/openai/v1/chat/completions";
        post_to(proxy, path, &with(script), chat.as_bytes()).unwrap();
    }
    // The user stands in the body alone, and in the session.
    let session = format!("chat of {BODY_USER}");
    let headers = [("custody-session", session.as_str()), ("x-script", "put answer")];
    post_to(proxy, "/openai/v1/chat/completions", &headers, chat.as_bytes()).unwrap();
    let baggage = format!("user.id={},session.id=chat", percent(USER));
    let headers = [("baggage", baggage.as_str()), ("x-script", "put answer")];
    post_to(proxy, "/openai/v1/chat/completions", &headers, chat.as_bytes()).unwrap();
    let key = c("x-api-key");
    let claude = json!({"model": "claude-x", "max_tokens": 5, "system": c("anthropic-system"),
        "metadata": {"user_id": BODY_USER}, "messages": [{"role": "user", "content": c("anthropic-user")}]});
    let headers = [("x-api-key", key.as_str()), ("x-script", "put claude")];
    post_to(proxy, "/anthropic/v1/messages", &headers, claude.to_string().as_bytes()).unwrap();
    let path = format!(
        "/any/v1/{}?key={}&q={}",
        percent(&c("path")),
        percent(&c("query-key")),
        percent(&c("query"))
    );
    let embed = json!({"model": "e", "input": [c("input")]}).to_string();
    post_to(proxy, &path, &common, embed.as_bytes()).unwrap();
    post_to(proxy, "/openai/v1/embeddings", &common, embed.as_bytes()).unwrap();
    for (kind, body) in [
        ("text/plain", c("plain-body")),
        ("application/x-www-form-urlencoded", format!("a={}", percent(&c("form-body")))),
        (
            "multipart/form-data; boundary=xx",
            format!(
                "--xx\r\ncontent-disposition: form-data; name=\"f\"\r\n\r\n{}\r\n--xx--\r\n",
                c("multipart")
            ),
        ),
        ("application/json", format!("{{\"broken\": \"{}", c("plain-body"))),
    ] {
        let mut client = Client::connect(proxy);
        client.request("POST", "/openai/v1/x", &[("content-type", kind)], body.as_bytes()).unwrap();
        client.answer().unwrap();
        let mut client = Client::connect(proxy);
        client.request("PUT", "/any/odd", &[("content-type", kind)], body.as_bytes()).unwrap();
        client.answer().unwrap();
    }
    // No HTTP at all, a wrong upstream, a body that breaks off.
    let mut client = Client::connect(proxy);
    client.send(format!("{}\r\n\r\n", c("path")).as_bytes()).unwrap();
    drop(client.answer());
    drop(post_to(proxy, &format!("/{}/x", percent(&c("path"))), &common, b"{}"));
    let mut client = Client::connect(proxy);
    let start = format!(
        "POST /openai/v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{}",
        c("user")
    );
    client.send(start.as_bytes()).unwrap();
    drop(client);
}

/// A text in every form that bytes on a disk may have.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let mut forms = vec![
        ("clear", bytes.to_vec()),
        ("lower case", text.to_lowercase().into_bytes()),
        ("JSON in JSON", text.replace('/', "\\/").into_bytes()),
        ("hex", hex::encode(bytes).into_bytes()),
        ("upper hex", hex::encode_upper(bytes).into_bytes()),
        ("percent", percent(text).into_bytes()),
        ("some percent", text.replace(' ', "%20").into_bytes()),
        ("utf-16le", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    for engine in [base64::prelude::BASE64_STANDARD_NO_PAD, base64::prelude::BASE64_URL_SAFE_NO_PAD]
    {
        for skipped in 0..3 {
            // What is inside whole groups of three, at each alignment.
            let end = skipped + (bytes.len() - skipped) / 3 * 3;
            forms.push(("base64", engine.encode(&bytes[skipped..end]).into_bytes()));
        }
    }
    forms
}

fn secrets() -> Vec<String> {
    let mut all: Vec<String> = PLACES.iter().map(|place| canary(place)).collect();
    all.extend([USER.to_owned(), BODY_USER.to_owned()]);
    all
}

fn leaks(place: &str, bytes: &[u8]) -> Vec<String> {
    leaks_of(&secrets(), place, bytes)
}

fn leaks_of(secrets: &[String], place: &str, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        for (form, needle) in forms(secret) {
            if contains(bytes, &needle) {
                found.push(format!("{secret:?} ({form}) in {place}"));
                break;
            }
        }
    }
    found
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Every file, and every envelope as it was written: files may be compressed.
fn nothing_leaked(folder: &Path, setup: &Setup) {
    let mut found = Vec::new();
    let mut bytes = 0;
    for path in files_under(folder) {
        let content = std::fs::read(&path).unwrap();
        bytes += content.len();
        found.extend(leaks(&path.strip_prefix(folder).unwrap().display().to_string(), &content));
    }
    assert!(bytes > 10_000, "only {bytes} bytes");
    let server = Server::start(&Setup { log: "info", ..setup.clone() });
    let records = support::all_records(server.data());
    assert!(records.len() > 18, "only {} records", records.len());
    for record in &records {
        let id = record["id"].as_str().unwrap();
        // A record has a proof once it is sealed.
        let envelope = support::until("the proof", support::SOON, || {
            let answer = get(server.api, &format!("/api/v1/proofs/{id}"));
            (answer.head.status == 200)
                .then(|| answer.json()["envelope"].as_str().unwrap().to_owned())
        });
        found.extend(leaks(&format!("the envelope of {id}"), envelope.as_bytes()));
    }
    server.kill();
    found.sort();
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}

fn recorder() -> (tempfile::TempDir, Setup, Server) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    script_answers(&upstream);
    let setup = Setup { log: "debug", ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    (folder, setup, server)
}

#[test]
fn nothing_is_in_the_clear_after_a_stop() {
    let (folder, setup, server) = recorder();
    traffic(&server);
    server.stop();
    verified(&setup.data);
    nothing_leaked(folder.path(), &setup);
}

#[test]
fn nothing_is_in_the_clear_after_a_kill() {
    let (folder, setup, server) = recorder();
    traffic(&server);
    server.kill();
    nothing_leaked(folder.path(), &setup);
    verified(&setup.data);
}

/// A card or customer number may stand as a JSON number under any name.
#[test]
fn numbers_under_unknown_names_are_not_in_the_clear() {
    let (folder, setup, server) = recorder();
    let number = NUMBER.parse::<u64>().unwrap();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}],
        "customer": number, "options": {"customer": number}, "temperature": 0.25});
    post_to(server.proxy, "/openai/v1/chat/completions", &[], body.to_string().as_bytes()).unwrap();
    server.kill();
    for path in files_under(folder.path()) {
        let content = std::fs::read(&path).unwrap();
        assert!(!contains(&content, NUMBER.as_bytes()), "{NUMBER} is in {}", path.display());
    }
    // A parameter that is known stays useful.
    let record = support::interactions(&setup.data).remove(0);
    assert_eq!(record["model"]["params"]["temperature"], 0.25);
}

#[test]
fn what_was_sealed_can_be_read_again() {
    // Otherwise the other tests would pass on a log that holds nothing.
    let (_folder, setup, server) = recorder();
    traffic(&server);
    server.stop();
    let data = setup.data.to_str().unwrap();
    for place in [
        "system",
        "user",
        "tool-args",
        "tool-result",
        "tool-def",
        "document",
        "answer",
        "reasoning",
    ] {
        let text = canary(place);
        let run = support::custody(&["search", &text, "--json", "--unrecorded", "--data", data]);
        assert!(!run.lines().is_empty(), "{place} is not in the log");
    }
}

/// Neither tokens nor whom they name, nor who was claimed in vain.
#[test]
fn nothing_of_a_token_is_kept() {
    let (folder, setup, server) = recorder();
    let data = setup.data.to_str().unwrap();
    let run = support::custody(&[
        "token", "create", "laptop", "--user", USER, "--role", "support", "--data", data,
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let token = run.stdout.trim().to_owned();
    let claims = json!({"iss": "https://issuer.example", "sub": BODY_USER});
    let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let (payload, signature) = (part(&claims), part(&json!(canary("signature"))));
    let jwt = format!("{}.{payload}.{signature}", part(&json!({"alg": "RS256"})));
    let session = format!("chat of {BODY_USER}");
    for sent in [token.clone(), format!("Bearer {token}"), format!("Bearer {jwt}"), jwt] {
        let headers = [
            ("custody-token", sent.as_str()),
            ("custody-user", BODY_USER),
            ("custody-session", session.as_str()),
            ("x-script", "put answer"),
        ];
        let body = chat_body().to_string();
        post_to(server.proxy, "/openai/v1/chat/completions", &headers, body.as_bytes()).unwrap();
    }
    let proven = support::until("a call of the token", support::SOON, || {
        let calls = support::interactions(&setup.data);
        (calls.len() == 4).then(|| calls.iter().filter(|c| c["who"]["identity"] == "token").count())
    });
    assert_eq!(proven, 2);
    server.kill();
    let secret = token.rsplit('_').next().unwrap().to_owned();
    let raw = hex::decode(&secret).unwrap();
    let secrets = [token, secret, payload, signature, USER.to_owned(), BODY_USER.to_owned()];
    let mut found = Vec::new();
    let mut files = 0;
    for path in files_under(folder.path()) {
        let content = std::fs::read(&path).unwrap();
        let place = path.strip_prefix(folder.path()).unwrap().display().to_string();
        found.extend(leaks_of(&secrets, &place, &content));
        if contains(&content, &raw) {
            found.push(format!("the secret's bytes in {place}"));
        }
        files += usize::from(place.ends_with("tokens.json"));
    }
    assert_eq!((found, files), (Vec::new(), 1));
}
