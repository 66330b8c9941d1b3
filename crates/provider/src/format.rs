//! Which wire format a request is in, told by its path.

use std::str::FromStr;

use record::Operation;

use crate::anthropic::Anthropic;
use crate::openai::{Chat, Completions, Embeddings, Responses};
use crate::reader::Reader;

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
    /// Anthropic Messages, also as Vertex serves them.
    AnthropicMessages,
    /// Anything else: the body is kept whole.
    Opaque,
}

impl Format {
    /// The format's name in configuration and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
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
            Self::OpenAiChat => Operation::Chat,
            Self::OpenAiCompletions => Operation::Completion,
            Self::OpenAiResponses => Operation::Responses,
            Self::OpenAiEmbeddings => Operation::Embeddings,
            Self::AnthropicMessages => Operation::Messages,
            Self::Opaque => Operation::Other,
        }
    }

    pub(crate) fn reader(self) -> Option<&'static dyn Reader> {
        match self {
            Self::OpenAiChat => Some(&Chat),
            Self::OpenAiCompletions => Some(&Completions),
            Self::OpenAiResponses => Some(&Responses),
            Self::OpenAiEmbeddings => Some(&Embeddings),
            Self::AnthropicMessages => Some(&Anthropic),
            Self::Opaque => None,
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
            Self::Opaque => "opaque",
        }
    }
}

/// A family that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown format {0:?}; known: auto (told by the path), openai, anthropic, opaque (kept unread)"
)]
pub struct UnknownFamily(pub String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, UnknownFamily> {
        [Self::Auto, Self::OpenAi, Self::Anthropic, Self::Opaque]
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
}

/// Tells a request's format by the end of its path, so that prefixes of gateways do not matter.
pub fn detect(head: &RequestHead<'_>) -> Format {
    let multipart = head.content_type.is_some_and(|value| {
        value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
    });
    if head.family == Family::Opaque || multipart || !head.method.eq_ignore_ascii_case("POST") {
        return Format::Opaque;
    }
    let path = head.path.trim_end_matches('/');
    let ends = |suffix: &str| {
        path.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    if head.family != Family::OpenAi {
        // `/v1/threads/{id}/messages` of OpenAI's assistants ends in `/messages` too.
        let vertex = path.contains("/publishers/anthropic/")
            && (path.ends_with(":rawPredict") || path.ends_with(":streamRawPredict"));
        if vertex || ends("v1/messages") || path.trim_start_matches('/') == "messages" {
            return Format::AnthropicMessages;
        }
    }
    if ends("chat/completions") {
        Format::OpenAiChat
    } else if ends("completions") && !ends("fim/completions") {
        Format::OpenAiCompletions
    } else if ends("responses") || ends("responses/compact") {
        Format::OpenAiResponses
    } else if ends("embeddings") && !ends("api/embeddings") {
        // `/api/embeddings` is Ollama's own.
        Format::OpenAiEmbeddings
    } else {
        Format::Opaque
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
            ("/v1/fim/completions", Format::Opaque),
            ("/openai/v1/responses", Format::OpenAiResponses),
            ("/v1/responses/compact", Format::OpenAiResponses),
            ("/v1/responses/resp_1/cancel", Format::Opaque),
            ("/v1/embeddings", Format::OpenAiEmbeddings),
            ("/api/embeddings", Format::Opaque),
            ("/v1/messages", Format::AnthropicMessages),
            ("/v1/messages/count_tokens", Format::Opaque),
            ("/v1/threads/thread_1/messages", Format::Opaque),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict",
                Format::AnthropicMessages,
            ),
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
        };
        assert_eq!(detect(&head), Format::Opaque);
        head.method = "post";
        assert_eq!(detect(&head), Format::OpenAiResponses);
        head.content_type = Some("Multipart/form-data; boundary=x");
        assert_eq!(detect(&head), Format::Opaque);
    }

    #[test]
    fn an_unknown_family_is_answered_with_the_known_ones() {
        assert_eq!("openai".parse(), Ok(Family::OpenAi));
        let error = "gemini".parse::<Family>().unwrap_err().to_string();
        assert!(error.contains("gemini") && error.contains("anthropic"), "{error}");
    }
}
