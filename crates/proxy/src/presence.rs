//! Whether a client is still there, asked of the socket.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A client's connection, beside the server that reads and writes it.
#[derive(Clone)]
pub(crate) struct Presence(Option<Arc<OwnedFd>>);

/// What the socket says of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// It is there.
    Here,
    /// It will send no more. It may be reading still, or be gone: only writing tells.
    SendsNoMore,
    /// It is gone.
    Gone,
}

impl Presence {
    /// Of this connection. Where the system has no descriptor to spare, the client counts as there.
    pub(crate) fn of(stream: &tokio::net::TcpStream) -> Self {
        match rustix::io::dup(stream) {
            Ok(descriptor) => Self(Some(Arc::new(descriptor))),
            Err(error) => {
                tracing::debug!(%error, "a connection cannot be watched");
                Self(None)
            }
        }
    }

    /// Asks the socket; never waits.
    pub(crate) fn client(&self) -> Client {
        let Some(descriptor) = &self.0 else { return Client::Here };
        let mut polled = [PollFd::new(descriptor, PollFlags::RDHUP)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut polled, Some(&now)).is_err() {
            return Client::Here;
        }
        let [polled] = polled;
        let said = polled.revents();
        if said.intersects(PollFlags::ERR | PollFlags::HUP) {
            Client::Gone
        } else if said.contains(PollFlags::RDHUP) {
            Client::SendsNoMore
        } else {
            Client::Here
        }
    }
}
