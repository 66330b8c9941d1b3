//! The listening side: one thread a core, each with its own socket and connections.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::Capture;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::forward::Forwarder;
use crate::local::Local;
use crate::presence::Presence;
use crate::tls;
use crate::upstream::{Upstream, UpstreamConfig};

/// Why the proxy does not listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ProxyError {
    /// Where.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// A running proxy.
pub struct Proxy {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens and serves on `threads` threads; what `local` takes is its own.
    pub fn start(
        listen: SocketAddr,
        threads: usize,
        upstreams: &BTreeMap<String, UpstreamConfig>,
        capture: &Arc<Capture>,
        local: Option<&Arc<dyn Local>>,
    ) -> Result<Self, ProxyError> {
        let wrong = |source| ProxyError { address: listen, source };
        // Sharing a port lets a second process listen on it too: that is asked for here and now.
        drop(bind(listen, false).map_err(wrong)?);
        let first = bind(listen, true).map_err(wrong)?;
        // With port 0 the system chooses; the other threads share what it chose.
        let address = first.local_addr().map_err(wrong)?;
        let mut sockets = vec![first];
        for _ in 1..threads.max(1) {
            sockets.push(bind(address, true).map_err(wrong)?);
        }
        let tls = TlsConnector::from(tls::client_config());
        let (stop, stopped) = watch::channel(false);
        let connections = Arc::new(AtomicUsize::new(0));
        let mut handles = Vec::new();
        for (i, socket) in sockets.into_iter().enumerate() {
            let upstreams = upstreams
                .iter()
                .map(|(name, config)| {
                    (name.clone(), Arc::new(Upstream::new(config.clone(), tls.clone())))
                })
                .collect();
            let forwarder = Arc::new(Forwarder {
                capture: Arc::clone(capture),
                upstreams,
                local: local.cloned(),
            });
            let (stopped, connections) = (stopped.clone(), Arc::clone(&connections));
            let handle = std::thread::Builder::new()
                .name(format!("proxy-{i}"))
                .spawn(move || run(socket, forwarder, stopped, &connections))
                .map_err(wrong)?;
            handles.push(handle);
        }
        Ok(Self { address, stop, threads: handles, connections })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Takes no more connections, and waits for those that are there, at most `patience`.
    pub fn stop(self, patience: Duration) {
        // The receivers live as long as the threads.
        let _ended = self.stop.send(true);
        let deadline = std::time::Instant::now() + patience;
        while self.connections() > 0 && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        for thread in self.threads {
            if thread.is_finished() && thread.join().is_err() {
                tracing::error!("a proxy thread panicked");
            }
        }
    }
}

/// `share` lets other sockets listen on the same port, which needs that all of them do.
fn bind(address: SocketAddr, share: bool) -> io::Result<StdListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(share)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn run(
    socket: StdListener,
    forwarder: Arc<Forwarder>,
    stopped: watch::Receiver<bool>,
    connections: &Arc<AtomicUsize>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "a proxy thread cannot start");
            return;
        }
    };
    runtime.block_on(serve(socket, forwarder, stopped, connections));
}

async fn serve(
    socket: StdListener,
    forwarder: Arc<Forwarder>,
    mut stopped: watch::Receiver<bool>,
    connections: &Arc<AtomicUsize>,
) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the listening socket does not work");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop_asked(&mut stopped) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                // Without it a first token waits up to 40 ms for the client's acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY cannot be set");
                }
                let open = Open::new(connections);
                tokio::spawn(connection(stream, Arc::clone(&forwarder), stopped.clone(), open));
            }
            Err(error) => {
                // Out of file descriptors, mostly: the next moment may have some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while connections.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Calls whose clients left are read to their end by tasks of their own.
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    // An error means that the proxy itself is gone, which is a stop too.
    drop(stopped.wait_for(|stop| *stop).await);
}

async fn connection(
    stream: tokio::net::TcpStream,
    forwarder: Arc<Forwarder>,
    mut stopped: watch::Receiver<bool>,
    open: Open,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        // Clients may close their sending side and still wait for the answer.
        .half_close(true)
        .auto_date_header(false)
        .max_headers(256)
        .max_buf_size(512 * 1024);
    builder.http2().auto_date_header(false).max_header_list_size(512 * 1024);
    let presence = Presence::of(&stream);
    let service = service_fn(move |request| {
        let (forwarder, presence) = (Arc::clone(&forwarder), presence.clone());
        async move { Ok::<_, Infallible>(forwarder.handle(request, presence).await) }
    });
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop_asked(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a client's connection ended early");
    }
    drop(open);
}

/// Counts an open connection for as long as it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(connections: &Arc<AtomicUsize>) -> Self {
        connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connections))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
