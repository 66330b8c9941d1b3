//! The face that takes in what does not come through the proxy: events, OTLP, imports.
//!
//! ```text
//! bytes ─► a reader (sans-io) ─► Taken::Call │ Taken::Event ─► capture ─► durable ─► answer
//! ```
//!
//! **Invariants.** Nothing is answered as taken before it is durable. What is refused is told with
//! its place; nothing is dropped but what is counted.

pub mod otlp;
mod taken;

pub use taken::{Refusal, Taken};
