//! `custody show ID --disclose PID -o FILE`: one part and its key, for somebody without the rest.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use query::Reader;
use record::{Pid, RecordId};
use serde_json::json;

use crate::cli::Reading;
use crate::place::Place;
use crate::{Failure, Outcome, output};

pub(super) fn run(
    id: RecordId,
    pid: &str,
    file: &Path,
    reading: &Reading,
) -> Result<Outcome, Failure> {
    let pid: Pid = pid.parse().map_err(|error| Failure::Usage(anyhow!("part {pid:?}: {error}")))?;
    let place = Place::named(&reading.place)?;
    let store = place.open_store()?;
    // Asked for first: a read that is recorded should give something.
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .with_context(|| format!("cannot create {}", file.display()))?;
    let disclosed = match Reader::new(&store, place.access(reading)).disclose(id, pid) {
        Ok(disclosed) => disclosed,
        Err(error) => {
            drop(std::fs::remove_file(file));
            return Err(error.into());
        }
    };
    out.write_all(&disclosed.sealed)
        .and_then(|()| out.sync_all())
        .with_context(|| format!("cannot write {}", file.display()))?;
    if reading.unrecorded {
        output::remark("this disclosure was not recorded");
    }
    let key = hex::encode(disclosed.key);
    let part = &disclosed.part;
    if reading.json {
        output::json(&json!({
            "id": id.to_string(), "pid": pid.to_string(), "role": part.role.to_string(),
            "kind": part.kind.to_string(), "sha256": part.sha256.to_string(),
            "bytes": disclosed.sealed.len(), "file": file.display().to_string(), "key": key,
        }))?;
    } else {
        let about = format!("{} {} of {id}, SHA-256 {}", part.role, part.kind, part.sha256);
        output::remark(&about);
        output::line(key)?;
    }
    Ok(Outcome::Done)
}
