//! What holds for every input: hostile bytes are answered with an error, never with a panic, and
//! what is written is read as the same.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use tlog::{
    Anchored, Checkpoint, CosignatureKey, CosigningKey, Hash, KeyHistory, Note, Policy, SigningKey,
};

/// Pieces of the grammars, so that random inputs are not all noise.
fn pieces() -> Vec<String> {
    let log = SigningKey::new("log", &[1; 32]).unwrap();
    let witness = CosigningKey::new("w", &[2; 32]).unwrap();
    let checkpoint = Checkpoint { origin: "log".into(), size: 3, root: Hash([4; 32]) };
    let mut note = Note::parse(&checkpoint.sign(&log)).unwrap();
    note.cosign(&witness, 7);
    let mut pieces = vec![
        log.verifying_key().to_string(),
        witness.cosignature_key().to_string(),
        CosigningKey::new("v", &[3; 32]).unwrap().cosignature_key().to_string(),
        String::from_utf8(note.to_bytes()).unwrap(),
        note.cosignature_lines(&witness.cosignature_key()),
    ];
    let words = [
        "log ",
        "witness ",
        "group ",
        "quorum ",
        "none",
        "all",
        "any",
        "1 ",
        "2 ",
        "A ",
        "B ",
        "\n",
        "\n\n",
        " ",
        "\t",
        "#",
        "— ",
        "+",
        "0",
        "18446744073709551615",
        "AAAA",
        "=",
        "\r",
        "\u{e9}",
    ];
    pieces.extend(words.map(str::to_owned));
    pieces
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(pieces()).prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn hostile_policies_and_notes_do_not_panic(policy in bytes(), note in bytes()) {
        let valid = format!("{}\nquorum A\n", format_args!(
            "witness A {}", CosigningKey::new("w", &[2; 32]).unwrap().cosignature_key()
        ));
        let lines = policy.split(|b| *b == b'\n').count();
        let policy = Policy::parse(&policy).unwrap_or_else(|error| {
            assert!((1..=lines).contains(&error.line), "{error}");
            Policy::parse(valid.as_bytes()).unwrap()
        });
        if let Ok(note) = Note::parse(&note) {
            let verdict = policy.judge(&note);
            prop_assert_eq!(verdict.quorum, policy.asks_nothing() || verdict.time.is_some());
        }
        let mut anchored = Anchored::new(&policy, "log");
        anchored.add("x", &note);
        let checkpoint = Checkpoint { origin: "log".into(), size: 3, root: Hash([4; 32]) };
        let keys = KeyHistory::of(SigningKey::new("log", &[1; 32]).unwrap().verifying_key());
        anchored.finish(&checkpoint, &keys, |_| None);
    }

    #[test]
    fn a_changed_byte_of_a_cosigned_note_is_never_believed(at in 0_usize..500, by in 1_u8..255) {
        let log = SigningKey::new("log", &[1; 32]).unwrap();
        let witness = CosigningKey::new("w", &[2; 32]).unwrap();
        let key = witness.cosignature_key();
        let checkpoint = Checkpoint { origin: "log".into(), size: 3, root: Hash([4; 32]) };
        let mut note = Note::parse(&checkpoint.sign(&log)).unwrap();
        note.cosign(&witness, 7);
        let text = note.unverified_text().to_owned();
        let mut bytes = note.to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= by;
        if let Ok(changed) = Note::parse(&bytes) {
            // A change of the log's own line leaves the cosignature as it was, and only that.
            if let Ok(time) = changed.cosigned(&key) {
                prop_assert_eq!((time, changed.unverified_text()), (7, text.as_str()));
            }
        }
    }

    #[test]
    fn keys_are_read_as_they_are_written(secret: [u8; 32], name in "[a-z0-9./\u{e9}-]{1,40}") {
        let key = CosigningKey::new(name, &secret).unwrap().cosignature_key();
        prop_assert_eq!(key.to_string().parse::<CosignatureKey>().unwrap(), key);
    }
}
