//! `custody trace CORRELATION`.

use query::Reader;
use serde_json::Value;

use crate::cli::TraceArgs;
use crate::commands::print_record;
use crate::output::{HEAD, NAME, paint};
use crate::place::Place;
use crate::{Failure, Outcome, http, output};

pub(crate) fn run(args: &TraceArgs) -> Result<Outcome, Failure> {
    let reading = &args.reading;
    let trace = record::TraceId::named(&args.correlation);
    let records = if let Some(server) = &reading.server {
        let answer = http::get(server, &format!("/api/v1/traces/{trace}"), &[])?;
        answer.get("records").and_then(Value::as_array).cloned().unwrap_or_default()
    } else {
        let place = Place::named(&reading.place)?;
        let store = place.open_store()?;
        Reader::new(&store, place.access(reading)).trace(trace)?
    };
    if reading.unrecorded {
        output::remark("this read was not recorded");
    }
    if reading.json {
        for record in &records {
            output::json(record)?;
        }
        return Ok(Outcome::Done);
    }
    let count = records.len();
    let what = if count == 1 { "record" } else { "records" };
    output::line(format!("{} {}   {count} {what}\n", paint(HEAD, "trace"), paint(NAME, trace)))?;
    for record in &records {
        print_record(record)?;
        output::line("")?;
    }
    Ok(Outcome::Done)
}
