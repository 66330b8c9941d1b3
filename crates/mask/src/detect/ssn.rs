//! Social security numbers of the United States: the groups that were never issued.

use super::number::Number;
use super::shape::{glued, in_opaque_token, number as value};
use super::{Found, span};
use crate::bytes::slice;
use crate::entity::Entity;
use crate::words::Scene;

const WORDS: [&str; 7] = ["ssn", "social", "ssns", "socsec", "socialsecurity", "taxpayer", "tin"];

/// Looks for a social security number among the groups of a number.
pub(crate) fn detect(scene: &Scene<'_>, number: &Number, found: &mut Found) {
    for (i, (start, end)) in number.groups().iter().copied().enumerate() {
        let group = |n: usize| number.group(scene.text, i + n);
        let separators = (number.separator(scene.text, i), number.separator(scene.text, i + 1));
        if end - start == 9 && number.groups().len() == 1 {
            let parts = (group(0).get(..3), group(0).get(3..5), group(0).get(5..));
            if let (Some(area), Some(middle), Some(serial)) = parts
                && issued(area, middle, serial)
                && scene.before(start, 40, &WORDS)
                && !glued(scene.text, start, end)
            {
                found.push(span((start, end), Entity::UsSsn, 0.85, "ssn"));
            }
            continue;
        }
        if !issued(group(0), group(1), group(2)) || alone(scene, number, i).is_none() {
            continue;
        }
        let last = number.groups().get(i + 2).map_or(end, |g| g.1);
        let sure = separators == (b"-", b"-");
        let likely = separators.0 == separators.1 && matches!(separators.0, b" " | b"." | b"/");
        if (sure || likely && scene.before(start, 40, &WORDS))
            && !glued(scene.text, start, last)
            && !in_opaque_token(scene.text, start, last)
        {
            found.push(span((start, last), Entity::UsSsn, 0.9, "ssn"));
        }
    }
}

/// The groups before and after belong to another number only if other separators set them off.
fn alone(scene: &Scene<'_>, number: &Number, i: usize) -> Option<()> {
    let inner = number.separator(scene.text, i);
    let left = i.checked_sub(1).map(|i| number.separator(scene.text, i)).unwrap_or_default();
    let right = number.separator(scene.text, i + 2);
    (left != inner && right != inner && !number.plus).then_some(())
}

/// Whether nine digits can be one that was issued.
pub(super) fn is_issued(digits: &[u8]) -> bool {
    issued(slice(digits, 0, 3), slice(digits, 3, 5), slice(digits, 5, 9))
}

fn issued(area: &[u8], group: &[u8], serial: &[u8]) -> bool {
    // From 900 on they are numbers of taxpayers, another detector's.
    (area.len(), group.len(), serial.len()) == (3, 2, 4)
        && !matches!(value(area), 0 | 666 | 900..)
        && value(group) != 0
        && value(serial) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::UsSsn, "Here's my SSN: 460-89-9847", "460-89-9847");
        yes(Entity::UsSsn, "ssn 460 89 9847.", "460 89 9847");
        yes(Entity::UsSsn, "social security number 460899847", "460899847");
        yes(Entity::UsSsn, "the form says 853-37-1694 and", "853-37-1694");
    }

    #[test]
    fn never_issued_or_no_such_number() {
        for text in [
            "000-12-3456",
            "666-12-3456",
            "078-05-0000",
            "123-00-4567",
            "tab 460899847",
            "460 89 9847 units",
            "1-460-89-9847",
            "460-89-9847-1",
            "part-460-89-9847",
        ] {
            no(Entity::UsSsn, text);
        }
    }
}
