use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{AdmissionNumber, FinishClass, Kid, Oddity, Operation, Origin, Outcome, PartKind, Pid};
use crate::{RangeSet, Role, Scope};

fn interaction(text: &str, number: f64, n: u64) -> Interaction {
    let part = PartRef {
        key: n.is_multiple_of(3).then_some(Kid([6; 16])),
        kind: PartKind::Text,
        length: n,
        pid: Pid([1; 32]),
        role: Role::User,
        scope: Scope::Subject,
        sha256: Digest([2; 32]),
        withheld: n.is_multiple_of(2),
    };
    let mut params = Params::default();
    let number = serde_json::Number::from_f64(number).unwrap_or_else(|| 0.into());
    params.0.insert("temperature".into(), param_number(&number));
    params.0.insert("seed".into(), param_number(&n.into()));
    params.0.insert("tool_choice".into(), json!("auto"));
    Interaction {
        admission: AdmissionNumber(n & ((1 << 53) - 1)),
        client: Client { bytes_sent: 1, completed: true, hung_up_after_us: Some(2) },
        correlation: Correlation {
            attempt: 1,
            client_request_id: Some(text.into()),
            trace_id: Some(crate::TraceId([3; 16])),
            ..Correlation::default()
        },
        documents: vec![DocumentLink {
            part: 0,
            pid: Pid([8; 32]),
            record: RecordId::from_bytes([9; 16]),
        }],
        cost: Some(Cost { micro_usd: 41, source: "price-table".into(), table: None }),
        keys: KeyIds { period: Kid([4; 16]), shared: None, subject: Kid([5; 16]) },
        masking: Masking {
            counts: [("EMAIL".to_owned(), 1)].into(),
            detectors: "d1".into(),
            policy: "default@1".into(),
        },
        model: Model {
            answered: Some(text.into()),
            fingerprint: None,
            format: Some("openai.chat_completions".into()),
            operation: Operation::Chat,
            params,
            provider: "openai".into(),
            requested: Some(text.into()),
            served: vec![],
            stream: true,
        },
        oddities: vec![Oddity::at("json_invalid", "byte 3")],
        origin: Origin::Proxy,
        request: Request {
            bytes: 9,
            complete: true,
            context_complete: true,
            parts: vec![PartRef { length: 7, ..part.clone() }],
            skeleton: None,
        },
        response: Response {
            bytes: 3,
            error: Some(ProviderError { code: None, kind: text.into() }),
            finish_class: FinishClass::Stop,
            finish_reasons: vec![text.into()],
            outcome: Outcome::Complete,
            parts: vec![],
            skeleton: Some(PartRef { length: 7, ..part }),
            status: Some(200),
        },
        retention: Retention { class: "standard".into(), content_until: None, locked_until: None },
        signals: Signals { injection: Some(20), refusal: None },
        synthetic: false,
        time: Times {
            admitted: Timestamp(1),
            first_byte: Some(Timestamp(2)),
            first_token: None,
            last_byte: None,
            sent: None,
        },
        timing: Timing { total_us: Some(5), ..Timing::default() },
        upstream: "openai".into(),
        usage: Some(Usage {
            cache_read: 0,
            cache_write: 0,
            input: 1,
            normaliser: 1,
            output: 2,
            raw: json!({"completion_tokens": 2, "prompt_tokens": 1}),
            reasoning: 0,
            source: UsageSource::Provider,
            total: 3,
        }),
        who: Who {
            caller: Some(text.into()),
            identity: "header".into(),
            proven: vec!["roles".into()],
            roles: vec![text.into()],
            tags: [("team".to_owned(), text.to_owned())].into(),
            ..Who::default()
        },
    }
}

fn envelope(body: Body) -> Envelope {
    Envelope {
        id: "0199a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b".parse().unwrap(),
        collector: CollectorName::new("c1").unwrap(),
        recorded: Timestamp(1_795_435_200_123_456),
        body,
    }
}

fn assert_canonical(envelope: &Envelope) {
    let bytes = envelope.to_bytes().unwrap();
    let tree: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        String::from_utf8(bytes.clone()).unwrap(),
        crate::canonical_string(&tree).unwrap(),
        "plain serialisation is not the canonical form"
    );
    let back = Envelope::from_bytes(&bytes).unwrap();
    assert_eq!(back.to_bytes().unwrap(), bytes);
}

proptest! {
    #[test]
    fn interactions_are_canonical(text in ".*", number in any::<f64>(), n in any::<u64>()) {
        assert_canonical(&envelope(Body::Interaction(Box::new(interaction(&text, number, n)))));
    }
}

#[test]
fn events_are_canonical() {
    let numbers: RangeSet = (3..9).collect();
    for body in [
        Body::Gap(Gap {
            at_most: true,
            count: 6,
            numbers: numbers.clone(),
            reason: crate::GapReason::Crash,
            since: Timestamp(1),
            until: Timestamp(2),
        }),
        Body::Heartbeat(Heartbeat { admitted: 9, gaps: 6, open: numbers, recorded: 3 }),
        Body::Recovery(Recovery {
            damage: vec![Damage { bytes: 1, file: "f".into(), kept_as: "k".into(), offset: 2 }],
            interrupted: 1,
            unsealed: 2,
        }),
        Body::Access(Access {
            action: "show".into(),
            count: 1,
            reason: Some("case 7".into()),
            records: vec![RecordId::from_bytes([1; 16])],
            who: "local:root".into(),
        }),
        Body::Alert(Alert { message: "m".into(), rule: "r".into() }),
        Body::Configuration(Configuration {
            event: "start".into(),
            mode: "evidence".into(),
            policy: "p".into(),
            version: "1".into(),
        }),
        Body::Other { kind: "unheard".into(), body: json!({"b": 1, "a": [2.5]}) },
    ] {
        let original = envelope(body);
        assert_canonical(&original);
        let back = Envelope::from_bytes(&original.to_bytes().unwrap()).unwrap();
        assert_eq!(back, original);
    }
}

#[test]
fn a_later_version_is_refused_by_name() {
    let bytes = br#"{"body":{},"collector":"c1","id":"0199a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b","kind":"gap","recorded":1,"v":2}"#;
    assert!(matches!(Envelope::from_bytes(bytes), Err(EnvelopeError::Version(2))));
}

#[test]
fn an_interaction_comes_back_whole() {
    let original = envelope(Body::Interaction(Box::new(interaction("tëxt", 0.2, 17))));
    let back = Envelope::from_bytes(&original.to_bytes().unwrap()).unwrap();
    assert_eq!(back, original);
}

#[test]
fn a_summary_says_what_the_envelope_says() {
    let interaction = interaction("a \"quoted\" text", 0.5, 6);
    let envelope = Envelope {
        id: RecordId::from_bytes([9; 16]),
        collector: CollectorName::new("c1").unwrap(),
        recorded: Timestamp(77),
        body: Body::Interaction(Box::new(interaction.clone())),
    };
    let bytes = envelope.to_bytes().unwrap();
    let summary = Summary::from_bytes(&bytes).unwrap();
    assert_eq!(summary.id, envelope.id);
    assert_eq!(&*summary.kind, "interaction");
    assert_eq!(summary.admission, Some(interaction.admission.0));
    assert_eq!(summary.model.requested.as_deref(), interaction.model.requested.as_deref());
    assert_eq!(summary.retention.class.as_deref(), Some(interaction.retention.class.as_str()));
    let parts: Vec<_> = interaction.part_refs().map(|part| (part.pid, part.sha256)).collect();
    assert_eq!(summary.parts().map(|part| (part.pid, part.sha256)).collect::<Vec<_>>(), parts);

    let alert = Body::Alert(Alert { message: "m".into(), rule: "r".into() });
    let bytes = Envelope { body: alert, ..envelope }.to_bytes().unwrap();
    let summary = Summary::from_bytes(&bytes).unwrap();
    assert_eq!((&*summary.kind, summary.parts().count()), ("alert", 0));
    assert_eq!(summary.retention.class, None);
}
