//! The forms of every kind, by what is known of a text at a first glance.

use std::sync::LazyLock;

use super::{Kind, LONGEST, Trust, families};
use crate::bytes::{at, slice};
use crate::context::Topics;

/// One form of one kind, made ready.
pub(super) struct Form {
    pub kind: &'static Kind,
    pub topic: Topics,
    pub pattern: &'static [u8],
    pub trust: Trust,
    /// The lengths of its groups of digits, if it has nothing else.
    pub groups: Vec<usize>,
    /// What stands before the letters that lead to its first digits: `M-` in `M-AB 1234`.
    pub lead: usize,
}

/// The forms by what is known of a text at a first glance.
pub(super) struct Table {
    /// Forms of digits only, by how many they are.
    pub digits: Vec<Vec<Form>>,
    /// Of those, a bit for each number of groups that occurs.
    pub counts: Vec<u32>,
    /// Forms with letters, by the letters before the first digits, whether a separator follows
    /// them, and the length of the first run of digits.
    pub mixed: Vec<Vec<Form>>,
    /// Forms of letters and digits at any place, by length.
    pub tokens: Vec<Vec<Form>>,
}

/// As many letters as stand before the first digit of any form, and one.
pub(super) const LETTERS: usize = 7;
/// Longer runs of digits begin no form that has letters.
const RUN: usize = 20;

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let empty = |n: usize| (0..n).map(|_| Vec::new()).collect::<Vec<Vec<Form>>>();
    let (mut digits, mut mixed, mut tokens) =
        (empty(LONGEST + 1), empty(LETTERS * RUN * 2), empty(LONGEST + 1));
    for (i, kind) in families().enumerate() {
        let forms =
            kind.forms.iter().flat_map(|(trust, forms)| forms.split(' ').map(move |f| (f, trust)));
        for (pattern, trust) in forms {
            let pattern = pattern.as_bytes();
            let length = pattern.iter().filter(|b| b.is_ascii_alphanumeric()).count();
            let groups = pattern.split(|b| *b == b'~').map(<[u8]>::len).collect();
            let first = pattern.iter().position(|b| *b == b'9').unwrap_or(pattern.len());
            let parted = first > 0 && at(pattern, first - 1) == b'~';
            let letters_end = first - usize::from(parted);
            let lead = slice(pattern, 0, letters_end)
                .iter()
                .rposition(|b| *b == b'~')
                .map_or(0, |i| i + 1);
            let run = pattern.iter().skip(first).take_while(|b| **b == b'9').count();
            let form = Form { kind, topic: 1 << i, pattern, trust: *trust, groups, lead };
            let slot = if pattern.iter().all(|b| matches!(b, b'9' | b'~')) {
                digits.get_mut(length)
            } else if at(pattern, 0) == b'X' {
                tokens.get_mut(length)
            } else {
                place(letters_end - lead, parted, run).and_then(|place| mixed.get_mut(place))
            };
            if let Some(slot) = slot {
                slot.push(form);
            }
        }
    }
    let count =
        |forms: &Vec<Form>| forms.iter().fold(0, |bits, form| bits | 1 << form.groups.len());
    let counts = digits.iter().map(count).collect();
    Table { digits, counts, mixed, tokens }
});

pub(super) fn place(letters: usize, parted: bool, run: usize) -> Option<usize> {
    (letters < LETTERS && run < RUN).then_some((letters * RUN + run) * 2 + usize::from(parted))
}
