//! Nobody looks unseen: reads of content are records of the log.

use std::sync::Arc;

use record::RecordId;

/// Why a read could not be recorded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// Writes access records. The implementation is the write half's; this half only asks.
pub trait AccessLog: Send + Sync {
    /// Records that `who` reads the content of `count` records, of which `records` are the first.
    /// Durable once it returns.
    fn record(
        &self,
        who: &str,
        action: &str,
        count: u64,
        records: &[RecordId],
    ) -> Result<(), Refusal>;
}

/// How content may be opened.
#[derive(Clone)]
pub enum Access {
    /// Metadata only.
    Metadata,
    /// Content, each read recorded first.
    Recorded {
        /// Where reads are recorded.
        log: Arc<dyn AccessLog>,
        /// Who reads.
        who: String,
    },
    /// Content without a record: asked for by name, and said so.
    Unrecorded,
}

impl Access {
    /// Records a read that is about to happen; false when content may not be opened.
    pub(crate) fn record(&self, action: &str, records: &[RecordId]) -> Result<bool, Refusal> {
        /// So many ids stand in the record itself.
        const NAMED: usize = 100;
        match self {
            Self::Metadata => Ok(false),
            Self::Unrecorded => Ok(true),
            Self::Recorded { log, who } => {
                let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
                let named = records.get(..NAMED).unwrap_or(records);
                log.record(who, action, count, named).map(|()| true)
            }
        }
    }
}
