//! The write half as imports ask it: records are read, those in the log already are passed by, the
//! others are durable before the answer.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use api::imports::{ImportRefused, Imported, Importer, RefusedLine};
use capture::{Capture, Refused, Submitted};
use intake::Taken;
use intake::import::{Cx, Source};
use query::Store;
use record::{Clock, RecordId, Timestamp};
use serde::Deserialize;

/// Records imports in this process.
pub(crate) struct OwnImporter {
    pub(crate) capture: Arc<Capture>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The ids of all imported records; `None` until they are asked for. One batch at a time.
    pub(crate) known: Mutex<Option<HashSet<RecordId>>>,
}

/// What of an envelope tells whether it was imported.
#[derive(Deserialize)]
struct Envelope {
    id: RecordId,
    #[serde(default)]
    origin: String,
}

impl Importer for OwnImporter {
    fn import(&self, format: &str, lines: &[u8]) -> Result<Imported, ImportRefused> {
        let source: Source =
            format.parse().map_err(|error| ImportRefused::Question(format!("{error}")))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = match known.take() {
            Some(ids) => ids,
            None => self.in_the_log()?,
        };
        let mut batch =
            Batch { importer: self, ids, waiting: Vec::new(), imported: Imported::default() };
        // After an error nobody knows what the log holds, so it is asked again.
        batch.lines(source, lines)?;
        batch.settle()?;
        *known = Some(batch.ids);
        Ok(batch.imported)
    }
}

impl OwnImporter {
    fn in_the_log(&self) -> Result<HashSet<RecordId>, ImportRefused> {
        // What was given up waiting for may still be on its way.
        self.capture.drain();
        let mut ids = HashSet::new();
        let read = self.store.each_record(&mut |at| {
            if let Ok(envelope) = serde_json::from_slice::<Envelope>(&at.envelope)
                && envelope.origin == record::Origin::Import.as_str()
            {
                ids.insert(envelope.id);
            }
        });
        read.map_err(|error| ImportRefused::Failed(error.to_string()))?;
        Ok(ids)
    }
}

struct Batch<'a> {
    importer: &'a OwnImporter,
    ids: HashSet<RecordId>,
    waiting: Vec<Submitted>,
    imported: Imported,
}

impl Batch<'_> {
    fn lines(&mut self, source: Source, lines: &[u8]) -> Result<(), ImportRefused> {
        let capture = &self.importer.capture;
        let id = |source: &str, key: &[u8], at: Timestamp| Some(capture.id_of(source, key, at));
        let cx = Cx { class: record::STANDARD, id: &id, now: self.importer.clock.now() };
        for (index, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match source.read(line, &cx) {
                Ok(all) => {
                    for taken in all {
                        self.submit(&taken, index)?;
                    }
                }
                Err(refusal) => self.refuse(index, refusal.to_string()),
            }
        }
        Ok(())
    }

    fn submit(&mut self, taken: &Taken, index: usize) -> Result<(), ImportRefused> {
        let id = match taken {
            Taken::Call(report) => report.id,
            Taken::Event(told) => told.id,
        };
        if id.is_some_and(|id| !self.ids.insert(id)) {
            self.imported.known += 1;
            return Ok(());
        }
        loop {
            match taken.clone().submit(&self.importer.capture) {
                Ok(submitted) => {
                    self.waiting.push(submitted);
                    return Ok(());
                }
                // Memory comes back when what is on its way has arrived.
                Err(Refused::Full) if !self.waiting.is_empty() => self.settle()?,
                Err(Refused::Full) => {
                    if let Some(id) = id {
                        self.ids.remove(&id);
                    }
                    let message = "larger than the memory that [capture] memory leaves";
                    self.refuse(index, message.to_owned());
                    return Ok(());
                }
                Err(error) => return Err(ImportRefused::Later(error.to_string())),
            }
        }
    }

    /// Waits until all that was handed over is durable.
    fn settle(&mut self) -> Result<(), ImportRefused> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| ImportRefused::Failed(error.to_string()))?;
        for submitted in self.waiting.drain(..) {
            let durable = runtime.block_on(submitted.durable());
            durable.map_err(|error| ImportRefused::Later(error.to_string()))?;
            self.imported.recorded += 1;
        }
        Ok(())
    }

    fn refuse(&mut self, index: usize, message: String) {
        let line = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        self.imported.refused.push(RefusedLine { line, message });
    }
}
