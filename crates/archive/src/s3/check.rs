//! What a bucket is: whether it keeps versions and locks, and how long by itself.

use http::Method;
use record::Timestamp;

use super::requests::{Ask, Reply, Requests, date};
use super::{S3Config, xml};
use crate::ArchiveError;

const DAY_US: i64 = 86_400_000_000;
/// Locks are dates: a clock that is further off makes them wrong, and S3 refuses signatures that are
/// 15 minutes old.
const SKEW_US: u64 = 300_000_000;

/// A bucket that was asked.
pub(super) struct Bucket {
    pub(super) locks: bool,
    /// Of the default retention.
    default_days: i64,
    /// The server's time when it answered, and ours is compared with it once.
    date: Option<Timestamp>,
    seen: std::time::Instant,
}

impl Bucket {
    /// When an object that is put now is locked until by the bucket itself.
    pub(super) fn default_until(&self) -> Option<Timestamp> {
        let elapsed = i64::try_from(self.seen.elapsed().as_micros()).unwrap_or(0);
        let now = self.date?.plus_us(elapsed);
        (self.default_days > 0).then(|| now.plus_us(self.default_days.saturating_mul(DAY_US)))
    }

    /// Refuses a clock that is not the server's.
    pub(super) fn check_clock(&self, now: Timestamp, what: &str) -> Result<(), ArchiveError> {
        let Some(date) = self.date else { return Ok(()) };
        let apart = now.since_us(date).max(date.since_us(now));
        if apart <= SKEW_US {
            return Ok(());
        }
        Err(ArchiveError::Refused {
            what: what.to_owned(),
            reason: format!(
                "the clock here says {now} and the bucket's server {date}: locks would end at \
                 wrong times; set the clock (NTP)"
            ),
        })
    }
}

/// Asks the bucket.
pub(super) async fn bucket(requests: &Requests, config: &S3Config) -> Result<Bucket, ArchiveError> {
    let what = config.url.to_string();
    let versioning = get(requests, &what, "versioning").await?;
    let date = date(&versioning.headers);
    definite(&versioning, &what)?;
    let status = xml::read::<xml::Versioning>(&versioning.body).unwrap_or_default().status;
    let locking = get(requests, &what, "object-lock").await?;
    if !locking.status.is_server_error() && !is_without_locks(&locking) {
        definite(&locking, &what)?;
    }
    let lock: xml::ObjectLock = xml::read(&locking.body).unwrap_or_default();
    let locks =
        locking.status.is_success() && lock.object_lock_enabled == "Enabled" && status == "Enabled";
    if !locks && !config.allow_unlocked {
        return Err(ArchiveError::Refused {
            what,
            reason: "the bucket has no Object Lock, so what is put there can be changed and \
                     deleted; make one with Object Lock (aws s3api create-bucket \
                     --object-lock-enabled-for-bucket), or set allow_unlocked = true"
                .to_owned(),
        });
    }
    let days = lock.rule.default_retention.days.unwrap_or(0);
    let years = lock.rule.default_retention.years.unwrap_or(0);
    let default_days = days.max(years.saturating_mul(366));
    Ok(Bucket { locks, default_days, date, seen: std::time::Instant::now() })
}

async fn get(requests: &Requests, what: &str, query: &str) -> Result<Reply, ArchiveError> {
    let query = [(query, "")];
    let reply = requests.send(Method::GET, Ask { query: &query, ..Ask::default() }).await;
    reply.map_err(ArchiveError::unavailable("reach", what))
}

fn is_without_locks(reply: &Reply) -> bool {
    matches!(
        reply.code().as_str(),
        "ObjectLockConfigurationNotFoundError" | "NotImplemented" | "NoSuchObjectLockConfiguration"
    )
}

/// Tells refusals that last from those that may pass.
fn definite(reply: &Reply, what: &str) -> Result<(), ArchiveError> {
    let refused = |advice: &str| ArchiveError::Refused {
        what: what.to_owned(),
        reason: format!("{}; {advice}", reply.describe()),
    };
    match (reply.status.as_u16(), reply.code().as_str()) {
        (200..=299, _) => Ok(()),
        (_, "NoSuchBucket") | (404, _) => Err(refused("there is no such bucket: check its name")),
        (_, "RequestTimeTooSkewed") => Err(refused("set the clock here (NTP)")),
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed") => {
            Err(refused("the bucket is in another region: set AWS_REGION"))
        }
        (401 | 403, _) => Err(refused(
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do: \
             s3:PutObject, GetObject, GetObjectVersion, ListBucketVersions, \
             PutObjectRetention, GetObjectRetention, GetBucketVersioning, \
             GetBucketObjectLockConfiguration",
        )),
        _ => Err(ArchiveError::unavailable("reach", what)(std::io::Error::other(reply.describe()))),
    }
}
