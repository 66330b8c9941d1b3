//! A stand-in provider. What it does is asked for with the header `x-script`, which the proxy
//! forwards: `answer`, `chunked`, `stream 20 10` (tokens, gap in ms), `cut 3`, `short`, `close`,
//! `early`, `slow 50`, `hold`, `empty`, `put NAME` (an answer that the test has put).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer that a test has put.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Sent in pieces of this size, chunked; 0 for a body of known length.
    pub(crate) chunk: usize,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    replies: Mutex<HashMap<String, Reply>>,
    holding: AtomicUsize,
    finished: AtomicUsize,
    release: Notify,
}

/// The stand-in.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    stream.set_nodelay(true).unwrap();
                    let state = Arc::clone(&state);
                    tokio::spawn(async move { drop(serve(stream, &state).await) });
                }
            });
        });
        Self { address, shared }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The request with this `x-test`.
    pub(crate) fn seen_as(&self, test: &str) -> Option<Seen> {
        self.seen().into_iter().find(|seen| seen.get("x-test") == Some(test))
    }

    pub(crate) fn put(&self, name: &str, reply: Reply) {
        self.shared.replies.lock().unwrap().insert(name.to_owned(), reply);
    }

    /// Answers that wait after their first token.
    pub(crate) fn holding(&self) -> usize {
        self.shared.holding.load(Ordering::SeqCst)
    }

    /// Answers that were written to their last byte.
    pub(crate) fn finished(&self) -> usize {
        self.shared.finished.load(Ordering::SeqCst)
    }

    /// Lets all that hold go on.
    pub(crate) fn release(&self) {
        self.shared.release.notify_waiters();
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let mut seen = head(&mut stream, &mut buffer).await?;
        let script = seen.get("x-script").unwrap_or("answer").to_owned();
        if script == "early" {
            let body = completion("an early answer");
            stream.write_all(known(200, "application/json", &body).as_bytes()).await?;
            seen.body = body_of(&mut stream, &mut buffer, &seen).await?;
            shared.seen.lock().unwrap().push(seen);
            continue;
        }
        seen.body = body_of(&mut stream, &mut buffer, &seen).await?;
        let is_head = seen.line.starts_with("HEAD ");
        shared.seen.lock().unwrap().push(seen);
        let mut words = script.split(' ');
        let name = words.next().unwrap_or_default();
        let argument = words.next().unwrap_or_default().to_owned();
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        match name {
            "close" => return Ok(()),
            "empty" => stream.write_all(b"HTTP/1.1 204 No Content\r\nx-empty: 1\r\n\r\n").await?,
            "slow" => {
                tokio::time::sleep(Duration::from_millis(number(&argument))).await;
                let body = completion("a slow answer");
                stream.write_all(known(200, "application/json", &body).as_bytes()).await?;
            }
            "chunked" => {
                let body = completion("an answer in chunks");
                start(&mut stream, "application/json").await?;
                for piece in body.as_bytes().chunks(7) {
                    chunk(&mut stream, piece).await?;
                }
                stream.write_all(b"0\r\n\r\n").await?;
            }
            "stream" | "cut" | "hold" => {
                let gap = Duration::from_millis(number(words.next().unwrap_or_default()));
                start(&mut stream, "text/event-stream").await?;
                for i in 0..number(&argument).max(1) {
                    if !gap.is_zero() {
                        tokio::time::sleep(gap).await;
                    }
                    chunk(&mut stream, token_event(&format!("token-{i} ")).as_bytes()).await?;
                }
                if name == "cut" {
                    return Ok(());
                }
                if name == "hold" {
                    let released = shared.release.notified();
                    shared.holding.fetch_add(1, Ordering::SeqCst);
                    released.await;
                    chunk(&mut stream, token_event("released").as_bytes()).await?;
                }
                chunk(&mut stream, END.as_bytes()).await?;
                stream.write_all(b"0\r\n\r\n").await?;
            }
            "short" => {
                let body = completion("cut short");
                let whole = known(200, "application/json", &body);
                let (half, _) = whole.split_at(whole.len() - 20);
                stream.write_all(half.as_bytes()).await?;
                return Ok(());
            }
            "put" => {
                let reply = shared.replies.lock().unwrap().get(&argument).cloned();
                put(&mut stream, &reply.unwrap()).await?;
            }
            _ if is_head => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await?;
            }
            _ => {
                let body = completion("an answer");
                stream.write_all(known(200, "application/json", &body).as_bytes()).await?;
            }
        }
        shared.finished.fetch_add(1, Ordering::SeqCst);
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

async fn line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some(at) = buffer.windows(2).position(|w| w == b"\r\n") {
            let rest = buffer.split_off(at + 2);
            let line = std::mem::replace(buffer, rest);
            return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
        }
        fill(stream, buffer).await?;
    }
}

async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Seen> {
    let mut seen = Seen { line: line(stream, buffer).await?, ..Seen::default() };
    loop {
        let line = line(stream, buffer).await?;
        match line.split_once(':') {
            Some((name, value)) => {
                seen.headers.push((name.to_owned(), value.trim().to_owned()));
            }
            None => return Ok(seen),
        }
    }
}

async fn body_of(stream: &mut TcpStream, buffer: &mut Vec<u8>, seen: &Seen) -> io::Result<Vec<u8>> {
    if seen.get("transfer-encoding").is_some_and(|t| t.contains("chunked")) {
        let mut body = Vec::new();
        loop {
            let size = line(stream, buffer).await?;
            let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
            body.extend_from_slice(&exactly(stream, buffer, size).await?);
            line(stream, buffer).await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let length = seen.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    exactly(stream, buffer, length).await
}

async fn exactly(stream: &mut TcpStream, buffer: &mut Vec<u8>, n: usize) -> io::Result<Vec<u8>> {
    while buffer.len() < n {
        fill(stream, buffer).await?;
    }
    let rest = buffer.split_off(n);
    Ok(std::mem::replace(buffer, rest))
}

async fn start(stream: &mut TcpStream, kind: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nx-request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

async fn chunk(stream: &mut TcpStream, data: &[u8]) -> io::Result<()> {
    let mut bytes = format!("{:x}\r\n", data.len()).into_bytes();
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(b"\r\n");
    stream.write_all(&bytes).await
}

async fn put(stream: &mut TcpStream, reply: &Reply) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Put\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if reply.chunk == 0 {
        head += &format!("content-length: {}\r\n\r\n", reply.body.len());
        stream.write_all(head.as_bytes()).await?;
        return stream.write_all(&reply.body).await;
    }
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    for piece in reply.body.chunks(reply.chunk) {
        chunk(stream, piece).await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}

fn known(status: u16, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} OK\r\ncontent-type: {kind}\r\nX-Provider: stand-in\r\nopenai-version: 1\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn completion(text: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
    })
    .to_string()
}

/// A token of a chat completion's stream.
pub(crate) fn token_event(text: &str) -> String {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}],
    });
    format!("data: {event}\n\n")
}

const END: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
