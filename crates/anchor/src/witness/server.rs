//! The HTTP face of a witness: one route, small bodies, patience with nobody.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{Answer, Witness, WitnessError};

/// 63 lines of proof and a checkpoint with a hundred signatures take less.
const MAX_BODY: usize = 64 * 1024;
const MAX_CONNECTIONS: usize = 512;
/// For a request's head; for its body; and for a connection in all.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
const BODY_PATIENCE: Duration = Duration::from_secs(10);
const CONNECTION_PATIENCE: Duration = Duration::from_mins(5);

/// Answers until `stop` completes; `ready` gets the address. A request that goes on meanwhile is
/// not answered; what it brought may be durable, as after a crash.
pub async fn serve(
    witness: Arc<Witness>,
    listen: SocketAddr,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), WitnessError> {
    let failed = |error| WitnessError::Listen(listen, error);
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    ready(listener.local_addr().map_err(failed)?);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let next = async {
            // Who finds no place waits in the system's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            () = &mut stop => return Ok(()),
        };
        match accepted {
            Ok((stream, _)) => {
                let witness = Arc::clone(&witness);
                tokio::spawn(async move {
                    connection(stream, witness).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, witness: Arc<Witness>) {
    let service = service_fn(move |request| {
        let witness = Arc::clone(&witness);
        async move { Ok::<_, Infallible>(answer(request, witness).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_PATIENCE, serving).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
    }
}

async fn answer(request: Request<Incoming>, witness: Arc<Witness>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/add-checkpoint" {
        return said(StatusCode::NOT_FOUND, "there is only POST /add-checkpoint\n");
    }
    if request.method() != Method::POST {
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "POST it\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    let body = match tokio::time::timeout(BODY_PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return said(StatusCode::PAYLOAD_TOO_LARGE, "a request is at most 64 KiB\n");
        }
        Ok(Err(_)) => return said(StatusCode::BAD_REQUEST, "the body did not come whole\n"),
        Err(_) => return said(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n"),
    };
    // The disk is waited for on a thread that may wait.
    let answered = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match answered {
        Ok(Answer { status, content_type, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = Response::new(Full::new(Bytes::from(body)));
            *response.status_mut() = status;
            let kind = HeaderValue::from_static(content_type);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        Err(error) => {
            tracing::error!(%error, "a request was not answered");
            said(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n")
        }
    }
}

fn said(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
