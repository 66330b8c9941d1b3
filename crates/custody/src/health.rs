//! What the recorder says about itself.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anchor::AnchorStatus;
use api::{Health, Readiness};
use capture::Capture;
use intake::Intake;
use ledger::Ledger;
use lifecycle::Counters;

use crate::anchoring::Reader;

/// Readiness and counters of a running recorder.
pub(crate) struct RecorderHealth {
    ledger: Arc<Ledger>,
    capture: Arc<Capture>,
    lifecycle: Arc<Counters>,
    anchors: Option<Reader>,
    intake: Arc<Intake>,
}

impl RecorderHealth {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        capture: Arc<Capture>,
        lifecycle: Arc<Counters>,
        anchors: Option<Reader>,
        intake: Arc<Intake>,
    ) -> Self {
        Self { ledger, capture, lifecycle, anchors, intake }
    }

    /// One line for each anchor and metric.
    fn anchor_metrics(&self, text: &mut String) {
        let anchors = self.anchors.as_ref().map(|read| read()).unwrap_or_default();
        if anchors.is_empty() {
            return;
        }
        let metrics: [AnchorMetric; 4] = [
            ("custody_anchor_size", "gauge", "Entries of the log that it has.", |a| a.size),
            (
                "custody_anchor_timestamp_microseconds",
                "gauge",
                "When it last took a checkpoint.",
                |a| u64::try_from(a.at.0).unwrap_or(0),
            ),
            ("custody_anchor_failures_total", "counter", "Times that it took none.", |a| {
                a.failures
            }),
            ("custody_anchor_failing", "gauge", "1 when it did not take the last one.", |a| {
                u64::from(a.failing.is_some())
            }),
        ];
        for (name, kind, help, value) in metrics {
            let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for anchor in &anchors {
                let label = anchor.name.replace('\\', "\\\\").replace('"', "\\\"");
                let kind = anchor.kind;
                let value = value(anchor);
                let _infallible =
                    writeln!(text, "{name}{{kind=\"{kind}\",anchor=\"{label}\"}} {value}");
            }
        }
    }
}

/// Name, type, help, value.
type AnchorMetric = (&'static str, &'static str, &'static str, fn(&AnchorStatus) -> u64);

impl Health for RecorderHealth {
    fn readiness(&self) -> Readiness {
        let status = self.ledger.status();
        let mut reasons = Vec::new();
        if !status.writable {
            reasons.push("the write-ahead log cannot be written".to_owned());
        }
        if status.fatal {
            reasons.push("the ledger contradicts itself and is not sealed any more".to_owned());
        }
        let ready = reasons.is_empty();
        // Calls are recorded all the same: this is for people.
        if status.sealing_fails {
            reasons.push(
                "nothing can be sealed: the archive does not answer; calls are kept here"
                    .to_owned(),
            );
        }
        if self.lifecycle.lock_broken.load(Ordering::Relaxed) {
            reasons.push("a lock of the archive did not hold".to_owned());
        }
        Readiness { ready, degraded: ready && !reasons.is_empty(), reasons }
    }

    fn metrics(&self) -> String {
        let (ledger, capture) = (self.ledger.status(), self.capture.status());
        let intake = self.intake.status();
        let flag = u64::from;
        let metrics: [(&str, &str, &str, u64); 37] = [
            (
                "custody_told_total",
                "counter",
                "Events, spans and reported calls that were recorded.",
                intake.recorded,
            ),
            (
                "custody_told_dropped_total",
                "counter",
                "Spans and log records that tell of no model.",
                intake.dropped,
            ),
            (
                "custody_told_rejected_total",
                "counter",
                "Events, spans and log records that could not be read.",
                intake.rejected,
            ),
            ("custody_admitted_total", "counter", "Calls let through.", capture.admitted),
            (
                "custody_finished_total",
                "counter",
                "Calls whose record is written.",
                capture.finished,
            ),
            ("custody_refused_total", "counter", "Calls refused by fail-closed.", capture.refused),
            ("custody_gap_calls_total", "counter", "Calls that became gaps.", capture.gaps),
            (
                "custody_gap_numbers_total",
                "counter",
                "Admission numbers in gap records.",
                ledger.gap_numbers,
            ),
            (
                "custody_gate_timeouts_total",
                "counter",
                "Gates that opened by themselves.",
                capture.gate_timeouts,
            ),
            (
                "custody_capture_memory_bytes",
                "gauge",
                "Bytes held by calls in flight.",
                capture.memory_used,
            ),
            (
                "custody_parts_met_total",
                "counter",
                "Parts that were sealed before.",
                capture.parts_met,
            ),
            ("custody_parts_new_total", "counter", "Parts masked and sealed.", capture.parts_new),
            (
                "custody_masked_values_total",
                "counter",
                "Values taken out by masking.",
                capture.masked_values,
            ),
            (
                "custody_mask_failures_total",
                "counter",
                "Parts withheld because a detector failed, took too long or had no room.",
                capture.mask_failures,
            ),
            (
                "custody_names_backlog_bytes",
                "gauge",
                "Content that waits for the names tier.",
                capture.names_backlog,
            ),
            (
                "custody_capture_faults_total",
                "counter",
                "Calls lost to a fault of the program.",
                capture.faults,
            ),
            ("custody_oddities_total", "counter", "Oddities met in requests.", capture.oddities),
            ("custody_records_total", "counter", "Records written to the journal.", ledger.records),
            ("custody_open_calls", "gauge", "Calls without an outcome.", ledger.open_calls),
            (
                "custody_unsealed_records",
                "gauge",
                "Records that no checkpoint covers yet.",
                ledger.unsealed,
            ),
            ("custody_tree_size", "gauge", "Entries of the log.", ledger.tree_size),
            (
                "custody_checkpoint_timestamp_microseconds",
                "gauge",
                "When the last checkpoint was published.",
                ledger.checkpoint_at,
            ),
            ("custody_segments_total", "counter", "Segments archived.", ledger.segments),
            (
                "custody_seal_failures_total",
                "counter",
                "Times that nothing could be sealed.",
                ledger.seal_failures,
            ),
            (
                "custody_journal_bytes_total",
                "counter",
                "Bytes written to the journal.",
                ledger.journal_bytes,
            ),
            (
                "custody_journal_writes_total",
                "counter",
                "Writes to the journal.",
                ledger.journal_writes,
            ),
            (
                "custody_journal_syncs_total",
                "counter",
                "Syncs of the journal.",
                ledger.journal_syncs,
            ),
            (
                "custody_journal_write_failures_total",
                "counter",
                "Writes that failed.",
                ledger.write_failures,
            ),
            (
                "custody_journal_sync_failures_total",
                "counter",
                "Syncs that failed.",
                ledger.sync_failures,
            ),
            (
                "custody_journal_writable",
                "gauge",
                "1 when the journal can be written.",
                flag(ledger.writable),
            ),
            (
                "custody_archive_available",
                "gauge",
                "0 while nothing can be sealed because the archive does not take it.",
                flag(!ledger.sealing_fails),
            ),
            (
                "custody_lock_probes_total",
                "counter",
                "Probes of the archive's locks.",
                self.lifecycle.probes.load(Ordering::Relaxed),
            ),
            (
                "custody_lock_broken",
                "gauge",
                "1 when a lock did not hold in the last probe.",
                flag(self.lifecycle.lock_broken.load(Ordering::Relaxed)),
            ),
            (
                "custody_tiered_total",
                "counter",
                "Groups of segments that moved to the cold tier.",
                self.lifecycle.tiered.load(Ordering::Relaxed),
            ),
            (
                "custody_expiries_total",
                "counter",
                "Ends of retention that were recorded.",
                self.lifecycle.expired.load(Ordering::Relaxed),
            ),
            (
                "custody_lifecycle_failures_total",
                "counter",
                "Attempts on tiers, expiry and probes that failed.",
                self.lifecycle.failures.load(Ordering::Relaxed),
            ),
            (
                "custody_ledger_fatal",
                "gauge",
                "1 when the ledger contradicts itself.",
                flag(ledger.fatal),
            ),
        ];
        let mut text = String::with_capacity(4096);
        for (name, kind, help, value) in metrics {
            // Writing into a String has no way to fail.
            let _infallible =
                write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        self.anchor_metrics(&mut text);
        text
    }
}
