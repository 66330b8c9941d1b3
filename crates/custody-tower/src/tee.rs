//! A body that passes through while it is copied.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

use crate::call::{Call, Side};

/// A body of a call that is recorded; frames go on as they come.
#[derive(Debug)]
pub struct Tee<B> {
    inner: B,
    call: Arc<Call>,
    side: Side,
}

impl<B: Body> Tee<B> {
    pub(crate) fn new(inner: B, call: Arc<Call>, side: Side) -> Self {
        if side == Side::Answer && inner.is_end_stream() {
            call.ended();
        }
        Self { inner, call, side }
    }
}

impl<B: Body<Data = bytes::Bytes> + Unpin> Body for Tee<B> {
    type Data = bytes::Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.call.piece(self.side, data.chunk());
        }
        let over = frame.is_none() || (matches!(frame, Some(Ok(_))) && self.inner.is_end_stream());
        if over && self.side == Side::Answer {
            self.call.ended();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
