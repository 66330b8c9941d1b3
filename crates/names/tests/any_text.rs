//! Any text is fine: nothing panics, offsets are those of the text, and the same text gives the same names.

use names::Tagger;
use proptest::prelude::*;

/// Pieces that names, addresses and hostile text are made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Maria Schulze".to_owned()),
        Just("JEAN O’NEILL".to_owned()),
        Just("10 Downing St.\nLondon".to_owned()),
        Just("我叫王小明".to_owned()),
        Just("a@b.c@d.e".to_owned()),
        Just("x://".to_owned()),
        Just("e\u{301}\u{200d}\u{202e}".to_owned()),
        Just("İıßŉ'".to_owned()),
        Just("''’’n't't".to_owned()),
        Just("U.S.A.B.C".to_owned()),
        Just("\r\n\u{2028}\0".to_owned()),
        Just("1,2.3²½".to_owned()),
        ".{0,8}",
        "[ \\n]{1,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn check(text: &str) {
    let names = Tagger::shared().find(text);
    let mut end = 0;
    for name in &names {
        assert!(name.start >= end && name.start < name.end, "{name:?} in {text:?}");
        assert!(text.is_char_boundary(name.start) && text.is_char_boundary(name.end));
        assert!(name.score > 0.0 && name.score <= 1.0001, "{name:?}");
        end = name.end;
    }
    assert_eq!(names, Tagger::shared().find(text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn of_pieces(text in pieces()) {
        check(&text);
    }

    #[test]
    fn of_anything(text in any::<String>()) {
        check(&text);
    }
}

#[test]
fn long_and_monotonous() {
    check(&"a.".repeat(3_000));
    check(&"x-".repeat(3_000));
    check(&"A".repeat(50_000));
    check(&"'".repeat(50_000));
    check(&"\n".repeat(10_000));
    check(&"王".repeat(3_000));
    check(&"Anna ".repeat(2_000));
}
