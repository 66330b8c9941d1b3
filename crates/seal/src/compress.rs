//! Compression before sealing: one codec byte, then the bytes.

use std::cell::RefCell;
use std::sync::OnceLock;

use zstd::bulk;
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::OpenError;

/// Content is never larger than this when opened, whatever the sealed bytes claim.
pub const MAX_CONTENT: usize = 256 << 20;

const RAW: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_DICTIONARY_1: u8 = 2;
const LEVEL: i32 = 1;
/// The level for contents of up to [`QUICK_UP_TO`], of which every call has some: it leaves
/// literals as they are, takes two thirds of the time and costs a sixth in size.
const QUICK: i32 = -1;
/// Skeletons and short messages.
const QUICK_UP_TO: usize = 1024;
/// Past this size the dictionary brings nothing.
const DICTIONARY_UP_TO: usize = 16 * 1024;
/// Below this size no codec brings anything.
const RAW_UP_TO: usize = 40;

/// A raw-content dictionary (RFC 8878 §5) of typical shapes, written for this purpose; archived
/// parts need it for good, so it never changes: a new one gets a new number.
const DICTIONARY_1: &[u8] = include_bytes!("../dict/v1.txt");

/// Compresses contents; keeps its working memory from one to the next.
pub struct Compressor {
    plain: bulk::Compressor<'static>,
    small: bulk::Compressor<'static>,
    quick: bulk::Compressor<'static>,
}

impl Compressor {
    fn new() -> Option<Self> {
        static SMALL: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
        static QUICKLY: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
        let dictionary = |level| move || EncoderDictionary::copy(DICTIONARY_1, level);
        let (small, quick) =
            (SMALL.get_or_init(dictionary(LEVEL)), QUICKLY.get_or_init(dictionary(QUICK)));
        let mut plain = bulk::Compressor::new(LEVEL).ok()?;
        let mut small = bulk::Compressor::with_prepared_dictionary(small).ok()?;
        let mut quick = bulk::Compressor::with_prepared_dictionary(quick).ok()?;
        for context in [&mut plain, &mut small, &mut quick] {
            context.include_checksum(false).ok()?;
            context.include_dictid(false).ok()?;
        }
        Some(Self { plain, small, quick })
    }

    fn run(&mut self, content: &[u8]) -> Option<(u8, Vec<u8>)> {
        if content.len() <= QUICK_UP_TO {
            Some((ZSTD_DICTIONARY_1, self.quick.compress(content).ok()?))
        } else if content.len() <= DICTIONARY_UP_TO {
            Some((ZSTD_DICTIONARY_1, self.small.compress(content).ok()?))
        } else {
            Some((ZSTD, self.plain.compress(content).ok()?))
        }
    }
}

/// Compresses, or keeps as it is what would not shrink.
pub(crate) fn compress(content: &[u8]) -> Vec<u8> {
    thread_local! {
        static CONTEXT: RefCell<Option<Compressor>> = RefCell::new(Compressor::new());
    }
    let compressed = if content.len() <= RAW_UP_TO {
        None
    } else {
        CONTEXT.with_borrow_mut(|context| context.as_mut()?.run(content))
    };
    let (codec, body) = match &compressed {
        Some((codec, body)) if body.len() < content.len() => (*codec, body.as_slice()),
        _ => (RAW, content),
    };
    let mut out = Vec::with_capacity(body.len() + 1);
    out.push(codec);
    out.extend_from_slice(body);
    out
}

pub(crate) fn decompress(bytes: &[u8]) -> Result<Vec<u8>, OpenError> {
    static DICTIONARY: OnceLock<DecoderDictionary<'static>> = OnceLock::new();
    let (&codec, body) = bytes.split_first().ok_or(OpenError::Compression)?;
    let bad = |_| OpenError::Compression;
    let room = || {
        let claimed = zstd::zstd_safe::get_frame_content_size(body).ok().flatten();
        let claimed = claimed.and_then(|n| usize::try_from(n).ok());
        claimed.filter(|n| *n <= MAX_CONTENT).ok_or(OpenError::Compression)
    };
    match codec {
        RAW => Ok(body.to_vec()),
        ZSTD => bulk::decompress(body, room()?).map_err(bad),
        ZSTD_DICTIONARY_1 => {
            let dictionary = DICTIONARY.get_or_init(|| DecoderDictionary::copy(DICTIONARY_1));
            let mut context =
                bulk::Decompressor::with_prepared_dictionary(dictionary).map_err(bad)?;
            context.decompress(body, room()?).map_err(bad)
        }
        _ => Err(OpenError::Compression),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_shrinks() {
        for (text, at_most) in [
            (String::new(), 1),
            ("hi".to_owned(), 3),
            ("You are a helpful assistant. Answer the user's question.".to_owned(), 30),
            ("Could you please provide your order number? ".repeat(3), 60),
            ("lorem ipsum ".repeat(20_000), 400),
        ] {
            let compressed = compress(text.as_bytes());
            assert_eq!(decompress(&compressed).unwrap(), text.as_bytes());
            assert!(compressed.len() <= at_most, "{} bytes of {}", compressed.len(), text.len());
        }
    }

    #[test]
    fn hostile_bytes_are_refused() {
        assert_eq!(decompress(b""), Err(OpenError::Compression));
        assert_eq!(decompress(&[9, 1, 2]), Err(OpenError::Compression));
        assert_eq!(decompress(&[ZSTD, 1, 2, 3]), Err(OpenError::Compression));
        // A frame that claims 2^40 bytes.
        let bomb = [ZSTD, 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0];
        assert_eq!(decompress(&bomb), Err(OpenError::Compression));
    }
}
