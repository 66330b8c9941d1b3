//! Maps from the hash of a word to what is known of it.

use crate::weights::Reader;

/// How many of a key's upper bits pick the slice to look in.
const BUCKET: u32 = 16;

/// From the lower half of a word's hash to a small number. Two words with one hash share it: of the words that are
/// in no list, one in some thousands is taken for one that is.
pub(crate) struct Map {
    keys: Vec<u32>,
    values: Vec<u16>,
    /// Where the keys with given upper bits start; one more at the end.
    starts: Vec<u32>,
}

impl Map {
    /// Reads what `export.py` writes: the number of keys, a value's width, steps between keys, values.
    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.size()?;
        let width = usize::from(from.byte()?);
        let mut keys = Vec::with_capacity(count);
        let mut key = 0u32;
        for _ in 0..count {
            key = key.wrapping_add(from.leb128()?);
            keys.push(key);
        }
        let values = from
            .take(count.checked_mul(width)?)?
            .chunks_exact(width)
            .map(|value| value.iter().rev().fold(0, |all, byte| all << 8 | u16::from(*byte)))
            .collect();
        let mut starts = Vec::with_capacity((1 << BUCKET) + 1);
        let mut at = 0u32;
        for bucket in 0..=(1u32 << BUCKET) {
            let mut rest = keys.iter().skip(usize::try_from(at).ok()?);
            while rest.next().is_some_and(|key| key >> (32 - BUCKET) < bucket) {
                at += 1;
            }
            starts.push(at);
        }
        Some(Self { keys, values, starts })
    }

    pub(crate) fn get(&self, key: u32) -> Option<u16> {
        let bucket = usize::try_from(key >> (32 - BUCKET)).ok()?;
        let start = usize::try_from(*self.starts.get(bucket)?).ok()?;
        let end = usize::try_from(*self.starts.get(bucket + 1)?).ok()?;
        let at = self.keys.get(start..end)?.binary_search(&key).ok()?;
        self.values.get(start + at).copied()
    }
}
