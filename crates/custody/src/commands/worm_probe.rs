//! `custody worm-probe`: tries to break the archive's locks, now.

use archive::Outcome as Held;
use ledger::SystemClock;
use record::Clock as _;
use serde_json::json;

use crate::cli::ProbeArgs;
use crate::output::{BAD, DIM, GOOD, paint, safe};
use crate::place::Place;
use crate::storage::ArchivePlace;
use crate::{Failure, Outcome, output};

pub(crate) fn run(args: &ProbeArgs) -> Result<Outcome, Failure> {
    let place = Place::named(&args.place)?;
    if let ArchivePlace::Directory(path) = &place.archive {
        output::line(format!(
            "{} locks nothing: a directory is tamper-evident, not tamper-proof",
            path.display()
        ))?;
        return Ok(Outcome::Found);
    }
    let archive = place.create_archive(false)?;
    archive.check(SystemClock.now())?;
    let Some(checks) = archive.probe(SystemClock.now())? else {
        output::line(format!("{} has no Object Lock: it locks nothing", archive.location()))?;
        return Ok(Outcome::Found);
    };
    let broken = checks.iter().any(|check| check.outcome == Held::Broken);
    for check in &checks {
        if args.json {
            output::json(&json!(check))?;
            continue;
        }
        let verdict = match check.outcome {
            Held::Held => paint(GOOD, "held   "),
            Held::Broken => paint(BAD, "BROKEN "),
            Held::Unknown => paint(DIM, "unknown"),
        };
        output::line(format!(
            "{verdict}  {:<36} {}",
            check.attempt,
            paint(DIM, safe(&check.answer, 120))
        ))?;
    }
    Ok(if broken { Outcome::Found } else { Outcome::Done })
}
