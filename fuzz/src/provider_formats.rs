use provider::sse::SseReader;
use provider::{
    End, Format, HeaderTokens, ReadResponse, ResponseHead, ResponseReader, ends_stream,
    read_request,
};
use record::canonical_bytes;
use serde_json::Value;

use crate::json::filled;

/// New ones go to the end: the corpus names them by their place.
const FORMATS: [Format; 14] = [
    Format::OpenAiChat,
    Format::OpenAiCompletions,
    Format::OpenAiResponses,
    Format::OpenAiEmbeddings,
    Format::AnthropicMessages,
    Format::Opaque,
    Format::GeminiGenerate,
    Format::GeminiEmbed,
    Format::GeminiCountTokens,
    Format::CohereChat,
    Format::CohereChatV1,
    Format::OllamaChat,
    Format::OllamaGenerate,
    Format::Mcp,
];

type Owned = (Option<String>, String, bool, bool);

fn events(pieces: &[&[u8]], limit: usize) -> (Vec<Owned>, u64, Vec<u8>) {
    let mut reader = SseReader::with_limit(limit);
    let mut out = Vec::new();
    let own = |event: provider::sse::Event<'_>| {
        let name = event.event.map(std::borrow::Cow::into_owned);
        (name, event.data.into_owned(), event.complete, event.lossy)
    };
    for piece in pieces {
        reader.push(piece);
        while let Some(event) = reader.next() {
            out.push(own(event));
        }
    }
    out.extend(reader.finish().map(own));
    (out, reader.dropped(), reader.take_stray())
}

/// Events do not depend on how the bytes were cut.
pub fn sse(data: &[u8]) {
    let whole = events(&[data], usize::MAX);
    assert_eq!(events(&data.chunks(1).collect::<Vec<_>>(), usize::MAX), whole);
    assert_eq!(events(&data.chunks(7).collect::<Vec<_>>(), usize::MAX), whole);
    // What a small limit drops does depend on the pieces, by up to a piece.
    for limit in [0, 20] {
        events(&[data], limit);
        events(&data.chunks(3).collect::<Vec<_>>(), limit);
    }
}

fn request(format: Format, body: &[u8]) {
    let read = read_request(format, "", body);
    canonical_bytes(&read.params).expect("parameters have a canonical form");
    match &read.skeleton {
        Some(skeleton) => {
            let value: Value = serde_json::from_slice(body).expect("a skeleton is of JSON");
            let full = filled(skeleton, &read.parts);
            assert_eq!(full.to_string(), value.to_string());
        }
        None => assert!(read.parts.len() <= 1 && !read.oddities.is_empty()),
    }
}

fn read(format: Format, pieces: &[&[u8]], head: u8) -> ReadResponse {
    let types = [None, Some("text/event-stream"), Some("application/json"), Some("text/html")];
    let head_of = ResponseHead {
        status: if head & 8 == 0 { 200 } else { 429 },
        content_type: types[usize::from(head & 3)],
        tokens: HeaderTokens::default(),
    };
    let mut reader = ResponseReader::new(format, &head_of);
    for piece in pieces {
        reader.push(piece);
    }
    reader.finish(if head & 4 == 0 { End::Complete } else { End::Cut })
}

/// The first byte chooses the head; a body of JSON comes back from its parts.
fn response(format: Format, data: &[u8]) {
    let (head, body) = data.split_first().map_or((0, data), |(head, body)| (*head, body));
    ends_stream(format, body);
    let read = read(format, &[body], head);
    if let Some(skeleton) = &read.skeleton {
        let full = filled(skeleton, &read.parts);
        // An array is a stream of Google's, and a JSON text may be a stream of one line: both are
        // assembled.
        let lines =
            matches!(format, Format::CohereChatV1 | Format::OllamaChat | Format::OllamaGenerate);
        if (!lines || head & 3 == 2)
            && let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(body)
        {
            assert_eq!(full.to_string(), value.to_string());
        }
    }
    if let Some(usage) = &read.usage {
        canonical_bytes(usage).expect("usage has a canonical form");
    }
}

/// An answer cut anywhere reads as the same answer whole. The first three bytes choose format,
/// head and cuts.
pub fn response_splits(data: &[u8]) {
    let Some(([format, head, cut], body)) = data.split_first_chunk::<3>() else {
        return;
    };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    let whole = read(format, &[body], *head);
    let single: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(read(format, &single, *head), whole);
    let (mut pieces, mut rest, mut state) = (Vec::new(), body, u32::from(*cut) | 1);
    while !rest.is_empty() {
        // A xorshift, so that pieces differ in length; empty ones are pieces too.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let length = usize::try_from(state % 23).unwrap_or(0).min(rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    assert_eq!(read(format, &pieces, *head), whole);
}

macro_rules! formats {
    ($($format:ident: $request:ident, $response:ident;)*) => {$(
        #[doc = concat!("A request read as ", stringify!($format), " fills back to its body.")]
        pub fn $request(data: &[u8]) {
            request(Format::$format, data);
        }

        #[doc = concat!("An answer read as ", stringify!($format), " fills back to its body.")]
        pub fn $response(data: &[u8]) {
            response(Format::$format, data);
        }
    )*};
}

formats! {
    CohereChat: cohere_request, cohere_response;
    CohereChatV1: cohere_v1_request, cohere_v1_response;
    Mcp: mcp_request, mcp_response;
    OllamaChat: ollama_request, ollama_response;
    OllamaGenerate: ollama_generate_request, ollama_generate_response;
    AnthropicMessages: anthropic_request, anthropic_response;
    GeminiEmbed: gemini_embed_request, gemini_embed_response;
    GeminiGenerate: gemini_request, gemini_response;
    OpenAiChat: chat_request, chat_response;
    OpenAiCompletions: completions_request, completions_response;
    OpenAiEmbeddings: embeddings_request, embeddings_response;
    OpenAiResponses: responses_request, responses_response;
    BedrockConverse: converse_request, converse_response;
    BedrockInvoke: invoke_request, invoke_response;
}
