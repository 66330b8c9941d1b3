//! The bytes of `spec/vectors` are those that this crate reads and writes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use record::envelope::{Body, Envelope, HoldEvent};
use record::{
    AdmissionNumber, Content, Digest, Frame, FrameReader, GapReason, Leaf, Outcome, Pid, Scanned,
    Timestamp, canonical_bytes, encode_frame,
};
use serde_json::Value;

const CONTENT: &str = include_str!("../../../spec/vectors/content.txt");
const ENVELOPE: &str = include_str!("../../../spec/vectors/envelope.txt");
const JOURNAL: &str = include_str!("../../../spec/vectors/journal.txt");
const LEAF: &str = include_str!("../../../spec/vectors/leaf.txt");

fn text<'a>(file: &'a str, name: &str) -> &'a str {
    let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn bytes(file: &str, name: &str) -> Vec<u8> {
    hex::decode(text(file, name)).unwrap()
}

#[test]
fn envelopes() {
    let mut kinds: Vec<&str> =
        ENVELOPE.lines().filter_map(|line| line.split_once(' ')).map(|(name, _)| name).collect();
    kinds.retain(|name| !name.ends_with("_sha256"));
    for kind in [
        "interaction",
        "retrieval",
        "tool_call",
        "review",
        "feedback",
        "note",
        "gap",
        "heartbeat",
        "recovery",
        "access",
        "alert",
        "configuration",
        "segment",
        "probe",
        "erasure",
        "expiry",
        "hold",
        "tier",
    ] {
        assert!(kinds.contains(&kind), "no vector of kind {kind}");
    }
    for name in kinds {
        let canonical = text(ENVELOPE, name);
        let envelope = Envelope::from_bytes(canonical.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(envelope.to_bytes().unwrap()).unwrap(), canonical);
        let value: Value = serde_json::from_str(canonical).unwrap();
        assert_eq!(canonical_bytes(&value).unwrap(), canonical.as_bytes());
        let digest = Digest::of(canonical.as_bytes()).to_string();
        assert_eq!(digest, text(ENVELOPE, &format!("{name}_sha256")));
        // `segment.locked` is a segment with members that only some have.
        assert_eq!(Some(envelope.kind()), name.split('.').next());
        assert!(!matches!(envelope.body, Body::Other { .. }), "{name}");
    }
    let envelope = Envelope::from_bytes(text(ENVELOPE, "interaction").as_bytes()).unwrap();
    let interaction = envelope.interaction().unwrap();
    assert_eq!(interaction.response.outcome, Outcome::Complete);
    assert_eq!(interaction.part_refs().count(), 4);
    let envelope = Envelope::from_bytes(text(ENVELOPE, "gap").as_bytes()).unwrap();
    let Body::Gap(gap) = envelope.body else { panic!("not a gap") };
    assert_eq!((gap.count, gap.numbers.len(), gap.reason), (5, 5, GapReason::Crash));
}

#[test]
fn what_happens_to_records_after_they_are_sealed() {
    let body = |name| Envelope::from_bytes(text(ENVELOPE, name).as_bytes()).unwrap().body;
    let Body::Interaction(kept) = body("interaction.kept") else { panic!("no interaction") };
    let (content, lock) = (kept.retention.content_until, kept.retention.locked_until);
    assert!(content.unwrap() > lock.unwrap());
    let Body::Interaction(signed_in) = body("interaction.token") else { panic!("no interaction") };
    assert_eq!(signed_in.who.caller.as_deref(), Some("t_0123456789abcdef"));
    assert_eq!(signed_in.who.proven, ["roles", "user"]);
    let Body::Segment(segment) = body("segment.locked") else { panic!("not a segment") };
    assert_eq!(segment.files[0].version.as_deref(), Some("v-1"));
    assert_eq!(segment.ledger[0].version, "v-2");
    let Body::Expiry(expiry) = body("expiry.files") else { panic!("not an expiry") };
    // Both ends of a range are in it.
    assert_eq!((expiry.leaves.len(), expiry.numbers.len()), (3, 2));
    let Body::Hold(hold) = body("hold.lifted") else { panic!("not a hold") };
    assert_eq!(hold.event, HoldEvent::Lifted);
    let Body::Probe(probe) = body("probe") else { panic!("not a probe") };
    assert_eq!((probe.held, probe.checks[1].outcome.as_str()), (false, "broken"));
    let Body::Tier(tier) = body("tier") else { panic!("not a tier") };
    assert!(tier.files[0].locked_until.is_some());
    let Body::Erasure(erasure) = body("erasure") else { panic!("not an erasure") };
    assert_eq!((erasure.keys.len(), erasure.approvals.len()), (1, 1));
}

#[test]
fn leaf() {
    let canonical = text(ENVELOPE, "interaction");
    let envelope = Envelope::from_bytes(canonical.as_bytes()).unwrap();
    let leaf = envelope.leaf(canonical.as_bytes());
    assert_eq!(leaf.to_bytes().to_vec(), bytes(LEAF, "leaf"));
    assert_eq!(Leaf::from_bytes(&bytes(LEAF, "leaf")).unwrap(), leaf);
    assert_eq!(leaf.id.to_string(), text(LEAF, "id"));
    assert_eq!(leaf.time, Timestamp(text(LEAF, "time").parse().unwrap()));
    assert_eq!(leaf.envelope.to_string(), text(LEAF, "envelope_sha256"));
    let mut entry = vec![0];
    entry.extend_from_slice(&leaf.to_bytes());
    assert_eq!(Digest::of(&entry).to_string(), text(LEAF, "leaf_hash"));
}

#[test]
fn journal_frames() {
    let envelope = text(ENVELOPE, "interaction").as_bytes();
    let number = AdmissionNumber(17);
    let part = bytes(JOURNAL, "part");
    let pid: [u8; 32] = part[13..45].try_into().unwrap();
    let id = text(LEAF, "id").parse().unwrap();
    let start = bytes(JOURNAL, "start");
    let frames = [
        ("start", Frame::Start(&start[13..])),
        ("reserve", Frame::Reserve { start: 1, end: 65 }),
        ("release", Frame::Release { start: 18, end: 65 }),
        ("part", Frame::Part { pid: Pid(pid), sealed: &part[45..] }),
        ("admitted", Frame::Admitted { number, envelope }),
        ("piece", Frame::Piece { number, sealed: b"sealed" }),
        ("record", Frame::Record { leaf: 0, number, id, envelope }),
    ];
    let mut file = Vec::new();
    for (name, frame) in &frames {
        let mut written = Vec::new();
        encode_frame(&mut written, frame);
        assert_eq!(hex::encode(&written), text(JOURNAL, name), "{name}");
        file.extend_from_slice(&written);
    }
    let read: Vec<_> = FrameReader::new(&file)
        .map(|scanned| match scanned.unwrap() {
            Scanned::Frame { frame, .. } => frame,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read, frames.map(|(_, frame)| frame));
    // The torn end and the damaged frame of the specification.
    let torn: Vec<_> = FrameReader::new(&start[..20]).collect();
    assert_eq!(torn, [Ok(Scanned::Torn { offset: 0 })]);
    file[start.len() + 20] ^= 1;
    let damaged = FrameReader::new(&file).nth(1).unwrap().unwrap();
    let (offset, end) = (start.len(), start.len() + bytes(JOURNAL, "reserve").len());
    assert_eq!(damaged, Scanned::Damaged { offset, end });
}

#[test]
fn content() {
    let fields = |json: &str| Content::Fields(serde_json::from_str(json).unwrap());
    for (name, content) in [
        ("text", Content::Text("grüße".to_owned())),
        ("empty", Content::Text(String::new())),
        ("fields", fields(r#"{"call_id":"c1","name":"find_order","arguments":"{\"n\": 7}"}"#)),
        ("order", fields(r#"{"z":1,"a":{"n":12345678901234567890123,"f":0.10}}"#)),
        ("json", Content::Json(serde_json::json!([1, null, "x"]))),
        ("bytes", Content::Bytes(vec![0xff, 0, 1])),
    ] {
        assert_eq!(hex::encode(content.encode()), text(CONTENT, name), "{name}");
        assert_eq!(Content::decode(&bytes(CONTENT, name)).unwrap(), content, "{name}");
    }
}
