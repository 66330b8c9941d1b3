//! Show and trace.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use record::{Body, Envelope, RecordId, TraceId};
use serde_json::Value;

use crate::access::Access;
use crate::open::Opened;
use crate::source::{RecordAt, Source, WAITING};
use crate::{QueryError, Store, view};

/// How long a look waits before the next one for what waits for names, and how many there are.
const MOMENT: Duration = Duration::from_millis(20);
const PATIENCE: u32 = 100;

/// Members that name another record.
const NAMING: [&[u8]; 2] = [b"\"about\":", b"\"retry_of\":"];

/// A record of a trace, and where it lies.
struct Traced {
    began: record::Timestamp,
    id: RecordId,
    at: RecordAt,
    source: Source,
}

/// Answers questions about a store, with one reader's rights.
pub struct Reader<'a> {
    pub(crate) store: &'a Store,
    pub(crate) access: Access,
}

impl<'a> Reader<'a> {
    /// Reads `store` with these rights.
    pub fn new(store: &'a Store, access: Access) -> Self {
        Self { store, access }
    }

    /// One record.
    pub fn show(&self, id: RecordId) -> Result<Value, QueryError> {
        let (at, source) = self.settled(|| self.store.find(id), |(at, _)| at.leaf == WAITING)?;
        let sizes = self.sizes()?;
        self.open_and_view("show", &[(at, source)], &sizes)?
            .pop()
            .ok_or_else(|| QueryError::NotFound(id.to_string()))
    }

    /// All records of a correlation id, by the time when they began: interactions and events, and
    /// what names one of them as what it is about or tries again.
    pub fn trace(&self, trace: TraceId) -> Result<Vec<Value>, QueryError> {
        let waiting =
            |records: &Vec<(RecordAt, Source)>| records.iter().any(|(at, _)| at.leaf == WAITING);
        let records = self.settled(|| self.find_trace(trace), waiting)?;
        let sizes = self.sizes()?;
        self.open_and_view("trace", &records, &sizes)
    }

    /// Finds something again until none of it waits for names, for a moment: they come milliseconds
    /// after the answer, and who asks right after it means to read.
    fn settled<T>(
        &self,
        find: impl Fn() -> Result<T, QueryError>,
        waits: impl Fn(&T) -> bool,
    ) -> Result<T, QueryError> {
        let mut found = find()?;
        for _ in 0..PATIENCE {
            if matches!(self.access, Access::Metadata) || !waits(&found) {
                break;
            }
            std::thread::sleep(MOMENT);
            found = find()?;
        }
        Ok(found)
    }

    fn find_trace(&self, trace: TraceId) -> Result<Vec<(RecordAt, Source)>, QueryError> {
        let needle = trace.to_string();
        let mut found: Vec<Traced> = Vec::new();
        let mut named: Vec<(RecordId, Traced)> = Vec::new();
        for source in self.store.walk()? {
            let source = source?;
            source.each(&mut |at| {
                // A look at the bytes first spares parsing most envelopes.
                let bytes = &at.envelope;
                let own = contains(bytes, needle.as_bytes());
                if !own && !NAMING.iter().any(|member| contains(bytes, member)) {
                    return;
                }
                let Ok(envelope) = Envelope::from_bytes(bytes) else { return };
                let Some(contents) = envelope.contents() else { return };
                let own = contents.correlation.trace_id == Some(trace);
                let about = contents.about.or(contents.correlation.retry_of);
                let (began, id) = (contents.at, envelope.id);
                let record = Traced { began, id, at, source: source.clone() };
                match about {
                    _ if own => found.push(record),
                    Some(about) => named.push((about, record)),
                    None => {}
                }
            })?;
        }
        if found.is_empty() {
            return Err(QueryError::NotFound(format!("with correlation id {trace}")));
        }
        let own: HashSet<RecordId> = found.iter().map(|record| record.id).collect();
        found.extend(named.into_iter().filter(|(id, _)| own.contains(id)).map(|(_, r)| r));
        found.sort_by_key(|record| (record.began, record.id));
        // A journal that became a segment meanwhile gives its records twice.
        found.dedup_by_key(|record| record.id);
        Ok(found.into_iter().map(|r| (r.at, r.source)).collect())
    }

    /// Records the read, opens the parts, and gives the JSON.
    fn open_and_view(
        &self,
        action: &str,
        records: &[(RecordAt, Source)],
        sizes: &HashMap<String, u64>,
    ) -> Result<Vec<Value>, QueryError> {
        let envelopes = records
            .iter()
            .map(|(at, _)| {
                Envelope::from_bytes(&at.envelope)
                    .map_err(|error| QueryError::Storage(format!("record {}: {error}", at.leaf)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let with_content: Vec<RecordId> = envelopes
            .iter()
            .filter(|envelope| envelope.contents().is_some())
            .map(|envelope| envelope.id)
            .collect();
        let may_open = !with_content.is_empty()
            && self
                .access
                .record(action, &with_content)
                .map_err(|refusal| QueryError::Unrecorded(refusal.0))?;
        records
            .iter()
            .zip(&envelopes)
            .map(|((at, source), envelope)| {
                let contents = envelope.contents();
                let opened = match &contents {
                    Some(contents) if may_open => {
                        self.store.open_parts(envelope.id, contents, source)?
                    }
                    _ => Opened::closed(),
                };
                let hold = contents.and_then(|contents| {
                    let keys = self.store.keys.as_ref()?;
                    keys.hold_of(contents.keys.subject, contents.keys.period)
                });
                let opened = opened.with_hold(hold);
                let sealed = sizes.get(&at.collector).is_some_and(|size| at.leaf < *size);
                Ok(view::of(at, envelope, &opened, sealed))
            })
            .collect()
    }

    /// How much of each collector's log the published checkpoint covers.
    pub(crate) fn sizes(&self) -> Result<HashMap<String, u64>, QueryError> {
        let collectors = self.store.collectors()?;
        collectors
            .into_iter()
            .map(|collector| {
                let size = self.store.checkpoint(&collector)?.map_or(0, |(c, _)| c.size);
                Ok((collector.name, size))
            })
            .collect()
    }
}

/// When what a record is about began.
pub(crate) fn started(envelope: &Envelope) -> record::Timestamp {
    match &envelope.body {
        Body::Interaction(interaction) => interaction.time.admitted,
        Body::Event(event) => event.time.admitted,
        _ => envelope.recorded,
    }
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
