//! A sandbox model: an HTTP server that speaks OpenAI's chat and Anthropic's Messages, streamed and
//! not, and answers from a script.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::script::{self, Reply};

/// How long the model thinks, and how long a word takes.
const THINKING: Duration = Duration::from_millis(40);
const WORD: Duration = Duration::from_millis(6);

type Body = BoxBody<Bytes, Infallible>;

/// Starts the model on a thread of its own; it ends with the process.
pub(crate) fn start() -> anyhow::Result<SocketAddr> {
    let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(serve(socket)),
            Err(error) => tracing::error!(%error, "the sandbox model cannot run"),
        }
    })?;
    Ok(address)
}

async fn serve(socket: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(socket) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        tokio::spawn(async move {
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            if let Err(error) = serving.await {
                tracing::debug!(%error, "a connection to the sandbox model ended");
            }
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let bytes = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let asked: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let stream = asked.get("stream").and_then(Value::as_bool).unwrap_or(false);
    tokio::time::sleep(THINKING).await;
    let reply = script::reply(&asked);
    if let Reply::Busy = reply {
        let body = json!({"error": {"type": "rate_limit_error", "code": "rate_limited",
            "message": "The sandbox model is busy; try again."}});
        return Ok(whole(429, &body));
    }
    let model = asked.get("model").and_then(Value::as_str).unwrap_or("sandbox-1");
    let input = bytes.len() / 4;
    Ok(match (path.ends_with("/messages"), path.ends_with("/chat/completions"), stream) {
        (true, _, true) => streamed(anthropic_events(model, input, &reply)),
        (true, _, false) => whole(200, &anthropic_whole(model, input, &reply)),
        (_, true, true) => streamed(openai_events(model, input, &reply)),
        (_, true, false) => whole(200, &openai_whole(model, input, &reply)),
        _ => whole(
            404,
            &json!({"error": {"type": "not_found", "message": format!("no {path} here")}}),
        ),
    })
}

fn whole(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed());
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    set_type(&mut response, "application/json");
    response
}

fn set_type(response: &mut Response<Body>, kind: &'static str) {
    let value = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, value);
}

/// Server-sent events, one word at a time.
fn streamed(events: Vec<String>) -> Response<Body> {
    let (sender, receiver) = mpsc::channel::<Bytes>(4);
    tokio::spawn(async move {
        for event in events {
            if sender.send(Bytes::from(event)).await.is_err() {
                return;
            }
            tokio::time::sleep(WORD).await;
        }
    });
    let mut response = Response::new(Channel(receiver).boxed());
    set_type(&mut response, "text/event-stream");
    response
}

struct Channel(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Channel {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

fn output_tokens(reply: &Reply) -> usize {
    match reply {
        Reply::Text(text) => words(text).count(),
        Reply::Call { arguments, .. } => arguments.to_string().len() / 4,
        Reply::Busy => 0,
    }
}

fn openai_whole(model: &str, input: usize, reply: &Reply) -> Value {
    let output = output_tokens(reply);
    let (message, finish) = match reply {
        Reply::Call { id, name, arguments } => (
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function",
                "function": {"name": name, "arguments": arguments.to_string()}}]}),
            "tool_calls",
        ),
        Reply::Text(text) => (json!({"role": "assistant", "content": text}), "stop"),
        Reply::Busy => (Value::Null, "stop"),
    };
    json!({"id": "chatcmpl-sandbox", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}})
}

fn openai_events(model: &str, input: usize, reply: &Reply) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": "chatcmpl-sandbox", "object": "chat.completion.chunk", "created": 0,
            "model": model, "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    let finish = match reply {
        Reply::Text(text) => {
            events.extend(words(text).map(|word| delta(json!({"content": word}), Value::Null)));
            "stop"
        }
        Reply::Call { id, name, arguments } => {
            let call = |function: Value, id: Value| {
                delta(
                    json!({"tool_calls": [{"index": 0, "id": id, "type": "function", "function": function}]}),
                    Value::Null,
                )
            };
            events.push(call(json!({"name": name, "arguments": ""}), json!(id)));
            let arguments = arguments.to_string();
            let pieces = words(&arguments);
            events.extend(pieces.map(|piece| call(json!({"arguments": piece}), Value::Null)));
            "tool_calls"
        }
        Reply::Busy => "stop",
    };
    events.push(delta(json!({}), json!(finish)));
    let output = output_tokens(reply);
    events.push(chunk(
        json!([]),
        json!({"prompt_tokens": input, "completion_tokens": output,
        "total_tokens": input + output}),
    ));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn anthropic_whole(model: &str, input: usize, reply: &Reply) -> Value {
    let (content, stop) = match reply {
        Reply::Text(text) => (json!([{"type": "text", "text": text}]), "end_turn"),
        Reply::Call { id, name, arguments } => {
            (json!([{"type": "tool_use", "id": id, "name": name, "input": arguments}]), "tool_use")
        }
        Reply::Busy => (json!([]), "end_turn"),
    };
    json!({"id": "msg_sandbox", "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": input, "output_tokens": output_tokens(reply)}})
}

fn anthropic_events(model: &str, input: usize, reply: &Reply) -> Vec<String> {
    let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
    let mut events = vec![event(
        "message_start",
        json!({"type": "message_start", "message": {
        "id": "msg_sandbox", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": input, "output_tokens": 1}}}),
    )];
    let (block, deltas, stop): (Value, Vec<Value>, &str) = match reply {
        Reply::Call { id, name, arguments } => (
            json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
            words(&arguments.to_string())
                .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
                .collect(),
            "tool_use",
        ),
        Reply::Text(text) => (
            json!({"type": "text", "text": ""}),
            words(text).map(|word| json!({"type": "text_delta", "text": word})).collect(),
            "end_turn",
        ),
        Reply::Busy => (json!({"type": "text", "text": ""}), Vec::new(), "end_turn"),
    };
    let start = json!({"type": "content_block_start", "index": 0, "content_block": block});
    events.push(event("content_block_start", start));
    events.extend(deltas.into_iter().map(|delta| {
        event(
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        )
    }));
    events.push(event("content_block_stop", json!({"type": "content_block_stop", "index": 0})));
    events.push(event(
        "message_delta",
        json!({"type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": null},
        "usage": {"output_tokens": output_tokens(reply)}}),
    ));
    events.push(event("message_stop", json!({"type": "message_stop"})));
    events
}
