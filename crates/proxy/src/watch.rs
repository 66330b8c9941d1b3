//! Seeing the end of a stream in its bytes, before the transport's own.

/// Longest marker that may be cut by a chunk's boundary, in bytes.
const TAIL: usize = 48;

/// Watches a stream for the provider's terminal event.
///
/// Official clients stop reading there, so this is the last chunk as they see it: the one to hold
/// at gate 2. An event may be cut into chunks anywhere, so the end is the blank line after the
/// event that names it.
pub(crate) struct EndWatch {
    format: provider::Format,
    tail: Vec<u8>,
    marked: bool,
}

impl EndWatch {
    pub(crate) fn new(format: provider::Format) -> Self {
        Self { format, tail: Vec::with_capacity(2 * TAIL), marked: false }
    }

    /// True when these bytes complete the terminal event.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> bool {
        // The marker may stand across the boundary.
        self.tail.extend_from_slice(chunk.get(..TAIL).unwrap_or(chunk));
        self.marked |= provider::ends_stream(self.format, chunk)
            || provider::ends_stream(self.format, &self.tail);
        match chunk.len().checked_sub(TAIL) {
            Some(start) => {
                self.tail.clear();
                self.tail.extend_from_slice(chunk.get(start..).unwrap_or_default());
            }
            None => {
                self.tail.drain(..self.tail.len().saturating_sub(TAIL));
            }
        }
        let blank = [b"\n\n".as_slice(), b"\r\n\r\n", b"\r\r"];
        self.marked && blank.iter().any(|blank| self.tail.ends_with(blank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_at(format: provider::Format, stream: &[u8], size: usize) -> Option<usize> {
        let mut watch = EndWatch::new(format);
        let mut at = 0;
        for chunk in stream.chunks(size) {
            at += chunk.len();
            if watch.push(chunk) {
                return Some(at);
            }
        }
        None
    }

    #[test]
    fn the_end_is_seen_however_the_stream_is_cut() {
        let anthropic = b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\"}\n\n\
            event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let openai = b"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n";
        for size in 1..=anthropic.len() {
            let end = ends_at(provider::Format::AnthropicMessages, anthropic, size);
            assert_eq!(end, Some(anthropic.len()), "chunks of {size}");
        }
        for size in 1..=openai.len() {
            let end = ends_at(provider::Format::OpenAiChat, openai, size);
            assert_eq!(end, Some(openai.len()), "chunks of {size}");
        }
    }

    #[test]
    fn what_is_not_the_end_is_not_taken_for_it() {
        let talk = b"data: {\"choices\":[{\"delta\":{\"content\":\"event: message_stop\"}}]}\n\n";
        for size in 1..=talk.len() {
            assert_eq!(ends_at(provider::Format::OpenAiChat, talk, size), None, "chunks of {size}");
        }
    }
}
