//! Entry bundles: entries with a big-endian `u16` length before each, C2SP tlog-tiles.

/// Why bytes are not a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the entry bundle ends in the middle of entry {0}")]
pub struct BundleError(pub usize);

/// Appends an entry to a bundle; false when it is over 65,535 bytes and was not appended.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The entries of a bundle.
pub fn read_bundle(mut bundle: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let torn = BundleError(entries.len());
        let (length, rest) = bundle.split_first_chunk::<2>().ok_or(torn)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(torn)?;
        entries.push(entry);
        bundle = rest;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went_in() {
        let mut bundle = Vec::new();
        assert!(push_entry(&mut bundle, b"one"));
        assert!(push_entry(&mut bundle, b""));
        assert!(!push_entry(&mut bundle, &vec![0; 65_536]));
        assert_eq!(read_bundle(&bundle).unwrap(), [b"one".as_slice(), b""]);
        assert_eq!(read_bundle(&bundle[..4]), Err(BundleError(0)));
        assert_eq!(read_bundle(&[0]), Err(BundleError(0)));
    }
}
