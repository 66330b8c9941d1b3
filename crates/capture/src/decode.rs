//! Content encodings, undone on the tap only: the client gets the bytes as they came.

use std::io::Write as _;

use record::Oddity;

/// Undoes an encoding piece by piece.
pub(crate) struct Decoder {
    codec: Codec,
    limit: usize,
    given: usize,
    oddity: Option<Oddity>,
}

enum Codec {
    Identity,
    Gzip(Box<flate2::write::MultiGzDecoder<Vec<u8>>>),
    Zlib(Box<flate2::write::ZlibDecoder<Vec<u8>>>),
    /// Some servers send raw DEFLATE for `deflate`; the first byte tells.
    Deflate,
    RawDeflate(Box<flate2::write::DeflateDecoder<Vec<u8>>>),
    Brotli(Box<brotli::DecompressorWriter<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
    /// The encoding is unknown or the bytes broke: nothing more comes.
    Broken,
}

impl Decoder {
    /// For this `Content-Encoding`; at most `limit` bytes are given.
    pub(crate) fn new(encoding: Option<&str>, limit: usize) -> Self {
        let encoding = encoding.map(|e| e.trim().to_ascii_lowercase()).unwrap_or_default();
        let mut oddity = None;
        let codec = match encoding.as_str() {
            "" | "identity" => Codec::Identity,
            "gzip" | "x-gzip" => {
                Codec::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Vec::new())))
            }
            "deflate" => Codec::Deflate,
            "br" => Codec::Brotli(Box::new(brotli::DecompressorWriter::new(Vec::new(), 8192))),
            "zstd" => match zstd::stream::write::Decoder::new(Vec::new()) {
                Ok(decoder) => Codec::Zstd(Box::new(decoder)),
                Err(_) => Codec::Broken,
            },
            _ => {
                oddity = Some(Oddity::new("encoding_unknown"));
                Codec::Broken
            }
        };
        Self { codec, limit, given: 0, oddity }
    }

    /// Whether the bytes are given as they are.
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self.codec, Codec::Identity)
    }

    /// What became wrong.
    pub(crate) fn oddity(&self) -> Option<&Oddity> {
        self.oddity.as_ref()
    }

    /// Gives what these bytes decode to.
    pub(crate) fn push(&mut self, bytes: &[u8], give: &mut dyn FnMut(&[u8])) {
        if bytes.is_empty() || self.given >= self.limit {
            return;
        }
        if matches!(self.codec, Codec::Deflate) {
            // RFC 1950: the low four bits of a zlib header are 8.
            self.codec = if bytes.first().is_some_and(|b| b & 0x0f == 8) {
                Codec::Zlib(Box::new(flate2::write::ZlibDecoder::new(Vec::new())))
            } else {
                Codec::RawDeflate(Box::new(flate2::write::DeflateDecoder::new(Vec::new())))
            };
        }
        if self.is_identity() {
            self.hand(bytes, give);
            return;
        }
        // Small steps, so that a bomb is met by the limit and not by memory.
        for step in bytes.chunks(4096) {
            let written = match &mut self.codec {
                Codec::Gzip(d) => d.write_all(step).and_then(|()| d.flush()),
                Codec::Zlib(d) => d.write_all(step).and_then(|()| d.flush()),
                Codec::RawDeflate(d) => d.write_all(step).and_then(|()| d.flush()),
                Codec::Brotli(d) => d.write_all(step).and_then(|()| d.flush()),
                Codec::Zstd(d) => d.write_all(step).and_then(|()| d.flush()),
                Codec::Identity | Codec::Deflate | Codec::Broken => return,
            };
            let out = match &mut self.codec {
                Codec::Gzip(d) => std::mem::take(d.get_mut()),
                Codec::Zlib(d) => std::mem::take(d.get_mut()),
                Codec::RawDeflate(d) => std::mem::take(d.get_mut()),
                Codec::Brotli(d) => std::mem::take(d.get_mut()),
                Codec::Zstd(d) => std::mem::take(d.get_mut()),
                Codec::Identity | Codec::Deflate | Codec::Broken => Vec::new(),
            };
            self.hand(&out, give);
            if written.is_err() {
                self.oddity = Some(Oddity::at("encoding_invalid", format!("byte {}", self.given)));
                self.codec = Codec::Broken;
                return;
            }
        }
    }

    /// Says so when the encoded bytes ended before their own end.
    pub(crate) fn finish(&mut self) {
        let ended = match &mut self.codec {
            Codec::Gzip(d) => d.try_finish(),
            Codec::Zlib(d) => d.try_finish(),
            Codec::RawDeflate(d) => d.try_finish(),
            Codec::Brotli(d) => d.close(),
            Codec::Identity | Codec::Deflate | Codec::Zstd(_) | Codec::Broken => Ok(()),
        };
        if ended.is_err() && self.oddity.is_none() && self.given < self.limit {
            self.oddity = Some(Oddity::at("encoding_incomplete", format!("byte {}", self.given)));
        }
    }

    fn hand(&mut self, bytes: &[u8], give: &mut dyn FnMut(&[u8])) {
        let room = self.limit - self.given;
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.given += kept.len();
        if kept.len() < bytes.len() {
            self.oddity = Some(Oddity::at("decoded_over_limit", format!("{} bytes", self.limit)));
        }
        give(kept);
    }
}

/// Decodes a whole body.
pub fn decode<'a>(
    encoding: Option<&str>,
    bytes: &'a [u8],
    limit: usize,
) -> (std::borrow::Cow<'a, [u8]>, Option<Oddity>) {
    let mut decoder = Decoder::new(encoding, limit);
    if decoder.is_identity() {
        return (bytes.into(), None);
    }
    let mut out = Vec::new();
    decoder.push(bytes, &mut |piece| out.extend_from_slice(piece));
    decoder.finish();
    let oddity = decoder.oddity().cloned();
    if oddity.is_some() && out.is_empty() {
        // Kept as it came: bytes that we cannot read are evidence too.
        return (bytes.into(), oddity);
    }
    (out.into(), oddity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(text).unwrap();
        let mut raw =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        raw.write_all(text).unwrap();
        let mut br = Vec::new();
        {
            let mut writer = brotli::CompressorWriter::new(&mut br, 4096, 5, 22);
            writer.write_all(text).unwrap();
        }
        vec![
            ("gzip", gzip.finish().unwrap()),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("br", br),
            ("zstd", zstd::encode_all(text, 3).unwrap()),
            ("identity", text.to_vec()),
        ]
    }

    #[test]
    fn every_encoding_is_undone_at_every_split() {
        let text = b"data: {\"delta\":\"hello hello hello\"}\n\n".repeat(9);
        for (name, bytes) in encoded(&text) {
            for split in 0..=bytes.len() {
                let mut decoder = Decoder::new(Some(name), usize::MAX);
                let mut out = Vec::new();
                for piece in [&bytes[..split], &bytes[split..]] {
                    decoder.push(piece, &mut |p| out.extend_from_slice(p));
                }
                decoder.finish();
                assert_eq!(out, text, "{name} split at {split}");
                assert!(decoder.oddity().is_none(), "{name}");
            }
        }
    }

    #[test]
    fn pieces_come_out_as_they_go_in() {
        // A gzip stream that is flushed after each event gives each event at once.
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let mut decoder = Decoder::new(Some("gzip"), usize::MAX);
        for i in 0..5 {
            let event = format!("data: {i}\n\n");
            gzip.write_all(event.as_bytes()).unwrap();
            gzip.flush().unwrap();
            let piece = std::mem::take(gzip.get_mut());
            let mut out = Vec::new();
            decoder.push(&piece, &mut |p| out.extend_from_slice(p));
            assert_eq!(out, event.as_bytes());
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = zstd::encode_all(vec![0_u8; 50 << 20].as_slice(), 3).unwrap();
        let (out, oddity) = decode(Some("zstd"), &bomb, 1 << 20);
        assert_eq!(out.len(), 1 << 20);
        assert_eq!(oddity.unwrap().code, "decoded_over_limit");
    }

    #[test]
    fn what_cannot_be_decoded_is_kept() {
        let (out, oddity) = decode(Some("gzip"), b"not gzip", 100);
        assert_eq!(
            (out.as_ref(), oddity.unwrap().code.as_ref()),
            (b"not gzip".as_slice(), "encoding_incomplete")
        );
        let (out, oddity) = decode(Some("gzip"), b"this is certainly not gzip", 100);
        assert_eq!((out.len(), oddity.unwrap().code.as_ref()), (26, "encoding_invalid"));
        let (out, oddity) = decode(Some("snappy"), b"x", 100);
        assert_eq!(
            (out.as_ref(), oddity.unwrap().code.as_ref()),
            (b"x".as_slice(), "encoding_unknown")
        );
    }
}
