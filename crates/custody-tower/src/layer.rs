//! The layer and its service.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::call::{Call, Side};
use crate::{Collector, Tee};

/// Records the calls of the client that it wraps.
#[derive(Debug, Clone)]
pub struct RecordLayer {
    collector: Collector,
    provider: String,
}

impl RecordLayer {
    /// Tells `collector` of every call; `provider` names the provider, as `openai` or `anthropic`.
    pub fn new(collector: Collector, provider: impl Into<String>) -> Self {
        Self { collector, provider: provider.into() }
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = Record<S>;

    fn layer(&self, inner: S) -> Record<S> {
        Record { inner, layer: self.clone() }
    }
}

/// A client whose calls are recorded.
#[derive(Debug, Clone)]
pub struct Record<S> {
    inner: S,
    layer: RecordLayer,
}

impl<S, Q, A> Service<Request<Q>> for Record<S>
where
    S: Service<Request<Tee<Q>>, Response = Response<A>>,
    S::Future: Send + 'static,
    Q: Body,
    A: Body,
{
    type Response = Response<Tee<A>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let RecordLayer { collector, provider } = &self.layer;
        let call = Call::new(collector, provider, &mut request);
        let request = request.map(|body| Tee::new(body, Arc::clone(&call), Side::Request));
        let answering = self.inner.call(request);
        Box::pin(async move {
            let (head, body) = answering.await?.into_parts();
            call.answered(head.status.as_u16(), &head.headers);
            Ok(Response::from_parts(head, Tee::new(body, call, Side::Answer)))
        })
    }
}
