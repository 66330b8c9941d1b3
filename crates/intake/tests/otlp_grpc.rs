//! The gRPC face, asked by the generated client over a real connection.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use capture::{Mode, Route};
use intake::Taken;
use intake::otlp::{Context, Handler, MAX_MESSAGE, Unavailable, serve_grpc};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use record::{RecordId, Timestamp};
use tonic::Code;
use tonic::codec::CompressionEncoding;

#[derive(Default)]
struct Counting {
    recorded: AtomicU64,
    dropped: AtomicU64,
    full: AtomicBool,
}

#[async_trait]
impl Handler for Counting {
    fn context(&self) -> Context {
        let route = Route {
            upstream: "otlp".to_owned(),
            provider: "unknown".to_owned(),
            family: provider::Family::Auto,
            mode: Mode::Observe,
            class: "default".to_owned(),
        };
        Context {
            route: Arc::new(route),
            now: Timestamp(1),
            id_of: Arc::new(|_, at| RecordId::new(at.unix_ms(), [0; 10])),
        }
    }

    async fn record(&self, taken: Vec<Taken>) -> Result<u64, Unavailable> {
        if self.full.load(Ordering::Relaxed) {
            return Err(Unavailable("the log cannot be written".to_owned()));
        }
        let count = u64::try_from(taken.len()).unwrap();
        self.recorded.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }

    fn dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

fn span(key: &str, value: &str, trace: usize) -> Span {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    Span {
        trace_id: vec![1; trace],
        span_id: vec![2; 8],
        attributes: vec![KeyValue {
            key: key.to_owned(),
            value: Some(value),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }],
    }
}

#[tokio::test]
async fn exports_are_recorded_before_they_are_answered() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let handler = Arc::new(Counting::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve_grpc(listener, handler.clone(), MAX_MESSAGE, async move {
        drop(stopped.await);
    }));

    let client = TraceServiceClient::connect(url.clone()).await.unwrap();
    let mut client = client
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    // Larger than what tonic takes by itself, 4 MiB.
    let large = "x".repeat(6 << 20);
    let spans = vec![
        span("gen_ai.request.model", "m", 16),
        span("gen_ai.request.model", "m", 3),
        span("http.route", &large, 16),
    ];
    let answer = client.export(request(spans)).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    assert_eq!(handler.recorded.load(Ordering::Relaxed), 1);
    assert_eq!(handler.dropped.load(Ordering::Relaxed), 1);

    let mut logs = LogsServiceClient::connect(url).await.unwrap();
    let answer = logs.export(ExportLogsServiceRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.partial_success, None);

    handler.full.store(true, Ordering::Relaxed);
    let spans = vec![span("gen_ai.request.model", "m", 16)];
    let refused = client.export(request(spans)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);

    stop.send(()).unwrap();
    drop((client, logs));
    server.await.unwrap().unwrap();
}
