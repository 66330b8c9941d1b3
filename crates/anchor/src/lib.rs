//! Checkpoints in other hands.
//!
//! What the operator alone signs, the operator alone can sign anew. So each checkpoint goes outward:
//!
//! ```text
//!                                  ┌─► witnesses     cosign what continues what they saw (C2SP)
//! <collector>/ledger/checkpoint ───┼─► timestamp     an authority's time on its digest (RFC 3161)
//!        (polled, one thread)      ├─► SIEM          a line for every one (RFC 5424, JSON)
//!                                  └─► copy          every one in a second archive
//! ```
//!
//! * [`Anchors`] is the thread of one collector; nothing that records ever waits for it.
//! * [`Witness`] and [`serve`] are a witness for other people's logs (C2SP tlog-witness).
//! * [`WitnessClient`] asks one, [`TimestampClient`] asks an authority.
//! * [`audit`] says, from what lies in an archive, up to which size which anchor holds.
//!
//! **Invariants.** Nothing counts as anchored before its answer was verified. A witness answers
//! only after its new state is durable. Results are put once: `spec/anchors.md`.

mod audit;
mod backoff;
mod copy;
mod der;
mod error;
mod http;
mod keys;
mod layout;
mod progress;
mod request;
mod round;
mod runner;
mod siem;
mod status;
mod syslog;
mod tiles;
mod timestamp;
mod tsp;
mod witness;
mod witnesses;

pub use audit::{CollectorAnchors, Stamped, audit};
pub use error::AnchorError;
pub use layout::Layout;
pub use runner::{Alert, Anchors, Config, TimestampConfig, WitnessConfig};
pub use siem::SiemTarget;
pub use status::{AnchorKind, AnchorStatus};
pub use tiles::ArchiveTiles;
pub use timestamp::TimestampClient;
pub use tsp::{Nonce, TimestampAnswer, TimestampError, read_answer, timestamp_request};
pub use witness::{Answer, Witness, WitnessError, serve};
pub use witnesses::{Cosigned, WitnessClient};
