//! Clients, providers and networks that misbehave.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod support;

use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{
    Client, SOON, Server, Setup, Upstream, chat, interactions, outcome_of, post, post_to, until,
    verified,
};

const CHAT: &str = "/openai/v1/chat/completions";

fn ready() -> (tempfile::TempDir, Upstream, Server) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let server = Server::start(&Setup::new(folder.path(), upstream.address));
    (folder, upstream, server)
}

fn ask(client: &mut Client, script: &str) {
    let headers = [("x-script", script), ("content-type", "application/json")];
    client.request("POST", CHAT, &headers, chat("hi", true).as_bytes()).unwrap();
}

fn text(record: &Value) -> String {
    let parts = record["response"]["parts"].as_array().unwrap();
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

fn ended(server: Server) {
    let data = server.data().to_owned();
    server.stop();
    verified(&data);
}

#[test]
fn an_unknown_upstream_is_answered_with_the_known_ones() {
    let (_folder, _upstream, server) = ready();
    for path in ["/opnai/v1/x", "/", "/favicon.ico", "/OPENAI/v1"] {
        let got = post_to(server.proxy, path, &[], b"{}").unwrap();
        assert_eq!(got.head.status, 404, "{path}");
        let message = got.json()["error"]["message"].as_str().unwrap().to_owned();
        for name in ["openai", "anthropic", "any", "ollama"] {
            assert!(message.contains(name), "{path}: {message}");
        }
    }
    ended(server);
}

#[test]
fn an_unreachable_upstream_is_answered_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(&Setup::new(folder.path(), closed));
    let got = post(server.proxy, &[], chat("anyone?", false).as_bytes());
    assert_eq!(got.head.status, 502);
    assert_eq!(got.json()["error"]["type"], "upstream_unreachable");
    assert_eq!(
        got.json()["error"]["correlation_id"],
        got.head.get("custody-correlation-id").unwrap()
    );
    let record = outcome_of(server.data(), &got.head.id());
    assert_eq!(record["response"]["outcome"], "error", "{record:#}");
    assert_eq!(record["response"]["error"]["type"], "upstream_unreachable");
    assert_eq!(record["request"]["parts"][0]["text"], "anyone?", "{record:#}");
    ended(server);
}

#[test]
fn a_client_that_leaves_is_recorded_with_the_rest_of_the_answer() {
    let (_folder, upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    ask(&mut client, "stream 20 15");
    let id = client.head().unwrap().id();
    client.chunk().unwrap();
    drop(client);
    let record = outcome_of(server.data(), &id);
    assert_eq!(record["response"]["outcome"], "client_abort", "{record:#}");
    assert!(text(&record).ends_with("token-19 "), "{record:#}");
    assert_eq!(record["client"]["completed"], false);
    assert!(record["client"]["hung_up_after_us"].as_u64().is_some());
    assert!(
        record["client"]["bytes_sent"].as_u64() < record["response"]["bytes"].as_u64(),
        "{record:#}"
    );
    assert_eq!(upstream.finished(), 1, "the provider's answer was not read to its end");
    ended(server);
}

#[test]
fn a_client_that_leaves_before_the_answer_is_recorded_with_it() {
    let (_folder, upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    ask(&mut client, "slow 300");
    until("the call is sent on", SOON, || (!upstream.seen().is_empty()).then_some(()));
    // A reset, which is seen at once: a plain close may be a client that still listens.
    rustix::net::sockopt::set_socket_linger(&client.stream, Some(Duration::ZERO)).unwrap();
    drop(client);
    let record = until("the record", SOON, || {
        interactions(server.data()).into_iter().find(|r| r["response"]["outcome"] != "interrupted")
    });
    assert_eq!(record["response"]["outcome"], "client_abort", "{record:#}");
    assert_eq!(record["response"]["status"], 200, "{record:#}");
    ended(server);
}

#[test]
fn a_client_that_closes_before_a_stream_is_recorded_as_gone() {
    let (_folder, upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    ask(&mut client, "stream 4 100");
    until("the call is sent on", SOON, || (!upstream.seen().is_empty()).then_some(()));
    drop(client);
    let record = until("the record", SOON, || {
        interactions(server.data()).into_iter().find(|r| r["response"]["outcome"] != "interrupted")
    });
    assert_eq!(record["response"]["outcome"], "client_abort", "{record:#}");
    assert_eq!(record["response"]["finish_class"], "stop", "{record:#}");
    ended(server);
}

/// A client that gives up while it waits closes its socket; the answer, sent as one piece into the
/// closed connection, did not reach it, and the record must not say that it did.
#[test]
fn a_short_answer_after_the_client_closed_is_not_recorded_as_received() {
    let (_folder, upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    ask(&mut client, "slow 300");
    until("the call is sent on", SOON, || (!upstream.seen().is_empty()).then_some(()));
    drop(client);
    let record = until("the record", SOON, || {
        interactions(server.data()).into_iter().find(|r| r["response"]["outcome"] != "interrupted")
    });
    assert_eq!(record["client"]["completed"], false, "{:#}", record["client"]);
    ended(server);
}

#[test]
fn a_client_that_leaves_in_its_request_is_recorded() {
    let (_folder, _upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    let start =
        format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{{\"model\"");
    client.send(start.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(client);
    let record = until("the record", SOON, || {
        interactions(server.data()).into_iter().find(|r| r["response"]["outcome"] != "interrupted")
    });
    assert_eq!(record["request"]["complete"], false, "{record:#}");
    assert!(["client_abort", "error"].contains(&record["response"]["outcome"].as_str().unwrap()));
    ended(server);
}

#[test]
fn an_answer_that_breaks_off_is_truncated() {
    let (_folder, _upstream, server) = ready();
    for (script, seen) in [("cut 3", "token-2 "), ("short", "")] {
        let mut client = Client::connect(server.proxy);
        ask(&mut client, script);
        let head = client.head().unwrap();
        // The client must see that something is missing.
        assert!(client.body(&head).is_err(), "{script}");
        let record = outcome_of(server.data(), &head.id());
        assert_eq!(record["response"]["outcome"], "truncated", "{script}: {record:#}");
        assert!(text(&record).ends_with(seen), "{script}: {record:#}");
    }
    ended(server);
}

#[test]
fn a_provider_that_closes_without_an_answer_is_an_error() {
    let (_folder, upstream, server) = ready();
    // On a new connection, and on one that served before.
    post(server.proxy, &[], chat("first", false).as_bytes());
    for _ in 0..3 {
        let got = post(server.proxy, &[("x-script", "close")], chat("second", false).as_bytes());
        assert_eq!(got.head.status, 502, "{}", got.text());
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["response"]["outcome"], "error", "{record:#}");
        assert_eq!(record["request"]["parts"][0]["text"], "second", "{record:#}");
    }
    // A model is asked once, whatever happens.
    assert_eq!(upstream.seen().len(), 4);
    ended(server);
}

#[test]
fn an_answer_before_the_end_of_the_request_passes() {
    let (_folder, upstream, server) = ready();
    let body = chat(&"long ".repeat(20_000), false);
    let (first, second) = body.as_bytes().split_at(1000);
    let mut client = Client::connect(server.proxy);
    let start = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-script: early\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    client.send(start.as_bytes()).unwrap();
    client.send(first).unwrap();
    let head = client.head().unwrap();
    assert_eq!(head.status, 200);
    client.send(second).unwrap();
    client.body(&head).unwrap();
    until("all was sent on", SOON, || {
        upstream.seen().iter().any(|seen| seen.body == body.as_bytes()).then_some(())
    });
    let record = outcome_of(server.data(), &head.id());
    assert_eq!(record["response"]["outcome"], "complete", "{record:#}");
    ended(server);
}

#[test]
fn a_client_may_close_its_sending_side() {
    let (_folder, _upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    ask(&mut client, "stream 5 10");
    client.stream.shutdown(Shutdown::Write).unwrap();
    let answer = client.answer().unwrap();
    assert!(answer.text().contains("[DONE]"));
    let record = outcome_of(server.data(), &answer.head.id());
    assert_eq!(record["response"]["outcome"], "complete", "{record:#}");
    ended(server);
}

#[test]
fn expect_continue_is_answered() {
    let (_folder, upstream, server) = ready();
    let body = chat("may I?", false);
    let mut client = Client::connect(server.proxy);
    let start = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nx-test: expect\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.send(start.as_bytes()).unwrap();
    assert_eq!(client.head().unwrap().status, 100);
    client.send(body.as_bytes()).unwrap();
    let answer = client.answer().unwrap();
    assert_eq!(answer.head.status, 200);
    assert_eq!(upstream.seen_as("expect").unwrap().body, body.as_bytes());
    ended(server);
}

#[test]
fn chunked_requests_pass() {
    let (_folder, upstream, server) = ready();
    let body = chat("in pieces", false);
    let mut client = Client::connect(server.proxy);
    let start = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-test: chunks\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    client.send(start.as_bytes()).unwrap();
    for piece in body.as_bytes().chunks(5) {
        client.send(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
        client.send(piece).unwrap();
        client.send(b"\r\n").unwrap();
    }
    client.send(b"0\r\n\r\n").unwrap();
    let answer = client.answer().unwrap();
    assert_eq!(upstream.seen_as("chunks").unwrap().body, body.as_bytes());
    let record = outcome_of(server.data(), &answer.head.id());
    assert_eq!(record["request"]["parts"][0]["text"], "in pieces", "{record:#}");
    ended(server);
}

#[test]
fn requests_in_a_row_on_one_connection_are_answered_in_order() {
    let (_folder, _upstream, server) = ready();
    let mut client = Client::connect(server.proxy);
    for script in ["slow 100", "answer", "chunked"] {
        ask(&mut client, script);
    }
    for expected in ["a slow answer", "an answer", "an answer in chunks"] {
        assert!(client.answer().unwrap().text().contains(expected));
    }
    ended(server);
}

#[test]
fn what_is_no_http_is_refused_and_harms_nobody() {
    let (_folder, _upstream, server) = ready();
    for bytes in [
        b"\0\0\0\0\0\0\0\0\r\n\r\n".as_slice(),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /openai/v1/x HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /openai/v1/x HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"POST /openai/v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com\r\n\r\n",
        b"GET http://elsewhere.example/openai/v1/x HTTP/1.1\r\nhost: elsewhere.example\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame at all",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut client = Client::connect(server.proxy);
        client.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client.send(bytes).unwrap();
        drop(client.stream.shutdown(Shutdown::Write));
        drop(client.answer());
    }
    assert_eq!(post(server.proxy, &[], chat("still there?", false).as_bytes()).head.status, 200);
    server.no_panic();
    ended(server);
}

#[test]
fn a_thousand_streams_at_once_are_all_recorded() {
    let (_folder, upstream, server) = ready();
    let started = Instant::now();
    let mut clients: Vec<Client> = (0..1000)
        .map(|_| {
            let mut client = Client::connect(server.proxy);
            ask(&mut client, "hold 2");
            client
        })
        .collect();
    until("all wait", Duration::from_mins(1), || (upstream.holding() == 1000).then_some(()));
    upstream.release();
    for client in &mut clients {
        let answer = client.answer().unwrap();
        assert!(answer.text().contains("released") && answer.text().contains("[DONE]"));
    }
    println!("{:?}", started.elapsed());
    let records = until("all outcomes", SOON, || {
        let records = interactions(server.data());
        let complete = records.iter().filter(|r| r["response"]["outcome"] == "complete").count();
        (complete == 1000).then_some(records)
    });
    assert_eq!(records.len(), 1000);
    drop(clients);
    let data = server.data().to_owned();
    server.stop();
    assert_eq!(verified(&data)["recorded"], 1000);
}
