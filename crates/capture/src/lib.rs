//! From the bytes of a call to a sealed record, beside the call and never before it.
//!
//! ```text
//! admit ─► Call ─┬─ RequestTap  ─┐                       ┌─ gate 1: admitted n is synced
//!                └─ ResponseTap ─┴─► worker: Tapped ─► Parsed ─► Masked ─► Sealed ─► ledger
//!                                                        └─ gate 2: outcome n is written
//! ```
//!
//! * `admission.rs`: what is let through, and what happens when the log cannot keep up;
//! * `tap.rs`: copies of the bytes, bounded by bytes;
//! * `pipeline.rs`: the four states, each consumed by the next;
//! * `masking.rs`: the detectors under a limit of time; what cannot be masked is kept closed;
//! * `held.rs`: parts whose names tier is still to come, sealed under a key of their own;
//! * `worker.rs`: the threads that do the work;
//! * `report.rs`, `told.rs`: what other faces tell of, through the same pipeline;
//! * `threading.rs`, `documents.rs`: what a request goes on with, and what it was given to read;
//! * `identity.rs`: whose a call is, what is proven over what is claimed;
//! * `recover.rs`: what becomes of calls that a crash cut off.
//!
//! **Invariants.** Nothing here runs on the way of a request but counters and copies. Every call
//! that is admitted ends as a record or in a gap. Only `Masked` can be sealed.

mod admission;
mod assemble;
mod budget;
mod call;
mod clear;
mod config;
mod cost;
mod decode;
mod documents;
mod engine;
mod held;
mod identity;
mod masking;
mod met;
mod pipeline;
mod queue;
mod recover;
mod report;
mod status;
mod tap;
mod threading;
mod threads;
mod told;
mod worker;

pub use admission::{Gate, Refused};
pub use call::{CallHead, Failure, Identity, ResponseStart, Route, traceparent};
pub use config::{Config, Mode, Sink};
pub use decode::decode;
pub use engine::{Call, Capture, Gatekeeper};
pub use recover::recover;
pub use report::{Answer, Report, Submitted, Told};
pub use status::Status;
pub use tap::{RequestTap, ResponseEnd, ResponseTap};
