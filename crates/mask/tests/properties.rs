//! What holds for every text.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at a broken sample")]

use std::fmt::Write as _;

use mask::{Action, Entity, Masker, Policy, Settings, Taken, Target};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Pieces that detectors care about, so that random texts are not all noise.
const PIECES: [&str; 48] = [
    "ada@example.com",
    "4111 1111 1111 1111",
    "4111111111111111",
    "GB33BUKB20201555555555",
    "460-89-9847",
    "+1-984-182-0190",
    "467 3395",
    "phone ",
    "call ",
    " office",
    "106.31.73.20",
    "2001:db8::1",
    "version ",
    "password: ",
    "api_key=",
    "token = \"",
    "hunter2",
    "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB",
    "ghp_4vuiyvj4htjeq1q2smreodbx6xy99vunukxu",
    "Bearer ",
    "curl -u a:b1c2 ",
    "https://u:s3cr3t@h.org/",
    "-----BEGIN PRIVATE KEY-----",
    "MIGlAgEBBDEA1yi",
    "-----END PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJ",
    "postgres://app:s3cr3tP4ss@db.example.net/x",
    "kind: Secret\ndata:\n  a: ",
    "chartmogul ",
    "simfinKEY-",
    "a1b2c3d4e5f6071829aabbccddee0f12",
    "machine a login b password ",
    "$2a$05$Uo385Fa0g86uUXHwZxB90.qMMdRFExaXePGka4WGFv.86I45AEjmO",
    "mot de passe est ",
    "[EMAIL]",
    "[PHONE:0123456789ab]",
    "[API_KEY]",
    "[",
    "]",
    "\"",
    "\n",
    " ",
    "-",
    "@",
    "\u{200b}",
    "é",
    "４",
    "中",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
        1 => "\\PC{0,4}",
        1 => "[0-9 .-]{0,12}",
        1 => "([a-z]{2,7} ){60,90}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        (text(), text()).prop_map(|(k, v)| Value::from(serde_json::json!({ k: v }).to_string())),
    ];
    let key = prop_oneof![
        prop::sample::select(vec!["phone", "password", "token", "id", "text", "arguments", "card"])
            .prop_map(str::to_owned),
        text(),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn masker() -> impl Strategy<Value = Masker> {
    let action = prop::sample::select(vec![
        Action::Keep,
        Action::Mask,
        Action::Mask,
        Action::Pseudonym,
        Action::Vault,
        Action::Drop,
    ]);
    prop::collection::vec(action, Entity::ALL.len()).prop_map(|actions| {
        let actions = Entity::ALL.map(Target::Entity).into_iter().zip(actions).collect();
        let settings = Settings { actions, ..Settings::default() };
        Masker::new(Policy::new("any", settings).unwrap(), [7; 32])
    })
}

fn default() -> Masker {
    Masker::new(Policy::default(), [7; 32])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn spans_are_in_order_and_on_boundaries(text in text()) {
        let mut last = 0;
        for span in default().find(&text) {
            prop_assert!(last <= span.start && span.start < span.end);
            prop_assert!(text.get(span.start..span.end).is_some());
            prop_assert!((0.0..=1.0).contains(&span.score));
            last = span.end;
        }
    }

    #[test]
    fn masking_twice_is_masking_once(text in text(), masker in masker()) {
        let once = masker.mask_text(&text, &mut Taken::default()).into_owned();
        let mut taken = Taken::default();
        let twice = masker.mask_text(&once, &mut taken);
        prop_assert_eq!(&twice, &once);
        prop_assert!(taken.is_empty());
    }

    #[test]
    fn what_was_found_is_gone_and_the_rest_stays(text in text()) {
        let masker = default();
        let spans = masker.find(&text);
        let mut taken = Taken::default();
        let masked = masker.mask_text(&text, &mut taken);
        let all: u64 = taken.counts.iter().map(|(_, n)| n).sum();
        prop_assert!(all >= u64::try_from(spans.len()).unwrap());
        prop_assert_eq!(spans.is_empty(), matches!(masked, std::borrow::Cow::Borrowed(_)));
        prop_assert!(masker.find(&masked).is_empty());
        if all == u64::try_from(spans.len()).unwrap() {
            let mut rest = masked.as_ref();
            let mut done = 0;
            for span in &spans {
                let before = &text[done..span.start];
                prop_assert!(rest.starts_with(before));
                rest = &rest[before.len()..];
                let word = format!("[{}]", span.entity);
                prop_assert!(rest.starts_with(&word));
                rest = &rest[word.len()..];
                done = span.end;
            }
            prop_assert_eq!(rest, &text[done..]);
        }
    }

    #[test]
    fn any_characters_at_all(text in "\\PC*|(?s).{0,200}") {
        let masker = default();
        let masked = masker.mask_text(&text, &mut Taken::default()).into_owned();
        prop_assert_eq!(masker.mask_text(&masked, &mut Taken::default()), masked.as_str());
    }

    #[test]
    fn json_stays_json_and_masking_twice_is_masking_once(value in json(), masker in masker()) {
        let mut once = value;
        masker.mask_json(&mut once, &mut Taken::default());
        let written = once.to_string();
        prop_assert_eq!(&serde_json::from_str::<Value>(&written).unwrap(), &once);
        let mut twice = once.clone();
        let mut taken = Taken::default();
        masker.mask_json(&mut twice, &mut taken);
        prop_assert_eq!(&twice.to_string(), &written);
        prop_assert!(taken.is_empty());
    }
}

/// JSON as somebody else writes it: blanks where they may stand, escapes where none is needed.
fn written(value: &Value, seed: u64) -> String {
    let mut state = seed | 1;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut out = String::new();
    let mut quoted = false;
    let compact = value.to_string();
    let mut chars = compact.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            '"' => quoted = !quoted,
            c if quoted && next() % 5 == 0 => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}").unwrap();
                }
                continue;
            }
            ',' | ':' | '[' | '{' | ']' | '}' if !quoted && next() % 3 == 0 => {
                out.push(c);
                out.push_str(" \n\t");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn in_written_json_nothing_changes_but_the_values(value in json(), seed: u64) {
        prop_assume!(value.is_object() || value.is_array());
        let text = written(&value, seed);
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
        let masker = default();
        let spans = masker.find(&text);
        let mut taken = Taken::default();
        let masked = masker.mask_text(&text, &mut taken).into_owned();
        let read = serde_json::from_str::<Value>(&masked);
        prop_assert!(read.is_ok(), "{} -> {}", text, masked);
        prop_assert_eq!(masker.mask_text(&masked, &mut Taken::default()), masked.as_str());
        // What was read first and masked then says the same.
        let mut other = value;
        masker.mask_json(&mut other, &mut Taken::default());
        prop_assert_eq!(&serde_json::from_str::<Value>(&masked).unwrap(), &other);
        // With one value in it every byte before and after is accounted for.
        if let [span] = spans.as_slice()
            && taken.counts.iter().map(|(_, n)| n).sum::<u64>() == 1
        {
            prop_assert!(masked.starts_with(&text[..span.start]), "{} -> {}", text, masked);
            prop_assert!(masked.ends_with(&text[span.end..]), "{} -> {}", text, masked);
        }
    }
}

#[test]
fn the_same_key_gives_the_same_word() {
    let first = default().pseudonym(Entity::Email, "Ada@Example.com");
    assert_eq!(first, default().pseudonym(Entity::Email, "ada@example.com"));
    let other = Masker::new(Policy::default(), [8; 32]);
    assert_ne!(first, other.pseudonym(Entity::Email, "ada@example.com"));
}

#[test]
fn what_belongs_to_machines_stays() {
    let masker = default();
    for text in [
        "550e8400-e29b-41d4-a716-446655440000",
        "id 41111111-1111-4111-8111-411111111111",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "d41d8cd98f00b204e9800998ecf8427e",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "1712345678 1712345678901 1712345678901234",
        "v1.2.3.4, version 10.4.12.7",
        "C4 S3 EKS $1,299.00 12.50 EUR 1 000 000",
        "2024-01-31T12:30:45.123456Z 31/12/2024 12.31.24",
        "chatcmpl-9f8e7d6c5b4a3f2e1d0c, call_Zf3D0LXCM3EIMbgJpUNnkR, msg_01XFDUDYJgAACzvnptvVoYEL",
        "max_tokens=4096 token_count: 1234567890123",
    ] {
        assert_eq!(masker.find(text), [], "{text}");
    }
}

#[test]
fn a_masker_is_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Masker>();
}

#[test]
fn repetition_does_not_explode() {
    let masker = default();
    for piece in [
        "-----BEGIN PRIVATE KEY-----",
        "fm2_/",
        "key=",
        "eyJ-",
        "1-",
        "a@",
        "://a:b@",
        "1:",
        " -u a:b",
        "call 12 34 567 ",
        "kind: Secret\ndata:\n a: bcdef\n",
        "telegram ",
        "mongodb://a:b1c@",
        "LS0tLS1CRUdJTiBSU0Eg",
        "$krb5tgs$23$",
        "mysql -p",
        "curl -u ",
        "[EMAIL]",
    ] {
        let once = masker.mask_text(&piece.repeat(50_000), &mut Taken::default()).into_owned();
        assert_eq!(masker.mask_text(&once, &mut Taken::default()), once, "{piece}");
    }
}
