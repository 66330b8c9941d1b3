//! Bodies that pass through while a copy goes to a tap.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use capture::{Gate, Gatekeeper, RequestTap, ResponseEnd, ResponseTap};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::presence::{Client, Presence};
use crate::upstream::{Connection, Upstream};
use crate::watch::EndWatch;

/// After a client left, so much of the answer is still read …
const DRAIN_BYTES: u64 = 64 << 20;
/// … for at most so long.
const DRAIN_TIME: Duration = Duration::from_mins(5);

/// Of a request that cannot be sent, so much is still read …
const UNSENT_BYTES: usize = 64 << 20;
/// … for at most so long.
const UNSENT_TIME: Duration = Duration::from_secs(5);
/// A client that sends no more and is gone shows it so long after the answer's head was written.
const PROBE: Duration = Duration::from_millis(30);

/// A request's body on its way to the provider.
pub(crate) struct TeeRequest {
    inner: Inner,
    tap: Option<RequestTap>,
}

/// Where a request's bytes come from.
enum Inner {
    /// The client, as it sends them.
    Client(Incoming),
    /// A body that was read whole before.
    Whole(Full<Bytes>),
}

impl TeeRequest {
    pub(crate) fn new(inner: Incoming, tap: RequestTap) -> Self {
        if let Some(length) = inner.size_hint().exact() {
            tap.expect(length);
        }
        let mut tee = Self { inner: Inner::Client(inner), tap: Some(tap) };
        tee.finish_if_ended();
        tee
    }

    /// A body of which the tap has heard all already.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { inner: Inner::Whole(Full::new(bytes)), tap: None }
    }

    /// Reads what the client still sends, for the record only; a client that is slow or has much
    /// more to say is left after a while.
    pub(crate) async fn read_to_end(mut self) {
        use http_body_util::BodyExt as _;
        let reading = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = self.frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if bytes > UNSENT_BYTES {
                    return;
                }
            }
        };
        if tokio::time::timeout(UNSENT_TIME, reading).await.is_err() {
            tracing::debug!("a body that went nowhere did not end in time");
        }
    }

    /// A body of known length is not polled again after its last byte.
    fn finish_if_ended(&mut self) {
        if self.inner.is_end_stream()
            && let Some(tap) = self.tap.take()
        {
            tap.finish();
        }
    }
}

impl Inner {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(body) => body.is_end_stream(),
            Self::Whole(body) => body.is_end_stream(),
        }
    }
}

impl Body for TeeRequest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = match &mut self.inner {
            Inner::Client(body) => std::task::ready!(Pin::new(body).poll_frame(cx)),
            Inner::Whole(body) => {
                let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})));
            }
        };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(data), Some(tap)) = (frame.data_ref(), &self.tap) {
                    tap.push(data);
                }
                self.finish_if_ended();
            }
            // The tap's drop says that the body broke off.
            Some(Err(_)) => self.tap = None,
            None => {
                if let Some(tap) = self.tap.take() {
                    tap.finish();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Client(body) => body.size_hint(),
            Inner::Whole(body) => body.size_hint(),
        }
    }
}

/// An answer's body on its way to the client.
pub(crate) enum ResponseBody {
    /// An answer of the proxy's own.
    Own(Option<Bytes>),
    /// A provider's answer.
    Tee(Box<TeeResponse>),
}

impl ResponseBody {
    pub(crate) fn own(bytes: Bytes) -> Self {
        Self::Own(Some(bytes))
    }
}

/// A provider's answer, with what is needed when it ends.
pub(crate) struct TeeResponse {
    inner: Option<Incoming>,
    tap: Option<ResponseTap>,
    gate: Gatekeeper,
    /// For streams whose end can be seen in the bytes.
    watch: Option<EndWatch>,
    /// Read ahead to know whether the frame before it was the last.
    ahead: Option<Next>,
    waiting: Option<Waiting>,
    done: bool,
    upstream: Arc<Upstream>,
    connection: Option<Connection>,
    /// Asked once, before the first frame.
    presence: Option<Presence>,
    probe: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// What a poll of the provider's answer gave.
struct Next(Option<Result<Frame<Bytes>, hyper::Error>>);

/// The last frame, held until gate 2 opens.
struct Waiting {
    gate: Pin<Box<dyn Future<Output = Gate> + Send>>,
    held: Option<Frame<Bytes>>,
    /// Whether the provider's end was seen, or only the end of the stream's content.
    ended: bool,
}

/// What a client sees whose answer is withheld.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error(transparent)]
    Upstream(#[from] hyper::Error),
    #[error("the log cannot be written, and this upstream is fail-closed")]
    Withheld,
    #[error("the client has left")]
    ClientGone,
}

impl TeeResponse {
    pub(crate) fn new(
        inner: Incoming,
        mut tap: ResponseTap,
        gate: Gatekeeper,
        watch: Option<EndWatch>,
        upstream: Arc<Upstream>,
        connection: Connection,
        presence: Presence,
    ) -> Self {
        if let Some(length) = inner.size_hint().exact() {
            tap.expect(length);
        }
        Self {
            inner: Some(inner),
            tap: Some(tap),
            watch: watch.filter(|_| gate.waits()),
            gate,
            ahead: None,
            waiting: None,
            done: false,
            upstream,
            connection: Some(connection),
            presence: Some(presence),
            probe: None,
        }
    }

    /// Ends an answer without a body, and waits at gate 2.
    pub(crate) async fn end_empty(&mut self) -> Gate {
        self.done = true;
        let ticket = self.end_tap(true);
        self.let_go();
        match ticket {
            Some(ticket) => self.gate.clone().wait(ticket).await,
            None => Gate::Open,
        }
    }

    /// Reads the rest for the record only: the client has left.
    pub(crate) async fn drain(mut self) {
        let (Some(inner), Some(mut tap)) = (self.inner.take(), self.tap.take()) else { return };
        tap.client_left();
        let ahead = self.ahead.take();
        let complete = drain(inner, ahead, &mut tap).await;
        // Nobody waits at the gate of a client that left.
        drop(tap.end(ResponseEnd { upstream_complete: complete, client_present: false }));
        if complete {
            self.let_go();
        }
    }

    fn end_tap(&mut self, complete: bool) -> Option<tokio::sync::oneshot::Receiver<()>> {
        let tap = self.tap.take()?;
        tap.end(ResponseEnd { upstream_complete: complete, client_present: true })
    }

    /// The answer is over: the connection serves the next call.
    fn let_go(&mut self) {
        self.inner = None;
        if let Some(connection) = self.connection.take() {
            self.upstream.keep(connection);
        }
    }

    fn poll_inner(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    /// Whether the client is still there, before anything of the body is called delivered.
    ///
    /// One that sends no more may listen still, as half-closing clients do. The head is written
    /// while this waits, and a client that is gone answers it with a reset.
    fn poll_presence(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Some(presence) = &self.presence else { return Poll::Ready(true) };
        let mut client = presence.client();
        if client == Client::SendsNoMore {
            let probe = self.probe.get_or_insert_with(|| Box::pin(tokio::time::sleep(PROBE)));
            std::task::ready!(probe.as_mut().poll(cx));
            client = presence.client();
        }
        self.presence = None;
        self.probe = None;
        Poll::Ready(client != Client::Gone)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if !std::task::ready!(self.poll_presence(cx)) {
            // Dropping this body reads the rest of the answer for the record.
            return Poll::Ready(Some(Err(BodyError::ClientGone)));
        }
        if let Some(waiting) = &mut self.waiting {
            let gate = std::task::ready!(waiting.gate.as_mut().poll(cx));
            let held = waiting.held.take();
            let ended = waiting.ended;
            self.waiting = None;
            if gate == Gate::Withhold {
                self.done = true;
                return Poll::Ready(Some(Err(BodyError::Withheld)));
            }
            if ended {
                self.done = true;
                self.let_go();
            }
            if held.is_some() || ended {
                return Poll::Ready(held.map(Ok));
            }
        }
        if self.done {
            return Poll::Ready(None);
        }
        let next = match self.ahead.take() {
            Some(Next(next)) => next,
            None => std::task::ready!(self.poll_inner(cx)),
        };
        match next {
            None => self.end(None, true, cx),
            Some(Err(error)) => {
                // The client sees the break as the provider made it; nothing is held for it.
                drop(self.end_tap(false));
                self.done = true;
                self.inner = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Some(Ok(frame)) => self.pass(frame, cx),
        }
    }

    fn pass(
        &mut self,
        frame: Frame<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(data) = frame.data_ref() else { return Poll::Ready(Some(Ok(frame))) };
        if let Some(tap) = &mut self.tap {
            tap.push(data);
            tap.delivered(data.len());
        }
        let stream_ended = self.watch.as_mut().is_some_and(|watch| watch.push(data));
        if self.inner.as_ref().is_none_or(Body::is_end_stream) {
            return self.end(Some(frame), true, cx);
        }
        // The end may be here already: then this frame is the last one, and it is the one to hold.
        match self.poll_inner(cx) {
            Poll::Ready(None) => return self.end(Some(frame), true, cx),
            Poll::Ready(next) => self.ahead = Some(Next(next)),
            Poll::Pending => {
                // Clients stop reading at the stream's own end, before the transport's.
                if stream_ended {
                    return self.end(Some(frame), false, cx);
                }
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    /// The last frame: told to the tap first, handed over when gate 2 opens.
    fn end(
        &mut self,
        held: Option<Frame<Bytes>>,
        ended: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let ticket = self.end_tap(true);
        let Some(ticket) = ticket.filter(|_| self.gate.waits()) else {
            if ended {
                self.done = true;
                self.let_go();
            }
            return Poll::Ready(held.map(Ok));
        };
        let gate = Box::pin(self.gate.clone().wait(ticket));
        self.waiting = Some(Waiting { gate, held, ended });
        self.poll(cx)
    }
}

impl Drop for TeeResponse {
    fn drop(&mut self) {
        // Dropped before its end: the client left. The rest is read beside, so that usage and
        // output are known.
        let (Some(inner), Some(mut tap)) = (self.inner.take(), self.tap.take()) else { return };
        tap.client_left();
        let ahead = self.ahead.take();
        let (upstream, connection) = (Arc::clone(&self.upstream), self.connection.take());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let complete = drain(inner, ahead, &mut tap).await;
            drop(tap.end(ResponseEnd { upstream_complete: complete, client_present: false }));
            if let Some(connection) = connection.filter(|_| complete) {
                upstream.keep(connection);
            }
        });
    }
}

/// Reads an answer to its end, up to a limit; true when the provider ended it.
async fn drain(mut inner: Incoming, ahead: Option<Next>, tap: &mut ResponseTap) -> bool {
    use http_body_util::BodyExt as _;
    let mut next = ahead;
    let reading = async {
        loop {
            let frame = match next.take() {
                Some(Next(frame)) => frame,
                None => inner.frame().await,
            };
            match frame {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        tap.push(data);
                    }
                    if tap.received() > DRAIN_BYTES {
                        return false;
                    }
                }
            }
        }
    };
    tokio::time::timeout(DRAIN_TIME, reading).await.unwrap_or(false)
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Tee(tee) => tee.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::Tee(tee) => tee.done && tee.waiting.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(0))
            }
            Self::Tee(tee) => match &tee.inner {
                // Before the first frame this is the announced length; later nobody asks.
                Some(inner) if tee.ahead.is_none() && tee.waiting.is_none() => inner.size_hint(),
                _ => SizeHint::default(),
            },
        }
    }
}
