//! `custody verify`: everything is re-checked, the verdict fits on one screen.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use ledger::SystemClock;
use query::{CollectorReport, VerifyReport};
use record::Clock as _;
use tlog::VerifyingKey;

use super::policy;
use crate::cli::VerifyArgs;
use crate::output::{BAD, DIM, GOOD, HEAD, NAME, Progress, paint, safe};
use crate::place::Place;
use crate::{Failure, Outcome, output};

/// Findings past this many are counted and not listed.
const SHOWN: usize = 20;

pub(crate) fn run(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let trusted = trusted(&args.key).map_err(Failure::Usage)?;
    let policy = args.policy.as_deref().map(policy::load).transpose()?;
    let place = Place::named(&args.place)?;
    let store = place.open_store_for_verify()?;
    let collectors = store.collectors()?;
    let mut keys = policy.as_ref().map(|p| policy::keys(p, &collectors)).unwrap_or_default();
    keys.extend(trusted.clone());
    let started = std::time::Instant::now();
    let progress = Progress::new();
    let now = args.locks.then(|| SystemClock.now());
    let report =
        query::verify(&store, &keys, now, &mut |what, done, all| progress.set(what, done, all))?;
    drop(progress);
    let judged = match &policy {
        Some(policy) => {
            let archive = place.open_archive()?;
            Some(policy::judge(policy, archive.as_ref(), &report.collectors, &trusted)?)
        }
        None => None,
    };
    let holds = judged.as_ref().is_none_or(policy::Judgement::holds);
    if args.json {
        let mut value = serde_json::to_value(&report)?;
        if let (Some(judged), Some(members)) = (&judged, value.as_object_mut()) {
            members.insert("ok".to_owned(), (report.ok && holds).into());
            members.insert("policy".to_owned(), judged.to_json());
        }
        output::json(&value)?;
    } else {
        print(&report, started.elapsed())?;
        if let Some(judged) = &judged {
            judged.print()?;
        }
    }
    Ok(if report.ok && holds { Outcome::Done } else { Outcome::Found })
}

fn trusted(keys: &[String]) -> anyhow::Result<BTreeMap<String, VerifyingKey>> {
    keys.iter()
        .map(|given| {
            let text = match std::fs::read_to_string(given) {
                Ok(text) => text,
                Err(_) => given.clone(),
            };
            let key: VerifyingKey = text
                .parse()
                .with_context(|| anyhow!("--key {given:?} is neither a key nor a file with one"))?;
            Ok((key.name().to_owned(), key))
        })
        .collect()
}

/// Prints a report for people.
pub(crate) fn print(report: &VerifyReport, took: std::time::Duration) -> anyhow::Result<()> {
    for collector in &report.collectors {
        print_collector(collector)?;
    }
    for finding in &report.findings {
        output::line(format!(
            "  {}   {}: {}",
            paint(BAD, "FINDING"),
            finding.file,
            safe(&finding.what, 300)
        ))?;
    }
    let listed: usize = report.collectors.iter().map(|c| c.findings.len()).sum();
    let findings = listed + report.findings.len();
    let bytes: u64 = report.collectors.iter().map(|c| c.bytes).sum();
    let size = indicatif::HumanBytes(bytes);
    let seconds = took.as_secs_f64();
    if report.ok {
        output::line(format!(
            "{}  everything checks out {}",
            paint(GOOD, "VERIFIED"),
            paint(DIM, format!("({size} in {seconds:.2} s)"))
        ))
    } else {
        let what = if findings == 1 { "finding" } else { "findings" };
        output::line(format!("{}  {findings} {what}", paint(BAD, "NOT VERIFIED")))
    }
}

fn print_collector(report: &CollectorReport) -> anyhow::Result<()> {
    let numbers = &report.numbers;
    output::line(format!("{} {}", paint(HEAD, "collector"), paint(NAME, &report.collector)))?;
    output::line(format!("  key       {}", report.key))?;
    output::line(format!(
        "  log       {} entries, root {}",
        report.size,
        report.root.get(..16).unwrap_or(&report.root)
    ))?;
    output::line(format!(
        "  checked   {} checkpoints, {} tiles, {} envelopes, {} parts, {} files",
        report.checkpoints, report.tiles, report.envelopes, report.parts, report.files
    ))?;
    output::line(format!(
        "  numbers   admitted {} = recorded {} + gaps {} + open {}{}{}",
        numbers.admitted,
        numbers.recorded,
        numbers.gaps,
        numbers.open,
        if numbers.expired == 0 {
            String::new()
        } else {
            format!(" + expired {}", numbers.expired)
        },
        if numbers.missing == 0 {
            String::new()
        } else {
            format!(" + MISSING {}", numbers.missing)
        }
    ))?;
    if numbers.expired > 0 {
        output::line(paint(
            DIM,
            format!("            {} are past their time and gone", numbers.expired),
        ))?;
    }
    if let Some(locks) = &report.locks {
        output::line(format!(
            "  locks     {} of {} objects locked, the first until {}",
            locks.locked,
            locks.objects,
            locks.earliest.as_deref().unwrap_or("-")
        ))?;
    }
    for (reason, count) in &numbers.gap_reasons {
        output::line(paint(DIM, format!("            {count} in gaps: {reason}")))?;
    }
    if report.unsealed > 0 {
        output::line(format!(
            "  unsealed  {} records wait for the next checkpoint",
            report.unsealed
        ))?;
    }
    for note in &report.notes {
        output::line(paint(DIM, format!("  note      {note}")))?;
    }
    for finding in report.findings.iter().take(SHOWN) {
        let record = finding.record.map_or(String::new(), |r| format!(", record {r}"));
        output::line(format!(
            "  {}   {}{record}: {}",
            paint(BAD, "FINDING"),
            safe(&finding.file, 200),
            safe(&finding.what, 300)
        ))?;
    }
    if report.findings.len() > SHOWN {
        output::line(format!("  … and {} more; --json lists all", report.findings.len() - SHOWN))?;
    }
    output::line("")
}
