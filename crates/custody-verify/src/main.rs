//! `custody-verify`: audits a ledger with the public key alone.
//!
//! A binary of its own with a small trust base: it links `record` and `tlog` of ours, and of
//! others SHA-256, Ed25519 and what those need. It knows no network, no key store and no Parquet.
//!
//! ```text
//! custody-verify DIR --key KEY [--policy FILE]
//! ```
//!
//! `DIR` is a collector's `ledger` folder, an archive or a data directory; `KEY` is a verifier key
//! (`name+hash+base64`) or a file that holds one, and may be given several times. A log that handed
//! over from that key to another is followed. `FILE` is a trust policy (C2SP tlog-policy): then the
//! logs that it names must be cosigned as it asks, and its keys need no `--key`. Exit codes: 0 the
//! ledger is as signed, 1 it is not, 2 wrong usage, 3 it could not be read.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program does")]

mod keys;
mod ledger;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use tlog::{AnchoredLog, Policy, VerifyingKey};

use crate::ledger::{Verdict, check};

const USAGE: &str = "usage: custody-verify DIR --key KEY [--key KEY …] [--policy FILE]

  DIR   a collector's ledger folder, an archive, or a data directory
  KEY   a verifier key (name+hash+base64) or a file that holds one
  FILE  a trust policy (C2SP tlog-policy): witnesses that must have cosigned

exit codes: 0 as signed, 1 not as signed, 2 wrong usage, 3 could not be read";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let asked = match parse(&args) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("error: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// What was asked for.
struct Asked {
    folder: PathBuf,
    keys: Vec<VerifyingKey>,
    policy: Option<Policy>,
}

fn parse(args: &[String]) -> anyhow::Result<Asked> {
    let (mut folder, mut policy) = (None, None);
    let mut keys = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--key" {
            let given = args.next().context("--key needs a key or a file")?;
            keys.extend(read_keys(given)?);
        } else if arg == "--policy" {
            let given = args.next().context("--policy needs a file")?;
            let bytes = std::fs::read(given).with_context(|| format!("--policy {given:?}"))?;
            let read = Policy::parse(&bytes).with_context(|| given.clone())?;
            if policy.replace(read).is_some() {
                bail!("one policy at a time");
            }
        } else if arg.starts_with('-') {
            bail!("unknown flag {arg:?}");
        } else if folder.replace(PathBuf::from(arg)).is_some() {
            bail!("one folder at a time");
        }
    }
    let folder = folder.context("which folder?")?;
    // Of several keys of one log the last that the policy names counts, after those that were given.
    keys.extend(policy.iter().flat_map(|policy| policy.logs().iter().rev()).cloned());
    if keys.is_empty() {
        bail!("a key is needed: without one that you trust, nothing is proven");
    }
    Ok(Asked { folder, keys, policy })
}

fn read_keys(given: &str) -> anyhow::Result<Vec<VerifyingKey>> {
    let text = std::fs::read_to_string(given).unwrap_or_else(|_| given.to_owned());
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.parse().with_context(|| format!("--key {given:?}")))
        .collect()
}

/// True when every ledger is as signed, and anchored as the policy asks.
fn run(asked: &Asked) -> anyhow::Result<bool> {
    let folder = &asked.folder;
    let ledgers = ledgers(folder)?;
    if ledgers.is_empty() {
        bail!("there is no ledger in {}: no file named checkpoint", folder.display());
    }
    let (mut good, mut judged) = (true, false);
    for ledger in &ledgers {
        println!("{}", ledger.display());
        let verdict = check(ledger, &asked.keys, asked.policy.as_ref())?;
        print(&verdict);
        good &= verdict.findings.is_empty();
        if let Some(anchors) = &verdict.anchors {
            print_anchors(anchors, verdict.size);
            good &= anchors.quorum.is_some() && anchors.findings.is_empty();
            judged = true;
        }
    }
    if asked.policy.is_some() && !judged {
        println!("  FINDING the policy names no log that is here");
        good = false;
    }
    println!("{}", if good { "VERIFIED" } else { "NOT VERIFIED" });
    Ok(good)
}

fn print(verdict: &Verdict) {
    println!("  origin  {}", verdict.origin);
    println!("  log     {} entries, root {}", verdict.size, verdict.root);
    println!("  checked {} checkpoints, {} tiles", verdict.checkpoints, verdict.tiles);
    for note in &verdict.notes {
        println!("  note    {note}");
    }
    for finding in &verdict.findings {
        println!("  FINDING {finding}");
    }
}

/// Times are in seconds since 1970.
fn print_anchors(anchors: &AnchoredLog, size: u64) {
    for witness in &anchors.witnesses {
        match witness.last {
            Some((upto, time)) => {
                println!("  witness {}: up to {upto} of {size}, at {time}", witness.name);
            }
            None => println!("  witness {}: nothing", witness.name),
        }
    }
    match anchors.quorum {
        Some((upto, Some(time))) => println!("  quorum  up to {upto} of {size}, at {time}"),
        Some((upto, None)) => println!("  quorum  none is asked for; {upto} of {size}"),
        None => println!("  quorum  does not hold for any checkpoint"),
    }
    for finding in &anchors.findings {
        println!("  FINDING {finding}");
    }
}

/// The folders that hold a checkpoint: the one named, or those within an archive or a data
/// directory.
fn ledgers(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if folder.join("checkpoint").is_file() && folder.join("tile").is_dir() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = Vec::new();
    for archive in [folder.to_owned(), folder.join("archive")] {
        let Ok(entries) = std::fs::read_dir(&archive) else { continue };
        for entry in entries {
            let ledger =
                entry.with_context(|| archive.display().to_string())?.path().join("ledger");
            if ledger.join("checkpoint").is_file() {
                found.push(ledger);
            }
        }
    }
    found.sort();
    Ok(found)
}
