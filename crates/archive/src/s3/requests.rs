//! Requests that `object_store` does not know: versions, locks, and what a probe tries.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpRequestBody};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use record::Timestamp;
use sha2::{Digest as _, Sha256};

use super::connector::rfc3339_seconds;
use super::url::S3Url;
use super::xml;
use crate::{LockState, Stored, Version};

/// RFC 3986 unreserved characters and the slash stay as they are.
const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const QUERY: &AsciiSet = &KEY.add(b'/');
const ATTEMPTS: u32 = 3;
/// These requests are small and so are their answers: a server that takes longer is away. A start
/// waits for some of them, and calls wait for the start.
const PATIENCE: Duration = Duration::from_secs(15);
/// No attempt begins after this.
const AGAIN_WITHIN: Duration = Duration::from_secs(5);

/// Signs and sends.
pub(super) struct Requests {
    pub(super) http: HttpClient,
    pub(super) credentials: AwsCredentialProvider,
    pub(super) region: String,
    /// Endpoint and bucket.
    pub(super) base: String,
}

/// What a server answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What to ask.
#[derive(Default)]
pub(super) struct Ask<'a> {
    pub(super) key: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Status and the server's words, for people.
    pub(super) fn describe(&self) -> String {
        let refusal: xml::Refusal = xml::read(&self.body).unwrap_or_default();
        let words = [refusal.code.as_str(), refusal.message.as_str()].join(" ");
        format!("{} {}", self.status.as_u16(), words.trim()).trim().to_owned()
    }

    pub(super) fn code(&self) -> String {
        xml::read::<xml::Refusal>(&self.body).unwrap_or_default().code
    }

    /// The body when it was a success, else an error of the server's words.
    pub(super) fn success(self) -> io::Result<Bytes> {
        if self.status.is_success() {
            Ok(self.body)
        } else {
            Err(io::Error::other(self.describe()))
        }
    }
}

impl Requests {
    /// Sends, and again when the server has no time or is not there.
    pub(super) async fn send(&self, method: Method, ask: Ask<'_>) -> io::Result<Reply> {
        let mut wait = Duration::from_millis(100);
        let begun = tokio::time::Instant::now();
        for attempt in 1.. {
            let sent = tokio::time::timeout(PATIENCE, self.send_once(&method, &ask)).await;
            let sent = sent.unwrap_or_else(|_| {
                let text = format!("{} did not answer in {} s", self.base, PATIENCE.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            });
            let again = match &sent {
                Ok(reply) => reply.status.is_server_error() || reply.status.as_u16() == 429,
                Err(_) => true,
            };
            // A server that takes its time is not asked twice: the caller tries again later.
            if !again || attempt == ATTEMPTS || begun.elapsed() > AGAIN_WITHIN {
                return sent;
            }
            tokio::time::sleep(wait).await;
            wait *= 3;
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    async fn send_once(&self, method: &Method, ask: &Ask<'_>) -> io::Result<Reply> {
        let mut uri = self.base.clone();
        if !ask.key.is_empty() {
            uri.push('/');
            uri.extend(utf8_percent_encode(ask.key, KEY));
        }
        for (i, (name, value)) in ask.query.iter().enumerate() {
            uri.push(if i == 0 { '?' } else { '&' });
            uri.push_str(name);
            uri.push('=');
            uri.extend(utf8_percent_encode(value, QUERY));
        }
        let digest: [u8; 32] = Sha256::digest(&ask.body).into();
        let mut request = http::Request::builder()
            .method(method.clone())
            .uri(uri)
            .body(HttpRequestBody::from(ask.body.clone()))
            .map_err(io::Error::other)?;
        let headers = request.headers_mut();
        if !ask.body.is_empty() {
            let checksum = STANDARD.encode(digest);
            let checksum = HeaderValue::from_str(&checksum).map_err(io::Error::other)?;
            headers.insert("x-amz-checksum-sha256", checksum);
            headers.insert("x-amz-sdk-checksum-algorithm", HeaderValue::from_static("SHA256"));
        }
        for (name, value) in ask.headers {
            let value = HeaderValue::from_str(value).map_err(io::Error::other)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let credential = self.credentials.get_credential().await.map_err(io::Error::other)?;
        AwsAuthorizer::new(&credential, "s3", &self.region).authorize(&mut request, Some(&digest));
        let response = self.http.execute(request).await.map_err(|error| self.failed(&error))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| self.failed(&error))?.to_bytes();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// Which server did not answer, and the cause, which the outermost error does not tell.
    fn failed(&self, error: &dyn std::error::Error) -> io::Error {
        let mut cause = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        io::Error::other(format!("{}: {cause}", self.base))
    }

    /// All versions of keys that begin so; those of a name together, the oldest first, delete
    /// markers last.
    pub(super) async fn versions(&self, prefix: &str, url: &S3Url) -> io::Result<Vec<Stored>> {
        self.list_versions(prefix, url, false).await
    }

    /// The versions of one key, the oldest first, delete markers last. A key comes before those that
    /// begin with it, so the listing ends where it does.
    pub(super) async fn versions_of(&self, key: &str, url: &S3Url) -> io::Result<Vec<Stored>> {
        self.list_versions(key, url, true).await
    }

    async fn list_versions(
        &self,
        prefix: &str,
        url: &S3Url,
        exact: bool,
    ) -> io::Result<Vec<Stored>> {
        let mut versions = Vec::new();
        let mut markers = Vec::new();
        let (mut key_marker, mut version_marker) = (String::new(), String::new());
        loop {
            let mut query = vec![("versions", ""), ("prefix", prefix)];
            if exact {
                query.push(("max-keys", "20"));
            }
            if !key_marker.is_empty() {
                query.push(("key-marker", &key_marker));
            }
            if !version_marker.is_empty() {
                query.push(("version-id-marker", &version_marker));
            }
            query.sort_unstable();
            let reply = self.send(Method::GET, Ask { query: &query, ..Ask::default() }).await?;
            let body = reply.success()?;
            let page: xml::Versions = xml::read(&body)
                .ok_or_else(|| io::Error::other("the list of versions cannot be read"))?;
            let past = |listed: &xml::Listed| listed.key != prefix;
            let past = exact && page.version.iter().chain(&page.delete_marker).any(past);
            versions.extend(page.version);
            markers.extend(page.delete_marker);
            let next = (
                page.next_key_marker.unwrap_or_default(),
                page.next_version_id_marker.unwrap_or_default(),
            );
            let stuck = next == (key_marker.clone(), version_marker.clone());
            if past || !page.is_truncated || next.0.is_empty() || stuck {
                break;
            }
            (key_marker, version_marker) = next;
        }
        // A listing gives the newest version of a key first; times may be of whole seconds.
        versions.reverse();
        versions.sort_by(|a, b| (&a.key, &a.last_modified).cmp(&(&b.key, &b.last_modified)));
        let stored = |listed: xml::Listed, marker| {
            Some(Stored {
                name: url.name(&listed.key)?,
                version: Version(listed.version_id),
                latest: listed.is_latest,
                marker,
                bytes: listed.size,
            })
        };
        let mut all: Vec<Stored> = versions.into_iter().filter_map(|v| stored(v, false)).collect();
        all.extend(markers.into_iter().filter_map(|m| stored(m, true)));
        all.sort_by(|a, b| (&a.name, a.marker).cmp(&(&b.name, b.marker)));
        Ok(all)
    }

    /// The lock of a version: from the object's head, which says all of it at once, and where that
    /// is silent from the requests that S3 has for it.
    pub(super) async fn lock_of(&self, key: &str, version: &Version) -> io::Result<LockState> {
        let query = [("versionId", version.0.as_str())];
        let reply = self.send(Method::HEAD, Ask { key, query: &query, ..Ask::default() }).await?;
        let header = |name: &str| Some(reply.headers.get(name)?.to_str().ok()?.to_owned());
        let mut state = LockState {
            mode: header("x-amz-object-lock-mode"),
            until: header("x-amz-object-lock-retain-until-date").and_then(|t| timestamp(&t)),
            legal_hold: header("x-amz-object-lock-legal-hold").is_some_and(|hold| hold == "ON"),
        };
        if state.mode.is_some() && state.until.is_some() {
            return Ok(state);
        }
        let query = [("retention", ""), ("versionId", version.0.as_str())];
        let reply = self.send(Method::GET, Ask { key, query: &query, ..Ask::default() }).await?;
        if reply.status.is_success() {
            let retention: xml::Retention = xml::read(&reply.body)
                .ok_or_else(|| io::Error::other("the retention cannot be read"))?;
            state.until = timestamp(&retention.retain_until_date);
            state.mode = Some(retention.mode).filter(|mode| !mode.is_empty());
        } else if !says_that_there_is_none(&reply) {
            return Err(io::Error::other(reply.describe()));
        }
        Ok(state)
    }

    /// Sets a version's lock.
    pub(super) async fn set_retention(
        &self,
        key: &str,
        version: &Version,
        mode: &str,
        until: Timestamp,
        bypass: bool,
    ) -> io::Result<Reply> {
        let until = rfc3339_seconds(until);
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{mode}</Mode>\
             <RetainUntilDate>{until}</RetainUntilDate></Retention>"
        );
        let query = [("retention", ""), ("versionId", version.0.as_str())];
        let headers = bypass_header(bypass);
        self.send(Method::PUT, Ask { key, query: &query, headers, body: body.into_bytes() }).await
    }

    /// Deletes one version.
    pub(super) async fn delete(
        &self,
        key: &str,
        version: &Version,
        bypass: bool,
    ) -> io::Result<Reply> {
        let query = [("versionId", version.0.as_str())];
        let headers = bypass_header(bypass);
        self.send(Method::DELETE, Ask { key, query: &query, headers, ..Ask::default() }).await
    }
}

fn bypass_header(bypass: bool) -> &'static [(&'static str, &'static str)] {
    if bypass { &[("x-amz-bypass-governance-retention", "true")] } else { &[] }
}

/// An object without a lock, or a bucket without locks.
fn says_that_there_is_none(reply: &Reply) -> bool {
    let code = reply.code();
    matches!(
        code.as_str(),
        "NoSuchObjectLockConfiguration"
            | "ObjectLockConfigurationNotFoundError"
            | "InvalidRequest"
            | "NotImplemented"
    )
}

/// Reads RFC 3339.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_microsecond()))
}

/// Reads the `Date` of an answer.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp(time.as_microsecond()))
}
