//! The anchors of a recorder, wired: what the configuration names, and what becomes of alerts.

use std::path::Path;
use std::sync::Arc;

use anchor::{Alert, AnchorStatus, Anchors};
use archive::Archive;
use ledger::{Ledger, Tickets};
use record::{Body, Classes, Clock};

use crate::Failure;
use crate::config::Config;
use crate::storage::{ArchivePlace, Writing};

/// A reading of all anchors, for metrics.
pub(crate) type Reader = Box<dyn Fn() -> Vec<AnchorStatus> + Send + Sync>;

/// Starts what `[anchors]` names; `None` when that is nothing.
pub(crate) fn start(
    config: &Config,
    classes: &Classes,
    archive: &Arc<dyn Archive>,
    ledger: &Arc<Ledger>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Anchors>, Failure> {
    let anchors = &config.anchors;
    if anchors.is_empty() {
        return Ok(None);
    }
    let copy = match &anchors.copy {
        Some(copy) => Some(second(&copy.archive, config).map_err(Failure::Usage)?),
        None => None,
    };
    let collector = ledger.collector().clone();
    let progress = config.data.join("anchors").join(format!("{collector}.json"));
    let log = Arc::clone(ledger);
    let started = Anchors::start(anchor::Config {
        archive: Arc::clone(archive),
        collector,
        // From here on the anchors follow the hand-over by themselves, should one be on its way.
        key: ledger.signed_first().clone(),
        progress,
        every: anchors.every.0,
        timeout: anchors.timeout.0,
        alert_after: anchors.alert_after.0,
        witnesses: anchors.witnesses().map_err(Failure::Usage)?,
        timestamp: anchors.timestamp().map_err(Failure::Usage)?,
        siem: anchors.siem().map_err(Failure::Usage)?,
        copy,
        lock_days: classes.longest_lock(),
        clock: Arc::clone(clock),
        alert: Box::new(move |alert| record(&log, alert)),
    });
    started.map(Some).map_err(|error| Failure::Usage(error.into()))
}

fn second(place: &str, config: &Config) -> anyhow::Result<Arc<dyn Archive>> {
    ArchivePlace::parse(place)?.create(&Writing {
        immutable: config.archive_immutable,
        allow_unlocked: config.allow_unlocked,
        storage_class: None,
        spool: Path::new(&config.data).join("spool"),
    })
}

/// An alert is said and recorded: it is part of the log's own story.
fn record(ledger: &Ledger, alert: &Alert) {
    let rule = match alert {
        Alert::Silent { .. } => "anchor-silent",
        Alert::Contradicted { .. } => "anchor-contradicts",
        Alert::WentBack { .. } => "witness-went-back",
        _ => "anchor-answers",
    };
    let message = alert.to_string();
    if matches!(alert, Alert::Answers { .. }) {
        tracing::info!(rule, message);
    } else {
        tracing::error!(rule, message);
    }
    let body = Body::Alert(record::envelope::Alert { message, rule: rule.to_owned() });
    if let Err(error) = ledger.append_event(body, Tickets::default()) {
        tracing::error!(%error, rule, "an alert could not be recorded");
    }
}
