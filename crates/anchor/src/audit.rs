//! What the anchors in an archive prove of one collector's log.

use archive::{Archive, ArchiveError, Name};
use record::Timestamp;
use sha2::{Digest as _, Sha256};
use tlog::{Anchored, AnchoredLog, Checkpoint, Hash, KeyHistory, Policy, root_at};

use crate::tsp::read_answer;
use crate::{ArchiveTiles, Layout};

/// The anchors of one collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorAnchors {
    /// Size of the log under the published checkpoint.
    pub size: u64,
    /// Witnesses, quorum, and what contradicts the log.
    pub log: AnchoredLog,
    /// Timestamps over kept checkpoints, ascending by size. Their signatures are not checked here.
    pub timestamps: Vec<Stamped>,
}

/// A timestamp over the checkpoint of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// Which size.
    pub size: u64,
    /// The authority's time.
    pub time: Timestamp,
    /// Where the answer lies.
    pub name: String,
    /// Where the checkpoint lies that it is over.
    pub over: String,
}

/// Judges the anchors of a collector's log by `policy`. `keys` are the log's, and trusted. Kept
/// checkpoints and tiles are believed where they are signed or read: verify them first.
pub fn audit(
    archive: &dyn Archive,
    layout: &Layout,
    policy: &Policy,
    keys: &KeyHistory,
) -> Result<CollectorAnchors, ArchiveError> {
    let published = layout.checkpoint()?;
    let mut findings = Vec::new();
    let checkpoint = match archive.get(&published)? {
        None => None,
        Some(note) => {
            keys.open(&note).map_err(|error| findings.push(format!("{published}: {error}"))).ok()
        }
    };
    // Without a checkpoint nothing is anchored: every cosigned one is past the end of the log.
    let checkpoint = checkpoint.unwrap_or_else(|| Checkpoint {
        origin: keys.last().name().to_owned(),
        size: 0,
        root: tlog::empty_root(),
    });
    let mut anchored = Anchored::new(policy, keys.last().name());
    let mut timestamps = Vec::new();
    for name in archive.list(&layout.anchors())? {
        let Some(bytes) = archive.get(&name)? else { continue };
        let (_, ending) = name.as_str().rsplit_once('.').unwrap_or_default();
        if ending == "note" {
            anchored.add(name.as_str(), &bytes);
        } else if ending == "tsr" {
            match stamped(archive, layout, keys, &name, &bytes)? {
                Ok(stamped) => timestamps.push(stamped),
                Err(why) => findings.push(format!("{name}: {why}")),
            }
        }
    }
    timestamps.sort_by_key(|stamped| stamped.size);
    // The published checkpoint itself may be cosigned too.
    if let Some(note) = archive.get(&published)? {
        anchored.add(published.as_str(), &note);
    }
    let tiles = ArchiveTiles::new(archive, layout);
    let mut log = anchored.finish(&checkpoint, keys, |size| {
        kept_root(archive, layout, keys, size).or_else(|| root_at(size, &tiles).ok())
    });
    if let Some(error) = tiles.take_error() {
        return Err(error);
    }
    log.findings.extend(findings);
    Ok(CollectorAnchors { size: checkpoint.size, log, timestamps })
}

fn kept_root(archive: &dyn Archive, layout: &Layout, keys: &KeyHistory, size: u64) -> Option<Hash> {
    let note = archive.get(&layout.checkpoint_of(size).ok()?).ok()??;
    let checkpoint = keys.open(&note).ok()?;
    (checkpoint.size == size).then_some(checkpoint.root)
}

/// A timestamp, if it is over the kept checkpoint of its size.
fn stamped(
    archive: &dyn Archive,
    layout: &Layout,
    keys: &KeyHistory,
    name: &Name,
    bytes: &[u8],
) -> Result<Result<Stamped, String>, ArchiveError> {
    let size = name
        .as_str()
        .strip_prefix(&layout.anchors())
        .and_then(|rest| rest.rsplit_once('/'))
        .and_then(|(number, _)| Layout::size(number));
    let Some(size) = size else { return Ok(Err("its folder is no size of a log".to_owned())) };
    let over = layout.checkpoint_of(size)?;
    let Some(note) = archive.get(&over)? else {
        return Ok(Err(format!("the checkpoint that it is over is missing: {over}")));
    };
    if let Err(error) = keys.open(&note) {
        return Ok(Err(format!("it is over {over}, which is not believed: {error}")));
    }
    let digest = Sha256::digest(&note).into();
    let checked = read_answer(bytes).and_then(|answer| {
        answer.check(&digest, None)?;
        Ok(Stamped { size, time: answer.time, name: name.to_string(), over: over.to_string() })
    });
    Ok(checked.map_err(|error| error.to_string()))
}
