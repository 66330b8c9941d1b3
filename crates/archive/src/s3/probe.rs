//! Tries to break a lock in every way that S3 has. Locks are a claim of the server, and servers
//! differ.

use bytes::Bytes;
use http::Method;
use record::Timestamp;

use super::requests::{Ask, Reply};
use super::{S3Archive, connector::rfc3339_seconds, xml};
use crate::{ArchiveError, Check, Lock, LockState, Name, Outcome, Version};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// A locked object of no worth, and what its lock must stay.
struct Canary<'a> {
    archive: &'a S3Archive,
    name: Name,
    key: String,
    version: Version,
    bytes: Bytes,
    lock: LockState,
}

/// Puts a canary, locked for a day, and attacks it. Canaries whose day is over are removed.
pub(super) async fn probe(archive: &S3Archive, now: Timestamp) -> Result<Vec<Check>, ArchiveError> {
    clear(archive).await;
    let canary = Canary::put(archive, now).await?;
    let mut checks = Vec::new();
    let until = now.plus_us(HOUR_US);
    let (key, version) = (canary.key.as_str(), &canary.version);
    let requests = &archive.requests;
    let tried = "delete by version";
    checks.push(canary.check(tried, requests.delete(key, version, false).await).await);
    let tried = "delete by version, bypassing governance";
    checks.push(canary.check(tried, requests.delete(key, version, true).await).await);
    checks.push(canary.check("delete many", canary.delete_many().await).await);
    checks.push(canary.check("overwrite", canary.overwrite().await).await);
    let plain = requests.send(Method::DELETE, Ask { key, ..Ask::default() }).await;
    checks.push(canary.check("delete without a version", plain).await);
    let shorter = requests.set_retention(key, version, "COMPLIANCE", until, false).await;
    checks.push(canary.check("shorten", shorter).await);
    let bypassed = requests.set_retention(key, version, "COMPLIANCE", until, true).await;
    checks.push(canary.check("shorten, bypassing governance", bypassed).await);
    let same = now.plus_us(DAY_US);
    let downgraded = requests.set_retention(key, version, "GOVERNANCE", same, true).await;
    checks.push(canary.check("downgrade to governance", downgraded).await);
    checks.push(canary.check("remove the lock", canary.remove_lock().await).await);
    checks.push(suspend_versioning(&canary).await);
    canary.tidy().await;
    Ok(checks)
}

impl<'a> Canary<'a> {
    async fn put(archive: &'a S3Archive, now: Timestamp) -> Result<Self, ArchiveError> {
        let bytes = Bytes::from(format!("a canary of {}\n", rfc3339_seconds(now)));
        let name = Name::new(format!("probe/{}", now.0))?;
        let lock = Lock::until(now.plus_us(DAY_US));
        let version = archive.put_once(&name, bytes.clone(), lock).await?;
        let version = version.unwrap_or_else(|| Version("null".to_owned()));
        let key = archive.key(&name);
        let lock = archive.requests.lock_of(&key, &version).await;
        let lock = lock.map_err(ArchiveError::unavailable("read the lock of", &name))?;
        Ok(Self { archive, name, key, version, bytes, lock })
    }

    /// Whatever was answered: is the version there, with its bytes and its lock?
    async fn check(&self, attempt: &str, reply: std::io::Result<Reply>) -> Check {
        let answer = match &reply {
            Ok(reply) => reply.describe(),
            Err(error) => error.to_string(),
        };
        let unknown = reply.as_ref().is_ok_and(|reply| {
            matches!(reply.status.as_u16(), 405 | 501) || reply.code() == "NotImplemented"
        });
        let bytes = self.archive.read(&self.name, &self.version).await;
        let lock = self.archive.requests.lock_of(&self.key, &self.version).await;
        let (outcome, found) = match (bytes, lock) {
            (Ok(None), _) => (Outcome::Broken, "the object is gone"),
            (Ok(Some(bytes)), _) if bytes != self.bytes => {
                (Outcome::Broken, "the object holds other bytes")
            }
            (_, Ok(lock)) if lock.mode.as_deref() != Some("COMPLIANCE") => {
                (Outcome::Broken, "the lock is gone or of another mode")
            }
            (_, Ok(lock)) if lock.until < self.lock.until => {
                (Outcome::Broken, "the lock ends earlier")
            }
            (Err(_), _) | (_, Err(_)) => (Outcome::Unknown, "the object could not be read back"),
            _ if unknown => (Outcome::Unknown, "the storage does not know this request"),
            _ => (Outcome::Held, "the object is as it was"),
        };
        Check { attempt: attempt.to_owned(), outcome, answer: format!("{answer}; {found}") }
    }

    /// Removes what the attempts left over the canary: a shadow and a delete marker, both without a
    /// lock.
    async fn tidy(&self) {
        let archive = self.archive;
        let Ok(versions) = archive.versions_of(&self.name).await else { return };
        for stored in versions.iter().filter(|stored| stored.version != self.version) {
            if let Err(error) = archive.requests.delete(&self.key, &stored.version, false).await {
                tracing::debug!(%error, name = %self.name, "a shadow of the canary stays");
            }
        }
    }

    async fn delete_many(&self) -> std::io::Result<Reply> {
        let body = format!(
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>{}</Key>\
             <VersionId>{}</VersionId></Object></Delete>",
            xml::escape(&self.key),
            xml::escape(&self.version.0)
        );
        let query = [("delete", "")];
        let ask = Ask { query: &query, body: body.into_bytes(), ..Ask::default() };
        self.archive.requests.send(Method::POST, ask).await
    }

    async fn overwrite(&self) -> std::io::Result<Reply> {
        let ask = Ask { key: &self.key, body: b"overwritten".to_vec(), ..Ask::default() };
        self.archive.requests.send(Method::PUT, ask).await
    }

    async fn remove_lock(&self) -> std::io::Result<Reply> {
        let query = [("retention", ""), ("versionId", self.version.0.as_str())];
        let body = b"<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>".to_vec();
        let headers = &[("x-amz-bypass-governance-retention", "true")];
        let ask = Ask { key: &self.key, query: &query, headers, body };
        self.archive.requests.send(Method::PUT, ask).await
    }
}

/// A bucket with locks must refuse to stop keeping versions.
async fn suspend_versioning(canary: &Canary<'_>) -> Check {
    let query = [("versioning", "")];
    let set = |status: &str| Ask {
        query: &query,
        body: format!(
            "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Status>{status}</Status></VersioningConfiguration>"
        )
        .into_bytes(),
        ..Ask::default()
    };
    let requests = &canary.archive.requests;
    let reply = requests.send(Method::PUT, set("Suspended")).await;
    let mut check = canary.check("suspend versioning", reply).await;
    let now = requests.send(Method::GET, Ask { query: &query, ..Ask::default() }).await;
    let status = now.ok().and_then(|reply| xml::read::<xml::Versioning>(&reply.body));
    if status.is_some_and(|versioning| versioning.status == "Suspended") {
        check.outcome = Outcome::Broken;
        check.answer.push_str("; versioning was suspended");
        if let Err(error) = requests.send(Method::PUT, set("Enabled")).await {
            let failed = format!(", and switching it on again failed: {error}");
            check.answer.push_str(&failed);
        }
    }
    check
}

/// Removes canaries whose lock has ended; those that are locked refuse.
async fn clear(archive: &S3Archive) {
    let prefix = archive.config.url.key("probe/");
    let Ok(old) = archive.requests.versions(&prefix, &archive.config.url).await else { return };
    for stored in old {
        let key = archive.key(&stored.name);
        let gone = archive.requests.delete(&key, &stored.version, false).await;
        if let Err(error) = gone {
            tracing::debug!(%error, name = %stored.name, "an old canary stays");
        }
    }
}
