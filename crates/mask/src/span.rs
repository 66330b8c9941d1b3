//! A finding, and how findings that overlap become one.

use crate::entity::Entity;
use crate::placeholder;

/// A value that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// First byte of the value in the original text.
    pub start: usize,
    /// First byte after the value.
    pub end: usize,
    /// What the value is.
    pub entity: Entity,
    /// How sure the detector is, from 0 to 1.
    pub score: f32,
    /// Which detector found it.
    pub detector: &'static str,
}

impl Span {
    /// What decides which of two findings gives a merged one its name.
    fn outranks(&self, other: &Self) -> bool {
        let rank = |s: &Self| (s.entity.is_credential(), s.end - s.start);
        let (ours, theirs) = (rank(self), rank(other));
        if ours.0 != theirs.0 {
            return ours.0;
        }
        self.score > other.score
            || self.score.to_bits() == other.score.to_bits() && ours.1 > theirs.1
    }
}

/// Sorts findings, merges those that overlap, and leaves placeholders alone.
///
/// Overlapping findings become one that covers all of them: to drop the loser would leave the part
/// of it in the log that the winner does not cover.
pub(crate) fn settle(found: Vec<Span>, text: &[u8]) -> Vec<Span> {
    let mut spans = around_placeholders(found, text);
    spans.sort_by_key(|span| (span.start, span.end, span.entity));
    let mut settled: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match settled.last_mut() {
            Some(last) if span.start < last.end => {
                let (start, end) = (last.start, last.end.max(span.end));
                if span.outranks(last) {
                    *last = span;
                }
                last.start = start;
                last.end = end;
            }
            _ => settled.push(span),
        }
    }
    settled
}

fn around_placeholders(found: Vec<Span>, text: &[u8]) -> Vec<Span> {
    let mut spans = Vec::with_capacity(found.len());
    for mut span in found {
        while span.start < span.end {
            let Some((open, close)) = placeholder::first_in(text, span.start, span.end) else {
                break;
            };
            if open > span.start {
                spans.push(Span { end: open, ..span.clone() });
            }
            span.start = close.min(span.end);
        }
        if span.start < span.end {
            spans.push(span);
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize, entity: Entity, score: f32) -> Span {
        Span { start, end, entity, score, detector: "test" }
    }

    #[test]
    fn overlapping_findings_become_one() {
        let text = [b'x'; 40];
        let settled = settle(
            vec![
                span(5, 20, Entity::Email, 0.9),
                span(0, 8, Entity::Phone, 0.5),
                span(30, 32, Entity::Iban, 0.9),
            ],
            &text,
        );
        assert_eq!(settled.len(), 2);
        assert_eq!((settled[0].start, settled[0].end), (0, 20));
        assert_eq!(settled[0].entity, Entity::Email);
    }

    #[test]
    fn a_credential_gives_the_name() {
        let settled = settle(
            vec![span(0, 20, Entity::Email, 1.0), span(0, 8, Entity::ApiKey, 0.5)],
            &[b'x'; 40],
        );
        assert_eq!(settled[0].entity, Entity::ApiKey);
        assert_eq!(settled[0].end, 20);
    }

    #[test]
    fn placeholders_are_cut_out() {
        let settled = settle(vec![span(0, 12, Entity::ApiKey, 1.0)], b"ab[EMAIL]cde");
        let ranges: Vec<_> = settled.iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(ranges, [(0, 2), (9, 12)]);
        assert_eq!(settle(vec![span(3, 5, Entity::ApiKey, 1.0)], b"ab[EMAIL]cde"), []);
    }
}
