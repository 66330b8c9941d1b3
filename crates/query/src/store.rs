//! An archive, the journals beside it, and the keys at hand.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use archive::{Archive, Name};
use keys::KeyStore;
use record::{Pid, RecordId};
use serde::Deserialize;
use tlog::{Checkpoint, VerifyingKey};

use crate::QueryError;
use crate::source::{RecordAt, Source};

/// What can be read.
pub struct Store {
    pub(crate) archive: Arc<dyn Archive>,
    /// The cold tier, when there is one.
    pub(crate) cold: Option<Arc<dyn Archive>>,
    /// Folder with one folder for each collector's journal, when the data directory is at hand.
    pub(crate) journals: Option<PathBuf>,
    pub(crate) keys: Option<Arc<KeyStore>>,
    pub(crate) tenant: String,
}

/// A collector as the archive names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// Its name.
    pub name: String,
    /// The origin of its checkpoints.
    pub origin: String,
    /// Its verifier key, as the archive says; nobody has vouched for it yet.
    pub key: String,
    /// Its keys before, oldest first.
    pub earlier: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Description {
    format: u32,
    pub(crate) collectors: BTreeMap<String, Described>,
}

#[derive(Deserialize)]
pub(crate) struct Described {
    pub(crate) origin: String,
    key: String,
    #[serde(default)]
    earlier: Vec<Earlier>,
}

#[derive(Deserialize)]
struct Earlier {
    key: String,
}

impl Store {
    /// Reads `archive`; with `journals` also what is not in a segment yet; with `keys` content.
    pub fn new(
        archive: Arc<dyn Archive>,
        journals: Option<PathBuf>,
        keys: Option<Arc<KeyStore>>,
        tenant: impl Into<String>,
    ) -> Self {
        Self { archive, cold: None, journals, keys, tenant: tenant.into() }
    }

    /// Reads the cold tier too.
    #[must_use]
    pub fn with_cold(self, cold: Option<Arc<dyn Archive>>) -> Self {
        Self { cold, ..self }
    }

    /// Where segments lie: the archive, and the cold tier.
    pub(crate) fn tiers(&self) -> impl Iterator<Item = &Arc<dyn Archive>> {
        std::iter::once(&self.archive).chain(&self.cold)
    }

    /// The archive's collectors, from its `custody.json`.
    pub fn collectors(&self) -> Result<Vec<Collector>, QueryError> {
        let name = Name::new("custody.json")?;
        let readable = |bytes: &[u8]| serde_json::from_slice::<Description>(bytes).is_ok();
        let Some(bytes) = self.archive.get_accepted(&name, &readable)? else {
            return Err(QueryError::Storage(format!(
                "{} is not an archive of Custody: it has no custody.json",
                self.archive.location()
            )));
        };
        let described: Description = serde_json::from_slice(&bytes)
            .map_err(|error| QueryError::Storage(format!("custody.json: {error}")))?;
        if described.format != 1 {
            return Err(QueryError::Storage(format!(
                "the archive has format {}, this program knows 1",
                described.format
            )));
        }
        let collectors = described.collectors.into_iter();
        Ok(collectors
            .map(|(name, described)| Collector {
                name,
                origin: described.origin,
                key: described.key,
                earlier: described.earlier.into_iter().map(|earlier| earlier.key).collect(),
            })
            .collect())
    }

    /// A collector's published checkpoint, its signature verified with the key that the archive
    /// names; `None` before the first.
    pub fn checkpoint(
        &self,
        collector: &Collector,
    ) -> Result<Option<(Checkpoint, Vec<u8>)>, QueryError> {
        let name = Name::new(format!("{}/ledger/checkpoint", collector.name))?;
        let keys: Vec<VerifyingKey> = [&collector.key]
            .into_iter()
            .chain(&collector.earlier)
            .flat_map(|k| k.parse())
            .collect();
        let ours = |note: &[u8]| keys.iter().any(|key| Checkpoint::open(note, key).is_ok());
        let Some(note) = self.archive.get_accepted(&name, &ours)? else { return Ok(None) };
        let open = |key: &str| -> Result<Checkpoint, QueryError> {
            let wrong =
                |error: &dyn std::fmt::Display| QueryError::Storage(format!("{name}: {error}"));
            let key: VerifyingKey = key.parse().map_err(|error| wrong(&error))?;
            Checkpoint::open(&note, &key).map_err(|error| wrong(&error))
        };
        let opened = open(&collector.key).or_else(|error| {
            // The key may have changed since the caller asked for the collectors.
            let now = self.collectors()?.into_iter().find(|now| now.name == collector.name);
            now.filter(|now| now.key != collector.key).map_or(Err(error), |now| open(&now.key))
        })?;
        Ok(Some((opened, note)))
    }

    /// The collector's journal files, oldest first.
    pub(crate) fn journal_files(&self, collector: &str) -> Result<Vec<PathBuf>, QueryError> {
        let Some(journals) = &self.journals else { return Ok(Vec::new()) };
        let folder = journals.join(collector);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let folder = folder.display();
                return Err(QueryError::Storage(format!("cannot list {folder}: {error}")));
            }
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
            .collect();
        files.sort();
        Ok(files)
    }

    /// All sources, newest first: journals, then segments by their last index.
    pub(crate) fn sources(&self) -> Result<Vec<Source>, QueryError> {
        let mut sources = Vec::new();
        let mut segments = Vec::new();
        for collector in self.collectors()? {
            // Journals first: a file that becomes a segment between the two listings is seen twice
            // rather than not at all.
            let files = self.journal_files(&collector.name)?;
            if !files.is_empty() {
                sources.push(Source::Journal { collector: collector.name.clone(), files });
            }
            for archive in self.tiers() {
                for records in archive.list(&format!("{}/records/", collector.name))? {
                    let (collector, archive) = (collector.name.clone(), Arc::clone(archive));
                    segments.push(Source::Segment { collector, archive, records });
                }
            }
        }
        segments.sort_by_key(|source| match source {
            Source::Segment { records, .. } => {
                std::cmp::Reverse(records.as_str().rsplit('/').next().unwrap_or("").to_owned())
            }
            Source::Journal { .. } => std::cmp::Reverse(String::new()),
        });
        sources.extend(segments);
        Ok(sources)
    }

    /// All sources, one after the other, newest first. Whoever walks may be slow: what became a
    /// segment meanwhile comes last, and the records of its journal perhaps twice.
    pub(crate) fn walk(&self) -> Result<Walk<'_>, QueryError> {
        let sources = self.sources()?;
        let mut walk = Walk {
            store: self,
            sources: VecDeque::new(),
            seen: HashSet::new(),
            journals: Vec::new(),
        };
        walk.add(sources);
        Ok(walk)
    }

    /// Gives every record of every collector, newest sources first. A journal that becomes a
    /// segment meanwhile gives its records twice.
    pub fn each_record(&self, each: &mut dyn FnMut(RecordAt)) -> Result<(), QueryError> {
        for source in self.walk()? {
            source?.each(each)?;
        }
        Ok(())
    }

    /// The record with this id, and where it is.
    pub(crate) fn find(&self, id: RecordId) -> Result<(RecordAt, Source), QueryError> {
        let wanted: HashSet<RecordId> = [id].into();
        for source in self.walk()? {
            let source = source?;
            let mut found = None;
            source.find(&wanted, &mut |at| found = Some(at))?;
            if let Some(at) = found {
                return Ok((at, source));
            }
        }
        Err(QueryError::NotFound(id.to_string()))
    }

    /// The sealed bytes of a record's parts. `source` is where the record was found; a journal may
    /// have become a segment since.
    pub(crate) fn parts_of(
        &self,
        id: RecordId,
        source: &Source,
        wanted: &HashSet<Pid>,
    ) -> Result<HashMap<Pid, Vec<u8>>, QueryError> {
        let found = source.parts(wanted)?;
        if found.len() == wanted.len() || !source.is_gone() {
            return Ok(found);
        }
        self.find(id)?.1.parts(wanted)
    }
}

/// See [`Store::walk`].
pub(crate) struct Walk<'a> {
    store: &'a Store,
    sources: VecDeque<Source>,
    /// Segments that were given or will be.
    seen: HashSet<(String, Name)>,
    /// Journals that were given.
    journals: Vec<Source>,
}

impl Walk<'_> {
    fn add(&mut self, sources: Vec<Source>) {
        for source in sources {
            let new = match &source {
                Source::Segment { archive, records, .. } => {
                    self.seen.insert((archive.location(), records.clone()))
                }
                Source::Journal { .. } => true,
            };
            if new {
                self.sources.push_back(source);
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Source, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.sources.is_empty() && std::mem::take(&mut self.journals).iter().any(Source::is_gone)
        {
            // A journal's records are in the archive before its files go.
            match self.store.sources() {
                Ok(sources) => {
                    let segments = |source: &Source| matches!(source, Source::Segment { .. });
                    self.add(sources.into_iter().filter(segments).collect());
                }
                Err(error) => return Some(Err(error)),
            }
        }
        let source = self.sources.pop_front()?;
        if matches!(source, Source::Journal { .. }) {
            self.journals.push(source.clone());
        }
        Some(Ok(source))
    }
}
