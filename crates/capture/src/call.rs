//! What the face that takes a call in knows of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use provider::{Family, Format, HeaderTokens};
use record::envelope::ProviderError;
use record::{Origin, SpanId, TraceId};

use crate::Mode;

/// Where a call goes, from the configuration.
#[derive(Debug, Clone)]
pub struct Route {
    /// The upstream's name.
    pub upstream: String,
    /// The provider's name in records.
    pub provider: String,
    /// Its wire formats.
    pub family: Family,
    /// What a call waits for.
    pub mode: Mode,
    /// The retention class.
    pub class: String,
}

/// What the identity of a call rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Identity {
    /// Nothing was said.
    #[default]
    None,
    /// A `Custody-*` header.
    Header,
    /// W3C baggage.
    Baggage,
    /// A member of the body.
    Body,
    /// An attribute of a span or a log record.
    Telemetry,
}

impl Identity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Header => "header",
            Self::Baggage => "baggage",
            Self::Body => "body",
            Self::Telemetry => "telemetry",
        }
    }
}

/// What is known when a call is let through. Text is as the caller sent it: nothing of it reaches
/// a disk but through the pipeline.
#[derive(Debug, Clone)]
pub struct CallHead {
    /// Where it goes.
    pub route: Arc<Route>,
    /// How it came in.
    pub origin: Origin,
    /// The wire format, where it is known otherwise than by the path.
    pub format: Option<Format>,
    /// HTTP method.
    pub method: String,
    /// Path after the upstream's segment.
    pub path: String,
    /// Query, with credentials taken out.
    pub query: Option<String>,
    /// Media type of the body.
    pub content_type: Option<String>,
    /// Encoding of the body.
    pub content_encoding: Option<String>,
    /// Whether a header of MCP was there.
    pub mcp: bool,
    /// Other headers worth keeping, with the body's skeleton.
    pub headers: Vec<(&'static str, String)>,
    /// The correlation id.
    pub trace_id: TraceId,
    /// The caller's span.
    pub parent_span_id: Option<SpanId>,
    /// The caller's own id of the request.
    pub client_request_id: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The user id.
    pub user: Option<String>,
    /// What the user id rests on.
    pub identity: Identity,
    /// Roles of the user.
    pub roles: Vec<String>,
    /// Deployment environment.
    pub environment: Option<String>,
    /// The calling service.
    pub service: Option<String>,
    /// Free tags.
    pub tags: BTreeMap<String, String>,
    /// The credential that went to the provider; only a keyed fingerprint of it is kept.
    pub credential: Option<Vec<u8>>,
    /// 1, or more when the caller says that it tries again.
    pub attempt: u32,
    /// Made by a probe or a replay.
    pub synthetic: bool,
}

/// The provider's answer as it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseStart {
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub content_type: Option<String>,
    /// Encoding of the body.
    pub content_encoding: Option<String>,
    /// The provider's id of the request.
    pub provider_request_id: Option<String>,
    /// Token counts that headers tell.
    pub tokens: HeaderTokens,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No connection to the provider.
    Unreachable,
    /// The provider closed or broke the connection before its answer.
    Broken,
    /// The caller left before the answer, and the provider gave none.
    ClientGone,
    /// The caller's body broke off.
    RequestBroken,
    /// Custody withheld the answer: the log could not be written.
    Withheld,
}

impl Failure {
    pub(crate) fn error(self) -> ProviderError {
        let kind = match self {
            Self::Unreachable => "upstream_unreachable",
            Self::Broken => "upstream_broken",
            Self::ClientGone => "client_gone",
            Self::RequestBroken => "request_broken",
            Self::Withheld => "log_unwritable",
        };
        ProviderError { code: None, kind: kind.to_owned() }
    }
}

impl CallHead {
    /// The head of something that is told of: nothing is known yet but where it comes from and what
    /// it belongs to.
    pub fn told(route: Arc<Route>, origin: Origin, trace_id: TraceId) -> Self {
        Self {
            route,
            origin,
            format: None,
            method: "POST".to_owned(),
            path: String::new(),
            query: None,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            mcp: false,
            headers: Vec::new(),
            trace_id,
            parent_span_id: None,
            client_request_id: None,
            session: None,
            user: None,
            identity: Identity::None,
            roles: Vec::new(),
            environment: None,
            service: None,
            tags: BTreeMap::new(),
            credential: None,
            attempt: 1,
            synthetic: false,
        }
    }
}
