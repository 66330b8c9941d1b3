//! Requests and answers for the in-process benches.

use crate::text::Text;

/// An endless supply of chats.
pub(crate) struct Traffic {
    text: Text,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self { text: Text::new() }
    }

    /// A chat request of about `length` bytes whose user message nobody has seen.
    pub(crate) fn request(&self, number: u64, length: usize) -> Vec<u8> {
        let mut body =
            br#"{"model":"gpt-4o","temperature":0.2,"messages":[{"role":"system","content":""#
                .to_vec();
        self.text.write(1 << 38, 400.min(length / 2), &mut body);
        body.extend_from_slice(br#""},{"role":"user","content":""#);
        self.text.write(number, length.saturating_sub(body.len() + 4), &mut body);
        body.extend_from_slice(br#""}]}"#);
        body
    }

    /// An answer of about `length` bytes.
    pub(crate) fn answer(&self, number: u64, length: usize) -> Vec<u8> {
        let mut body = br#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":""#.to_vec();
        self.text.write((1 << 39) + number, length.saturating_sub(300), &mut body);
        body.extend_from_slice(br#"","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":700,"completion_tokens":300,"total_tokens":1000},"system_fingerprint":"fp_1"}"#);
        body
    }

    /// A streamed answer: `events` events of a few words each.
    pub(crate) fn stream(&self, events: u64) -> Vec<u8> {
        let mut body = Vec::new();
        for event in 0..events {
            body.extend_from_slice(br#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"content":""#);
            self.text.write(event, 12, &mut body);
            body.extend_from_slice(b"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
        }
        body.extend_from_slice(b"data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
        body
    }
}
