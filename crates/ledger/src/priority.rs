//! Who goes first when threads want the same core: the call, always.

/// How far a thread stands back, in steps of the scheduler's niceness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// Callers wait for its work, if only for the last byte.
    Capture,
    /// Nobody waits for it.
    Sealing,
}

impl Background {
    /// Lets threads that carry calls go before this one. Without it a stream's next token waits
    /// for as long as the scheduler lets a batch run, which is longer than the pause between two
    /// tokens.
    pub fn stand_back(self) {
        let steps = match self {
            Self::Capture => 5,
            Self::Sealing => 10,
        };
        // On Linux it is the calling thread that gets the priority (setpriority(2), "C library/
        // kernel differences"). A system that refuses costs nothing but this courtesy.
        if let Err(error) = rustix::process::setpriority_process(None, steps) {
            tracing::debug!(%error, "a background thread keeps the priority of calls");
        }
    }
}
