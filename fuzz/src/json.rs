use record::{Content, Part, PartKind, Role, Skeleton, SkeletonBuilder};
use serde_json::Value;

/// Whether the parts fit the skeleton; gives the body that they make together.
pub(crate) fn filled(skeleton: &Skeleton, parts: &[Part]) -> Value {
    let text = skeleton.0.to_string();
    let read: Value = serde_json::from_str(&text).expect("a skeleton can be read again");
    assert_eq!(read.to_string(), text, "a skeleton is stored as JSON");
    for part in parts {
        round_trip(&part.content);
    }
    Skeleton(read).fill(parts).expect("a skeleton refers to its own parts")
}

/// Content comes back from its encoding.
pub(crate) fn round_trip(content: &Content) {
    let encoded = content.encode();
    let back = Content::decode(&encoded).expect("what was encoded can be decoded");
    assert_eq!(&back, content);
    assert_eq!(back.encode(), encoded);
}

/// Filling takes any JSON as a skeleton; an escaped body fills to itself.
pub fn skeleton(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let text = body.to_string();
    let mut escaped = body.clone();
    SkeletonBuilder::escape(&mut escaped);
    let back = Skeleton(escaped.clone()).fill(&[]).expect("an escaped body has no references");
    assert_eq!(back.to_string(), text);
    assert_eq!(SkeletonBuilder::unescape(escaped).to_string(), text);
    let parts = [
        Part::text(Role::User, PartKind::Text, "x"),
        Part { role: Role::Tool, kind: PartKind::Opaque, content: Content::Bytes(vec![0xff]) },
        Part { role: Role::User, kind: PartKind::Image, content: Content::Json(Value::Null) },
    ];
    let _any = Skeleton(body).fill(&parts);
}
