//! From scores to names: the best sequence of tags that makes sense.

use crate::token::Token;
use crate::{Name, NameKind};

/// Begin, inside, end, single; in the order of the network's outputs.
pub(crate) const TAGS: [&str; 17] = [
    "O",
    "B-PERSON",
    "I-PERSON",
    "E-PERSON",
    "S-PERSON",
    "B-LOCATION",
    "I-LOCATION",
    "E-LOCATION",
    "S-LOCATION",
    "B-ADDRESS",
    "I-ADDRESS",
    "E-ADDRESS",
    "S-ADDRESS",
    "B-ORG",
    "I-ORG",
    "E-ORG",
    "S-ORG",
];

const KINDS: [NameKind; 4] =
    [NameKind::Person, NameKind::Location, NameKind::Address, NameKind::Organisation];

/// How many there are.
pub(crate) const COUNT: usize = TAGS.len();

/// What part of a name a tag says that a token is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    Begin,
    Inside,
    End,
    Single,
}

fn part(tag: usize) -> (Part, usize) {
    let Some(inside) = tag.checked_sub(1) else { return (Part::Outside, 0) };
    let part = match inside % 4 {
        0 => Part::Begin,
        1 => Part::Inside,
        2 => Part::End,
        _ => Part::Single,
    };
    (part, inside / 4)
}

/// Whether `after` may follow `before`; no tag stands for the ends of the chunk.
fn follows(before: Option<usize>, after: Option<usize>) -> bool {
    let open = before.map(part).filter(|(part, _)| matches!(part, Part::Begin | Part::Inside));
    let goes_on = after.map(part).filter(|(part, _)| matches!(part, Part::Inside | Part::End));
    match (open, goes_on) {
        (Some((_, before)), Some((_, after))) => before == after,
        (None, None) => true,
        _ => false,
    }
}

/// The best allowed sequence of tags (Viterbi).
pub(crate) fn path(scores: &[[f32; COUNT]]) -> Vec<usize> {
    let mut allowed = [[false; COUNT]; COUNT];
    for (after, row) in allowed.iter_mut().enumerate() {
        for (before, allowed) in row.iter_mut().enumerate() {
            *allowed = follows(Some(before), Some(after));
        }
    }
    let mut now = [0.0f32; COUNT];
    let mut back: Vec<[u8; COUNT]> = Vec::with_capacity(scores.len());
    for (i, row) in scores.iter().enumerate() {
        let mut next = [f32::NEG_INFINITY; COUNT];
        let mut from = [0u8; COUNT];
        for (tag, (((next, from), allowed), score)) in
            next.iter_mut().zip(&mut from).zip(&allowed).zip(row).enumerate()
        {
            if i == 0 {
                *next = if follows(None, Some(tag)) { *score } else { f32::NEG_INFINITY };
                continue;
            }
            let (mut best, mut best_at) = (f32::NEG_INFINITY, 0u8);
            for ((value, allowed), at) in now.iter().zip(allowed).zip(0u8..) {
                if *allowed && *value > best {
                    (best, best_at) = (*value, at);
                }
            }
            *next = best + score;
            *from = best_at;
        }
        now = next;
        back.push(from);
    }
    let last = now.iter().enumerate().filter(|(tag, _)| follows(Some(*tag), None));
    let last = last.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(tag, _)| tag);
    let mut path: Vec<usize> = Vec::with_capacity(back.len());
    let mut tag = last;
    for from in back.iter().rev() {
        path.push(tag);
        tag = from.get(tag).map_or(0, |tag| usize::from(*tag));
    }
    path.reverse();
    path
}

/// Adds the names of a chunk.
pub(crate) fn names(scores: &[[f32; COUNT]], chunk: &[Token<'_>], names: &mut Vec<Name>) {
    let mut open: Option<(usize, f32, u16)> = None;
    for ((tag, token), row) in path(scores).into_iter().zip(chunk).zip(scores) {
        let (part, kind) = part(tag);
        let score = row.get(tag).copied().unwrap_or(f32::NEG_INFINITY);
        match part {
            Part::Outside => open = None,
            Part::Begin | Part::Single => open = Some((token.start, score, 1)),
            Part::Inside | Part::End => {
                if let Some((_, sum, count)) = &mut open {
                    *sum += score;
                    *count = count.saturating_add(1);
                }
            }
        }
        if matches!(part, Part::End | Part::Single)
            && let Some((start, sum, count)) = open.take()
            && let Some(kind) = KINDS.get(kind)
        {
            let score = (sum / f32::from(count)).exp();
            names.push(Name { start, end: token.end, kind: *kind, score });
        }
    }
}
