//! What spans and log records have in common: who tells, for whom, when.

use std::sync::Arc;

use capture::{Answer, CallHead, Identity, Report, ResponseStart, Route};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use record::{Oddity, Origin, RecordId, SpanId, Timestamp, TraceId};
use serde_json::{Map, Value, json};

use super::Context;
use super::attributes::{Attributes, object};
use super::call::Call;

/// The resource and the scope that a span or log record stands in.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    service: Option<String>,
    environment: Option<String>,
    resource: Map<String, Value>,
    scope: Option<Value>,
}

impl Around {
    pub(super) fn of(resource: Option<Resource>) -> Self {
        let resource = resource.map(|resource| object(resource.attributes)).unwrap_or_default();
        let text = |name: &str| {
            let text = resource.get(name)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        // What an SDK calls a service that has no name.
        let service = text("service.name").filter(|name| !name.starts_with("unknown_service"));
        let environment =
            text("deployment.environment.name").or_else(|| text("deployment.environment"));
        Self { service, environment, resource, scope: None }
    }

    pub(super) fn with(&self, scope: Option<InstrumentationScope>) -> Self {
        let told = scope.filter(|scope| !scope.name.is_empty());
        let scope = told.map(|scope| json!({ "name": scope.name, "version": scope.version }));
        Self { scope, ..self.clone() }
    }

    /// What stands beside the attributes that nobody took.
    pub(super) fn rest(&self, attributes: Attributes, mut span: Value) -> Map<String, Value> {
        let mut rest = Map::new();
        if let (Value::Object(members), Some(scope)) = (&mut span, &self.scope) {
            members.insert("scope".to_owned(), scope.clone());
        }
        rest.insert("span".to_owned(), span);
        if !attributes.is_empty() {
            rest.insert("attributes".to_owned(), attributes.into_rest());
        }
        if !self.resource.is_empty() {
            rest.insert("resource".to_owned(), Value::Object(self.resource.clone()));
        }
        rest
    }

    /// The head of a call or event, with what attributes tell of the person and the provider.
    pub(super) fn head(
        &self,
        attributes: &mut Attributes,
        trace: TraceId,
        cx: &Context,
    ) -> CallHead {
        let mut head = CallHead::told(route(attributes, cx), Origin::Otlp, trace);
        head.service.clone_from(&self.service);
        head.environment.clone_from(&self.environment);
        head.user = attributes.take_text(&[
            "user.id",
            "enduser.id",
            "traceloop.association.properties.user_id",
            "traceloop.association.properties.user.id",
        ]);
        head.session = attributes.take_text(&[
            "gen_ai.conversation.id",
            "session.id",
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.session.id",
        ]);
        if head.user.is_some() || head.session.is_some() {
            head.identity = Identity::Telemetry;
        }
        head
    }
}

/// The route, with the provider that the attributes name.
fn route(attributes: &mut Attributes, cx: &Context) -> Arc<Route> {
    // In this order: OpenLLMetry still writes `gen_ai.system` beside the new name.
    let names = ["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"];
    let told = names.into_iter().find_map(|name| {
        let word = attributes.text(name)?.to_ascii_lowercase();
        let clear = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (word.len() <= 64 && word.bytes().all(clear)).then_some((name, word))
    });
    let Some((name, provider)) = told else { return cx.route.clone() };
    attributes.take(name);
    Arc::new(Route { provider, ..Route::clone(&cx.route) })
}

/// When a span or log record was, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) began: Timestamp,
    pub(super) ended: Option<Timestamp>,
}

impl When {
    /// Of nanoseconds since 1970; 0 is no time.
    pub(super) fn of(start: u64, end: u64, now: Timestamp, oddities: &mut Vec<Oddity>) -> Self {
        let (start, end) = (at(start), at(end));
        let began = start.or(end).unwrap_or(now);
        if start.is_none() {
            oddities.push(Oddity::new("time_missing"));
        }
        if end.is_some_and(|end| end < began) {
            oddities.push(Oddity::new("ends_before_start"));
        }
        Self { began, ended: end.filter(|end| *end >= began) }
    }

    pub(super) fn total_us(self) -> Option<u64> {
        self.ended.map(|ended| ended.since_us(self.began))
    }
}

/// Microseconds of nanoseconds since 1970.
pub(super) fn at(nanos: u64) -> Option<Timestamp> {
    (nanos > 0).then(|| Timestamp(i64::try_from(nanos / 1000).unwrap_or(i64::MAX)))
}

/// A trace id of OTLP; `None` when there is none, an error when it is none.
pub(super) fn trace_id(bytes: &[u8]) -> Result<Option<TraceId>, String> {
    match <[u8; 16]>::try_from(bytes) {
        Ok(id) if id != [0; 16] => Ok(Some(TraceId(id))),
        _ if bytes.iter().all(|byte| *byte == 0) => Ok(None),
        _ => Err(format!("trace_id: expected 16 bytes, there are {}", bytes.len())),
    }
}

/// A span id of OTLP; `None` when there is none, an error when it is none.
pub(super) fn span_id(name: &str, bytes: &[u8]) -> Result<Option<SpanId>, String> {
    match <[u8; 8]>::try_from(bytes) {
        Ok(id) if id != [0; 8] => Ok(Some(SpanId(id))),
        _ if bytes.iter().all(|byte| *byte == 0) => Ok(None),
        _ => Err(format!("{name}: expected 8 bytes, there are {}", bytes.len())),
    }
}

/// A call, ready to be reported.
pub(super) struct Finished {
    pub(super) id: RecordId,
    pub(super) head: CallHead,
    pub(super) when: When,
    pub(super) first_token_us: Option<u64>,
    pub(super) oddities: Vec<Oddity>,
    /// Whether it is known how the call ended.
    pub(super) answered: bool,
}

impl Finished {
    pub(super) fn report(
        mut self,
        call: Call,
        operation: &str,
        rest: Map<String, Value>,
    ) -> Report {
        if !call.has_messages() {
            // The application's exporter is not set to tell what was said.
            self.oddities.push(Oddity::new("messages_missing"));
        }
        let (request, answer) = call.into_bodies(operation, rest);
        self.head.format = Some(provider::Format::OtelGenAi);
        let answer = self.answered.then(|| Answer {
            start: ResponseStart {
                status: 0,
                content_type: Some("application/json".to_owned()),
                content_encoding: None,
                provider_request_id: None,
                tokens: provider::HeaderTokens::default(),
            },
            body: answer.to_string().into_bytes(),
            complete: true,
            first_byte_us: None,
            first_token_us: self.first_token_us,
            total_us: self.when.total_us(),
        });
        Report {
            id: Some(self.id),
            head: self.head,
            began: self.when.began,
            request: request.to_string().into_bytes(),
            answer,
            oddities: self.oddities,
        }
    }
}
