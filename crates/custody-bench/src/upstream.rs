//! The stand-in for a model provider: a small HTTP server that answers what the request's headers
//! ask for, when they ask for it.
//!
//! It shares a core with the load generator, so it computes as little as it can, and it sleeps on a
//! timer of its own (see `timer`).

use std::convert::Infallible;
use std::io::Write;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{LocalSet, spawn_local};

use crate::answer::{self, Answer};
use crate::text::Text;
use crate::timer::{Alarm, Timer};
use crate::{child, num};

/// The core to run on.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The core to run on.
    #[arg(long)]
    core: usize,
}

/// Serves until the parent ends; prints its port first.
pub(crate) fn run(args: &Args) -> Result<()> {
    child::settle(args.core)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(4096)?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", listener.local_addr()?.port())?;
        out.flush()?;
        serve(listener).await
    })
}

struct Mock {
    text: Text,
    timer: Timer,
}

async fn serve(listener: TcpListener) -> Result<()> {
    let mock = Rc::new(Mock { text: Text::new(), timer: Timer::start()? });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        spawn_local(connection(mock.clone(), stream));
    }
}

async fn connection(mock: Rc<Mock>, stream: TcpStream) {
    let service = service_fn(|request| {
        let mock = mock.clone();
        async move { Ok::<_, Infallible>(mock.answer(request).await) }
    });
    // A client that hangs up is no concern of the upstream; the load generator counts it.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

impl Mock {
    async fn answer(&self, request: Request<Incoming>) -> Response<Reply> {
        let (head, mut body) = request.into_parts();
        let (mut length, mut crc) = (0, crc32fast::Hasher::new());
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                length += data.len();
                crc.update(data);
            }
        }
        let arrived = Instant::now();
        let millis = |name| Duration::from_millis(number(&head.headers, name));
        let delay = millis(answer::DELAY);
        let wanted = Answer {
            number: number(&head.headers, answer::TEXT),
            length: num::index(number(&head.headers, answer::LENGTH)),
        };
        let chunks = num::index(number(&head.headers, answer::CHUNKS));
        let reply = if chunks == 0 {
            if !delay.is_zero() {
                self.timer.sleep_until(arrived + delay).await;
            }
            Reply::Whole(wanted.whole(&self.text).into())
        } else {
            let (bytes, ends) = wanted.streamed(&self.text, chunks);
            Reply::Stream(Stream {
                rest: bytes.into(),
                sizes: sizes(&ends),
                due: arrived + delay,
                gap: millis(answer::GAP),
                alarm: Alarm::default(),
                timer: self.timer.clone(),
            })
        };
        respond(reply, &format!("{length}-{:08x}", crc.finalize()), wanted)
    }
}

fn respond(reply: Reply, received: &str, wanted: Answer) -> Response<Reply> {
    let kind = match reply {
        Reply::Whole(_) => "application/json",
        Reply::Stream(_) => "text/event-stream; charset=utf-8",
    };
    let streamed = matches!(reply, Reply::Stream(_));
    let mut response = Response::new(reply);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if streamed {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    let id = format!("req_{:032x}", wanted.number);
    for (name, value) in [("x-request-id", id.as_str()), (answer::RECEIVED, received)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A number from a header; zero when it is absent.
fn number(headers: &HeaderMap, name: &str) -> u64 {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Lengths of the pieces, the last one first, so that they can be popped.
fn sizes(ends: &[usize]) -> Vec<usize> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let mut sizes: Vec<_> = ends.iter().zip(starts).map(|(end, start)| end - start).collect();
    sizes.reverse();
    sizes
}

/// The body of an answer.
enum Reply {
    Whole(Bytes),
    Stream(Stream),
}

/// Pieces that leave at fixed times after the request; one that leaves late delays no other.
struct Stream {
    rest: Bytes,
    sizes: Vec<usize>,
    due: Instant,
    gap: Duration,
    alarm: Alarm,
    timer: Timer,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let stream = match &mut *self {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                let frame = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
                return Poll::Ready(frame);
            }
            Self::Stream(stream) => stream,
        };
        let Some(&size) = stream.sizes.last() else { return Poll::Ready(None) };
        std::task::ready!(stream.alarm.poll(&stream.timer, stream.due, cx));
        stream.sizes.pop();
        stream.due += stream.gap;
        let piece = stream.rest.split_to(size.min(stream.rest.len()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.sizes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(num::count(bytes.len())),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
