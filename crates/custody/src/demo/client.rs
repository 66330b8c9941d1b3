//! The demo's client: an ordinary HTTP client that reads a stream as it comes.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;

use super::script::Step;

/// What the client saw.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) id: String,
    pub(crate) correlation: String,
    pub(crate) first_byte: Duration,
}

/// Sends one step through the proxy.
pub(crate) async fn send(proxy: std::net::SocketAddr, step: &Step) -> anyhow::Result<Answer> {
    let stream = tokio::net::TcpStream::connect(proxy).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::post(step.path)
        .header("host", proxy.to_string())
        .header("content-type", "application/json")
        .header("authorization", "Bearer sk-demo-0000000000000000000000000000")
        .header("custody-user", step.user)
        .header("custody-session", step.session)
        .header("custody-service", step.service)
        .header("custody-environment", "demo")
        .header("custody-correlation-id", step.correlation)
        .body(Full::new(Bytes::from(step.body.to_string())))?;
    let started = Instant::now();
    let response = sender.send_request(request).await?;
    let first_byte = started.elapsed();
    let header = |name: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned).with_context(|| format!("the answer has no {name}"))
    };
    let (id, correlation) = (header("custody-interaction-id")?, header("custody-correlation-id")?);
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    driver.abort();
    Ok(Answer { status, id, correlation, first_byte })
}
