//! OTLP over gRPC: the services for traces and logs, usually on port 4317.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::wire::{logs_response, traces_response};
use super::{Context, OtlpRead, logs, traces};
use crate::Taken;

/// The largest message that is taken, decompressed, in bytes.
pub const MAX_MESSAGE: usize = 32 << 20;

/// Nothing can be recorded now: the sender keeps what it has and tries again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Who records what was read.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What the reader must know now.
    fn context(&self) -> Context;

    /// Records all of it, and comes back when it is durable: how many records there are of it now,
    /// those that were there before included.
    async fn record(&self, taken: Vec<Taken>) -> Result<u64, Unavailable>;

    /// Counts what told of no model.
    fn dropped(&self, _count: u64) {}

    /// Counts what could not be read.
    fn rejected(&self, _count: usize) {}
}

struct Service<H: ?Sized>(Arc<H>);

impl<H: Handler + ?Sized> Service<H> {
    async fn take(&self, read: OtlpRead) -> Result<Vec<String>, Status> {
        let OtlpRead { taken, dropped, rejected } = read;
        if dropped > 0 {
            self.0.dropped(dropped);
        }
        self.0.rejected(rejected.len());
        if !taken.is_empty() {
            self.0.record(taken).await.map_err(|why| Status::unavailable(why.to_string()))?;
        }
        Ok(rejected)
    }
}

#[async_trait]
impl<H: Handler + ?Sized> TraceService for Service<H> {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let read = traces(request.into_inner(), &self.0.context());
        let rejected = self.take(read).await?;
        Ok(Response::new(traces_response(&rejected)))
    }
}

#[async_trait]
impl<H: Handler + ?Sized> LogsService for Service<H> {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let read = logs(request.into_inner(), &self.0.context());
        let rejected = self.take(read).await?;
        Ok(Response::new(logs_response(&rejected)))
    }
}

/// Serves both services until `stop` is done; calls that run then are answered first. Messages up to
/// `max_message` bytes are taken, plain or in gzip.
pub async fn serve_grpc<H: Handler + ?Sized>(
    listener: TcpListener,
    handler: Arc<H>,
    max_message: usize,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let traces = TraceServiceServer::new(Service(handler.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(max_message);
    let logs = LogsServiceServer::new(Service(handler))
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(max_message);
    Server::builder()
        .add_service(traces)
        .add_service(logs)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop)
        .await
}
