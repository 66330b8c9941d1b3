//! `custody show ID`.

use anyhow::anyhow;
use query::Reader;
use record::RecordId;

use crate::cli::ShowArgs;
use crate::commands::{disclose, print_record};
use crate::place::Place;
use crate::{Failure, Outcome, http, output};

pub(crate) fn run(args: &ShowArgs) -> Result<Outcome, Failure> {
    let id: RecordId =
        args.id.parse().map_err(|error| Failure::Usage(anyhow!("{:?}: {error}", args.id)))?;
    let reading = &args.reading;
    if let (Some(pid), Some(file)) = (&args.disclose, &args.output) {
        return disclose::run(id, pid, file, reading);
    }
    let record = if let Some(server) = &reading.server {
        http::get(server, &format!("/api/v1/interactions/{id}"), &[])?
    } else {
        let place = Place::named(&reading.place)?;
        let store = place.open_store()?;
        Reader::new(&store, place.access(reading)).show(id)?
    };
    if reading.unrecorded {
        output::remark("this read was not recorded");
    }
    if reading.json {
        output::json(&record)?;
    } else {
        print_record(&record)?;
    }
    Ok(Outcome::Done)
}
