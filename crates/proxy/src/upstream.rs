//! Connections to a provider, kept for the next call.

use std::collections::VecDeque;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use capture::Route;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::sigv4::Signing;
use crate::tee::TeeRequest;

/// A connection that was idle for longer is not used again: providers close them about then.
const IDLE: Duration = Duration::from_secs(55);
const CONNECT: Duration = Duration::from_secs(10);
const KEPT: usize = 512;

/// Where an upstream is: scheme, authority and a path that is put before every call's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Without a slash at the end.
    pub(crate) path: String,
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("{text:?} is not a base URL such as https://api.openai.com: {why}");
        let uri: http::Uri = text.parse().map_err(|_| wrong("it does not parse"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("it does not start with http:// or https://")),
        };
        let host =
            uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it has no host"))?;
        if uri.query().is_some() {
            return Err(wrong("it has a query"));
        }
        Ok(Self {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl BaseUrl {
    /// Its host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, the scheme's own where none was given.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

/// An upstream as it is configured.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Where it is.
    pub base_url: BaseUrl,
    /// How its calls are recorded.
    pub route: Arc<Route>,
    /// How its calls are signed, where they are: those that carry a signature of the client's or no
    /// `Authorization` at all. Others pass as they are.
    pub signing: Option<Signing>,
}

/// An upstream with its idle connections, of one server thread.
pub(crate) struct Upstream {
    pub(crate) config: UpstreamConfig,
    host: HeaderValue,
    tls: TlsConnector,
    idle: Mutex<VecDeque<(Connection, Instant)>>,
}

pub(crate) type Connection = http1::SendRequest<TeeRequest>;

/// Why a call got no answer.
pub(crate) enum CallError {
    /// The request comes back unsent.
    Connect(io::Error, Box<Request<TeeRequest>>),
    Broken(hyper::Error),
}

impl Upstream {
    pub(crate) fn new(config: UpstreamConfig, tls: TlsConnector) -> Self {
        let base = &config.base_url;
        let default = if base.tls { 443 } else { 80 };
        let bracketed =
            if base.host.contains(':') { format!("[{}]", base.host) } else { base.host.clone() };
        let host =
            if base.port == default { bracketed } else { format!("{bracketed}:{}", base.port) };
        let host = HeaderValue::from_str(&host).unwrap_or_else(|_| HeaderValue::from_static(""));
        Self { config, host, tls, idle: Mutex::default() }
    }

    /// The value of `Host`.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Sends a request and waits for the head of the answer. The connection comes back too, to be
    /// [kept](Self::keep) when the body is over.
    pub(crate) async fn call(
        &self,
        mut request: Request<TeeRequest>,
    ) -> Result<(Response<Incoming>, Connection), CallError> {
        // An idle connection may be closed by the provider just now; hyper then gives the request
        // back unsent, and another connection takes it.
        while let Some(mut connection) = self.take_idle() {
            if connection.ready().await.is_err() {
                continue;
            }
            match connection.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(CallError::Broken(error.into_error())),
                },
            }
        }
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return Err(CallError::Connect(error, Box::new(request))),
        };
        match connection.try_send_request(request).await {
            Ok(response) => Ok((response, connection)),
            Err(mut error) => Err(match error.take_message() {
                Some(unsent) => {
                    CallError::Connect(io::Error::other(error.into_error()), Box::new(unsent))
                }
                None => CallError::Broken(error.into_error()),
            }),
        }
    }

    /// Keeps a connection for the next call.
    pub(crate) fn keep(&self, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push_back((connection, Instant::now()));
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.front().is_some_and(|(_, since)| since.elapsed() > IDLE) {
            idle.pop_front();
        }
        while let Some((connection, _)) = idle.pop_back() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> io::Result<Connection> {
        let base = &self.config.base_url;
        let connecting = async {
            let stream = TcpStream::connect((base.host.as_str(), base.port)).await?;
            stream.set_nodelay(true)?;
            if base.tls {
                let name = ServerName::try_from(base.host.clone())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                handshake(self.tls.connect(name, stream).await?).await
            } else {
                handshake(stream).await
            }
        };
        tokio::time::timeout(CONNECT, connecting)
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in 10 s")))
    }
}

async fn handshake<S>(stream: S) -> io::Result<Connection>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // The call that uses the connection gets the error too.
            tracing::debug!(%error, "a connection to a provider ended");
        }
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_read() {
        let url: BaseUrl = "https://api.openai.com".parse().unwrap();
        assert_eq!((url.tls, url.port, url.path.as_str()), (true, 443, ""));
        let url: BaseUrl = "http://127.0.0.1:8000/v1/".parse().unwrap();
        assert_eq!((url.tls, url.port, url.path.as_str()), (false, 8000, "/v1"));
        for bad in ["api.openai.com", "ftp://x", "https://", "https://x?y=1", ""] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }
}
