use record::{Content, Envelope, Frame, FrameReader, Leaf, Scanned, canonical_bytes, encode_frame};
use serde_json::Value;

use crate::json::round_trip;

/// The reader covers every byte, and whole frames are written as they were read.
pub fn frames(data: &[u8]) {
    let mut covered = Some(0);
    for scanned in FrameReader::new(data) {
        let Ok(scanned) = scanned else {
            // A whole frame of an unknown kind; where it ends is not told.
            covered = None;
            continue;
        };
        let (start, end) = match scanned {
            Scanned::Frame { offset, end, ref frame } => {
                let bytes = &data[offset..end];
                let mut again = Vec::new();
                encode_frame(&mut again, frame);
                if matches!(frame, Frame::Reserve { .. } | Frame::Release { .. }) {
                    // Bytes past the two numbers are allowed and dropped.
                    assert!(again.len() <= bytes.len());
                } else {
                    assert_eq!(again, bytes);
                }
                (offset, end)
            }
            Scanned::Damaged { offset, end } => (offset, end),
            Scanned::Torn { offset } => (offset, data.len()),
        };
        assert!(start < end);
        if let Some(covered) = covered {
            assert_eq!(start, covered);
        }
        covered = Some(end);
    }
    if let Some(covered) = covered {
        assert_eq!(covered, data.len());
    }
}

/// What is read as an envelope is written and read as the same one; from canonical bytes it is
/// written canonically.
pub fn envelope(data: &[u8]) {
    if let Ok(envelope) = Envelope::from_bytes(data) {
        let bytes = envelope.to_bytes().expect("what was read can be written");
        let back = Envelope::from_bytes(&bytes).expect("what was written can be read");
        assert_eq!(back.to_bytes().expect("and written again"), bytes);
        assert_eq!(back.leaf(&bytes), envelope.leaf(&bytes));
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    if let Ok(envelope) = Envelope::from_bytes(data) {
        assert_eq!(Some(envelope.kind()), value["kind"].as_str());
    }
    let Ok(canonical) = canonical_bytes(&value) else {
        return;
    };
    let again: Value = serde_json::from_slice(&canonical).expect("canonical JSON is JSON");
    assert_eq!(canonical_bytes(&again).expect("and has a canonical form"), canonical);
    // Maps of an envelope are sorted by bytes, RFC 8785 sorts by UTF-16: the same for ASCII only.
    if let Ok(envelope) = Envelope::from_bytes(&canonical)
        && canonical.is_ascii()
    {
        let bytes = envelope.to_bytes().expect("what was read can be written");
        let value: Value = serde_json::from_slice(&bytes).expect("an envelope is JSON");
        assert_eq!(
            String::from_utf8(canonical_bytes(&value).expect("an envelope is canonical")),
            String::from_utf8(bytes)
        );
    }
}

/// A leaf is written as it was read.
pub fn leaf(data: &[u8]) {
    match Leaf::from_bytes(data) {
        Ok(leaf) => assert_eq!(leaf.to_bytes(), data),
        Err(_) => assert!(data.len() != record::LEAF_LEN || data[0] != 1),
    }
}

/// Decoded content comes back from its encoding; text and bytes verbatim.
pub fn content(data: &[u8]) {
    if let Ok(content) = Content::decode(data) {
        round_trip(&content);
        if matches!(content, Content::Text(_) | Content::Bytes(_)) {
            assert_eq!(content.encode(), data);
        }
    }
}
