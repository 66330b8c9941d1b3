//! The durability protocol of the log: one function, read from top to bottom.
//!
//! What it takes has been synced to the journal, in an order that is fixed there. So wherever a
//! crash falls, the next run makes the same tiles from the same leaves.

use archive::{Archive, ArchiveError, Name, Version};
use record::envelope::LedgerObject;
use tlog::{Checkpoint, Hash, TilePath, Tree, VerifyingKey, leaf_hash, push_entry, read_bundle};

use crate::describe::describe;
use crate::handover::Pending;
use crate::sealer::Sealer;
use crate::status::set;
use crate::{Layout, LedgerError, edge};

/// The log as it is signed: what the next sequence goes on from.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) tree: Tree,
    /// The entries after the last full bundle, as a bundle.
    pub(crate) bundle: Vec<u8>,
    /// The signed checkpoint, byte for byte; empty before the first.
    pub(crate) note: Vec<u8>,
    /// Whether the archive has this checkpoint.
    pub(crate) published: bool,
}

impl Head {
    /// Of a log without entries.
    pub(crate) fn empty() -> Self {
        Self { tree: Tree::new(), bundle: Vec::new(), note: Vec::new(), published: true }
    }
}

/// Name of the signed state in the ledger's folder.
pub(crate) const STATE: &str = "checkpoint";

impl Sealer {
    /// Seals all records that are synced; false when there were none.
    pub(crate) fn sequence(&mut self) -> Result<bool, LedgerError> {
        // A checkpoint that was signed and not published comes first: nobody may see a later one
        // before it.
        self.resolve_attempt()?;
        self.describe()?;
        self.publish()?;

        let leaves = self.shared.lock().sealable(self.head.tree.size());
        if leaves.is_empty() {
            return Ok(false);
        }

        // Build the new tiles and bundles in memory. A crash leaves nothing.
        let mut head = self.head.clone();
        let mut objects: Vec<(TilePath, Vec<u8>)> = Vec::new();
        for leaf in &leaves {
            let entry = leaf.to_bytes();
            if !push_entry(&mut head.bundle, &entry) {
                return Err(LedgerError::Fatal("a leaf is too long for a bundle".to_owned()));
            }
            head.tree.push(leaf_hash(&entry), |path, hashes| objects.push((path, flat(hashes))));
            let size = head.tree.size();
            if size.is_multiple_of(256) {
                let path = TilePath::bundle_covering(size - 1, size);
                objects.push((path, std::mem::take(&mut head.bundle)));
            }
        }
        let size = head.tree.size();
        if !head.bundle.is_empty() {
            objects.push((TilePath::bundle_covering(size - 1, size), head.bundle.clone()));
        }
        objects.extend(head.tree.partials().map(|(path, hashes)| (path, flat(hashes))));

        // Stage. A crash from here on leaves objects that no checkpoint speaks of; the next run
        // makes the same ones, and put_all takes them as done.
        let named = objects
            .iter()
            .map(|(path, bytes)| Ok((self.layout.tile(*path)?, bytes.as_slice())))
            .collect::<Result<Vec<_>, ArchiveError>>()
            .map_err(LedgerError::archive)?;
        let lock = self.locks.log(self.shared.now());
        let versions = self.archive.put_all(&named, lock).map_err(LedgerError::archive)?;

        // Read back: nothing is signed that the archive does not give.
        for (name, bytes) in &named {
            if self.archive.get(name).map_err(LedgerError::archive)?.as_deref() != Some(*bytes) {
                return Err(LedgerError::Unavailable {
                    action: "read back",
                    what: name.to_string(),
                    reason: "the archive does not give what was put".to_owned(),
                });
            }
        }

        // What a start needs while a remote archive is away. A crash here leaves one edge too many.
        if self.archive.is_remote() {
            edge::store(self.disk.as_ref(), &head)
                .map_err(LedgerError::unavailable("write", "the edge of the log"))?;
        }

        // Sign, and swap the signed state for the new one. This is the commit point: from here on
        // the log has these entries. A crash before it leaves the old state, a crash after it a
        // state that publish() publishes at the next start. The comparison keeps a second process
        // or a restored copy from signing a fork.
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root: head.tree.root() };
        head.note = self.sign(&checkpoint);
        head.published = false;
        self.compare_state()?;
        self.attempt = Some(head);
        self.disk
            .replace(STATE, &self.attempt.as_ref().map(|a| a.note.clone()).unwrap_or_default())
            .map_err(LedgerError::unavailable("replace", STATE))?;
        let before = self.head.tree.clone();
        self.resolve_attempt()?;

        if self.archive.is_remote() {
            edge::tidy(self.disk.as_ref(), self.head.tree.size());
        }
        self.placed.extend(lasting(&named, versions));

        self.publish()?;
        self.remove_superseded(&before);
        Ok(true)
    }

    /// Names this collector in an archive that was away at the start.
    fn describe(&mut self) -> Result<(), LedgerError> {
        if !self.described {
            let lock = self.locks.log(self.shared.now());
            let collector = &self.shared.collector;
            let next = self.handover.as_ref().map(Pending::next);
            let key = self.key.verifying_key();
            describe(self.archive.as_ref(), collector, &key, next.as_ref(), lock)?;
            self.described = true;
        }
        Ok(())
    }

    /// Puts the signed checkpoint where others see it. Calling it again changes nothing.
    pub(crate) fn publish(&mut self) -> Result<(), LedgerError> {
        if self.head.published || self.head.note.is_empty() {
            return Ok(());
        }
        self.compare_state()?;
        let size = self.head.tree.size();
        let kept = self.layout.checkpoint_of(size).map_err(LedgerError::archive)?;
        let current = self.layout.checkpoint().map_err(LedgerError::archive)?;
        // A restored old copy of this data directory would sign another history. The archive knows
        // the later one.
        refuse_fork(self.archive.as_ref(), &self.layout, &self.key.verifying_key(), &self.head)?;
        // In this order: a kept checkpoint that is later than the published one would look like a
        // log that was cut back.
        let lock = self.locks.log(self.shared.now());
        let kept = [(kept, self.head.note.as_slice())];
        let versions = self
            .archive
            .replace(&current, &self.head.note, lock)
            .and_then(|()| self.archive.put_all(&kept, lock))
            .map_err(LedgerError::archive)?;
        self.placed.extend(lasting(&kept, versions));
        self.head.published = true;
        let now = u64::try_from(self.shared.now().0).unwrap_or(0);
        set(&self.shared.counters.checkpoint_at, now);
        Ok(())
    }

    /// Takes over the head whose state was last written, if it is the one on disk: the write may
    /// have failed, or failed after it took effect.
    fn resolve_attempt(&mut self) -> Result<(), LedgerError> {
        let Some(attempt) = self.attempt.take() else { return Ok(()) };
        match self.read_state() {
            Ok(current) if current == attempt.note => {
                let size = attempt.tree.size();
                self.head = attempt;
                let mut state = self.shared.lock();
                state.pending = state.pending.split_off(&size);
                let unsealed = u64::try_from(state.pending.len()).unwrap_or(0);
                set(&self.shared.counters.unsealed, unsealed);
                set(&self.shared.counters.tree_size, size);
                Ok(())
            }
            Ok(current) if current == self.head.note => Ok(()),
            Ok(current) if !attempt.note.starts_with(&current) => self.compare_state(),
            other => {
                self.attempt = Some(attempt);
                other?;
                Err(LedgerError::Unavailable {
                    action: "read",
                    what: STATE.to_owned(),
                    reason: "it reads short".to_owned(),
                })
            }
        }
    }

    fn read_state(&self) -> Result<Vec<u8>, LedgerError> {
        match self.disk.read(STATE) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(LedgerError::unavailable("read", STATE)(error)),
        }
    }

    /// Checks that the signed state on disk is the one that this process signed or loaded last.
    fn compare_state(&self) -> Result<(), LedgerError> {
        let current = self.read_state()?;
        if current == self.head.note {
            return Ok(());
        }
        if self.head.note.starts_with(&current) {
            return Err(LedgerError::Unavailable {
                action: "read",
                what: STATE.to_owned(),
                reason: "it reads short".to_owned(),
            });
        }
        Err(LedgerError::Fatal(
            "the signed state on disk is not the one that this process signed last".to_owned(),
        ))
    }

    /// Removes the partial tiles of every tile that is full now and was not before. A crash leaves
    /// some of them, which does no harm.
    fn remove_superseded(&self, before: &Tree) {
        let size = self.head.tree.size();
        let old = before.size();
        let levels = std::iter::once(None).chain((0..8_u8).map(Some));
        for level in levels {
            let shift = u32::from(level.unwrap_or(0)) * 8;
            // Of the tiles that became full, only the first can have been partial before.
            let index = (old >> shift) / 256;
            if (size >> shift) / 256 > index
                && let Err(error) = self.remove_partials(TilePath { level, index, width: 256 })
            {
                tracing::debug!(%error, "superseded partial tiles stay");
            }
        }
    }

    fn remove_partials(&self, full: TilePath) -> Result<(), ArchiveError> {
        let full = self.layout.tile(full)?;
        for partial in self.archive.list(&format!("{full}.p/"))? {
            self.archive.remove_superseded(&partial)?;
        }
        Ok(())
    }
}

/// The signed head of a log whose tiles are in the archive.
pub(crate) fn load_head(
    archive: &dyn Archive,
    tile_name: impl Fn(TilePath) -> Result<Name, ArchiveError>,
    checkpoint: &Checkpoint,
    note: Vec<u8>,
) -> Result<Head, LedgerError> {
    let get = |path: TilePath| -> Result<Vec<u8>, LedgerError> {
        let name = tile_name(path).map_err(LedgerError::archive)?;
        archive
            .get(&name)
            .map_err(LedgerError::archive)?
            .ok_or_else(|| LedgerError::Fatal(format!("{name} is missing from the archive")))
    };
    let mut failed = None;
    let tree = Tree::from_partials(checkpoint.size, |path| match get(path) {
        Ok(bytes) => {
            Some(bytes.chunks_exact(32).filter_map(|h| Some(Hash(h.try_into().ok()?))).collect())
        }
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let tree = tree.filter(|tree| tree.root() == checkpoint.root).ok_or_else(|| {
        LedgerError::Fatal(format!(
            "the tiles in {} do not give the root of the signed state at size {}",
            archive.location(),
            checkpoint.size
        ))
    })?;
    let size = checkpoint.size;
    let bundle = if size.is_multiple_of(256) {
        Vec::new()
    } else {
        get(TilePath::bundle_covering(size - 1, size))?
    };
    // The bundle goes into the next one, so it must be what was logged.
    let logged = tree.partials().find(|(path, _)| path.level == Some(0)).map(|(_, hashes)| hashes);
    let same = read_bundle(&bundle).is_ok_and(|entries| {
        entries.into_iter().map(leaf_hash).eq(logged.unwrap_or_default().iter().copied())
    });
    if !same {
        return Err(LedgerError::Fatal(format!(
            "the last entry bundle in {} does not hold what was logged",
            archive.location()
        )));
    }
    Ok(Head { tree, bundle, note, published: false })
}

/// Refuses when the archive's published checkpoint is not a beginning of `head`: larger, or of the
/// same size with another root, or with another root at its size.
pub(crate) fn refuse_fork(
    archive: &dyn Archive,
    layout: &Layout,
    key: &VerifyingKey,
    head: &Head,
) -> Result<(), LedgerError> {
    let name = layout.checkpoint().map_err(LedgerError::archive)?;
    // Whoever may put objects may put anything there; that must not end the log.
    let ours = |note: &[u8]| Checkpoint::open(note, key).is_ok();
    let note = archive.get_accepted(&name, &ours).map_err(LedgerError::archive)?;
    let Some(note) = note else { return Ok(()) };
    let published = match Checkpoint::open(&note, key) {
        Ok(published) => published,
        // A torn read, or another's: nothing is put in its place.
        Err(error) => {
            return Err(LedgerError::Unavailable {
                action: "read",
                what: name.to_string(),
                reason: error.to_string(),
            });
        }
    };
    let (size, root) = (head.tree.size(), head.tree.root());
    if published.size > size || (published.size == size && published.root != root) {
        return Err(LedgerError::Fatal(format!(
            "{name} in {} is of size {}, and the signed state here of size {size}: this data \
             directory is an old copy, and going on from it would fork the log",
            archive.location(),
            published.size
        )));
    }
    Ok(())
}

/// The objects that stay, with their versions: partial tiles are superseded within the day.
fn lasting(
    named: &[(Name, &[u8])],
    versions: Vec<Option<Version>>,
) -> impl Iterator<Item = LedgerObject> {
    named.iter().zip(versions).filter_map(|((name, _), version)| {
        let lasts = !name.as_str().contains(".p/");
        let object = LedgerObject { name: name.to_string(), version: version?.0 };
        lasts.then_some(object)
    })
}

fn flat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
