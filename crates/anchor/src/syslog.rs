//! Messages of RFC 5424, and sending them over UDP (RFC 5426) or TCP with octet counting
//! (RFC 6587 §3.4.1).

use std::io::{self, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

/// local0, informational.
const PRIORITY: u8 = 134;
/// RFC 5612: the enterprise number for those that have none.
const ENTERPRISE: u32 = 32_473;

/// What of a message differs from line to line.
pub(crate) struct Message<'a> {
    /// RFC 3339, at most six digits of a second.
    pub(crate) time: &'a str,
    pub(crate) host: &'a str,
    pub(crate) kind: &'a str,
    /// Structured data: names and values.
    pub(crate) data: &'a [(&'a str, &'a str)],
    pub(crate) text: &'a str,
}

impl Message<'_> {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let host: String = self.host.chars().filter(char::is_ascii_graphic).take(255).collect();
        let host = if host.is_empty() { "-" } else { &host };
        let mut data = String::new();
        for (name, value) in self.data {
            data.push(' ');
            data.push_str(name);
            data.push_str("=\"");
            data.push_str(&escaped(value));
            data.push('"');
        }
        format!(
            "<{PRIORITY}>1 {} {host} custody {} {} [custody@{ENTERPRISE}{data}] \u{feff}{}",
            self.time,
            std::process::id(),
            self.kind,
            self.text
        )
        .into_bytes()
    }
}

/// RFC 5424 §6.3.3.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Sends messages one by one. Neither way is acknowledged: sent is not received.
#[derive(Debug)]
pub(crate) enum Sender {
    Udp(String),
    Tcp(String, Option<TcpStream>),
}

impl Sender {
    pub(crate) fn send(&mut self, message: &[u8], deadline: Instant) -> io::Result<()> {
        match self {
            Self::Udp(to) => {
                let to = resolve(to)?;
                let from: SocketAddr =
                    if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
                UdpSocket::bind(from)?.send_to(message, to).map(|_| ())
            }
            Self::Tcp(to, connection) => {
                let mut framed = format!("{} ", message.len()).into_bytes();
                framed.extend_from_slice(message);
                let usable = connection.take().filter(|stream| !is_closed(stream));
                let mut stream = match usable {
                    Some(stream) => stream,
                    None => TcpStream::connect_timeout(&resolve(to)?, left(deadline)?)?,
                };
                stream.set_write_timeout(Some(left(deadline)?))?;
                stream.write_all(&framed)?;
                // Half a message is never followed by another: after an error the connection goes.
                *connection = Some(stream);
                Ok(())
            }
        }
    }
}

fn resolve(to: &str) -> io::Result<SocketAddr> {
    let none = || io::Error::new(ErrorKind::NotFound, format!("{to} has no address"));
    to.to_socket_addrs()?.next().ok_or_else(none)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Whether the other side has hung up: a first write after that would seem to work.
fn is_closed(stream: &TcpStream) -> bool {
    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0; 1]));
    let back = stream.set_nonblocking(false);
    back.is_err()
        || match looked {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn a_message_is_that_of_rfc_5424() {
        let message = Message {
            time: "2026-11-23T12:00:00.123456Z",
            host: "proxy 1",
            kind: "CHECKPOINT",
            data: &[("origin", "custody.local/x"), ("odd", "a\"b\\c]d")],
            text: "{}",
        };
        let expected = format!(
            "<134>1 2026-11-23T12:00:00.123456Z proxy1 custody {} CHECKPOINT \
             [custody@32473 origin=\"custody.local/x\" odd=\"a\\\"b\\\\c\\]d\"] \u{feff}{{}}",
            std::process::id()
        );
        assert_eq!(String::from_utf8(message.to_bytes()).unwrap(), expected);
    }

    #[test]
    fn tcp_counts_octets_and_connects_anew() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let mut sender = Sender::Tcp(to, None);
        sender.send("é1".as_bytes(), soon()).unwrap();
        let (mut first, _) = listener.accept().unwrap();
        sender.send(b"two", soon()).unwrap();
        let mut read = [0; 10];
        first.read_exact(&mut read).unwrap();
        assert_eq!(read, "3 é13 two".as_bytes());
        drop(first);
        // The end of the connection takes a moment to be seen.
        std::thread::sleep(Duration::from_millis(50));
        sender.send(b"three", soon()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        let mut read = [0; 7];
        second.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"5 three");
        drop((second, listener));
        std::thread::sleep(Duration::from_millis(50));
        assert!(sender.send(b"four", soon()).is_err());
    }

    #[test]
    fn udp_sends_one_datagram_each() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sender = Sender::Udp(socket.local_addr().unwrap().to_string());
        sender.send(b"one", soon()).unwrap();
        let mut read = [0; 16];
        assert_eq!(socket.recv(&mut read).unwrap(), 3);
    }
}
