use std::sync::OnceLock;

use mask::{Action, Masker, Policy, Settings, Taken, Target};
use serde_json::Value;

/// Maskers under which everything is masked, pseudonymised, kept apart, dropped.
fn maskers() -> &'static [Masker] {
    static MASKERS: OnceLock<Vec<Masker>> = OnceLock::new();
    MASKERS.get_or_init(|| {
        [Action::Mask, Action::Pseudonym, Action::Vault, Action::Drop]
            .into_iter()
            .map(|action| {
                let settings =
                    Settings { actions: vec![(Target::All, action)], ..Settings::default() };
                Masker::new(Policy::new("fuzz", settings).expect("no exceptions"), [7; 32])
            })
            .collect()
    })
}

/// Masking a masked text changes nothing; JSON stays JSON; spans are sorted and on character
/// boundaries.
pub fn mask_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for masker in maskers() {
        let mut last = 0;
        for span in masker.find(text) {
            assert!(last <= span.start && span.start < span.end);
            assert!(text.get(span.start..span.end).is_some());
            last = span.end;
        }
        let once = masker.mask_text(text, &mut Taken::default()).into_owned();
        if serde_json::from_str::<Value>(text).is_ok_and(|v| v.is_object() || v.is_array()) {
            assert!(serde_json::from_str::<Value>(&once).is_ok(), "masked JSON is JSON");
        }
        let mut taken = Taken::default();
        assert_eq!(masker.mask_text(&once, &mut taken), once);
        assert!(taken.is_empty());
    }
}

/// Masked JSON is JSON, and masking it again changes nothing.
pub fn mask_json(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    for masker in maskers() {
        let mut once = value.clone();
        masker.mask_json(&mut once, &mut Taken::default());
        let written = once.to_string();
        let read: Value = serde_json::from_str(&written).expect("masked JSON is JSON");
        assert_eq!(read.to_string(), written);
        let mut twice = once;
        masker.mask_json(&mut twice, &mut Taken::default());
        assert_eq!(twice.to_string(), written);
    }
}
