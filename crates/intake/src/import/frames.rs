//! Events of a stream put back into frames of `application/vnd.amazon.eventstream`.
//!
//! Amazon's logs hold a stream as a list of its events. Whoever reads answers knows them as the
//! provider sent them. <https://smithy.io/2.0/aws/amazon-eventstream.html>

/// The media type of such a stream.
pub(super) const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";

/// A value that is a string, in a header.
const STRING: u8 = 7;

/// Adds a frame to `out`; false when it would be longer than a frame can be.
pub(super) fn event(out: &mut Vec<u8>, name: &str, payload: &[u8]) -> bool {
    let mut headers = Vec::new();
    let all =
        [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    for (header, value) in all {
        let (Ok(header_len), Ok(value_len)) =
            (u8::try_from(header.len()), u16::try_from(value.len()))
        else {
            return false;
        };
        headers.push(header_len);
        headers.extend_from_slice(header.as_bytes());
        headers.push(STRING);
        headers.extend_from_slice(&value_len.to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    // Prelude with its sum, headers, payload, sum.
    let all = 12 + headers.len() + payload.len() + 4;
    let (Ok(all), Ok(headers_len)) = (u32::try_from(all), u32::try_from(headers.len())) else {
        return false;
    };
    let from = out.len();
    out.extend_from_slice(&all.to_be_bytes());
    out.extend_from_slice(&headers_len.to_be_bytes());
    sum(out, from);
    out.extend_from_slice(&headers);
    out.extend_from_slice(payload);
    sum(out, from);
    true
}

/// Adds the CRC-32 of everything since `from`.
fn sum(out: &mut Vec<u8>, from: usize) {
    let sum = crc32fast::hash(out.get(from..).unwrap_or_default());
    out.extend_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_as_amazon_sends_it() {
        let mut out = Vec::new();
        assert!(event(&mut out, "messageStop", br#"{"stopReason":"end_turn"}"#));
        assert_eq!(
            out.len(),
            usize::try_from(u32::from_be_bytes(out[..4].try_into().unwrap())).unwrap()
        );
        let sums = |at: usize| u32::from_be_bytes(out[at..at + 4].try_into().unwrap());
        assert_eq!(sums(8), crc32fast::hash(&out[..8]));
        assert_eq!(sums(out.len() - 4), crc32fast::hash(&out[..out.len() - 4]));
        assert!(out[12..].starts_with(b"\x0b:event-type\x07\x00\x0bmessageStop"));
        assert!(!event(&mut out, &"x".repeat(70_000), b""));
    }
}
