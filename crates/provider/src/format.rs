//! Which wire format a request is in, told by its path.

use std::str::FromStr;

use record::Operation;

use crate::anthropic::Anthropic;
use crate::bedrock::{Converse, CountTokens, Invoke};
use crate::gemini;
use crate::mcp::Mcp;
use crate::openai::{Chat, Completions, Embeddings, Responses};
use crate::otel::Otel;
use crate::reader::Reader;
use crate::{cohere, ollama};

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// OpenAI chat completions, and the many compatible ones.
    OpenAiChat,
    /// OpenAI legacy completions.
    OpenAiCompletions,
    /// OpenAI Responses.
    OpenAiResponses,
    /// OpenAI embeddings.
    OpenAiEmbeddings,
    /// An answer of Responses, asked for again by its id.
    OpenAiResponseById,
    /// Anthropic Messages, also as Vertex serves them.
    AnthropicMessages,
    /// Anthropic's count of a request's tokens.
    AnthropicCountTokens,
    /// Google's generateContent, of Gemini and of Vertex.
    GeminiGenerate,
    /// Google's embeddings: embedContent, batchEmbedContents and Vertex's predict.
    GeminiEmbed,
    /// Google's count of a request's tokens.
    GeminiCountTokens,
    /// Bedrock Converse, streamed or not.
    BedrockConverse,
    /// Bedrock's call of a model in the model's own format, streamed or not.
    BedrockInvoke,
    /// Bedrock's count of a request's tokens.
    BedrockCountTokens,
    /// Cohere's chat, version 1: one message and the history beside it.
    CohereChatV1,
    /// Cohere's chat, version 2: a list of messages.
    CohereChat,
    /// Cohere's embeddings, of both versions.
    CohereEmbed,
    /// Cohere's ranking of documents, of both versions.
    CohereRerank,
    /// Mistral's fill in the middle.
    MistralFim,
    /// Ollama's own chat.
    OllamaChat,
    /// Ollama's own completion.
    OllamaGenerate,
    /// Ollama's own embeddings, new and old.
    OllamaEmbed,
    /// A message of the Model Context Protocol over HTTP.
    Mcp,
    /// A call as telemetry tells of it: the messages of OpenTelemetry's conventions.
    OtelGenAi,
    /// Anything else: the body is kept whole.
    Opaque,
}

impl Format {
    /// All formats.
    pub const ALL: &'static [Self] = &[
        Self::OpenAiChat,
        Self::OpenAiCompletions,
        Self::OpenAiResponses,
        Self::OpenAiResponseById,
        Self::OpenAiEmbeddings,
        Self::AnthropicMessages,
        Self::AnthropicCountTokens,
        Self::GeminiGenerate,
        Self::GeminiEmbed,
        Self::GeminiCountTokens,
        Self::BedrockConverse,
        Self::BedrockInvoke,
        Self::BedrockCountTokens,
        Self::CohereChatV1,
        Self::CohereChat,
        Self::CohereEmbed,
        Self::CohereRerank,
        Self::MistralFim,
        Self::OllamaChat,
        Self::OllamaGenerate,
        Self::OllamaEmbed,
        Self::Mcp,
        Self::OtelGenAi,
        Self::Opaque,
    ];

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == name)
    }

    /// The format's name in configuration and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiResponseById => "openai.responses.get",
            Self::AnthropicCountTokens => "anthropic.count_tokens",
            Self::GeminiGenerate => "gemini.generate_content",
            Self::GeminiEmbed => "gemini.embed_content",
            Self::GeminiCountTokens => "gemini.count_tokens",
            Self::BedrockConverse => "bedrock.converse",
            Self::BedrockInvoke => "bedrock.invoke",
            Self::BedrockCountTokens => "bedrock.count_tokens",
            Self::CohereChatV1 => "cohere.v1.chat",
            Self::CohereChat => "cohere.v2.chat",
            Self::CohereEmbed => "cohere.embed",
            Self::CohereRerank => "cohere.rerank",
            Self::MistralFim => "mistral.fim",
            Self::OllamaChat => "ollama.chat",
            Self::OllamaGenerate => "ollama.generate",
            Self::OllamaEmbed => "ollama.embed",
            Self::Mcp => "mcp",
            Self::OtelGenAi => "otel.gen_ai",
            Self::OpenAiChat => "openai.chat_completions",
            Self::OpenAiCompletions => "openai.completions",
            Self::OpenAiResponses => "openai.responses",
            Self::OpenAiEmbeddings => "openai.embeddings",
            Self::AnthropicMessages => "anthropic.messages",
            Self::Opaque => "opaque",
        }
    }

    /// What a request of this format asks of the model.
    pub const fn operation(self) -> Operation {
        match self {
            Self::OpenAiChat
            | Self::BedrockConverse
            | Self::CohereChat
            | Self::CohereChatV1
            | Self::OllamaChat
            | Self::OtelGenAi => Operation::Chat,
            Self::OpenAiCompletions | Self::MistralFim | Self::OllamaGenerate => {
                Operation::Completion
            }
            Self::OpenAiResponses | Self::OpenAiResponseById => Operation::Responses,
            Self::OpenAiEmbeddings | Self::GeminiEmbed | Self::CohereEmbed | Self::OllamaEmbed => {
                Operation::Embeddings
            }
            Self::AnthropicMessages => Operation::Messages,
            Self::GeminiGenerate | Self::BedrockInvoke => Operation::Generate,
            Self::AnthropicCountTokens | Self::GeminiCountTokens | Self::BedrockCountTokens => {
                Operation::CountTokens
            }
            Self::CohereRerank => Operation::Rerank,
            Self::Mcp => Operation::Tool,
            Self::Opaque => Operation::Other,
        }
    }

    pub(crate) fn reader(self) -> Option<&'static dyn Reader> {
        match self {
            Self::OpenAiChat => Some(&Chat),
            // Mistral's fill in the middle has a prompt and a suffix, and answers as chat does.
            Self::OpenAiCompletions | Self::MistralFim => Some(&Completions),
            Self::OpenAiResponses | Self::OpenAiResponseById => Some(&Responses),
            Self::OpenAiEmbeddings => Some(&Embeddings),
            Self::AnthropicMessages | Self::AnthropicCountTokens => Some(&Anthropic),
            Self::GeminiGenerate => Some(&gemini::Generate),
            Self::GeminiEmbed => Some(&gemini::Embed),
            Self::GeminiCountTokens => Some(&gemini::CountTokens),
            Self::BedrockConverse => Some(&Converse),
            Self::BedrockInvoke => Some(&Invoke),
            Self::BedrockCountTokens => Some(&CountTokens),
            Self::Opaque => None,
            Self::CohereChatV1 => Some(&cohere::ChatV1),
            Self::CohereChat => Some(&cohere::Chat),
            Self::CohereEmbed => Some(&cohere::Embed),
            Self::CohereRerank => Some(&cohere::Rerank),
            Self::OllamaChat => Some(&ollama::Chat),
            Self::OllamaGenerate => Some(&ollama::Generate),
            Self::OllamaEmbed => Some(&ollama::Embed),
            Self::Mcp => Some(&Mcp),
            Self::OtelGenAi => Some(&Otel),
        }
    }
}

/// The format family that an upstream is configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Family {
    /// Told by the path.
    #[default]
    Auto,
    /// OpenAI and compatible ones; a path ending in `/messages` is not Anthropic's there.
    OpenAi,
    /// Anthropic, which also serves an OpenAI-compatible path.
    Anthropic,
    /// Gemini and Vertex, which also serve an OpenAI-compatible path.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
    /// Cohere.
    Cohere,
    /// Mistral.
    Mistral,
    /// Ollama, which also serves an OpenAI-compatible path.
    Ollama,
    /// A server of the Model Context Protocol, under any path.
    Mcp,
    /// Nothing is read, everything is kept.
    Opaque,
}

impl Family {
    /// The family's word in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
            Self::Mistral => "mistral",
            Self::Ollama => "ollama",
            Self::Mcp => "mcp",
            Self::Opaque => "opaque",
        }
    }

    const ALL: [Self; 10] = [
        Self::Auto,
        Self::OpenAi,
        Self::Anthropic,
        Self::Gemini,
        Self::Bedrock,
        Self::Cohere,
        Self::Mistral,
        Self::Ollama,
        Self::Mcp,
        Self::Opaque,
    ];
}

/// A family that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown format {0:?}; known: auto (told by the path), openai, anthropic, gemini, bedrock, \
     cohere, mistral, ollama, mcp, opaque (kept unread)"
)]
pub struct UnknownFamily(pub String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, UnknownFamily> {
        Self::ALL
            .into_iter()
            .find(|family| family.as_str() == text)
            .ok_or_else(|| UnknownFamily(text.to_owned()))
    }
}

/// What of a request's head tells its format.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The upstream's family.
    pub family: Family,
    /// The method, in upper case.
    pub method: &'a str,
    /// The path after the upstream's segment, without the query.
    pub path: &'a str,
    /// The `content-type` header.
    pub content_type: Option<&'a str>,
    /// Whether a header of MCP is there: `Mcp-Method`, `Mcp-Session-Id` or `Mcp-Protocol-Version`.
    pub mcp: bool,
}

/// Tells a request's format by the end of its path, so that prefixes of gateways do not matter.
pub fn detect(head: &RequestHead<'_>) -> Format {
    let multipart = head.content_type.is_some_and(|value| {
        value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
    });
    let path = Path(head.path.trim_end_matches('/'));
    if head.family == Family::Opaque || multipart {
        return Format::Opaque;
    }
    if head.method.eq_ignore_ascii_case("GET") {
        return if path.is_response_by_id() { Format::OpenAiResponseById } else { Format::Opaque };
    }
    if !head.method.eq_ignore_ascii_case("POST") {
        return Format::Opaque;
    }
    if head.mcp || head.family == Family::Mcp {
        return Format::Mcp;
    }
    let own = match head.family {
        Family::OpenAi => None,
        Family::Cohere => path.anthropic().or_else(|| path.cohere(true)),
        Family::Mistral => path.mistral(),
        _ => path
            .google()
            .or_else(|| path.anthropic())
            .or_else(|| path.bedrock())
            .or_else(|| path.ollama())
            .or_else(|| path.cohere(false))
            .or_else(|| path.mistral()),
    };
    own.or_else(|| path.openai()).unwrap_or(Format::Opaque)
}

/// A path without a slash at its end.
#[derive(Clone, Copy)]
struct Path<'a>(&'a str);

impl Path<'_> {
    fn ends(self, suffix: &str) -> bool {
        let rest = self.0.strip_suffix(suffix);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    }

    /// `…/responses/{id}`, and not what lies below it.
    fn is_response_by_id(self) -> bool {
        let (before, id) = self.0.rsplit_once('/').unwrap_or_default();
        id.starts_with("resp_") && Path(before).ends("responses")
    }

    fn openai(self) -> Option<Format> {
        Some(if self.ends("chat/completions") {
            Format::OpenAiChat
        } else if self.ends("completions") {
            Format::OpenAiCompletions
        } else if self.ends("responses") || self.ends("responses/compact") {
            Format::OpenAiResponses
        } else if self.ends("embeddings") {
            Format::OpenAiEmbeddings
        } else {
            return None;
        })
    }

    fn anthropic(self) -> Option<Format> {
        // `/v1/threads/{id}/messages` of OpenAI's assistants ends in `/messages` too.
        if self.ends("v1/messages") || self.0.trim_start_matches('/') == "messages" {
            Some(Format::AnthropicMessages)
        } else if self.ends("messages/count_tokens") {
            Some(Format::AnthropicCountTokens)
        } else {
            None
        }
    }

    /// Google's methods stand behind a colon.
    fn google(self) -> Option<Format> {
        let (before, method) = self.0.rsplit_once(':')?;
        if before.contains("/publishers/anthropic/") {
            return match method {
                "rawPredict" | "streamRawPredict" => Some(Format::AnthropicMessages),
                _ => None,
            };
        }
        match method {
            "generateContent" | "streamGenerateContent" => Some(Format::GeminiGenerate),
            "embedContent" | "batchEmbedContents" => Some(Format::GeminiEmbed),
            "predict" if before.contains("/publishers/google/models/") => Some(Format::GeminiEmbed),
            "countTokens" => Some(Format::GeminiCountTokens),
            _ => None,
        }
    }

    /// `/model/{id}/{action}`; an id may hold slashes when it is an ARN.
    fn bedrock(self) -> Option<Format> {
        let (before, action) = self.0.rsplit_once('/')?;
        if !before.contains("/model/") {
            return None;
        }
        match action {
            "converse" | "converse-stream" => Some(Format::BedrockConverse),
            "invoke" | "invoke-with-response-stream" => Some(Format::BedrockInvoke),
            "count-tokens" => Some(Format::BedrockCountTokens),
            _ => None,
        }
    }

    fn ollama(self) -> Option<Format> {
        Some(if self.ends("api/chat") {
            Format::OllamaChat
        } else if self.ends("api/generate") {
            Format::OllamaGenerate
        } else if self.ends("api/embed") || self.ends("api/embeddings") {
            Format::OllamaEmbed
        } else {
            return None;
        })
    }

    /// `known` when the upstream is Cohere's: others have a `/v1/chat` and a `/v1/embed` too.
    fn cohere(self, known: bool) -> Option<Format> {
        Some(if self.ends("v2/chat") {
            Format::CohereChat
        } else if self.ends("v1/chat") {
            Format::CohereChatV1
        } else if self.ends("v1/rerank") || self.ends("v2/rerank") {
            Format::CohereRerank
        } else if self.ends("v2/embed") || self.ends("v1/embed") || (known && self.ends("embed")) {
            Format::CohereEmbed
        } else {
            return None;
        })
    }

    fn mistral(self) -> Option<Format> {
        if self.ends("fim/completions") {
            Some(Format::MistralFim)
        } else if self.ends("agents/completions") {
            Some(Format::OpenAiChat)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(family: Family, path: &str) -> Format {
        detect(&RequestHead {
            family,
            method: "POST",
            path,
            content_type: Some("application/json"),
            mcp: false,
        })
    }

    #[test]
    fn paths_tell_formats() {
        for (path, format) in [
            ("/v1/chat/completions", Format::OpenAiChat),
            ("/chat/completions/", Format::OpenAiChat),
            ("chat/completions", Format::OpenAiChat),
            ("/openai/deployments/d/chat/completions", Format::OpenAiChat),
            ("/v1/completions", Format::OpenAiCompletions),
            ("/v1/fim/completions", Format::MistralFim),
            ("/openai/v1/responses", Format::OpenAiResponses),
            ("/v1/responses/compact", Format::OpenAiResponses),
            ("/v1/responses/resp_1/cancel", Format::Opaque),
            ("/v1/embeddings", Format::OpenAiEmbeddings),
            ("/api/embeddings", Format::OllamaEmbed),
            ("/v1/messages", Format::AnthropicMessages),
            ("/v1/messages/count_tokens", Format::AnthropicCountTokens),
            ("/v1/threads/thread_1/messages", Format::Opaque),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict",
                Format::AnthropicMessages,
            ),
            ("/v1beta/models/gemini-2.5-pro:generateContent", Format::GeminiGenerate),
            (
                "/v1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent",
                Format::GeminiGenerate,
            ),
            ("/v1beta/models/m:countTokens", Format::GeminiCountTokens),
            ("/v1beta/models/m:batchEmbedContents", Format::GeminiEmbed),
            ("/v1beta/openai/chat/completions", Format::OpenAiChat),
            ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", Format::BedrockConverse),
            ("/model/arn:aws:bedrock:r:1:x/y/converse-stream", Format::BedrockConverse),
            ("/model/m/invoke-with-response-stream", Format::BedrockInvoke),
            ("/gateway/model/m/count-tokens", Format::BedrockCountTokens),
            ("/v2/chat", Format::CohereChat),
            ("/v1/chat", Format::CohereChatV1),
            ("/v2/rerank", Format::CohereRerank),
            ("/api/chat", Format::OllamaChat),
            ("/v1/mychat/notcompletions", Format::Opaque),
            ("", Format::Opaque),
        ] {
            assert_eq!(told(Family::Auto, path), format, "{path}");
        }
        assert_eq!(told(Family::OpenAi, "/v1/messages"), Format::Opaque);
        assert_eq!(told(Family::Anthropic, "/v1/chat/completions"), Format::OpenAiChat);
        assert_eq!(told(Family::Opaque, "/v1/chat/completions"), Format::Opaque);
    }

    #[test]
    fn method_and_content_type_count() {
        let mut head = RequestHead {
            family: Family::Auto,
            method: "GET",
            path: "/v1/responses",
            content_type: None,
            mcp: false,
        };
        assert_eq!(detect(&head), Format::Opaque);
        head.path = "/v1/responses/resp_1";
        assert_eq!(detect(&head), Format::OpenAiResponseById);
        head.path = "/v1/responses";
        head.method = "post";
        assert_eq!(detect(&head), Format::OpenAiResponses);
        head.content_type = Some("Multipart/form-data; boundary=x");
        assert_eq!(detect(&head), Format::Opaque);
        head.content_type = None;
        head.mcp = true;
        assert_eq!(detect(&head), Format::Mcp);
    }

    #[test]
    fn an_unknown_family_is_answered_with_the_known_ones() {
        assert_eq!("openai".parse(), Ok(Family::OpenAi));
        let error = "gemmini".parse::<Family>().unwrap_err().to_string();
        assert!(error.contains("gemmini") && error.contains("anthropic"), "{error}");
    }
}
