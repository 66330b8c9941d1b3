//! `custody hold`: legal holds.

use anyhow::anyhow;
use api::lifecycle::{HoldPlacement, Whose, Word};
use record::RecordId;
use serde_json::Value;

use crate::cli::{HoldArgs, HoldCommand};
use crate::keeper::Keeper;
use crate::output::{GOOD, NAME, paint, safe};
use crate::place::{Place, account};
use crate::{Failure, Outcome, output};

pub(crate) fn run(args: &HoldArgs) -> Result<Outcome, Failure> {
    let place = Place::named(&args.place)?;
    let keeper = Keeper::find(&place, args.server.as_deref())?;
    let who = format!("local:{}", account());
    let answer = match &args.command {
        HoldCommand::Place { hold, reason, user, session, filter, id } => {
            let ids = id.iter().map(|id| {
                id.parse::<RecordId>().map_err(|error| Failure::Usage(anyhow!("{id:?}: {error}")))
            });
            let whose = Whose { user: user.clone(), session: session.clone(), caller: None };
            keeper.place_hold(&HoldPlacement {
                hold: hold.clone(),
                reason: reason.clone(),
                whose,
                filter: filter.clone(),
                ids: ids.collect::<Result<_, _>>()?,
                who,
            })?
        }
        HoldCommand::Lift { hold, reason } => {
            keeper.lift_hold(hold, &Word { who, reason: reason.clone() })?
        }
        HoldCommand::List => keeper.holds()?,
    };
    if args.json {
        output::json(&answer)?;
        return Ok(Outcome::Done);
    }
    let text = |value: &Value, name: &str| {
        safe(value.get(name).and_then(Value::as_str).unwrap_or(""), 200)
    };
    match &args.command {
        HoldCommand::Place { .. } => {
            let records = answer.get("records").and_then(Value::as_u64).unwrap_or(0);
            output::line(format!(
                "{}  {} holds {records} records: neither retention nor erasure reaches them",
                paint(GOOD, "HELD"),
                paint(NAME, text(&answer, "hold"))
            ))?;
        }
        HoldCommand::Lift { .. } => {
            output::line(format!("{} is lifted", paint(NAME, text(&answer, "hold"))))?;
        }
        HoldCommand::List => {
            let holds = answer.get("holds").and_then(Value::as_array).cloned().unwrap_or_default();
            for hold in &holds {
                let scopes = hold.get("scopes").and_then(Value::as_u64).unwrap_or(0);
                output::line(format!(
                    "{}  since {}, by {}, {scopes} days of subjects: {}",
                    paint(NAME, text(hold, "hold")),
                    text(hold, "placed"),
                    text(hold, "who"),
                    text(hold, "reason")
                ))?;
            }
            if holds.is_empty() {
                output::line("no hold stands")?;
            }
        }
    }
    Ok(Outcome::Done)
}
