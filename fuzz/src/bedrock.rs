use provider::{
    End, Format, HeaderTokens, ReadResponse, ResponseHead, ResponseReader, ends_stream,
};
use record::canonical_bytes;

use crate::json::filled;

const NAMES: [&str; 9] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "chunk",
    "throttlingException",
    "novelty",
];

/// A frame whose CRCs fit; the first byte of a piece chooses its name and whether it is an exception.
fn frame(piece: &[u8]) -> Vec<u8> {
    let (choice, payload) =
        piece.split_first().map_or((0, piece), |(choice, rest)| (*choice, rest));
    let name = NAMES[usize::from(choice & 0x7f) % NAMES.len()];
    let (kind, named) = if choice & 0x80 == 0 {
        ("event", ":event-type")
    } else {
        ("exception", ":exception-type")
    };
    let mut headers = Vec::new();
    for (name, value) in [(named, name), (":message-type", kind)] {
        headers.push(u8::try_from(name.len()).unwrap_or(0));
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let total = u32::try_from(headers.len() + payload.len() + 16).unwrap_or(0);
    let mut out = total.to_be_bytes().to_vec();
    out.extend(u32::try_from(headers.len()).unwrap_or(0).to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

fn read(format: Format, pieces: &[&[u8]], end: End) -> ReadResponse {
    let content_type = Some("application/vnd.amazon.eventstream");
    let head = ResponseHead { status: 200, content_type, tokens: HeaderTokens::default() };
    let mut reader = ResponseReader::new(format, &head);
    for piece in pieces {
        reader.push(piece);
    }
    reader.finish(end)
}

/// A binary stream reads the same however it was cut, and nothing of it is lost. The first byte says
/// whether the rest are bytes of the wire or pieces, parted by 0x1e, to make frames of; and whether
/// a byte is wrong then.
pub fn eventstream(data: &[u8]) {
    let Some(([mode, wrong], rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    let mut bytes = if mode & 1 == 0 {
        rest.to_vec()
    } else {
        rest.split(|byte| *byte == 0x1e).flat_map(frame).collect()
    };
    if mode & 2 != 0 && !bytes.is_empty() {
        let at = usize::from(*wrong) * bytes.len() / 256;
        bytes[at] ^= 0x10;
    }
    let end = if mode & 4 == 0 { End::Complete } else { End::Cut };
    for format in [Format::BedrockConverse, Format::BedrockInvoke] {
        let whole = read(format, &[&bytes], end);
        assert_eq!(read(format, &bytes.chunks(1).collect::<Vec<_>>(), end), whole);
        assert_eq!(read(format, &bytes.chunks(7).collect::<Vec<_>>(), end), whole);
        if let Some(skeleton) = &whole.skeleton {
            filled(skeleton, &whole.parts);
        }
        if let Some(usage) = &whole.usage {
            canonical_bytes(usage).expect("usage has a canonical form");
        }
        ends_stream(format, &bytes);
    }
}
