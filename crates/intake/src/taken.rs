//! What a reader makes of what it is given.

use capture::{CallHead, Capture, Refused, Report, Submitted, Told};
use record::RecordId;

/// Something that was read and can be recorded.
#[derive(Debug, Clone)]
pub enum Taken {
    /// A call to a model and what came of it.
    Call(Box<Report>),
    /// An event.
    Event(Box<Told>),
}

impl Taken {
    /// Who tells it, and what it belongs to.
    pub fn head(&self) -> &CallHead {
        match self {
            Self::Call(report) => &report.head,
            Self::Event(told) => &told.head,
        }
    }

    /// The same, to be told more.
    pub fn head_mut(&mut self) -> &mut CallHead {
        match self {
            Self::Call(report) => &mut report.head,
            Self::Event(told) => &mut told.head,
        }
    }

    /// Its id, when the source decides it.
    pub fn id(&self) -> Option<RecordId> {
        match self {
            Self::Call(report) => report.id,
            Self::Event(told) => told.id,
        }
    }

    /// Hands it to the pipeline.
    pub fn submit(self, capture: &Capture) -> Result<Submitted, Refused> {
        match self {
            Self::Call(report) => capture.report(*report),
            Self::Event(told) => capture.tell(*told),
        }
    }
}

/// Why something is not recorded, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct Refusal {
    /// A JSON pointer (RFC 6901) into what was sent, or a line of a file.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub message: String,
}
