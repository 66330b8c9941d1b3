//! `custody keys`: the public keys, for handing out.

use serde_json::json;

use crate::cli::KeysArgs;
use crate::output::{NAME, paint};
use crate::place::Place;
use crate::{Failure, Outcome, output};

pub(crate) fn run(args: &KeysArgs) -> Result<Outcome, Failure> {
    let place = Place::named(&args.place)?;
    for collector in place.open_store()?.collectors()? {
        if args.json {
            output::json(&json!({
                "collector": collector.name, "origin": collector.origin, "key": collector.key,
            }))?;
        } else {
            output::line(format!("{}  {}", paint(NAME, &collector.name), collector.key))?;
        }
    }
    Ok(Outcome::Done)
}
