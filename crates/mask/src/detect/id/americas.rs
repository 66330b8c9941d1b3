//! Canada, Mexico, Brazil, Argentina and Chile.

use super::check::{digit, is_uniform, is_ymd, luhn, part, weighted};
use super::{Alone, Kind, Lone, Word};
use crate::bytes::{at, slice};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 6] = [
    Kind {
        entity: Entity::CaSin,
        forms: &[(Lone, "999~999~999"), (Word, "999999999")],
        check: |value| luhn(value) && !matches!(at(value, 0), b'0' | b'8') && !is_uniform(value),
        words: "sin, social insurance, nas, assurance sociale",
    },
    Kind {
        entity: Entity::MxCurp,
        forms: &[(Alone, "AAAA999999AAAAAAX9")],
        check: curp,
        words: "curp, registro poblacion",
    },
    Kind {
        entity: Entity::BrCpf,
        forms: &[(Alone, "999~999~999~99"), (Lone, "99999999999 999999999~99")],
        check: |value| brazilian(value, 9, 11, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) && !is_uniform(value),
        words: "cpf, cadastro pessoas, contribuinte",
    },
    Kind {
        entity: Entity::BrCnpj,
        forms: &[(Alone, "99~999~999~9999~99"), (Lone, "99999999999999 99999999~9999~99")],
        check: |value| {
            brazilian(value, 12, 6, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) && !is_uniform(value)
        },
        words: "cnpj, cadastro nacional",
    },
    Kind {
        entity: Entity::ArCuit,
        forms: &[(Alone, "99~99999999~9"), (Word, "99999999999")],
        check: argentine,
        words: "cuit, cuil, clave unica",
    },
    Kind {
        entity: Entity::ClRut,
        forms: &[
            (Word, "99~999~999~9 99999999~A 99999999~9 9~999~999~9 999999999 99999999A"),
            (Alone, "99~999~999~A"),
        ],
        check: chilean,
        words: "rut, rol unico",
    },
];

/// RENAPO: letters of the names, birthday, sex, state, consonants, and a check digit.
fn curp(value: &[u8]) -> bool {
    // The alphabet has Ñ at place 24, so what follows N counts one more.
    let place = |i: usize| digit(value, i) + u32::from((b'O'..=b'Z').contains(&at(value, i)));
    let sum: u32 = (0..17).map(place).zip((2..=18).rev()).map(|(d, weight)| d * weight).sum();
    b"HMX".contains(&at(value, 10))
        && is_ymd(slice(value, 4, 10))
        && (10 - sum % 10) % 10 == digit(value, 17)
}

/// Two check digits modulo 11; the second takes in the first and leads with one weight more.
fn brazilian(value: &[u8], body: usize, lead: u32, weights: &[u32]) -> bool {
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let first = check(weighted(value, weights));
    let second = check(digit(value, 0) * lead + weighted(slice(value, 1, body + 1), weights));
    first == digit(value, body) && second == digit(value, body + 1)
}

fn argentine(value: &[u8]) -> bool {
    let sum = weighted(value, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = match sum {
        0 => 0,
        1 => 9,
        rest => 11 - rest,
    };
    matches!(part(value, 0, 2), 20 | 23..=27 | 30 | 33 | 34) && check == digit(value, 10)
}

/// Weights 2 to 7 from the right, modulo 11; K is ten.
fn chilean(value: &[u8]) -> bool {
    let Some((last, body)) = value.split_last() else { return false };
    let weights = [2, 3, 4, 5, 6, 7].into_iter().cycle();
    let sum: u32 =
        body.iter().rev().zip(weights).map(|(b, weight)| u32::from(b & 15) * weight).sum();
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        check => b'0' + u8::try_from(check).unwrap_or_default(),
    };
    *last == check && !is_uniform(body)
}

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn numbers_as_they_are_written() {
        yes(Entity::CaSin, "my SIN is 130-692-544", "130-692-544");
        yes(Entity::MxCurp, "CURP BOXW310820HNERXN09", "BOXW310820HNERXN09");
        yes(Entity::BrCpf, "para 390.533.447-05 hoje", "390.533.447-05");
        yes(Entity::BrCpf, "CPF 39053344705", "39053344705");
        yes(Entity::BrCnpj, "firma 16.727.230/0001-97", "16.727.230/0001-97");
        yes(Entity::ArCuit, "de 20-05536168-2", "20-05536168-2");
        yes(Entity::ClRut, "RUT 12.531.909-2", "12.531.909-2");
    }

    #[test]
    fn others_are_none() {
        no(Entity::CaSin, "SIN 435-418-166, part 130692544");
        no(Entity::BrCpf, "390.533.447-06, 39053344705 rows");
        no(Entity::BrCnpj, "16.727.230/0001-98");
        no(Entity::ArCuit, "20-05536168-3");
        no(Entity::ClRut, "12.531.909-3 12.531.909-2");
    }
}
