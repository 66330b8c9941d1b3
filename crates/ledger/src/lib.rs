//! The ledger of one collector: what is appended here is durable, numbered, sealed and provable.
//!
//! ```text
//! append ─► journal (write-ahead log) ─sync─► sequence ─► tiles, checkpoint   (every second)
//!                     └──────────────────────► segment: Parquet               (every 5 min)
//! ```
//!
//! * [`Ledger::append`] writes frames and returns; tickets tell when they are written and synced.
//! * `sequence.rs` is the durability protocol, one function to read from top to bottom.
//! * `handover.rs` is how the signing key gives way to another one.
//! * `recover.rs` is what a start does with the journal that a crash left.
//!
//! **Invariants.** Every admission number ends as a record or inside a gap record. The order of
//! the log is the order of the journal: a record's index in the log stands in its frame. A record
//! is in the tree only after its frame was synced. A journal file goes only after its segment was
//! read back and the record that names it is synced.

mod clock;
mod describe;
mod disk;
mod edge;
mod error;
mod handover;
mod journal;
mod layout;
mod ledger;
mod locks;
mod numbers;
mod priority;
mod recover;
mod sealed;
mod sealer;
mod segments;
mod sequence;
mod state;
mod status;
mod sync;
mod unit;

pub use clock::SystemClock;
pub use disk::{Disk, DiskFile, RealDisk};
pub use error::{AppendError, LedgerError};
pub use handover::{Handover, Install};
pub use layout::Layout;
pub use ledger::{Config, Ledger};
pub use locks::HOT_MARGIN_DAYS;
pub use priority::Background;
pub use recover::{OpenCall, Recovered};
pub use sealed::{Admission, Append, Sealed, SealedPart, Tickets};
pub use status::Status;
