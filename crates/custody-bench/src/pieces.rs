//! A request body of a few slices, so that a long shared prefix is never copied.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::num;

/// At most two slices, sent one after the other.
#[derive(Clone, Default)]
pub(crate) struct Pieces {
    first: Bytes,
    second: Bytes,
}

impl Pieces {
    /// `first`, then `second`; either may be empty.
    pub(crate) fn new(first: Bytes, second: Bytes) -> Self {
        Self { first, second }
    }

    /// Bytes still to send.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// All bytes, for tests and checks.
    #[cfg(test)]
    pub(crate) fn concat(&self) -> Vec<u8> {
        [&self.first[..], &self.second[..]].concat()
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.first.is_empty() {
            let second = std::mem::take(&mut self.second);
            self.first = second;
        }
        let next = std::mem::take(&mut self.first);
        Poll::Ready(if next.is_empty() { None } else { Some(Ok(Frame::data(next))) })
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(num::count(self.len()))
    }
}
