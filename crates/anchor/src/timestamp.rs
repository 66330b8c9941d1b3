//! Asks a timestamp authority, RFC 3161 over HTTP (§3.4).

use std::time::Instant;

use sha2::{Digest as _, Sha256};

use crate::AnchorError;
use crate::http::Http;
use crate::tsp::{Nonce, TimestampAnswer, read_answer, timestamp_request};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// A client of one authority. Must not be used within an asynchronous runtime.
#[derive(Debug)]
pub struct TimestampClient {
    url: String,
    http: Http,
}

impl TimestampClient {
    /// Of the authority at `url`.
    pub fn new(url: impl Into<String>) -> Result<Self, AnchorError> {
        Ok(Self { url: url.into(), http: Http::new()? })
    }

    /// Has the SHA-256 of `data` timestamped, before `deadline`. Gives the answer's bytes as they
    /// came, after status, digest and nonce were checked.
    pub fn stamp(
        &self,
        data: &[u8],
        deadline: Instant,
    ) -> Result<(Vec<u8>, TimestampAnswer), AnchorError> {
        let digest: [u8; 32] = Sha256::digest(data).into();
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| {
            AnchorError::Unavailable(format!("the system gave no randomness: {error}"))
        })?;
        let nonce = Nonce::new(random);
        let request = timestamp_request(&digest, nonce);
        let reply = self.http.post(&self.url, QUERY, REPLY, request, deadline)?;
        if reply.status != 200 {
            return Err(reply.unexpected(&self.url));
        }
        let refused =
            |why: &dyn std::fmt::Display| AnchorError::Refused(format!("{}: {why}", self.url));
        if !reply.is(REPLY) {
            let kind = &reply.content_type;
            return Err(refused(&format!("its answer is {kind:?} and not {REPLY}")));
        }
        let answer = read_answer(&reply.body).map_err(|error| refused(&error))?;
        answer.check(&digest, Some(nonce)).map_err(|error| refused(&error))?;
        Ok((reply.body, answer))
    }
}
