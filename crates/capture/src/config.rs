//! How capture behaves.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use access::Access;
use price::Prices;
use record::Classes;

/// What a call waits for, and what happens when the log cannot be written (DESIGN §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Nothing waits; what cannot be recorded is counted.
    Observe,
    /// The first byte of the answer waits for the admission to be synced, the last one for the
    /// outcome to be written, both at most `gate_timeout`.
    Evidence,
    /// Without a log there is no answer.
    FailClosed,
}

impl Mode {
    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Evidence => "evidence",
            Self::FailClosed => "fail-closed",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "observe" => Ok(Self::Observe),
            "evidence" => Ok(Self::Evidence),
            "fail-closed" => Ok(Self::FailClosed),
            other => Err(format!("unknown mode {other:?}; known: observe, evidence, fail-closed")),
        }
    }
}

/// Where what is captured goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Sink {
    /// Into the log.
    #[default]
    Log,
    /// Nowhere: for measuring the request path alone.
    Discard,
}

/// Limits and sizes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Threads that parse, mask and seal.
    pub workers: usize,
    /// Bytes that taps and queue may hold together.
    pub memory: usize,
    /// Bytes of sealed parts kept for meeting them again.
    pub cache: usize,
    /// Bytes of a body that are kept; the rest is hashed and counted.
    pub max_body: usize,
    /// How long a gate waits before it opens by itself.
    pub gate_timeout: Duration,
    /// How long a gate of `fail-closed` waits before the answer is withheld.
    pub closed_timeout: Duration,
    /// Where it goes.
    pub sink: Sink,
    /// The tenant.
    pub tenant: String,
    /// The retention classes.
    pub classes: Arc<Classes>,
    /// The masking policy.
    pub policy: mask::Policy,
    /// Finds names of people and places; none: names are not looked for.
    pub names: Option<Arc<dyn mask::FindNames>>,
    /// Bytes that may wait for the names tier; what is more is kept closed for good.
    pub names_backlog: usize,
    /// What tokens cost, where an answer does not tell it.
    pub prices: Arc<Prices>,
    /// Tells who sent a token; none: nobody knows any.
    pub access: Option<Arc<Access>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 1,
            memory: 256 << 20,
            cache: 32 << 20,
            max_body: 32 << 20,
            gate_timeout: Duration::from_millis(250),
            closed_timeout: Duration::from_secs(10),
            sink: Sink::Log,
            tenant: "default".to_owned(),
            classes: Arc::default(),
            policy: mask::Policy::default(),
            names: None,
            names_backlog: 64 << 20,
            prices: Arc::default(),
            access: None,
        }
    }
}
