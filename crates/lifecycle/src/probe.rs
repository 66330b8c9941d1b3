//! The archive's locks are put to the test.

use archive::Outcome;
use record::Body;
use record::envelope::{Alert, Probe, ProbeCheck};

use crate::{Lifecycle, LifecycleError};

impl Lifecycle {
    /// Attacks a canary and records the outcome, with an alert when a lock did not hold; `None`
    /// where nothing is locked.
    pub fn probe(&self) -> Result<Option<Probe>, LifecycleError> {
        let Some(checks) = self.archive.probe(self.now())? else { return Ok(None) };
        let held = checks.iter().all(|check| check.outcome != Outcome::Broken);
        let word = |outcome| match outcome {
            Outcome::Held => "held",
            Outcome::Broken => "broken",
            Outcome::Unknown => "unknown",
        };
        let probe = Probe {
            archive: self.archive.location(),
            checks: checks
                .into_iter()
                .map(|check| ProbeCheck {
                    answer: check.answer,
                    attempt: check.attempt,
                    outcome: word(check.outcome).to_owned(),
                })
                .collect(),
            held,
        };
        self.record(Body::Probe(probe.clone()))?;
        if !held {
            let broken = probe.checks.iter().filter(|check| check.outcome == "broken");
            let attempts: Vec<&str> = broken.map(|check| check.attempt.as_str()).collect();
            let message = format!(
                "a lock of {} did not hold: {}; what is archived there can be changed",
                probe.archive,
                attempts.join(", ")
            );
            tracing::error!(rule = "lock_probe_failed", message);
            self.record(Body::Alert(Alert { message, rule: "lock_probe_failed".to_owned() }))?;
        }
        Ok(Some(probe))
    }
}
