//! The HTTP proxy: `/{upstream}/…` goes to that upstream, bytes pass as they come, copies go to
//! capture.
//!
//! ```text
//! client ──► server.rs ──► forward.rs ──► upstream.rs ──► provider
//!                             │  tee.rs: each body passes through, a copy goes to a tap
//!                             └► capture: admit, gate 1, gate 2
//! ```
//!
//! **Invariants.** Nothing is buffered: a chunk goes on when it came, but for requests that are signed
//! again (`sigv4.rs`), which are read whole before (`held.rs`). Status, headers and body are unchanged
//! but for `Custody-*`, the trace context and that signature. The end of an answer is told to capture
//! before its last byte is handed over, since nobody polls a body again after its length is served.

mod answer;
mod aws_keys;
mod forward;
mod headers;
mod held;
mod identity;
mod local;
mod presence;
mod redact;
mod server;
mod sigv4;
mod tee;
mod tls;
mod upstream;
mod watch;

pub use aws_keys::{AwsKeySource, AwsKeys};
pub use identity::read as read_head;
pub use local::{Local, LocalAnswer};
pub use server::{Proxy, ProxyError};
pub use sigv4::Signing;
pub use upstream::{BaseUrl, UpstreamConfig};
