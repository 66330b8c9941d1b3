//! The upstreams that exist by default, and what the configuration makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use capture::{Mode, Route};
use provider::Family;
use proxy::{AwsKeySource, UpstreamConfig};
use record::Classes;

use crate::aws::{self, BEDROCK};
use crate::config::{self, Config};

/// Name, base URL, format. Azure's is the resource's own: `AZURE_OPENAI_ENDPOINT`; Bedrock's is the
/// region's (`aws.rs`).
const DEFAULTS: [(&str, &str, &str); 8] = [
    ("openai", "https://api.openai.com", "openai"),
    ("anthropic", "https://api.anthropic.com", "anthropic"),
    ("gemini", "https://generativelanguage.googleapis.com", "gemini"),
    ("mistral", "https://api.mistral.ai", "mistral"),
    ("cohere", "https://api.cohere.com", "cohere"),
    (BEDROCK, "", "bedrock"),
    ("azure", "https://set-azure-openai-endpoint.invalid", "openai"),
    ("ollama", "http://127.0.0.1:11434", "ollama"),
];

/// All upstreams by name.
pub(crate) fn all(
    config: &Config,
    classes: &Classes,
) -> anyhow::Result<BTreeMap<String, UpstreamConfig>> {
    let azure = std::env::var("AZURE_OPENAI_ENDPOINT").ok();
    let bedrock = aws::bedrock(&aws::variable, config.proxy.listen)?;
    let keys = aws::keys(&aws::variable);
    let mut upstreams = BTreeMap::new();
    for (name, base_url, format) in DEFAULTS {
        let base_url = match (name, &azure) {
            ("azure", Some(endpoint)) => endpoint.clone(),
            (BEDROCK, _) => bedrock.clone(),
            _ => base_url.to_owned(),
        };
        let default = config::UpstreamConfig {
            name: name.to_owned(),
            base_url,
            format: format.to_owned(),
            mode: None,
            retention: "standard".to_owned(),
            auth: None,
            region: None,
            service: None,
        };
        upstreams.insert(name.to_owned(), upstream(config, &default, classes, &keys)?);
    }
    for configured in &config.upstream {
        let place = || format!("[[upstream]] {:?}", configured.name);
        check_name(&configured.name).with_context(place)?;
        let upstream = upstream(config, configured, classes, &keys).with_context(place)?;
        upstreams.insert(configured.name.clone(), upstream);
    }
    Ok(upstreams)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(good) {
        return Err(anyhow!(
            "a name is letters, digits, dashes, dots and underscores: it is a segment of a path"
        ));
    }
    if name == "custody" || name == "v1" {
        return Err(anyhow!("the name is taken for Custody's own paths"));
    }
    Ok(())
}

fn upstream(
    config: &Config,
    upstream: &config::UpstreamConfig,
    classes: &Classes,
    keys: &AwsKeySource,
) -> anyhow::Result<UpstreamConfig> {
    let mode = upstream.mode.as_ref().unwrap_or(&config.proxy.mode);
    let mode: Mode = mode.parse().map_err(|error: String| anyhow!(error)).context("mode")?;
    let family: Family =
        upstream.format.parse().map_err(|error| anyhow!("{error}")).context("format")?;
    let class = &config::known(classes, &upstream.retention).context("retention")?.name;
    let known = DEFAULTS.iter().any(|(name, ..)| *name == upstream.name);
    let provider = match family {
        _ if known => upstream.name.clone(),
        Family::Auto | Family::Opaque => upstream.name.clone(),
        family => family.as_str().to_owned(),
    };
    let base_url = upstream.base_url.parse().map_err(|error: String| anyhow!(error))?;
    let signing = aws::signing(upstream, &base_url, keys, &aws::variable)?;
    Ok(UpstreamConfig {
        base_url,
        signing,
        route: Arc::new(Route {
            upstream: upstream.name.clone(),
            provider,
            family,
            mode,
            class: class.clone(),
        }),
    })
}
