//! The configuration: one TOML file, every key with a default, environment over file.

mod anchors;
mod keys;
mod lifecycle;
mod load;
mod masking;
mod oidc;
mod prices;
mod unit;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use record::STANDARD;
use serde::{Deserialize, Serialize};

pub(crate) use anchors::AnchorsConfig;
pub(crate) use keys::KeysConfig;
pub(crate) use lifecycle::{
    ErasureConfig, LifecycleConfig, RetentionConfig, RetentionRuleConfig, TiersConfig, classes,
    known,
};
pub(crate) use load::load;
#[cfg(test)]
pub(crate) use load::load_text;
pub(crate) use masking::MaskingConfig;
pub(crate) use oidc::OidcTable;
pub(crate) use prices::PricesConfig;
pub(crate) use unit::{Bytes, Span};

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Journal, keys, and the archive unless it is elsewhere.
    pub(crate) data: PathBuf,
    /// Directory of the archive, or `s3://bucket/prefix`. Default: `archive` under `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<String>,
    /// Accept a bucket without Object Lock, where everything can be changed and deleted.
    pub(crate) allow_unlocked: bool,
    /// Ask the file system to make archived files immutable (needs the right to).
    pub(crate) archive_immutable: bool,
    /// Name of this collector: a folder of the archive and the end of its log's origin.
    pub(crate) collector: String,
    pub(crate) keys: KeysConfig,
    /// Whose JWTs say who is asking.
    pub(crate) oidc: OidcTable,
    pub(crate) proxy: ProxyConfig,
    pub(crate) api: ApiConfig,
    pub(crate) capture: CaptureConfig,
    pub(crate) intake: IntakeConfig,
    pub(crate) ledger: LedgerConfig,
    pub(crate) masking: MaskingConfig,
    pub(crate) prices: PricesConfig,
    pub(crate) tiers: TiersConfig,
    pub(crate) lifecycle: LifecycleConfig,
    pub(crate) erasure: ErasureConfig,
    /// Who gets the checkpoints.
    pub(crate) anchors: AnchorsConfig,
    /// Retention classes by name, beside or in the place of the presets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) retention: BTreeMap<String, RetentionConfig>,
    /// Rules that choose a class for a call.
    pub(crate) retention_rule: Vec<RetentionRuleConfig>,
    /// Upstreams, beside or instead of the ones that exist by default.
    pub(crate) upstream: Vec<UpstreamConfig>,
}

/// The proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProxyConfig {
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// `observe`, `evidence` or `fail-closed`.
    pub(crate) mode: String,
    /// Threads. 0: one for each core.
    pub(crate) threads: usize,
    /// How long a stop waits for calls that are going on.
    pub(crate) stop_timeout: Span,
}

/// The API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiConfig {
    /// Where it answers; loopback only.
    pub(crate) listen: SocketAddr,
}

/// Capture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaptureConfig {
    /// Bytes that calls in flight may hold in memory.
    pub(crate) memory: Bytes,
    /// Bytes of a body that are kept whole; the rest is hashed and counted.
    pub(crate) max_body: Bytes,
    /// Bytes of sealed parts that are remembered, so that they are not sealed again.
    pub(crate) cache: Bytes,
    /// How long a gate waits for the log before it opens by itself.
    pub(crate) gate_timeout: Span,
    /// How long a gate of `fail-closed` waits before the answer is withheld.
    pub(crate) closed_timeout: Span,
    /// Threads that parse, mask and seal. 0: half the cores, at least one.
    pub(crate) threads: usize,
    /// `log`, or `discard` to measure the proxy alone: then nothing is recorded.
    pub(crate) sink: String,
}

/// What does not come through the proxy: events, telemetry, imports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IntakeConfig {
    /// The retention class of what comes in.
    pub(crate) retention: String,
    /// Where OTLP over gRPC is taken in; empty for nowhere.
    pub(crate) grpc: String,
}

/// Where exporters send OTLP over gRPC unless they are told otherwise.
pub(crate) const OTLP_GRPC: &str = "127.0.0.1:4317";

/// The ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LedgerConfig {
    /// How often what is pending is sealed.
    pub(crate) seal_every: Span,
    /// An idle log says so this often; 0s for never.
    pub(crate) heartbeat: Span,
    /// A segment closes at about this size of the journal …
    pub(crate) segment_bytes: Bytes,
    /// … or this age.
    pub(crate) segment_age: Span,
}

/// An upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamConfig {
    /// The first segment of the path.
    pub(crate) name: String,
    /// Where it is, e.g. `https://api.openai.com`.
    pub(crate) base_url: String,
    /// `openai`, `anthropic`, `gemini`, `bedrock`, `cohere`, `mistral`, `ollama`, `mcp`, `opaque`, or
    /// `auto` to tell by the path.
    #[serde(default = "auto")]
    pub(crate) format: String,
    /// Mode, where it differs from the proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    /// Retention class.
    #[serde(default = "standard")]
    pub(crate) retention: String,
    /// `passthrough`, or `aws-sigv4`: calls that a client has signed, or that say nothing of who
    /// calls, are signed with the collector's AWS keys. Default: `aws-sigv4` for `bedrock` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<String>,
    /// Region of the signature. Default: the one in `base_url`, else `AWS_REGION`,
    /// `AWS_DEFAULT_REGION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// Service of the signature. Default: `bedrock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
}

fn auto() -> String {
    "auto".to_owned()
}

fn standard() -> String {
    "standard".to_owned()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./custody-data"),
            archive: None,
            allow_unlocked: false,
            archive_immutable: true,
            collector: "c1".to_owned(),
            keys: KeysConfig::default(),
            oidc: OidcTable::default(),
            proxy: ProxyConfig::default(),
            api: ApiConfig::default(),
            capture: CaptureConfig::default(),
            intake: IntakeConfig::default(),
            ledger: LedgerConfig::default(),
            masking: MaskingConfig::default(),
            prices: PricesConfig::default(),
            tiers: TiersConfig::default(),
            lifecycle: LifecycleConfig::default(),
            erasure: ErasureConfig::default(),
            anchors: AnchorsConfig::default(),
            retention: BTreeMap::new(),
            retention_rule: Vec::new(),
            upstream: Vec::new(),
        }
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            mode: "evidence".to_owned(),
            threads: 0,
            stop_timeout: Span::seconds(10),
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8081)) }
    }
}

impl Default for CaptureConfig {
    fn default() -> Self {
        Self {
            memory: Bytes::mebibytes(256),
            max_body: Bytes::mebibytes(32),
            cache: Bytes::mebibytes(32),
            gate_timeout: Span::milliseconds(250),
            closed_timeout: Span::seconds(10),
            threads: 0,
            sink: "log".to_owned(),
        }
    }
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self { retention: STANDARD.to_owned(), grpc: OTLP_GRPC.to_owned() }
    }
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            seal_every: Span::seconds(1),
            heartbeat: Span::seconds(60),
            segment_bytes: Bytes::mebibytes(64),
            segment_age: Span::seconds(300),
        }
    }
}

#[cfg(test)]
mod tests;
