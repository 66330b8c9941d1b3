//! How long what is kept, where it moves to, and who may end it earlier.

use anyhow::{Context as _, anyhow};
use record::{Classes, LOG, RetentionClass, RetentionRule, STANDARD};
use serde::{Deserialize, Serialize};

use super::{Config, Span};

const DAY: u64 = 86_400;
/// A COMPLIANCE lock cannot be taken back, and buckets refuse one that is longer (S3: 100 years).
const LONGEST_LOCK: u32 = 36_500;

/// A retention class, new or in a preset's place. What is not given is the preset's, or that of
/// `standard`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RetentionConfig {
    /// After this time segments move to the cold tier, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hot: Option<Span>,
    /// For this time archived objects are locked; 0d for not by Custody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<Span>,
    /// After this time content cannot be opened any more; `forever` for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Limit>,
    /// After this time the records go too; `forever` for never. Not before their lock ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Limit>,
}

/// A span of time, or `forever`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limit(pub(crate) Option<Span>);

impl Serialize for Limit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(span) => span.serialize(serializer),
            None => serializer.serialize_str("forever"),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "forever" {
            return Ok(Self(None));
        }
        text.parse().map(|span| Self(Some(span))).map_err(serde::de::Error::custom)
    }
}

/// Chooses a class; the first rule that fits decides, then the upstream's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionRuleConfig {
    /// Upstream, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<String>,
    /// Beginning of the path behind the upstream's name, e.g. `/v1/embeddings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Credential fingerprint (`k_…`) or service name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<String>,
    /// The class.
    pub(crate) class: String,
}

/// The cold tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TiersConfig {
    /// Directory or `s3://bucket/prefix` where segments move when their class's hot time is over.
    /// Default: they stay where they are, locked for their whole time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cold: Option<String>,
    /// Storage class of cold objects in a bucket, e.g. `GLACIER_IR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
}

/// What is done on a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LifecycleConfig {
    /// How often tiers and expiry are looked after.
    pub(crate) every: Span,
    /// How often the archive's locks are put to the test; also at start.
    pub(crate) probe_every: Span,
}

/// Erasure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ErasureConfig {
    /// How many other people must agree to an erasure.
    pub(crate) approvals: usize,
}

impl Default for LifecycleConfig {
    fn default() -> Self {
        Self { every: Span::seconds(3600), probe_every: Span::seconds(DAY) }
    }
}

impl LifecycleConfig {
    /// Refuses what would never rest.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (key, span) in [("every", self.every), ("probe_every", self.probe_every)] {
            if span.0 < std::time::Duration::from_secs(1) {
                return Err(anyhow!("[lifecycle] {key} = \"{span}\" is shorter than 1s"));
            }
        }
        Ok(())
    }
}

/// The classes and rules of a configuration.
pub(crate) fn classes(config: &Config) -> anyhow::Result<Classes> {
    let mut classes = Classes::default();
    // What is not given is that of `standard`, so that comes first.
    let (standard, others): (Vec<_>, Vec<_>) =
        config.retention.iter().partition(|(name, _)| *name == STANDARD);
    for (name, given) in standard.into_iter().chain(others) {
        let place = || format!("[retention.{name}]");
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || !name.bytes().all(good) {
            return Err(anyhow!("a class's name is letters, digits, dashes and underscores"))
                .with_context(place);
        }
        if name == LOG {
            return Err(anyhow!(
                "the log of what proves everything else is kept as long as the longest class in use"
            ))
            .with_context(place);
        }
        let class = class(name, given, &classes).with_context(place)?;
        classes.insert(class);
    }
    for upstream in &config.upstream {
        // A class that is not known is refused where the upstream is read, with its name.
        classes.use_class(&upstream.retention);
    }
    for (i, rule) in config.retention_rule.iter().enumerate() {
        let place = || format!("[[retention_rule]] number {}", i + 1);
        let class = known(&classes, &rule.class).with_context(place)?.name.clone();
        classes.push_rule(RetentionRule {
            upstream: rule.upstream.clone(),
            path: rule.path.clone(),
            caller: rule.caller.clone(),
            class,
        });
    }
    Ok(classes)
}

/// The class of this name, or an error that lists those that there are.
pub(crate) fn known<'a>(classes: &'a Classes, name: &str) -> anyhow::Result<&'a RetentionClass> {
    classes.get(name).ok_or_else(|| {
        let names: Vec<&str> = classes.names().collect();
        anyhow!("unknown retention class {name:?}; known: {}", names.join(", "))
    })
}

fn class(name: &str, given: &RetentionConfig, classes: &Classes) -> anyhow::Result<RetentionClass> {
    let base = classes.of(name);
    let limit = |given: Option<Limit>, base: Option<u32>, key: &'static str| match given {
        None => Ok(base),
        Some(Limit(None)) => Ok(None),
        Some(Limit(Some(span))) => days(span).map(Some).context(key),
    };
    let span = |given: Option<Span>, base: u32, key: &'static str| {
        given.map_or(Ok(base), |span| days(span).context(key))
    };
    let class = RetentionClass {
        name: base_name(classes, name),
        hot: span(given.hot, base.hot, "hot")?,
        lock: span(given.lock, base.lock, "lock")?,
        content: limit(given.content, base.content, "content")?,
        metadata: limit(given.metadata, base.metadata, "metadata")?,
    };
    if class.lock > LONGEST_LOCK {
        return Err(anyhow!(
            "lock = \"{}d\" is longer than {LONGEST_LOCK}d, which is the longest",
            class.lock
        ));
    }
    if class.metadata.is_some_and(|days| days < class.lock) {
        return Err(anyhow!(
            "metadata = \"{}d\" is shorter than lock = \"{}d\": locked objects cannot go",
            class.metadata.unwrap_or(0),
            class.lock
        ));
    }
    Ok(class)
}

/// A preset keeps its spelling.
fn base_name(classes: &Classes, name: &str) -> String {
    classes.get(name).map_or_else(|| name.to_owned(), |class| class.name.clone())
}

fn days(span: Span) -> anyhow::Result<u32> {
    let seconds = span.0.as_secs();
    if !seconds.is_multiple_of(DAY) {
        return Err(anyhow!("{span} is not a number of whole days"));
    }
    u32::try_from(seconds / DAY).map_err(|_| anyhow!("{span} is too long"))
}
