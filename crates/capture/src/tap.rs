//! Copies of a call's bytes, bounded by bytes.
//!
//! The bytes are copied out of the connection's buffers: a cloned slice would keep the whole
//! buffer alive that it was read into.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::oneshot;

use crate::budget::Share;
use crate::call::ResponseStart;
use crate::engine::Line;
use crate::threads::{Job, PieceJob, ResponseJob};

/// A long answer is journalled in pieces of this size …
const PIECE_BYTES: usize = 256 * 1024;
/// … or this age, whichever comes first.
const PIECE_AGE: Duration = Duration::from_secs(5);

/// A body as far as it was seen.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// All bytes that came, kept or not.
    pub(crate) total: u64,
    /// Keyed hash over what came past the limit.
    rest: Option<Hmac<Sha256>>,
    pub(crate) share: Share,
    /// The budget was used up: the content is gone, and the call becomes a gap.
    pub(crate) lost: bool,
}

impl Body {
    pub(crate) fn new(share: Share) -> Self {
        Self { bytes: Vec::new(), total: 0, rest: None, share, lost: false }
    }

    /// Room for a body whose length was announced.
    pub(crate) fn expect(&mut self, length: u64, max_body: usize) {
        /// What a caller announces is believed up to here before it comes.
        const BELIEVED: usize = 1 << 20;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(max_body).min(BELIEVED);
        self.bytes.reserve_exact(length);
    }

    pub(crate) fn push(&mut self, bytes: &[u8], max_body: usize, key: &[u8; 32]) {
        self.total += u64::try_from(bytes.len()).unwrap_or(0);
        if self.lost {
            return;
        }
        let room = max_body.saturating_sub(self.bytes.len());
        let (kept, rest) = bytes.split_at(bytes.len().min(room));
        if !kept.is_empty() {
            if self.share.take(kept.len()) {
                self.bytes.extend_from_slice(kept);
            } else {
                self.lost = true;
                self.bytes = Vec::new();
                self.share.release();
                return;
            }
        }
        if !rest.is_empty() {
            // A key of 32 bytes is always taken.
            let mac = self.rest.take().or_else(|| Hmac::new_from_slice(key).ok());
            self.rest = mac.map(|mac| mac.chain_update(rest));
        }
    }

    /// Length and keyed hash of what came past the limit.
    pub(crate) fn rest(&self) -> Option<(u64, String)> {
        let mac = self.rest.as_ref()?.clone().finalize().into_bytes();
        let kept = u64::try_from(self.bytes.len()).unwrap_or(0);
        Some((self.total - kept, hex::encode(mac)))
    }
}

/// Copies the request's body; tells the pipeline when it ends, also when it is dropped.
pub struct RequestTap {
    line: Arc<Line>,
}

impl RequestTap {
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self { line }
    }

    /// The body will have this many bytes.
    pub fn expect(&self, length: u64) {
        self.line.expect_request(length);
    }

    /// These bytes went to the provider.
    pub fn push(&self, bytes: &[u8]) {
        self.line.push_request(bytes);
    }

    /// The body ended as it should.
    pub fn finish(self) {
        self.line.finish_request(true);
    }
}

impl Drop for RequestTap {
    fn drop(&mut self) {
        self.line.finish_request(false);
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseEnd {
    /// The provider ended its answer; false when it was cut off.
    pub upstream_complete: bool,
    /// The client is still there.
    pub client_present: bool,
}

/// When bytes came: position after them, and µs since admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) end: usize,
    pub(crate) at_us: u64,
}

/// Copies the answer's body; tells the pipeline when it ends, also when it is dropped.
pub struct ResponseTap {
    line: Arc<Line>,
    body: Body,
    marks: Vec<Mark>,
    start: ResponseStart,
    first_byte_us: Option<u64>,
    bytes_sent: u64,
    hung_up_after_us: Option<u64>,
    journalled: usize,
    last_piece: Instant,
    ended: bool,
}

impl ResponseTap {
    pub(crate) fn new(line: Arc<Line>, start: ResponseStart, first_byte_us: u64) -> Self {
        let body = Body::new(line.share());
        Self {
            line,
            body,
            marks: Vec::new(),
            start,
            first_byte_us: Some(first_byte_us),
            bytes_sent: 0,
            hung_up_after_us: None,
            journalled: 0,
            last_piece: Instant::now(),
            ended: false,
        }
    }

    /// The body will have this many bytes.
    pub fn expect(&mut self, length: u64) {
        self.body.expect(length, self.line.max_body());
    }

    /// These bytes came from the provider.
    pub fn push(&mut self, bytes: &[u8]) {
        self.line.push_body(&mut self.body, bytes);
        let now = Instant::now();
        self.marks.push(Mark { end: self.body.bytes.len(), at_us: self.line.us_until(now) });
        let fresh = self.body.bytes.len() - self.journalled;
        if fresh >= PIECE_BYTES || (fresh > 0 && now.duration_since(self.last_piece) >= PIECE_AGE) {
            self.journal(now);
        }
    }

    fn journal(&mut self, now: Instant) {
        self.last_piece = now;
        let Some(fresh) = self.body.bytes.get(self.journalled..) else { return };
        let mut share = self.line.share();
        // Without room the piece is left out: the end of the answer brings it all the same.
        if share.take(fresh.len()) {
            let bytes = fresh.to_vec();
            self.journalled = self.body.bytes.len();
            let job = PieceJob { id: self.line.id(), start: self.start.clone(), bytes, share };
            self.line.send(Job::Piece(Box::new(job)));
        }
    }

    /// These many bytes were handed to the client's connection.
    pub fn delivered(&mut self, bytes: usize) {
        self.bytes_sent += u64::try_from(bytes).unwrap_or(0);
    }

    /// The client was seen to have left; what the provider still sends is read on.
    pub fn client_left(&mut self) {
        let now = self.line.us_until(Instant::now());
        self.hung_up_after_us.get_or_insert(now);
    }

    /// Bytes that came so far.
    pub fn received(&self) -> u64 {
        self.body.total
    }

    /// The answer ended. The ticket tells when its record is safe, as the mode asks; `None` when
    /// nothing needs to be waited for.
    pub fn end(mut self, end: ResponseEnd) -> Option<oneshot::Receiver<()>> {
        self.finish(end)
    }

    fn finish(&mut self, end: ResponseEnd) -> Option<oneshot::Receiver<()>> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        if !end.client_present {
            self.client_left();
        }
        let empty = Body::new(self.line.share());
        let job = ResponseJob {
            id: self.line.id(),
            start: Some(self.start.clone()),
            failure: None,
            body: std::mem::replace(&mut self.body, empty),
            marks: std::mem::take(&mut self.marks),
            first_byte_us: self.first_byte_us,
            upstream_complete: end.upstream_complete,
            bytes_sent: self.bytes_sent,
            client_present: end.client_present,
            hung_up_after_us: self.hung_up_after_us,
            total_us: self.line.us_until(Instant::now()),
            late_request: None,
            tickets: ledger::Tickets::default(),
        };
        self.line.finish_response(job)
    }
}

impl Drop for ResponseTap {
    fn drop(&mut self) {
        // A dropped body is a client that left, unless somebody said otherwise before.
        self.finish(ResponseEnd { upstream_complete: false, client_present: false });
    }
}
