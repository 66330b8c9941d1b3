//! Who calls and what the call belongs to, from the headers.

use std::collections::BTreeMap;
use std::sync::Arc;

use capture::{CallHead, Identity, Route, traceparent};
use http::{HeaderMap, HeaderValue, Method, header};
use rand::distr::{Distribution, StandardUniform};
use record::{Origin, SpanId, TraceId};

use crate::headers::text;
use crate::redact;
use crate::sigv4;

/// Headers that are kept with the request's skeleton.
const KEPT: [&str; 8] = [
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "user-agent",
];

/// Headers that only the Model Context Protocol has.
const MCP: [&str; 3] = ["mcp-method", "mcp-protocol-version", "mcp-session-id"];

/// Headers that carry credentials to the provider.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Reads the head of a call from its headers, and adds a `traceparent` when there is none.
pub fn read(
    route: Arc<Route>,
    method: &Method,
    path: &str,
    query: Option<&str>,
    headers: &mut HeaderMap,
) -> CallHead {
    let Trace { id: trace_id, span: parent_span_id, given: trace_given } = trace(headers);
    let own = |name: &str| text(headers, name).map(str::to_owned);
    let baggage = baggage(headers);
    let from_baggage = |name: &str| baggage.get(name).cloned();
    let raw_query = query;
    let (query, query_credential) = match query.map(redact::query) {
        Some((query, credential)) => (Some(query), credential.map(|c| c.as_bytes().to_vec())),
        None => (None, None),
    };
    let credential = sigv4::access_key_id(headers, raw_query)
        .map(String::into_bytes)
        .or_else(|| CREDENTIALS.iter().find_map(|n| Some(headers.get(*n)?.as_bytes().to_vec())))
        .or(query_credential);
    // Bytes only: whose it is takes longer than a call may wait.
    let token = headers.get("custody-token").map(|value| value.as_bytes().to_vec());
    let (user, identity) = match (own("custody-user"), from_baggage("user.id")) {
        (Some(user), _) => (Some(user), Identity::Header),
        (None, Some(user)) => (Some(user), Identity::Baggage),
        (None, None) => (None, Identity::None),
    };
    let roles = own("custody-role").or_else(|| from_baggage("user.roles"));
    CallHead {
        route,
        origin: Origin::Proxy,
        method: method.as_str().to_owned(),
        path: path.to_owned(),
        query,
        content_type: own("content-type"),
        content_encoding: own("content-encoding"),
        mcp: MCP.iter().any(|name| headers.contains_key(*name)),
        format: None,
        headers: KEPT.iter().filter_map(|name| Some((*name, own(name)?))).collect(),
        trace_id,
        trace_given,
        parent_span_id,
        client_request_id: ["x-request-id", "x-client-request-id", "amz-sdk-invocation-id"]
            .into_iter()
            .find_map(own),
        session: own("custody-session").or_else(|| from_baggage("session.id")),
        user,
        identity,
        roles: roles.map(|roles| list(&roles)).unwrap_or_default(),
        environment: own("custody-environment")
            .or_else(|| from_baggage("deployment.environment.name")),
        service: own("custody-service").or_else(|| from_baggage("service.name")),
        tags: own("custody-tags").map(|tags| pairs(&tags)).unwrap_or_default(),
        credential,
        token,
        attempt: attempt(headers),
        synthetic: false,
    }
}

/// Which try this is, from 1: as AWS's SDKs count, or OpenAI's and Anthropic's, which count retries.
fn attempt(headers: &HeaderMap) -> u32 {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let aws = text(headers, "amz-sdk-request").and_then(|value| {
        value.split(';').find_map(|pair| number(pair.trim().strip_prefix("attempt=")?))
    });
    let retries = || text(headers, "x-stainless-retry-count").and_then(number);
    aws.unwrap_or_else(|| retries().unwrap_or(0).saturating_add(1)).max(1)
}

/// What a call belongs to.
struct Trace {
    id: TraceId,
    span: Option<SpanId>,
    /// By a header of the caller, and not made here.
    given: bool,
}

/// The correlation id: the caller's `Custody-Correlation-Id`, else its `traceparent`, else a new
/// one, which is sent upstream.
fn trace(headers: &mut HeaderMap) -> Trace {
    let given = text(headers, "traceparent").and_then(traceparent);
    let named = text(headers, "custody-correlation-id").map(TraceId::named);
    let (id, told) = match (named, given) {
        (Some(named), Some((_, span))) => {
            return Trace { id: named, span: Some(span), given: true };
        }
        (None, Some((id, span))) => return Trace { id, span: Some(span), given: true },
        (Some(named), None) => (named, true),
        (None, None) => (TraceId(random()), false),
    };
    let made = format!("00-{id}-{}-01", SpanId(random()));
    if let Ok(value) = HeaderValue::from_str(&made) {
        headers.insert("traceparent", value);
    }
    Trace { id, span: None, given: told }
}

/// W3C Baggage §3.3.1: `key=value;properties, …`, values percent-encoded.
fn baggage(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .get_all("baggage")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|member| {
            let member = member.split(';').next()?;
            let (key, value) = member.split_once('=')?;
            Some((key.trim().to_owned(), percent_decode(value.trim())))
        })
        .collect()
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let decoded = (byte == b'%')
            .then(|| after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(decoded) = decoded {
            bytes.push(decoded);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn list(text: &str) -> Vec<String> {
    text.split([',', ';']).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    list(text)
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key.trim().to_owned(), value.trim().to_owned()),
            None => (pair.clone(), String::new()),
        })
        .collect()
}

/// Random bytes of this thread's generator: a system call for each id would be two in every call.
fn random<const N: usize>() -> [u8; N]
where
    StandardUniform: Distribution<[u8; N]>,
{
    rand::random()
}

/// Whether any header says that this connection wants to become another protocol.
pub(crate) fn wants_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

#[cfg(test)]
mod tests {
    use capture::Mode;

    use super::*;

    fn head(headers: &[(&'static str, &str)]) -> (CallHead, HeaderMap) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let route = Arc::new(Route {
            upstream: "openai".into(),
            provider: "openai".into(),
            family: provider::Family::OpenAi,
            mode: Mode::Evidence,
            class: "standard".into(),
        });
        let head = read(route, &Method::POST, "/v1/x", Some("key=abc&z=1"), &mut map);
        (head, map)
    }

    #[test]
    fn headers_win_over_baggage() {
        let (head, _) = head(&[
            ("custody-user", "alice"),
            ("baggage", "user.id=bob;p=1, session.id=s%201 ,user.roles=a"),
            ("custody-tags", "team=red, plain"),
            ("custody-role", "support, lead"),
            ("x-stainless-retry-count", "2"),
            ("custody-token", "Bearer x.y.z"),
        ]);
        assert_eq!((head.user.as_deref(), head.identity), (Some("alice"), Identity::Header));
        assert_eq!(head.session.as_deref(), Some("s 1"));
        assert_eq!(head.roles, ["support", "lead"]);
        assert_eq!(head.tags.get("team").map(String::as_str), Some("red"));
        assert_eq!(head.tags.get("plain").map(String::as_str), Some(""));
        assert_eq!(head.attempt, 3);
        assert_eq!(head.credential.as_deref(), Some(b"abc".as_slice()));
        assert_eq!(head.query.as_deref(), Some("key=REDACTED&z=1"));
        assert_eq!(head.token.as_deref(), Some(b"Bearer x.y.z".as_slice()));
        assert!(!head.headers.iter().any(|(_, value)| value.contains("x.y.z")));
    }

    #[test]
    fn aws_clients_are_told_by_their_key_and_count_their_tries() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=5f4b";
        let (head, _) = head(&[
            ("authorization", signed),
            ("x-amz-security-token", "c2Vzc2lvbg"),
            ("amz-sdk-invocation-id", "0b6d0a4e-1"),
            ("amz-sdk-request", "attempt=2; max=5"),
        ]);
        assert_eq!(head.credential.as_deref(), Some(b"AKIDEXAMPLE".as_slice()));
        assert_eq!(head.client_request_id.as_deref(), Some("0b6d0a4e-1"));
        assert_eq!(head.attempt, 2);
        assert!(!format!("{head:?}").contains("5f4b") && !format!("{head:?}").contains("c2Vz"));
    }

    #[test]
    fn a_trace_context_is_taken_or_made() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let (taken, map) = head(&[("traceparent", parent)]);
        assert_eq!(taken.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(taken.parent_span_id.unwrap().to_string(), "b7ad6b7169203331");
        assert_eq!(map["traceparent"], parent);

        let (made, map) = head(&[]);
        let sent = map["traceparent"].to_str().unwrap();
        assert!(sent.starts_with(&format!("00-{}-", made.trace_id)), "{sent}");
        assert!(made.parent_span_id.is_none());
        assert!(taken.trace_given && !made.trace_given);

        for bad in ["", "00-x", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            let (made, map) = head(&[("traceparent", bad)]);
            assert!(made.trace_id.is_valid());
            assert_ne!(map["traceparent"], bad);
        }
    }

    #[test]
    fn a_named_correlation_is_found_again() {
        let uuid = "0af76519-16cd-43dd-8448-eb211c80319c";
        assert_eq!(TraceId::named(uuid).to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(head(&[("custody-correlation-id", uuid)]).0.trace_given);
        assert_eq!(TraceId::named("order 17"), TraceId::named("order 17"));
        assert_ne!(TraceId::named("order 17"), TraceId::named("order 18"));
    }
}
