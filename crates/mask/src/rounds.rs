//! Takes out what is found, round after round, until nothing more is found.
//!
//! A replacement can bring a word closer to a number, or two halves together. So the result is
//! looked at again; every round takes text away, and hardly any text needs a third one. What a
//! replacement lets appear is beside it, so that in a long text only the surroundings of the
//! replacements are read again.

use std::borrow::Cow;
use std::ops::Range;

use crate::pass::{Edit, Pass};
use crate::taken::Taken;

/// No text needs as many.
const ROUNDS: usize = 64;
/// A value that appears begins or ends no farther from a replacement: words speak for a value
/// within 56 bytes.
const NEAR: usize = 96;
/// What is read beyond that, so that it is seen in its surroundings.
const AROUND: usize = 96;

/// A text after a round.
struct Round {
    text: String,
    /// Where something stands that did not stand there before.
    places: Vec<Range<usize>>,
}

impl Pass<'_> {
    /// The text without what `look` finds in it; the text itself if that is nothing, or if the
    /// policy only counts.
    pub(crate) fn rounds<'t>(
        &self,
        text: &'t str,
        taken: &mut Taken,
        look: impl Fn(&str) -> Vec<Edit>,
    ) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        let mut edits = look(text);
        for _ in 0..ROUNDS {
            let Some(next) = self.round(&masked, &edits, taken).filter(|_| !self.is_dry()) else {
                break;
            };
            masked = Cow::Owned(next.text);
            if !self.again() {
                break;
            }
            edits = look_again(&masked, &next.places, &look);
        }
        masked
    }

    /// The text with these values replaced; `None` if all of them stay.
    pub(crate) fn apply(&self, text: &str, edits: &[Edit], taken: &mut Taken) -> Option<String> {
        self.round(text, edits, taken).map(|round| round.text)
    }

    fn round(&self, text: &str, edits: &[Edit], taken: &mut Taken) -> Option<Round> {
        let mut round: Option<Round> = None;
        let mut done = 0;
        for edit in edits {
            let span = &edit.span;
            let value = text.get(span.start..span.end).unwrap_or_default();
            let Some(stand_in) = self.take(span.entity, value, taken) else {
                continue;
            };
            let round = round.get_or_insert_with(|| Round {
                text: String::with_capacity(text.len() + 32),
                places: Vec::new(),
            });
            round.text.push_str(text.get(done..span.start).unwrap_or_default());
            let start = round.text.len();
            edit.write(&stand_in, &mut round.text);
            round.places.push(start..round.text.len());
            done = span.end;
        }
        let mut round = round?;
        round.text.push_str(text.get(done..).unwrap_or_default());
        Some(round)
    }
}

/// What is found near these places. In all of the text if they are all over it, if it has no gaps
/// to cut it at, or if it is JSON, where a value is near another one when it is below the same key.
fn look_again(text: &str, places: &[Range<usize>], look: impl Fn(&str) -> Vec<Edit>) -> Vec<Edit> {
    if text.trim_start().starts_with(['{', '[']) {
        return look(text);
    }
    let Some(windows) = windows(text, places) else {
        return look(text);
    };
    let read: usize = windows.iter().map(ExactSizeIterator::len).sum();
    if read * 2 > text.len() {
        return look(text);
    }
    let mut edits = Vec::new();
    for window in windows {
        for mut edit in look(text.get(window.clone()).unwrap_or_default()) {
            edit.span.start += window.start;
            edit.span.end += window.start;
            let next = places.partition_point(|place| place.end + NEAR < edit.span.start);
            if places.get(next).is_some_and(|place| edit.span.end + NEAR >= place.start) {
                edits.push(edit);
            }
        }
    }
    edits
}

/// What is read round these places, cut between words; `None` where there is no gap.
fn windows(text: &str, places: &[Range<usize>]) -> Option<Vec<Range<usize>>> {
    let mut windows: Vec<Range<usize>> = Vec::new();
    for place in places {
        let start = gap_before(text, place.start.saturating_sub(NEAR + AROUND))?;
        let end = gap_after(text, place.end + NEAR + AROUND)?;
        match windows.last_mut() {
            Some(last) if last.end >= start => last.end = last.end.max(end),
            _ => windows.push(start..end),
        }
    }
    Some(windows)
}

/// The last gap between words before a place, not far from it, or the beginning.
fn gap_before(text: &str, at: usize) -> Option<usize> {
    let from = text.floor_char_boundary(at.saturating_sub(AROUND));
    let head = text.get(from..text.floor_char_boundary(at))?;
    head.rfind(char::is_whitespace).map(|gap| from + gap).or((from == 0).then_some(0))
}

/// The first gap between words behind a place, not far from it, or the end.
fn gap_after(text: &str, at: usize) -> Option<usize> {
    let from = text.ceil_char_boundary(at);
    let to = text.ceil_char_boundary(from.saturating_add(AROUND));
    let tail = text.get(from..to)?;
    tail.find(char::is_whitespace).map(|gap| from + gap).or((to == text.len()).then_some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_between_words() {
        let text = "word ".repeat(200);
        let near = windows(&text, &[500..507, 520..527]).unwrap();
        assert_eq!(near.first(), Some(&(304..719)));
        assert_eq!(windows(&text, &[0..3, 995..1000]).unwrap(), [0..199, 799..1000]);
    }

    #[test]
    fn windows_are_cut_between_characters() {
        let text = "é ".repeat(400);
        for start in (0..1190).step_by(3) {
            let place = start..start + 3;
            for window in windows(&text, std::slice::from_ref(&place)).unwrap() {
                assert!(text.get(window.clone()).is_some(), "{window:?}");
            }
        }
    }

    #[test]
    fn what_has_no_gaps_is_not_cut() {
        let text = "é".repeat(600);
        assert_eq!(windows(&text, &[0..2, 500..502]), None);
    }
}
