//! The forward pass in Rust against that of the training side: the same tokens, the same bits, the same tags.
//!
//! `fixture.txt` are texts of our own; `train/export.py` writes `parity.jsonl` with the weights that are in the binary.

use names::{Tagger, reference};
use serde_json::Value;

const FIXTURE: &str = include_str!("parity.jsonl");

#[test]
fn tags_are_those_of_the_training_side() {
    let mut texts = 0;
    for line in FIXTURE.lines() {
        let wanted: Value = serde_json::from_str(line).unwrap();
        let text = wanted["text"].as_str().unwrap();
        let found = reference::tags(Tagger::shared(), text);
        let tokens: Vec<&str> = found.iter().map(|(token, _, _)| token.as_str()).collect();
        let bits: Vec<u32> = found.iter().map(|(_, bits, _)| *bits).collect();
        let tags: Vec<&str> = found.iter().map(|(_, _, tag)| *tag).collect();
        assert_eq!(serde_json::to_value(tokens).unwrap(), wanted["tokens"], "{text}");
        assert_eq!(serde_json::to_value(bits).unwrap(), wanted["bits"], "{text}");
        assert_eq!(serde_json::to_value(tags).unwrap(), wanted["tags"], "{text}");
        texts += 1;
    }
    assert!(texts >= 10);
}
