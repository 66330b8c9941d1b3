//! A bucket with Object Lock as archive.
//!
//! * Every object is put with a COMPLIANCE lock of its own and a SHA-256 checksum.
//! * A name is created once: with `If-None-Match: *`, and since not all servers heed that, the
//!   versions of the name are listed afterwards. The oldest version is the object, whoever wrote
//!   it; a later one is a shadow that no reader of ours takes, unless the name
//!   [changes](Name::changes).
//! * Reads go by version, since a lock protects versions and not names.
//!
//! Data goes through `object_store`; what that does not know (locks, versions) are requests of our
//! own, signed with its authorizer and sent with its HTTP client. Calls may come from any thread;
//! the requests run on a thread of the archive's.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use lru::LruCache;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::client::HttpConnector as _;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ClientOptions, GetOptions, ObjectStore, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, RetryConfig,
};
use record::Timestamp;

use crate::{
    Archive, ArchiveError, Check, Lock, LockState, Name, Staged, Stored, Sum, Summing, Version,
};

use crate::sum::SummedFile;

mod check;
mod connector;
mod io_thread;
mod probe;
mod requests;
mod url;
mod xml;

pub use url::S3Url;

use connector::{LockHeaders, LockingConnector};
use io_thread::IoThread;
use requests::Requests;

/// Objects above this are uploaded in pieces of this size.
const PIECE: usize = 8 << 20;
/// Names whose version is remembered.
const KNOWN: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// How a bucket is used. Endpoint, region and credentials come from the usual `AWS_` environment,
/// unless they are given.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// Bucket and prefix.
    pub url: S3Url,
    /// A local folder for objects in the making; `None` for a reader.
    pub spool: Option<PathBuf>,
    /// Accept a bucket without Object Lock.
    pub allow_unlocked: bool,
    /// The storage class of cold objects (`GLACIER_IR`, …); `None` for the bucket's own.
    pub cold_class: Option<String>,
    /// Instead of the environment.
    pub access: Option<S3Access>,
}

/// Where a server is and how to sign in.
#[derive(Clone)]
pub struct S3Access {
    /// `http://127.0.0.1:9000`.
    pub endpoint: String,
    /// `us-east-1`.
    pub region: String,
    /// Access key id.
    pub key: String,
    /// Secret access key.
    pub secret: String,
}

impl std::fmt::Debug for S3Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Access").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// An archive in a bucket.
pub struct S3Archive {
    config: S3Config,
    store: AmazonS3,
    requests: Requests,
    io: IoThread,
    /// Versions of names that do not change.
    known: Mutex<LruCache<Name, Version>>,
    /// What the bucket is, once it was asked.
    bucket: OnceLock<check::Bucket>,
}

impl S3Archive {
    /// Prepares the client; nothing is sent yet.
    pub fn new(config: S3Config) -> Result<Self, ArchiveError> {
        let refused =
            |reason: String| ArchiveError::Refused { what: config.url.to_string(), reason };
        let builder = match &config.access {
            None => AmazonS3Builder::from_env(),
            Some(access) => AmazonS3Builder::new()
                .with_access_key_id(&access.key)
                .with_secret_access_key(&access.secret)
                .with_endpoint(&access.endpoint)
                .with_region(&access.region),
        };
        let region = builder
            .get_config_value(&AmazonS3ConfigKey::Region)
            .filter(|region| !region.trim().is_empty())
            .unwrap_or_else(|| "us-east-1".to_owned());
        let given = |text: &String| !text.trim().is_empty();
        let endpoint = builder
            .get_config_value(&AmazonS3ConfigKey::Endpoint)
            .filter(given)
            .or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(given))
            .or_else(|| std::env::var("AWS_ENDPOINT_URL").ok().filter(given))
            .unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        if !is_address(&endpoint) {
            return Err(refused(format!(
                "the endpoint {endpoint:?} is no address such as https://s3.example.com; set \
                 AWS_ENDPOINT_URL, or unset it for AWS"
            )));
        }
        let plain_http = endpoint.starts_with("http://");
        let options = ClientOptions::new()
            .with_allow_http(plain_http)
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout(Duration::from_secs(30));
        let builder = builder
            .with_bucket_name(&config.url.bucket)
            .with_region(&region)
            .with_endpoint(&endpoint)
            .with_allow_http(plain_http)
            .with_virtual_hosted_style_request(false)
            .with_client_options(options.clone())
            .with_checksum_algorithm(Checksum::SHA256)
            .with_retry(RetryConfig {
                max_retries: 2,
                retry_timeout: Duration::from_secs(20),
                ..RetryConfig::default()
            });
        let plain = builder.clone().build().map_err(|error| refused(error.to_string()))?;
        let credentials = Arc::clone(plain.credentials());
        let connector =
            LockingConnector { region: region.clone(), credentials: Arc::clone(&credentials) };
        let http = connector.connect(&options).map_err(|error| refused(error.to_string()))?;
        let store = builder
            .with_credentials(Arc::clone(&credentials))
            .with_http_connector(connector)
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let base = format!("{endpoint}/{}", config.url.bucket);
        let requests = Requests { http, credentials, region, base };
        let io = IoThread::start().map_err(ArchiveError::unavailable("start", &config.url))?;
        Ok(Self {
            config,
            store,
            requests,
            io,
            known: Mutex::new(LruCache::new(KNOWN)),
            bucket: OnceLock::new(),
        })
    }

    fn key(&self, name: &Name) -> String {
        self.config.url.key(name.as_str())
    }

    fn path(&self, name: &Name) -> Result<Path, ArchiveError> {
        Path::parse(self.key(name)).map_err(|_| ArchiveError::BadName(name.to_string()))
    }

    fn known(&self, name: &Name) -> Option<Version> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn remember(&self, name: &Name, version: &Version) {
        if !name.changes() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.put(name.clone(), version.clone());
        }
    }

    /// The versions of one name, the oldest first.
    async fn versions_of(&self, name: &Name) -> Result<Vec<Stored>, ArchiveError> {
        let all = self.requests.versions_of(&self.key(name), &self.config.url).await;
        let all = all.map_err(ArchiveError::unavailable("list the versions of", name))?;
        Ok(all.into_iter().filter(|stored| stored.name == *name).collect())
    }

    /// The version that is the object.
    async fn version(&self, name: &Name) -> Result<Option<Version>, ArchiveError> {
        if let Some(version) = self.known(name) {
            return Ok(Some(version));
        }
        let mut real = self.versions_of(name).await?;
        real.retain(|stored| !stored.marker);
        let chosen = if name.changes() { real.pop() } else { real.into_iter().next() };
        Ok(chosen.map(|stored| {
            self.remember(name, &stored.version);
            stored.version
        }))
    }

    async fn read(&self, name: &Name, version: &Version) -> Result<Option<Bytes>, ArchiveError> {
        let options = GetOptions { version: Some(version.0.clone()), ..GetOptions::default() };
        let got = match self.store.get_opts(&self.path(name)?, options).await {
            Ok(got) => got.bytes().await,
            Err(error) => Err(error),
        };
        match got {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable("read", name, error)),
        }
    }

    /// The lock headers: never shorter than the bucket's default, and none for a bucket that was
    /// allowed to have no locks: it would refuse them.
    fn lock_headers(&self, lock: Lock) -> LockHeaders {
        if !self.locks() {
            return LockHeaders { until: None };
        }
        let default = self.bucket.get().and_then(check::Bucket::default_until);
        LockHeaders { until: lock.until.max(default.filter(|_| lock.until.is_some())) }
    }

    fn attributes(&self, lock: Lock) -> Attributes {
        match &self.config.cold_class {
            Some(class) if lock.cold => {
                Attributes::from_iter([(Attribute::StorageClass, class.clone())])
            }
            _ => Attributes::new(),
        }
    }

    /// Settles who created a name: the oldest version is the object. A crash before this leaves an
    /// object that the next attempt finds and compares.
    async fn settle(
        &self,
        name: &Name,
        mine: Option<&Version>,
        sum: impl Fn() -> Sum,
    ) -> Result<Option<Version>, ArchiveError> {
        let stored = self.versions_of(name).await?;
        let Some(first) = stored.into_iter().find(|stored| !stored.marker) else {
            return Err(unavailable("find", name, "it was put, and is not listed"));
        };
        if mine != Some(&first.version) {
            let there = self.sum_of(name, &first.version).await?;
            if there != Some(sum()) {
                return Err(ArchiveError::Conflict(name.clone()));
            }
        }
        self.remember(name, &first.version);
        Ok(Some(first.version))
    }

    async fn sum_of(&self, name: &Name, version: &Version) -> Result<Option<Sum>, ArchiveError> {
        let options = GetOptions { version: Some(version.0.clone()), ..GetOptions::default() };
        let got = match self.store.get_opts(&self.path(name)?, options).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable("read", name, error)),
        };
        let mut stream = got.into_stream();
        let mut summing = Summing::default();
        loop {
            match stream.try_next().await {
                Ok(Some(bytes)) => summing.update(&bytes),
                Ok(None) => return Ok(Some(summing.finish())),
                Err(error) => return Err(unavailable("read", name, error)),
            }
        }
    }

    async fn put_once(
        &self,
        name: &Name,
        bytes: Bytes,
        lock: Lock,
    ) -> Result<Option<Version>, ArchiveError> {
        let sum = || sum_of_bytes(&bytes);
        let attributes = self.attributes(lock);
        let mut options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
        options.extensions.insert(self.lock_headers(lock));
        let path = self.path(name)?;
        match self.store.put_opts(&path, PutPayload::from(bytes.clone()), options).await {
            Ok(put) => self.settle(name, put.version.map(Version).as_ref(), sum).await,
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => self.settle(name, None, sum).await,
            Err(error) => Err(unavailable("put", name, error)),
        }
    }

    /// Uploads a spooled file in pieces.
    async fn put_pieces(
        &self,
        name: &Name,
        mut file: File,
        sum: Sum,
        lock: Lock,
    ) -> Result<Option<Version>, ArchiveError> {
        // A repeated upload costs a listing less than it costs to send it all again.
        if self.versions_of(name).await?.iter().any(|stored| !stored.marker) {
            return self.settle(name, None, || sum).await;
        }
        let mut options = PutMultipartOptions {
            attributes: self.attributes(lock),
            ..PutMultipartOptions::default()
        };
        options.extensions.insert(self.lock_headers(lock));
        let path = self.path(name)?;
        let mut upload = self
            .store
            .put_multipart_opts(&path, options)
            .await
            .map_err(|error| unavailable("put", name, error))?;
        let mut left = sum.bytes;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let mut bytes = vec![0; piece];
            let sent = match file.read_exact(&mut bytes) {
                Ok(()) => upload.put_part(PutPayload::from(bytes)).await.map_err(|e| e.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = sent {
                // Pieces that stay are no object; a lifecycle rule of the bucket clears them.
                if let Err(abort) = upload.abort().await {
                    tracing::debug!(%name, error = %abort, "an upload was not ended");
                }
                return Err(unavailable("put", name, error));
            }
            left -= u64::try_from(piece).unwrap_or(left);
        }
        let put = upload.complete().await.map_err(|error| unavailable("put", name, error))?;
        self.settle(name, put.version.map(Version).as_ref(), || sum).await
    }

    async fn replace_one(&self, name: &Name, bytes: Bytes, lock: Lock) -> Result<(), ArchiveError> {
        let mut options = PutOptions { mode: PutMode::Overwrite, ..PutOptions::default() };
        options.extensions.insert(self.lock_headers(lock));
        let path = self.path(name)?;
        let put = self.store.put_opts(&path, PutPayload::from(bytes), options).await;
        put.map(drop).map_err(|error| unavailable("replace", name, error))
    }

    /// What the bucket is, asked once; every write waits for it, so nothing is ever put unlocked
    /// into a bucket that was away at the start.
    async fn checked(&self) -> Result<(), ArchiveError> {
        if self.bucket.get().is_none() {
            let bucket = check::bucket(&self.requests, &self.config).await?;
            let _already = self.bucket.set(bucket);
        }
        Ok(())
    }
}

impl Archive for S3Archive {
    fn put_all(
        &self,
        objects: &[(Name, &[u8])],
        lock: Lock,
    ) -> Result<Vec<Option<Version>>, ArchiveError> {
        self.io.run(async {
            self.checked().await?;
            let puts = objects
                .iter()
                .map(|(name, bytes)| self.put_once(name, Bytes::copy_from_slice(bytes), lock));
            futures_util::future::try_join_all(puts).await
        })
    }

    fn stage(&self) -> Result<Box<dyn Staged + '_>, ArchiveError> {
        let Some(folder) = &self.config.spool else {
            return Err(ArchiveError::Refused {
                what: self.location(),
                reason: "it was opened for reading".to_owned(),
            });
        };
        let file = crate::durable::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder))
            .map_err(ArchiveError::unavailable("create a file in", folder.display()))?;
        Ok(Box::new(S3Staged { archive: self, file: SummedFile::new(file) }))
    }

    fn sum(&self, name: &Name) -> Result<Option<Sum>, ArchiveError> {
        self.io.run(async {
            match self.version(name).await? {
                Some(version) => self.sum_of(name, &version).await,
                None => Ok(None),
            }
        })
    }

    fn replace(&self, name: &Name, bytes: &[u8], lock: Lock) -> Result<(), ArchiveError> {
        self.io.run(async {
            self.checked().await?;
            self.replace_one(name, Bytes::copy_from_slice(bytes), lock).await
        })
    }

    fn get(&self, name: &Name) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.io.run(async {
            if name.changes() {
                // The latest has no need of a listing, unless a delete marker hides it.
                match self.store.get_opts(&self.path(name)?, GetOptions::default()).await {
                    Ok(got) => {
                        let bytes = got.bytes().await.map_err(|e| unavailable("read", name, e))?;
                        return Ok(Some(bytes.into()));
                    }
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(unavailable("read", name, error)),
                }
            }
            let Some(version) = self.version(name).await? else { return Ok(None) };
            Ok(self.read(name, &version).await?.map(Vec::from))
        })
    }

    fn list(&self, prefix: &str) -> Result<Vec<Name>, ArchiveError> {
        let mut names = Vec::new();
        for stored in self.versions(prefix)?.unwrap_or_default() {
            if !stored.marker && names.last() != Some(&stored.name) {
                names.push(stored.name);
            }
        }
        Ok(names)
    }

    fn remove_superseded(&self, _: &Name) -> Result<(), ArchiveError> {
        // Every version is locked; it goes when somebody clears what is past its lock.
        Ok(())
    }

    fn remove(&self, name: &Name) -> Result<(), ArchiveError> {
        self.io.run(async {
            let versions = self.versions_of(name).await?;
            for stored in &versions {
                let key = self.key(name);
                let reply = self.requests.delete(&key, &stored.version, false).await;
                let reply = reply.map_err(ArchiveError::unavailable("remove", name))?;
                match reply.status.as_u16() {
                    200..=299 | 404 => {}
                    403 => return Err(ArchiveError::Locked(name.clone())),
                    _ => return Err(unavailable("remove", name, reply.describe())),
                }
            }
            self.known.lock().unwrap_or_else(PoisonError::into_inner).pop(name);
            Ok(())
        })
    }

    fn location(&self) -> String {
        self.config.url.to_string()
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn locks(&self) -> bool {
        self.bucket.get().is_some_and(|bucket| bucket.locks)
    }

    fn check(&self, now: Timestamp) -> Result<(), ArchiveError> {
        self.io.run(async {
            let bucket = check::bucket(&self.requests, &self.config).await?;
            bucket.check_clock(now, &self.location())?;
            let _already = self.bucket.set(bucket);
            Ok(())
        })
    }

    fn versions(&self, prefix: &str) -> Result<Option<Vec<Stored>>, ArchiveError> {
        self.io.run(async {
            let prefix_key = self.config.url.key(prefix);
            let listed = self.requests.versions(&prefix_key, &self.config.url).await;
            let remember = |stored: &Vec<Stored>| {
                for versions in stored.chunk_by(|a, b| a.name == b.name) {
                    if let Some(first) = versions.iter().find(|stored| !stored.marker) {
                        self.remember(&first.name, &first.version);
                    }
                }
            };
            listed.inspect(remember).map(Some).map_err(ArchiveError::unavailable("list", prefix))
        })
    }

    fn get_version(&self, name: &Name, version: &Version) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.io.run(async { Ok(self.read(name, version).await?.map(Vec::from)) })
    }

    fn lock_of(&self, name: &Name, version: &Version) -> Result<LockState, ArchiveError> {
        self.io.run(async {
            let state = self.requests.lock_of(&self.key(name), version).await;
            state.map_err(ArchiveError::unavailable("read the lock of", name))
        })
    }

    fn extend_lock(&self, name: &Name, lock: Lock) -> Result<(), ArchiveError> {
        let Some(until) = lock.until else { return Ok(()) };
        self.io.run(async {
            self.checked().await?;
            if !self.locks() {
                return Ok(());
            }
            let Some(version) = self.version(name).await? else { return Ok(()) };
            let reply = self
                .requests
                .set_retention(&self.key(name), &version, "COMPLIANCE", until, false)
                .await
                .map_err(ArchiveError::unavailable("lock", name))?;
            if reply.status.is_success() {
                Ok(())
            } else {
                Err(unavailable("lock", name, reply.describe()))
            }
        })
    }

    fn probe(&self, now: Timestamp) -> Result<Option<Vec<Check>>, ArchiveError> {
        self.io.run(async {
            self.checked().await?;
            if !self.locks() {
                return Ok(None);
            }
            probe::probe(self, now).await.map(Some)
        })
    }
}

/// An object on its way, in a file without a name.
struct S3Staged<'a> {
    archive: &'a S3Archive,
    file: SummedFile,
}

impl Write for S3Staged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged for S3Staged<'_> {
    fn put(
        self: Box<Self>,
        name: &Name,
        lock: Lock,
    ) -> Result<(Sum, Option<Version>), ArchiveError> {
        let Self { archive, file } = *self;
        let (mut file, sum) = file.finish();
        let again = ArchiveError::unavailable("read again", name);
        file.rewind().map_err(again)?;
        let small = sum.bytes <= u64::try_from(PIECE).unwrap_or(0);
        let version = if small {
            let mut bytes = Vec::new();
            let again = ArchiveError::unavailable("read again", name);
            file.read_to_end(&mut bytes).map_err(again)?;
            archive.put_all(&[(name.clone(), &bytes)], lock)?.pop().flatten()
        } else {
            archive.io.run(async {
                archive.checked().await?;
                archive.put_pieces(name, file, sum, lock).await
            })?
        };
        Ok((sum, version))
    }
}

/// Whether a text can be the beginning of a request's address.
fn is_address(endpoint: &str) -> bool {
    endpoint.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    })
}

fn sum_of_bytes(bytes: &[u8]) -> Sum {
    let mut summing = Summing::default();
    summing.update(bytes);
    summing.finish()
}

#[expect(clippy::needless_pass_by_value, reason = "errors and texts are given up here")]
fn unavailable(action: &'static str, name: &Name, error: impl ToString) -> ArchiveError {
    ArchiveError::unavailable(action, name)(io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests;
