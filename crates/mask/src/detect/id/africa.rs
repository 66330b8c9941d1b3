//! South Africa and Israel.

use super::check::{is_uniform, is_ymd, luhn, part};
use super::{Kind, Lone, Word};
use crate::bytes::at;
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 2] = [
    Kind {
        entity: Entity::ZaIdNumber,
        forms: &[(Lone, "9999999999999 999999~9999~999 999999~9999~99~9")],
        check: south_african,
        words: "south african, rsa, sa id, id number, identity number, permanent resident, \
            resident number, refugee, identiteitsnommer, rsa id",
    },
    Kind {
        entity: Entity::IlId,
        forms: &[(Word, "999999999 99999999~9")],
        check: |value| luhn(value) && !is_uniform(value),
        words: "teudat zehut, teudat, israeli id, mispar zehut",
    },
];

/// Birthday, number, who the person is to the state, Luhn.
fn south_african(value: &[u8]) -> bool {
    // The first digits of a time in milliseconds.
    let epoch = matches!(part(value, 0, 2), 14..=18);
    is_ymd(value) && matches!(at(value, 10), b'0'..=b'2') && luhn(value) && !epoch
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::ZaIdNumber, "RSA ID: 0002294321191", "0002294321191");
        yes(Entity::ZaIdNumber, "8001015009087", "8001015009087");
        yes(Entity::IlId, "teudat zehut 123456782", "123456782");
    }

    #[test]
    fn others_are_none() {
        no(Entity::ZaIdNumber, "at 8001015009087 or RSA ID 8001015000076");
        no(Entity::IlId, "id 123456782");
    }
}
