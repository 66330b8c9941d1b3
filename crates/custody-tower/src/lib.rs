//! A tower layer for applications whose calls to a model cannot go through Custody's proxy: it wraps
//! their HTTP client, copies what goes and what comes, and posts each call as an `interaction` event
//! (`/custody/v1/events`).
//!
//! ```no_run
//! # async fn example<S>(client: S) -> Result<(), custody_tower::CollectorError> {
//! use custody_tower::{Collector, RecordLayer};
//! use tower_layer::Layer as _;
//!
//! let collector = Collector::start("http://127.0.0.1:8080")?;
//! let client = RecordLayer::new(collector.clone(), "openai").layer(client);
//! // … calls through `client` …
//! collector.flush().await;
//! # Ok(()) }
//! ```
//!
//! **What it cannot do.** The proxy records a call before its answer is over; this layer tells of it
//! afterwards, from the application's own memory. A process that dies loses what it had not told, and
//! nobody counts that. Where the proxy can stand in between, let it.

mod call;
mod collector;
mod layer;
mod tee;

pub use call::Caller;
pub use collector::{Collector, CollectorError};
pub use layer::{Record, RecordLayer};
pub use tee::Tee;
