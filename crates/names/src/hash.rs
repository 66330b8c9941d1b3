//! The two hashes that spaCy's weights are addressed by.

/// `MurmurHash64A`.
pub(crate) fn murmur64(data: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let mut h = seed ^ length.wrapping_mul(M);
    let mut words = data.chunks_exact(8);
    for word in &mut words {
        let mut k = little(word).wrapping_mul(M);
        k ^= k >> 47;
        h = (h ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        h = (h ^ little(rest)).wrapping_mul(M);
    }
    h ^= h >> 47;
    h = h.wrapping_mul(M);
    h ^ (h >> 47)
}

fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The number that spaCy knows a string by.
pub(crate) fn word(text: &str) -> u64 {
    murmur64(text.as_bytes(), 1)
}

/// Its lower half: what keys of the maps are.
pub(crate) fn key(text: &str) -> u32 {
    low(word(text))
}

/// The four numbers that pick four rows of a table: `MurmurHash3_x86_128` of one u64, as Thinc has it.
pub(crate) fn four(value: u64, seed: u32) -> [u32; 4] {
    let seed = u64::from(seed);
    let mut h1 = value.wrapping_mul(0x87c3_7b91_1142_53d5).rotate_left(31);
    h1 = h1.wrapping_mul(0x4cf5_ad43_2745_937f) ^ seed ^ 8;
    let mut h2 = seed ^ 8;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = mixed(h1);
    h2 = mixed(h2);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    [low(h1), low(h1 >> 32), low(h2), low(h2 >> 32)]
}

fn mixed(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_the_numbers_that_spacy_gives_them() {
        assert_eq!(word("apple"), 8_566_208_034_543_834_098);
        assert_eq!(word("Szöllösy Krisztián abc"), 4_901_709_794_438_704_379);
    }

    #[test]
    fn rows_are_those_of_thinc() {
        assert_eq!(four(1, 8), [1_161_550_108, 2_247_783_286, 1_742_325_162, 1_224_191_281]);
        assert_eq!(
            four(12_345_678_901_234_567, 8),
            [1_519_880_696, 3_764_588_297, 132_337_396, 3_499_398_798]
        );
    }
}
