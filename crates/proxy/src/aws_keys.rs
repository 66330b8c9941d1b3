//! Access keys that are fetched and renewed beside the calls that need them.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_credential_types::Credentials;
use tokio::sync::watch;

/// The source is asked this often. It answers from memory until its keys are about to end.
const EVERY: Duration = Duration::from_mins(1);
/// … and this often while there are none.
const WITHOUT: Duration = Duration::from_secs(5);
/// The first calls wait so long for the first answer; no other call waits.
const FIRST: Duration = Duration::from_secs(10);
/// A source that answers later than this counts as one that fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// An access key. Its memory is wiped when the last one who holds it lets go.
#[derive(Debug, Clone)]
pub struct AwsKeys(Credentials);

impl AwsKeys {
    /// `id`: the access key's id; `token`: of temporary keys, the one that goes with each request.
    pub fn new(id: &str, secret: &str, token: Option<&str>) -> Self {
        Self(Credentials::new(id, secret, token.map(str::to_owned), None, "custody"))
    }

    /// As the signer takes it.
    pub(crate) fn credentials(&self) -> Credentials {
        self.0.clone()
    }
}

type Fetched = Pin<Box<dyn Future<Output = Result<AwsKeys, String>> + Send>>;
type Fetch = dyn Fn() -> Fetched + Send + Sync;

/// Where access keys come from. The source is asked by a thread of its own, and not before the
/// first call that needs keys: where nobody calls Bedrock, no instance is asked for its role.
#[derive(Clone)]
pub struct AwsKeySource(Arc<Source>);

struct Source {
    fetch: Box<Fetch>,
    state: watch::Sender<State>,
    started: AtomicBool,
}

#[derive(Clone)]
enum State {
    /// Nobody has answered yet.
    Asked,
    Here(AwsKeys),
    /// There are none, in the source's words.
    None(String),
}

impl AwsKeySource {
    /// `fetch` gives keys, or the reason why there are none; it remembers keys until they end.
    pub fn new<F>(fetch: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<AwsKeys, String>> + Send + 'static,
    {
        Self(Arc::new(Source {
            fetch: Box::new(move || Box::pin(fetch())),
            state: watch::Sender::new(State::Asked),
            started: AtomicBool::new(false),
        }))
    }

    /// The keys, or why there are none.
    pub(crate) async fn keys(&self) -> Result<AwsKeys, String> {
        if !self.0.started.swap(true, Ordering::AcqRel) {
            self.start();
        }
        let mut state = self.0.state.subscribe();
        let answered = state.wait_for(|state| !matches!(state, State::Asked));
        match tokio::time::timeout(FIRST, answered).await.map(|state| state.map(|s| s.clone())) {
            Ok(Ok(State::Here(keys))) => Ok(keys),
            Ok(Ok(State::None(reason))) => Err(reason),
            Ok(Ok(State::Asked) | Err(_)) | Err(_) => {
                Err("their source does not answer".to_owned())
            }
        }
    }

    fn start(&self) {
        let source = Arc::downgrade(&self.0);
        let name = "aws-keys".to_owned();
        if let Err(error) = std::thread::Builder::new().name(name).spawn(move || renew(&source)) {
            self.0.started.store(false, Ordering::Release);
            self.0.state.send_replace(State::None(format!("no thread: {error}")));
        }
    }
}

/// Asks until nobody wants keys any more.
fn renew(source: &Weak<Source>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the thread for AWS's keys cannot start");
            return;
        }
    };
    runtime.block_on(async {
        while let Some(held) = source.upgrade() {
            let wait = held.ask().await;
            drop(held);
            tokio::time::sleep(wait).await;
        }
    });
}

impl Source {
    /// Asks once; gives how long to wait before the next time.
    async fn ask(&self) -> Duration {
        let answer = tokio::time::timeout(PATIENCE, (self.fetch)()).await;
        let answer = answer.unwrap_or_else(|_| Err("their source does not answer".to_owned()));
        let had_none = matches!(&*self.state.borrow(), State::None(_));
        let has = matches!(&*self.state.borrow(), State::Here(_));
        match answer {
            Ok(keys) => {
                if had_none {
                    tracing::info!("there are AWS credentials now");
                }
                self.state.send_replace(State::Here(keys));
                EVERY
            }
            // They may be good for some minutes still; when they are not, AWS says so.
            Err(reason) if has => {
                tracing::warn!(reason, "AWS credentials cannot be renewed; the old ones are used");
                EVERY
            }
            Err(reason) => {
                if !had_none {
                    tracing::warn!(reason, "there are no AWS credentials: calls are not signed");
                }
                self.state.send_replace(State::None(reason));
                WITHOUT
            }
        }
    }
}

impl std::fmt::Debug for AwsKeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AwsKeySource(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn a_source_is_asked_once_for_many_calls_and_not_before_the_first() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let source = AwsKeySource::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(AwsKeys::new("AKIDEXAMPLE", "secret", None)) }
        });
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        for _ in 0..20 {
            assert_eq!(source.keys().await.unwrap().0.access_key_id(), "AKIDEXAMPLE");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn without_keys_the_reason_is_told_and_later_keys_are_taken() {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = AwsKeySource::new(move || {
            let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            async move { if first { Err("none".into()) } else { Ok(AwsKeys::new("AKID2", "s", None)) } }
        });
        assert_eq!(source.keys().await.err().unwrap(), "none");
        source.0.ask().await;
        assert_eq!(source.keys().await.unwrap().0.access_key_id(), "AKID2");
    }

    #[tokio::test]
    async fn keys_that_cannot_be_renewed_are_used_on() {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = AwsKeySource::new(move || {
            let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            async move { if first { Ok(AwsKeys::new("AKID1", "s", None)) } else { Err("away".into()) } }
        });
        assert!(source.keys().await.is_ok());
        source.0.ask().await;
        assert_eq!(source.keys().await.unwrap().0.access_key_id(), "AKID1");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", AwsKeys::new("AKIDEXAMPLE", "wJalrXUtnFEMI", Some("token1")));
        assert!(!shown.contains("wJalr") && !shown.contains("token1"), "{shown}");
    }
}
