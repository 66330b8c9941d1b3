use std::sync::Arc;

use capture::{CallHead, Mode, Route};
use record::{Content, Kind, Origin, PartKind, Role, TraceId};
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp(1_795_435_200_000_000);

fn head(given: bool) -> CallHead {
    let route = Route {
        upstream: "events".into(),
        provider: "events".into(),
        family: provider::Family::Auto,
        mode: Mode::Evidence,
        class: "standard".into(),
    };
    let head = CallHead::told(Arc::new(route), Origin::Event, TraceId([7; 16]));
    CallHead { trace_given: given, ..head }
}

fn taken(event: &Value) -> Result<Vec<Taken>, Vec<Refusal>> {
    let schema = Schema::new().unwrap();
    read(&schema, event.to_string().as_bytes(), &head(false), NOW)
}

fn told(event: &Value) -> capture::Told {
    match taken(event).unwrap().pop() {
        Some(Taken::Event(told)) => *told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retrieval_is_taken_apart_and_fills_back() {
    let event = json!({"type": "retrieval", "correlation_id": "order 17", "query": "refunds?",
        "user": "alice", "time": "2026-11-23T12:00:00.5Z", "duration_ms": 12.5, "extra": {"$part": 0},
        "documents": [{"id": "d1", "source": "kb/1", "score": 0.83, "rank": 1, "text": "Within 14 days."},
                      {"text": "Never."}]});
    let told = told(&event);
    assert_eq!((told.kind, told.head.trace_id), (Kind::Retrieval, TraceId::named("order 17")));
    assert_eq!(told.ended.map(|ended| ended.0 - told.began.0), Some(12_500));
    assert_eq!(told.head.user.as_deref(), Some("alice"));
    assert_eq!(json!(told.facts), json!({"documents": 2}));
    let kinds: Vec<_> = told.parts.iter().map(|part| (part.role, part.kind)).collect();
    let document = (Role::Tool, PartKind::Document);
    assert_eq!(kinds, [(Role::User, PartKind::Text), document, document]);
    assert_eq!(told.parts[1].content.field("id"), Some(&json!("d1")));
    assert_eq!(told.parts[1].content.field("score"), None, "a score is the retrieval's");
    let mut filled = record::Skeleton(told.skeleton).fill(&told.parts).unwrap();
    filled["user"] = json!("alice");
    assert_eq!(filled, event);
}

#[test]
fn the_other_types_have_their_parts_and_facts() {
    for (event, kind, parts, facts) in [
        (
            json!({"type": "tool_call", "name": "lookup", "arguments": {"id": 1}, "result": "x",
                "outcome": "ok", "backend_record_ids": ["r1"]}),
            Kind::ToolCall,
            vec![PartKind::ToolCall, PartKind::ToolResult],
            json!({"name": "lookup", "outcome": "ok"}),
        ),
        (
            json!({"type": "review", "reviewer": "Bob", "decision": "approved", "reason": "fine"}),
            Kind::Review,
            vec![PartKind::Text],
            json!({"decision": "approved"}),
        ),
        (
            json!({"type": "feedback", "score": -1, "label": "not a word", "comment": "bad"}),
            Kind::Feedback,
            vec![PartKind::Text],
            json!({"score": -1}),
        ),
        (json!({"type": "note", "data": [1]}), Kind::Note, vec![PartKind::Opaque], json!({})),
    ] {
        let mut event = event;
        event["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let told = told(&event);
        assert_eq!(told.kind, kind);
        assert_eq!(told.head.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(told.parts.iter().map(|part| part.kind).collect::<Vec<_>>(), parts, "{event}");
        assert_eq!(json!(told.facts), facts, "{event}");
        assert_eq!(record::Skeleton(told.skeleton).fill(&told.parts).unwrap(), event);
    }
}

#[test]
fn an_interaction_keeps_the_bodies_as_they_were() {
    let event = json!({"type": "interaction", "provider": "openai", "path": "/v1/chat/completions",
        "correlation_id": "c", "request": {"model": "m", "messages": []}, "status": 200,
        "response": "data: {}\n\n", "content_type": "text/event-stream", "first_token_ms": 3});
    let Some(Taken::Call(report)) = taken(&event).unwrap().pop() else { panic!("no call") };
    assert_eq!(report.request, br#"{"model":"m","messages":[]}"#);
    let answer = report.answer.unwrap();
    assert_eq!((answer.start.status, answer.first_token_us), (200, Some(3000)));
    assert_eq!(answer.body, b"data: {}\n\n");
    assert_eq!(report.head.route.provider, "openai");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let good = json!({"type": "note", "text": "x", "correlation_id": "c"});
    for (body, pointer) in [
        (json!({"type": "note", "text": "x"}), "/correlation_id"),
        (json!({"text": "x"}), "/type"),
        (json!({"type": "retrievel"}), "/type"),
        (json!([good, 3]), "/1"),
        (
            json!([good, {"type": "retrieval", "correlation_id": "c", "documents": [{"text": 3}]}]),
            "/1/documents/0/text",
        ),
        (json!({"type": "note", "text": "x", "correlation_id": "c", "time": "yesterday"}), "/time"),
        (json!({"type": "note", "text": "x", "correlation_id": "c", "time": 1e300}), "/time"),
        (json!({"type": "note", "text": "x", "interaction_id": "17"}), "/interaction_id"),
        (
            json!({"type": "interaction", "correlation_id": "c", "request": 1, "format": "x"}),
            "/format",
        ),
        (json!([]), ""),
    ] {
        let refusals = taken(&body).unwrap_err();
        let places: Vec<_> = refusals.iter().map(|refusal| refusal.pointer.as_str()).collect();
        assert!(places.contains(&pointer), "{body}: {refusals:?}");
    }
    let schema = Schema::new().unwrap();
    assert!(read(&schema, b"{\"type\":", &head(false), NOW).is_err());
    let secret = json!({"type": "feedback", "correlation_id": "c", "score": "4111 1111"});
    assert!(
        !format!("{:?}", taken(&secret).unwrap_err()).contains("4111"),
        "values are not repeated"
    );
}

#[test]
fn a_header_is_correlation_enough() {
    let schema = Schema::new().unwrap();
    let body = br#"{"type":"note","text":"x"}"#;
    let mut taken = read(&schema, body, &head(true), NOW).unwrap();
    let Some(Taken::Event(told)) = taken.pop() else { panic!("no event") };
    assert_eq!(told.head.trace_id, TraceId([7; 16]));
    assert!(matches!(&told.parts[0].content, Content::Text(text) if text == "x"));
}
