//! One ledger: every tile recomputed from the entries, every checkpoint against the key and the
//! tree.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use record::Leaf;
use tlog::{
    Anchored, AnchoredLog, Checkpoint, Hash, KeyChange, LogSource, Note, Policy, SourceError,
    TilePath, Tree, VerifyingKey, audit, leaf_hash, read_bundle,
};

use crate::keys::{self, History};

/// What was found.
pub(crate) struct Verdict {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) checkpoints: usize,
    pub(crate) tiles: u64,
    /// What is worth knowing and no fault.
    pub(crate) notes: Vec<String>,
    pub(crate) findings: Vec<String>,
    /// With a policy that is about this log.
    pub(crate) anchors: Option<AnchoredLog>,
}

/// Checks the ledger in `folder`.
pub(crate) fn check(
    folder: &Path,
    trusted: &[VerifyingKey],
    policy: Option<&Policy>,
) -> anyhow::Result<Verdict> {
    // The log may grow meanwhile: kept checkpoints are read before the published one, which is put
    // in place first, and changes of key after it, since what a new key alone signed comes last.
    let mut findings = Vec::new();
    let kept = kept(folder)?;
    let path = folder.join("checkpoint");
    let note = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let history = keys::of(folder, &note, trusted)?;
    let kept = open_kept(kept, &history, &mut findings);
    let mut verdict = Verdict {
        origin: String::new(),
        size: 0,
        root: tlog::empty_root(),
        checkpoints: 1,
        tiles: 0,
        notes: Vec::new(),
        findings,
        anchors: None,
    };
    let checkpoint = match open(&note, &history) {
        Ok(checkpoint) => checkpoint,
        Err(why) => {
            verdict.findings.push(format!("checkpoint: {why}"));
            return Ok(verdict);
        }
    };
    let named = |policy: &&Policy| {
        policy.logs().is_empty() || policy.logs().iter().any(|key| key.name() == checkpoint.origin)
    };
    let anchors =
        policy.filter(named).map(|policy| cosigned(folder, policy, &checkpoint)).transpose()?;
    let mut roots: BTreeMap<u64, Option<Hash>> =
        anchors.iter().flat_map(|(_, sizes)| sizes).map(|size| (*size, None)).collect();
    let mut tree = Tree::new();
    let mut wrong = Vec::new();
    let report = audit(
        &checkpoint,
        &Folder(folder),
        |index, entry| {
            match Leaf::from_bytes(entry) {
                Ok(leaf) => wrong.extend(history.first().and_then(|h| h.differs(index, &leaf))),
                Err(error) => wrong.push(format!("entry {index}: {error}")),
            }
            tree.push(leaf_hash(entry), |_, _| {});
            if let Some(root) = roots.get_mut(&tree.size()) {
                *root = Some(tree.root());
            }
            if let Some((name, root)) = kept.get(&tree.size())
                && tree.root() != *root
            {
                wrong.push(format!("{name}: its root is not that of the log at its size"));
            }
        },
        |_| {},
    )?;
    verdict.findings.extend(wrong);
    if let Some(history) = of_origin(&history, &checkpoint.origin) {
        verdict.findings.extend(history.findings.iter().cloned());
        for change in history.keys.changes() {
            let KeyChange { index, old, new } = change;
            verdict.notes.push(format!("record {index} changed the key from {old} to {new}"));
        }
    }
    verdict.findings.extend(report.findings.iter().map(ToString::to_string));
    for (size, (name, _)) in kept.range(checkpoint.size + 1..) {
        verdict.findings.push(format!(
            "{name}: it is of size {size}, and the checkpoint only of {}: the log was cut back",
            checkpoint.size
        ));
    }
    let history = of_origin(&history, &checkpoint.origin);
    verdict.anchors = anchors.zip(history).map(|((anchored, _), history)| {
        let root_at = |size| roots.get(&size).copied().flatten();
        anchored.finish(&checkpoint, &history.keys, root_at)
    });
    verdict.checkpoints += kept.len();
    verdict.tiles = report.tiles;
    verdict.size = checkpoint.size;
    verdict.root = checkpoint.root;
    verdict.origin = checkpoint.origin;
    Ok(verdict)
}

/// The checkpoint, if it is signed by the key that its origin names.
fn open(note: &[u8], histories: &[History]) -> Result<Checkpoint, String> {
    let origin = keys::origin(note)?;
    let history = of_origin(histories, &origin)
        .ok_or_else(|| format!("it is of {origin:?}, and no key of that name was given"))?;
    history.keys.open(note).map_err(|error| error.to_string())
}

/// The first key of that name counts.
fn of_origin<'a>(histories: &'a [History], origin: &str) -> Option<&'a History> {
    histories.iter().find(|history| history.keys.last().name() == origin)
}

/// All cosigned notes that are kept, and the sizes that they are about.
fn cosigned<'a>(
    folder: &Path,
    policy: &'a Policy,
    checkpoint: &Checkpoint,
) -> anyhow::Result<(Anchored<'a>, Vec<u64>)> {
    let mut anchored = Anchored::new(policy, checkpoint.origin.clone());
    let mut sizes = Vec::new();
    let published = folder.join("checkpoint");
    let note = std::fs::read(&published).with_context(|| published.display().to_string())?;
    for (name, note) in files(folder, "anchors")?.into_iter().chain([("checkpoint".into(), note)]) {
        if Path::new(&name).extension().is_some_and(|ending| ending != "note") {
            continue;
        }
        let parsed = Note::parse(&note).ok();
        let head = parsed.and_then(|note| Checkpoint::parse(note.unverified_text()).ok());
        sizes.extend(head.map(|head| head.size));
        anchored.add(&name, &note);
    }
    Ok((anchored, sizes))
}

/// All checkpoints that are kept, by size.
fn open_kept(
    notes: Vec<(String, Vec<u8>)>,
    histories: &[History],
    findings: &mut Vec<String>,
) -> BTreeMap<u64, (String, Hash)> {
    let mut kept = BTreeMap::new();
    for (name, note) in notes {
        match open(&note, histories) {
            Ok(Checkpoint { size, root, .. }) => {
                let before = kept.insert(size, (name.clone(), root));
                if let Some((other, _)) = before.filter(|(_, before)| *before != root) {
                    findings.push(format!(
                        "{name}: {other} is of size {size} too, with another root: the log was forked"
                    ));
                }
            }
            Err(why) => findings.push(format!("{name}: {why}")),
        }
    }
    kept
}

/// The files of kept checkpoints, by their names.
pub(crate) fn kept(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    files(folder, "checkpoints")
}

/// The files of a folder and below, by their names.
pub(crate) fn files(folder: &Path, under: &str) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join(under)];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let bytes = std::fs::read(&path).with_context(|| name.clone())?;
            found.push((name, bytes));
        }
    }
    Ok(found)
}

struct Folder<'a>(&'a Path);

impl Folder<'_> {
    fn file(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        match std::fs::read(self.0.join(path.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SourceError { path: path.to_string(), reason: error.to_string() }),
        }
    }
}

impl LogSource for Folder<'_> {
    fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        if let Some(bytes) = self.file(path)? {
            return Ok(Some(bytes));
        }
        // A partial tile goes when its full tile is there; that one begins with it.
        let Some(mut bytes) = self.file(path.full())? else { return Ok(None) };
        let width = usize::from(path.width);
        let length = if path.level.is_some() {
            width * 32
        } else {
            let entries = read_bundle(&bytes).unwrap_or_default();
            entries.iter().take(width).map(|entry| entry.len() + 2).sum()
        };
        bytes.truncate(length);
        Ok(Some(bytes))
    }
}
