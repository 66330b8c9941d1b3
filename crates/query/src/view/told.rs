//! An event as JSON.

use record::envelope::Event;
use record::{Content, Envelope, Skeleton};
use serde_json::{Value, json};

use super::{correlation, masking, parts, proof, retention, time, who};
use crate::open::Opened;
use crate::source::RecordAt;

pub(super) fn of(
    at: &RecordAt,
    envelope: &Envelope,
    event: &Event,
    opened: &Opened,
    sealed: bool,
) -> Value {
    json!({
        "id": envelope.id,
        "kind": event.kind,
        "collector": envelope.collector,
        "origin": event.origin,
        "synthetic": event.synthetic,
        "recorded": time(Some(envelope.recorded)),
        "correlation": correlation(&event.correlation),
        "about": event.body.about,
        "time": { "began": time(Some(event.time.admitted)), "ended": time(event.time.last_byte) },
        "who": who(&event.who),
        "facts": event.body.facts,
        "parts": parts(&event.content.parts, opened),
        "event": whole(event, opened),
        "masking": masking(&event.masking),
        "oddities": event.oddities,
        "retention": retention(&event.retention, opened.hold()),
        "proof": proof(at, sealed),
    })
}

/// The event as it was told, as far as all of it opens.
fn whole(event: &Event, opened: &Opened) -> Value {
    let skeleton = event.content.skeleton.as_ref().and_then(|part| opened.get(part).ok());
    let Some(Content::Json(skeleton)) = skeleton else { return Value::Null };
    let contents: Vec<_> = event.content.parts.iter().map(|part| opened.get(part).ok()).collect();
    let content = |index: u64| {
        usize::try_from(index).ok().and_then(|index| contents.get(index).copied().flatten())
    };
    Skeleton(skeleton.clone()).fill_with(&content).unwrap_or(Value::Null)
}
