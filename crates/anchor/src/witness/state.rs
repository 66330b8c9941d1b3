//! What a witness has seen of one log, on disk.
//!
//! Two files hold the same state: `<id>.next` is replaced first, `<id>.state` after it. Each state
//! has its number and the digest of the state before it. So a crash between the two is told from a
//! file that was cut, damaged, removed or put back from an old copy:
//!
//! | `next` is … | |
//! |---|---|
//! | the same as `state` | all is well |
//! | the one after `state` | a crash came between: `state` is brought forward, nobody loses anything |
//! | anything else | refused |
//!
//! Both files put back together cannot be told here. The log can: it knows what was cosigned for it.

use std::io;
use std::path::{Path, PathBuf};

use archive::durable;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tlog::{Checkpoint, Hash, empty_root};

use super::{WitnessError, unavailable};
use crate::request::decimal;

const HEAD: &str = "custody witness state 1";
const MODE: u32 = 0o600;
/// Proofs of misbehaviour that are kept of one log; one is enough.
const MAX_EVIDENCE: usize = 100;

/// What was last cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) root: Hash,
    /// When, seconds since 1970.
    pub(super) time: u64,
    /// The log's signed note, byte for byte.
    pub(super) note: Vec<u8>,
}

/// The state of one log, in memory as on disk.
#[derive(Debug)]
pub(super) struct Kept {
    origin: String,
    /// The two files, without their endings.
    stem: PathBuf,
    number: u64,
    seen: Seen,
    /// SHA-256 of this state's file; zeros before the first.
    digest: [u8; 32],
    /// The last write failed: which state is on disk is not known.
    unsure: bool,
}

/// One state as a file holds it.
struct Stored {
    number: u64,
    before: [u8; 32],
    seen: Seen,
    digest: [u8; 32],
}

impl Kept {
    /// Loads the state of a log; none is the empty tree.
    pub(super) fn load(folder: &Path, origin: &str) -> Result<Self, WitnessError> {
        let id: String = hex::encode(Sha256::digest(origin)).chars().take(32).collect();
        let stem = folder.join(id);
        let (state, next) = (ending(&stem, "state"), ending(&stem, "next"));
        let (current, newest) = (read(&state, origin)?, read(&next, origin)?);
        let refused = |path: &Path, why: &str| {
            Err(WitnessError::Damaged {
                path: path.to_owned(),
                reason: format!(
                    "{why}. A witness that forgets what it cosigned can be made to cosign a fork: \
                     restore both files of the log as they were last, or start a witness with a \
                     new key in a new folder"
                ),
            })
        };
        let stored = match (current, newest) {
            (None, None) => return Ok(Self::empty(origin, stem)),
            (Some(current), Some(newest)) if current.digest == newest.digest => current,
            (current, Some(newest)) => {
                let number = current.as_ref().map_or(0, |current| current.number);
                let digest = current.as_ref().map_or([0; 32], |current| current.digest);
                if newest.before != digest || newest.number != number + 1 {
                    return refused(
                        &state,
                        "it is missing or is not the state before the next one",
                    );
                }
                let bytes = std::fs::read(&next).map_err(unavailable("read", &next))?;
                durable::replace(&state, &bytes, MODE).map_err(unavailable("write", &state))?;
                newest
            }
            (Some(_), None) => return refused(&next, "it is missing"),
        };
        Ok(Self {
            origin: origin.to_owned(),
            stem,
            number: stored.number,
            seen: stored.seen,
            digest: stored.digest,
            unsure: false,
        })
    }

    fn empty(origin: &str, stem: PathBuf) -> Self {
        let seen = Seen { size: 0, root: empty_root(), time: 0, note: Vec::new() };
        let origin = origin.to_owned();
        Self { origin, stem, number: 0, seen, digest: [0; 32], unsure: false }
    }

    /// What was last cosigned.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// After a write that failed: takes over what is on disk.
    pub(super) fn settle(&mut self) -> Result<(), WitnessError> {
        if self.unsure {
            let folder = self.stem.parent().unwrap_or(Path::new("."));
            *self = Self::load(folder, &self.origin)?;
        }
        Ok(())
    }

    /// Makes a new state durable. A crash before it returns leaves the old one or the new one.
    pub(super) fn advance(&mut self, seen: Seen) -> Result<(), WitnessError> {
        if self.number > 0 && seen.size == self.seen.size && seen.root == self.seen.root {
            return Ok(());
        }
        let number = self.number + 1;
        let bytes = write(&self.origin, number, &self.digest, &seen);
        self.unsure = true;
        for file in ["next", "state"] {
            let path = ending(&self.stem, file);
            durable::replace(&path, &bytes, MODE).map_err(unavailable("write", &path))?;
        }
        self.unsure = false;
        self.number = number;
        self.seen = seen;
        self.digest = Sha256::digest(&bytes).into();
        Ok(())
    }

    /// Keeps the proof that a log has signed two trees of one size: this note and the one of the
    /// state.
    pub(super) fn keep_evidence(&self, folder: &Path, checkpoint: &Checkpoint, note: &[u8]) {
        let evidence = folder.join("evidence");
        if std::fs::read_dir(&evidence).is_ok_and(|entries| entries.count() >= MAX_EVIDENCE) {
            return;
        }
        let root: String = checkpoint.root.to_string().chars().take(16).collect();
        let stem = self.stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = evidence.join(format!("{stem}-{}-{root}.txt", checkpoint.size));
        let both = [&self.seen.note, b"\n".as_slice(), note].concat();
        if let Err(error) = durable::replace(&path, &both, 0o444) {
            tracing::error!(%error, path = %path.display(), "evidence cannot be kept");
        }
    }
}

fn ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn write(origin: &str, number: u64, before: &[u8; 32], seen: &Seen) -> Vec<u8> {
    let head = format!(
        "{HEAD}\norigin {origin}\nnumber {number}\nbefore {}\nsize {}\nroot {}\ntime {}\nnote {}\n",
        hex::encode(before),
        seen.size,
        BASE64_STANDARD.encode(seen.root.0),
        seen.time,
        seen.note.len()
    );
    let mut bytes = [head.as_bytes(), &seen.note].concat();
    let sum = format!("sum {}\n", hex::encode(Sha256::digest(&bytes)));
    bytes.extend_from_slice(sum.as_bytes());
    bytes
}

fn read(path: &Path, origin: &str) -> Result<Option<Stored>, WitnessError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unavailable("read", path)(error)),
    };
    let damaged = |why: &str| WitnessError::Damaged {
        path: path.to_owned(),
        reason: format!(
            "{why}: the file was cut or damaged. Restore both files of the log as they were last, \
             or start a witness with a new key in a new folder"
        ),
    };
    let stored = parse(&bytes).ok_or_else(|| damaged("it is not a whole state"))?;
    if stored.0 == origin {
        Ok(Some(stored.1))
    } else {
        Err(damaged(&format!("it is of the log {:?}", stored.0)))
    }
}

fn parse(bytes: &[u8]) -> Option<(String, Stored)> {
    // The sum is checked first: nothing of a damaged file is looked at.
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(4 + 64 + 1)?)?;
    let expected = format!("sum {}\n", hex::encode(Sha256::digest(body)));
    if sum != expected.as_bytes() {
        return None;
    }
    let mut rest = body;
    let mut line = |field: &str| {
        let end = rest.iter().position(|b| *b == b'\n')?;
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.get(1..)?;
        Some(std::str::from_utf8(line).ok()?.strip_prefix(field)?.to_owned())
    };
    if !line(HEAD)?.is_empty() {
        return None;
    }
    let origin = line("origin ")?;
    let number = decimal(&line("number ")?).filter(|number| *number > 0)?;
    let mut before = [0; 32];
    hex::decode_to_slice(line("before ")?, &mut before).ok()?;
    let size = decimal(&line("size ")?)?;
    let root = Hash(BASE64_STANDARD.decode(line("root ")?).ok()?.try_into().ok()?);
    let time = decimal(&line("time ")?)?;
    let length = decimal(&line("note ")?)?;
    let note = rest.to_vec();
    (u64::try_from(note.len()).ok()? == length).then_some(())?;
    let seen = Seen { size, root, time, note };
    let digest = Sha256::digest(bytes).into();
    Some((origin, Stored { number, before, seen, digest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "example.com/log";

    fn seen(size: u64) -> Seen {
        let byte = u8::try_from(size).unwrap();
        Seen { size, root: Hash([byte; 32]), time: 5, note: vec![b'n'; usize::from(byte)] }
    }

    /// Loads, and checks that the refusal tells what to do.
    fn refused(folder: &Path) -> bool {
        match Kept::load(folder, ORIGIN) {
            Ok(_) => false,
            Err(error) => {
                let error = error.to_string();
                assert!(error.to_lowercase().contains("restore both files"), "{error}");
                true
            }
        }
    }

    #[test]
    fn comes_back_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut kept = Kept::load(dir.path(), ORIGIN).unwrap();
        assert_eq!((kept.seen().size, kept.seen().root), (0, empty_root()));
        for size in [3, 9, 200] {
            kept.advance(seen(size)).unwrap();
            let back = Kept::load(dir.path(), ORIGIN).unwrap();
            assert_eq!((back.seen(), back.digest), (&seen(size), kept.digest));
        }
        assert_eq!(Kept::load(dir.path(), "example.com/other").unwrap().seen().size, 0);
        kept.unsure = true;
        kept.settle().unwrap();
        assert_eq!((kept.seen(), kept.number), (&seen(200), 3));
    }

    #[test]
    fn a_crash_between_the_two_files_loses_nothing() {
        for steps in [1, 2] {
            let dir = tempfile::tempdir().unwrap();
            let mut kept = Kept::load(dir.path(), ORIGIN).unwrap();
            let state = ending(&kept.stem, "state");
            let mut before = None;
            for size in 1..=steps {
                before = std::fs::read(&state).ok();
                kept.advance(seen(size)).unwrap();
            }
            // As a crash after the first replacement leaves it.
            match before {
                Some(before) => durable::replace(&state, &before, MODE).unwrap(),
                None => std::fs::remove_file(&state).unwrap(),
            }
            let mut back = Kept::load(dir.path(), ORIGIN).unwrap();
            assert_eq!(back.seen(), &seen(steps));
            back.advance(seen(9)).unwrap();
            assert_eq!(Kept::load(dir.path(), ORIGIN).unwrap().seen(), &seen(9));
        }
    }

    #[test]
    fn a_file_that_was_cut_changed_removed_or_put_back_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut kept = Kept::load(dir.path(), ORIGIN).unwrap();
        let files = [ending(&kept.stem, "state"), ending(&kept.stem, "next")];
        let mut old = Vec::new();
        for size in [1, 2, 3] {
            kept.advance(seen(size)).unwrap();
            old.push(std::fs::read(&files[0]).unwrap());
        }
        let good = old.pop().unwrap();
        for file in &files {
            for length in 0..good.len() {
                durable::replace(file, &good[..length], MODE).unwrap();
                assert!(refused(dir.path()), "{} cut to {length}", file.display());
            }
            for at in 0..good.len() {
                let mut changed = good.clone();
                changed[at] ^= 1;
                durable::replace(file, &changed, MODE).unwrap();
                assert!(refused(dir.path()), "{} changed at {at}", file.display());
            }
            std::fs::remove_file(file).unwrap();
            assert!(refused(dir.path()), "{} removed", file.display());
            durable::replace(file, &old[0], MODE).unwrap();
            assert!(refused(dir.path()), "{} put back", file.display());
            durable::replace(file, &good, MODE).unwrap();
        }
        // The state before the last, in the second file: a crash never leaves that.
        durable::replace(&files[1], &old[1], MODE).unwrap();
        assert!(refused(dir.path()));
        durable::replace(&files[1], &good, MODE).unwrap();
        assert_eq!(Kept::load(dir.path(), ORIGIN).unwrap().seen(), &seen(3));
    }
}
