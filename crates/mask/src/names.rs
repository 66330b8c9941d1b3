//! The names tier: names of people and places, found by a tagger that the caller brings.
//!
//! It costs a hundred times what the other detectors cost, so the recorder runs it apart from them
//! and later. It looks at prose alone.

mod token;

use std::fmt;

use crate::clean::Clean;
use crate::entity::Entity;
use crate::pass::Overdue;
use crate::prose;
use crate::span::Span;

/// Finds names in prose.
pub trait FindNames: Send + Sync {
    /// The names in a text: byte offsets on character boundaries.
    fn find(&self, text: &str) -> Vec<Span>;

    /// What it is and its version, as records name it: `names/1`.
    fn version(&self) -> &str;
}

impl fmt::Debug for dyn FindNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version())
    }
}

/// The names in the prose of a text, with offsets into the text. Whoever waits is asked between
/// two stretches whether it takes too long.
pub(crate) fn find(finder: &dyn FindNames, text: &str, overdue: Overdue<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    for stretch in prose::stretches(text) {
        if overdue() {
            break;
        }
        let Some(prose) = text.get(stretch.clone()) else { continue };
        let clean = Clean::of(prose);
        let spans = finder.find(clean.text());
        for span in spans.iter().flat_map(|span| token::without(span, clean.text())) {
            let start = stretch.start + clean.origin(span.start);
            let end = stretch.start + clean.origin(span.end);
            found.push(Span { start, end, ..span });
        }
    }
    found
}

/// Cuts names round values that are found already: what is left of them still is one.
pub(crate) fn beside(names: Vec<Span>, values: &[Span], text: &str) -> Vec<Span> {
    let mut left = Vec::with_capacity(names.len());
    for name in names {
        let mut start = name.start;
        let inside = values.iter().filter(|v| v.start < name.end && v.end > name.start);
        for value in inside {
            push(&mut left, &name, start, value.start, text);
            start = value.end;
        }
        push(&mut left, &name, start, name.end, text);
    }
    left
}

/// Takes a piece of a name without the blanks and signs at its edges, if a letter or digit is left.
fn push(into: &mut Vec<Span>, name: &Span, start: usize, end: usize, text: &str) {
    let Some(piece) = text.get(start..end) else { return };
    let Some(first) = piece.find(char::is_alphanumeric) else { return };
    let last = piece.char_indices().rev().find(|(_, c)| c.is_alphanumeric());
    let end = last.map_or(end, |(at, c)| start + at + c.len_utf8());
    let whole = start == name.start && end == name.end;
    // Two letters beside an e-mail address are no name any more.
    if whole || end - (start + first) > 2 {
        into.push(Span { start: start + first, end, ..name.clone() });
    }
}

/// Whether the key above a value says that the value is a person's name.
pub(crate) fn is_name_key(key: &str) -> bool {
    const WHOLE: [&str; 22] = [
        "firstname",
        "lastname",
        "fullname",
        "surname",
        "givenname",
        "familyname",
        "middlename",
        "maidenname",
        "customername",
        "patientname",
        "employeename",
        "cardholder",
        "cardholdername",
        "accountholder",
        "contactname",
        "nameoncard",
        "recipientname",
        "beneficiaryname",
        "vorname",
        "nachname",
        "prenom",
        "apellido",
    ];
    let plain: String = key.chars().filter(char::is_ascii_alphabetic).collect();
    WHOLE.iter().any(|name| plain.eq_ignore_ascii_case(name))
}

/// Whether a value under such a key can be a name.
pub(crate) fn can_be_name(value: &str) -> bool {
    (2..=80).contains(&value.len())
        && value.chars().any(char::is_alphabetic)
        && !value.chars().any(|c| c.is_ascii_digit() || matches!(c, '{' | '<' | '_' | '/' | '='))
        && value.split_whitespace().count() <= 6
}

/// The kinds of name that the tier finds.
pub const NAMES: [Entity; 4] =
    [Entity::Person, Entity::Location, Entity::Address, Entity::Organisation];

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize) -> Span {
        Span { start, end, entity: Entity::Person, score: 0.9, detector: "test" }
    }

    #[test]
    fn names_are_cut_round_values() {
        let text = "Ada Lovelace ada@x.org, Bo";
        let left = beside(vec![span(0, 26)], &[span(13, 22)], text);
        let ranges: Vec<_> = left.iter().map(|s| &text[s.start..s.end]).collect();
        assert_eq!(ranges, ["Ada Lovelace"]);
        assert_eq!(beside(vec![span(13, 20)], &[span(13, 22)], text), []);
        assert_eq!(beside(vec![span(24, 26)], &[span(13, 22)], text).len(), 1);
    }

    #[test]
    fn keys_that_say_name() {
        for key in ["first_name", "lastName", "Patient-Name", "cardholder_name"] {
            assert!(is_name_key(key), "{key}");
        }
        for key in ["name", "filename", "tool_name", "hostname", "user_name"] {
            assert!(!is_name_key(key), "{key}");
        }
        assert!(can_be_name("Ada Lovelace") && can_be_name("李雷"));
        assert!(!can_be_name("{{name}}") && !can_be_name("string_1") && !can_be_name("x"));
    }
}
