//! Asking a running Custody: `--server URL`.

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// Gets `path` from the server at `base` (`http://127.0.0.1:8081`).
pub(crate) fn get(base: &str, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
    let authority = authority(base)?;
    let mut target = path.to_owned();
    for (i, (name, value)) in query.iter().enumerate() {
        target.push(if i == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        target.push_str(&encode(value));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (status, body) = runtime
        .block_on(fetch(authority, &target))
        .with_context(|| format!("cannot ask {base}"))?;
    let value: Value = serde_json::from_slice(&body)
        .with_context(|| format!("{base} did not answer with JSON (status {status})"))?;
    if status == 200 {
        return Ok(value);
    }
    let detail = value.get("detail").and_then(Value::as_str).unwrap_or("no detail");
    Err(anyhow!("{base} answered {status}: {detail}"))
}

/// Posts JSON to `path` of the server at `base`; gives the status and what it answered.
pub(crate) fn post(base: &str, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    let authority = authority(base)?;
    let request = Request::post(path)
        .header("host", authority)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(serde_json::to_vec(body)?)))?;
    answer(base, authority, request)
}

/// Posts bytes of this media type; gives the status and what it answered.
pub(crate) fn post_bytes(
    base: &str,
    path: &str,
    media_type: &str,
    body: Bytes,
) -> anyhow::Result<(u16, Value)> {
    let authority = authority(base)?;
    let request = Request::post(path)
        .header("host", authority)
        .header("content-type", media_type)
        .body(Full::new(body))?;
    answer(base, authority, request)
}

/// Deletes `path` of the server at `base`; gives the status and what it answered.
pub(crate) fn delete(base: &str, path: &str) -> anyhow::Result<(u16, Value)> {
    let authority = authority(base)?;
    let request = Request::delete(path).header("host", authority).body(Full::new(Bytes::new()))?;
    answer(base, authority, request)
}

fn authority(base: &str) -> anyhow::Result<&str> {
    base.trim_end_matches('/').strip_prefix("http://").ok_or_else(|| {
        anyhow!("--server {base}: expected an address such as http://127.0.0.1:8081")
    })
}

fn answer(
    base: &str,
    authority: &str,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(u16, Value)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (status, answer) =
        runtime.block_on(send(authority, request)).with_context(|| format!("cannot ask {base}"))?;
    let value = serde_json::from_slice(&answer)
        .with_context(|| format!("{base} did not answer with JSON (status {status})"))?;
    Ok((status, value))
}

async fn fetch(authority: &str, target: &str) -> anyhow::Result<(u16, Bytes)> {
    let request = Request::get(target).header("host", authority).body(Full::new(Bytes::new()))?;
    send(authority, request).await
}

async fn send(authority: &str, request: Request<Full<Bytes>>) -> anyhow::Result<(u16, Bytes)> {
    let stream = tokio::net::TcpStream::connect(authority).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    driver.abort();
    Ok((status, body))
}

/// A path segment or query value, percent-encoded.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
