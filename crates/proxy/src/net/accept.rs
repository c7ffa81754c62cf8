//! Accepting connections on one socket.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;
use tokio::net::{TcpListener, UnixListener};

use super::datagram::{DatagramListener, Datagrams};
use super::endpoint::Endpoint;
use super::transport::Transport;

/// How long nothing is accepted where the system has no room for another connection. Trying at once would only burn time.
const BACK_OFF: Duration = Duration::from_millis(500);

/// A listening socket that is registered with the event loop of this thread.
#[derive(Debug)]
pub(crate) struct Listener {
    kind: Kind,
    address: Endpoint,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
    Udp(DatagramListener),
}

/// What came.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A connection.
    Connection(Transport),
    /// A session of datagrams.
    Datagrams(Datagrams),
}

impl Listener {
    /// Takes over a bound, listening socket.
    pub(super) fn new(socket: Socket, address: Endpoint) -> io::Result<Self> {
        let kind = match &address {
            Endpoint::Ip(_) => Kind::Tcp(TcpListener::from_std(socket.into())?),
            Endpoint::Unix(_) => Kind::Unix(UnixListener::from_std(socket.into())?),
        };
        Ok(Self { kind, address })
    }

    /// Takes over a bound socket for datagrams.
    pub(super) fn of_datagrams(socket: Socket, address: Endpoint) -> io::Result<Self> {
        let kind = Kind::Udp(DatagramListener::new(socket)?);
        Ok(Self { kind, address })
    }

    /// Whether it is for datagrams.
    pub(crate) const fn is_udp(&self) -> bool {
        matches!(self.kind, Kind::Udp(_))
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> &Endpoint {
        &self.address
    }

    /// The next connection or session. Connections that ended before they were accepted are passed over. Where the system has no
    /// room (files, memory), `trouble` is told and nothing is accepted for half a second; that goes on until there is room.
    pub(crate) async fn accept(&self, trouble: impl Fn(&io::Error)) -> Arrival {
        loop {
            match self.accept_once().await {
                Ok(arrival) => return arrival,
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    trouble(&error);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// The connections that wait already. For a listener that is about to be closed: the system would reset them.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Transport> {
        let mut cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(move || match pin!(self.accept_once()).poll(&mut cx) {
            Poll::Ready(Ok(Arrival::Connection(transport))) => Some(transport),
            _ => None,
        })
    }

    async fn accept_once(&self) -> io::Result<Arrival> {
        let transport = match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Transport::tcp(stream, Endpoint::Ip(peer))
            }
            Kind::Unix(listener) => {
                let (stream, peer) = listener.accept().await?;
                let path = peer.as_pathname().and_then(|path| path.to_str());
                let peer = path.map_or_else(Endpoint::unnamed, |path| Endpoint::Unix(path.into()));
                Transport::unix(stream, peer)
            }
            Kind::Udp(listener) => return listener.accept().await.map(Arrival::Datagrams),
        };
        Ok(Arrival::Connection(transport))
    }
}

/// The error is one connection's, not the listener's: accept(2) hands on what the network said of it.
fn is_passing(error: &io::Error) -> bool {
    let lasting = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::BADF,
        Errno::INVAL,
        Errno::NOTSOCK,
    ];
    Errno::from_io_error(error).is_some_and(|errno| !lasting.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_error_it_is() {
        for (errno, passing) in [
            (Errno::CONNABORTED, true),
            (Errno::INTR, true),
            (Errno::PROTO, true),
            (Errno::HOSTUNREACH, true),
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOBUFS, false),
        ] {
            assert_eq!(is_passing(&errno.into()), passing, "{errno:?}");
        }
    }
}
