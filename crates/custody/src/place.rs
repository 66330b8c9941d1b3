//! Where things lie in a data directory, and opening it for reading.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, anyhow};
use archive::Archive;
use keys::{KeyStore, KeysError, RootKey, RootSource};
use query::{Access, Store};
use record::CollectorName;

use crate::Failure;
use crate::access_log::CommandLog;
use crate::cli::{Reading, Where};
use crate::config::{self, Config, KeysConfig};
use crate::output;
use crate::storage::{ArchivePlace, Writing};

/// The tenant; there is one.
pub(crate) const TENANT: &str = "default";

/// Paths of an installation.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) data: PathBuf,
    pub(crate) archive: ArchivePlace,
    pub(crate) keys: PathBuf,
    pub(crate) config: Config,
    root: KeysConfig,
    /// The root key once it was opened: a person is asked for a passphrase once.
    held: Arc<OnceLock<RootKey>>,
}

impl Place {
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let archive = match &config.archive {
            Some(archive) => ArchivePlace::parse(archive).context("archive")?,
            None => ArchivePlace::Directory(config.data.join("archive")),
        };
        Ok(Self {
            archive,
            keys: config.data.join("keys"),
            data: config.data.clone(),
            config: config.clone(),
            root: config.keys.clone(),
            held: Arc::default(),
        })
    }

    /// What flags and configuration name.
    pub(crate) fn named(place: &Where) -> Result<Self, Failure> {
        let mut config = config::load(place.config.as_deref())?;
        if let Some(data) = &place.data {
            // Another data directory brings its own archive, unless that is named too.
            if config.data != *data {
                config.archive = None;
            }
            config.data.clone_from(data);
        }
        let mut named = Self::of(&config).map_err(Failure::Usage)?;
        if let Some(archive) = &place.archive {
            named.archive = ArchivePlace::parse(archive).map_err(Failure::Usage)?;
        }
        if let Some(keys) = &place.keys {
            named.keys.clone_from(keys);
        }
        named.root_source().map_err(Failure::Usage)?;
        Ok(named)
    }

    /// The folder with a folder for each collector's journal.
    pub(crate) fn collectors(&self) -> PathBuf {
        self.data.join("collectors")
    }

    /// The access tokens.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.data.join("tokens.json")
    }

    /// Erasures that wait or are under way.
    pub(crate) fn erasures(&self) -> PathBuf {
        self.data.join("erasures")
    }

    /// Who holds the root key.
    pub(crate) fn root_source(&self) -> anyhow::Result<RootSource> {
        self.root.source(&self.keys)
    }

    /// The root key of an installation that is there.
    pub(crate) fn root_key(&self) -> anyhow::Result<RootKey> {
        if let Some(root) = self.held.get() {
            return Ok(root.clone());
        }
        let root = RootKey::open(&self.root_source()?)?;
        Ok(self.held.get_or_init(|| root).clone())
    }

    /// The archive for reading.
    pub(crate) fn open_archive(&self) -> anyhow::Result<Arc<dyn Archive>> {
        self.archive.open()
    }

    /// The archive for writing.
    pub(crate) fn create_archive(&self, immutable: bool) -> anyhow::Result<Arc<dyn Archive>> {
        self.archive.create(&Writing {
            immutable,
            allow_unlocked: self.config.allow_unlocked,
            storage_class: None,
            spool: self.spool(),
        })
    }

    /// The cold tier for writing; `None` when there is none.
    pub(crate) fn create_cold(&self) -> anyhow::Result<Option<Arc<dyn Archive>>> {
        self.check_cold()?;
        let Some(cold) = self.cold()? else { return Ok(None) };
        cold.create(&Writing {
            immutable: self.config.archive_immutable,
            allow_unlocked: self.config.allow_unlocked,
            storage_class: self.config.tiers.storage_class.clone(),
            spool: self.spool(),
        })
        .map(Some)
    }

    /// Refuses a cold tier that is none.
    pub(crate) fn check_cold(&self) -> anyhow::Result<()> {
        if let Some(cold) = self.cold()?.filter(|cold| *cold == self.archive) {
            return Err(anyhow!(
                "[tiers] cold = {cold} is the archive itself; name another directory, bucket or \
                 prefix"
            ));
        }
        Ok(())
    }

    fn cold(&self) -> anyhow::Result<Option<ArchivePlace>> {
        let cold = self.config.tiers.cold.as_deref();
        cold.map(ArchivePlace::parse).transpose().context("[tiers] cold")
    }

    /// The cold tier for reading.
    fn open_cold(&self) -> anyhow::Result<Option<Arc<dyn Archive>>> {
        match self.cold()? {
            // Nothing has become cold yet.
            Some(ArchivePlace::Directory(path)) if !path.is_dir() => Ok(None),
            Some(cold) => cold.open().map(Some),
            None => Ok(None),
        }
    }

    /// Where objects in the making lie on their way to a bucket.
    pub(crate) fn spool(&self) -> PathBuf {
        self.data.join("spool")
    }

    /// The key store for reading, `None` when there is none.
    pub(crate) fn open_keys(&self) -> anyhow::Result<Option<Arc<KeyStore>>> {
        if !self.keys.is_dir() {
            return Ok(None);
        }
        match self.root_key() {
            Ok(root) => Ok(Some(Arc::new(KeyStore::open(&self.keys, &root)?))),
            Err(error) if is_not_there(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Everything that can be read.
    pub(crate) fn open_store(&self) -> anyhow::Result<Store> {
        let journals = Some(self.collectors()).filter(|folder| folder.is_dir());
        let store = Store::new(self.open_archive()?, journals, self.open_keys()?, TENANT);
        Ok(store.with_cold(self.open_cold()?))
    }

    /// The same for verifying, which needs no keys: where they cannot be read, it is said that
    /// nothing was asked of them.
    pub(crate) fn open_store_for_verify(&self) -> anyhow::Result<Store> {
        let journals = Some(self.collectors()).filter(|folder| folder.is_dir());
        let keys = self.open_keys().unwrap_or_else(|error| {
            output::remark(&format!("verified without the key store: {error:#}"));
            None
        });
        let store = Store::new(self.open_archive()?, journals, keys, TENANT);
        Ok(store.with_cold(self.open_cold()?))
    }

    /// How a command may open content.
    pub(crate) fn access(&self, reading: &Reading) -> Access {
        if reading.metadata {
            return Access::Metadata;
        }
        if reading.unrecorded {
            return Access::Unrecorded;
        }
        let who = format!("local:{}", account());
        Access::Recorded { log: Arc::new(CommandLog::new(self.clone())), who }
    }
}

/// The origin of a collector's log: an id of this installation, made once, and its name.
pub(crate) fn origin(keys: &Path, collector: &CollectorName) -> anyhow::Result<String> {
    let public = keys::verifying_key_path(keys, collector);
    match std::fs::read_to_string(&public) {
        Ok(text) => {
            let key: tlog::VerifyingKey =
                text.parse().with_context(|| public.display().to_string())?;
            return Ok(key.name().to_owned());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(anyhow!("cannot read {}: {error}", public.display())),
    }
    let id = keys::installation(keys)?;
    Ok(format!("custody.local/{id}/{collector}"))
}

/// Whether there is no root key, and nothing that one wrapped.
fn is_not_there(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(KeysError::Unavailable { source, .. }) if source.kind() == io::ErrorKind::NotFound
    )
}

/// The account that runs this, from the system and not from a variable that anybody can set: an
/// approval must be somebody else's.
pub(crate) fn account() -> String {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid-{uid}"))
}
