//! The layer between a client and a stand-in, with a stand-in collector that keeps what it is told.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use custody_tower::{Caller, Collector, RecordLayer, Tee};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower_layer::Layer as _;
use tower_service::Service;

/// A model that answers at once.
#[derive(Clone)]
struct Model(&'static str);

impl Service<Request<Tee<Full<Bytes>>>> for Model {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Tee<Full<Bytes>>>) -> Self::Future {
        assert!(request.headers().get("accept-encoding").is_none());
        // As an HTTP client does: the body is read to its end.
        tokio::spawn(request.into_body().collect());
        let response = Response::builder().header("content-type", "text/event-stream");
        ready(Ok(response.body(Full::from(self.0)).unwrap()))
    }
}

/// A collector that is away at first.
async fn collector() -> (Collector, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (told, events) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = ["503 Service Unavailable", "200 OK"].into_iter().cycle();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let body = loop {
                let mut piece = [0; 4096];
                let n = stream.read(&mut piece).await.unwrap();
                bytes.extend_from_slice(&piece[..n]);
                let text = String::from_utf8_lossy(&bytes);
                if let Some((_, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break body;
                }
            };
            let answer = answers.next().unwrap();
            if answer.starts_with("200") {
                body.as_array().unwrap().iter().for_each(|e| told.send(e.clone()).unwrap());
            }
            let head =
                format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
        }
    });
    (Collector::start(&address).unwrap(), events)
}

#[tokio::test]
async fn a_call_is_told_when_its_answer_is_over_and_the_collector_is_back() {
    let (collector, mut events) = collector().await;
    let mut client = RecordLayer::new(collector.clone(), "openai").layer(Model("data: [DONE]\n\n"));
    let body = json!({"model": "m", "messages": []}).to_string();
    let mut request = Request::post("https://api.example/v1/chat/completions")
        .header("accept-encoding", "gzip")
        .body(Full::from(body))
        .unwrap();
    let user = Some("alice".to_owned());
    request.extensions_mut().insert(Caller { user, ..Caller::default() });
    let answer = client.call(request).await.unwrap();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, "data: [DONE]\n\n");
    collector.flush().await;
    let event = events.recv().await.unwrap();
    for (member, expected) in [
        ("type", json!("interaction")),
        ("provider", json!("openai")),
        ("path", json!("/v1/chat/completions")),
        ("user", json!("alice")),
        ("request", json!({"model": "m", "messages": []})),
        ("response", json!("data: [DONE]\n\n")),
        ("content_type", json!("text/event-stream")),
        ("status", json!(200)),
        ("complete", json!(true)),
    ] {
        assert_eq!(event[member], expected, "{member}: {event}");
    }
    assert_eq!(event["correlation_id"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_is_told_as_such() {
    let (collector, mut events) = collector().await;
    let mut client = RecordLayer::new(collector.clone(), "openai").layer(Model("data: 1\n\n"));
    let request = Request::post("/v1/chat/completions")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .body(Full::from("not JSON"))
        .unwrap();
    drop(client.call(request).await.unwrap());
    tokio::task::yield_now().await;
    collector.flush().await;
    let event = events.recv().await.unwrap();
    assert_eq!((&event["complete"], &event["response"]), (&json!(false), &json!("")));
    assert_eq!(event["request"], "not JSON");
    assert!(event.get("correlation_id").is_none(), "the trace context says it");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    assert!(Collector::start("not an address").is_err());
}
