//! `custody verify --policy`: which anchors hold, and up to which size.

use std::collections::BTreeMap;
use std::path::Path;

use anchor::{CollectorAnchors, Layout};
use anyhow::{Context as _, anyhow};
use archive::Archive;
use query::{Collector, CollectorReport};
use record::{CollectorName, Timestamp};
use serde_json::{Value, json};
use tlog::{Policy, VerifyingKey};

use crate::output::{BAD, DIM, GOOD, HEAD, NAME, paint, safe};
use crate::{Failure, output};

/// What a policy says of an archive.
pub(crate) struct Judgement {
    collectors: Vec<Judged>,
    /// Collectors whose logs the policy does not name.
    passed_over: Vec<String>,
}

struct Judged {
    collector: String,
    origin: String,
    anchors: CollectorAnchors,
}

/// Reads a policy file; what is wrong in it is wrong usage.
pub(crate) fn load(path: &Path) -> Result<Policy, Failure> {
    let read = std::fs::read(path)
        .with_context(|| format!("cannot read the policy {}", path.display()))
        .and_then(|bytes| {
            Policy::parse(&bytes).map_err(|error| anyhow!("{}, {error}", path.display()))
        });
    read.map_err(Failure::Usage)
}

/// The keys of the logs that the policy names and the archive has, for verifying.
pub(crate) fn keys(policy: &Policy, collectors: &[Collector]) -> BTreeMap<String, VerifyingKey> {
    let there = |key: &&VerifyingKey| collectors.iter().any(|c| c.origin == key.name());
    policy.logs().iter().filter(there).map(|key| (key.name().to_owned(), key.clone())).collect()
}

/// Judges the logs of an archive by a policy: those that the policy names, and when it names none,
/// those of `trusted`, and when that is empty too, all. What lies in the archive was verified before,
/// with `reports`.
pub(crate) fn judge(
    policy: &Policy,
    archive: &dyn Archive,
    reports: &[CollectorReport],
    trusted: &BTreeMap<String, VerifyingKey>,
) -> anyhow::Result<Judgement> {
    let mut judgement = Judgement { collectors: Vec::new(), passed_over: Vec::new() };
    for CollectorReport { collector: name, keys, .. } in reports {
        let keys = keys.as_ref().with_context(|| format!("custody.json: no key of {name}"))?;
        let origin = keys.last().name();
        let is_judged = if policy.logs().is_empty() {
            trusted.is_empty() || trusted.contains_key(origin)
        } else {
            policy.logs().iter().any(|key| key.name() == origin)
        };
        if !is_judged {
            judgement.passed_over.push(name.clone());
            continue;
        }
        let layout = Layout::new(CollectorName::new(name.clone())?);
        let anchors = anchor::audit(archive, &layout, policy, keys)?;
        judgement.collectors.push(Judged {
            collector: name.clone(),
            origin: origin.to_owned(),
            anchors,
        });
    }
    Ok(judgement)
}

impl Judgement {
    /// Whether every log that was judged is anchored as the policy asks, and at least one was.
    pub(crate) fn holds(&self) -> bool {
        let good = |judged: &Judged| {
            judged.anchors.log.quorum.is_some() && judged.anchors.log.findings.is_empty()
        };
        !self.collectors.is_empty() && self.collectors.iter().all(good)
    }

    pub(crate) fn to_json(&self) -> Value {
        let collector = |judged: &Judged| {
            let log = &judged.anchors.log;
            let witnesses: Vec<Value> = log
                .witnesses
                .iter()
                .map(|witness| {
                    json!({
                        "name": witness.name,
                        "size": witness.last.map(|(size, _)| size),
                        "time": witness.last.map(|(_, time)| shown(time)),
                        "checkpoints": witness.checkpoints,
                    })
                })
                .collect();
            let timestamps: Vec<Value> = judged
                .anchors
                .timestamps
                .iter()
                .map(|stamped| {
                    json!({
                        "size": stamped.size,
                        "time": stamped.time.to_string(),
                        "file": stamped.name,
                        "over": stamped.over,
                    })
                })
                .collect();
            json!({
                "collector": judged.collector,
                "origin": judged.origin,
                "size": judged.anchors.size,
                "quorum": log.quorum.is_some(),
                "quorum_size": log.quorum.map(|(size, _)| size),
                "quorum_time": log.quorum.and_then(|(_, time)| time).map(shown),
                "witnesses": witnesses,
                "timestamps": timestamps,
                "findings": log.findings,
            })
        };
        json!({
            "holds": self.holds(),
            "collectors": self.collectors.iter().map(collector).collect::<Vec<_>>(),
            "not_named": self.passed_over,
        })
    }

    pub(crate) fn print(&self) -> anyhow::Result<()> {
        for judged in &self.collectors {
            print_collector(judged)?;
        }
        for name in &self.passed_over {
            output::line(paint(
                DIM,
                format!("  note      the policy does not name the log of {name}"),
            ))?;
        }
        if self.holds() {
            output::line(format!("{}  the policy holds", paint(GOOD, "ANCHORED")))
        } else {
            let why = if self.collectors.is_empty() {
                "no collector of this archive has a log that the policy names"
            } else {
                "the policy does not hold"
            };
            output::line(format!("{}  {why}", paint(BAD, "NOT ANCHORED")))
        }
    }
}

fn print_collector(judged: &Judged) -> anyhow::Result<()> {
    let (log, size) = (&judged.anchors.log, judged.anchors.size);
    output::line(format!("{} {}", paint(HEAD, "anchors of"), paint(NAME, &judged.collector)))?;
    for witness in &log.witnesses {
        let name = safe(&witness.name, 60);
        output::line(match witness.last {
            Some((upto, time)) => {
                format!("  witness   {name}: up to {upto} of {size}, at {}", shown(time))
            }
            None => format!("  witness   {name}: {}", paint(BAD, "nothing")),
        })?;
    }
    if let Some(last) = judged.anchors.timestamps.last() {
        output::line(format!(
            "  timestamp up to {} of {size}, at {} {}",
            last.size,
            last.time,
            paint(DIM, "(the authority's signature: openssl ts -verify, docs/anchors.md)")
        ))?;
    }
    output::line(match log.quorum {
        Some((upto, Some(time))) => {
            format!("  quorum    holds up to {upto} of {size}, since {}", shown(time))
        }
        Some((upto, None)) => format!("  quorum    none is asked for; {upto} of {size}"),
        None => format!("  quorum    {}", paint(BAD, "does not hold for any checkpoint")),
    })?;
    for finding in &log.findings {
        output::line(format!("  {}   {}", paint(BAD, "FINDING"), safe(finding, 400)))?;
    }
    output::line("")
}

/// Seconds since 1970 as people read them.
fn shown(seconds: u64) -> String {
    let us = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    // Past the year 292,277 only the number is left.
    us.map_or_else(|| seconds.to_string(), |us| Timestamp(us).to_string().replace(".000000", ""))
}
