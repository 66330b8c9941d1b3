//! Recorded traffic, read from outside of the repository.

use std::io::Read;
use std::path::PathBuf;

use provider::{End, Format, ReadResponse, ResponseHead, ResponseReader};
use serde_json::Value;

/// Where the recordings lie; said visibly when they are not there.
fn file(name: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("CUSTODY_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("corpus/traffic").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("SKIPPED: no recordings at {}", path.display());
    }
    bytes
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of one file of recordings.
pub(crate) fn rows(name: &str) -> Option<Vec<Value>> {
    let bytes = file(name)?;
    let mut text = String::new();
    if name.ends_with("gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(lines(&text))
}

/// A row's member as text; empty when it is not there.
pub(crate) fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// The format that the recordings name; some of their paths belong to no format alone.
pub(crate) fn format(row: &Value) -> Format {
    match text(row, "format") {
        "openai.chat_completions" => Format::OpenAiChat,
        "openai.completions" => Format::OpenAiCompletions,
        "openai.responses" => Format::OpenAiResponses,
        "openai.responses.get" => Format::OpenAiResponseById,
        "openai.embeddings" => Format::OpenAiEmbeddings,
        "anthropic.messages" | "google.rawPredict(anthropic)" => Format::AnthropicMessages,
        "anthropic.count_tokens" => Format::AnthropicCountTokens,
        "google.generateContent" | "google.streamGenerateContent" => Format::GeminiGenerate,
        "google.countTokens" => Format::GeminiCountTokens,
        "google.embed_or_predict" => Format::GeminiEmbed,
        "bedrock.converse" | "bedrock.converse-stream" => Format::BedrockConverse,
        "bedrock.invoke" | "bedrock.invoke-stream" => Format::BedrockInvoke,
        "bedrock.count_tokens" => Format::BedrockCountTokens,
        "cohere.v1.chat" => Format::CohereChatV1,
        "cohere.v2.chat" => Format::CohereChat,
        "cohere.embed" => Format::CohereEmbed,
        "cohere.rerank" => Format::CohereRerank,
        "ollama.chat" => Format::OllamaChat,
        "ollama.generate" => Format::OllamaGenerate,
        "ollama.embed" => Format::OllamaEmbed,
        "mcp.streamable_http" => Format::Mcp,
        _ => Format::Opaque,
    }
}

/// The answer of a row, in pieces that `split` makes.
pub(crate) fn answer(row: &Value, split: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> ReadResponse {
    let content_type = row["response_headers"].as_array().and_then(|headers| {
        headers.iter().find_map(|header| {
            header[0]
                .as_str()?
                .eq_ignore_ascii_case("content-type")
                .then(|| header[1].as_str().unwrap_or_default())
        })
    });
    let status = row["status"].as_u64().and_then(|s| u16::try_from(s).ok());
    let head = ResponseHead {
        status: status.unwrap_or(200),
        content_type,
        tokens: provider::HeaderTokens::default(),
    };
    let mut reader = ResponseReader::new(format(row), &head);
    for piece in split(&body(row)) {
        reader.push(&piece);
    }
    reader.finish(End::Complete)
}

/// The answer of a row in one piece.
pub(crate) fn whole(row: &Value) -> ReadResponse {
    answer(row, |bytes| vec![bytes.to_vec()])
}

/// The body of a row's answer; binary ones are recorded in base64.
pub(crate) fn body(row: &Value) -> Vec<u8> {
    use base64::Engine as _;
    match row["response_body_b64"].as_str() {
        Some(text) => base64::prelude::BASE64_STANDARD.decode(text).unwrap(),
        None => text(row, "response_body").as_bytes().to_vec(),
    }
}
