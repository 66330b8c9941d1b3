//! The JSON API, the log's public files (C2SP tlog-tiles), health and metrics.
//!
//! A thin face of `query`: no logic of its own. Errors are RFC 9457 problem documents. Until
//! access control is there it answers on loopback only, and the binary refuses to listen
//! elsewhere.

mod health;
pub mod imports;
mod ledger;
pub mod lifecycle;
mod problem;
mod records;
mod server;
mod time;

pub use health::{Health, Readiness};
pub use server::{Api, ApiError, serve};
pub use time::{TimeError, parse_since};
