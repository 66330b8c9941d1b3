//! Where the issuer's keys come from: a file that is read again when it changes, or an address that a
//! thread asks.

use std::io::Read as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use serde_json::Value;

use super::set::KeySet;
use super::{KeysAt, OidcConfig, address};
use crate::AccessError;
use crate::watched::Watched;

/// How old keys may become: issuers announce a new one long before they use it.
const REFRESH: Duration = Duration::from_mins(10);
/// An unknown key id is asked for at most so often, whatever callers send.
const ROTATE: Duration = Duration::from_mins(1);
/// Without any keys it is asked again sooner.
const AGAIN: Duration = Duration::from_secs(5);
/// How long the issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a start waits for the first keys; calls are recorded without them, too.
const FIRST: Duration = Duration::from_secs(3);
/// No document is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// The issuer's keys, as they last could be had.
pub(crate) enum Keys {
    File(Watched<KeySet>),
    Asked { current: Arc<Mutex<Current>>, wake: SyncSender<()> },
}

#[derive(Default)]
pub(crate) struct Current {
    keys: Option<Arc<KeySet>>,
    generation: u64,
}

impl Keys {
    /// Reads the file, or starts the thread that asks.
    pub(crate) fn start(config: &OidcConfig) -> Result<Self, AccessError> {
        if let KeysAt::File(path) = &config.keys {
            let parse = |bytes: Option<&[u8]>| {
                KeySet::parse(bytes.ok_or_else(|| "there is no such file".to_owned())?)
            };
            let file = Watched::new(path.clone(), parse);
            file.read()?;
            return Ok(Self::File(file));
        }
        let current = Arc::new(Mutex::new(Current::default()));
        let (wake, woken) = sync_channel(1);
        let (first, asked) = sync_channel(1);
        let (config, shared) = (config.clone(), Arc::clone(&current));
        let run = move || ask_on(&config, &shared, &woken, &first);
        std::thread::Builder::new()
            .name("oidc".to_owned())
            .spawn(run)
            .map_err(|error| AccessError::System(error.to_string()))?;
        if asked.recv_timeout(FIRST).is_err() {
            tracing::warn!(
                "the issuer has not answered yet; its tokens are not checked until then"
            );
        }
        Ok(Self::Asked { current, wake })
    }

    /// The keys, and a number that grows when they change.
    pub(crate) fn current(&self) -> Option<(Arc<KeySet>, u64)> {
        match self {
            Self::File(file) => file.current(),
            Self::Asked { current, .. } => {
                let current = current.lock().unwrap_or_else(PoisonError::into_inner);
                current.keys.as_ref().map(|keys| (Arc::clone(keys), current.generation))
            }
        }
    }

    /// A key id came that is not among them.
    pub(crate) fn missed(&self) {
        if let Self::Asked { wake, .. } = self {
            match wake.try_send(()) {
                // Full: it is asked for already.
                Ok(()) | Err(TrySendError::Full(())) => {}
                Err(TrySendError::Disconnected(())) => {
                    tracing::error!("the thread that asks for the issuer's keys is gone");
                }
            }
        }
    }
}

/// Asks until nobody wants the keys any more.
fn ask_on(
    config: &OidcConfig,
    current: &Mutex<Current>,
    woken: &Receiver<()>,
    first: &SyncSender<()>,
) {
    let mut told = String::new();
    loop {
        let asked = Instant::now();
        let got = fetch(config);
        let mut state = current.lock().unwrap_or_else(PoisonError::into_inner);
        match got {
            Ok(keys) => {
                state.keys = Some(Arc::new(keys));
                state.generation += 1;
                told.clear();
            }
            Err(error) if error != told => {
                tracing::error!(%error, "the keys of the OIDC issuer cannot be had");
                told = error;
            }
            Err(_) => {}
        }
        let wait = if state.keys.is_some() { REFRESH } else { AGAIN };
        drop(state);
        // Nobody waits for it a second time.
        let _waited = first.try_send(());
        if !wait_for(woken, asked, wait) {
            return;
        }
    }
}

/// Waits until it is time to ask again; `false` when nobody wants it.
fn wait_for(woken: &Receiver<()>, asked: Instant, wait: Duration) -> bool {
    let mut until = asked + wait;
    loop {
        match woken.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(()) => until = until.min(asked + ROTATE),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

fn fetch(config: &OidcConfig) -> Result<KeySet, String> {
    let client = Client::builder()
        // A redirect would take the keys from a place that nobody named.
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .user_agent(concat!("custody/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))?;
    let url = match &config.keys {
        KeysAt::Url(url) => url.clone(),
        _ => discover(&client, &config.issuer)?,
    };
    let bytes = get(&client, &url)?;
    KeySet::parse(&bytes).map_err(|why| format!("{url}: {why}"))
}

/// `OpenID` Connect Discovery 1.0 §4: the document must be the issuer's own.
fn discover(client: &Client, issuer: &str) -> Result<String, String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document: Value =
        serde_json::from_slice(&get(client, &url)?).map_err(|_| format!("{url} is no JSON"))?;
    let member = |name: &str| document.get(name).and_then(Value::as_str);
    if member("issuer") != Some(issuer) {
        return Err(format!("{url} names another issuer than {issuer:?}"));
    }
    member("jwks_uri").map(str::to_owned).ok_or_else(|| format!("{url} names no jwks_uri"))
}

fn get(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    let parsed = address(url).map_err(|why| format!("{url}: {why}"))?;
    let answer = client.get(parsed).send().map_err(|error| chain(&error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("{url} answered {}", status.as_u16()));
    }
    let mut bytes = Vec::new();
    answer.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("{url}: {error}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(format!("{url}: its answer is over 1 MiB"));
    }
    Ok(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_asked_for_at_once_when_the_last_time_was_a_minute_ago() {
        let (wake, woken) = sync_channel(1);
        wake.send(()).unwrap();
        let now = Instant::now();
        let asked = now.checked_sub(ROTATE).unwrap();
        assert!(wait_for(&woken, asked, REFRESH) && now.elapsed() < AGAIN);
        // Sooner it waits, and ends when nobody wants the keys any more.
        wake.send(()).unwrap();
        let waiting = std::thread::spawn(move || wait_for(&woken, Instant::now(), REFRESH));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        drop(wake);
        assert!(!waiting.join().unwrap());
    }
}
