//! `object_store` has no interface for Object Lock: its requests get the lock's headers here, on
//! their way out, and are signed again.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use object_store::ClientOptions;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use record::Timestamp;

const MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");
const ALGORITHM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Goes with a request, in its extensions, and becomes its lock headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct LockHeaders {
    pub(super) until: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct LockingConnector {
    pub(super) region: String,
    pub(super) credentials: AwsCredentialProvider,
}

impl HttpConnector for LockingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        let (region, credentials) = (self.region.clone(), Arc::clone(&self.credentials));
        Ok(HttpClient::new(LockingService { inner, region, credentials }))
    }
}

#[derive(Debug)]
struct LockingService {
    inner: HttpClient,
    region: String,
    credentials: AwsCredentialProvider,
}

#[async_trait]
impl HttpService for LockingService {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let lock = request.extensions().get::<LockHeaders>().and_then(|lock| lock.until);
        if let Some(until) = lock
            && let Ok(until) = HeaderValue::from_str(&rfc3339_seconds(until))
        {
            let credential = self
                .credentials
                .get_credential()
                .await
                .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
            let headers = request.headers_mut();
            headers.remove(AUTHORIZATION);
            headers.insert(MODE, HeaderValue::from_static("COMPLIANCE"));
            headers.insert(UNTIL, until);
            // A locked object must come with a checksum; some servers ask for its name too.
            if headers.contains_key(CHECKSUM) {
                headers.insert(ALGORITHM, HeaderValue::from_static("SHA256"));
            }
            // The body was hashed for the first signature.
            let digest = headers.get(CONTENT_SHA256).and_then(|hex| from_hex(hex.as_bytes()));
            AwsAuthorizer::new(&credential, "s3", &self.region)
                .authorize(&mut request, digest.as_ref().map(<[u8; 32]>::as_slice));
        }
        self.inner.execute(request).await
    }
}

/// `2026-11-23T12:00:00Z`, rounded up.
pub(super) fn rfc3339_seconds(time: Timestamp) -> String {
    let text = time.plus_us(999_999).to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{seconds}Z")
}

fn from_hex(text: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 64)?;
    let mut out = [0; 32];
    for (byte, at) in out.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}
