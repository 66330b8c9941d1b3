//! Who gets the checkpoints: witnesses, a timestamp authority, a SIEM, a second archive.

use anchor::{SiemTarget, TimestampConfig, WitnessConfig};
use anyhow::{Context as _, anyhow};
use serde::{Deserialize, Serialize};

use super::Span;
use crate::storage::ArchivePlace;

/// Where each checkpoint goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnchorsConfig {
    /// How often a new checkpoint is looked for.
    pub(crate) every: Span,
    /// How long anchors may take to answer.
    pub(crate) timeout: Span,
    /// An anchor that has taken nothing for so long is alerted of.
    pub(crate) alert_after: Span,
    /// A timestamp authority (RFC 3161).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<TimestampTable>,
    /// A SIEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) siem: Option<SiemTable>,
    /// A second archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copy: Option<CopyTable>,
    /// Witnesses (C2SP tlog-witness).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) witness: Vec<WitnessTable>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessTable {
    /// Its name here.
    pub(crate) name: String,
    /// Its submission prefix, e.g. `https://witness.example`.
    pub(crate) url: String,
    /// Its key, `name+hash+base64`, as `custody witness serve` prints it.
    pub(crate) key: String,
}

/// A timestamp authority.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimestampTable {
    /// Where it is.
    pub(crate) url: String,
    /// How often it is asked.
    #[serde(default = "hourly")]
    pub(crate) every: Span,
}

/// A SIEM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiemTable {
    /// `udp://HOST:PORT`, `tcp://HOST:PORT` or `file:PATH`.
    pub(crate) to: String,
}

/// A second archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyTable {
    /// A directory or `s3://bucket/prefix`.
    pub(crate) archive: String,
}

fn hourly() -> Span {
    Span::seconds(3600)
}

impl Default for AnchorsConfig {
    fn default() -> Self {
        Self {
            every: Span::seconds(10),
            timeout: Span::seconds(10),
            alert_after: Span::seconds(3600),
            timestamp: None,
            siem: None,
            copy: None,
            witness: Vec::new(),
        }
    }
}

impl AnchorsConfig {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.witness.is_empty()
            && self.timestamp.is_none()
            && self.siem.is_none()
            && self.copy.is_none()
    }

    /// Whether all of it can be used.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.witnesses()?;
        self.timestamp()?;
        self.siem()?;
        if let Some(copy) = &self.copy {
            ArchivePlace::parse(&copy.archive).context("[anchors.copy] archive")?;
        }
        Ok(())
    }

    pub(crate) fn witnesses(&self) -> anyhow::Result<Vec<WitnessConfig>> {
        let read = |table: &WitnessTable| {
            let place = || format!("[[anchors.witness]] {}", table.name);
            let key = table.key.parse().map_err(|e| anyhow!("key: {e}")).with_context(place)?;
            let url = http(&table.url).with_context(place)?;
            Ok(WitnessConfig { name: table.name.clone(), url, key })
        };
        self.witness.iter().map(read).collect()
    }

    pub(crate) fn timestamp(&self) -> anyhow::Result<Option<TimestampConfig>> {
        let Some(table) = &self.timestamp else { return Ok(None) };
        let url = http(&table.url).context("[anchors.timestamp]")?;
        Ok(Some(TimestampConfig { url, every: table.every.0 }))
    }

    pub(crate) fn siem(&self) -> anyhow::Result<Option<SiemTarget>> {
        let Some(table) = &self.siem else { return Ok(None) };
        table.to.parse().map(Some).map_err(|error| anyhow!("[anchors.siem] to = {error}"))
    }
}

fn http(url: &str) -> anyhow::Result<String> {
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(url.to_owned())
    } else {
        Err(anyhow!("url = {url:?}: expected an address such as https://witness.example"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;

    fn load(text: &str) -> AnchorsConfig {
        load_text(text, "custody.toml", std::iter::empty()).unwrap().anchors
    }

    #[test]
    fn all_anchors_are_read() {
        let key = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
        let anchors = load(&format!(
            "[anchors]\nevery = \"1m\"\n\
             [[anchors.witness]]\nname = \"w1\"\nurl = \"https://w\"\nkey = {key:?}\n\
             [anchors.timestamp]\nurl = \"http://tsa/tsr\"\n\
             [anchors.siem]\nto = \"tcp://siem:6514\"\n[anchors.copy]\narchive = \"/copy\"\n"
        ));
        assert!(!anchors.is_empty() && AnchorsConfig::default().is_empty());
        assert_eq!(anchors.witnesses().unwrap()[0].key.to_string(), key);
        assert_eq!(anchors.timestamp().unwrap().unwrap().every.as_secs(), 3600);
        assert_eq!(anchors.siem().unwrap().unwrap().to_string(), "tcp://siem:6514");
        let again = toml::to_string(&anchors).unwrap();
        assert_eq!(toml::from_str::<AnchorsConfig>(&again).unwrap(), anchors);
    }

    #[test]
    fn errors_say_which_anchor() {
        let witness = |url: &str, key: &str| {
            let tables =
                format!("[[anchors.witness]]\nname = \"w1\"\nurl = {url:?}\nkey = {key:?}\n");
            format!("{:#}", load(&tables).witnesses().unwrap_err())
        };
        assert!(witness("https://w", "x").contains("w1: key: not a verifier key"));
        let log = tlog::SigningKey::new("log", &[1; 32]).unwrap().verifying_key().to_string();
        assert!(witness("https://w", &log).contains("type 1"));
        let siem = load("[anchors.siem]\nto = \"nowhere\"\n").siem().unwrap_err().to_string();
        assert!(siem.contains("udp://HOST:PORT"), "{siem}");
        let tsa = load("[anchors.timestamp]\nurl = \"tsa\"\n").timestamp().unwrap_err();
        assert!(format!("{tsa:#}").contains("[anchors.timestamp]"));
    }
}
