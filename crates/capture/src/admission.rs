//! What is let through, and the two gates (DESIGN §4).

use std::time::Duration;

use tokio::sync::oneshot;

use crate::Mode;
use crate::engine::Shared;
use crate::status::count;

/// A call that is not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Answer 503 with `Retry-After`; the provider was not asked.
    #[error("the log cannot be written, and this upstream is fail-closed")]
    LogUnwritable,
    /// Answer 503 with `Retry-After`: what is told now would not fit into memory.
    #[error("more is being told than memory holds")]
    Full,
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gate {
    /// Go on.
    Open,
    /// The answer is withheld: say so to the client.
    Withhold,
}

/// Whether a call may be let through now; may wait for memory.
pub(crate) async fn admit(shared: &Shared, mode: Mode) -> Result<(), Refused> {
    match mode {
        Mode::Observe => Ok(()),
        Mode::Evidence => {
            if shared.budget.is_full() {
                // What still does not fit afterwards becomes a gap, as in observe.
                shared.budget.room(shared.config.gate_timeout).await;
            }
            Ok(())
        }
        Mode::FailClosed => {
            let room = !shared.budget.is_full();
            if room && shared.log_is_writable() {
                return Ok(());
            }
            count(&shared.counters.refused, 1);
            Err(Refused::LogUnwritable)
        }
    }
}

/// Waits for a ticket as the mode asks.
pub(crate) async fn wait(
    shared: &Shared,
    mode: Mode,
    ticket: Option<oneshot::Receiver<()>>,
) -> Gate {
    let Some(mut ticket) = ticket else { return Gate::Open };
    match mode {
        Mode::Observe => Gate::Open,
        Mode::Evidence => {
            // While the log stands still, one call after the other would wait in vain.
            if ticket.try_recv().is_ok() || shared.stall.is_on(shared.log_progress()) {
                return Gate::Open;
            }
            if !arrives(ticket, shared.config.gate_timeout).await {
                shared.stall.note(shared.log_progress());
                count(&shared.counters.gate_timeouts, 1);
            }
            Gate::Open
        }
        Mode::FailClosed => {
            if arrives(ticket, shared.config.closed_timeout).await {
                Gate::Open
            } else {
                count(&shared.counters.gate_timeouts, 1);
                Gate::Withhold
            }
        }
    }
}

async fn arrives(ticket: oneshot::Receiver<()>, patience: Duration) -> bool {
    matches!(tokio::time::timeout(patience, ticket).await, Ok(Ok(())))
}

/// Remembers that the log stood still, until it moves again.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    /// The log's progress when it was seen to stand still, plus one; 0 for none.
    at: std::sync::atomic::AtomicU64,
}

impl Stall {
    fn note(&self, progress: u64) {
        self.at.store(progress.saturating_add(1), std::sync::atomic::Ordering::Relaxed);
    }

    pub(crate) fn is_on(&self, progress: u64) -> bool {
        let at = self.at.load(std::sync::atomic::Ordering::Relaxed);
        at == progress.saturating_add(1)
    }
}
