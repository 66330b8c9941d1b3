//! One connection to the target: send a request, read the answer, check every byte of it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::Spec;
use super::schedule::Ticket;
use super::tally::Tally;
use crate::answer;
use crate::body::Job;
use crate::num;
use crate::pieces::Pieces;
use crate::plan::Pace;
use crate::text::Text;

/// Where requests go, and what they all have in common.
pub(crate) struct Site {
    addr: SocketAddr,
    uri: Uri,
    headers: HeaderMap,
    text: Rc<Text>,
    /// Pieces of a streamed answer; zero for a whole one.
    chunks: usize,
}

impl Site {
    /// As the plan says.
    pub(crate) fn new(spec: &Spec, text: Rc<Text>) -> Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(&spec.addr.to_string())?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("OpenAI/Python 2.9.0"));
        // Not a key: what matters is that there is one to fingerprint.
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer sk-bench-0000"));
        let mut set = |name, value: u128| {
            let value = u64::try_from(value).unwrap_or(u64::MAX);
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        };
        let mut chunks = 0;
        match spec.workload.pace() {
            Pace::Busy(_) => {}
            Pace::Rate { delay, .. } => set(answer::DELAY, delay.as_millis()),
            Pace::Streams(streams) => {
                set(answer::DELAY, streams.first.as_millis());
                set(answer::GAP, streams.gap.as_millis());
                set(answer::CHUNKS, streams.chunks.into());
                chunks = num::index(streams.chunks.into());
            }
        }
        let uri = spec.path.parse().with_context(|| format!("path {}", spec.path))?;
        Ok(Self { addr: spec.addr, uri, headers, text, chunks })
    }

    /// Pieces in each answer; zero when it comes whole.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.addr).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.context("cannot connect")?;
        // Its error reaches the request that it breaks.
        spawn_local(async { drop(connection.await) });
        Ok(Connection(sender))
    }

    fn request(&self, job: &Job) -> Request<Pieces> {
        let mut request = Request::new(job.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(answer::TEXT, job.answer.number.into());
        headers.insert(answer::LENGTH, job.answer.length.into());
        request
    }
}

/// An open connection.
pub(crate) struct Connection(SendRequest<Pieces>);

impl Connection {
    /// Sends one request and reads its answer; an error means that the answer was wrong or did
    /// not come.
    pub(crate) async fn exchange(
        &mut self,
        site: &Site,
        job: &Job,
        ticket: Ticket,
        tally: &RefCell<Tally>,
    ) -> Result<()> {
        self.0.ready().await.context("connection closed")?;
        tally.borrow_mut().sent += 1;
        let response =
            self.0.send_request(site.request(job)).await.context("no answer to a request")?;
        let first_byte = ticket.due.elapsed();
        check_head(&response, job)?;
        let mut body = response.into_body();
        if site.chunks == 0 {
            whole(&mut body, &job.answer.whole(&site.text)).await?;
        } else {
            let (expected, ends) = job.answer.streamed(&site.text, site.chunks);
            streamed(&mut body, &expected, &ends, ticket, tally).await?;
        }
        let mut tally = tally.borrow_mut();
        tally.completed += 1;
        if ticket.measured {
            tally.first_byte.push(first_byte);
            tally.latency.push(ticket.due.elapsed());
        }
        Ok(())
    }
}

fn check_head(response: &Response<Incoming>, job: &Job) -> Result<()> {
    let status = response.status();
    ensure!(status == StatusCode::OK, "status {}", status.as_u16());
    let received = response.headers().get(answer::RECEIVED).map(HeaderValue::as_bytes);
    let expected = format!("{}-{:08x}", job.body.len(), job.crc);
    ensure!(received == Some(expected.as_bytes()), "request body changed on its way");
    Ok(())
}

async fn whole(body: &mut Incoming, expected: &[u8]) -> Result<()> {
    let mut at = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.context("answer broken off")?;
        let Some(data) = frame.data_ref() else { bail!("trailers in an answer") };
        at = compare(expected, at, data)?;
    }
    ensure!(at == expected.len(), "answer too short");
    Ok(())
}

async fn streamed(
    body: &mut Incoming,
    expected: &[u8],
    ends: &[usize],
    ticket: Ticket,
    tally: &RefCell<Tally>,
) -> Result<()> {
    let (mut at, mut pieces, mut last) = (0, 0, None);
    while let Some(frame) = body.frame().await {
        let frame = frame.context("stream broken off")?;
        let Some(data) = frame.data_ref() else { bail!("trailers in a stream") };
        if at == 0 && ticket.measured {
            tally.borrow_mut().first_token.push(ticket.due.elapsed());
        }
        at = compare(expected, at, data)?;
        // A proxy may cut and join pieces; each counts when its last byte is there.
        let complete = ends.get(pieces..).unwrap_or_default().partition_point(|&end| end <= at);
        if complete > 0 {
            tally.borrow_mut().pieces(complete, last, ticket.measured);
            pieces += complete;
            last = Some(Instant::now());
        }
    }
    ensure!(at == expected.len(), "stream too short");
    Ok(())
}

/// Compares `data` with what has to stand at `at`; returns the position behind it.
fn compare(expected: &[u8], at: usize, data: &[u8]) -> Result<usize> {
    let next = at + data.len();
    ensure!(expected.get(at..next) == Some(data), "answer changed on its way");
    Ok(next)
}
