//! What the end-to-end tests share: the real binary, a stand-in provider, a raw HTTP client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]
#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

mod bucket;
mod client;
mod s3;
mod server;
mod upstream;
mod witness;

pub(crate) use bucket::Bucket;
pub(crate) use client::{Answer, Client, Head, get, post, post_to};
pub(crate) use s3::{Relay, S3, Weather};
pub(crate) use server::{
    ROUNDS, Run, Server, Setup, all_records, custody, custody_with, files_under, interactions,
    outcome_of, show, verified, verify,
};
pub(crate) use upstream::{Reply, Seen, Upstream, token_event};
pub(crate) use witness::Witness;

use std::time::{Duration, Instant};

/// A chat completion's request.
pub(crate) fn chat(text: &str, stream: bool) -> String {
    serde_json::json!({
        "model": "gpt-4o",
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    })
    .to_string()
}

/// Polls until `probe` gives something, at most `patience`.
pub(crate) fn until<T>(what: &str, patience: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ten seconds, for things that take a moment.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A small generator of numbers, so that runs differ by their seed only.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn from_clock() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Self(u64::from(now.subsec_nanos()) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
