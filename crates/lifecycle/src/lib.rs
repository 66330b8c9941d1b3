//! What happens to records after they are sealed.
//!
//! | file | what |
//! |---|---|
//! | `erase.rs` | a person's keys are destroyed, with a receipt |
//! | `hold.rs` | a legal hold keeps keys from retention and erasure |
//! | `expire.rs` | a retention class's time is over: period keys, then files, go |
//! | `tier.rs` | many hot segments become one cold one |
//! | `probe.rs` | the archive's locks are put to the test |
//! | `schedule.rs` | the thread that does the last three when they are due |
//!
//! **Invariants.** Nothing is destroyed without a record that tells of it: the intent is durable
//! before, the receipt after, and a start finishes what a crash cut off. What a hold keeps is passed
//! by. Archived objects go only when their lock has ended and what they hold has ended too, or is
//! in the cold tier, read back.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use archive::{Archive, ArchiveError};
use keys::{KeyStore, KeysError};
use ledger::{Ledger, LedgerError};
use query::{QueryError, Store};
use record::{Body, Classes, Clock, RecordId, Timestamp};

mod erase;
mod expire;
mod hold;
mod pending;
mod probe;
mod records;
mod schedule;
mod tier;

pub use erase::{Person, Plan};
pub use hold::{Held, HoldRequest};
pub use pending::Pending;
pub use schedule::{Counters, Schedule, Scheduler};

/// Ends, keeps and moves the records of an installation.
pub struct Lifecycle {
    /// Where records are found.
    pub store: Arc<Store>,
    /// Where they lie.
    pub archive: Arc<dyn Archive>,
    /// Where they move to.
    pub cold: Option<Arc<dyn Archive>>,
    /// Where it is recorded.
    pub ledger: Arc<Ledger>,
    /// What opens them; opened for writing.
    pub keys: Arc<KeyStore>,
    /// How long they are kept.
    pub classes: Arc<Classes>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// The tenant.
    pub tenant: String,
    /// A folder for erasures that wait or are under way.
    pub folder: PathBuf,
    /// A file that remembers what is in the cold tier.
    pub tiers: PathBuf,
    /// How many other people must agree to an erasure.
    pub approvals: usize,
    /// Held from the first look to the last word: of an erasure and a hold that come at once, one
    /// sees what the other did.
    pub turn: Mutex<()>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LifecycleError {
    /// What was asked for is not there, or cannot be asked for.
    #[error("{0}")]
    Question(String),
    /// A legal hold forbids it.
    #[error("a legal hold keeps records of this subject: {}; nothing was erased. Lift it first, or wait", .0.join(", "))]
    Held(Vec<String>),
    /// Somebody else has to agree first.
    #[error("erasure {0} waits for approval: another person runs `custody erase --approve {0}`")]
    NeedsApproval(String),
    /// The keys could not be read or written.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The archive did not do it.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// It could not be recorded.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Records could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A file of our own could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<segment::SegmentError> for LifecycleError {
    fn from(error: segment::SegmentError) -> Self {
        Self::Query(error.into())
    }
}

impl Lifecycle {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what was done; durable once it returns.
    fn record(&self, body: Body) -> Result<RecordId, LifecycleError> {
        Ok(self.ledger.append_event_durably(body)?)
    }
}
