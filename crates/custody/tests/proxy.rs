//! What passes through the proxy, and that it passes unchanged.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{
    Client, Reply, Server, Setup, Upstream, chat, interactions, outcome_of, post, post_to, verified,
};

fn ready() -> (tempfile::TempDir, Upstream, Server) {
    in_mode("evidence")
}

fn in_mode(mode: &'static str) -> (tempfile::TempDir, Upstream, Server) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let server = Server::start(&Setup { mode, ..Setup::new(folder.path(), upstream.address) });
    (folder, upstream, server)
}

/// The text of the answer in a record.
fn answered(record: &Value) -> String {
    let parts = record["response"]["parts"].as_array().unwrap();
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

#[test]
fn an_answer_passes_unchanged_and_is_recorded() {
    let (_folder, upstream, server) = ready();
    for script in ["answer", "chunked", "stream 5 0"] {
        let stream = script.starts_with("stream");
        let headers = [("x-script", script), ("x-test", script), ("authorization", "Bearer sk-x")];
        let sent = chat("hello", stream);
        let got = post(server.proxy, &headers, sent.as_bytes());
        assert_eq!(got.head.status, 200, "{script}: {}", got.text());
        let seen = upstream.seen_as(script).unwrap();
        assert_eq!(seen.body, sent.as_bytes(), "{script}");
        assert_eq!(seen.get("authorization"), Some("Bearer sk-x"));
        assert_eq!(seen.get("host"), Some(upstream.address.to_string().as_str()));
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["response"]["outcome"], "complete", "{script}: {record:#}");
        assert_eq!(record["response"]["bytes"], got.body.len(), "{script}");
        assert_eq!(record["client"]["bytes_sent"], got.body.len(), "{script}");
        assert_eq!(record["request"]["bytes"], sent.len(), "{script}");
        assert_eq!(record["request"]["parts"][0]["text"], "hello", "{script}");
        let expected =
            if stream { "token-0 token-1 token-2 token-3 token-4 " } else { "an answer" };
        assert!(answered(&record).starts_with(expected), "{script}: {record:#}");
    }
    let data = server.data().to_owned();
    server.stop();
    assert_eq!(verified(&data)["recorded"], 3);
}

#[test]
fn encoded_bodies_pass_untouched_and_are_readable_in_the_record() {
    let (_folder, upstream, server) = ready();
    let plain = upstream_answer("a compressed answer");
    for (encoding, bytes) in encodings(&plain) {
        for chunk in [0, 11] {
            let name = format!("{encoding}-{chunk}");
            upstream.put(
                &name,
                Reply {
                    status: 200,
                    headers: vec![
                        ("content-type", "application/json".to_owned()),
                        ("content-encoding", encoding.to_owned()),
                    ],
                    body: bytes.clone(),
                    chunk,
                },
            );
            let script = format!("put {name}");
            let headers = [("x-script", script.as_str()), ("accept-encoding", encoding)];
            let got = post(server.proxy, &headers, chat("hi", false).as_bytes());
            assert_eq!(got.body, bytes, "{name}");
            assert_eq!(got.head.get("content-encoding"), Some(encoding), "{name}");
            let record = outcome_of(server.data(), &got.head.id());
            assert_eq!(answered(&record), "a compressed answer", "{name}: {record:#}");
        }
    }
    // Requests too.
    for (encoding, bytes) in encodings(&chat("a compressed question", false)) {
        let headers = [("content-encoding", encoding), ("x-test", encoding)];
        let got = post(server.proxy, &headers, &bytes);
        let seen = upstream.seen_as(encoding).unwrap();
        assert_eq!((seen.body, seen.headers.iter().any(|(_, v)| v == encoding)), (bytes, true));
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["request"]["parts"][0]["text"], "a compressed question", "{encoding}");
    }
    server.stop();
}

fn upstream_answer(text: &str) -> String {
    serde_json::json!({
        "id": "x", "object": "chat.completion", "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text}}],
    })
    .to_string()
}

fn encodings(plain: &str) -> Vec<(&'static str, Vec<u8>)> {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    let plain = plain.as_bytes();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(plain).unwrap();
    let mut br = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    br.write_all(plain).unwrap();
    vec![
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("br", br.into_inner()),
        ("zstd", zstd::encode_all(plain, 3).unwrap()),
    ]
}

#[test]
fn tokens_arrive_as_they_are_sent() {
    let (_folder, _upstream, server) = in_mode("observe");
    let mut client = Client::connect(server.proxy);
    let mut firsts = Vec::new();
    let mut gaps = Vec::new();
    for _ in 0..40 {
        let started = Instant::now();
        let headers = [("x-script", "stream 4 10"), ("content-type", "application/json")];
        let body = chat("hi", true);
        client.request("POST", "/openai/v1/chat/completions", &headers, body.as_bytes()).unwrap();
        client.head().unwrap();
        let mut last = None;
        loop {
            let chunk = client.chunk().unwrap();
            let now = Instant::now();
            match last.replace(now) {
                None => firsts.push(now - started),
                Some(before) => gaps.push(now - before),
            }
            if chunk.is_empty() {
                break;
            }
        }
    }
    firsts.sort();
    gaps.sort();
    let (first, gap) = (firsts[firsts.len() / 2], gaps[gaps.len() / 2]);
    assert!(first < Duration::from_millis(20), "the median first token came after {first:?}");
    assert!(gap < Duration::from_millis(20), "the median gap was {gap:?}");
    server.stop();
}

#[test]
fn headers_are_removed_and_added() {
    let (_folder, upstream, server) = ready();
    let headers = [
        ("x-test", "headers"),
        ("custody-user", "alice"),
        ("custody-session", "s-1"),
        ("custody-role", "support"),
        ("custody-environment", "prod"),
        ("custody-service", "desk"),
        ("custody-tags", "team=red"),
        ("custody-correlation-id", "0af7651916cd43dd8448eb211c80319c"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("x-stays", "1"),
        ("baggage", "user.id=bob"),
        ("x-request-id", "mine"),
    ];
    let got = post(server.proxy, &headers, chat("hi", false).as_bytes());
    let seen = upstream.seen_as("headers").unwrap();
    for (name, _) in &seen.headers {
        assert!(!name.to_lowercase().starts_with("custody-") && name != "x-hop", "{name} passed");
    }
    let all =
        |name: &str| seen.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).count();
    assert_eq!((all("host"), all("content-length"), all("traceparent")), (1, 1, 1));
    assert_eq!((seen.get("x-stays"), seen.get("baggage")), (Some("1"), Some("user.id=bob")));
    assert!(seen.get("traceparent").unwrap().contains("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(got.head.get("x-provider"), Some("stand-in"));
    assert_eq!(got.head.get("custody-correlation-id"), Some("0af7651916cd43dd8448eb211c80319c"));
    let record = outcome_of(server.data(), &got.head.id());
    assert_eq!(record["correlation"]["session"], "s-1");
    assert_eq!(record["correlation"]["client_request_id"], "mine");
    assert_eq!(record["who"]["tags"]["team"], "red");
    assert_eq!(record["who"]["environment"], "prod");
    assert_eq!(record["who"]["service"], "desk");
    assert_eq!(record["who"]["roles"][0], "support");
    assert!(record["who"]["user"].as_str().unwrap().starts_with("u_"));
    server.stop();
}

#[test]
fn the_same_path_and_query_go_on() {
    let (_folder, upstream, server) = ready();
    for (sent, expected) in [
        ("/openai/v1/x?a=b%20c&key=abc", "/v1/x?a=b%20c&key=abc"),
        ("/openai/v1//double/%2F%C3%A4/../x", "/v1//double/%2F%C3%A4/../x"),
        ("/openai", "/"),
        ("/openai/", "/"),
        ("/openai?x=1", "/?x=1"),
    ] {
        post_to(server.proxy, sent, &[("x-test", sent)], b"{}").unwrap();
        let seen = upstream.seen_as(sent).unwrap();
        assert_eq!(seen.line, format!("POST {expected} HTTP/1.1"));
    }
    server.stop();
}

#[test]
fn answers_without_a_body() {
    let (_folder, _upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    client.request("HEAD", "/openai/v1/models", &[], b"").unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status, head.get("content-length")), (200, Some("1234")));
    let first = head.id();
    // The connection goes on: nothing came after the head.
    client.request("POST", "/openai/v1/x", &[("x-script", "empty")], b"{}").unwrap();
    let second = client.answer().unwrap();
    assert_eq!((second.head.status, second.head.get("x-empty")), (204, Some("1")));
    client.request("GET", "/openai/v1/models", &[], b"").unwrap();
    let third = client.answer().unwrap();
    for id in [first, second.head.id(), third.head.id()] {
        let record = outcome_of(server.data(), &id);
        assert_eq!(record["response"]["outcome"], "complete", "{record:#}");
    }
    server.stop();
}

#[test]
fn large_bodies_pass_both_ways() {
    let (_folder, upstream, server) = ready();
    let bytes: Vec<u8> =
        (0..32_u32 << 20).map(|i| i.wrapping_mul(31).to_le_bytes()[1] | 128).collect();
    let kind = vec![("content-type", "application/octet-stream".to_owned())];
    for (name, chunk) in [("large", 0), ("large-chunked", 65_536)] {
        let body = bytes.clone();
        upstream.put(name, Reply { status: 200, headers: kind.clone(), body, chunk });
        let script = format!("put {name}");
        let headers = [("x-script", script.as_str()), ("x-test", name)];
        let got = post_to(server.proxy, "/any/upload", &headers, &bytes).unwrap();
        assert!(got.body == bytes, "{name}: {} bytes", got.body.len());
        assert!(upstream.seen_as(name).unwrap().body == bytes, "{name}");
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["response"]["bytes"], bytes.len(), "{name}");
        assert_eq!(record["request"]["bytes"], bytes.len(), "{name}");
        assert_eq!(record["response"]["outcome"], "complete", "{name}");
    }
    let data = server.data().to_owned();
    server.stop();
    verified(&data);
}

#[test]
fn many_headers_pass() {
    let (_folder, upstream, server) = ready();
    let long = "v".repeat(900);
    let names: Vec<String> = (0..70).map(|i| format!("x-long-{i}")).collect();
    let mut headers: Vec<(&str, &str)> =
        names.iter().map(|n| (n.as_str(), long.as_str())).collect();
    headers.push(("x-test", "long"));
    let got = post(server.proxy, &headers, chat("hi", false).as_bytes());
    assert_eq!(got.head.status, 200, "{}", got.text());
    let seen = upstream.seen_as("long").unwrap();
    assert!(names.iter().all(|name| seen.get(name) == Some(&long)));
    server.stop();
}

#[test]
fn a_connection_serves_many_calls_and_each_is_recorded() {
    let (_folder, _upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    let body = chat("again", false);
    for i in 0..200 {
        let script = ["answer", "chunked", "stream 2 0"][i % 3];
        let headers = [("x-script", script), ("content-type", "application/json")];
        client.request("POST", "/openai/v1/chat/completions", &headers, body.as_bytes()).unwrap();
        assert_eq!(client.answer().unwrap().head.status, 200);
    }
    // Every outcome is there as soon as its last byte was.
    let records = interactions(server.data());
    let complete = records.iter().filter(|r| r["response"]["outcome"] == "complete").count();
    assert_eq!((records.len(), complete), (200, 200));
    let data = server.data().to_owned();
    server.stop();
    assert_eq!(verified(&data)["recorded"], 200);
}

#[test]
fn http2_clients_are_served() {
    let (_folder, _upstream, server) = ready();
    let address = server.proxy;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ids: Vec<String> = runtime.block_on(async move {
        use http_body_util::{BodyExt as _, Full};
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(
            hyper_util::rt::TokioExecutor::new(),
            hyper_util::rt::TokioIo::new(stream),
        )
        .await
        .unwrap();
        tokio::spawn(connection);
        let mut ids = Vec::new();
        for script in ["answer", "stream 5 1", "chunked", "empty"] {
            let request = hyper::Request::post("http://localhost/openai/v1/chat/completions")
                .header("x-script", script)
                .header("content-type", "application/json")
                .body(Full::new(bytes::Bytes::from(chat("over http/2", true))))
                .unwrap();
            sender.ready().await.unwrap();
            let response = sender.send_request(request).await.unwrap();
            let id = response.headers()["custody-interaction-id"].to_str().unwrap().to_owned();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body.is_empty(), script == "empty", "{script}");
            ids.push(id);
        }
        ids
    });
    for id in ids {
        let record = outcome_of(server.data(), &id);
        assert_eq!(record["response"]["outcome"], "complete", "{record:#}");
        assert_eq!(record["client"]["completed"], true);
    }
    server.stop();
}
