//! `custody erase`: a person's keys are destroyed, and a receipt says so.

use std::io::{IsTerminal as _, Write as _};

use anyhow::anyhow;
use api::lifecycle::{ErasureRequest, Whose, Word};
use serde_json::Value;

use crate::cli::{EraseArgs, SubjectKind};
use crate::keeper::Keeper;
use crate::output::{BAD, DIM, GOOD, NAME, paint, safe};
use crate::place::{Place, account};
use crate::{Failure, Outcome, output};

pub(crate) fn run(args: &EraseArgs) -> Result<Outcome, Failure> {
    let place = Place::named(&args.place)?;
    let keeper = Keeper::find(&place, args.server.as_deref())?;
    let who = format!("local:{}", account());
    if args.list {
        return list(args, &keeper.pending()?);
    }
    if let Some(id) = &args.approve {
        let word = Word { who, reason: String::new() };
        return show(args, &keeper.approve(id, &word)?);
    }
    if let Some(id) = &args.withdraw {
        return show(args, &keeper.withdraw(id)?);
    }
    let Some(subject) = &args.subject else {
        return Err(Failure::Usage(anyhow!("name a subject, or use --approve ID or --list")));
    };
    let named = Some(subject.clone());
    let whose = match args.kind {
        SubjectKind::User => Whose { user: named, ..Whose::default() },
        SubjectKind::Session => Whose { session: named, ..Whose::default() },
        SubjectKind::Caller => Whose { caller: named, ..Whose::default() },
    };
    let mut request = ErasureRequest { whose, basis: args.basis.clone(), dry_run: true, who };
    if args.dry_run || (!args.yes && std::io::stdin().is_terminal()) {
        let plan = keeper.erase(&request)?;
        if args.dry_run {
            return show(args, &plan);
        }
        let records = plan.get("records").and_then(Value::as_u64).unwrap_or(0);
        if !confirmed(records)? {
            output::line("nothing was erased")?;
            return Ok(Outcome::Done);
        }
    }
    request.dry_run = false;
    show(args, &keeper.erase(&request)?)
}

fn confirmed(records: u64) -> anyhow::Result<bool> {
    let mut out = anstream::stdout().lock();
    write!(out, "The content of {records} records will be gone for good. Type yes to go on: ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

fn show(args: &EraseArgs, answer: &Value) -> Result<Outcome, Failure> {
    if args.json {
        output::json(answer)?;
        return Ok(Outcome::Done);
    }
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let count = |pointer: &str| answer.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let keys = |pointer: &str| {
        let keys = answer.pointer(pointer).and_then(Value::as_array);
        let keys = keys.into_iter().flatten().filter_map(Value::as_str);
        keys.collect::<Vec<_>>().join(", ")
    };
    match text("/state") {
        "planned" => {
            output::line(format!("would destroy key {}", paint(NAME, keys("/keys"))))?;
            output::line(format!("  records   {}", count("/records")))?;
            let holds = keys("/holds");
            if !holds.is_empty() {
                output::line(format!(
                    "  {}      {holds}: refused while it stands",
                    paint(BAD, "hold")
                ))?;
            }
            if count("/approvals_needed") > 0 {
                output::line(format!(
                    "  approval  {} others must agree",
                    count("/approvals_needed")
                ))?;
            }
            output::line(paint(DIM, "  nothing was changed"))?;
        }
        "withdrawn" => {
            output::line(format!("erasure {} is withdrawn", paint(NAME, text("/erasure"))))?;
        }
        "waits" => {
            let id = text("/erasure");
            output::line(format!("erasure {} waits for approval", paint(NAME, id)))?;
            output::line(paint(
                DIM,
                format!("  another person runs: custody erase --approve {id}"),
            ))?;
        }
        _ => {
            output::line(format!(
                "{}  the content of {} records cannot be opened any more",
                paint(GOOD, "ERASED"),
                count("/receipt/records")
            ))?;
            output::line(format!("  receipt   {}", text("/receipt/erasure")))?;
            output::line(format!("  keys      {}", keys("/receipt/keys")))?;
            output::line(format!("  basis     {}", safe(text("/receipt/basis"), 300)))?;
            output::line(paint(
                DIM,
                "  the receipt is in the log; custody verify checks the records against it",
            ))?;
        }
    }
    Ok(Outcome::Done)
}

fn list(args: &EraseArgs, answer: &Value) -> Result<Outcome, Failure> {
    let all = answer.get("erasures").and_then(Value::as_array).cloned().unwrap_or_default();
    for pending in &all {
        if args.json {
            output::json(pending)?;
            continue;
        }
        let text = |name: &str| pending.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let records = pending.get("records").and_then(Value::as_u64).unwrap_or(0);
        output::line(format!(
            "{}  {records} records, asked by {}: {}",
            paint(NAME, text("erasure")),
            safe(&text("requested_by"), 80),
            safe(&text("basis"), 200)
        ))?;
    }
    if all.is_empty() && !args.json {
        output::line("no erasure waits")?;
    }
    Ok(Outcome::Done)
}
