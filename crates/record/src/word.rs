//! The closed vocabularies of a record. `as_str` is the word that stands in files and answers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {word:?}; known: {known}")]
pub struct UnknownWord {
    /// Which vocabulary was asked.
    pub what: &'static str,
    /// The word.
    pub word: String,
    /// The words that there are.
    pub known: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All words, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in files and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord {
                        what: $what,
                        word: text.to_owned(),
                        known: Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "),
                    }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::id::from_text(deserializer)
            }
        }
    };
}

words! {
    /// What a record is about.
    Kind, "record kind" {
        /// One request to a model and what came of it.
        Interaction = "interaction",
        /// An application looked for documents and found some.
        Retrieval = "retrieval",
        /// An application called a tool.
        ToolCall = "tool_call",
        /// A person looked at what a model did, and decided.
        Review = "review",
        /// Somebody said how good an answer was.
        Feedback = "feedback",
        /// Anything else that an application wants on record.
        Note = "note",
        /// Admitted calls that are not in the log: how many, when and why.
        Gap = "gap",
        /// A sign of life of an idle log, with its tally.
        Heartbeat = "heartbeat",
        /// What a start after a crash found and did.
        Recovery = "recovery",
        /// Somebody read content.
        Access = "access",
        /// Something that a person should look at.
        Alert = "alert",
        /// A start, a stop, or a change of what is recorded and how.
        Configuration = "configuration",
        /// A segment was written: its files and their digests.
        Segment = "segment",
        /// Attempts to break the archive's locks, and how they ended.
        Probe = "probe",
        /// Keys were destroyed at a person's wish: the receipt.
        Erasure = "erasure",
        /// A retention class's time was over: keys were destroyed, or files removed.
        Expiry = "expiry",
        /// A legal hold was placed or lifted.
        Hold = "hold",
        /// Segments moved to the cold tier.
        Tier = "tier",
        /// The collector's signing key gave way to another.
        KeyChange = "key_change",
    }
}

impl Kind {
    /// The kinds of which applications tell.
    pub const EVENTS: [Self; 5] =
        [Self::Retrieval, Self::ToolCall, Self::Review, Self::Feedback, Self::Note];
}

words! {
    /// Who speaks in a part.
    Role, "role" {
        /// Instructions of the application.
        System = "system",
        /// Instructions of the developer (OpenAI's successor of system).
        Developer = "developer",
        /// The person or program that asks.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool that answered.
        Tool = "tool",
    }
}

words! {
    /// What a part is.
    PartKind, "part kind" {
        /// Text that a person or the model wrote.
        Text = "text",
        /// Thoughts of the model that the provider shows.
        Reasoning = "reasoning",
        /// Thoughts that the provider encrypts; kept verbatim, cannot be shown.
        ReasoningOpaque = "reasoning_opaque",
        /// The model's refusal, where the provider marks it.
        Refusal = "refusal",
        /// The model asks for a tool: `name`, `call_id`, `arguments`.
        ToolCall = "tool_call",
        /// What the tool answered: `call_id`, `content`.
        ToolResult = "tool_result",
        /// A tool as it was offered to the model.
        ToolDefinition = "tool_definition",
        /// A document given to the model.
        Document = "document",
        /// A source that the model names.
        Citation = "citation",
        /// An image: `media_type`, `data`.
        Image = "image",
        /// Sound: `media_type`, `data`.
        Audio = "audio",
        /// A file by content or by the provider's id.
        File = "file",
        /// A link that the provider fetches itself.
        Uri = "uri",
        /// A vector.
        Embedding = "embedding",
        /// Bytes that no reader understood.
        Opaque = "opaque",
        /// A body with references where its parts stood; never in a list of parts.
        Skeleton = "skeleton",
        /// Values that masking took out and keeps apart: placeholder → entity and value.
        Vault = "vault",
    }
}

words! {
    /// Under whose key a part is sealed.
    Scope, "scope" {
        /// The person's (else the session's, else the caller's) key.
        Subject = "subject",
        /// A key of the installation: system prompts and tool definitions.
        Shared = "shared",
    }
}

words! {
    /// How an interaction ended.
    Outcome, "outcome" {
        /// The provider said that it was done.
        Complete = "complete",
        /// The provider answered with an error, or could not be reached.
        Error = "error",
        /// The provider stopped without its end.
        Truncated = "truncated",
        /// The client left before the end.
        ClientAbort = "client_abort",
        /// Custody stopped before the end.
        Interrupted = "interrupted",
        /// Custody did not let the call through, or withheld the answer.
        RefusedByCustody = "refused_by_custody",
    }
}

words! {
    /// Why the model stopped, in one vocabulary for all providers.
    FinishClass, "finish class" {
        /// It was done.
        Stop = "stop",
        /// It reached a limit of length.
        Length = "length",
        /// It asks for a tool.
        ToolCall = "tool_call",
        /// The provider's filter stepped in.
        ContentFilter = "content_filter",
        /// It refused.
        Refusal = "refusal",
        /// An error ended it.
        Error = "error",
        /// Nobody said.
        Unknown = "unknown",
    }
}

words! {
    /// How a record came into the log.
    Origin, "origin" {
        /// Seen by the proxy as it happened.
        Proxy = "proxy",
        /// Reported as an OTLP span.
        Otlp = "otlp",
        /// Posted as an event.
        Event = "event",
        /// Imported from another system's log.
        Import = "import",
        /// Sent by a replay.
        Replay = "replay",
        /// Sent by a probe.
        Probe = "probe",
        /// Made by Custody itself.
        Custody = "custody",
    }
}

words! {
    /// What the application asked of the model.
    Operation, "operation" {
        /// A conversation in OpenAI's chat form.
        Chat = "chat",
        /// A text to be continued.
        Completion = "completion",
        /// OpenAI's Responses.
        Responses = "responses",
        /// Vectors for texts.
        Embeddings = "embeddings",
        /// Anthropic's Messages.
        Messages = "messages",
        /// Google's generateContent.
        Generate = "generate",
        /// A tool server's call.
        Tool = "tool",
        /// Documents put in order of fitness for a query.
        Rerank = "rerank",
        /// The count of a request's tokens, without an answer to it.
        CountTokens = "count_tokens",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Why admitted calls are missing.
    GapReason, "gap reason" {
        /// The process ended with numbers in hand; how many were used is not known.
        Crash = "crash",
        /// The log could not be written.
        LogUnwritable = "log_unwritable",
        /// `capture.memory` was used up.
        Memory = "memory",
        /// Frames were damaged on disk.
        Damage = "damage",
        /// A fault in Custody lost the content.
        Fault = "fault",
    }
}
