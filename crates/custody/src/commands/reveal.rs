//! `custody reveal ID --reason TEXT`: values that masking keeps apart.

use anyhow::anyhow;
use query::Reader;
use record::RecordId;
use serde_json::{Value, json};

use crate::cli::RevealArgs;
use crate::output::{NAME, paint, safe};
use crate::place::Place;
use crate::{Failure, Outcome, http, output};

pub(crate) fn run(args: &RevealArgs) -> Result<Outcome, Failure> {
    let id: RecordId =
        args.id.parse().map_err(|error| Failure::Usage(anyhow!("{:?}: {error}", args.id)))?;
    let reading = &args.reading;
    let placeholder = args.placeholder.as_deref();
    let revealed = if let Some(server) = &reading.server {
        let question = json!({ "reason": args.reason, "placeholder": placeholder });
        let path = format!("/api/v1/interactions/{id}/reveal");
        let (status, answer) = http::post(server, &path, &question)?;
        if status >= 400 {
            let detail = answer.get("detail").and_then(Value::as_str).unwrap_or("refused");
            return Err(Failure::Run(anyhow!("{detail} (status {status})")));
        }
        answer
    } else {
        let place = Place::named(&reading.place)?;
        let store = place.open_store()?;
        json!(Reader::new(&store, place.access(reading)).reveal(id, placeholder, &args.reason)?)
    };
    if reading.unrecorded {
        output::remark("this read was not recorded");
    }
    if reading.json {
        output::json(&revealed)?;
        return Ok(Outcome::Done);
    }
    let member = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let values = revealed.get("values").and_then(Value::as_array);
    for value in values.into_iter().flatten() {
        output::line(format!(
            "{}  {:<10} {}",
            paint(NAME, format!("{:<32}", member(value, "placeholder"))),
            member(value, "role"),
            safe(&member(value, "value"), 400)
        ))?;
    }
    for why in revealed.get("withheld").and_then(Value::as_array).into_iter().flatten() {
        output::remark(&format!("a vault stays closed: {}", why.as_str().unwrap_or_default()));
    }
    Ok(Outcome::Done)
}
