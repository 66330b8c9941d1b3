//! The HTTP proxy: `/{upstream}/…` goes to that upstream, bytes pass as they come, copies go to
//! capture.
//!
//! ```text
//! client ──► server.rs ──► forward.rs ──► upstream.rs ──► provider
//!                             │  tee.rs: each body passes through, a copy goes to a tap
//!                             └► capture: admit, gate 1, gate 2
//! ```
//!
//! **Invariants.** Nothing is buffered: a chunk goes on when it came. Status, headers and body are
//! unchanged but for `Custody-*` and the trace context. The end of an answer is told to capture
//! before its last byte is handed over, since nobody polls a body again after its length is served.

mod answer;
mod forward;
mod headers;
mod identity;
mod presence;
mod redact;
mod server;
mod tee;
mod tls;
mod upstream;
mod watch;

pub use server::{Proxy, ProxyError};
pub use upstream::{BaseUrl, UpstreamConfig};
