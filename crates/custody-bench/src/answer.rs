//! The upstream's answers. Each follows from the numbers in the request's headers, so the load
//! generator knows every byte that has to arrive.

use std::io::Write;

use crate::text::Text;

/// Header: which text to answer with.
pub(crate) const TEXT: &str = "x-mock-text";
/// Header: how long that text is.
pub(crate) const LENGTH: &str = "x-mock-length";
/// Header: how long to wait before the answer, in milliseconds.
pub(crate) const DELAY: &str = "x-mock-delay-ms";
/// Header: how many pieces to stream; without it the answer comes whole.
pub(crate) const CHUNKS: &str = "x-mock-chunks";
/// Header: the time between two pieces, in milliseconds.
pub(crate) const GAP: &str = "x-mock-gap-ms";
/// Header of the answer: length and CRC-32 of the request body as it arrived.
pub(crate) const RECEIVED: &str = "x-mock-received";

/// Which text to answer with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The number of the text.
    pub(crate) number: u64,
    /// Its length in bytes, about.
    pub(crate) length: usize,
}

impl Answer {
    /// A chat completion.
    pub(crate) fn whole(&self, text: &Text) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length + 1024);
        let number = self.number;
        put(
            &mut out,
            format_args!(r#"{{"id":"chatcmpl-{number:024x}","object":"chat.completion""#),
        );
        out.extend_from_slice(
            br#","created":1790000000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":"#,
        );
        out.extend_from_slice(br#"{"role":"assistant","content":""#);
        text.write(number, self.length, &mut out);
        out.extend_from_slice(
            br#"","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":"#,
        );
        self.usage(&mut out);
        out.extend_from_slice(br#","system_fingerprint":"fp_50cad350e4"}"#);
        out
    }

    /// The same text as a stream of server-sent events, and where each of the `chunks` pieces
    /// ends. The last one brings the finish reason, the usage and the end mark with it.
    pub(crate) fn streamed(&self, text: &Text, chunks: usize) -> (Vec<u8>, Vec<usize>) {
        let mut content = Vec::with_capacity(self.length + 512);
        text.write(self.number, self.length, &mut content);
        let mut out = Vec::with_capacity(chunks * 256 + content.len() + 1024);
        let mut ends = Vec::with_capacity(chunks);
        let mut from = 0;
        for piece in 1..=chunks {
            let to = if piece == chunks {
                content.len()
            } else {
                next_space(&content, (content.len() * piece / chunks).max(from))
            };
            self.open(&mut out);
            out.extend_from_slice(br#"{"content":""#);
            out.extend_from_slice(content.get(from..to).unwrap_or_default());
            out.extend_from_slice(b"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
            if piece == chunks {
                self.open(&mut out);
                out.extend_from_slice(
                    b"{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":",
                );
                self.usage(&mut out);
                out.extend_from_slice(b"}\n\ndata: [DONE]\n\n");
            }
            ends.push(out.len());
            from = to;
        }
        (out, ends)
    }

    fn open(&self, out: &mut Vec<u8>) {
        let number = self.number;
        put(out, format_args!("data: {{\"id\":\"chatcmpl-{number:024x}\""));
        out.extend_from_slice(
            br#","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-2024-08-06""#,
        );
        out.extend_from_slice(
            br#","system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":"#,
        );
    }

    fn usage(&self, out: &mut Vec<u8>) {
        let tokens = self.length / 4;
        put(
            out,
            format_args!(
                r#"{{"prompt_tokens":1200,"completion_tokens":{tokens},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0}}}}"#,
                tokens + 1200
            ),
        );
    }
}

fn put(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok(), "a vector takes everything");
}

/// A space is never inside an escape, so content may be cut there.
fn next_space(content: &[u8], from: usize) -> usize {
    let rest = content.get(from..).unwrap_or_default();
    rest.iter().position(|&c| c == b' ').map_or(content.len(), |offset| from + offset)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Answer;
    use crate::text::Text;

    #[test]
    fn stream_and_whole_say_the_same() {
        let text = Text::new();
        let answer = Answer { number: 1 << 39, length: 550 };
        let whole: Value = serde_json::from_slice(&answer.whole(&text)).unwrap();
        let (bytes, ends) = answer.streamed(&text, 50);
        assert_eq!((ends.len(), ends.last()), (50, Some(&bytes.len())));
        let mut joined = String::new();
        for event in String::from_utf8(bytes).unwrap().split_terminator("\n\n") {
            let data = event.strip_prefix("data: ").unwrap();
            if data != "[DONE]" {
                let chunk: Value = serde_json::from_str(data).unwrap();
                joined += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            }
        }
        assert_eq!(whole["choices"][0]["message"]["content"], Value::String(joined));
    }

    #[test]
    fn a_unary_answer_is_about_as_large_as_asked() {
        let bytes = Answer { number: 9, length: 1350 }.whole(&Text::new());
        assert!((1700..1950).contains(&bytes.len()), "{}", bytes.len());
    }
}
