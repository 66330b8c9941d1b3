//! Asking an anchor over HTTP: with a time-out, and with a limit to what is read.

use std::io::Read as _;
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;

use crate::AnchorError;

/// No answer is longer: cosignatures take some hundred bytes, timestamps some thousand.
const MAX_ANSWER: u64 = 1 << 20;
/// What is quoted of an answer that was not expected.
const QUOTED: usize = 200;

/// A client for one anchor. Must not be used within an asynchronous runtime.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new() -> Result<Self, AnchorError> {
        let client = Client::builder()
            // A redirect would take the checkpoint to a place that nobody named.
            .redirect(Policy::none())
            .user_agent(concat!("custody/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| AnchorError::Refused(format!("no HTTP client: {}", said(&error))))?;
        Ok(Self { client })
    }

    /// Posts `body` and reads the answer, all before `deadline`.
    pub(crate) fn post(
        &self,
        url: &str,
        kind: &str,
        accept: &str,
        body: Vec<u8>,
        deadline: Instant,
    ) -> Result<Reply, AnchorError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let unavailable = |what: &str| AnchorError::Unavailable(format!("{url}: {what}"));
        if left.is_zero() {
            return Err(unavailable("no time was left to ask it"));
        }
        let sent = self
            .client
            .post(url)
            .timeout(left.max(Duration::from_millis(1)))
            .header(CONTENT_TYPE, kind)
            .header(ACCEPT, accept)
            .body(body)
            .send();
        let reply = sent.map_err(|error| {
            if error.is_builder() {
                AnchorError::Refused(format!("{url}: {}", said(&error)))
            } else {
                unavailable(&said(&error))
            }
        })?;
        let status = reply.status().as_u16();
        let content_type = reply.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        reply
            .take(MAX_ANSWER + 1)
            .read_to_end(&mut body)
            .map_err(|error| unavailable(&error.to_string()))?;
        if u64::try_from(body.len()).unwrap_or(u64::MAX) > MAX_ANSWER {
            return Err(AnchorError::Refused(format!("{url}: its answer is over 1 MiB")));
        }
        Ok(Reply { status, content_type, body })
    }
}

impl Reply {
    /// Whether the content type is this one, whatever its parameters.
    pub(crate) fn is(&self, kind: &str) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(kind)
    }

    /// An answer that was not expected: too many requests and faults of the server pass by
    /// themselves, everything else needs a person.
    pub(crate) fn unexpected(&self, url: &str) -> AnchorError {
        let text = String::from_utf8_lossy(&self.body);
        let quoted: String = text.trim().chars().take(QUOTED).filter(|c| !c.is_control()).collect();
        let what = format!("{url} answered {} {quoted:?}", self.status);
        match self.status {
            408 | 425 | 429 | 500..=599 => AnchorError::Unavailable(what),
            _ => AnchorError::Refused(what),
        }
    }
}

/// An error with its causes, without the URL, which the caller says.
fn said(error: &reqwest::Error) -> String {
    let mut text =
        if error.is_timeout() { "it did not answer in time".to_owned() } else { String::new() };
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(next) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&next.to_string());
        cause = next.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}
