//! Check digits that rules of the user's own may ask for.

/// The check digit of cards (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn(value: &[u8]) -> bool {
    let digit = |(i, b): (usize, &u8)| {
        let digit = u32::from(b & 15);
        if i % 2 == 0 { digit } else { digit * 2 % 10 + digit / 5 }
    };
    all_digits(value)
        && value.len() > 1
        && value.iter().rev().enumerate().map(digit).sum::<u32>().is_multiple_of(10)
}

/// Verhoeff's check digit (1969), which Aadhaar numbers have.
pub(crate) fn verhoeff(value: &[u8]) -> bool {
    const ONE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u8, times: usize| {
        (0..times % 8).fold(digit, |d, _| ONE.get(usize::from(d)).copied().unwrap_or(0))
    };
    all_digits(value)
        && value.len() > 1
        && value.iter().rev().enumerate().fold(0, |sum, (i, b)| dihedral(sum, permuted(b & 15, i)))
            == 0
}

/// Multiplication in the dihedral group of order 10.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + (b - 5)) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a - 5 + 5 - (b - 5)) % 5,
    }
}

/// ISO/IEC 7064 MOD 97-10 as IBANs have it: the first four characters count last.
pub(crate) fn mod97(value: &[u8]) -> bool {
    let Some((head, tail)) = value.split_at_checked(4) else { return false };
    let rest = tail.iter().chain(head).try_fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        b'a'..=b'z' => Some((rest * 100 + u32::from(byte - b'a') + 10) % 97),
        _ => None,
    });
    rest == Some(1)
}

/// Weights 2, 3, … from the right; the sum is a multiple of 11; `X` stands for ten at the end.
pub(crate) fn mod11(value: &[u8]) -> bool {
    let Some((last, head)) = value.split_last() else { return false };
    let check = match last {
        b'X' | b'x' => 10,
        b if b.is_ascii_digit() => u32::from(b - b'0'),
        _ => return false,
    };
    let sum: u32 = (2..).zip(head.iter().rev()).map(|(w, b)| w * u32::from(b & 15)).sum();
    all_digits(head) && !head.is_empty() && (sum + check).is_multiple_of(11)
}

fn all_digits(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_hold_and_neighbours_do_not() {
        assert!(luhn(b"79927398713") && !luhn(b"79927398714") && !luhn(b"7") && !luhn(b""));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364") && verhoeff(b"123451"));
        assert!(mod97(b"GB82WEST12345698765432") && !mod97(b"GB82WEST12345698765433"));
        assert!(mod11(b"0306406152") && mod11(b"097522980X") && !mod11(b"0306406153"));
        assert!(!mod97(b"") && !mod11(b"X") && !verhoeff(b"x"));
    }
}
