//! What a configuration comes to, without touching a network, nor a disk but for the price table:
//! everything that can be refused before anything starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::OidcConfig;
use anyhow::{Context as _, anyhow};
use capture::Sink;
use proxy::UpstreamConfig;
use record::{Classes, CollectorName};

use crate::access_log::READER;
use crate::config::{self, Config};
use crate::place::{Place, TENANT};
use crate::{tagger, upstreams};

/// A configuration that a recorder can start with, as far as its text tells.
pub(crate) struct Checked {
    pub(crate) classes: Arc<Classes>,
    pub(crate) upstreams: BTreeMap<String, UpstreamConfig>,
    pub(crate) collector: CollectorName,
    pub(crate) capture: capture::Config,
    pub(crate) place: Place,
    pub(crate) oidc: Option<OidcConfig>,
}

impl Checked {
    pub(crate) fn of(config: &Config) -> anyhow::Result<Self> {
        let classes = Arc::new(config::classes(config)?);
        let upstreams = upstreams::all(config, &classes)?;
        let collector = CollectorName::new(config.collector.clone())
            .with_context(|| format!("collector = {:?}", config.collector))?;
        if collector.as_str() == READER {
            return Err(anyhow!(
                "collector = {READER:?}: commands record what they read under this name; choose \
                 another one"
            ));
        }
        let capture = capture_config(config, &classes)?;
        if !config.api.listen.ip().is_loopback() {
            return Err(anyhow!(
                "[api] listen = {}: the API answers on loopback only until access control is built",
                config.api.listen
            ));
        }
        config.lifecycle.check()?;
        config.anchors.check()?;
        let oidc = config.oidc.issuer()?;
        let place = Place::of(config)?;
        place.root_source()?;
        place.check_cold()?;
        Ok(Self { classes, upstreams, collector, capture, place, oidc })
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn capture_config(config: &Config, classes: &Arc<Classes>) -> anyhow::Result<capture::Config> {
    let sink = match config.capture.sink.as_str() {
        "log" => Sink::Log,
        "discard" => Sink::Discard,
        other => return Err(anyhow!("[capture] sink = {other:?}; known: log, discard")),
    };
    let policy = config.masking.policy()?;
    let threads = match config.capture.threads {
        0 => (cores() / 2).max(1),
        threads => threads,
    };
    Ok(capture::Config {
        workers: threads,
        memory: config.capture.memory.as_usize(),
        cache: config.capture.cache.as_usize(),
        max_body: config.capture.max_body.as_usize(),
        gate_timeout: config.capture.gate_timeout.0,
        closed_timeout: config.capture.closed_timeout.0,
        sink,
        tenant: TENANT.to_owned(),
        classes: Arc::clone(classes),
        policy,
        names: config.masking.names.then(tagger::shared),
        names_backlog: config.masking.names_backlog.as_usize(),
        prices: Arc::new(config.prices.read()?),
        // The recorder's to give: it reads files and asks the issuer.
        access: None,
    })
}
