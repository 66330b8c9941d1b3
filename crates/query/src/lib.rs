//! Reading back what was recorded: the one place where content is opened.
//!
//! * [`Store`] finds records in an archive and, where the data directory is at hand, in the
//!   journals that are not segments yet;
//! * [`Reader`] shows, traces and searches, and writes an access record before content is given;
//! * [`verify()`] re-checks everything that can be checked without a key.
//!
//! **Invariants.** Nothing here writes to a log but through [`AccessLog`], and nothing here links
//! the write half: the archive's and the journal's formats are the contract. Content is opened only
//! after its access record is durable.

mod access;
mod disclose;
mod error;
mod filter;
mod open;
mod proof;
mod reader;
mod reveal;
mod search;
mod source;
mod store;
mod verify;
mod view;

pub use access::{Access, AccessLog, Read, Refusal};
pub use disclose::Disclosure;
pub use error::QueryError;
pub use filter::{Filter, FilterError};
pub use proof::ProofAnswer;
pub use reader::Reader;
pub use reveal::{Revealed, RevealedValue};
pub use search::{Search, SearchHit};
pub use source::RecordAt;
pub use store::{Collector, Store};
pub use verify::{CollectorReport, Finding, LockReport, Numbers, Progress, VerifyReport, verify};
pub use view::view;
