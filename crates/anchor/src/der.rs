//! As much of DER (ITU-T X.690) as timestamps need: definite lengths, tags of one byte.
//!
//! A reader of hostile bytes: it gives what it understood or an error, and never panics.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// Why bytes are not the DER that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DerError {
    #[error("it ends within a value")]
    Cut,
    #[error("a length is not as DER has it")]
    Length,
    #[error("it has tag 0x{found:02x} where 0x{expected:02x} is expected")]
    Tag { expected: u8, found: u8 },
    #[error("bytes follow where the value should end")]
    Trailing,
}

/// Reads values one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value's tag.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value: tag and content.
    pub(crate) fn any(&mut self) -> Result<(u8, &'a [u8]), DerError> {
        let (tag, rest) = self.0.split_first().ok_or(DerError::Cut)?;
        let (first, rest) = rest.split_first().ok_or(DerError::Cut)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // A length in one to four bytes, none of them superfluous.
            0x81..=0x84 => {
                let (digits, rest) =
                    rest.split_at_checked(usize::from(first & 0x7f)).ok_or(DerError::Cut)?;
                let length = digits.iter().fold(0_u64, |sum, digit| sum << 8 | u64::from(*digit));
                if digits.first() == Some(&0) || length < 0x80 {
                    return Err(DerError::Length);
                }
                (usize::try_from(length).map_err(|_| DerError::Length)?, rest)
            }
            _ => return Err(DerError::Length),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(DerError::Cut)?;
        self.0 = rest;
        Ok((*tag, content))
    }

    /// The content of the next value, which has this tag.
    pub(crate) fn expect(&mut self, expected: u8) -> Result<&'a [u8], DerError> {
        match self.peek() {
            Some(found) if found != expected => Err(DerError::Tag { expected, found }),
            _ => self.any().map(|(_, content)| content),
        }
    }

    /// The values within the next value, which has this tag.
    pub(crate) fn within(&mut self, expected: u8) -> Result<Self, DerError> {
        self.expect(expected).map(Self)
    }

    /// The content of the next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, DerError> {
        if self.peek() == Some(tag) {
            self.any().map(|(_, content)| Some(content))
        } else {
            Ok(None)
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError::Trailing) }
    }
}

/// A value of these contents.
pub(crate) fn value(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length: usize = contents.iter().map(|content| content.len()).sum();
    let bytes = length.to_be_bytes();
    let digits: Vec<u8> = bytes.iter().copied().skip_while(|digit| *digit == 0).collect();
    let mut out = vec![tag];
    match (u8::try_from(length), u8::try_from(digits.len())) {
        (Ok(short @ 0..=0x7f), _) => out.push(short),
        (_, Ok(count)) => {
            out.push(0x80 | count);
            out.extend_from_slice(&digits);
        }
        // A length has eight digits at most.
        (_, Err(_)) => {}
    }
    for content in contents {
        out.extend_from_slice(content);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_lengths_than_those_of_der_are_refused() {
        for (bytes, error) in [
            (&b""[..], DerError::Cut),
            (b"\x30", DerError::Cut),
            (b"\x30\x02\x00", DerError::Cut),
            (b"\x30\x80\x00\x00", DerError::Length),
            (b"\x30\x81\x7f", DerError::Length),
            (b"\x30\x82\x00\x80", DerError::Length),
            (b"\x30\x81", DerError::Cut),
            (b"\x30\x85\x01\x00\x00\x00\x00", DerError::Length),
            (b"\x30\x84\xff\xff\xff\xff", DerError::Cut),
            (b"\x02\x01\x00", DerError::Tag { expected: SEQUENCE, found: INTEGER }),
        ] {
            assert_eq!(Reader::new(bytes).expect(SEQUENCE), Err(error), "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            let mut left = bytes.len();
            while let Ok((tag, content)) = reader.any() {
                // What was read is written with the same bytes: there is one spelling.
                let written = value(tag, &[content]);
                let start = bytes.len() - left;
                prop_assert_eq!(&bytes[start..start + written.len()], written);
                left = reader.0.len();
            }
        }

        #[test]
        fn what_is_written_is_read(tag: u8, length in 0_usize..70_000) {
            let content = vec![7; length];
            let bytes = value(tag, &[&content]);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.any(), Ok((tag, content.as_slice())));
            prop_assert_eq!(reader.end(), Ok(()));
        }
    }
}
