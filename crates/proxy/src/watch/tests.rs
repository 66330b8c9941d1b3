use super::*;

fn ends_at(format: Format, framing: Framing, stream: &[u8], size: usize) -> Option<usize> {
    let mut watch = EndWatch::new(format, framing);
    let mut at = 0;
    for chunk in stream.chunks(size) {
        at += chunk.len();
        if watch.push(chunk) {
            return Some(at);
        }
    }
    None
}

/// The end is seen with the last byte alone, whatever the size of the chunks.
fn ends_with_its_last_byte(format: Format, framing: Framing, stream: &[u8]) {
    for size in 1..=stream.len() {
        assert_eq!(ends_at(format, framing, stream, size), Some(stream.len()), "chunks of {size}");
    }
}

fn never_ends(format: Format, framing: Framing, stream: &[u8]) {
    for size in 1..=stream.len() {
        assert_eq!(ends_at(format, framing, stream, size), None, "chunks of {size}");
    }
}

/// A frame with headers of texts; nobody looks at its CRCs here.
fn frame(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend(name.as_bytes());
        head.push(7);
        head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend(value.as_bytes());
    }
    let total = u32::try_from(head.len() + payload.len() + 16).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
    out.extend([0; 4]);
    out.extend(head);
    out.extend(payload.as_bytes());
    out.extend([0; 4]);
    out
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    frame(&[(":event-type", name), (":message-type", "event")], payload)
}

#[test]
fn the_end_is_seen_however_the_stream_is_cut() {
    let anthropic = b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\"}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let openai = b"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n";
    ends_with_its_last_byte(Format::AnthropicMessages, Framing::Sse, anthropic);
    ends_with_its_last_byte(Format::OpenAiChat, Framing::Sse, openai);
}

#[test]
fn what_is_not_the_end_is_not_taken_for_it() {
    let talk = b"data: {\"choices\":[{\"delta\":{\"content\":\"event: message_stop\"}}]}\n\n";
    never_ends(Format::OpenAiChat, Framing::Sse, talk);
}

#[test]
fn frames_end_with_the_event_that_comes_last() {
    let delta = event("contentBlockDelta", "{\"delta\":{\"text\":\":event-type metadata\"}}");
    let stop = event("messageStop", "{\"stopReason\":\"end_turn\"}");
    let metadata = event("metadata", "{\"usage\":{\"inputTokens\":1},\"trace\":\"a longer one\"}");
    let failed = [(":exception-type", "throttlingException"), (":message-type", "exception")];
    let failed = frame(&failed, "{\"message\":\"slow\"}");
    let converse = |frames: &[&[u8]]| frames.concat();
    let framing = Framing::EventStream;
    ends_with_its_last_byte(
        Format::BedrockConverse,
        framing,
        &converse(&[&delta, &stop, &metadata]),
    );
    ends_with_its_last_byte(Format::BedrockConverse, framing, &converse(&[&delta, &failed]));
    ends_with_its_last_byte(Format::BedrockInvoke, framing, &converse(&[&delta, &failed]));
    never_ends(Format::BedrockConverse, framing, &converse(&[&delta, &stop]));
    never_ends(
        Format::BedrockConverse,
        framing,
        &converse(&[&delta, b"\xff\xff\xff\xff", &metadata]),
    );
    // `{"a":"b","amazon-bedrock-invocationMetrics":{}}`
    let last = "{\"bytes\":\"eyJhIjoiYiIsImFtYXpvbi1iZWRyb2NrLWludm9jYXRpb25NZXRyaWNzIjp7fX0=\"}";
    let invoke = [event("chunk", "{\"bytes\":\"e30=\"}"), event("chunk", last)].concat();
    ends_with_its_last_byte(Format::BedrockInvoke, framing, &invoke);
}

#[test]
fn an_array_ends_with_its_bracket() {
    let format = Format::GeminiGenerate;
    let array = b" [{\"a\":\"]}\\\"]\"}\r\n,\r\n{\"b\":[[]]}]";
    ends_with_its_last_byte(format, Framing::Array, array);
    never_ends(format, Framing::Array, b"{\"a\":[{\"b\":[1]}]}");
    never_ends(format, Framing::Array, b"[{\"a\":\"]\"},");
    never_ends(format, Framing::Array, b"]");
    let mut watch = EndWatch::new(format, Framing::Array);
    assert!(watch.push(b"[{}]") && watch.push(b"\n"));
}

#[test]
fn lines_end_with_the_line_that_says_so() {
    // Told by a format that ends with such a line.
    let lines = b"data: {}\ndata: [DONE]\n";
    for size in 1..=lines.len() {
        let end = ends_at(Format::OpenAiChat, Framing::Lines, lines, size);
        assert_eq!(end, Some(lines.len()), "chunks of {size}");
    }
}
