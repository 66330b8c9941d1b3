//! A request's body that is read whole before anything of it goes on: what is signed is known to
//! its last byte.

use bytes::Bytes;
use capture::RequestTap;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use sha2::{Digest as _, Sha256};

use crate::tee::TeeRequest;

/// An announced length is believed up to here before it comes.
const BELIEVED: usize = 1 << 20;

/// A whole body. The tap has all of it and is not told the end before it [goes on](Self::go_on).
pub(crate) struct Held {
    bytes: Bytes,
    digest: [u8; 32],
    tap: RequestTap,
}

/// Why a body is not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldError {
    /// It has more bytes than may be held; what there is of it was read for the record.
    TooLarge,
    /// The client left, or broke it off.
    Broken,
}

impl Held {
    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn read(
        mut body: Incoming,
        tap: RequestTap,
        limit: usize,
    ) -> Result<Self, HoldError> {
        let announced = body.size_hint().exact().map(usize::try_from);
        let announced = announced.map_or(Some(0), Result::ok);
        let Some(announced) = announced.filter(|length| *length <= limit) else {
            return Err(too_large(body, tap).await);
        };
        if announced > 0 {
            tap.expect(u64::try_from(announced).unwrap_or(0));
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(announced.min(BELIEVED));
        let mut digest = Sha256::new();
        while let Some(frame) = body.frame().await {
            // The tap's drop says that the body broke off.
            let frame = frame.map_err(|_| HoldError::Broken)?;
            let Some(data) = frame.data_ref() else { continue };
            tap.push(data);
            if bytes.len().saturating_add(data.len()) > limit {
                drop(bytes);
                return Err(too_large(body, tap).await);
            }
            digest.update(data);
            bytes.extend_from_slice(data);
        }
        Ok(Self { bytes: bytes.into(), digest: digest.finalize().into(), tap })
    }

    /// SHA-256 of the body.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The body as it is sent; the tap is told that it was whole.
    pub(crate) fn go_on(self) -> TeeRequest {
        self.tap.finish();
        TeeRequest::whole(self.bytes)
    }
}

async fn too_large(body: Incoming, tap: RequestTap) -> HoldError {
    TeeRequest::new(body, tap).read_to_end().await;
    HoldError::TooLarge
}
