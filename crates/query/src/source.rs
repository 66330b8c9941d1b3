//! Where records and parts lie: segments in the archive, journals beside it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::{Archive, Name};
use bytes::Bytes;
use record::{Envelope, Frame, FrameReader, Outcome, Pid, RangeSet, RecordId, Scanned};

use crate::QueryError;

/// The index of a call that has ended and of which nothing more comes but names: it is in the
/// journal and not in the log.
pub(crate) const WAITING: u64 = u64::MAX;

/// A record as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAt {
    /// Whose log it is in.
    pub collector: String,
    /// Its index in that log.
    pub leaf: u64,
    /// Canonical envelope bytes.
    pub envelope: Vec<u8>,
    /// The file, for people.
    pub file: String,
}

/// One segment of the archive, or one journal that is not a segment yet.
#[derive(Clone)]
pub(crate) enum Source {
    Segment { collector: String, archive: Arc<dyn Archive>, records: Name },
    Journal { collector: String, files: Vec<PathBuf> },
}

impl Source {
    /// Reads the source's records, ascending by index.
    pub(crate) fn each(&self, each: &mut dyn FnMut(RecordAt)) -> Result<(), QueryError> {
        match self {
            Self::Segment { collector, archive, records } => {
                let Some(bytes) = archive.get(records)? else { return Ok(()) };
                segment::each_record(Bytes::from(bytes), |leaf, envelope| {
                    each(RecordAt {
                        collector: collector.clone(),
                        leaf,
                        envelope: envelope.to_vec(),
                        file: records.to_string(),
                    });
                })?;
                Ok(())
            }
            Self::Journal { collector, files } => {
                each_in_journal(collector, files, &|_| true, each)
            }
        }
    }

    /// Whether files of a journal have become a segment since they were listed.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Segment { .. } => false,
            Self::Journal { files, .. } => files.iter().any(|file| !file.exists()),
        }
    }

    /// The records with these ids.
    pub(crate) fn find(
        &self,
        wanted: &HashSet<RecordId>,
        each: &mut dyn FnMut(RecordAt),
    ) -> Result<(), QueryError> {
        match self {
            Self::Segment { collector, archive, records } => {
                let Some(bytes) = archive.get(records)? else { return Ok(()) };
                segment::find_records(Bytes::from(bytes), wanted, |leaf, envelope| {
                    each(RecordAt {
                        collector: collector.clone(),
                        leaf,
                        envelope: envelope.to_vec(),
                        file: records.to_string(),
                    });
                })?;
                Ok(())
            }
            Self::Journal { collector, files } => {
                each_in_journal(collector, files, &|id| wanted.contains(&id), each)
            }
        }
    }

    /// The sealed bytes of these parts.
    pub(crate) fn parts(&self, wanted: &HashSet<Pid>) -> Result<HashMap<Pid, Vec<u8>>, QueryError> {
        let mut found = HashMap::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        match self {
            Self::Segment { archive, records, .. } => {
                let Some(name) = parts_name(records) else { return Ok(found) };
                let Some(bytes) = archive.get(&name)? else { return Ok(found) };
                segment::find_parts(Bytes::from(bytes), wanted, |pid, sealed| {
                    found.insert(pid, sealed.to_vec());
                })?;
            }
            Self::Journal { files, .. } => {
                for file in files {
                    let Some(bytes) = read_if_there(file)? else { continue };
                    for frame in frames(&bytes) {
                        if let Frame::Part { pid, sealed } = frame
                            && wanted.contains(&pid)
                        {
                            found.insert(pid, sealed.to_vec());
                        }
                    }
                }
            }
        }
        Ok(found)
    }
}

/// `c1/records/…` is `c1/parts/…`.
pub(crate) fn parts_name(records: &Name) -> Option<Name> {
    let (collector, rest) = records.as_str().split_once("/records/")?;
    Name::new(format!("{collector}/parts/{rest}")).ok()
}

pub(crate) fn read_if_there(file: &Path) -> Result<Option<Vec<u8>>, QueryError> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(QueryError::Storage(format!("cannot read {}: {error}", file.display()))),
    }
}

/// Whole frames; what is torn or damaged is `verify`'s business.
pub(crate) fn frames(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    FrameReader::new(bytes).flatten().filter_map(|scanned| match scanned {
        Scanned::Frame { frame, .. } => Some(frame),
        _ => None,
    })
}

/// The records of a journal, and behind them the calls that have ended but for names.
fn each_in_journal(
    collector: &str,
    files: &[PathBuf],
    wanted: &dyn Fn(RecordId) -> bool,
    each: &mut dyn FnMut(RecordAt),
) -> Result<(), QueryError> {
    let mut waiting: BTreeMap<u64, RecordAt> = BTreeMap::new();
    for file in files {
        // A file that is gone has become a segment meanwhile.
        let Some(bytes) = read_if_there(file)? else { continue };
        let at = |leaf, envelope: &[u8]| RecordAt {
            collector: collector.to_owned(),
            leaf,
            envelope: envelope.to_vec(),
            file: file.display().to_string(),
        };
        for frame in frames(&bytes) {
            match frame {
                Frame::Record { leaf, id, number, envelope } => {
                    waiting.remove(&number.0);
                    if wanted(id) {
                        each(at(leaf, envelope));
                    }
                }
                Frame::Admitted { number, envelope } if may_have_ended(envelope) => {
                    if let Ok(read) = Envelope::from_bytes(envelope)
                        && wanted(read.id)
                        && read
                            .interaction()
                            .is_some_and(|i| i.response.outcome != Outcome::Interrupted)
                    {
                        waiting.insert(number.0, at(WAITING, envelope));
                    }
                }
                _ => {}
            }
        }
    }
    waiting.into_values().for_each(each);
    Ok(())
}

/// A look at the bytes spares parsing the admissions of calls that are going on.
fn may_have_ended(envelope: &[u8]) -> bool {
    const OPEN: &[u8] = b"\"outcome\":\"interrupted\"";
    !envelope.windows(OPEN.len()).any(|window| window == OPEN)
}

/// What a collector's journals say of its admission numbers.
#[derive(Debug, Default)]
pub(crate) struct JournalNumbers {
    /// Admitted, without an outcome yet.
    pub(crate) open: RangeSet,
    /// Reserved, without any frame: given out just now, or never.
    pub(crate) unframed: RangeSet,
}

impl JournalNumbers {
    /// From the journal's files, oldest first.
    pub(crate) fn of<'a>(files: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut numbers = Self::default();
        let mut started = false;
        for bytes in files {
            for frame in frames(bytes) {
                match frame {
                    Frame::Start(header) if !started => {
                        started = true;
                        numbers.unframed = unframed(header).unwrap_or_default();
                    }
                    Frame::Reserve { start, end } => numbers.unframed.insert(start, end),
                    Frame::Release { start, end } => numbers.unframed.remove_range(start, end),
                    Frame::Admitted { number, .. } => {
                        numbers.unframed.remove(number.0);
                        numbers.open.insert(number.0, number.0 + 1);
                    }
                    Frame::Record { number, .. } => {
                        numbers.unframed.remove(number.0);
                        numbers.open.remove(number.0);
                    }
                    _ => {}
                }
            }
        }
        numbers
    }
}

fn unframed(header: &[u8]) -> Option<RangeSet> {
    #[derive(serde::Deserialize)]
    struct Header {
        unframed: RangeSet,
    }
    Some(serde_json::from_slice::<Header>(header).ok()?.unframed)
}
