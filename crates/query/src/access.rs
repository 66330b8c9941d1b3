//! Nobody looks unseen: reads of content are records of the log.

use std::sync::Arc;

use record::RecordId;

/// Why a read could not be recorded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// Writes access records. The implementation is the write half's; this half only asks.
pub trait AccessLog: Send + Sync {
    /// Records a read that is about to happen. Durable once it returns.
    fn record(&self, read: &Read<'_>) -> Result<(), Refusal>;
}

/// A read of content.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// Who reads.
    pub who: &'a str,
    /// What was asked: `show`, `trace`, `search`, `reveal`, …
    pub action: &'a str,
    /// How many records are opened.
    pub count: u64,
    /// The first of them.
    pub records: &'a [RecordId],
    /// Why, where a reason has to be given.
    pub reason: Option<&'a str>,
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
        self.record_for(None, action, records)
    }

    /// The same with a reason.
    pub(crate) fn record_for(
        &self,
        reason: Option<&str>,
        action: &str,
        records: &[RecordId],
    ) -> Result<bool, Refusal> {
        /// So many ids stand in the record itself.
        const NAMED: usize = 100;
        match self {
            Self::Metadata => Ok(false),
            Self::Unrecorded => Ok(true),
            Self::Recorded { log, who } => {
                let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
                let named = records.get(..NAMED).unwrap_or(records);
                log.record(&Read { who, action, count, records: named, reason }).map(|()| true)
            }
        }
    }
}
