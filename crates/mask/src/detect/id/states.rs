//! The United States: taxpayers, employers, banks, passports, driver licences.

use super::check::{is_uniform, part, weighted};
use super::{Alone, Kind, Label, Lone, Word};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 8] = [
    Kind {
        entity: Entity::UsItin,
        forms: &[(Alone, "999~99~9999"), (Lone, "999~999999 99999~9999"), (Word, "999999999")],
        check: itin,
        words: "itin, taxpayer, tin, tax id, individual taxpayer",
    },
    Kind {
        // With dashes in the usual places it is another detector's.
        entity: Entity::UsSsn,
        forms: &[(Lone, "999~99~9999 999~999999 99999~9999"), (Word, "999999999")],
        check: |value| !itin(value) && crate::detect::ssn::is_issued(value),
        words: "ssn, social security, socialsecurity",
    },
    Kind {
        // Who calls a taxpayer's number by the other name means that.
        entity: Entity::UsSsn,
        forms: &[(Word, "999~99~9999")],
        check: itin,
        words: "ssn, social security, socialsecurity",
    },
    Kind {
        entity: Entity::UsEin,
        forms: &[(Word, "99~9999999"), (Label, "999999999")],
        check: ein,
        words: "ein, fein, employer identification, federal tax, tax id, employer id",
    },
    Kind {
        entity: Entity::AbaRouting,
        forms: &[(Word, "999999999"), (Lone, "9999~9999~9")],
        check: routing,
        words: "routing, aba, rtn, routingnumber, transit number, bank transit, fedwire, ach",
    },
    Kind {
        entity: Entity::UsPassport,
        forms: &[(Label, "A99999999")],
        check: any,
        words: "passport, passports, passportnumber, travel document",
    },
    Kind {
        entity: Entity::UsDriverLicense,
        forms: &[(
            Label,
            "A9999999 A99999999 A999999999999 A99999999999999 A999~9999~9999 AA999999 \
                AA9999999 9999999 99999999 999999999 999~999~999",
        )],
        check: any,
        words: "driver license, drivers license, driver licence, drivers licence, \
            driving license, driver lic, drivers lic, license number, driverslicense, \
            driverlicense, state id",
    },
    Kind {
        // The short words need a letter before the digits.
        entity: Entity::UsDriverLicense,
        forms: &[(
            Label,
            "A9999999 A99999999 A999999999999 A99999999999999 A999~9999~9999 AA999999",
        )],
        check: any,
        words: "dl, dln, dmv",
    },
];

fn any(_: &[u8]) -> bool {
    true
}

/// IRS: area 9xx, groups 50 to 65, 70 to 88, 90 to 92 and 94 to 99.
fn itin(value: &[u8]) -> bool {
    part(value, 0, 1) == 9 && matches!(part(value, 3, 5), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// IRS: the first two digits name the campus that gave it.
fn ein(value: &[u8]) -> bool {
    const NEVER: [u64; 17] = [0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97];
    !NEVER.contains(&part(value, 0, 2)) && !is_uniform(value)
}

/// ABA: a Federal Reserve district first, weights 3, 7, 1.
fn routing(value: &[u8]) -> bool {
    matches!(part(value, 0, 2), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(value, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::UsItin, "file 911-70-1234 then", "911-70-1234");
        yes(Entity::UsItin, "my ITIN: 911701234.", "911701234");
        yes(Entity::UsSsn, "ssn 4 6 0 8 9 9 8 4 7", "4 6 0 8 9 9 8 4 7");
        yes(Entity::UsEin, "our EIN is 12-3456789", "12-3456789");
        yes(Entity::AbaRouting, "routing number: 121042882", "121042882");
        yes(Entity::UsPassport, "US passport A12803456", "A12803456");
        yes(Entity::UsDriverLicense, "driver's license no. H1223456", "H1223456");
        yes(Entity::UsDriverLicense, "DL: D1234567", "D1234567");
        yes(Entity::UsDriverLicense, "driver license number 12345678", "12345678");
    }

    #[test]
    fn without_a_word_they_are_none() {
        for text in ["tab 121042882 of 12-3456789", "H1223456 or A12803456", "build 911701234"] {
            for entity in [Entity::UsItin, Entity::UsEin, Entity::AbaRouting, Entity::UsPassport] {
                no(entity, text);
            }
            no(Entity::UsDriverLicense, text);
        }
        no(Entity::AbaRouting, "routing number 121042883");
        no(Entity::UsDriverLicense, "public 12345678, license MIT 1234567");
    }
}
