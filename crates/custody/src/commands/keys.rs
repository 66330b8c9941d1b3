//! `custody keys`: the public keys, for handing out.

mod rotate;

use serde_json::json;

use crate::cli::{KeysArgs, KeysCommand};
use crate::output::{DIM, NAME, paint};
use crate::place::Place;
use crate::{Failure, Outcome, output};

pub(crate) fn run(args: &KeysArgs) -> Result<Outcome, Failure> {
    if let Some(KeysCommand::Rotate(rotate)) = &args.command {
        return rotate::run(&rotate.what);
    }
    let place = Place::named(&args.place)?;
    for collector in place.open_store()?.collectors()? {
        if args.json {
            output::json(&json!({
                "collector": collector.name, "origin": collector.origin, "key": collector.key,
                "earlier": collector.earlier,
            }))?;
        } else {
            output::line(format!("{}  {}", paint(NAME, &collector.name), collector.key))?;
            for earlier in &collector.earlier {
                output::line(paint(DIM, format!("{}  before: {earlier}", collector.name)))?;
            }
        }
    }
    Ok(Outcome::Done)
}
