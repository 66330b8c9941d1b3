//! By hand, and beside the scorer that goes with the annotated texts.

use std::process::Command;

use serde_json::{Value, json};

use super::super::{look, sets};
use super::{Document, Found, score};

fn document(text: &str, spans: &[(usize, usize, &str)]) -> Document {
    let spans: Vec<_> =
        spans.iter().map(|(s, e, l)| json!({"start": s, "end": e, "label": l})).collect();
    serde_json::from_value(json!({"id": "1", "text": text, "spans": spans})).unwrap()
}

fn found(spans: &[(usize, usize, &str)]) -> Vec<Found> {
    let found = spans.iter().map(|&(start, end, label)| Found { start, end, label: label.into() });
    found.collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn one_hit_one_half_one_miss() {
    let texts = [document(
        "Ann Lee, 12 High St, a@b.cd",
        &[(0, 7, "PERSON"), (9, 19, "ADDRESS"), (21, 27, "EMAIL")],
    )];
    let found = [found(&[(0, 7, "PERSON"), (9, 12, "LOCATION"), (8, 9, "PHONE")])];
    let scores = score(&texts, &found, None);
    assert_eq!(scores.of("PERSON").values.strict, 1);
    // Three of ten characters are no half.
    assert!(near(scores.of("LOC").recall(), 0.0) && near(scores.of("LOC").touched(), 1.0));
    assert!(near(scores.of("LOC").leaked(), 6.0 / 8.0), "{:?}", scores.of("LOC"));
    // The wrong telephone number counts in no group: the set has none.
    let micro = scores.micro();
    assert!(near(micro.recall(), 1.0 / 3.0) && near(micro.precision(), 0.5), "{micro:?}");
    assert!(near(micro.f1(), 0.4));
    // Of the four characters between the values one blank.
    assert!(near(scores.over_masked(), 0.25), "{scores:?}");
    assert_eq!(scores.misses.len(), 3, "{:?}", scores.misses);
}

#[test]
fn what_is_not_asked_for_makes_nothing_wrong() {
    let texts = [document("Ann Lee 7 x", &[(0, 7, "TITLE"), (8, 9, "PERSON")])];
    let found = [found(&[(0, 3, "PERSON"), (10, 11, "PERSON")])];
    let all = score(&texts, &found, None);
    let only = score(&texts, &found, Some(&["PERSON"]));
    assert_eq!((all.of("PERSON").findings.all, only.of("PERSON").findings.all), (2, 1));
    assert!(near(all.over_masked(), only.over_masked()));
}

#[test]
fn one_finding_fits_one_value() {
    let texts = [document("abcdef", &[(0, 3, "ZIP"), (0, 4, "ADDRESS")])];
    let scores = score(&texts, &[found(&[(0, 4, "LOCATION")])], None);
    assert_eq!((scores.of("LOC").values.overlap, scores.of("LOC").values.covered), (1, 2));
}

/// Every set that is there, with what the detectors that are always on find.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test's files need not last")]
fn figures_are_those_of_the_scorer() {
    let script = sets::usual().join("../../tools/score_masking.py");
    let python = std::env::var_os("CUSTODY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let Ok(sets) = sets::load(&sets::usual()) else {
        println!("LEFT OUT: no annotated texts at {}", sets::usual().display());
        return;
    };
    let masker = mask::Masker::new(mask::Policy::default(), [0; 32]);
    let folder = tempfile::tempdir().unwrap();
    for (name, documents) in &sets {
        let found: Vec<_> =
            documents.iter().map(|d| look::taken_out(&masker.anywhere(), &d.text)).collect();
        let written = |spans: &dyn Fn(usize, &Document) -> Value| -> String {
            let lines = documents.iter().enumerate().map(|(i, document)| {
                let text = &document.text;
                json!({"id": i.to_string(), "text": text, "spans": spans(i, document)}).to_string()
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let [gold, pred, out] = ["gold", "pred", "out"].map(|f| folder.path().join(f));
        let span = |start: usize, end: usize, label: &str| json!({"start": start, "end": end, "label": label});
        let golds = |_: usize, d: &Document| -> Value {
            d.spans.iter().map(|s| span(s.start, s.end, &s.label)).collect()
        };
        let preds = |i: usize, _: &Document| -> Value {
            found[i].iter().map(|s| span(s.start, s.end, &s.label)).collect()
        };
        std::fs::write(&gold, written(&golds)).unwrap();
        std::fs::write(&pred, written(&preds)).unwrap();
        for only in [None, Some(["PERSON", "ADDRESS", "CREDIT_CARD", "PHONE", "EMAIL", "SECRET"])] {
            let mut command = Command::new(&python);
            command.arg(&script).args([&gold, &pred]).arg("--json").arg(&out);
            if let Some(only) = only {
                command.args(["--labels", &only.join(",")]);
            }
            let said = command.output().unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            let theirs: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
            let ours = score(documents, &found, only.as_ref().map(<[&str; 6]>::as_slice));
            let tallies = ours.groups.iter().map(|(group, tally)| (group.as_str(), *tally));
            for (group, tally) in tallies.chain([("micro(in scope)", ours.micro())]) {
                let strict = tally.strict();
                for (figure, value) in [
                    ("r", tally.recall()),
                    ("p", tally.precision()),
                    ("f1", tally.f1()),
                    ("f2", tally.f2()),
                    ("any", tally.touched()),
                    ("full", tally.covered()),
                    ("leaked", tally.leaked()),
                    ("r_strict", strict.0),
                    ("p_strict", strict.1),
                    ("f1_strict", strict.2),
                ] {
                    let their = theirs[group][figure].as_f64().unwrap();
                    assert!(near(value, their), "{name} {group} {figure}: {value} for {their}");
                }
            }
            let their = theirs["_overmask"].as_f64().unwrap();
            assert!(near(ours.over_masked(), their), "{name}: {} for {their}", ours.over_masked());
        }
    }
}
