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
    /// An access token.
    Token,
    /// A JWT of the OIDC issuer.
    Oidc,
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
            Self::Token => "token",
            Self::Oidc => "oidc",
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
    /// Whether a header named the correlation id. One that was made gives way to the trace that a
    /// tool server's message names in its `_meta`; the id that the answer's header told then
    /// differs from the record's.
    pub trace_given: bool,
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
    /// The access token or JWT that came for Custody; nothing of it is kept.
    pub token: Option<Vec<u8>>,
    /// 1, or more when the caller says that it tries again.
    pub attempt: u32,
    /// Made by a probe or a replay.
    pub synthetic: bool,
}

impl CallHead {
    /// Takes the trace that a body names, unless a header named one.
    pub(crate) fn take_trace(&mut self, told: Option<&str>) {
        if !self.trace_given
            && let Some((trace, span)) = told.and_then(traceparent)
        {
            self.trace_id = trace;
            self.parent_span_id = Some(span);
        }
    }
}

/// W3C Trace Context §3.2: `version-traceid-parentid-flags`; `None` when it is not valid.
pub fn traceparent(value: &str) -> Option<(TraceId, SpanId)> {
    let mut fields = value.split('-');
    let (version, trace, span) = (fields.next()?, fields.next()?, fields.next()?);
    let flags = fields.next()?;
    let known = version.len() == 2 && version != "ff" && flags.len() == 2;
    if !known || (version == "00" && fields.next().is_some()) {
        return None;
    }
    let lower = |text: &str| !text.bytes().any(|b| b.is_ascii_uppercase());
    if !lower(trace) || !lower(span) {
        return None;
    }
    let (trace, span): (TraceId, SpanId) = (trace.parse().ok()?, span.parse().ok()?);
    (trace.is_valid() && span.0 != [0; 8]).then_some((trace, span))
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
    /// Custody refused the call: it has no credentials to sign it with.
    NoCredentials,
    /// Custody refused the call: it would have to hold the body to sign it, and it is too large.
    TooLarge,
    /// Custody refused the call: it is one that cannot be signed again.
    Unsignable,
}

impl Failure {
    /// The word for it in records and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "upstream_unreachable",
            Self::Broken => "upstream_broken",
            Self::ClientGone => "client_gone",
            Self::RequestBroken => "request_broken",
            Self::Withheld => "log_unwritable",
            Self::NoCredentials => "no_credentials",
            Self::TooLarge => "request_too_large",
            Self::Unsignable => "cannot_sign",
        }
    }

    /// Whether it was Custody that said no.
    pub(crate) const fn is_refusal(self) -> bool {
        matches!(self, Self::Withheld | Self::NoCredentials | Self::TooLarge | Self::Unsignable)
    }

    pub(crate) fn error(self) -> ProviderError {
        ProviderError { code: None, kind: self.as_str().to_owned() }
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
            trace_given: true,
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
            token: None,
            attempt: 1,
            synthetic: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(trace_given: bool) -> CallHead {
        let route = Route {
            upstream: "tools".to_owned(),
            provider: "tools".to_owned(),
            family: Family::Mcp,
            mode: Mode::Observe,
            class: "standard".to_owned(),
        };
        CallHead {
            mcp: true,
            trace_given,
            ..CallHead::told(Arc::new(route), Origin::Proxy, TraceId([1; 16]))
        }
    }

    #[test]
    fn a_trace_of_the_body_counts_when_no_header_named_one() {
        let told = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut made = head(false);
        made.take_trace(Some(told));
        assert_eq!(made.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(made.parent_span_id.map(|span| span.to_string()).unwrap(), "b7ad6b7169203331");

        let mut given = head(true);
        given.take_trace(Some(told));
        assert_eq!(given.trace_id, TraceId([1; 16]));
        for bad in [None, Some(""), Some("00-x-y-01")] {
            let mut made = head(false);
            made.take_trace(bad);
            assert_eq!((made.trace_id, made.parent_span_id), (TraceId([1; 16]), None));
        }
    }
}
