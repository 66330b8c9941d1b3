//! Poland, the Czech Republic and Slovakia, Croatia, Estonia and Lithuania.

use super::check::{digit, is_day, is_uniform, mod_11_10, modulo, part, weighted};
use super::{Kind, Lone, Word};
use crate::bytes::slice;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 5] = [
    Kind {
        entity: Entity::PlPesel,
        forms: &[(Lone, "99999999999")],
        check: pesel,
        words: "pesel, numer pesel, ewidencyjny",
    },
    Kind {
        entity: Entity::PlNip,
        forms: &[(Word, "9999999999 999~999~99~99 999~99~99~999")],
        check: nip,
        words: "nip, podatkowy, identyfikacji podatkowej",
    },
    Kind {
        entity: Entity::CzRodneCislo,
        forms: &[(Word, "999999~9999 9999999999")],
        check: birth_number,
        words: "rodne cislo, rc, rodne, rodneho cisla, birth number",
    },
    Kind {
        entity: Entity::HrOib,
        forms: &[(Word, "99999999999")],
        check: |value| mod_11_10(value) && !is_uniform(value),
        words: "oib, osobni identifikacijski",
    },
    Kind {
        entity: Entity::EeIsikukood,
        forms: &[(Lone, "99999999999")],
        check: baltic,
        words: "isikukood, asmens kodas, asmens, personal code",
    },
];

/// Birthday, in whose month the century is, and weights 1, 3, 7, 9.
fn pesel(value: &[u8]) -> bool {
    weighted(value, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
        && is_day(part(value, 4, 6), part(value, 2, 4) % 20)
}

fn nip(value: &[u8]) -> bool {
    weighted(value, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(value, 9) && !is_uniform(value)
}

/// Birthday, with 50 or 20 and 70 added to the month, and a number that 11 divides.
fn birth_number(value: &[u8]) -> bool {
    let month = part(value, 2, 4);
    let month = [0, 20, 50, 70]
        .into_iter()
        .find_map(|added| month.checked_sub(added).filter(|month| (1..=12).contains(month)));
    // Until 1985 a remainder of ten was written as 0.
    let divided =
        modulo(value, 11) == 0 || modulo(slice(value, 0, 9), 11) == 10 && digit(value, 9) == 0;
    divided && month.is_some_and(|month| is_day(part(value, 4, 6), month))
}

/// Sex and century, birthday, weights 1 to 9 and 1; if they give ten, 3 to 9 and 1 to 3.
fn baltic(value: &[u8]) -> bool {
    let first = weighted(value, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(value, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first < 10 { first } else { second % 10 };
    (1..=6).contains(&digit(value, 0))
        && is_day(part(value, 5, 7), part(value, 3, 5))
        && check == digit(value, 10)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::PlPesel, "My pesel is 44051401458.", "44051401458");
        yes(Entity::PlNip, "NIP: 123-456-32-18", "123-456-32-18");
        yes(Entity::CzRodneCislo, "rodné číslo 710319/2745", "710319/2745");
        yes(Entity::HrOib, "OIB 33392005961", "33392005961");
        yes(Entity::EeIsikukood, "isikukood 36805280109", "36805280109");
    }

    #[test]
    fn others_are_none() {
        no(Entity::PlPesel, "id 44051401458, pesel 44051401459");
        no(Entity::PlNip, "number 123-456-32-18");
        no(Entity::CzRodneCislo, "710319/2745 of 710319/2746");
        no(Entity::EeIsikukood, "row 36805280109");
    }
}
