//! Paths on the proxy's port that are Custody's own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

/// An answer to come.
pub type LocalAnswer = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// A face that shares the proxy's port: it takes some paths, the rest are upstreams.
pub trait Local: Send + Sync {
    /// Whether a path is its own.
    fn takes(&self, path: &str) -> bool;

    /// Answers a request on such a path.
    fn answer(self: Arc<Self>, request: Request<Incoming>) -> LocalAnswer;
}
