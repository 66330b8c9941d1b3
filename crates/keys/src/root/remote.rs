//! Asking a service: a few tries, no redirects, and no secret in any error.

use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::KeysError;
use crate::provider::Provider;

/// How often a service that is away is asked, and how long is waited before the second time; the
/// wait doubles each time.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);

/// What a service said.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Whether asking again later may help: the service is overloaded, sealed, or broken.
    fn is_away(&self) -> bool {
        // AWS says so with status 400.
        let throttled = self.body.windows(10).any(|window| window == b"Throttling");
        self.status >= 500 || self.status == 429 || (self.status == 400 && throttled)
    }
}

/// A client for one service.
#[derive(Clone)]
pub(super) struct Client {
    provider: Provider,
    http: reqwest::Client,
}

impl Client {
    /// `authorities`: certificates in PEM form that are believed beside the system's.
    pub(super) fn new(provider: Provider, authorities: Option<&[u8]>) -> Result<Self, KeysError> {
        let refused = |error: reqwest::Error| {
            KeysError::refused(&provider, format!("no HTTP client: {}", chain(&error)))
        };
        // A redirect would carry the credentials to somebody else.
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT);
        for certificate in authorities
            .map(reqwest::Certificate::from_pem_bundle)
            .transpose()
            .map_err(refused)?
            .unwrap_or_default()
        {
            builder = builder.add_root_certificate(certificate);
        }
        let http = builder.build().map_err(refused)?;
        Ok(Self { provider, http })
    }

    /// Sends what `make` makes, anew for each try, until there is an answer that is not "later".
    /// `what` says of an answer why it is none, for the error.
    pub(super) fn send(
        &self,
        make: impl Fn() -> Result<reqwest::Request, KeysError> + Send + Sync,
        what: impl Fn(&Answer) -> String + Send + Sync,
    ) -> Result<Answer, KeysError> {
        self.block_on(async {
            let mut wait = FIRST_WAIT;
            let mut reason = String::new();
            for attempt in 0..TRIES {
                if attempt > 0 {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                reason = match self.once(make()?).await {
                    Ok(answer) if answer.is_away() => what(&answer),
                    Ok(answer) => return Ok(answer),
                    Err(error) => chain(&error.without_url()),
                };
            }
            Err(KeysError::away(&self.provider, format!("{reason} (asked {TRIES} times)")))
        })
    }

    async fn once(&self, request: reqwest::Request) -> Result<Answer, reqwest::Error> {
        let answer = self.http.execute(request).await?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: Zeroizing::new(answer.bytes().await?.to_vec()) })
    }

    /// Waits for an answer on a thread of its own, so that the caller may be one of any kind.
    pub(super) fn block_on<T: Send>(
        &self,
        work: impl Future<Output = Result<T, KeysError>> + Send,
    ) -> Result<T, KeysError> {
        let failed = |reason: &str| KeysError::away(&self.provider, reason);
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|error| failed(&format!("no runtime: {error}")))?
                    .block_on(work)
            });
            worker.join().unwrap_or_else(|_| Err(failed("the thread that asks it panicked")))
        })
    }
}

/// An address of a service, without user and password, which would end up in errors.
pub(super) fn address(provider: &Provider, text: &str) -> Result<reqwest::Url, KeysError> {
    let refused = |reason: &str| Err(KeysError::refused(provider, format!("its address {reason}")));
    let Ok(url) = reqwest::Url::parse(text) else {
        return refused("is not one: it begins with https:// or http://");
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return refused("begins with neither https:// nor http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("holds a user or a password; leave it out");
    }
    Ok(url)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
