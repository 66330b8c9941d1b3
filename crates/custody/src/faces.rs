//! The faces beside the proxy: events and telemetry on its port, OTLP over gRPC on its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use capture::Capture;
use intake::{Intake, IntakeConfig};
use record::Clock;
use tokio::sync::oneshot;

use crate::Failure;
use crate::config::{Config, OTLP_GRPC};

/// What takes in beside the proxy.
pub(crate) struct Faces {
    pub(crate) intake: Arc<Intake>,
    grpc: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
}

impl Faces {
    pub(crate) fn start(
        config: &Config,
        class: &str,
        capture: &Arc<Capture>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let max_body = config.capture.max_body.as_usize();
        let settings = IntakeConfig { class: class.to_owned(), max_body };
        let intake = Intake::new(Arc::clone(capture), Arc::clone(clock), settings)
            .map_err(|error| Failure::Run(error.into()))?;
        let intake = Arc::new(intake);
        let grpc = listener(&config.intake.grpc)?
            .map(|listener| serve(listener, &intake, max_body))
            .transpose()
            .map_err(Failure::Run)?;
        Ok(Self { intake, grpc })
    }

    /// Takes nothing more in over gRPC; what is on its way is answered first.
    pub(crate) fn stop(self) {
        let Some((thread, stop)) = self.grpc else { return };
        let _gone = stop.send(());
        if thread.join().is_err() {
            tracing::error!("the gRPC face panicked");
        }
    }
}

/// Where OTLP over gRPC listens. Another program may have the usual port: then this face is off, and
/// the log says so. A port that was asked for must be free.
fn listener(address: &str) -> Result<Option<TcpListener>, Failure> {
    if address.is_empty() {
        return Ok(None);
    }
    let socket: SocketAddr = address
        .parse()
        .with_context(|| format!("[intake] grpc = {address:?} is no address such as {OTLP_GRPC}"))
        .map_err(Failure::Usage)?;
    match TcpListener::bind(socket) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if address == OTLP_GRPC => {
            tracing::warn!(%error, "OTLP over gRPC is off: {OTLP_GRPC} cannot be listened on");
            Ok(None)
        }
        Err(error) => Err(Failure::Run(
            anyhow::Error::new(error).context(format!("cannot listen on {address} for gRPC")),
        )),
    }
}

fn serve(
    listener: TcpListener,
    intake: &Arc<Intake>,
    max_body: usize,
) -> anyhow::Result<(JoinHandle<()>, oneshot::Sender<()>)> {
    listener.set_nonblocking(true)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let intake = Arc::clone(intake);
    let thread = std::thread::Builder::new().name("otlp-grpc".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let served: anyhow::Result<()> = runtime.map_err(Into::into).and_then(|runtime| {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let stopped = async { drop(stopped.await) };
                intake::otlp::serve_grpc(listener, intake, max_body, stopped).await?;
                Ok(())
            })
        });
        if let Err(error) = served {
            tracing::error!(%error, "OTLP over gRPC ended");
        }
    })?;
    Ok((thread, stop))
}
